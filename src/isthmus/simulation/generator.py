"""A simulated world, year by year: what is written and what the generator knows.

Memory holds a few dozen bytes per work and per author, and the tables of one
year; whatever else grows with the world passes through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.simulation.country_sizes import size_trajectories
from isthmus.simulation.drawn_once import (
    country_impact,
    missing_chance,
    move_noise,
    pair_noise,
    planted_affinity,
    venue_factor,
)
from isthmus.simulation.drawn_sizes import Hiring, works_of_years
from isthmus.simulation.draws import Floats, Ints, stream
from isthmus.simulation.ids import Start
from isthmus.simulation.population import Institutions, Moves, Population
from isthmus.simulation.references import CitedStock, draw_references
from isthmus.simulation.settings import WorldSettings, pair_values
from isthmus.simulation.teams import (
    Affiliations,
    Authorships,
    Plans,
    affiliate,
    countries_on,
    fill_slots,
    lose_some,
    open_slots,
    plan_works,
    wanted_people,
)


@dataclass(frozen=True)
class WorldYear:
    """All that happens in one year. Works are numbered over the whole world, from 0.

    Attributes
    ----------
    year, first
        The year, and the number of its first work.
    plans
        Countries, area and team size by plan; arrays over the year's works.
    community, venue
        Community and venue of each work; venues are numbered over the world.
    day
        Day of the year of publication, from 0.
    novel
        Whether the work cites the planted atypical pairs.
    impact
        Fitness of each work, planted multipliers included.
    signed
        Authors; ``signed.work`` counts from 0 within the year.
    complete, written
        Affiliations before and after some are lost; the corpus holds `written`.
    citing, cited
        References, by number of work.
    moves
        Changes of country at the start of the year.
    """

    year: int
    first: int
    plans: Plans
    community: Ints
    venue: Ints
    day: Ints
    novel: NDArray[np.bool_]
    impact: Floats
    signed: Authorships
    complete: Affiliations
    written: Affiliations
    citing: Ints
    cited: Ints
    moves: Moves


class World:
    """A world in the making; iterate once over its years with :meth:`grow`.

    Attributes
    ----------
    settings
        What was asked for.
    start
        Where its identifiers begin; arrays here count from 0 wherever that is.
    sizes, affinity, noise
        Planted shares (years, n), log-multipliers of pairs, and the noise of pairs in
        joint works, which adds to them (years, n, n).
    impact, missing
        Planted multipliers of impact, and chances of missing affiliations before those
        of venues are multiplied (years, n).
    institutions
        Institutions by country.
    people
        Authors so far.
    area, lead
        Area (0 in the field) and leading country of every work by number.
    received
        Citations each work has received so far.
    """

    def __init__(self, settings: WorldSettings, start: Start | None = None) -> None:
        self.settings = settings
        self.start = start or Start()
        self.sizes = size_trajectories(settings.n_countries, len(settings.span))
        self.affinity = planted_affinity(settings)
        self.noise = pair_noise(settings, "works", symmetric=True)
        self.impact = country_impact(settings)
        self.missing = missing_chance(settings)
        self.institutions = Institutions(self.sizes)
        self.people = Population(settings, self.sizes)
        self.area = np.zeros(settings.n_works, np.int8)
        self.lead = np.zeros(settings.n_works, np.int16)
        self.received = np.zeros(settings.n_works, np.int64)
        self._stock = CitedStock(settings)
        self._migration = pair_values(settings, settings.migration_pairs, 1.0, symmetric=False)
        self._migration *= move_noise(settings)
        self._hiring = Hiring(settings, self.sizes, self.affinity, self._migration)
        self._joint = pair_values(settings, settings.joint_effects, 1.0, symmetric=False)
        self._preference = settings.citation_affinity * self.affinity
        self._preference += pair_noise(settings, "citations", symmetric=False)
        self._venue_factor = venue_factor(settings)

    def grow(self) -> Iterator[WorldYear]:
        """Yield the years in order; a year without works is yielded empty."""
        first = 0
        for at, n_works in enumerate(works_of_years(self.settings)):
            yield self._grow_year(at, first, int(n_works))
            first += int(n_works)

    def _grow_year(self, at: int, first: int, n_works: int) -> WorldYear:
        settings, people = self.settings, self.people
        year = int(settings.span[at])
        people.end_careers(year)
        moves = people.move(year, self._migration[at])
        ties = self.affinity[at] + self.noise[at]
        plans = plan_works(settings, year, n_works, self.sizes[at], ties)
        if settings.drawn_sizes:
            people.hire(year, *self._hiring.draw(at))
            plans = self._hiring.teams(plans, at, people.head_count())
            slots = open_slots(settings, year, plans)
        else:
            slots = open_slots(settings, year, plans)
            people.hire(year, wanted_people(settings, slots))
        signed = fill_slots(settings, year, slots, people)
        complete = affiliate(settings, year, plans, signed, people, self.institutions)
        community, venue, day, novel = self._contents(year, plans)
        chance = self.missing[at, people.country[signed.author]]
        chance = chance * self._venue_factor[venue[signed.work]]
        written = lose_some(settings, year, chance, signed, complete)
        impact = self._fitness(at, plans, signed, complete, community)
        numbers = np.arange(first, first + n_works)
        self.area[numbers], self.lead[numbers] = plans.area, plans.lead
        self._stock.add(at, numbers, community, impact)
        citing, cited = draw_references(
            settings, at, self._stock, numbers, community, novel, plans.lead, self.lead,
            self._preference[at],
        )  # fmt: skip
        np.add.at(self.received, cited, 1)
        return WorldYear(
            year, first, plans, community, venue, day, novel, impact,
            signed, complete, written, citing, cited, moves,
        )  # fmt: skip

    def _fitness(
        self,
        at: int,
        plans: Plans,
        signed: Authorships,
        complete: Affiliations,
        community: Ints,
    ) -> Floats:
        """Draw impact; multiply by country and by the effect of planted partners on board."""
        settings = self.settings
        rng = stream(settings.seed, int(settings.span[at]), "impact")
        impact = rng.lognormal(0.0, settings.impact_sigma, len(plans.lead))
        impact *= self.impact[at, plans.lead]
        work, country = countries_on(
            signed.work[complete.authorship], complete.country, settings.n_countries
        )
        factor = self._joint[at, plans.lead[work], country]
        if settings.joint_communities:
            factor[~np.isin(community[work], settings.joint_communities)] = 1.0
        np.multiply.at(impact, work, factor)
        return np.asarray(impact)

    def _contents(self, year: int, plans: Plans) -> tuple[Ints, Ints, Ints, NDArray[np.bool_]]:
        """Draw community, venue (the first ones are larger), day, and whether novel."""
        settings = self.settings
        rng = stream(settings.seed, year, "contents")
        n, k, v = len(plans.lead), settings.communities, settings.venues_per_community
        community = rng.integers(0, k, n) + k * plans.area
        venue = community * v + (v * rng.random(n) ** 2).astype(np.int64)
        novel = (rng.random(n) < settings.novel_share) & (plans.area == 0)
        return community, venue, rng.integers(0, 365, n), novel
