"""Sizes drawn around a plan, over worlds of one plan.

Tolerances are about four standard errors of what is compared; seeds are fixed.
"""

import numpy as np
import pytest

from isthmus.simulation.drawn_sizes import Hiring, works_of_years
from isthmus.simulation.generator import World
from isthmus.simulation.settings import WorldSettings

WORLDS = 40


def settings_of(seed, **changes):
    return WorldSettings(1_500, seed, n_countries=8, migration_rate=0.05, **changes)


def head_counts(seed, **changes):
    """People of each country in the last year."""
    world = World(settings_of(seed, **changes))
    for _ in world.grow():
        pass
    active = world.people.active
    return np.bincount(world.people.country[active], minlength=8)


def test_works_of_a_year_vary_and_their_sum_does_not():
    planned = settings_of(1).works_by_year()
    assert np.array_equal(works_of_years(settings_of(1)), planned)
    drawn = np.array([works_of_years(settings_of(s, drawn_sizes=True)) for s in range(400)])
    assert (drawn.sum(axis=1) == 1_500).all()
    mean, spread = drawn.mean(axis=0), drawn.var(axis=0, ddof=1)
    share = planned / 1_500
    assert np.abs(mean - planned).max() <= 4 * np.sqrt(planned.max() / 400)
    assert (spread / (planned * (1 - share))).mean() == pytest.approx(1.0, abs=0.06)


def test_people_vary_as_those_who_come_and_go_on_their_own():
    drawn = np.array([head_counts(s, drawn_sizes=True) for s in range(WORLDS)])
    ratio = drawn.var(axis=0, ddof=1) / drawn.mean(axis=0)
    # Poisson: 1 in each of 8 countries, whose estimates vary by sqrt(2 / 59) each.
    assert ratio.mean() == pytest.approx(1.0, abs=4 * np.sqrt(2 / (WORLDS - 1) / 8))


def test_careers_begin_so_that_the_plan_is_filled_on_average():
    settings = WorldSettings(20_000, 1, n_countries=8, migration_rate=0.05, drawn_sizes=True)
    world = World(settings)
    hiring = Hiring(settings, world.sizes, world.affinity, np.ones((24, 8, 8)))
    people = 0.0
    for at in range(24):
        posts, begin = hiring.draw(at)
        people = people * (1 - settings.exit_rate * (at > 0)) + begin.sum()
    assert people == pytest.approx(posts.sum(), rel=0.04)


def test_every_work_has_an_author_though_a_pool_may_begin_empty():
    world = World(WorldSettings(300, 3, n_countries=40, drawn_sizes=True, papers_per_author=50.0))
    for year in world.grow():
        assert np.array_equal(np.unique(year.signed.work), np.arange(len(year.plans.lead)))
