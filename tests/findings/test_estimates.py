"""Numbers with intervals: against exact formulas, and their coverage in draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, brunnermunzel, ttest_1samp

from findings.tables import jeffreys
from isthmus.findings.estimates import mean, ratio, share, slope, superiority
from isthmus.findings.verdict import Condition
from isthmus.stats.ratios import ratio_of_totals

BLANK = Condition("x", 0.0, 0.1)
RATIO = Condition("x", 1.0, 1.1, log=True)
HALF = Condition("x", 0.5, 0.55)


def covered(conditions: list[Condition], truth: float) -> float:
    inside = [c.low <= truth <= c.high for c in conditions if c.low is not None and c.high]
    assert len(inside) > 0.9 * len(conditions)
    return float(np.mean(inside))


def test_ratio_of_counts_covers() -> None:
    random = np.random.default_rng(1)
    counts = zip(random.poisson(60, 2000), random.poisson(30, 2000), strict=True)
    made = [ratio(RATIO, [(a, math.sqrt(a))], [(b, math.sqrt(b))]) for a, b in counts]
    # 2,000 draws: the standard error of a coverage of .95 is .005.
    assert covered(made, 2.0) == pytest.approx(0.95, abs=0.02)


def test_interval_and_p_of_a_ratio_come_from_one_law() -> None:
    made = ratio(RATIO, [(120.0, 20.0)], [(80.0, 15.0)])
    outside = ratio_of_totals([(120.0, 20.0)], [(80.0, 15.0)])
    assert (made.low, made.high) == (outside.low, outside.high)
    assert made.p_against(1.0) == pytest.approx(outside.p, rel=1e-6)
    assert ratio(RATIO, [(5.0, 2.5)], [(80.0, 15.0)]).reason.startswith("too few")


def test_share_has_the_jeffreys_interval() -> None:
    for k, n in ((7, 20), (0, 9), (9, 9), (1, 400)):
        made = share(HALF, k, n)
        wanted = (k / n, *jeffreys(k, n))
        assert (made.value, made.low, made.high) == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("n", [20, 200])
def test_shares_are_held_as_often_as_said_on_average(n: int) -> None:
    made = [share(HALF, k, n) for k in range(n + 1)]
    held = [
        binom.pmf([k for k in range(n + 1) if made[k].low <= p <= made[k].high], n, p).sum()
        for p in np.linspace(0.02, 0.98, 97)
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.01)


def test_a_share_of_few_has_no_interval() -> None:
    assert share(HALF, 2, 5).reason.startswith("too few")


def test_mean_agrees_with_students_test() -> None:
    values = np.random.default_rng(2).normal(0.4, 1.0, 12)
    made = mean(BLANK, values)
    assert made.p_against(0.0) == pytest.approx(ttest_1samp(values, 0.0).pvalue, rel=1e-9)
    assert mean(BLANK, values[:5]).reason == "too few: 5 years, 6 are needed"


def test_superiority_agrees_with_brunner_and_munzel() -> None:
    random = np.random.default_rng(3)
    x, y = random.poisson(4, 30).astype(float), random.poisson(3, 17).astype(float)
    made = superiority(HALF, x, y)
    above = (x[:, None] > y).mean() + (x[:, None] == y).mean() / 2
    assert made.value == pytest.approx(above, rel=1e-12)
    assert made.p_against(0.5) == pytest.approx(brunnermunzel(x, y).pvalue, rel=1e-9)
    assert superiority(HALF, x[:5], y).reason.startswith("too few")
    assert superiority(HALF, np.zeros(9), np.zeros(9)).reason.startswith("too few")


def test_slope_of_a_straight_line_and_of_too_few_years() -> None:
    years = np.arange(2000, 2012)
    made = slope(BLANK, years, 0.1 * (years - 2000.0) + 0.01 * (-1.0) ** years)
    assert made.value == pytest.approx(0.1, abs=0.002)
    assert made.p < 0.001
    assert slope(BLANK, years[:5], np.arange(5.0)).reason == "too few: 5 years, 6 are needed"


def test_slope_does_not_depend_on_the_unit() -> None:
    random = np.random.default_rng(4)
    years, error = np.arange(2000, 2015), np.full(15, 0.1)
    values = 0.05 * (years - 2000.0) + random.normal(0, 0.1, 15)
    one = slope(BLANK, years, values, error)
    hundred = slope(BLANK, years, 100 * values, 100 * error, unit=100.0)
    assert hundred.value == pytest.approx(100 * (one.value or 0), rel=1e-9)
    assert hundred.low == pytest.approx(100 * (one.low or 0), rel=1e-9)


def test_a_path_that_bends_is_not_one_line() -> None:
    years = np.arange(1990, 2024)
    values = -np.abs(years - 2010.0) * 0.05
    made = slope(BLANK, years, values, np.full(len(years), 0.02))
    assert made.reason.startswith("not one line")
    assert not made.supports
    assert not made.contradicts()
    growing = slope(BLANK, years, values, np.full(len(years), 0.02), one_line=False)
    assert not growing.reason


def test_missing_years_are_gaps() -> None:
    years = np.array([2000, 2001, 2003, 2006, 2007, 2008, 2010])
    made = slope(BLANK, years, 0.2 * (years - 2000.0), np.full(7, 0.01))
    assert made.value == pytest.approx(0.2, abs=1e-6)
