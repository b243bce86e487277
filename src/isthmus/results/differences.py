"""Which numbers moved between two results: of two releases, two corpora, two settings.

Tables are matched by their grain. A number counts as moved beyond a relative
tolerance, so that another order of summation is no difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from isthmus.results import TABLES, Results, grain_of

#: Relative difference up to which two numbers are the same: far above rounding of
#: double precision, far below anything reported.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Moved:
    """How a column of a table differs between two results.

    Attributes
    ----------
    table, column
        Which.
    rows
        Rows of the table that both results have.
    changed
        Rows of those in which the column differs.
    total_first, total_second
        Sums over all rows; None for columns that are no numbers.
    largest
        Largest relative difference, of the larger of both numbers; 1 where one is
        zero or null. None for columns that are no numbers.
    where
        Row of the largest difference, as its grain.
    """

    table: str
    column: str
    rows: int
    changed: int
    total_first: float | None
    total_second: float | None
    largest: float | None
    where: str


@dataclass(frozen=True)
class Differences:
    """What differs between two results.

    Attributes
    ----------
    settings
        Settings that differ -> both values.
    corpora
        What differs of the corpora (release, hash) -> both values.
    tables
        Tables only one of them has -> ``first`` or ``second``.
    rows
        Table -> rows only the first has, and only the second.
    moved
        Columns that differ in rows both have.
    """

    settings: dict[str, tuple[Any, Any]]
    corpora: dict[str, tuple[Any, Any]]
    tables: dict[str, str]
    rows: dict[str, tuple[int, int]]
    moved: list[Moved]

    @property
    def none(self) -> bool:
        """Whether every number is the same."""
        return not (self.tables or self.moved or any(map(any, self.rows.values())))


def differences(first: Results, second: Results, *, tolerance: float = TOLERANCE) -> Differences:
    """Compare two results, table by table and row by row.

    Parameters
    ----------
    first, second
        Results to compare.
    tolerance
        Relative difference up to which two numbers are the same.
    """
    rows: dict[str, tuple[int, int]] = {}
    moved: list[Moved] = []
    for name in sorted(set(first.tables) & set(second.tables) & set(TABLES)):
        with duckdb.connect(config={"autoload_known_extensions": False}) as connection:
            pair = _Pair(connection, name, first.table(name), second.table(name), tolerance)
            rows[name] = pair.unmatched()
            moved += pair.moved()
    return Differences(
        settings=dict(_unequal("", first.record["settings"], second.record["settings"])),
        corpora=dict(_unequal("", _corpus(first), _corpus(second))),
        tables=_single(first.tables, second.tables),
        rows=rows,
        moved=moved,
    )


class _Pair:
    """One table of both results, joined by its grain."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        first: pa.Table,
        second: pa.Table,
        tolerance: float,
    ) -> None:
        self._connection = connection
        self._name = name
        self._tolerance = tolerance
        self._first, self._second = first, second
        shared = set(first.column_names) & set(second.column_names)
        self._grain = [key for key in grain_of(name, sorted(shared)) if key in shared]
        self._columns = [c for c in first.column_names if c in shared and c not in self._grain]
        connection.register("a", first.append_column("_in", pa.repeat(True, len(first))))
        connection.register("b", second.append_column("_in", pa.repeat(True, len(second))))
        on = " AND ".join(f'a."{k}" IS NOT DISTINCT FROM b."{k}"' for k in self._grain) or "true"
        self._join = f"a FULL OUTER JOIN b ON {on}"

    def unmatched(self) -> tuple[int, int]:
        """Rows only the first has, and only the second."""
        found = self._row(
            "count(*) FILTER (WHERE b._in IS NULL), count(*) FILTER (WHERE a._in IS NULL)"
        )
        return found[0], found[1]

    def moved(self) -> Iterator[Moved]:
        """Return the columns that differ in rows both have."""
        for column in self._columns:
            number = all(_is_number(t.schema.field(column).type) for t in self._tables)
            found = self._number(column) if number else self._text(column)
            if found.changed:
                yield found

    @property
    def _tables(self) -> tuple[pa.Table, pa.Table]:
        return self._first, self._second

    def _number(self, column: str) -> Moved:
        a, b = f'a."{column}"::DOUBLE', f'b."{column}"::DOUBLE'
        larger = f"greatest(abs({a}), abs({b}))"
        apart = (
            f"CASE WHEN {a} IS NULL AND {b} IS NULL OR {a} = {b} THEN 0 "
            f"WHEN {a} IS NULL OR {b} IS NULL OR isnan({a}) OR isnan({b}) OR isinf({larger}) "
            f"THEN (NOT coalesce(isnan({a}) AND isnan({b}), false))::INT::DOUBLE "
            f"ELSE least(abs({a} - {b}) / {larger}, 1) END"
        )
        where = "concat_ws(' ', " + ", ".join(f'a."{key}"' for key in self._grain or ["_in"]) + ")"
        both = "a._in AND b._in"
        found = self._row(
            f"count(*) FILTER (WHERE {both}), "
            f"count(*) FILTER (WHERE {both} AND {apart} > {self._tolerance!r}), "
            f"sum({a}), sum({b}), max({apart}) FILTER (WHERE {both}), "
            f"min_by({where}, (-({apart}), {where})) FILTER (WHERE {both})"
        )
        return Moved(self._name, column, *found)

    def _text(self, column: str) -> Moved:
        found = self._row(
            "count(*) FILTER (WHERE a._in AND b._in), count(*) FILTER (WHERE a._in AND b._in "
            f'AND a."{column}"::VARCHAR IS DISTINCT FROM b."{column}"::VARCHAR)'
        )
        return Moved(self._name, column, found[0], found[1], None, None, None, "")

    def _row(self, select: str) -> tuple[Any, ...]:
        rows: list[Any] = self._connection.execute(f"SELECT {select} FROM {self._join}").fetchall()
        return tuple(rows[0])


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _single(first: list[str], second: list[str]) -> dict[str, str]:
    only = dict.fromkeys(set(first) - set(second), "first")
    only |= dict.fromkeys(set(second) - set(first), "second")
    return dict(sorted(only.items()))


def _corpus(results: Results) -> Mapping[str, Any]:
    found = results.record.get("corpus")
    return found if isinstance(found, dict) else {}


def _unequal(path: str, first: Any, second: Any) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Return what differs in two nested mappings, by its path."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in sorted(first.keys() | second.keys()):
            inner = f"{path}.{key}" if path else key
            yield from _unequal(inner, first.get(key), second.get(key))
    elif first != second:
        yield path, (first, second)
