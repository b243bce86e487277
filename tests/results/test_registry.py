"""The registry holds what a run writes, and nothing else: columns, types, meanings, units."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus.errors import ResultsError
from isthmus.pipeline.steps import STEPS
from isthmus.results import TABLES, checked, registry, schema_of, tables_of, term
from isthmus.results.registry import PAGE, TERMS

#: Tables that a demonstration does not make: it names no table of others, no other place, no
#: shock and one field, and reads no edges.
NOT_DEMONSTRATED = {"comparison", "comparison_years", "edges", "linked_pairs", "places"}
NOT_DEMONSTRATED |= {"shocks", "shock_years", *tables_of("fields")}

#: Kind of value -> whether a type can hold it.
FITS = {
    "flag": pa.types.is_boolean,
    "text": pa.types.is_string,
    "country": pa.types.is_string,
    "year": pa.types.is_integer,
    "share": pa.types.is_floating,
    "p": pa.types.is_floating,
    "count": lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind),
    "number": lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind),
}


@pytest.fixture(scope="module")
def written(demonstration: Path) -> dict[str, pa.Table]:
    folder = demonstration / "results"
    return {path.stem: pq.read_table(path) for path in folder.glob("*.parquet")}


@pytest.mark.slow
def test_a_run_writes_the_tables_and_columns_of_the_registry(written: dict[str, pa.Table]) -> None:
    assert set(written) == set(TABLES) - NOT_DEMONSTRATED
    for name, table in written.items():
        entry = TABLES[name]
        assert checked(name, table) is table
        assert set(entry.grain) <= set(table.column_names)
        for column in entry.columns:
            pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(column.name))
            assert any(re.fullmatch(pattern, c) for c in table.column_names), (name, column.name)


@pytest.mark.slow
def test_the_grain_identifies_a_row(written: dict[str, pa.Table]) -> None:
    for name, table in written.items():
        grain = list(TABLES[name].grain)
        assert table.group_by(grain).aggregate([]).num_rows == table.num_rows, name


def test_every_column_has_a_meaning_a_unit_and_a_counting_rule() -> None:
    for entry in TABLES.values():
        for column in entry.columns:
            meant = column.term
            place = (entry.name, column.name)
            assert all((meant.label, meant.unit, meant.section)), place
            assert len(re.findall(r"[.](?= |$)", meant.meaning)) >= 2, place
            assert meant.rule.endswith(".") or meant.rule == "{attribution_rule}", place
            assert FITS[meant.kind](column.type), (*place, meant.kind, column.type)


def test_every_meaning_belongs_to_a_column() -> None:
    plain = {c.name for entry in TABLES.values() for c in entry.columns}
    own = {f"{entry.name}.{c.name}" for entry in TABLES.values() for c in entry.columns}
    assert {key for key in TERMS if not key.startswith(f"{PAGE}.")} <= plain | own


def test_steps_make_the_tables_of_the_registry() -> None:
    made = [name for step in STEPS for name in step.makes]
    others = {*tables_of("findings"), *tables_of("edges"), *tables_of("fields")}
    assert len(made) == len(set(made))
    assert set(made) == set(TABLES) - others


def test_columns_named_after_the_study_take_its_words() -> None:
    entry = TABLES["alignment"]
    assert entry.column("slope_low_CN").term.label == "Slope with CN, low"
    assert entry.column("slope_CN").term.label == "Slope with CN"
    assert TABLES["country_year"].column("c5_mean").term.label == "Citations per paper (5 years)"
    assert entry.column("colour") is None


def test_a_column_may_mean_something_of_its_own_in_a_table() -> None:
    assert "quartile" in term("low", "centroids").label
    assert "interval" in term("low", "dropped").meaning
    assert term("colour") is None


def test_schemas_repeat_the_columns_of_every_pole() -> None:
    names = schema_of("alignment", ["US", "CN"]).names
    assert names[:3] == ["null_model", "country", "with_US"]
    assert names.index("survives_US") + 1 == names.index("with_CN")
    assert names[-2:] == ["role", "role_slope"]


def test_a_table_that_differs_from_its_entry_is_refused() -> None:
    right = schema_of("edges").empty_table()
    assert checked("edges", right) is right
    with pytest.raises(ResultsError, match="`colour` of the table `edges` has no entry"):
        checked("edges", right.append_column("colour", pa.array([], pa.string())))
    with pytest.raises(ResultsError, match=r"`edges\.rows` is double; .* says int64"):
        checked("edges", right.set_column(1, "rows", pa.array([], pa.float64())))
    with pytest.raises(ResultsError, match="`edges` lacks `rows`"):
        checked("edges", right.drop_columns("rows"))
    assert checked("mine", right) is right


def test_a_column_without_a_meaning_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = {key: meant for key, meant in TERMS.items() if key != "set_aside"}
    monkeypatch.setattr(registry, "TERMS", rest)
    with pytest.raises(ResultsError, match="`set_aside` of the table `edges` has no meaning"):
        registry._read_tables()
