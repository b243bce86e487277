"""Effects against scipy's tests, a design-matrix regression and arithmetic.

Closed forms are compared to 1e-9: both sides sum a few hundred numbers.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from isthmus.errors import InputError
from isthmus.stats.matching import effects


def sample(seed=1, n=300):
    rng = np.random.default_rng(seed)
    treated = rng.random(n) < 0.3
    outcome = np.floor(rng.gamma(0.6, 12.0, n) * (1 + 0.4 * treated))
    weight = np.where(treated, 1.0, rng.uniform(0.3, 3.0, n)) * (rng.random(n) < 0.8)
    return outcome, treated, weight


def test_unweighted_test_is_welch():
    outcome, treated, _ = sample()
    effect = effects.satt(outcome, treated, np.ones(outcome.size))
    wanted = stats.ttest_ind(outcome[treated], outcome[~treated], equal_var=False)
    assert effect.t == pytest.approx(wanted.statistic, rel=1e-9)
    assert effect.df == pytest.approx(wanted.df, rel=1e-9)
    assert effect.p == pytest.approx(wanted.pvalue, rel=1e-9)


def test_weighted_difference_is_weighted_least_squares():
    outcome, treated, weight = sample()
    effect = effects.satt(outcome, treated, weight)
    used = weight > 0
    x = np.column_stack([np.ones(used.sum()), treated[used]])
    w = weight[used]
    bread = np.linalg.inv(x.T @ (x * w[:, None]))
    slope = bread @ x.T @ (w * outcome[used])
    residual = outcome[used] - x @ slope
    variance = (w * residual**2).sum() / (used.sum() - 2)
    assert effect.difference == pytest.approx(slope[1], rel=1e-9)
    assert effect.se == pytest.approx(math.sqrt(variance * bread[1, 1]), rel=1e-9)
    assert effect.percent == pytest.approx(100 * slope[1] / slope[0], rel=1e-9)
    assert effect.mean_control_unweighted == pytest.approx(outcome[used & ~treated].mean())


def test_weighted_controls_are_worth_fewer_units():
    outcome, treated, weight = sample(5)
    used = weight > 0
    y, t, w = outcome[used], treated[used], weight[used]
    control, of = y[~t], w[~t]
    worth = of.sum() ** 2 / (of**2).sum()
    variance = np.cov(control, aweights=of)
    error = math.sqrt(y[t].var(ddof=1) / t.sum() + variance / worth)
    effect = effects.satt(outcome, treated, weight)
    assert worth < 0.9 * of.size
    assert effect.t == pytest.approx(effect.difference / error, rel=1e-9)


def test_welch_with_weights_keeps_its_size():
    rng = np.random.default_rng(2)
    rejected = 0
    for _ in range(1_000):
        treated = np.arange(120) < 40
        weight = np.where(treated, 1.0, rng.choice([0.1, 3.0], 120))
        rejected += effects.satt(rng.normal(size=120), treated, weight).p < 0.05
    assert stats.binomtest(rejected, 1_000, 0.05).pvalue > 0.001


@pytest.mark.parametrize(
    ("outcome", "treated", "weight"),
    [
        ([], [], []),
        ([1.0], [True], [1.0]),
        ([1.0, 2.0], [False, False], [1.0, 1.0]),
        ([1.0, 2.0], [True, False], [0.0, 0.0]),
    ],
)
def test_an_empty_group_gives_nan_not_an_error(outcome, treated, weight):
    y = np.array(outcome)
    result = effects.measures(y, np.array(treated, bool), np.array(weight), y >= 2)
    assert math.isnan(result.mean.difference)
    assert math.isnan(result.mean.p)
    assert math.isnan(result.top_p)
    assert math.isnan(result.carried_by_largest)


def test_a_constant_outcome_has_no_effect_and_no_test():
    weight = np.array([1, 1, 1, 0.3, 0.7, 1 / 3])
    effect = effects.satt(np.full(6, 2.7), np.arange(6) < 3, weight)
    assert (effect.difference, effect.percent, effect.se) == (0, 0, 0)
    assert math.isnan(effect.p)


def test_percent_needs_a_positive_control_mean():
    assert effects.relative_percent(3, 2) == 50
    assert math.isnan(effects.relative_percent(3, 0))


def test_measures_agree_with_their_definitions():
    outcome, treated, weight = sample(3)
    result = effects.measures(outcome, treated, weight, outcome >= 30, largest=10)
    used = weight > 0
    y, t, w = outcome[used], treated[used], weight[used]
    assert result.log_mean.difference == pytest.approx(
        np.log1p(y[t]).mean() - np.average(np.log1p(y[~t]), weights=w[~t])
    )
    assert result.top_treated == pytest.approx((y[t] >= 30).mean())
    assert result.top_control == pytest.approx(np.average(y[~t] >= 30, weights=w[~t]))
    table = [[((y >= 30) & s).sum(), ((y < 30) & s).sum()] for s in (t, ~t)]
    assert result.top_p == pytest.approx(stats.fisher_exact(table).pvalue)
    assert result.median_treated == np.median(y[t])
    rest = np.argsort(-y, kind="stable")[10:]
    left = y[rest][t[rest]].mean() - np.average(y[rest][~t[rest]], weights=w[rest][~t[rest]])
    whole = result.mean.difference
    cut = np.sort(y)[-10]
    if (y == cut).sum() == 1:
        assert result.carried_by_largest == pytest.approx(1 - left / whole)


def test_ten_papers_can_carry_everything():
    treated = np.arange(2_000) < 1_000
    outcome = np.full(2_000, 2.0)
    outcome[:10] = 1_000.0
    carried = effects.carried_by_largest(outcome, treated, np.ones(2_000))
    assert carried == pytest.approx(1)
    assert effects.satt(outcome, treated, np.ones(2_000)).difference > 9


def test_the_order_of_rows_does_not_decide_what_is_largest():
    treated = np.array([True, False, True, False, True, False])
    outcome = np.array([9.0, 9.0, 9.0, 9.0, 1.0, 0.0])
    weight = np.array([1.0, 0.5, 1.0, 2.0, 1.0, 1.0])
    one = effects.carried_by_largest(outcome, treated, weight, 3)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(6)
        other = effects.carried_by_largest(outcome[order], treated[order], weight[order], 3)
        assert other == pytest.approx(one, rel=1e-12)


def test_weighted_median_by_repetition():
    rng = np.random.default_rng(4)
    for size in (1, 2, 5, 8, 40):
        values, times = rng.integers(0, 9, size).astype(float), rng.integers(1, 4, size)
        found = effects.weighted_median(values, times.astype(float))
        assert found == np.median(np.repeat(values, times))


def test_bad_input_is_refused():
    yes = np.array([True, False])
    with pytest.raises(InputError, match="one length"):
        effects.satt([1.0], yes, np.ones(2))
    with pytest.raises(InputError, match="missing"):
        effects.satt([1.0, math.nan], yes, np.ones(2))
    with pytest.raises(InputError, match="negative"):
        effects.measures([-1.0, 2.0], yes, np.ones(2), yes)
