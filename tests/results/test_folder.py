"""A folder of results: read, described, asked in SQL; large tables are Parquet alone."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.errors import ResultsError
from isthmus.results import (
    RESULTS_VERSION,
    TABLES,
    Results,
    folder,
    forms,
    open_results,
    schema_of,
    write_record,
    write_table,
)

FLOWS = pa.table(
    {
        "year": pa.array([2001, 2000], pa.int16()),
        "origin": ["US", "CN"],
        "destination": ["CN", "US"],
        "scientists": pa.array([3, 5], pa.int64()),
        "returning": pa.array([0, 1], pa.int64()),
        "origin_rank": pa.array([1, 1], pa.int64()),
        "destination_rank": pa.array([1, 1], pa.int64()),
    }
)


@pytest.fixture
def results(tmp_path: Path) -> Results:
    tables = {name: schema_of(name, ["US"]).empty_table() for name in TABLES}
    tables["flows"] = FLOWS
    rows = {name: write_table(tmp_path, name, table)["rows"] for name, table in tables.items()}
    settings = {"study": {"years": [2000, 2001]}, "countries": {"poles": ["US", "CN"]}}
    record = {"results_version": RESULTS_VERSION, "title": "T <b>", "settings": settings}
    write_record(tmp_path, {**record, "tables": rows})
    return open_results(tmp_path)


def test_a_table_is_had_by_name(results: Results) -> None:
    assert results["flows"]["scientists"].to_pylist() == [5, 3]
    with pytest.raises(ResultsError, match=r"Did you mean `flows`\? It holds: .*flows"):
        results["flow"]
    with pytest.raises(ResultsError, match="no table `x`"):
        results.describe("x")


def test_a_description_says_grain_units_and_meanings(results: Results) -> None:
    found = results.describe("flows")
    assert found.grain == ("year", "origin", "destination")
    assert [column.name for column in found.columns] == FLOWS.column_names
    lines = repr(found).splitlines()
    assert lines[0] == "flows: 2 rows, one per year, origin, destination"
    assert "[moves]" in lines[4]
    assert found._repr_html_().count("<tr>") == 1 + FLOWS.num_columns


def test_no_description_has_a_place_left_open(results: Results) -> None:
    for name in ("matched", "hit_thresholds", "alignment", "coverage"):
        assert "{" not in repr(results.describe(name)) + results.describe(name)._repr_html_()
    found = {column.name: column.term for column in results.describe("matched").columns}
    assert "led by US with someone in CN" in found["experiment"].meaning


def test_sql_reads_the_tables_and_nothing_else(results: Results, tmp_path: Path) -> None:
    found = results.sql("select origin, sum(scientists) n from flows group by 1 order by 1")
    assert found.to_pylist() == [{"origin": "CN", "n": 5}, {"origin": "US", "n": 3}]
    outside = tmp_path / "outside.csv"
    outside.write_text("a\n1\n")
    mine = pa.table({"a": [1]})
    for query in (
        f"select * from '{outside}'",
        f"copy flows to '{tmp_path / 'new.csv'}'",
        f"attach '{tmp_path / 'new.db'}'",
        "set enable_external_access = true",
        "install httpfs",
        "select * from mine",
        "delete from flows",
        "selec 1",
    ):
        with pytest.raises(ResultsError, match=r"cannot be run: (.|\n)*Tables: "):
            results.sql(query)
    assert mine.num_rows == 1
    assert not list(tmp_path.glob("new.*"))
    results.sql("drop view flows")
    assert results["flows"].num_rows == 2


def test_the_summary_fits_twenty_lines(results: Results) -> None:
    lines = repr(results).splitlines()
    assert len(lines) <= 20
    assert all(len(line) <= 100 for line in lines[2:])
    assert "T &lt;b&gt;" in results._repr_html_()
    assert results._repr_html_().count("<tr>") == 1 + len(TABLES)


def test_large_tables_are_parquet_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_table(tmp_path, "flows", FLOWS)
    assert forms(tmp_path, "flows") == ("csv", "parquet")
    monkeypatch.setattr(folder, "CSV_MOST_ROWS", 1)
    assert set(write_table(tmp_path, "flows", FLOWS)["sha256"]) == {"flows.parquet"}
    assert forms(tmp_path, "flows") == ("parquet",)
    assert set(write_table(tmp_path, "flows", FLOWS, csv=True)["sha256"]) == {
        "flows.csv",
        "flows.parquet",
    }
    works = schema_of("novelty_works").empty_table()
    assert set(write_table(tmp_path, "novelty_works", works, csv=True)["sha256"]) == {
        "novelty_works.parquet"
    }
