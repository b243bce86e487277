"""Worlds without change keep what they say they keep; trends and stability on planted series."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.poles.archetypes import Archetypes, archetypes, stability
from isthmus.poles.layers import Layer, Panel
from isthmus.poles.measures import Measured
from isthmus.poles.trajectories import Trajectories
from isthmus.poles.trend_lines import least_slope, line, lines
from isthmus.poles.worlds import Worlds, drawn, noise_paths
from isthmus.stats import affinity, trend
from isthmus.stats.trends.gls import Noise
from isthmus.study.sections import Poles

YEARS = 14


@pytest.fixture(scope="module")
def worlds():
    """Eight countries that grow unlike each other; one pair works e times as much together."""
    random = np.random.default_rng(1)
    size = np.exp(np.outer(np.arange(YEARS), np.linspace(0.0, 0.12, 8))) * np.linspace(14, 6, 8)
    mean = size[:, :, None] * size[:, None, :]
    mean[:, 0, 1] *= np.e
    mean[:, 1, 0] *= np.e
    mean[:, np.arange(8), np.arange(8)] = 0
    weights = drawn(mean, False, random)
    codes = tuple(f"A{chr(65 + i)}" for i in range(8))
    layer = Layer("collaboration", False, weights, np.ones(8, dtype=bool))
    panel = Panel(np.arange(2000, 2000 + YEARS), codes, (layer,), size[-1], [])
    found = {"collaboration": affinity(weights, directed=False)}
    return Worlds(panel, {"collaboration": mean}, found, seed=3)


def test_constant_ties_keep_each_tie_and_grow_as_the_study(worlds):
    draws = [worlds.draw("constant_ties", number)["collaboration"] for number in range(20)]
    mean = np.mean(draws, axis=0)
    found = worlds.affinities["collaboration"]
    upper = np.triu_indices(8, 1)
    ratio = mean.sum(axis=0)[upper] / found.expected.sum(axis=0)[upper]
    assert ratio == pytest.approx(np.ones(28), abs=0.12)
    tie = [affinity(weights, directed=False) for weights in draws[:6]]
    level = np.mean([np.nanmean(one.value[:, 0, 1]) for one in tie])
    assert level == pytest.approx(np.nanmean(found.value[:, 0, 1]), abs=0.15)
    slopes = [float(one.trends([0], [1]).slope[0]) for one in tie]
    assert abs(np.mean(slopes)) < 0.02
    assert all((weights == weights.transpose(0, 2, 1)).all() for weights in draws)


def test_a_world_has_a_number_and_nothing_else(worlds):
    one = worlds.draw("sizes", 4)["collaboration"]
    assert np.array_equal(one, worlds.draw("sizes", 4)["collaboration"])
    assert not np.array_equal(one, worlds.draw("sizes", 5)["collaboration"])
    assert not np.array_equal(one, worlds.draw("constant_ties", 4)["collaboration"])


def test_noise_has_its_deviation_correlation_and_mean_one():
    noise = Noise(np.array([0.3]), np.array([0.7]), np.array([0.1]), np.array([1.0]))
    paths = noise_paths(noise, 20_000, 6, np.random.default_rng(2))
    assert np.exp(paths).mean(axis=1) == pytest.approx(np.ones(6), abs=0.02)
    assert paths.var() == pytest.approx(0.3**2 + 0.1**2, rel=0.03)
    away = paths - paths.mean(axis=1, keepdims=True)
    lagged = (away[1:] * away[:-1]).mean()
    assert lagged == pytest.approx(0.7 * 0.3**2, rel=0.05)


def test_paths_average_both_directions():
    values = np.random.default_rng(1).normal(size=(5, 3, 3))
    seen = Measured("citation", True, "affinity", {"affinity": values}, np.abs(values))
    path = seen.paths("affinity", np.array([0]), np.array([2]))
    assert path[0] == pytest.approx((values[:, 0, 2] + values[:, 2, 0]) / 2)
    errors = seen.errors(np.array([0]), np.array([2]))
    assert errors[0] == pytest.approx(np.hypot(values[:, 0, 2], values[:, 2, 0]) / 2)


def test_a_direction_needs_a_small_p_and_a_slope_that_matters():
    random = np.random.default_rng(4)
    times = np.arange(20.0)
    noise = 0.01 * random.normal(size=(4, 20))
    series = np.array([0.05, -0.05, 0.005, 0.0])[:, None] * times + noise
    found = lines(trend(series), least_slope("affinity", 20, Poles()), Poles())
    assert found.sign.tolist() == [1, -1, 0, 0]
    assert found.p[2] < 0.01  # clear, yet smaller than matters
    short = line(np.arange(5.0), 0.02, Poles())
    assert (short.word(0), short.sign[0]) == ("too few years", 0)
    assert least_slope("z", 21, Poles()) == pytest.approx(0.1 / 20)


def test_a_path_that_turns_is_not_one_line():
    random = np.random.default_rng(5)
    times = np.arange(24.0)
    tent = 0.08 * np.minimum(times, 2 * 15 - times)
    straight = 0.05 * times
    noise = 0.05 * random.normal(size=(2, 24))
    found = lines(trend(np.array([tent, straight]) + noise), 0.02, Poles())
    assert [found.word(0), found.word(1)] == ["not one line", "rising"]


def test_bends_of_many_pairs_are_held_to_a_false_discovery_rate():
    series = np.random.default_rng(6).normal(size=(400, 15)).cumsum(axis=1) * 0.05
    found = trend(series)
    many = lines(found, 0.02, Poles(), alone=np.arange(400) < 2)
    order = np.sort(found.bend_p[2:])
    passed = np.flatnonzero(order <= 0.05 * np.arange(1, 399) / 398)
    assert many.bent[2:].sum() == (passed[-1] + 1 if len(passed) else 0)
    assert many.bent[:2].tolist() == (found.bend_p[:2] <= 0.05).tolist()


@pytest.fixture(scope="module")
def clustered():
    random = np.random.default_rng(7)
    times = np.linspace(-1, 1, 12)
    slope = random.choice([-1.0, 1.0], size=40) * random.uniform(0.1, 1, size=40)
    raw = slope[:, None] * times + 0.6 * random.normal(size=(40, 12))
    standard = (raw - raw.mean(axis=1, keepdims=True)) / raw.std(axis=1, keepdims=True)
    usable = np.ones(40, dtype=bool)
    seen = Trajectories({"collaboration": raw}, standard[:, :, None], usable)
    settings = Poles(trend_level=0.5, archetypes=4, n_init=2, n_resamples=6)
    found = archetypes(seen, {"collaboration": lines(trend(raw), 0.0, settings)}, settings, seed=1)
    return seen, found, settings


def test_stability_resamples_by_its_seed(clustered):
    seen, found, settings = clustered
    one, same, other = (stability(found, seen, settings, seed) for seed in (1, 1, 2))
    inside = found.cluster >= 0
    assert np.array_equal(one, same, equal_nan=True)
    assert not np.array_equal(one, other, equal_nan=True)
    assert np.isnan(one[~inside]).all()
    assert ((one[inside] >= 0) & (one[inside] <= 1)).all()


def test_archetypes_are_the_pairs_own_whatever_their_cluster(clustered):
    seen, found, _ = clustered
    assert isinstance(found, Archetypes)
    moving = np.flatnonzero(found.cluster >= 0)
    level = trend(seen.raw["collaboration"])
    own = np.where(level.slope[moving] > 0, "SC", "SD")
    assert found.codes[moving].tolist() == own.tolist()
