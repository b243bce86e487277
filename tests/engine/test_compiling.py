"""Equal expressions are compiled once, and each engine answers from its own tables."""

from __future__ import annotations

from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus.engine import DuckDBEngine, compiling

SCHEMA = pa.schema([("work_id", pa.int64()), ("year", pa.int64())])


def doubled(engine: DuckDBEngine, folder: Path, first: int) -> list[int]:
    """Compute the same expression, by way of a table that is kept, on works of a folder."""
    part = folder / "works" / "0.parquet"
    part.parent.mkdir(parents=True)
    pq.write_table(pa.table({"work_id": [first, first + 1], "year": [2001, 2002]}, SCHEMA), part)
    works = engine.read([part], SCHEMA)
    late = engine.keep(works.filter(works.year > 2001), folder / "late.parquet")
    given = engine.local(pa.table({"work_id": [first + 1], "times": [2]}))
    joined = late.inner_join(given, "work_id")
    found = engine.collect(joined.mutate(product=joined.work_id * joined.times))
    engine.close()
    return found["product"].to_pylist()


def test_a_second_study_is_not_compiled_and_reads_its_own_tables(tmp_path: Path) -> None:
    compiling.sql_of.cache_clear()
    assert doubled(DuckDBEngine(threads=1), tmp_path / "one", 10) == [22]
    compiled = compiling.sql_of.cache_info().misses
    assert compiled > 0
    assert doubled(DuckDBEngine(threads=2), tmp_path / "other", 50) == [102]
    assert compiling.sql_of.cache_info().misses == compiled
    assert compiling.sql_of.cache_info().hits == compiled


def test_what_differs_in_a_literal_or_a_type_is_compiled_anew(tmp_path: Path) -> None:
    engine, part = DuckDBEngine(), tmp_path / "works" / "0.parquet"
    part.parent.mkdir()
    pq.write_table(pa.table({"work_id": [1, 2], "year": [2001, 2002]}, SCHEMA), part)
    works = engine.read([part], SCHEMA)
    for least, kept in ((2001, [2]), (2000, [1, 2]), (2002, [])):
        assert engine.collect(works.filter(works.year > least))["work_id"].to_pylist() == kept
    for kind in ("int64", "float64"):
        found = engine.collect(works.select(one=ibis.literal(1, kind)))
        assert str(found.schema.field("one").type) == {"float64": "double"}.get(kind, kind)
    engine.close()


def test_parts_of_the_same_names_stay_apart(tmp_path: Path) -> None:
    engine, tables = DuckDBEngine(), []
    for folder, first in (("one", 1), ("other", 7)):
        part = tmp_path / folder / "works" / "0.parquet"
        part.parent.mkdir(parents=True)
        pq.write_table(pa.table({"work_id": [first], "year": [2001]}, SCHEMA), part)
        tables.append(engine.read([part], SCHEMA))
    found = [engine.collect(table)["work_id"].to_pylist() for table in tables]
    assert found == [[1], [7]]
    engine.close()


@pytest.mark.parametrize("values", [[1, 2], [3]])
def test_tables_in_memory_are_read_anew(values: list[int]) -> None:
    engine = DuckDBEngine()
    before = compiling.sql_of.cache_info()
    table = ibis.memtable(pa.table({"n": values}))
    assert engine.collect(table)["n"].to_pylist() == values
    assert compiling.sql_of.cache_info() == before
    engine.close()
