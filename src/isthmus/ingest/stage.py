"""Reading all sources into units, here, one batch of them after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import duckdb

from isthmus.corpus.manifest import Source
from isthmus.errors import SourceError
from isthmus.files import sha256
from isthmus.ingest.decompress import Text
from isthmus.ingest.documents import Document
from isthmus.ingest.lines import Chunker, Lines, Scratch
from isthmus.ingest.openalex.export import Export
from isthmus.ingest.openalex.parquet import ParquetRows, Piece, UnfitError, select
from isthmus.ingest.reading import Reader
from isthmus.ingest.sources import Input
from isthmus.ingest.units import (
    Batch,
    BatchDone,
    Receipt,
    load_done,
    load_unit,
    save_done,
    unit_folder,
)

#: Called with works read, bytes of the sources read, and bytes of the sources in all.
Progress = Callable[[int, int, int], None]

#: Files below this size are read several at a time, until they have so many bytes together.
SMALL_BYTES, BATCH_BYTES = 4 << 20, 32 << 20

#: Told of works and bytes of a batch that were read so far.
Meter = Callable[[int, int], None]


def batches(records: Sequence[Input]) -> Iterator[list[Input]]:
    """Group sources that are read together: small files of lines of one entity."""
    group: list[Input] = []
    for item in records:
        joins = (
            group
            and item.form != "parquet"
            and item.size < SMALL_BYTES
            and group[0].form != "parquet"
            and group[0].size < SMALL_BYTES
            and item.entity == group[0].entity
            and item.constants == group[0].constants
            and sum(each.size for each in group) < BATCH_BYTES
        )
        if group and not joins:
            yield group
            group = []
        group.append(item)
    if group:
        yield group


@contextmanager
def reading(item: Input) -> Iterator[None]:
    """Tell failures to read a source from failures to write the target."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise SourceError(f"Cannot read {item.path}: {why}. Check the file.") from error


def stage(
    inputs: Sequence[Input],
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
    scratch: Scratch,
    meter: Meter,
) -> Batch:
    """Read a batch of sources into units in a folder; go on after those that are there."""
    done = load_done(folder)
    if done is not None:
        return Batch(folder, done)
    folder.mkdir(parents=True, exist_ok=True)
    units: list[Receipt] = []
    while (unit := load_unit(unit_folder(folder, len(units)))) is not None:
        units.append(unit.receipt)
    before = units[-1] if units else Receipt()
    n_works = sum(unit.rows.get("works", 0) for unit in units)
    reader = Reader(connection, inputs[0].entity, inputs, before)
    broken: set[int] = set()
    for consumed in _read(inputs, reader, scratch, before.chunks, broken):
        if reader.full:
            units.append(reader.flush(unit_folder(folder, len(units))))
            n_works += units[-1].rows.get("works", 0)
        meter(n_works, consumed)
    reader.note_broken(len(broken))
    units.append(reader.flush(unit_folder(folder, len(units))))
    done = done_of(inputs, units)
    save_done(folder, done)
    meter(n_works + units[-1].rows.get("works", 0), sum(item.size for item in inputs))
    return Batch(folder, done)


def done_of(inputs: Sequence[Input], units: Sequence[Receipt]) -> BatchDone:
    """Say which sources were read, and how many records of each."""
    sources = [
        Source(
            name=item.name,
            entity=item.entity,
            bytes=item.size,
            sha256=_digest(item),
            records=sum(unit.records.get(number, 0) for unit in units),
        )
        for number, item in enumerate(inputs)
    ]
    return BatchDone(sources=sources, units=len(units))


def _digest(item: Input) -> str:
    with reading(item):
        return sha256(item.path)


def _read(
    inputs: Sequence[Input], reader: Reader, scratch: Scratch, skip: int, broken: set[int]
) -> Iterator[int]:
    """Read chunk by chunk but those read before; yield the bytes read so far."""
    if inputs[0].form == "parquet":
        yield from _read_parquet(inputs[0], reader, skip, broken)
        return
    exports: list[Export] = []
    chunker = Chunker([partial(_open, item, exports) for item in inputs], scratch)
    for number, segments in enumerate(chunker.chunks()):
        if number >= skip:
            reader.read_lines(scratch, segments)
            yield chunker.consumed
    broken |= chunker.broken
    reader.note_unplaced(sum(export.unplaced for export in exports))


def _open(item: Input, exports: list[Export]) -> Lines:
    with reading(item):
        text = Text(item.path, item.member)
    if item.form == "document":
        return Document(text)
    if item.form == "table":
        exports.append(Export(text))
        return exports[-1]
    return text


def _read_parquet(item: Input, reader: Reader, skip: int, broken: set[int]) -> Iterator[int]:
    with reading(item):
        rows = ParquetRows(item.path, item.entity)
    with ExitStack() as stack:
        stack.callback(rows.close)
        for number, piece in enumerate(rows.pieces()):
            if number >= skip:
                _take(rows, piece, item.entity, reader)
                yield rows.consumed
            if rows.broken:
                broken.add(0)
                return


def _take(rows: ParquetRows, piece: Piece, entity: str, reader: Reader) -> None:
    """Have DuckDB read rows from the file, else from Arrow, else read them one by one.

    Text that is not UTF-8 is damage.
    """
    load = partial(rows.table, piece)
    relation = rows.relation(piece)
    with suppress(UnfitError):
        if relation is not None and reader.read_table(
            select(rows.schema, entity, relation), piece.rows, piece.bytes, load, duckdb.Error
        ):
            return
    table = load()
    with suppress(UnfitError):
        if reader.read_arrow(table, select(table.schema, entity, "given")):
            return
    try:
        reader.read_rows(table)
    except UnicodeDecodeError:
        rows.broken = True
