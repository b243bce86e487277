"""Contrasts of fields: what is only here, what is also elsewhere, and what is left open."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from isthmus.findings.contrasts import (
    Number,
    contrasts_table,
    definitions,
    numbers_table,
    turns_table,
)
from isthmus.findings.verdict import Condition
from isthmus.results import checked

CLAIM = ("premium-first", "Impact gained, in per cent")
RULES: dict[str, Any] = {
    "contrasts": {"least_others": 3, "least_regression": 8, "most_shared": 0.5},
    "findings": {"error_rate": 0.05},
}


def gain(percent: float, se: float = 0.05) -> dict[tuple[str, str], Number]:
    """A field with one number: a gain in per cent with this error of its logarithm."""
    at = math.log1p(percent / 100)
    low, high = (100 * math.expm1(at + side * 1.959964 * se) for side in (-1, 1))
    one = Condition(CLAIM[1], 0.0, 5.0, value=percent, low=low, high=high, log=True, origin=-100.0)
    made = Number.of(one)
    assert made is not None
    assert made.se == pytest.approx(se, rel=1e-6)
    return {CLAIM: made}


def profiles(names: list[str], seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    n = len(names)
    return pa.table(
        {
            "field": names,
            "works": rng.integers(1000, 90000, n),
            "reference_age": rng.uniform(4, 12, n),
            "international_share": rng.uniform(0.1, 0.4, n),
        }
    )


def overlap(names: list[str], same: tuple[str, ...] = ()) -> pa.Table:
    rows = [
        {"field": a, "other": b, "works": 100, "works_other": 80, "both": 60 if b in same else 5,
         "jaccard": 0.5 if b in same else 0.03}
        for a in names for b in names if a != b
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def row_of(focus: float, others: list[float], **kept: Any) -> dict[str, Any]:
    names = ["focus", *(f"f{n}" for n in range(len(others)))]
    numbers = dict(zip(names, map(gain, [focus, *others]), strict=True))
    table = contrasts_table(
        numbers, "focus", profiles(names), overlap(names, kept.get("same", ())), RULES
    )
    (row,) = checked("contrasts", table).to_pylist()
    return row


NONE = [1.0, -2.0, 3.0, 0.5, -4.0, 2.0, 0.0, -1.0, 4.0, -3.0, 1.5]


def test_a_premium_of_one_field_is_only_here() -> None:
    row = row_of(60.0, NONE)
    assert (row["only_here"], row["rank"], row["others"]) == ("only here", 1, 11)
    assert row["difference"] == pytest.approx(1.6, rel=0.03)
    assert row["difference_low"] > 1
    assert row["p"] < 0.001
    assert row["rank_p"] == pytest.approx(1 / 12)
    assert row["scale"] == "ratio"
    assert row["others_mean"] == pytest.approx(0.1, abs=1.0)


def test_a_premium_of_all_fields_is_also_elsewhere() -> None:
    row = row_of(30.0, [30 + one for one in NONE])
    assert row["only_here"] == "also elsewhere"
    assert row["p"] > 0.5
    larger = row_of(200.0, [30 + one for one in NONE])
    assert larger["only_here"] == "also elsewhere"
    assert "larger in the focus" in larger["why"]


def test_a_premium_within_the_spread_of_fields_is_open() -> None:
    row = row_of(60.0, [-40.0, 80.0, 10.0, -30.0, 50.0, -20.0, 70.0, 0.0])
    assert row["only_here"] == "undecided"
    assert row["spread"] > 0.2
    none = row_of(2.0, NONE)
    assert none["only_here"] == "undecided"
    assert "does not support" in none["why"]


def test_too_few_fields_leave_it_open_and_say_so() -> None:
    row = row_of(60.0, NONE[:2])
    assert (row["difference"], row["p"], row["q"]) == (None, None, None)
    assert row["why"] == "Too few: 2 other fields have this number."
    few = row_of(60.0, NONE[:5])
    assert few["explained"] is None
    assert few["explained_why"] == "6 fields, 8 are needed"


def test_other_definitions_of_the_focus_are_no_other_fields() -> None:
    row = row_of(60.0, NONE, same=("f0", "f1"))
    assert row["others"] == 9
    names = ["focus", "a", "b"]
    assert definitions("focus", overlap(names, ("b",)), 0.5) == {"b"}


def test_what_goes_with_traits_is_found() -> None:
    names = ["focus", *(f"f{n}" for n in range(20))]
    about = profiles(names, seed=5)
    ages = about["reference_age"].to_pylist()
    numbers = {n: gain(100 * math.expm1(0.1 * age)) for n, age in zip(names, ages, strict=True)}
    table = contrasts_table(numbers, "focus", about, overlap(names), RULES)
    (row,) = table.to_pylist()
    assert row["explained_share"] == pytest.approx(1.0, abs=0.1)
    assert row["explained_low"] < row["difference"] < row["explained_high"]


def test_numbers_of_all_fields_are_listed() -> None:
    table = checked("field_numbers", numbers_table({"a": gain(5.0), "b": gain(7.0)}))
    assert table["estimate"].to_pylist() == [5.0, 7.0]


def test_verdicts_that_turn_are_listed_with_the_overlap() -> None:
    def found(*verdicts: str) -> pa.Table:
        claims = [f"claim-{n}" for n in range(len(verdicts))]
        return pa.table({"claim": claims, "statement": claims, "verdict": list(verdicts)})

    tables = {
        "focus": found("supported", "supported", "undecided"),
        "other": found("contradicted", "undecided", "undecided"),
    }
    table = checked("verdict_turns", turns_table(tables, "focus", overlap(list(tables))))
    assert [(r["claim"], r["turned"], r["jaccard"]) for r in table.to_pylist()] == [
        ("claim-0", "opposite", 0.03),
        ("claim-1", "open", 0.03),
    ]


def test_an_end_too_far_off_to_be_written_is_empty() -> None:
    row = row_of(60.0, [1e250, 1e-200, 3.0])
    assert row["difference_high"] is None
    assert row["difference"] is not None
    assert row["only_here"] == "undecided"
