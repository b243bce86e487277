"""Turning points against the law written out, planted turns, and series that cannot tell."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from isthmus.errors import InputError
from isthmus.stats import turning_point, turning_points
from isthmus.stats.trends.gls import Noise
from isthmus.stats.trends.turn_frames import CHANGE, MARGIN
from isthmus.stats.trends.turning import turn_evidence

#: Standard deviation that stands for a flat prior on level and slope.
FLAT = 100.0
NOISE = Noise(
    np.array([0.1, 0.3]), np.array([0.6, 0.3]), np.array([0.1, 0.0]), np.array([0.7, 0.3])
)


def bent(years, at, change, seed, sd=0.05, slope=0.02):
    t = np.asarray(years, dtype=float)
    noise = np.random.default_rng(seed).normal(size=len(t)) * sd
    return slope * (t - t[0]) + change * np.maximum(t - at, 0) + noise


def test_evidence_is_that_of_the_law_written_out():
    """Likelihoods of dense normal laws, level and slope with a very wide prior."""
    t, y = np.arange(12.0), bent(range(12), 6, 0.1, 3)
    se = np.linspace(0.05, 0.2, 12)
    wide = FLAT**2 * (1 + np.outer(t, t))
    none, turn = [], []
    for sigma, rho, white, weight in zip(*NOISE.each, NOISE.weight, strict=True):
        law = wide + sigma**2 * rho ** np.abs(t[:, None] - t) + np.diag(se**2 + white**2)
        none.append(weight * multivariate_normal(cov=law).pdf(y))
        hinges = [np.maximum(t - at, 0) for at in range(MARGIN, 12 - MARGIN)]
        turn += [
            weight * multivariate_normal(cov=law + CHANGE**2 * np.outer(h, h)).pdf(y) / len(hinges)
            for h in hinges
        ]
    assert turn_evidence(y, se, NOISE) == pytest.approx(np.log(sum(turn) / sum(none)), abs=1e-3)


def test_a_planted_turn_is_dated():
    y = bent(range(30), 18, -0.1, 1)
    found = turning_point(y, np.full(30, 0.05))
    assert found.at is not None
    assert found.low <= 18 <= found.high
    assert found.high - found.low < 8
    assert found.p < 0.01
    assert found.slope_before == pytest.approx(0.02, abs=0.02)
    assert found.slope_after == pytest.approx(-0.08, abs=0.03)
    assert found.change == pytest.approx(found.slope_after - found.slope_before, abs=1e-9)
    for name, truth in (("slope_before", 0.02), ("slope_after", -0.08), ("change", -0.1)):
        low, high = getattr(found, f"{name}_interval")
        assert low < truth < high
    assert turning_point(y, np.full(30, 0.05)) == found


def test_missing_and_uneven_years_keep_their_place():
    years = np.concatenate([np.arange(1980, 2000, 2), np.arange(2000, 2020)])
    y = bent(years, 2006, -0.1, 2)
    y[[3, 20]] = np.nan
    found = turning_point(y, np.full(30, 0.05), years=years)
    assert years[found.low] <= 2006 <= years[found.high]
    assert found.slope_after == pytest.approx(-0.08, abs=0.03)
    # read as consecutive years the first half is twice as steep
    assert turning_point(y, np.full(30, 0.05)).slope_before > found.slope_before


def test_series_without_a_turn_are_seldom_said_to_turn():
    hits = [turning_point(bent(range(22), 0, 0, seed), np.full(22, 0.05)).p <= 0.05
            for seed in range(60)]  # fmt: skip
    assert np.mean(hits) <= 0.1
    plain = turning_point(bent(range(22), 0, 0, 5), np.full(22, 0.05))
    assert plain.at is None
    assert not plain.dated
    assert plain.low is not None


def test_a_turn_whose_year_cannot_be_told_is_not_dated():
    noisy = turning_point(bent(range(22), 11, 0.02, 4, sd=0.3), np.full(22, 0.3))
    assert noisy.at is None
    short = turning_point([1.0, 2.0, np.nan, 3.0, 1.0, 2.0, 3.0, 4.0])
    assert (short.at, short.low, short.high) == (None, None, None)
    assert np.isnan(short.p)


def test_without_errors_the_unit_does_not_matter():
    y = bent(range(30), 15, -0.1, 6)
    one, other = turning_point(y), turning_point(1000 * y + 5)
    assert (one.at, one.low, one.high, one.p) == (other.at, other.low, other.high, other.p)
    assert other.slope_after == pytest.approx(1000 * one.slope_after, rel=1e-6)
    assert one.low <= 15 <= one.high


def test_two_turns_are_found_one_beside_the_other():
    t = np.arange(34)
    y = bent(t, 11, -0.2, 7, sd=0.03, slope=0.1) + 0.1 * np.maximum(t - 23, 0)
    found = turning_points(y, np.full(34, 0.03))
    assert len(found) == 2
    for turn, at in zip(found, (11, 23), strict=True):
        assert turn.low <= at <= turn.high
    assert found[0].slope_after == pytest.approx(found[1].slope_before, abs=0.03)
    assert turning_points(bent(t, 0, 0, 8), np.full(34, 0.05)) == ()
    assert len(turning_points(y, np.full(34, 0.03), most=1)) <= 1


@pytest.mark.parametrize(
    ("value", "se", "years"),
    [
        (np.zeros((2, 10)), None, None),
        (np.zeros(10), np.zeros(9), None),
        (np.zeros(10), np.full(10, -1.0), None),
        (np.zeros(10), np.full(10, np.nan), None),
        (np.full(10, np.inf), None, None),
        (np.zeros(10), None, np.zeros(10)),
        (np.zeros(10), None, np.arange(10) + 0.5),
    ],
)
def test_other_input_is_refused(value, se, years):
    with pytest.raises(InputError):
        turning_point(value, se, years=years)


def test_a_large_change_is_not_pulled_to_none():
    """Changes twice as large as expected, errors large: pulled to 0, 68 % were covered."""
    random, t, n = np.random.default_rng(5), np.arange(22), 150
    noise = Noise(np.zeros(1), np.zeros(1), np.zeros(1), np.ones(1))
    held = 0
    for _ in range(n):
        path = 0.1 * np.maximum(t - random.integers(4, 18), 0) + random.normal(0, 0.45, len(t))
        found = turning_point(path, np.full(len(t), 0.45), noise=noise, draws=1)
        held += found.change_interval[0] <= 0.1 <= found.change_interval[1]
    assert held / n >= 0.95
