"""Staging: every source is read into chunks, here or by other processes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from isthmus.corpus.apart import Each, told
from isthmus.corpus.chunks import Chunk, Pool, cut, open_pieces
from isthmus.corpus.kept import Kept
from isthmus.corpus.reader import Task, columns, load_merges
from isthmus.corpus.sources import Input, Inputs
from isthmus.corpus.staging import (
    Chunks,
    SourceDone,
    Staged,
    chunk_path,
    load_done,
    load_receipt,
    save_done,
)
from isthmus.corpus.threads import Threads
from isthmus.corpus.workers import Workers
from isthmus.errors import SourceError, TargetError

#: Called with works read, bytes of the sources read, and bytes of the sources in all.
Progress = Callable[[int, int, int], None]

#: Sources below this size are read in this process; starting others would take longer.
SMALL_BYTES = 4 << 20

#: Works below this size are read with care, which gives the same; compiling the scanner,
#: once on a machine, would take longer.
SCANNED_BYTES = 32 << 20

#: Folder of merged ids, beside what is staged.
MERGES = "merges"


def stage_here(
    inputs: Inputs, staging: Path, n_workers: int, progress: Progress | None, kept: Kept
) -> Staged:
    """Read all sources into staged chunks, but those that are staged or kept already."""
    load_merges.cache_clear()
    meter = _Meter(inputs.size, progress)
    staged: list[Chunks] = []
    unmarked: dict[Path, SourceDone] = {}
    with contextlib.ExitStack() as stack:
        readers = _readers(inputs, n_workers, meter, stack)
        found = _found(inputs.records, kept, n_workers, stack)
        pool = Pool()
        for number, item in enumerate(inputs.records):
            folder = _place(staging, number)
            with reading(item):
                known = next(found)
            if known is not None:
                staged.append(
                    Chunks(known.folder, msgspec.structs.replace(known.done, name=item.name))
                )
                meter.works_read(sum(receipt.works for _, receipt in known.receipts()))
                meter.source_done(item.size)
                continue
            unmarked[folder] = _stage_source(item, folder, readers[item.entity], meter, pool)
            staged.append(Chunks(folder, unmarked[folder]))
            meter.source_done(item.size)
            busy = set().union(*(reader.folders() for reader in readers.values()))
            for ready in unmarked.keys() - busy:
                save_done(ready, unmarked.pop(ready))
        for reader in readers.values():
            reader.drain()
    for folder, done in unmarked.items():
        save_done(folder, done)
    return Staged(staging, staged)


def _found(
    records: Sequence[Input], kept: Kept, n_threads: int, stack: contextlib.ExitStack
) -> Iterator[Chunks | None]:
    """Give what is kept of each file, or None; threads compare contents ahead of the reading."""
    pool = ThreadPoolExecutor(n_threads)
    stack.callback(pool.shutdown, cancel_futures=True)
    return pool.map(kept.find, records)


@dataclass(frozen=True)
class _Reading:
    """Reads one file of many in this process; what any process needs to do so."""

    inputs: Inputs
    unread: list[int]
    staging: Path

    def read(self, number: int) -> None:
        """Stage a file, and mark it when it is staged whole; nothing where that was done."""
        item = self.inputs.records[self.unread[number]]
        folder = _place(self.staging, self.unread[number])
        if load_done(folder) is not None:
            return
        load_merges.cache_clear()  # this process may have read another release into this folder
        meter = _Meter(item.size, None)
        with contextlib.ExitStack() as stack:
            readers = _readers(self.inputs, 1, meter, stack)
            done = _stage_source(item, folder, readers[item.entity], meter, Pool())
        save_done(folder, done)


def stage_apart(
    inputs: Inputs, staging: Path, kept: Kept, each: Each, progress: Progress | None
) -> None:
    """Have other processes stage every file that is not staged or kept already."""
    records = [replace(item, path=item.path.absolute()) for item in inputs.records]
    places = [_place(staging, number) for number in range(len(records))]
    unread = []
    for number, item in enumerate(inputs.records):
        with reading(item):
            if load_done(places[number]) is None and kept.find(item) is None:
                unread.append(number)
    work = _Reading(replace(inputs, records=records), unread, staging)

    def done() -> int:
        return sum(item.size for item, at in zip(records, places, strict=True) if load_done(at))

    def tell(size: int) -> None:
        if progress is not None:
            progress(0, size, inputs.size)

    with told(done, tell):
        each(work.read, len(unread))
    missing = sum(load_done(places[number]) is None for number in unread)
    if missing:
        raise TargetError(
            f"What was read of {missing} of {len(unread)} files is not in {staging.parent}: the "
            "processes that read them see another folder under that path. Choose a place that "
            "this machine and all executors share."
        )


def _place(staging: Path, number: int) -> Path:
    """Where a source is staged."""
    return staging / f"{number:05d}"


def _readers(
    inputs: Inputs, n_workers: int, meter: _Meter, stack: contextlib.ExitStack
) -> dict[str, Threads | Workers]:
    """Choose what reads each entity: the scanner takes works unless they are few."""
    n_others = 0 if inputs.size < SMALL_BYTES or n_workers == 1 else n_workers
    entities = {item.entity for item in inputs.records}
    readers: dict[str, Threads | Workers] = {}
    if "works" in entities and inputs.size >= SCANNED_BYTES:
        readers["works"] = stack.enter_context(Threads(n_others, meter.works_read))
    if entities - readers.keys():
        careful = stack.enter_context(Workers(n_others, meter.works_read))
        readers |= dict.fromkeys(entities - readers.keys(), careful)
    return readers


def _stage_source(
    item: Input, folder: Path, reader: Threads | Workers, meter: _Meter, pool: Pool
) -> SourceDone:
    done = load_done(folder)
    if done is not None:
        return done
    folder.mkdir(exist_ok=True)
    with reading(item):
        pieces = open_pieces(item.path, columns(item.entity))
    n_chunks = 0
    for chunk in _reading_each(item, cut(pieces, pool)):
        task = Task(
            entity=item.entity,
            target=chunk_path(folder, n_chunks),
            last_fault=chunk.last_fault,
            last_bytes=chunk.last_bytes,
            consumed=chunk.consumed,
            merges=folder.parent / MERGES,
        )
        n_chunks += 1
        receipt = load_receipt(task.target)
        if receipt is None:
            reader.submit(task, chunk)
        else:
            chunk.release()
            meter.works_read(receipt.works)
        meter.bytes_read(chunk.consumed)
    with reading(item):
        digest = pieces.sha256()
    return SourceDone(
        name=item.name,
        entity=item.entity,
        bytes=item.size,
        sha256=digest,
        chunks=n_chunks,
        broken=pieces.broken,
    )


@contextlib.contextmanager
def reading(item: Input) -> Iterator[None]:
    """Tell failures to read a source from failures to write the target."""
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
        raise SourceError(f"Cannot read {item.path}: {why}. Check the file.") from error


def _reading_each(item: Input, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    while True:
        with reading(item):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


class _Meter:
    """Adds up progress over sources and tells whoever wants to know."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._total = total
        self._progress = progress
        self._before = self._bytes = self._works = 0

    def works_read(self, n_works: int) -> None:
        self._works += n_works
        self._tell()

    def bytes_read(self, consumed: int) -> None:
        self._bytes = consumed
        self._tell()

    def source_done(self, size: int) -> None:
        self._before += size
        self._bytes = 0
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            done = min(self._before + self._bytes, self._total)
            self._progress(self._works, done, self._total)
