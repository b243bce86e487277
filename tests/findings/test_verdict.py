"""The rules from numbers to verdicts."""

from __future__ import annotations

import math

import pytest
from scipy.stats import norm, t

from isthmus.findings.verdict import (
    Condition,
    as_large_as_said,
    explained,
    number,
    p_of,
    reading,
    weakest,
)


def gain(value: float, error: float, matters: float = 5.0, **changes: object) -> Condition:
    ends = {"low": value - 1.959964 * error, "high": value + 1.959964 * error}
    return Condition("The gain", 0.0, matters, value=value, **(ends | changes))  # type: ignore[arg-type]


def test_interval_and_p_agree_wherever_no_effect_lies() -> None:
    for value in (-3.0, -1.97, -1.95, 0.5, 1.95, 1.97, 4.0):
        one = gain(value, 1.0)
        assert one.low is not None
        assert one.high is not None
        assert (one.p_against(0.0) < 0.05) == (not one.low <= 0.0 <= one.high)
        assert one.p_against(0.0) == pytest.approx(2 * norm.sf(abs(value)), rel=1e-5)


def test_p_of_a_students_interval_has_its_tails() -> None:
    half = t.ppf(0.975, 7)
    one = Condition("The mean", 0.0, 1.0, value=2.5, low=2.5 - half, high=2.5 + half, df=7)
    assert one.p == pytest.approx(2 * t.sf(2.5, 7), rel=1e-9)


def test_p_of_a_ratio_is_taken_on_logarithms() -> None:
    factor = math.exp(1.959964 * 0.2)
    one = Condition("Ratio", 1.0, 1.1, value=1.5, low=1.5 / factor, high=1.5 * factor, log=True)
    assert one.p == pytest.approx(2 * norm.sf(math.log(1.5) / 0.2), rel=1e-5)


def test_p_counts_only_on_the_claims_side() -> None:
    assert gain(-4.0, 1.0).p == 1.0
    assert gain(-4.0, 1.0, matters=-1.0, above=False).p < 0.001


@pytest.mark.parametrize(
    ("value", "error", "verdict"),
    [
        (10.0, 2.0, "supported"),
        (4.0, 1.0, "undecided"),  # there is an effect, perhaps too small to matter
        (6.0, 4.0, "undecided"),  # large enough, but no effect is not excluded
        (0.0, 1.0, "contradicted"),  # an effect of 5 is excluded
        (0.0, 10.0, "undecided"),  # nothing is known
        (-10.0, 2.0, "contradicted"),
    ],
)
def test_the_smallest_effect_of_interest_decides(value: float, error: float, verdict: str) -> None:
    assert reading([gain(value, error)]) == verdict


def test_an_absence_is_supported_where_an_effect_is_excluded() -> None:
    assert reading([gain(0.0, 1.0)], absence=True) == "supported"
    assert reading([gain(10.0, 1.0)], absence=True) == "contradicted"
    assert reading([gain(0.0, 10.0)], absence=True) == "undecided"


def test_no_number_is_never_a_verdict() -> None:
    few = Condition("The gain", 0.0, 5.0, value=20.0, reason="too few: 3 clusters")
    assert reading([few]) == "undecided"
    assert p_of([few]) is None
    assert "too few: 3 clusters" in explained([few], "undecided")
    absent = Condition("The gain", 0.0, 5.0, reason="no references", absent=True)
    assert reading([gain(10.0, 1.0), absent]) == "not testable here"
    assert reading([]) == "not testable here"


def test_several_numbers_must_all_hold() -> None:
    holds, open_, fails = gain(10.0, 2.0), gain(6.0, 4.0), gain(-10.0, 2.0)
    assert reading([holds, holds]) == "supported"
    assert reading([holds, open_]) == "undecided"
    assert reading([holds, fails]) == "contradicted"
    assert weakest([holds, open_]) is open_
    assert p_of([holds, open_]) == open_.p


def test_one_of_many_contradicts_only_at_a_level_divided_among_them() -> None:
    odd = gain(0.0, 5.0 / 2.2)  # an effect of 5 has p = .028 by itself
    assert reading([odd]) == "contradicted"
    assert reading([odd, *[gain(10.0, 2.0)] * 36]) == "undecided"


def test_a_second_answer_says_whether_the_effect_is_as_large_as_said() -> None:
    one = gain(10.0, 2.0)
    assert as_large_as_said(one, 12.0).startswith("yes")
    assert as_large_as_said(one, 30.0).startswith("no: the interval 6.08 to 13.9 lies below")
    assert as_large_as_said(one, 1.0).endswith("lies above 1")
    assert as_large_as_said(one, None) == "not asked"
    assert as_large_as_said(Condition("x", 0, 1, reason="none"), 3.0) == "not known: no interval"


def test_sentences_say_what_is_left_open() -> None:
    open_ = explained([gain(6.0, 4.0)], "undecided")
    assert "includes both no effect (0) and one that matters (above 5)" in open_
    small = explained([gain(4.0, 1.0)], "undecided")
    assert "whether it reaches 5 is not known" in small


@pytest.mark.parametrize(
    ("value", "text"),
    [(6220.4, "6,220"), (1e-16, "0"), (-0.0123, "-0.0123"), (0.5, "0.5"), (99.96, "100")],
)
def test_numbers_have_the_digits_they_deserve(value: float, text: str) -> None:
    assert number(value) == text
