"""Reading one chunk of records into staged tables; the work a worker process does."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pyarrow as pa

from isthmus.corpus.entities import EntityBatch
from isthmus.corpus.ids import Merges
from isthmus.corpus.merged import load_merged
from isthmus.corpus.openalex import WorkBatch
from isthmus.corpus.records import (
    AuthorEntity,
    Decoder,
    InstitutionEntity,
    NotJSONError,
    VenueEntity,
    Work,
)
from isthmus.corpus.staging import Receipt, Refused, save_chunk

#: Characters of a rejected record that are kept to recognise it by.
HEAD_CHARACTERS = 200

#: Entity -> struct of its records.
KINDS: dict[str, type[Any]] = {
    "works": Work,
    "authors": AuthorEntity,
    "institutions": InstitutionEntity,
    "sources": VenueEntity,
}


@dataclass(frozen=True)
class Task:
    """A chunk to read.

    Attributes
    ----------
    entity
        What the records are.
    target
        File to stage the tables in.
    last_fault, last_bytes, consumed
        As in :class:`~isthmus.corpus.chunks.Chunk`.
    merges
        Folder of merged ids.
    """

    entity: str
    target: Path
    last_fault: str | None
    last_bytes: int | None
    consumed: int
    merges: Path


def columns(entity: str) -> tuple[str, ...]:
    """Names of the record fields that are used."""
    return tuple(KINDS[entity].__struct_fields__)


def read_chunk(task: Task, data: bytes | memoryview) -> int:
    """Read the lines of a chunk, stage their tables, and give the number of works kept."""
    with _no_collection():
        return _read_chunk(task, bytes(data))


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Hold the garbage collector off: a chunk makes no cycles, only very many small objects."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _read_chunk(task: Task, data: bytes) -> int:
    merges = load_merges(task.merges)
    merges.rewritten = 0
    works = task.entity == "works"
    batch = WorkBatch(merges) if works else EntityBatch(task.entity, merges)
    decoder: Decoder[Any] = Decoder(KINDS[task.entity])
    refused: list[Refused] = []
    n_read = 0
    for line, text, fault in _lines(data, task):
        n_read += 1
        try:
            reason = fault if fault == "too_long" else batch.add(decoder.decode(text))
        except NotJSONError:
            reason = fault or "not_json"
        if reason is not None:
            refused.append(_refused(task, line, reason, text))
    tables = batch.tables()
    set_aside = batch.set_aside + Counter(value_unreadable=decoder.repaired)
    notes = batch.notes + Counter(records_read=n_read, merged_id=merges.rewritten)
    return _save(task, tables, refused, set_aside, notes, data.count(b"\n"))


def scan_chunk(task: Task, data: memoryview) -> int:
    """Read the lines of a chunk of works as :func:`read_chunk` does, with the scanner."""
    from isthmus.corpus.scanned import read_works

    merges = Merges(load_merges(task.merges).tables)
    read = read_works(data, task.last_fault, merges)
    refused = [_refused(task, line, reason, text) for line, text, reason in read.refused]
    notes = read.notes + Counter(records_read=read.n_read)
    return _save(task, read.tables, refused, read.set_aside, notes, read.n_lines)


def _save(
    task: Task,
    tables: dict[str, pa.Table],
    refused: list[Refused],
    set_aside: Counter[str],
    notes: Counter[str],
    n_lines: int,
) -> int:
    """Stage what was read; give the number of works kept."""
    n_works = tables["works"].num_rows if task.entity == "works" else 0
    receipt = Receipt(
        refused=refused,
        set_aside=dict(set_aside),
        notes=dict(notes),
        works=n_works,
        lines=n_lines,
        consumed=task.consumed,
    )
    save_chunk(task.target, tables, receipt)
    return n_works


def _lines(data: bytes, task: Task) -> Iterator[tuple[int, bytes, str | None]]:
    """Give the lines that are not blank: number from 1, text, and the fault of the last one."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    last = len(lines) - 1
    for index, text in enumerate(lines):
        if text and not text.isspace():
            yield 1 + index, text, task.last_fault if index == last else None


def _refused(task: Task, line: int, reason: str, text: bytes) -> Refused:
    return Refused(line, reason, _head(text), task.last_bytes if reason == "too_long" else None)


def _head(text: bytes) -> str:
    return text[: 4 * HEAD_CHARACTERS].decode("utf-8", "replace")[:HEAD_CHARACTERS]


@cache
def load_merges(folder: Path) -> Merges:
    """Open the tables of merged ids of this run."""
    tables = load_merged(folder) or {}
    return Merges({entity: (pairs[0], pairs[1]) for entity, pairs in tables.items()})


def read_shared(task: Task, path: str, size: int) -> int:
    """Read a chunk that another process holds in memory."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        data = file.read(size)
    return read_chunk(task, data)


def follow_parent() -> None:
    """End this process when the one that started it ends, however it ends."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()


def _leave_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
