"""Papers of one year: who leads, who joins from where, and who signs.

An international work joins exactly two countries, drawn from
``size_i size_j exp(affinity_ij)``. The number of works shared by i and j is
then Poisson (binomial with small chances) with mean
``2 works international_share size_i size_j exp(affinity_ij)``: with no affinity
a product of one number per country, which is what a null model that keeps
strengths expects. Third countries and movers' old ties add to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.simulation.draws import Floats, Ints, choose, counts_above, stream
from isthmus.simulation.population import Institutions, Population
from isthmus.simulation.settings import WorldSettings

#: Chance of each further coauthor of an international work to sit in the partner country.
FOREIGN_SHARE = 0.3
#: Negative-binomial size of team sizes: the smaller, the heavier the tail.
TEAM_SPREAD = 3.0
#: Chance that the last author is the corresponding one (otherwise the first is).
LAST_CORRESPONDS = 0.6


@dataclass(frozen=True)
class Plans:
    """Works of a year before anyone is named; arrays over the year's works.

    ``partner`` and ``third`` are countries or -1; ``doubled`` works have no
    foreign coauthor but an author with employers in both countries; ``area`` is
    0 in the field and 1 outside.
    """

    lead: Ints
    partner: Ints
    third: Ints
    doubled: NDArray[np.bool_]
    area: Ints
    team: Ints


@dataclass(frozen=True)
class Slots:
    """Places on the year's works, one entry each; the senior's is the first of its work."""

    work: Ints
    ordinal: Ints
    pool: Ints
    at_home: NDArray[np.bool_]


@dataclass(frozen=True)
class Ties:
    """Coauthors who are on a work because one of its authors once left their country.

    One entry per work and author who brought someone; two authors who left the
    same country bring one coauthor between them. ``country`` is the one left.
    """

    work: Ints
    mover: Ints
    country: Ints
    coauthor: Ints


@dataclass(frozen=True)
class Authorships:
    """Authors on the year's works, sorted by work and position, and who brought whom."""

    work: Ints
    position: Ints
    author: Ints
    is_last: NDArray[np.bool_]
    is_corresponding: NDArray[np.bool_]
    ties: Ties


@dataclass(frozen=True)
class Affiliations:
    """Affiliations of the year's authorships; ``authorship`` points into them.

    ``institution`` is -1 where only a country is known.
    """

    authorship: Ints
    institution: Ints
    country: Ints


def expected_links(
    settings: WorldSettings, n_works: float, sizes: Floats, affinity: Floats
) -> Floats:
    """Mean works that join each pair of countries by plan, shape (n, n), zero diagonal."""
    joint = settings.international_share * n_works * np.outer(sizes, sizes) * np.exp(affinity)
    np.fill_diagonal(joint, 0.0)
    return np.asarray(2.0 * joint)


def plan_works(
    settings: WorldSettings, year: int, n_works: int, sizes: Floats, affinity: Floats
) -> Plans:
    """Draw countries, area and team size of each work of a year."""
    rng = stream(settings.seed, year, "works")
    n = len(sizes)
    joint = np.outer(sizes, sizes) * np.exp(affinity)
    looking = rng.random(n_works) < settings.international_share * joint.sum()
    lead = choose(rng, sizes, n_works)
    pair = choose(rng, joint.ravel(), n_works)
    lead = np.where(looking, pair // n, lead)
    partner = np.where(looking & (pair % n != pair // n), pair % n, -1)
    international = partner >= 0
    third = choose(rng, sizes, n_works)
    joined = international & (rng.random(n_works) < settings.third_country_share)
    third = np.where(joined & (third != lead) & (third != partner), third, -1)
    doubled = international & (rng.random(n_works) < settings.double_affiliations)
    area = (rng.random(n_works) < settings.outside_share).astype(np.int64)
    team = counts_above(rng, settings.team_size, TEAM_SPREAD, n_works)
    least = 1 + (international & ~doubled) + (third >= 0)
    return Plans(lead, partner, third, doubled, area, np.clip(team, least, settings.max_team))


def open_slots(settings: WorldSettings, year: int, plans: Plans) -> Slots:
    """Lay out the places of each work: senior, partner country, third country, home."""
    rng = stream(settings.seed, year, "slots")
    foreign = (plans.partner >= 0) & ~plans.doubled
    has_third = plans.third >= 0
    spare = plans.team - 1 - foreign - has_third
    n_foreign = foreign * (1 + rng.binomial(np.maximum(spare, 0), FOREIGN_SHARE))
    work = np.repeat(np.arange(len(plans.team)), plans.team)
    ordinal = np.arange(len(work)) - np.repeat(np.cumsum(plans.team) - plans.team, plans.team)
    is_foreign = (ordinal >= 1) & (ordinal <= n_foreign[work])
    is_third = has_third[work] & (ordinal == n_foreign[work] + 1)
    country = np.where(is_foreign, plans.partner[work], plans.lead[work])
    country = np.where(is_third, plans.third[work], country)
    stray = (rng.random(len(work)) >= settings.area_loyalty) & (ordinal > 0)
    area = np.where(stray, 1 - plans.area[work], plans.area[work])
    return Slots(work, ordinal, country * 2 + area, ~is_foreign & ~is_third)


def wanted_people(settings: WorldSettings, slots: Slots) -> Ints:
    """People each pool needs for the year's places, with some to spare in small pools."""
    places = np.bincount(slots.pool, minlength=2 * settings.n_countries)
    return np.where(places > 0, np.ceil(places / settings.papers_per_author) + 3, 0).astype(
        np.int64
    )


def fill_slots(settings: WorldSettings, year: int, slots: Slots, people: Population) -> Authorships:
    """Name an author for each place; a place whose author is already on the work stays empty."""
    rng = stream(settings.seed, year, "authors")
    pools = people.pools
    assert pools is not None
    senior = np.zeros(int(slots.work.max(initial=-1)) + 1, np.int64)
    first = slots.ordinal == 0
    senior[slots.work[first]] = pools.seniors(rng, slots.pool[first])
    place = pools.members(rng, slots.pool)
    mate = (rng.random(len(place)) < settings.lab_share) & slots.at_home
    place[mate] = pools.labmates(rng, senior[slots.work[mate]])
    place[first] = senior[slots.work[first]]
    again = _repeated(slots.work, place)
    place[again] = pools.members(rng, slots.pool[again])
    kept = ~_repeated(slots.work, place)
    work, author = slots.work[kept], pools.author[place[kept]]
    ties = _old_ties(settings, rng, people, work, author, slots.pool[first] % 2)
    extra_work, at = np.unique((ties.work << 16) + ties.country, return_index=True)
    extra_work, extra = extra_work >> 16, ties.coauthor[at]
    last = np.concatenate([slots.ordinal[kept] == 0, np.zeros(len(extra), np.bool_)])
    work, author = np.concatenate([work, extra_work]), np.concatenate([author, extra])
    return _in_order(rng, work, author, last, ties)


def affiliate(
    settings: WorldSettings,
    year: int,
    plans: Plans,
    signed: Authorships,
    people: Population,
    institutions: Institutions,
) -> Affiliations:
    """Return each authorship its author's employer, and second employers where planned."""
    rng = stream(settings.seed, year, "affiliations")
    country = people.country[signed.author].astype(np.int64)
    main = institutions.of_lab(country, people.lab[signed.author].astype(np.int64))
    abroad = _double_affiliated(rng, plans, signed)
    foreign = plans.partner[signed.work[abroad]]
    abroad, foreign = abroad[foreign != country[abroad]], foreign[foreign != country[abroad]]
    home = np.flatnonzero(rng.random(len(main)) < settings.second_employers)
    second = institutions.at_random(rng, country[home])
    home, second = home[second != main[home]], second[second != main[home]]
    authorship = np.concatenate([np.arange(len(main)), abroad, home])
    institution = np.concatenate([main, institutions.at_random(rng, foreign), second])
    where = np.concatenate([country, foreign, country[home]])
    order = np.argsort(authorship, kind="stable")
    return Affiliations(authorship[order], institution[order], where[order])


def lose_some(
    settings: WorldSettings,
    year: int,
    chance: Floats,
    signed: Authorships,
    complete: Affiliations,
) -> Affiliations:
    """Drop what the corpus will not know: all affiliations of some authors, some institutions.

    `chance` is the chance of each authorship to have none.
    """
    rng = stream(settings.seed, year, "missing")
    lost = rng.random(len(signed.author)) < chance
    kept = ~lost[complete.authorship]
    alone = np.bincount(complete.authorship, minlength=len(signed.author)) == 1
    parsed = alone & (rng.random(len(signed.author)) < settings.parsed_countries)
    institution = np.where(parsed[complete.authorship], -1, complete.institution)
    return Affiliations(complete.authorship[kept], institution[kept], complete.country[kept])


def countries_on(works: Ints, countries: Ints, n_countries: int) -> tuple[Ints, Ints]:
    """Distinct pairs of a work and a country, sorted by work."""
    pairs = np.unique(works * n_countries + countries)
    return pairs // n_countries, pairs % n_countries


def _repeated(work: Ints, place: Ints) -> NDArray[np.bool_]:
    """Mark every entry whose author stands on the work already, and places without author."""
    kept = np.zeros(len(work), np.bool_)
    kept[np.unique((work << 32) + place, return_index=True)[1]] = True
    return ~kept | (place < 0)


def _old_ties(
    settings: WorldSettings,
    rng: np.random.Generator,
    people: Population,
    work: Ints,
    author: Ints,
    area: Ints,
) -> Ties:
    """Draw a coauthor from the country a mover last left, with the chance of retention."""
    pools = people.pools
    assert pools is not None
    left = people.left[author].astype(np.int64)
    kept = (left >= 0) & (rng.random(len(work)) < settings.retention)
    wanted = (work[kept] << 16) + left[kept]
    pairs = np.unique(wanted)
    present = np.unique((work << 16) + people.country[author])
    pairs = pairs[~np.isin(pairs, present)]
    place = pools.members(rng, (pairs & 0xFFFF) * 2 + area[pairs >> 16])
    pairs, place = pairs[place >= 0], place[place >= 0]
    brought = np.isin(wanted, pairs)
    wanted, movers = wanted[brought], author[kept][brought]
    coauthor = pools.author[place[np.searchsorted(pairs, wanted)]]
    return Ties(wanted >> 16, movers, wanted & 0xFFFF, coauthor)


def _in_order(
    rng: np.random.Generator, work: Ints, author: Ints, last: NDArray[np.bool_], ties: Ties
) -> Authorships:
    """Shuffle authors within each work, the senior at the end; name the corresponding one."""
    order = np.lexsort((np.where(last, 2.0, rng.random(len(work))), work))
    work, author, last = work[order], author[order], last[order]
    start = np.searchsorted(work, work)
    position = np.arange(len(work)) - start
    n_works = int(work[-1]) + 1 if len(work) else 0
    senior_writes = (rng.random(n_works) < LAST_CORRESPONDS)[work]
    corresponds = np.where(senior_writes, last, position == 0)
    return Authorships(work, position, author, last, corresponds, ties)


def _double_affiliated(rng: np.random.Generator, plans: Plans, signed: Authorships) -> Ints:
    """Pick the author of each doubled work who has an employer in the partner country.

    Only authors of the lead country qualify in the end: doubled works hold none of
    the partner's by plan. The senior is picked in about half of the works.
    """
    start = np.searchsorted(signed.work, np.flatnonzero(plans.doubled))
    end = np.searchsorted(signed.work, np.flatnonzero(plans.doubled), side="right")
    anyone = start + (rng.random(len(start)) * (end - start)).astype(np.int64)
    return np.where(rng.random(len(start)) < 0.5, end - 1, anyone)
