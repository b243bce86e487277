"""Rounding is compared with Python's own formatting to as many significant digits."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from findings.tables import results_of
from isthmus.report import charts
from isthmus.report.source import (
    DIGITS,
    Source,
    columns,
    listed_years,
    plain,
    rounded,
)
from isthmus.results import schema_of
from isthmus.selection.wording import country_name


@given(st.lists(st.floats(-1e200, 1e200, allow_subnormal=False), min_size=1, max_size=20))
def test_rounded_agrees_with_formatting(values: list[float]) -> None:
    found = rounded(np.array(values, dtype=float))
    for value, got in zip(values, found.tolist(), strict=True):
        # The last digit may differ where the value lies half-way: both are then as near.
        if abs(value) > 1e-280:
            assert math.isclose(got, value, rel_tol=0.51 * 10.0 ** (1 - DIGITS))
            assert float(f"{got:.{DIGITS}g}") == pytest.approx(got, rel=1e-14)


def test_what_is_not_finite_is_none() -> None:
    column = pa.chunked_array([[1.5, None, float("nan"), float("inf"), 0.0]])
    assert plain(column) == [1.5, None, None, None, 0.0]


def test_columns_leaves_out_what_the_table_lacks() -> None:
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    assert columns(table, ["b", "c"]) == {"b": ["x", None]}


def test_missing_names_the_step(bare: Source) -> None:
    assert "poles" in bare.missing("links")
    assert "`links`" in bare.missing("links")


def test_names_come_from_every_table(source: Source) -> None:
    assert source.names["CN"] == "China"
    assert source.names["TWO"] == "TWO"
    assert "all" not in source.names


def test_a_missing_table_is_none(bare: Source) -> None:
    assert bare.table("links") is None
    assert not bare.has("links")
    assert bare.table("country_year") is not None


@pytest.mark.parametrize(
    ("years", "said"),
    [
        ([2017], "2017"),
        ([2017, 2018, 2019], "2017-2019"),
        ([1990, 1992, 1991, 2001], "1990-1992, 2001"),
    ],
)
def test_years_are_listed_in_runs(years, said):
    assert listed_years(years) == said


def test_unknown_references_are_said_with_the_end_they_suggest(source):
    assert source.references_unknown == ""
    record = dict(source.results.record)
    notes = {"references_unknown": [2019, 2020], "corpus_end_suggested": 2018}
    record["steps"] = {"coverage": {"notes": notes}}
    told = Source(replace(source.results, record=record)).references_unknown
    assert "absent or break off in 2019-2020" in told
    assert "corpus_end = 2018" in told


def test_other_places_have_names_and_points(tmp_path: Path) -> None:
    rows = [
        {"country": "I77777777", "name": "University 7", "kind": "institution", "latitude": 1.5}
        | {"longitude": -2.5, "works": 3, "pooled": 0},
        {"country": "rest-US", "name": "rest of the US", "kind": "rest", "pooled": 9},
    ]
    places = pa.Table.from_pylist(rows, schema=schema_of("places"))
    assert country_name("I77777777") == "I77777777"
    poles = {"poles": ["I77777777", "I8"]}
    sections = {"countries": poles, "places": {"unit": "institution"}}
    source = Source(results_of(tmp_path / "results", {"places": places}, **sections))
    assert source.words.names == ("University 7", "I8")
    assert country_name("rest-US") == "rest of the US"
    found = charts.points({"I77777777", "rest-US", "FR"})
    assert [p for p in found if p["code"] != "FR"] == [
        {"code": "I77777777", "lon": -2.5, "lat": 1.5, "small": True}
    ]
    assert len(found) == 2
