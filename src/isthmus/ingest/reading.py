"""Reading chunks of records with DuckDB into units: strictly first, one by one where it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import merge_counts
from isthmus.files import atomic_path
from isthmus.ingest.database import copy, quoted, registered
from isthmus.ingest.dialect import DUCKDB
from isthmus.ingest.lines import Scratch, Segment
from isthmus.ingest.openalex import definition
from isthmus.ingest.openalex.fields import FIELDS, duckdb_type
from isthmus.ingest.sources import Input
from isthmus.ingest.tolerant import NotJSONError, Salvage
from isthmus.ingest.units import RECEIPT_NAME, Receipt, Refused

#: Works of a unit: what a killed reader loses at most, and what a part of a table holds.
UNIT_WORKS = 60_000

#: Bytes of records that are loaded before their tables are worked out: a query costs some
#: milliseconds to plan, however few rows it reads.
PORTION_BYTES = 128 << 20

#: Longest record that DuckDB is given; longer ones are read one by one.
_OBJECT_BYTES = 16 << 20

#: Characters of a rejected record that are kept to recognise it by.
HEAD_CHARACTERS = 200

Unreadable = type[Exception] | tuple[type[Exception], ...]

#: What DuckDB says of what it cannot read.
_UNREADABLE = (
    duckdb.InvalidInputException,
    duckdb.ConversionException,
    duckdb.BinderException,
)

#: Relation of the definition -> order of its rows in a unit. Records stand in the order of reading.
ORDERS = {
    "works": "record",
    "authorships": "record, position",
    "affiliations": "record, position, place, country",
    "cited": "record, cited_id",
    "subjects": "record, scheme, subject_id",
}

#: Relation of the definition -> table, where the names differ.
TABLE_OF = {"cited": "references", "sources": "venues"}

#: Entity -> key of its table.
KEYS = {"institutions": "institution_id", "sources": "venue_id", "authors": "author_id"}

#: Relations whose rows are read several times, so that they are worked out once.
HELD = {"listed", "teams", "signed", "placed", "parsed", "cites", "topics_of", "labels"} | {
    "works",
    "cited",
}


class Reader:
    """Reads chunks of records of one entity into units.

    Parameters
    ----------
    connection
        DuckDB, as :func:`isthmus.ingest.database.connect` opens it.
    entity
        What the records are.
    inputs
        The sources that the chunks are of.
    receipt
        What was read of them before.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        entity: str,
        inputs: Sequence[Input],
        receipt: Receipt,
    ) -> None:
        self._connection = connection
        self._entity = entity
        self._inputs = inputs
        self._relations = [*ORDERS] if entity == "works" else []
        self._begin(receipt.chunks, receipt.record)
        self.record = receipt.record
        self.chunks = receipt.chunks
        self._n_loaded = self._bytes_loaded = 0

    def _begin(self, chunks: int, record: int) -> None:
        self._receipt = Receipt(chunks=chunks, record=record)
        self._fresh = True

    @property
    def full(self) -> bool:
        """The unit has as many records as it should."""
        return self.record - self._receipt.record >= UNIT_WORKS

    def read_lines(self, scratch: Scratch, segments: Sequence[Segment]) -> None:
        """Read the lines of a chunk."""
        size = segments[-1].end
        memory = scratch.reserve(size)
        n_lines = sum(segment.lines for segment in segments)
        plain = all(segment.fault != "too_long" for segment in segments)
        if not plain or not self._strictly(scratch.path, n_lines, segments, memory):
            self._one_by_one(_numbered(memory, segments))
        self.chunks += 1

    def _strictly(self, path: Path, n_lines: int, segments: Sequence[Segment], memory: Any) -> bool:
        """Have DuckDB read the lines; say whether it could read all of them."""
        constants = {self._inputs[segment.source].constants for segment in segments}
        if len(constants) > 1:
            return False
        columns = ", ".join(
            f"\"{name}\": '{duckdb_type(spec)}'" for name, spec in FIELDS[self._entity].items()
        )
        relation = (
            f"read_json({quoted(path)}, format='newline_delimited', columns={{{columns}}}, "
            f"maximum_object_size={_OBJECT_BYTES}, compression='uncompressed')"
        )
        n_read = self._load(
            relation,
            dict(constants.pop()),
            lambda n: n == n_lines or n == sum(1 for _ in _numbered(memory, segments)),
        )
        if n_read is None:
            return False
        faults = self._faults()
        if faults:
            for index, (segment, line, text) in enumerate(_numbered(memory, segments)):
                if index in faults:
                    reason = "not_json" if text.strip() == b"null" else faults[index]
                    self._refuse(segment, line, reason, text)
        for segment in segments if n_read == n_lines else ():
            self._count(segment.source, segment.lines)
        for segment, _, _ in _numbered(memory, segments) if n_read != n_lines else ():
            self._count(segment.source, 1)
        self._take(n_read, segments[-1].end)
        return True

    def _count(self, source: int, n_records: int) -> None:
        counts = self._receipt.records
        counts[source] = counts.get(source, 0) + n_records

    def _load(
        self,
        relation: str,
        constants: dict[str, str],
        is_all: Callable[[int], bool],
        unreadable: Unreadable = _UNREADABLE,
    ) -> int | None:
        """Load records into ``raw``; give their number, None where not all can be loaded."""
        given = ", ".join(
            f"coalesce({name}, {quoted(value)}) AS {name}" for name, value in constants.items()
        )
        source = f"(SELECT * REPLACE ({given}) FROM {relation})" if given else relation
        made = "INSERT INTO raw" if self._n_loaded else "CREATE OR REPLACE TEMP TABLE raw AS"
        self._connection.begin()
        try:
            n_read = self._one(f"{made} SELECT *, {definition.judged(self._entity)} FROM {source}")
        except unreadable:
            self._connection.rollback()
            return None
        if not is_all(n_read):
            self._connection.rollback()
            return None
        self._connection.commit()
        return int(n_read)

    def _faults(self) -> dict[int, str]:
        """Return the records loaded last that are none, by their place, with the reason."""
        first = self._n_loaded
        return dict(
            self._do(
                f"SELECT rowid - {first}, fault FROM raw WHERE rowid >= {first} AND fault "
                "IS NOT NULL"
            )
        )

    def _one_by_one(self, lines: Iterator[tuple[Segment, int, bytes]]) -> None:
        """Read lines one by one, and what can be made of them as DuckDB reads the others."""
        salvage = Salvage(FIELDS[self._entity])
        kept: list[tuple[Segment, int, bytes]] = []
        made: list[bytes] = []
        n_lines = 0
        for segment, line, text in lines:
            n_lines += 1
            self._count(segment.source, 1)
            last = text is not None and segment.lines_before + segment.lines == line
            fault = segment.fault if last else None
            try:
                if fault == "too_long":
                    raise NotJSONError
                record = salvage.line(text, dict(self._inputs[segment.source].constants))
            except NotJSONError:
                self._refuse(segment, line, fault or "not_json", text)
                continue
            kept.append((segment, line, text[: 4 * HEAD_CHARACTERS]))
            made.append(record)
        self._receipt.add({"value_unreadable": salvage.dropped}, {})
        self._read_made(made, kept)

    def _read_made(self, made: list[bytes], kept: list[tuple[Segment, int, bytes]]) -> None:
        """Read lines that were made to be read."""
        lines = pa.table({"line": pa.array(made, pa.string())})
        structure = (
            msgspec.json.encode(FIELDS[self._entity]).decode().replace('"text"', '"VARCHAR"')
        )
        with registered(self._connection, "made", lines):
            n_read = self._load(
                f"(SELECT fields.* FROM (SELECT json_transform(line, '{structure}') AS fields "
                "FROM made))",
                {},
                lambda n: n == len(made),
            )
        if n_read is None:
            raise AssertionError(f"{len(made)} records were salvaged and not all read")
        for index, reason in self._faults().items():
            segment, line, text = kept[index]
            self._refuse(segment, line, reason, text)
        self._take(len(made), lines.nbytes)

    def read_arrow(self, rows: pa.Table, select: str) -> bool:
        """Read the rows of a table, as :meth:`read_table` does; `select` is from ``given``."""
        with registered(self._connection, "given", rows):
            return self.read_table(select, rows.num_rows, rows.nbytes, lambda: rows)

    def read_table(
        self,
        select: str,
        n_rows: int,
        n_bytes: int,
        rows: Callable[[], pa.Table],
        unreadable: Unreadable = _UNREADABLE,
    ) -> bool:
        """Read nested rows; say whether DuckDB could read all of them.

        `select` is the SQL of the fields that are read; `rows` gives the rows, where one has
        to be shown; `unreadable` are the errors that mean that DuckDB cannot read them.
        """
        constants = dict(self._inputs[0].constants)
        if self._load(f"({select})", constants, lambda n: n == n_rows, unreadable) is None:
            return False
        if faults := self._faults():
            table = rows()
            for index, reason in faults.items():
                row = _with_text_of_times(table.slice(index, 1)).to_pylist()[0]
                self._refuse(Segment(0, 0, 0, 0, 0), self.record + index + 1, reason, _head(row))
        self._count(0, n_rows)
        self._take(n_rows, n_bytes)
        self.chunks += 1
        return True

    def read_rows(self, rows: pa.Table) -> None:
        """Read rows of a nested table one by one."""
        salvage = Salvage(FIELDS[self._entity])
        made, kept = [], []
        for number, row in enumerate(_with_text_of_times(rows).to_pylist()):
            made.append(salvage.record(row, dict(self._inputs[0].constants)))
            kept.append((Segment(0, 0, 0, 0, 0), self.record + number + 1, _head(row)))
        self._count(0, rows.num_rows)
        self._receipt.add({"value_unreadable": salvage.dropped}, {})
        self._read_made(made, kept)
        self.chunks += 1

    def note_unplaced(self, n_cells: int) -> None:
        """Note cells of an export that are of some author, but not of which."""
        self._receipt.add({"author_unplaced": n_cells}, {})

    def note_broken(self, n_files: int) -> None:
        """Note files that break off or are damaged."""
        self._receipt.add({}, {"file_cut_off": n_files})

    def _refuse(self, segment: Segment, line: int, reason: str, text: bytes) -> None:
        begins = text[: 4 * HEAD_CHARACTERS].decode("utf-8", "replace")[:HEAD_CHARACTERS]
        size = segment.last_bytes if reason == "too_long" else None
        self._receipt.refused.append(Refused(segment.source, line, reason, begins, size))

    def _take(self, n_records: int, n_bytes: int) -> None:
        """Note what was loaded, and work it out where there is enough."""
        self.record += n_records
        self._n_loaded += n_records
        self._bytes_loaded += n_bytes
        if self._bytes_loaded >= PORTION_BYTES:
            self._work_out()

    def _work_out(self) -> None:
        """Work the definition out over what is loaded, and add its rows to the unit."""
        self._do(
            "CREATE OR REPLACE TEMP VIEW records AS SELECT rowid + "
            f"{self.record - self._n_loaded} AS record, * FROM raw"
        )
        self._n_loaded = self._bytes_loaded = 0
        if self._entity != "works":
            self._run("good", "SELECT * FROM records WHERE fault IS NULL")
            self._add(self._entity, definition.entity_query(self._entity))
            self._fresh = False
            return
        for query in definition.work_queries(DUCKDB):
            self._run(query.name, query.sql)
        for name in ORDERS:
            self._add(name, f"SELECT * FROM {name}")
        for query in definition.named_queries(DUCKDB):
            self._add(query.name, query.sql)
        self._tally()
        self._fresh = False

    def _run(self, name: str, sql: str) -> None:
        kind = "TABLE" if name in HELD else "VIEW"
        self._do(f"CREATE OR REPLACE TEMP {kind} {name} AS {sql}")

    def _add(self, name: str, sql: str) -> None:
        made = (
            f"CREATE OR REPLACE TEMP TABLE unit_{name} AS"
            if self._fresh
            else f"INSERT INTO unit_{name}"
        )
        self._do(f"{made} {sql}")

    def _tally(self) -> None:
        found = self._connection.execute(definition.tally_query())
        names = [column[0] for column in found.description or []]
        counts = dict(zip(names, (int(n or 0) for n in found.fetchall()[0]), strict=True))
        self._receipt.add_mixed(counts)
        self._receipt.add_unknown(dict(self._do(definition.unknown_countries_query())))

    def flush(self, folder: Path) -> Receipt:
        """Write the unit, whole or not at all, and begin the next."""
        if self._n_loaded:
            self._work_out()
        receipt = self._receipt
        receipt.chunks = self.chunks
        receipt.record = self.record
        with atomic_path(folder) as partial:
            partial.mkdir()
            if not self._fresh:
                self._write(partial, receipt)
            (partial / RECEIPT_NAME).write_bytes(msgspec.json.encode(receipt))
        self._begin(self.chunks, self.record)
        return receipt

    def _write(self, folder: Path, receipt: Receipt) -> None:
        if self._entity != "works":
            table = f"{TABLE_OF.get(self._entity, self._entity)}_entity"
            receipt.rows[table] = self._copy(
                f"SELECT * FROM unit_{self._entity} ORDER BY record", folder / f"{table}.parquet"
            )
            return
        older = self._older()
        receipt.notes = merge_counts(receipt.notes, {"duplicate_work": older})
        for name, order in ORDERS.items():
            table = TABLE_OF.get(name, name)
            columns = ", ".join(TABLES[table].names)
            rows = f"unit_{name} ANTI JOIN older USING (record)" if older else f"unit_{name}"
            sql = f"SELECT {columns} FROM {rows} ORDER BY {order}"
            receipt.rows[table] = self._copy(sql, folder / f"{table}.parquet")
        places = "unit_works ANTI JOIN older USING (record)" if older else "unit_works"
        self._copy(
            f"SELECT work_id, updated FROM {places} ORDER BY record", folder / "places.parquet"
        )
        receipt.rows["places"] = receipt.rows["works"]
        for entity, key in KEYS.items():
            table = f"{TABLE_OF.get(entity, entity)}_named"
            sql = f"""SELECT DISTINCT ON ({key}) * FROM unit_named_{entity}
                ORDER BY {key}, updated DESC NULLS LAST, rowid DESC"""
            receipt.rows[table] = self._copy(sql, folder / f"{table}.parquet")

    def _older(self) -> int:
        """Find the records of the unit of which it has a newer version; give their number."""
        repeated = self._one("SELECT count(*) - count(DISTINCT work_id) FROM unit_works")
        if not repeated:
            return 0
        self._do(
            """CREATE OR REPLACE TEMP TABLE older AS SELECT record FROM unit_works
            QUALIFY row_number() OVER (PARTITION BY work_id
            ORDER BY updated DESC NULLS LAST, record DESC) > 1"""
        )
        return int(self._one("SELECT count(*) FROM older"))

    def _copy(self, sql: str, path: Path) -> int:
        return copy(self._connection, sql, path)

    def _one(self, sql: str) -> Any:
        return self._do(sql)[0][0]

    def _do(self, sql: str) -> list[Any]:
        """Run SQL to its end: DuckDB begins nothing else before."""
        return list(self._connection.execute(sql).fetchall())


def _numbered(memory: Any, segments: Sequence[Segment]) -> Iterator[tuple[Segment, int, bytes]]:
    """Return the lines that are not blank, with their segment and their number from 1."""
    for segment in segments:
        at, number = segment.begin, segment.lines_before
        while at < segment.end:
            end = memory.find(b"\n", at, segment.end)
            text = memory[at:end]
            number += 1
            at = end + 1
            if text and not text.isspace():
                yield segment, number, text


def _with_text_of_times(rows: pa.Table) -> pa.Table:
    """Return times as text: Python has no nanoseconds."""
    columns = [
        column.cast(pa.string()) if pa.types.is_temporal(column.type) else column
        for column in rows.columns
    ]
    return pa.table(columns, rows.column_names)


def _head(row: dict[str, Any]) -> bytes:
    """Return the text by which a row is recognised."""
    return msgspec.json.encode(
        {name: str(entry) for name, entry in row.items() if isinstance(entry, str | int)}
    )
