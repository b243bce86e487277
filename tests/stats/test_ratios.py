"""Ratios of totals against simulated totals: the interval covers as often as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from isthmus.errors import InputError
from isthmus.stats.ratios import ratio_of_totals


def test_value_interval_and_p_are_those_of_the_logarithm():
    found = ratio_of_totals([(200.0, 20.0)], [(100.0, 10.0)])
    # Two totals worth 100 units each: Welch's degrees of freedom are 2 * 99.
    reach = stats.t(198).ppf(0.975) * math.hypot(0.1, 0.1)
    assert found.value == 2
    assert math.log(found.high / 2) == pytest.approx(reach, rel=1e-9)
    assert math.log(2 / found.low) == pytest.approx(reach, rel=1e-9)
    assert ratio_of_totals([(200.0, 20.0)], [(100.0, 10.0)], null=found.low).p == pytest.approx(
        0.05, rel=1e-6
    )


def test_two_totals_on_each_side_make_a_ratio_of_ratios():
    found = ratio_of_totals([(8.0, 1.0), (9.0, 1.0)], [(2.0, 0.1), (4.0, 0.5)])
    assert found.value == pytest.approx((8 / 2) / (4 / 9))


def test_fewer_than_six_effective_units_give_no_interval():
    found = ratio_of_totals([(5.0, math.sqrt(5))], [(100.0, 10.0)])
    assert found.value == 0.05
    assert math.isnan(found.low)
    assert math.isnan(found.p)
    assert found.reason == "too few: 5.0 effective units"
    assert not math.isnan(ratio_of_totals([(6.0, math.sqrt(6))], [(100.0, 10.0)]).low)


def test_a_total_of_nothing_has_no_ratio():
    found = ratio_of_totals([(0.0, 0.0)], [(100.0, 10.0)])
    assert math.isnan(found.value)
    assert found.reason == "a total is 0"


def test_totals_of_heavy_tailed_citations_cover_as_often_as_they_say():
    """Citations like those of papers: many zeros, a few papers with hundreds."""
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(800):
        sides = []
        for rate in (300, 150):
            cited = rng.poisson(rng.lognormal(0.0, 1.3, rng.poisson(rate)))
            sides.append((float(cited.sum()), math.sqrt(float(np.square(cited).sum()))))
        found = ratio_of_totals([sides[0]], [sides[1]])
        hits += found.low <= 2 <= found.high
    assert 0.92 <= hits / 800 <= 0.98


@pytest.mark.parametrize(
    ("above", "options"),
    [([(-1.0, 1.0)], {}), ([(math.inf, 1.0)], {}), ([(1.0, 1.0)], {"level": 1}),
     ([(1.0, 1.0)], {"null": 0})],
)  # fmt: skip
def test_bad_input_is_refused(above, options):
    with pytest.raises(InputError):
        ratio_of_totals(above, [(1.0, 1.0)], **options)
