"""What moved between two results, against a comparison row by row in plain Python.

Tolerances: none but the one of the comparison itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from isthmus.cli.verbs import app
from isthmus.results import RESULTS_VERSION, Results, open_results, write_table
from isthmus.results.differences import differences


def results(folder: Path, tables: dict[str, pa.Table], **record: Any) -> Results:
    folder.mkdir()
    rows = {name: write_table(folder, name, table)["rows"] for name, table in tables.items()}
    full = {"results_version": RESULTS_VERSION, "settings": {}, "corpus": {}, "tables": rows}
    (folder / "run.json").write_text(json.dumps(full | record))
    return open_results(folder)


def by_country(**columns: list[Any]) -> dict[str, pa.Table]:
    return {"country_year": pa.table({"year": [2000, 2001, 2001], **columns})}


CODES = ["US", "CN", "US"]


def test_equal_results_differ_in_nothing(tmp_path: Path) -> None:
    tables = by_country(country=CODES, papers=[1.0, None, float("nan")], note=["a", None, "b"])
    found = differences(results(tmp_path / "a", tables), results(tmp_path / "b", tables))
    assert found.none
    assert found.rows == {"country_year": (0, 0)}
    assert (found.settings, found.corpora, found.tables, found.moved) == ({}, {}, {}, [])


def test_moved_numbers_are_counted_with_the_largest_named(tmp_path: Path) -> None:
    first = by_country(country=CODES, papers=[10, 20, 0], share=[0.5, None, 1.0], note=list("abc"))
    second = by_country(country=CODES, papers=[10, 15, 1], share=[0.5, 0.2, 1.0], note=list("abd"))
    found = differences(results(tmp_path / "a", first), results(tmp_path / "b", second))
    moved = {m.column: m for m in found.moved}
    assert list(moved) == ["papers", "share", "note"]
    papers = moved["papers"]
    assert (papers.rows, papers.changed) == (3, 2)
    assert (papers.total_first, papers.total_second) == (30, 26)
    assert (papers.largest, papers.where) == (1.0, "2001 US")
    assert (moved["share"].changed, moved["share"].where) == (1, "2001 CN")
    assert (moved["note"].changed, moved["note"].largest) == (1, None)
    assert not found.none


def test_rounding_is_no_difference_and_the_tolerance_says_what_is(tmp_path: Path) -> None:
    first = results(tmp_path / "a", by_country(country=CODES, x=[1.0, 0.3, 5.0]))
    second = results(tmp_path / "b", by_country(country=CODES, x=[1.0, 0.1 + 0.2, 5.005]))
    assert [m.changed for m in differences(first, second).moved] == [1]
    assert differences(first, second, tolerance=0.01).none
    assert [m.changed for m in differences(first, second, tolerance=0.0).moved] == [2]


def test_rows_tables_settings_and_corpora_of_one_side(tmp_path: Path) -> None:
    shared = pa.table({"year": pa.array([None, 2001], pa.int64()), "country": ["US", "US"]})
    other = pa.table({"year": pa.array([None, 2002, 2003], pa.int64()), "country": ["US"] * 3})
    flows = pa.table({"year": [1], "origin": ["US"], "destination": ["CN"], "scientists": [1]})
    first = results(
        tmp_path / "a",
        {"country_year": shared},
        settings={"impact": {"window": 2}},
        corpus={"release": "2025-01"},
    )
    second = results(
        tmp_path / "b",
        {"country_year": other, "flows": flows},
        settings={"impact": {"window": 5}},
        corpus={"release": "2026-01"},
    )
    found = differences(first, second)
    assert found.rows == {"country_year": (1, 2)}
    assert found.tables == {"flows": "second"}
    assert found.settings == {"impact.window": (2, 5)}
    assert found.corpora == {"release": ("2025-01", "2026-01")}
    assert not found.none


def test_tables_without_rows_compare(tmp_path: Path) -> None:
    full = by_country(country=CODES, papers=[1, 2, 3])
    empty = {"country_year": full["country_year"].slice(0, 0)}
    found = differences(results(tmp_path / "a", full), results(tmp_path / "b", empty))
    assert found.rows == {"country_year": (3, 0)}
    assert found.moved == []


@pytest.mark.parametrize(("papers", "code"), [([1, 2, 3], 0), ([1, 2, 4], 1)])
def test_the_command_says_so_and_ends_with_one(
    tmp_path: Path, papers: list[int], code: int
) -> None:
    results(tmp_path / "a", by_country(country=CODES, papers=[1, 2, 3]))
    results(tmp_path / "b", by_country(country=CODES, papers=papers))
    done = CliRunner().invoke(app, ["diff", str(tmp_path / "a"), str(tmp_path / "b")])
    assert done.exit_code == code, done.output
    assert ("Every number is the same" in done.output) == (code == 0)
    assert ("papers" in done.output) == (code == 1)
