from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.findings.verdict import (
    Decision,
    above,
    all_of,
    below,
    count_ratio,
    survives,
    undecided,
    wilson,
)

numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers, numbers, numbers)
def test_the_interval_decides(a: float, b: float, c: float, than: float) -> None:
    low, estimate, high = sorted([a, b, c])
    found = above(estimate, low, high, than, "x").verdict
    expected = "supported" if low > than else "not supported" if high <= than else "undecided"
    assert found == expected


@given(numbers, numbers, numbers, numbers)
def test_below_is_above_turned_round(a: float, b: float, c: float, than: float) -> None:
    low, estimate, high = sorted([a, b, c])
    turned = above(-estimate, -high, -low, -than, "x")
    found = below(estimate, low, high, than, "x")
    assert found.verdict == turned.verdict
    assert (found.estimate, found.low, found.high) == (estimate, low, high)


def test_undefined_is_undecided() -> None:
    assert above(math.nan, 0.0, 1.0, 0.5, "x").verdict == "undecided"


def test_count_ratio_covers_the_truth() -> None:
    """Coverage of 4,000 draws: 0.95 give or take three standard errors, 0.0103."""
    rng = np.random.default_rng(1)
    draws = [count_ratio(*rng.poisson([60, 30])) for _ in range(4000)]
    covered = np.mean([low <= 2 <= high for _, low, high in draws])
    assert covered == pytest.approx(0.95, abs=0.0103)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (17, 400)])
def test_wilson_agrees_with_scipy(k: int, n: int) -> None:
    """Both solve one quadratic; 1e-12 leaves room for rounding."""
    from scipy.stats import binomtest

    interval = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_all_of_takes_the_worst() -> None:
    good, bad = Decision("supported", "yes"), Decision("not supported", "no")
    assert all_of([good, good], "x").verdict == "supported"
    assert all_of([good, undecided("?")], "x").verdict == "undecided"
    assert all_of([good, undecided("?"), bad], "x").verdict == "not supported"
    assert all_of([], "x").verdict == "undecided"


def test_survives_names_who_differs() -> None:
    good, bad = Decision("supported", "yes"), Decision("not supported", "no")
    assert survives(good, {"ecm": good}) == "survives: ecm"
    assert survives(good, {"ecm": bad}) == "fails: ecm says not supported"
    assert survives(good, {}).startswith("not tested")
