"""What a world's settings make us expect, before anything is drawn.

Expectations by country and year, from the laws of :mod:`isthmus.simulation.teams` and
:mod:`isthmus.simulation.references` without their noise. They are close, not exact: third
countries, movers' ties and redrawn references are left out, and a paper's citations are
taken as its fitness. Who uses them leaves a margin.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from isthmus.simulation.country_sizes import size_trajectories
from isthmus.simulation.drawn_once import country_impact, missing_chance, planted_affinity
from isthmus.simulation.draws import Floats
from isthmus.simulation.settings import WorldSettings, pair_values
from isthmus.simulation.teams import expected_links

#: Share of a year's papers that are hits.
HIT_SHARE = 0.01

#: Years between a paper and the citations that are taken to count for its impact.
CITED_AFTER = 1


#: What takes the place of 0 where logarithms or shares are taken.
TINY = 1e-12


@dataclass(frozen=True)
class Expected:
    """Expectations; arrays are (years, countries) or (years, countries, countries).

    Attributes
    ----------
    affinity
        Log-multiplier of pairs.
    led, whole
        Papers a country leads with its affiliation known, and papers it is on.
    joint
        Papers that join a pair, each counted in both directions.
    impact
        Citations per paper led, on any scale that is the same in all years.
    hits
        Papers led that are among the most cited of their year.
    moves
        Moves from a country (first) to another, on any scale.
    home
        Citations of a country to itself over what its part in all citations gives.
    """

    affinity: Floats
    led: Floats
    whole: Floats
    joint: Floats
    impact: Floats
    hits: Floats
    moves: Floats
    home: Floats


def expected(settings: WorldSettings) -> Expected:
    """Work out what to expect of a world."""
    sizes = size_trajectories(settings.n_countries, len(settings.span))
    growth = settings.growth ** np.arange(len(sizes), dtype=np.float64)
    works = (settings.n_works * growth / growth.sum())[:, None]
    affinity = planted_affinity(settings)
    links = zip(works[:, 0], sizes, affinity, strict=True)
    joint = np.array([expected_links(settings, *one) for one in links])
    abroad = joint.sum(axis=2)
    home = settings.international_share * works * sizes**2
    looking = (abroad.sum(axis=1) / 2.0 + home.sum(axis=1))[:, None]
    written = (works - looking) * sizes + home + abroad / 2.0
    led = written * np.clip(1.0 - missing_chance(settings), TINY, 1.0)
    cited = _citations(settings, written / works, affinity)
    impact = cited.sum(axis=1) / np.maximum(written / works, TINY)
    chance = pair_values(settings, settings.migration_pairs, 1.0, symmetric=False)
    moves = works[:, :, None] * sizes[:, :, None] * sizes[:, None, :] * chance
    hits = led * _hit_chance(impact, led, settings.impact_sigma)
    whole = written + abroad / 2.0
    return Expected(affinity, led, whole, joint, impact, hits, moves, _home(cited))


def sizes_alone(settings: WorldSettings) -> WorldSettings:
    """Return the same world with nothing planted but sizes."""
    plain = WorldSettings(settings.n_works, settings.seed)
    kept = {
        name: getattr(settings, name)
        for name in ("years", "n_countries", "growth", "international_share", "impact_sigma")
    }
    return replace(plain, **kept)


def _citations(settings: WorldSettings, share: Floats, affinity: Floats) -> Floats:
    """Citations by citing and cited country (years, citing, cited), on any scale.

    A paper's is its fitness against that of the other papers of the year, by who cites.
    """
    fitness = np.maximum(country_impact(settings), TINY)
    appeal = np.exp(settings.citation_affinity * affinity)  # (years, citing, cited)
    competing = np.einsum("tij,tj->ti", appeal, share * fitness)
    later = np.minimum(np.arange(len(share)) + CITED_AFTER, len(share) - 1)
    lists = settings.reference_growth ** np.arange(len(share))
    given = (lists[:, None] * share[later] / competing)[:, :, None]
    return np.asarray(given * appeal * (share * fitness)[:, None, :])


def _home(cited: Floats) -> Floats:
    """Citations at home over those expected of the countries' totals, (years, countries)."""
    own = np.einsum("tii->ti", cited) * cited.sum(axis=(1, 2))[:, None]
    return np.asarray(own / np.maximum(cited.sum(axis=1) * cited.sum(axis=2), TINY))


def _hit_chance(impact: Floats, led: Floats, sigma: float) -> Floats:
    """Chance that a paper of each country is among the most cited of its year."""
    centre = np.log(impact)
    chance = np.empty_like(impact)
    for at, (mean, weight) in enumerate(zip(centre, led / led.sum(1, keepdims=True), strict=True)):

        def too_many(bar: float, mean: Floats = mean, weight: Floats = weight) -> float:
            return float(weight @ ndtr((mean - bar) / sigma)) - HIT_SHARE

        bar = brentq(too_many, mean.min() - 10.0 * sigma, mean.max() + 10.0 * sigma)
        chance[at] = ndtr((mean - bar) / sigma)
    return chance
