"""Reading sources on Spark, by the definition that DuckDB runs, into the same units.

Spark reads files of lines that are plain, gzip or bzip2 by their names, and Parquet. A file
that holds anything it cannot read as it stands is left to DuckDB, which reads it with care.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from isthmus.corpus.schema import TABLES
from isthmus.engine.spark import open_session
from isthmus.files import atomic_path, remove
from isthmus.ingest.cache import Cache
from isthmus.ingest.database import written_codes
from isthmus.ingest.dialect import SPARK
from isthmus.ingest.openalex import definition
from isthmus.ingest.openalex.fields import FIELDS, Spec, spark_type
from isthmus.ingest.openalex.parquet import UnfitError
from isthmus.ingest.reading import HELD, KEYS, ORDERS, TABLE_OF
from isthmus.ingest.sources import Input
from isthmus.ingest.stage import done_of
from isthmus.ingest.units import RECEIPT_NAME, Receipt, load_done, save_done, unit_folder

#: Batches that are read at once, for each core: one waits for Spark while others are read.
_BATCHES_PER_CORE = 2

#: Bits of a record's number that count within a source.
_SOURCE_BITS = 44

_CORRUPT = "isthmus_corrupt"


def stage_distributed(
    groups: Sequence[Sequence[Input]],
    staging: Path,
    cache: Cache,
    master: str,
    memory: str | None,
) -> None:
    """Read the batches that Spark can read and that were not read before."""
    with open_session(master, memory) as session:
        tasks = [
            _Task(session, group, staging / f"{number:05d}", session.newSession)
            for number, group in enumerate(groups)
            if all(item.form in ("lines", "parquet") and item.member is None for item in group)
            and load_done(staging / f"{number:05d}") is None
            and cache.find(group) is None
        ]
        n_cores = session.range(1).rdd.context.defaultParallelism
        with ThreadPoolExecutor(_BATCHES_PER_CORE * n_cores) as pool:
            for done in [pool.submit(task.run) for task in tasks]:
                done.result()


@dataclass(frozen=True)
class _Task:
    """Reads a batch into one unit."""

    parent: Any
    inputs: Sequence[Input]
    folder: Path
    new_session: Any

    def run(self) -> None:
        """Read the batch, or leave it where Spark cannot read all of it."""
        from pyspark.errors import PySparkException

        session = self.new_session()
        self.folder.mkdir(parents=True, exist_ok=True)
        raw = self.folder / "raw.parquet"
        try:
            counts = self._load(session, raw)
            if counts is not None:
                self._write(session, counts)
        except (PySparkException, UnfitError):
            remove(unit_folder(self.folder, 0))
        finally:
            remove(raw)

    def _load(self, session: Any, raw: Path) -> dict[int, int] | None:
        """Load the relation ``records``; give the records of each source, None if one is odd."""
        entity = self.inputs[0].entity
        relations = [self._relation(session, item, n) for n, item in enumerate(self.inputs)]
        relation = reduce(lambda first, second: first.unionByName(second), relations)
        relation.createOrReplaceTempView("source")
        session.sql(f"SELECT *, {definition.judged(entity)} FROM source").write.parquet(str(raw))
        session.read.parquet(str(raw)).createOrReplaceTempView("records")
        pairs = ", ".join(f"('{raw}', '{code}')" for raw, code in written_codes().items())
        session.sql(f"SELECT * FROM VALUES {pairs} AS given(raw, code)").createOrReplaceTempView(
            "codes"
        )
        counted = session.sql(
            f"""SELECT CAST(record >> {_SOURCE_BITS} AS INT) AS source, count(*) AS n,
            count(fault) + count({_CORRUPT}) AS odd FROM records GROUP BY 1"""
        ).collect()
        if any(row.odd for row in counted):
            return None
        return {row.source: row.n for row in counted}

    def _relation(self, session: Any, item: Input, number: int) -> Any:
        """Return the records of a source, every scalar as text, in the order of reading."""
        fields = FIELDS[item.entity]
        place = f"monotonically_increasing_id() + {number << _SOURCE_BITS}"
        if item.form == "parquet":
            frame = session.read.parquet(str(item.path))
            kinds = {field.name: field.dataType for field in frame.schema}
            columns = [
                f"{_field(name, kinds.get(name), spec)} AS {name}" for name, spec in fields.items()
            ]
            frame = frame.selectExpr(
                f"{place} AS record", *columns, f"CAST(NULL AS STRING) AS {_CORRUPT}"
            )
        else:
            schema = spark_type({**fields, _CORRUPT: "text"})
            parsed = f"""from_json(value, '{schema}', map('mode', 'PERMISSIVE',
                'columnNameOfCorruptRecord', '{_CORRUPT}')) AS fields"""
            frame = session.read.text(str(item.path)).selectExpr(f"{place} AS record", "value")
            frame = frame.where("trim(value) <> ''").selectExpr("record", parsed)
            frame = frame.selectExpr("record", "fields.*")
        for name, value in item.constants:
            frame = frame.withColumn(name, _or_constant(name, value))
        return frame

    def _write(self, session: Any, counts: dict[int, int]) -> None:
        """Work the definition out, and write the unit."""
        receipt = Receipt(chunks=1, record=sum(counts.values()), records=counts)
        folder = unit_folder(self.folder, 0)
        with atomic_path(folder) as partial:
            partial.mkdir()
            if self.inputs[0].entity == "works":
                self._write_works(session, partial, receipt)
            else:
                self._write_entity(session, partial, receipt)
            (partial / RECEIPT_NAME).write_bytes(msgspec.json.encode(receipt))
        save_done(self.folder, done_of(self.inputs, [receipt]))

    def _write_entity(self, session: Any, folder: Path, receipt: Receipt) -> None:
        entity = self.inputs[0].entity
        session.sql("SELECT * FROM records").createOrReplaceTempView("good")
        table = f"{TABLE_OF.get(entity, entity)}_entity"
        frame = session.sql(definition.entity_query(entity))
        receipt.rows[table] = _save(frame, folder / f"{table}.parquet", ["record"])

    def _write_works(self, session: Any, folder: Path, receipt: Receipt) -> None:
        held = []
        for query in (*definition.work_queries(SPARK), *definition.named_queries(SPARK)):
            frame = session.sql(query.sql)
            if query.name in HELD:
                held.append(frame.persist())
            frame.createOrReplaceTempView(query.name)
        try:
            self._write_tables(session, folder, receipt)
        finally:
            for frame in held:
                frame.unpersist()

    def _write_tables(self, session: Any, folder: Path, receipt: Receipt) -> None:
        older = session.sql(
            """SELECT record FROM (SELECT record, row_number() OVER (PARTITION BY work_id
            ORDER BY updated DESC NULLS LAST, record DESC) AS version FROM works)
            WHERE version > 1"""
        )
        n_older = older.count()
        for name, order in ORDERS.items():
            table = TABLE_OF.get(name, name)
            frame = session.table(name)
            frame = frame.join(older, "record", "left_anti") if n_older else frame
            by = [word.strip() for word in order.split(",")]
            receipt.rows[table] = _save(frame, folder / f"{table}.parquet", by, TABLES[table].names)
            if name == "works":
                names = ["work_id", "updated"]
                _save(frame, folder / "places.parquet", by, names)
                receipt.rows["places"] = receipt.rows[table]
        for entity, key in KEYS.items():
            table = f"{TABLE_OF.get(entity, entity)}_named"
            path = folder / f"{table}.parquet"
            receipt.rows[table] = _save(session.table(f"named_{entity}"), path, [key])
        self._tally(session, receipt, n_older)

    def _tally(self, session: Any, receipt: Receipt, n_older: int) -> None:
        counted = session.sql(definition.tally_query()).first().asDict()
        receipt.add_mixed({name: int(n or 0) for name, n in counted.items()})
        receipt.add({}, {"duplicate_work": n_older})
        unknown = session.sql(definition.unknown_countries_query()).collect()
        receipt.add_unknown({row.written: row.n for row in unknown})


def _field(column: str, kind: Any, spec: Spec) -> str:
    """SQL of a field, every scalar as text, from a column of a type; None is no column.

    Raises
    ------
    UnfitError
        The column has another structure.
    """
    from pyspark.sql import types

    if kind is None or isinstance(kind, types.NullType):
        return f"CAST(NULL AS {spark_type(spec)})"
    if isinstance(spec, list) and isinstance(kind, types.ArrayType):
        entry = f"{column.replace('.', '_')}_entry"
        return f"transform({column}, {entry} -> {_field(entry, kind.elementType, spec[0])})"
    if isinstance(spec, dict) and isinstance(kind, types.StructType):
        kinds = {field.name: field.dataType for field in kind}
        inner = (f"'{n}', {_field(f'{column}.{n}', kinds.get(n), s)}" for n, s in spec.items())
        return f"CASE WHEN {column} IS NOT NULL THEN named_struct({', '.join(inner)}) END"
    if isinstance(spec, str) and isinstance(kind, types.AtomicType):
        return f"CAST({column} AS STRING)"
    raise UnfitError(f"{column} is {kind.simpleString()}")


def _or_constant(name: str, value: str) -> Any:
    from pyspark.sql import functions

    return functions.coalesce(functions.col(name), functions.lit(value))


def _save(frame: Any, path: Path, order: list[str], columns: list[str] | None = None) -> int:
    """Write the rows of a frame, sorted, as one file; none leave nothing. Give their number."""
    frame = frame.repartition(1).sortWithinPartitions(*order)
    frame = frame.select(*columns) if columns else frame
    frame.write.parquet(str(path), compression="zstd")
    n_rows: int = sum(pq.read_metadata(part).num_rows for part in path.glob("*.parquet"))
    if not n_rows:
        remove(path)
    return n_rows
