"""Putting a corpus together from staged chunks.

Of a work read several times the newest stays, institutions and venues are made
one each, and the rows that remain are written in the order they were read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.corpus import manifest as manifests
from isthmus.corpus.announced import Announced, missing
from isthmus.corpus.ids import Ints
from isthmus.corpus.manifest import Manifest, Part, Source
from isthmus.corpus.schema import TABLES
from isthmus.corpus.staging import Receipt, Staged, load_table
from isthmus.corpus.standing import Standing, note
from isthmus.corpus.store import TableWriter, clear, describe, merge_counts
from isthmus.errors import TargetError
from isthmus.files import atomic_path, remove

#: Memory DuckDB may use to find repeats; beyond it, it spills into the staging folder.
MEMORY = "256MB"

#: Entity tables -> their key. Entity records outrank what works say of the entity.
_KEYS = {"institutions": "institution_id", "venues": "venue_id", "authors": "author_id"}

#: Tables about works that need nothing but what was staged, the largest first.
_ALONE = ("references", "subjects", "authorships", "works")

_PLACES = pa.schema([("work_id", pa.int64()), ("updated", pa.string()), ("place", pa.int64())])


def assemble(
    staged: Staged,
    target: Path,
    request: str,
    release: str | None,
    announced: Announced,
    n_threads: int,
    standing: Standing | None = None,
) -> Manifest:
    """Write the tables of a corpus from what was staged, and give its manifest.

    Of the tables that stand in the target only parts of `standing` that would be written
    again stay.
    """
    spill = staged.folder / "spill"
    remove(spill)
    try:
        with duckdb.connect(config=_settings(spill, n_threads)) as connection:
            superseded = _superseded(staged, connection)
            keeper = _Keeper(staged, superseded, target)
            if standing is not None:
                keeper.let_stand(standing)
            clear(target, but=keeper.standing_files())
            with ThreadPoolExecutor(n_threads) as pool:
                largest, *others = _ALONE
                jobs = {largest: pool.submit(keeper.write, largest)}
                entities = pool.submit(_entities, staged, target, connection)
                jobs |= {name: pool.submit(keeper.write, name) for name in others}
                parts, entity_notes = entities.result()
                n_records = entity_notes["institutions_entity"]
                filler = _CountryFiller(target, parts["institutions"], n_records)
                fill = pool.submit(keeper.write, "affiliations", filler)
                parts |= {name: job.result() for name, job in jobs.items()}
                parts["affiliations"] = fill.result()
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
        "country_from_entity": filler.filled,
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


def _entities(
    staged: Staged, target: Path, connection: duckdb.DuckDBPyConnection
) -> tuple[dict[str, list[Part]], Counter[str]]:
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
            SELECT {names} FROM (
                SELECT *, row_number() OVER (
                    PARTITION BY {key} ORDER BY rank, updated DESC NULLS LAST, place DESC
                ) AS choice FROM entities
            ) WHERE choice = 1 ORDER BY {key}
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


class _Keeper:
    """Writes the tables about works, without the works of which a newer version was read."""

    def __init__(self, staged: Staged, superseded: Ints, target: Path) -> None:
        self._staged = staged
        self._superseded = superseded
        self._target = target
        self._standing: dict[str, list[Part]] = {}

    def let_stand(self, standing: Standing) -> None:
        """Find the parts of the corpus before that hold rows which would be written again."""
        n_works = standing.unchanged(self._staged, self._superseded)
        if not n_works:
            return
        names = [*_ALONE]
        if not standing.manifest.notes.get("country_from_entity") and not any(
            "institutions_entity" in receipt.segments for *_, receipt in self._staged.receipts()
        ):
            names.append("affiliations")
        for name in names:
            sizes = ((end, rows) for end, rows, *_ in self._chunks(name) if end <= n_works)
            self._standing[name] = standing.parts(name, sum(rows for _, rows in sizes))

    def standing_files(self) -> set[Path]:
        """Give the files that stay as they are."""
        return {self._target / part.path for parts in self._standing.values() for part in parts}

    def write(self, name: str, filler: _CountryFiller | None = None) -> list[Part]:
        """Write one table, countries filled in where there is a filler, and give its parts."""
        with TableWriter(self._target, name, self._standing.get(name, [])) as writer:
            for rows in self._rows(name, sum(part.rows for part in writer.parts)):
                rows = rows if filler is None else filler.fill(rows)
                writer.write(rows.select(TABLES[name].names))
            return writer.finish()

    def _rows(self, name: str, start: int) -> Iterator[pa.Table]:
        """Give the rows of a table that stay, chunk by chunk, from row `start` on."""
        for _, n_rows, path, receipt, kept in self._chunks(name):
            if start >= n_rows:
                start -= n_rows
                continue
            rows = load_table(path, receipt, name)
            if rows is None:
                continue
            yield (rows if kept is None else rows.filter(pa.array(kept))).slice(start)
            start = 0

    def _chunks(self, name: str) -> Iterator[tuple[int, int, Path, Receipt, Any]]:
        """Give, chunk by chunk, works read so far, rows of a table that stay, and which do."""
        end = 0
        for _, path, receipt in self._staged.receipts():
            kept = self._kept(end, receipt.works)
            end += receipt.works
            segment = receipt.segments.get(name)
            n_rows = segment.rows if segment else 0
            if kept is not None and n_rows:
                kept = self._repeat(kept, path, receipt, name)
                n_rows = int(kept.sum())
            yield end, n_rows, path, receipt, kept

    def _kept(self, start: int, n_works: int) -> Any:
        """Mark the works of a chunk that stay; None when all do."""
        first, last = np.searchsorted(self._superseded, [start, start + n_works])
        if first == last:
            return None
        kept = np.ones(n_works, np.bool_)
        kept[self._superseded[first:last] - start] = False
        return kept

    def _repeat(self, kept: Any, path: Path, receipt: Receipt, name: str) -> Any:
        """Mark the rows of a table whose works stay."""
        if name == "works":
            return kept
        works = load_table(path, receipt, "works")
        return kept if works is None else np.repeat(kept, works[f"n_{name}"].to_numpy())


class _CountryFiller:
    """Gives affiliations the country of their institution's own record where a work gave none."""

    def __init__(self, target: Path, parts: list[Part], n_records: int) -> None:
        self.filled = 0
        self._known = pa.table(
            {"id": pa.array([], pa.int64()), "country": pa.array([], pa.string())}
        )
        if n_records:
            import pyarrow.parquet as pq

            tables = [pq.read_table(target / p.path, partitioning=None) for p in parts]
            rows = pa.concat_tables(tables).select(["institution_id", "country"])
            self._known = rows.filter(pc.is_valid(rows["country"])).combine_chunks()
        self._ids = self._known.column(0).to_numpy()
        self._countries = self._known.column(1).combine_chunks()

    def fill(self, rows: pa.Table) -> pa.Table:
        """Fill countries in, and drop parsed countries that are covered now."""
        if not len(self._ids):
            return rows
        wanting = pc.and_(pc.is_null(rows["country"]), pc.is_valid(rows["institution_id"]))
        wanted = np.flatnonzero(wanting.to_numpy())
        ids = rows["institution_id"].fill_null(0).to_numpy()[wanted]
        at = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        hit = self._ids[at] == ids
        if not hit.any():
            return rows
        self.filled += int(hit.sum())
        index = np.zeros(rows.num_rows, np.int64)
        index[wanted[hit]] = at[hit]
        chosen = np.zeros(rows.num_rows, np.bool_)
        chosen[wanted[hit]] = True
        mask = pa.array(chosen)
        country = pc.if_else(mask, self._countries.take(pa.array(index)), rows["country"])
        source = pc.if_else(mask, "institution", rows["country_source"])
        rows = rows.set_column(3, "country", country).set_column(4, "country_source", source)
        return _without_covered(rows, wanted[hit])


def _without_covered(rows: pa.Table, filled: Ints) -> pa.Table:
    """Drop parsed countries that an affiliation filled just now has for the same author."""
    place = rows.select(["work_id", "position", "country"]).take(pa.array(filled)).to_pylist()
    covered = {tuple(row.values()) for row in place}
    parsed = np.flatnonzero(pc.equal(rows["country_source"], "parsed").fill_null(False).to_numpy())
    if not len(parsed):
        return rows
    listed = rows.select(["work_id", "position", "country"]).take(pa.array(parsed)).to_pylist()
    dropped = [i for i, row in zip(parsed, listed, strict=True) if tuple(row.values()) in covered]
    kept = np.ones(rows.num_rows, np.bool_)
    kept[dropped] = False
    return rows.filter(pa.array(kept))


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
    with atomic_path(path) as partial, partial.open("wb") as file:
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
