"""Putting a corpus together from units.

Of a work read several times the newest stays, ids are those that merges left, and
institutions, venues and authors are made one each. Most units need none of that: their
files become parts of the corpus as they are.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa

from isthmus.corpus import manifest as manifests
from isthmus.corpus.ids import NO_ID, Ints
from isthmus.corpus.manifest import Part
from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import describe
from isthmus.files import atomic_path, remove
from isthmus.ingest.database import copy, quoted, registered
from isthmus.ingest.openalex.id_tables import Identifiers
from isthmus.ingest.reading import KEYS, ORDERS, TABLE_OF, UNIT_WORKS
from isthmus.ingest.units import Batch, Unit

#: Tables about works -> the column that names the work.
WORK_TABLES = {TABLE_OF.get(name, name): "work_id" for name in ORDERS} | {"references": "citing_id"}

_ENTITY_OF = {TABLE_OF.get(entity, entity): entity for entity in KEYS}


@dataclass
class Assembly:
    """Makes the tables of a corpus of units.

    Parameters
    ----------
    connection
        DuckDB, as :func:`isthmus.ingest.database.connect` opens it.
    target
        Folder of the corpus.
    edition
        How the names of the parts begin; no other corpus in the folder has it.
    units
        What was read, in order.
    identifiers
        Ids that were merged or deleted.

    Attributes
    ----------
    notes : Counter
        What happened to records and values here.
    """

    connection: duckdb.DuckDBPyConnection
    target: Path
    edition: str
    units: Sequence[Unit]
    identifiers: Identifiers
    notes: Counter[str] = field(default_factory=Counter)
    _merged: set[str] = field(default_factory=set)
    _dropping: set[int] = field(default_factory=set)
    _fills: bool = False

    def tables(self) -> dict[str, list[Part]]:
        """Write all tables and return their parts."""
        self._load_identifiers()
        self._find_dropped()
        parts = {table: self._entity(table) for table in _ENTITY_OF}
        self._know_countries(parts["institutions"])
        groups = list(self._groups())
        for table in WORK_TABLES:
            parts[table] = [
                part
                for number, group in enumerate(groups)
                for part in self._write(table, number, group)
            ]
        return {table: parts[table] for table in TABLES}

    def _load_identifiers(self) -> None:
        """Load merged and deleted ids; ``merged_<entity>`` has ``old`` and ``new`` or null."""
        for entity in ("works", "authors", "institutions", "sources"):
            old, new = self.identifiers.merged.get(entity, np.empty((2, 0), np.int64))
            if entity == "works":
                old, new = _with_deleted(old, new, self.identifiers.deleted)
            self._do(f"CREATE OR REPLACE TABLE merged_{entity} (old BIGINT, new BIGINT)")
            if len(old):
                pairs = pa.table({"old": pa.array(old), "new": pa.array(new, mask=new == NO_ID)})
                with registered(self.connection, "pairs", pairs):
                    self._do(f"INSERT INTO merged_{entity} SELECT * FROM pairs")
                self._merged.add(entity)
        self._do("CREATE OR REPLACE TABLE deleted (work_id BIGINT)")
        if len(self.identifiers.deleted):
            given = pa.table({"work_id": pa.array(self.identifiers.deleted)})
            with registered(self.connection, "given", given):
                self._do("INSERT INTO deleted SELECT * FROM given")

    def _find_dropped(self) -> None:
        """Find works that are gone, and older versions: ``dropped`` has ``unit``, ``work_id``."""
        places = self._staged("places")
        self._do("CREATE OR REPLACE TABLE dropped (unit INTEGER, work_id BIGINT, reason VARCHAR)")
        if not places:
            return
        if "works" in self._merged:
            self._do(
                f"""INSERT INTO dropped SELECT unit, work_id, CASE WHEN work_id IN
                (SELECT work_id FROM deleted) THEN 'deleted_work' ELSE 'merged_away' END
                FROM ({places}) SEMI JOIN merged_works ON work_id = old"""
            )
        if sum(bool(unit.receipt.rows.get("works")) for unit in self.units) > 1:
            self._do(
                f"""INSERT INTO dropped SELECT unit, work_id, 'duplicate_work' FROM (
                    SELECT unit, work_id, row_number() OVER (PARTITION BY work_id
                    ORDER BY updated DESC NULLS LAST, unit DESC) AS version FROM ({places})
                    SEMI JOIN (SELECT work_id FROM ({places}) GROUP BY work_id
                    HAVING count(*) > 1) AS repeated USING (work_id)
                    ANTI JOIN dropped USING (work_id)) AS versions WHERE version > 1"""
            )
        rows = self.connection.execute(
            "SELECT unit, reason, count(*) FROM dropped GROUP BY unit, reason"
        ).fetchall()
        for unit, reason, count in rows:
            self._dropping.add(unit)
            self.notes[reason] += count

    def _staged(self, table: str) -> str:
        """SQL of all staged rows of a table, with ``unit`` and ``place``; empty if none."""
        files = [
            (str(part), number)
            for number, unit in enumerate(self.units)
            for part in unit.parts(table)
        ]
        if not files:
            return ""
        name = f"files_of_{table}"
        numbers = ", ".join(f"({quoted(file)}, {number})" for file, number in files)
        self._do(
            f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM (VALUES {numbers}) "
            "AS given(filename, unit)"
        )
        return (
            f"SELECT * EXCLUDE (filename, file_row_number), file_row_number AS place FROM "
            f"read_parquet({_list([f for f, _ in files])}, filename=true, file_row_number=true) "
            f"JOIN {name} USING (filename)"
        )

    def _entity(self, table: str) -> list[Part]:
        """Write institutions, venues or authors, one row each."""
        entity = _ENTITY_OF[table]
        key = KEYS[entity]
        records, named = self._staged(f"{table}_entity"), self._staged(f"{table}_named")
        columns = TABLES[table].names
        sources = []
        if records:
            away = f"ANTI JOIN merged_{entity} ON {key} = old"
            n_read = self._count(records)
            n_kept = self._count(f"{records} {away}")
            n_distinct = self._count(f"SELECT DISTINCT {key} FROM ({records} {away})")
            self.notes["merged_away"] += n_read - n_kept
            self.notes["entities_kept"] += n_kept
            self.notes["duplicate_entity"] += n_kept - n_distinct
            sources.append(
                f"SELECT {', '.join(columns)}, updated, 0 AS rank, unit, place FROM "
                f"({records} {away})"
            )
        if named:
            self._do(f"CREATE OR REPLACE TABLE named AS {self._renamed(named, entity, key)}")
            known = [row[0] for row in self.connection.execute("DESCRIBE named").fetchall()]
            listed = ", ".join(
                name
                if name in known
                else f"CAST(NULL AS {_sql_type(TABLES[table].field(name).type)}) AS {name}"
                for name in columns
            )
            sources.append(f"SELECT {listed}, updated, 1 AS rank, unit, place FROM named")
        if not sources:
            return []
        chosen = f"""SELECT DISTINCT ON ({key}) * FROM ({" UNION ALL ".join(sources)}) AS found
            ORDER BY {key}, rank, updated DESC NULLS LAST, unit DESC, place DESC"""
        if table == "authors" and named:
            chosen = f"""SELECT * REPLACE (coalesce(chosen.orcid, said.orcid) AS orcid)
                FROM ({chosen}) AS chosen LEFT JOIN (SELECT DISTINCT ON (author_id) author_id
                AS said_id, orcid FROM named ORDER BY author_id, updated DESC NULLS LAST,
                unit DESC, place DESC) AS said ON author_id = said_id"""
        sql = f"SELECT {', '.join(columns)} FROM ({chosen}) AS rows ORDER BY {key}"
        return self._part(table, 0, sql)

    def _renamed(self, named: str, entity: str, key: str) -> str:
        """SQL of what works say of entities, by the ids that merges left."""
        return f"""SELECT * EXCLUDE (old, new) REPLACE (coalesce(new, {key}) AS {key})
            FROM ({named}) AS said LEFT JOIN merged_{entity} ON {key} = old
            WHERE old IS NULL OR new IS NOT NULL"""

    def _know_countries(self, parts: Sequence[Part]) -> None:
        """Load the countries that records of institutions give: ``known``."""
        self._fills = bool(self._staged("institutions_entity")) and bool(parts)
        if self._fills:
            files = _list([str(self.target / part.path) for part in parts])
            self._do(
                f"""CREATE OR REPLACE TABLE known AS SELECT institution_id AS known_id,
                country AS known_country FROM read_parquet({files}) WHERE country IS NOT NULL"""
            )

    def _groups(self) -> Iterator[list[int]]:
        """Group units that follow one another to parts of a sensible size."""
        group: list[int] = []
        size = 0
        for number, unit in enumerate(self.units):
            n_works = unit.receipt.rows.get("works", 0)
            if not n_works:
                continue
            if group and size + n_works > UNIT_WORKS:
                yield group
                group, size = [], 0
            group.append(number)
            size += n_works
        if group:
            yield group

    def _write(self, table: str, number: int, group: Sequence[int]) -> list[Part]:
        """Write the rows of a group of units as a part, or take up their files as parts."""
        rows = self._rows(table, group)
        if not rows:
            return []
        changed = self._changed(table, rows, group)
        if changed is not None:
            return self._part(table, number, changed)
        if len(group) == 1 and group[0] not in self._dropping:
            return self._adopt(table, number, self.units[group[0]])
        return self._part(table, number, rows)

    def _rows(self, table: str, group: Sequence[int]) -> str:
        """SQL of the rows of a group that stay, in the order of reading; empty if none."""
        key = WORK_TABLES[table]
        selects = []
        for number in group:
            files = self.units[number].parts(table)
            if not files:
                continue
            columns = ", ".join(TABLES[table].names)
            sql = f"SELECT {columns} FROM read_parquet({_list(map(str, files))})"
            if number in self._dropping:
                sql += (
                    f" ANTI JOIN (SELECT work_id AS gone FROM dropped WHERE unit = {number}) "
                    f"AS dropped_here ON {key} = gone"
                )
            selects.append(sql)
        return " UNION ALL ".join(selects)

    def _changed(self, table: str, rows: str, group: Sequence[int]) -> str | None:
        """SQL of rows whose ids or countries have to change; None where none has to."""
        if table == "references":
            return self._references(rows)
        if table == "affiliations":
            return self._affiliations(rows)
        if table == "authorships":
            return self._merged_rows(rows, table, "author_id", "authors", "work_id, position")
        if table == "works":
            venues = self._merged_rows(rows, table, "venue_id", "sources", "work_id")
            return self._smaller_teams(venues or rows, group) or venues
        return None

    def _merged_rows(
        self, rows: str, table: str, column: str, entity: str, order: str
    ) -> str | None:
        if entity not in self._merged or not self._hits(rows, column, entity):
            return None
        names = ", ".join(_merged_column(name, column) for name in TABLES[table].names)
        return f"""SELECT {names} FROM ({rows}) AS r LEFT JOIN merged_{entity} ON {column} = old
            ORDER BY {order}"""

    def _smaller_teams(self, works: str, group: Sequence[int]) -> str | None:
        """Works with the number of their authors where merges made one of several."""
        people = self._rows("authorships", group)
        if "authors" not in self._merged or not people:
            return None
        concerned = (
            f"SELECT work_id FROM ({people}) AS p SEMI JOIN merged_authors ON author_id = old"
        )
        if not self._count(concerned):
            return None
        return f"""SELECT * EXCLUDE (team) REPLACE (coalesce(team, n_authors) AS n_authors)
            FROM ({works}) AS w LEFT JOIN (
                SELECT work_id, CAST(count(DISTINCT person) + count(*) FILTER (person IS NULL)
                AS INTEGER) AS team FROM (
                    SELECT work_id, CASE WHEN old IS NULL THEN author_id ELSE new END AS person
                    FROM ({people}) AS p LEFT JOIN merged_authors ON author_id = old
                    SEMI JOIN ({concerned}) AS c USING (work_id)) AS signed
                GROUP BY work_id) AS teams USING (work_id) ORDER BY work_id"""

    def _hits(self, rows: str, column: str, entity: str) -> int:
        """Count ids that were merged or deleted."""
        found = self._count(
            f"SELECT 1 FROM ({rows}) AS r SEMI JOIN merged_{entity} ON {column} = old"
        )
        self.notes["merged_id"] += found
        return found

    def _references(self, rows: str) -> str | None:
        if "works" not in self._merged or not self._hits(rows, "cited_id", "works"):
            return None
        joined = f"""SELECT citing_id, CASE WHEN old IS NULL THEN cited_id ELSE new END AS cited_id
            FROM ({rows}) AS r LEFT JOIN merged_works ON cited_id = old"""
        sql = f"""SELECT DISTINCT citing_id, cited_id FROM ({joined}) AS j
            WHERE cited_id IS NOT NULL AND cited_id <> citing_id"""
        self.notes["reference_deleted"] += self._count(
            f"SELECT 1 FROM ({joined}) AS j WHERE cited_id IS NULL"
        )
        return f"{sql} ORDER BY citing_id, cited_id"

    def _affiliations(self, rows: str) -> str | None:
        """Affiliations with ids that merges left, and the countries that institutions have."""
        merges = "institutions" in self._merged and self._hits(
            rows, "institution_id", "institutions"
        )
        if merges:
            rows = f"""SELECT work_id, position, CASE WHEN old IS NULL THEN institution_id
                ELSE new END AS institution_id, country, country_source FROM ({rows}) AS r
                LEFT JOIN merged_institutions ON institution_id = old"""
        fillable = f"""SELECT 1 FROM ({rows}) AS r SEMI JOIN known ON institution_id = known_id
            WHERE country IS NULL"""
        n_filled = self._count(fillable) if self._fills else 0
        self.notes["country_from_entity"] += n_filled
        if not merges and not n_filled:
            return None
        if n_filled:
            rows = f"""SELECT work_id, position, institution_id, coalesce(country, known_country)
                AS country, CASE WHEN country IS NULL AND known_country IS NOT NULL
                THEN 'institution' ELSE country_source END AS country_source FROM ({rows}) AS r
                LEFT JOIN known ON institution_id = known_id"""
        return f"""SELECT work_id, position, institution_id, country, country_source FROM (
            SELECT *, row_number() OVER (PARTITION BY work_id, position, institution_id
            ORDER BY country NULLS LAST) AS occurrence, bool_or(country_source = 'institution')
            OVER (PARTITION BY work_id, position, country) AS covered FROM ({rows}) AS r) AS f
            WHERE (institution_id IS NULL OR occurrence = 1)
            AND NOT (country_source IS NOT DISTINCT FROM 'parsed' AND covered)
            ORDER BY work_id, position, institution_id NULLS LAST, country NULLS LAST"""

    def _part(self, table: str, number: int, sql: str) -> list[Part]:
        path = self._path(table, f"{number:05d}")
        with atomic_path(path) as partial:
            n_rows = copy(self.connection, sql, partial)
            if not n_rows:
                partial.touch()
        if not n_rows:
            remove(path)
            return []
        return [describe(path, self.target, n_rows)]

    def _adopt(self, table: str, number: int, unit: Unit) -> list[Part]:
        """Take up the files of a unit as parts: they hold the rows as they are to be."""
        import pyarrow.parquet as pq

        parts = []
        files = unit.parts(table)
        for at, file in enumerate(files):
            path = self._path(table, f"{number:05d}" + (f"-{at:03d}" if len(files) > 1 else ""))
            with atomic_path(path) as partial:
                try:
                    os.link(file, partial)
                except OSError:  # this file system has no links
                    shutil.copyfile(file, partial)
            parts.append(describe(path, self.target, pq.read_metadata(path).num_rows))
        return [part for part in parts if part.rows]

    def _path(self, table: str, name: str) -> Path:
        return self.target / table / f"{self.edition}-{name}.parquet"

    def _count(self, sql: str) -> int:
        return int(self._do(f"SELECT count(*) FROM ({sql}) AS counted")[0][0])

    def _do(self, sql: str) -> list[Any]:
        """Run SQL to its end: DuckDB begins nothing else before."""
        return list(self.connection.execute(sql).fetchall())


def _list(files: Sequence[str] | Iterator[str]) -> str:
    """SQL of a list of file names."""
    return "[" + ", ".join(map(quoted, files)) + "]"


def _merged_column(name: str, column: str) -> str:
    """SQL of a column, by the ids that merges left where it is the one with ids."""
    if name != column:
        return name
    return f"CASE WHEN old IS NULL THEN {name} ELSE new END AS {name}"


def _sql_type(kind: pa.DataType) -> str:
    return {pa.int64(): "BIGINT", pa.float64(): "DOUBLE"}.get(kind, "VARCHAR")


def _with_deleted(old: Ints, new: Ints, deleted: Ints) -> tuple[Ints, Ints]:
    """Add deleted ids to those merged away."""
    more = np.setdiff1d(deleted, old)
    return np.concatenate([old, more]), np.concatenate([new, np.full(len(more), NO_ID)])


def write_rejected(batches: Sequence[Batch], target: Path) -> Part | None:
    """Write rejected records to a file of their own; none when nothing was rejected."""
    path = target / manifests.REJECTED_NAME
    n_rejected = 0
    with contextlib.ExitStack() as stack:
        file = None
        for batch in batches:
            for unit in batch.units():
                for refused in unit.receipt.refused:
                    if file is None:
                        partial = stack.enter_context(atomic_path(path))
                        file = stack.enter_context(partial.open("wb"))
                    entry = {
                        "source": batch.done.sources[refused.source].name,
                        "line": refused.line,
                        "reason": refused.reason,
                        "begins": refused.begins,
                        **({} if refused.bytes is None else {"bytes": refused.bytes}),
                    }
                    file.write(msgspec.json.encode(entry) + b"\n")
                    n_rejected += 1
    if not n_rejected:
        remove(path)
        return None
    return describe(path, target, n_rejected)
