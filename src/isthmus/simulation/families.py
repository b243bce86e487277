"""Families of worlds: what is planted in none of them is an effect to find.

The poles' tie, other pairs' ties, and whatever movers or joint papers gain do not
change in any family. Each makes one more thing happen that a study may take for such
a change. :func:`isthmus.simulation.planted_claims.planted_claims` says of each claim whether the
world makes it true.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from isthmus.errors import InputError
from isthmus.simulation.settings import PairCurve, WorldSettings


def sizes(n_works: int, seed: int, **changes: Any) -> WorldSettings:
    """Countries differ in size and growth and in nothing else.

    The placebo world. Planted: shares of the world's works that rise and fall. Not
    planted: ties, impact, effects of joint papers, reasons to move.
    """
    return WorldSettings(n_works, seed, **changes)


def constant_ties(n_works: int, seed: int, **changes: Any) -> WorldSettings:
    """Every pair of countries has a lasting tie, strong or weak, that never changes.

    Planted: a log-multiplier of each pair's joint works and citations, drawn once with
    standard deviation .5; .5 is added to that of US and CN. Because sizes move, a
    country that is cited more by growing partners gathers more citations with time.
    Not planted: any change of a tie, any effect of joint papers.
    """
    return _family(
        n_works,
        seed,
        {"lasting_affinity": 0.5, "affinity_pairs": (PairCurve("US", "CN", ((1998, 0.5),)),)},
        changes,
    )


def drifting_impact(n_works: int, seed: int, **changes: Any) -> WorldSettings:
    """Citations to each country's works rise or fall over the years, at random.

    Planted: a yearly rate of the log impact of each country, drawn once with standard
    deviation .04, in either direction; so mean impact and shares of hits move. Nobody has
    employers in two countries, so that the impact of a work is that of one country. Not
    planted: ties, any gain of joint papers over other papers of the same leading country.
    """
    return _family(n_works, seed, {"impact_drift": 0.04, "double_affiliations": 0.0}, changes)


def longer_lists(n_works: int, seed: int, **changes: Any) -> WorldSettings:
    """Reference lists grow by 4 % a year, from 14 references on average.

    Planted: everybody's citations rise alike. Not planted: that any country's impact
    rises relative to others', ties, any effect of joint papers.
    """
    return _family(n_works, seed, {"references": 14.0, "reference_growth": 1.04}, changes)


def missing_affiliations(n_works: int, seed: int, **changes: Any) -> WorldSettings:
    """Affiliations are missing more and more, in some countries and venues more than others.

    Planted: the chance rises from 2 % to 35 %, times a factor of each country and of each
    venue (log-standard deviation .5). Not planted: anything in what was written.
    """
    planted = {"missing_affiliations": ((1998, 0.02), (2021, 0.35)), "missing_spread": 0.5}
    return _family(n_works, seed, planted, changes)


def many_movers(n_works: int, seed: int, **changes: Any) -> WorldSettings:
    """Every author moves with a chance of 5 % a year, whoever they are.

    Planted: many moves, to countries by size. Not planted: that movers are older, more
    productive or more cited than others of their country and year of entry, or that they
    write with the country they left more than others do.
    """
    return _family(n_works, seed, {"migration_rate": 0.05}, changes)


def overdispersed(n_works: int, seed: int, **changes: Any) -> WorldSettings:
    """Joint works and citations of each pair vary more than chance says, without trend.

    Planted: for each pair and year a gamma factor of variance .07, and noise in the
    logarithm with standard deviation .1 and correlation .6 from year to year; citations
    per paper with a heavier tail (log-standard deviation 1.5). Not planted: any trend.
    """
    planted = {
        "pair_dispersion": 0.07,
        "pair_noise": 0.1,
        "pair_noise_memory": 0.6,
        "impact_sigma": 1.5,
    }
    return _family(n_works, seed, planted, changes)


#: Families by name.
FAMILIES: dict[str, Callable[..., WorldSettings]] = {
    made.__name__: made
    for made in (
        sizes,
        constant_ties,
        drifting_impact,
        longer_lists,
        missing_affiliations,
        many_movers,
        overdispersed,
    )
}


def family_world(name: str, n_works: int, seed: int, **changes: Any) -> WorldSettings:
    """Return the settings of a world of a family; `changes` replace any.

    Raises
    ------
    InputError
        No family has this name; the message lists them.
    """
    if name not in FAMILIES:
        raise InputError(
            f"No family of worlds is called {name!r}. Choose one of: {', '.join(FAMILIES)}."
        )
    return FAMILIES[name](n_works, seed, **changes)


def _family(
    n_works: int, seed: int, planted: dict[str, Any], changes: dict[str, Any]
) -> WorldSettings:
    """Plant on a world whose reference lists are full, so that its size moves no citations."""
    return WorldSettings(n_works, seed, **({"full_lists": True} | planted | changes))
