"""Random-effects means and contrasts, against published numbers and exact laws.

Tolerance: the published table has four digits; equations are solved to 1e-10.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from isthmus.stats.contrasts import contrast, explained, random_effects_mean, rank_p

#: Fifteen draws with errors; no example of another paper is bundled.
RNG = np.random.default_rng(4)
ERRORS = np.exp(0.4 * RNG.standard_normal(15))
VALUES = 2 + 1.5 * RNG.standard_normal(15) + ERRORS * RNG.standard_normal(15)


def test_the_spread_solves_the_equation_of_paule_and_mandel() -> None:
    found = random_effects_mean(VALUES, ERRORS)
    weight = 1 / (ERRORS**2 + found.spread**2)
    assert found.spread > 0
    assert found.value == pytest.approx(np.average(VALUES, weights=weight), abs=1e-10)
    assert (weight * (VALUES - found.value) ** 2).sum() == pytest.approx(14, abs=1e-6)


def test_equal_errors_give_the_plain_mean_and_students_interval() -> None:
    found = random_effects_mean(VALUES, np.full(15, 0.3))
    low, high = stats.t.interval(0.95, 14, VALUES.mean(), stats.sem(VALUES))
    assert (found.value, found.low, found.high) == pytest.approx((VALUES.mean(), low, high))
    assert found.spread**2 == pytest.approx(VALUES.var(ddof=1) - 0.09, abs=1e-9)


def test_equal_errors_give_the_law_of_one_more_draw() -> None:
    found = contrast(9.0, 0.3, VALUES, np.full(15, 0.3))
    error = VALUES.std(ddof=1) * np.sqrt(1 + 1 / 15)
    half = stats.t.ppf(0.975, 14) * error
    away = 9.0 - VALUES.mean()
    assert (found.low, found.high) == pytest.approx((away - half, away + half))
    assert found.p == pytest.approx(2 * stats.t.sf(away / error, 14))


def test_numbers_closer_than_their_errors_have_no_spread() -> None:
    found = random_effects_mean(np.array([1.0, 1.1, 0.9]), np.ones(3))
    assert found.spread == 0.0
    assert found.se == pytest.approx(1 / np.sqrt(3))


@pytest.mark.parametrize("spread", [0.0, 2.0])
def test_intervals_of_twelve_fields_hold_the_truth(spread: float) -> None:
    rng = np.random.default_rng(int(spread) + 1)
    held = 0
    for _ in range(400):
        errors = np.exp(0.5 * rng.standard_normal(12))
        values = spread * rng.standard_normal(12) + errors * rng.standard_normal(12)
        found = contrast(values[0], errors[0], values[1:], errors[1:])
        held += found.low <= 0 <= found.high
    # 95 % of 400 within three standard errors.
    assert abs(held / 400 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 400)


def test_a_planted_number_is_first_among_fields() -> None:
    values, errors = np.append(12.0, VALUES), np.append(0.5, ERRORS)
    assert rank_p(values, errors) == pytest.approx(1 / 16)
    found = contrast(values[0], errors[0], values[1:], errors[1:])
    assert found.p < 0.001
    assert found.difference == pytest.approx(10, abs=1.5)


def test_what_goes_with_traits_is_the_planted_slope() -> None:
    rng = np.random.default_rng(2)
    traits = rng.standard_normal((40, 3)) * [1.0, 10.0, 0.1]
    errors = np.full(40, 0.05)
    values = 1 + traits @ [0.5, 0.0, -2.0] + errors * rng.standard_normal(40)
    focus = np.array([2.0, 5.0, 0.3])
    told = explained(values, errors, traits, focus)
    assert told is not None
    truth = (focus - traits.mean(axis=0)) @ [0.5, 0.0, -2.0]
    assert told[1] < truth < told[2]
    assert told[0] == pytest.approx(truth, abs=0.2)
    assert explained(values, errors, np.ones((40, 3)), focus) is None
    assert explained(values[:4], errors[:4], traits[:4], focus) is None


def test_a_number_far_better_known_than_the_others_has_limits() -> None:
    rng = np.random.default_rng(7)
    held, widest = 0, 0.0
    for _ in range(300):
        errors = np.exp(0.3 * rng.standard_normal(5))
        value, others = rng.normal(0, 1.5), 1.5 * rng.standard_normal(5)
        found = contrast(value, 0.1, others + errors * rng.standard_normal(5), errors)
        held += found.low <= 0 <= found.high
        widest = max(widest, found.high - found.low)
    # At least 95 % of 300 less three standard errors; degrees of freedom below 1 gave 1e8.
    assert held / 300 > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)
    assert widest < 100
