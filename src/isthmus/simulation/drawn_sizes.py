"""Numbers of works and of people that are drawn around a plan.

By plan a year holds a fixed number of works, and people fill the posts that its works ask for.
Drawn, the works of a year vary, and careers begin at random times: as many as the plan has on
average, however many people there are. People then come and go each on their own, with all
their years. Teams are larger where there are more people than planned, so that a person writes
as much, and the number of works does not follow that of people.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from isthmus.simulation.draws import Floats, Ints, stream
from isthmus.simulation.settings import WorldSettings
from isthmus.simulation.teams import Plans, open_slots, plan_works, wanted_people

#: Seed of the draw whose posts are the plan of every world of the same settings.
PLAN_SEED = 0


def works_of_years(settings: WorldSettings) -> Ints:
    """Return the number of works of each year: planned, or drawn with the planned shares."""
    planned = settings.works_by_year()
    if not settings.drawn_sizes:
        return planned
    rng = stream(settings.seed, 0, "works of years")
    return rng.multinomial(settings.n_works, planned / planned.sum())


class Hiring:
    """Careers that begin, whatever the number of people is.

    Parameters
    ----------
    settings
        Of the world.
    sizes, affinity, migration
        Planned shares (years, n), log-multipliers of pairs and multipliers of moves
        (years, n, n).
    """

    def __init__(
        self, settings: WorldSettings, sizes: Floats, affinity: Floats, migration: Floats
    ) -> None:
        self.settings = settings
        self._sizes, self._affinity, self._migration = sizes, affinity, migration
        self._works = settings.works_by_year()
        self._expected = np.zeros((settings.n_countries, 2))

    def teams(self, plans: Plans, at: int, people: Ints) -> Plans:
        """Return the works with teams as much larger as there are more people than planned.

        `people` counts those of each pool, this year's beginners included.
        """
        pool = plans.lead * 2 + plans.area
        more = people / np.maximum(self._expected.ravel(), 1.0)
        rng = stream(self.settings.seed, int(self.settings.span[at]), "teams of people")
        others = np.floor((plans.team - 1) * more[pool] + rng.random(len(pool))).astype(np.int64)
        least = 1 + ((plans.partner >= 0) & ~plans.doubled) + (plans.third >= 0)
        return replace(plans, team=np.clip(1 + others, least, self.settings.max_team))

    def draw(self, at: int) -> tuple[Ints, Ints]:
        """Return the posts of the plan and the careers that begin, one of each per pool.

        Years are asked for once each, in order. Careers are Poisson, with the mean by which
        posts exceed the people expected to be left.
        """
        settings, year = self.settings, int(self.settings.span[at])
        plan = replace(settings, seed=PLAN_SEED)
        works = plan_works(plan, year, int(self._works[at]), self._sizes[at], self._affinity[at])
        posts = wanted_people(plan, open_slots(plan, year, works))
        left = self._after_moves(at, self._expected * (1.0 - settings.exit_rate))
        begin = np.maximum(posts.reshape(left.shape) - left, 0.0)
        self._expected = left + begin
        drawn = stream(settings.seed, year, "careers begin").poisson(begin.ravel())
        return posts, drawn.astype(np.int64)

    def _after_moves(self, at: int, people: Floats) -> Floats:
        chance = self.settings.migration_rate * self._migration[at] * self._sizes[at]
        np.fill_diagonal(chance, 0.0)
        return np.asarray(people + chance.T @ people - chance.sum(axis=1)[:, None] * people)
