"""Putting a corpus together from staged chunks.

Of a work read several times the newest stays, institutions and venues are made
one each, and the rows that remain are written in the order they were read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa

from isthmus.corpus import manifest as manifests
from isthmus.corpus.announced import Announced, missing
from isthmus.corpus.apart import Each, write_apart
from isthmus.corpus.ids import Ints
from isthmus.corpus.manifest import Manifest, Part, Source
from isthmus.corpus.schema import TABLES
from isthmus.corpus.staging import Staged, load_table
from isthmus.corpus.standing import Standing, note
from isthmus.corpus.store import TableWriter, clear, describe, merge_counts
from isthmus.corpus.work_tables import ALONE, CountryFiller, WorkTables
from isthmus.errors import TargetError
from isthmus.files import atomic_path, remove

#: Memory DuckDB may use to find repeats; beyond it, it spills into the staging folder.
MEMORY = "256MB"

#: Entity tables -> their key. Entity records outrank what works say of the entity.
_KEYS = {"institutions": "institution_id", "venues": "venue_id", "authors": "author_id"}

#: Parts of the entity tables, and what was counted of them.
Entities = tuple[dict[str, list[Part]], Counter[str]]

_PLACES = pa.schema([("work_id", pa.int64()), ("updated", pa.string()), ("place", pa.int64())])


def assemble(
    staged: Staged,
    target: Path,
    request: str,
    release: str | None,
    announced: Announced,
    n_threads: int,
    standing: Standing | None = None,
    each: Each | None = None,
) -> Manifest:
    """Write the tables of a corpus from what was staged, and give its manifest.

    Of the tables that stand in the target only parts of `standing` that would be written
    again stay. With `each` other processes write the tables about works.
    """
    spill = staged.folder / "spill"
    remove(spill)
    try:
        with duckdb.connect(config=_settings(spill, n_threads)) as connection:
            superseded = _superseded(staged, connection)
            tables = WorkTables(staged, superseded, target)
            if standing is not None:
                tables.let_stand(standing)
            clear(target, but=tables.standing_files())
            write = partial(_entities, staged, target, connection)
            if each is None:
                parts, entity_notes, n_filled = _write_here(tables, write, n_threads)
            else:
                parts, entity_notes = write()
                filler = _filler(target, parts, entity_notes)
                written, n_filled = write_apart(tables, staged, filler, each)
                parts |= written
    except duckdb.Error as error:
        raise TargetError(
            f"Cannot put {target} together: {str(error).strip().splitlines()[0]} Check that the "
            "disk has space, then run the same command again to go on."
        ) from error
    finally:
        remove(spill)
    tallies, sources = _tallies(staged)
    notes = tallies["notes"] | {
        "duplicate_work": len(superseded),
        "duplicate_entity": entity_notes["repeated"],
        "entities_kept": sum(entity_notes[f"{name}_entity"] for name in _KEYS),
        "country_from_entity": n_filled,
        "file_cut_off": sum(source.done.broken for source in staged.sources),
    }
    manifest = Manifest(
        source="openalex",
        release=release,
        request=request,
        tables={name: parts[name] for name in TABLES},
        sources=sources,
        rejected=merge_counts(tallies["rejected"]),
        set_aside=merge_counts(tallies["set_aside"]),
        notes=merge_counts(notes, missing(announced, sources)),
        quarantine=_quarantine(staged, target),
    )
    note(staged.folder, manifest, superseded)
    return manifest


def _write_here(
    tables: WorkTables, entities: Callable[[], Entities], n_threads: int
) -> tuple[dict[str, list[Part]], Counter[str], int]:
    """Write all tables in threads; give parts, what is noted of entities, countries filled in."""
    with ThreadPoolExecutor(n_threads) as pool:
        largest, *others = ALONE
        jobs = {largest: pool.submit(tables.write, largest)}
        made = pool.submit(entities)
        jobs |= {name: pool.submit(tables.write, name) for name in others}
        parts, notes = made.result()
        filler = _filler(tables.target, parts, notes)
        fill = pool.submit(tables.write, "affiliations", filler)
        parts |= {name: job.result() for name, job in jobs.items()}
        parts["affiliations"] = fill.result()
    return parts, notes, filler.filled


def _filler(target: Path, parts: dict[str, list[Part]], notes: Counter[str]) -> CountryFiller:
    return CountryFiller(target, parts["institutions"], notes["institutions_entity"])


def _settings(spill: Path, n_threads: int) -> dict[str, Any]:
    return {
        "memory_limit": MEMORY,
        "threads": min(n_threads, 4),
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }


def _staged_tables(staged: Staged, name: str) -> Iterator[pa.Table]:
    for _, path, receipt in staged.receipts():
        table = load_table(path, receipt, name)
        if table is not None:
            yield table


def _superseded(staged: Staged, connection: duckdb.DuckDBPyConnection) -> Ints:
    """Places, in the order of reading, of works of which a newer version was read."""
    reader = pa.RecordBatchReader.from_batches(_PLACES, _places(staged))
    connection.register("reader", reader)
    connection.execute("CREATE TABLE places AS SELECT * FROM reader")
    connection.unregister("reader")
    found: Any = connection.execute(
        """
        WITH several AS (SELECT work_id FROM places GROUP BY work_id HAVING count(*) > 1),
        ranked AS (
            SELECT place, row_number() OVER (
                PARTITION BY work_id ORDER BY updated DESC NULLS LAST, place DESC
            ) AS rank
            FROM places SEMI JOIN several USING (work_id)
        )
        SELECT place FROM ranked WHERE rank > 1 ORDER BY place
        """
    ).fetchnumpy()
    connection.execute("DROP TABLE places")
    return np.asarray(found["place"], np.int64)


def _places(staged: Staged) -> Iterator[pa.RecordBatch]:
    start = 0
    for works in _staged_tables(staged, "works"):
        place = pa.array(np.arange(start, start + works.num_rows))
        columns = [works["work_id"].combine_chunks(), works["updated"].combine_chunks(), place]
        start += works.num_rows
        yield pa.record_batch(columns, schema=_PLACES)


def _entities(staged: Staged, target: Path, connection: duckdb.DuckDBPyConnection) -> Entities:
    """Write institutions, venues and authors, one row each; count records and repeats."""
    parts: dict[str, list[Part]] = {}
    notes: Counter[str] = Counter()
    for table, key in _KEYS.items():
        schema = TABLES[table].append(pa.field("updated", pa.string()))
        schema = schema.append(pa.field("rank", pa.int8())).append(pa.field("place", pa.int64()))
        batches = _ranked(staged, table, schema, notes)
        connection.register("reader", pa.RecordBatchReader.from_batches(schema, batches))
        connection.execute("CREATE TABLE entities AS SELECT * FROM reader")
        connection.unregister("reader")
        ranked, distinct = connection.execute(
            f"SELECT count(*), count(DISTINCT {key}) FROM entities WHERE rank = 0"
        ).fetchall()[0]
        notes["repeated"] += ranked - distinct
        names = ", ".join(TABLES[table].names)
        rows = connection.sql(
            f"""
            SELECT {names} FROM entities SEMI JOIN (
                SELECT arg_max(place, (-rank, updated IS NOT NULL, coalesce(updated, ''), place))
                    AS place
                FROM entities GROUP BY {key}
            ) USING (place) ORDER BY {key}
            """
        )
        with TableWriter(target, table) as writer:
            for batch in pa.RecordBatchReader.from_stream(rows):
                writer.write(pa.Table.from_batches([batch]).cast(TABLES[table]))
            parts[table] = writer.finish()
        connection.execute("DROP TABLE entities")
    return parts, notes


def _ranked(
    staged: Staged, table: str, schema: pa.Schema, notes: Counter[str]
) -> Iterator[pa.RecordBatch]:
    place = 0
    for _, path, receipt in staged.receipts():
        for rank, name in enumerate((f"{table}_entity", table)):
            rows = load_table(path, receipt, name)
            if rows is None:
                continue
            notes[name] += rows.num_rows
            rows = rows.append_column("rank", pa.array(np.full(rows.num_rows, rank, np.int8)))
            numbers = np.arange(place, place + rows.num_rows)
            rows = rows.append_column("place", pa.array(numbers))
            place += rows.num_rows
            yield from rows.cast(schema).combine_chunks().to_batches()


def _tallies(staged: Staged) -> tuple[dict[str, Counter[str]], list[Source]]:
    """Add up what the receipts say, and give the sources for the manifest."""
    total = {name: Counter[str]() for name in ("rejected", "set_aside", "notes")}
    records: Counter[int] = Counter()
    for source, _, receipt in staged.receipts():
        total["rejected"].update(refused.reason for refused in receipt.refused)
        total["set_aside"].update(receipt.set_aside)
        total["notes"].update(receipt.notes)
        records[id(source)] += receipt.notes.get("records_read", 0)
    sources = [
        Source(
            name=done.name,
            entity=done.entity,
            bytes=done.bytes,
            sha256=done.sha256,
            records=records[id(done)],
        )
        for done in (source.done for source in staged.sources)
    ]
    return total, sources


def _quarantine(staged: Staged, target: Path) -> Part | None:
    """Write rejected records to a file of their own; none when nothing was rejected."""
    path = target / manifests.REJECTED_NAME
    remove(path)
    encoder = msgspec.json.Encoder()
    n_rejected = 0
    with atomic_path(path) as unfinished, unfinished.open("wb") as file:
        lines: Counter[int] = Counter()  # read of each source before the chunk
        for source, _, receipt in staged.receipts():
            before = lines[id(source)]
            lines[id(source)] += receipt.lines
            for refused in receipt.refused:
                n_rejected += 1
                entry = {
                    "source": source.name,
                    "line": before + refused.line,
                    "reason": refused.reason,
                    "begins": refused.head,
                }
                if refused.bytes is not None:
                    entry["bytes"] = refused.bytes
                file.write(encoder.encode(entry) + b"\n")
    if not n_rejected:
        remove(path)
        return None
    return describe(path, target, n_rejected)
