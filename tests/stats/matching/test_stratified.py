"""Differences within strata against sums in plain Python, statsmodels' formula and coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.stats.matching.stratified import Sums, difference_of_sums, matched_difference


def sums(values, stratum, strata):
    parts = [values[stratum == s] for s in range(strata)]
    return Sums(
        np.array([float(p.size) for p in parts]),
        np.array([p.sum() for p in parts]),
        np.array([np.square(p).sum() for p in parts]),
    )


def two_groups(seed, strata=8, effect=1.0):
    """Values that rise over strata, and group one mostly in the later ones."""
    rng = np.random.default_rng(seed)
    stratum = rng.integers(0, strata, 600)
    one = rng.random(600) < 0.05 + 0.06 * stratum
    value = 3.0 * stratum + effect * one + rng.normal(0, 1 + stratum, 600)
    return value, one, stratum


def test_shares_are_the_mantel_haenszel_risk_difference():
    """Two tables of Greenland and Rothman's kind, worked out by hand."""
    one = Sums(np.array([10.0, 40.0]), np.array([6.0, 10.0]), np.array([6.0, 10.0]))
    zero = Sums(np.array([90.0, 20.0]), np.array([18.0, 2.0]), np.array([18.0, 2.0]))
    weight = [10 * 90 / 100, 40 * 20 / 60]
    wanted = (weight[0] * (0.6 - 0.2) + weight[1] * (0.25 - 0.1)) / sum(weight)
    assert difference_of_sums(one, zero).value == pytest.approx(wanted)


def test_a_pooled_difference_of_the_other_sign_is_not_taken():
    """Group one is lower within each year, and higher over all because it is of late years."""
    one = Sums(np.array([1.0, 99.0]), np.array([1.0, 990.0]), np.array([1.5, 9999.0]))
    zero = Sums(np.array([99.0, 10.0]), np.array([198.0, 110.0]), np.array([500.0, 1220.0]))
    found = difference_of_sums(one, zero)
    assert one.total.sum() / 100 > zero.total.sum() / 109
    assert found.value == pytest.approx(-1)


@pytest.mark.parametrize("effect", [0.0, 1.0])
def test_intervals_cover_and_agree_with_p(effect):
    hits = 0
    for seed in range(300):
        value, one, stratum = two_groups(seed, effect=effect)
        found = difference_of_sums(
            sums(value[one], stratum[one], 8), sums(value[~one], stratum[~one], 8)
        )
        hits += found.low <= effect <= found.high
        assert (found.p < 0.05) == (not found.low <= 0 <= found.high)
    assert 0.92 <= hits / 300 <= 0.98


def test_too_few_units_have_no_interval():
    value, one, stratum = two_groups(1)
    few = one & (np.cumsum(one) <= 5)
    found = difference_of_sums(
        sums(value[few], stratum[few], 8), sums(value[~one], stratum[~one], 8)
    )
    assert math.isfinite(found.value)
    assert math.isnan(found.low)
    assert found.reason == "too few: 5 units, 6 needed"


def test_few_units_in_many_strata_cover():
    """Team sizes of 15 papers over 22 years: a year's variance rests on a unit or two."""
    held, made = 0, 0
    rng = np.random.default_rng(3)
    for _ in range(400):
        groups = []
        for n in (15, 400):
            stratum = rng.integers(0, 22, n)
            groups.append(sums(1.0 + rng.negative_binomial(3, 0.5, n), stratum, 22))
        found = difference_of_sums(*groups)
        if math.isfinite(found.low):
            held, made = held + (found.low <= 0 <= found.high), made + 1
        else:
            assert "degrees of freedom, 5 needed" in found.reason
    assert made > 100
    # Three standard errors of a coverage of .95; with one unit less than their number as
    # degrees of freedom it is .89.
    assert held / made >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / made)


def test_no_common_stratum_says_so():
    one = Sums(np.array([5.0, 0.0]), np.array([5.0, 0.0]), np.array([5.0, 0.0]))
    zero = Sums(np.array([0.0, 5.0]), np.array([0.0, 5.0]), np.array([0.0, 5.0]))
    assert difference_of_sums(one, zero).reason == "No stratum holds both groups."


def movers_and_stayers(seed, movers=30, effect=0.0):
    """Stayers stand in many strata with a level of their own; movers in one."""
    rng = np.random.default_rng(seed)
    person = np.concatenate([np.repeat(np.arange(60), 8), 60 + np.arange(movers)])
    stratum = np.concatenate([np.tile(np.arange(8), 60), rng.integers(0, 8, movers)])
    level = rng.gamma(1.0, 4.0, 60 + movers)
    one = person >= 60
    value = level[person] + 2.0 * stratum + effect * one + rng.normal(0, 1, person.size)
    return value, one, stratum, person


def test_matched_difference_is_that_of_a_loop():
    value, one, stratum, person = movers_and_stayers(2)
    stratum[one & (person == 61)] = 99  # nobody to compare with
    gaps = [
        value[i] - value[~one & (stratum == stratum[i])].mean()
        for i in np.flatnonzero(one)
        if (~one & (stratum == stratum[i])).any()
    ]
    found = matched_difference(value, one, stratum, person)
    assert found.value == pytest.approx(np.mean(gaps), rel=1e-12)
    assert found.n_one == len(gaps) == 29
    assert found.mean_one - found.mean_zero == pytest.approx(found.value)


@pytest.mark.parametrize("movers", [8, 40])
def test_persons_in_many_strata_are_one_unit(movers):
    hits = 0
    for seed in range(300):
        found = matched_difference(*movers_and_stayers(seed, movers, effect=2.0))
        hits += found.low <= 2.0 <= found.high
    assert 0.91 <= hits / 300 <= 0.99


def test_one_mover_has_a_difference_and_no_interval():
    found = matched_difference(*movers_and_stayers(3, movers=1))
    assert math.isfinite(found.value)
    assert math.isnan(found.low)
    assert found.reason == "too few: 1.0 effective persons, 6 needed"


def test_nobody_to_compare_says_so():
    none = np.empty(0, dtype=np.int64)
    found = matched_difference([], none.astype(bool), none, none)
    assert found.reason == "No stratum holds both groups."
    assert math.isnan(found.value)


def test_bad_input_is_refused():
    side, zero = np.array([True, False]), np.zeros(2, dtype=np.int64)
    with pytest.raises(InputError, match="one length"):
        matched_difference([1.0], side, zero, zero)
    with pytest.raises(InputError, match="finite"):
        matched_difference([1.0, math.nan], side, zero, zero)
