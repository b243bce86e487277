"""Reading a chunk of works with the scanner, and what it leaves aside with care.

The tables are those that reading every record with care would give, row for row,
and so are the counts: the careful reader, :class:`~isthmus.corpus.openalex.WorkBatch`,
takes the records that the scanner calls odd, and its rows are put in their places.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.corpus.ids import HOME, NO_ID, Ints, Merges, number
from isthmus.corpus.openalex import WorkBatch
from isthmus.corpus.records import Decoder, NotJSONError, Work
from isthmus.corpus.scanning import buffers as b
from isthmus.corpus.scanning.tables import (
    DETAILS,
    Found,
    country_numbers,
    institutions_table,
    merged_arrays,
    read_only,
    venues_table,
    works_tables,
)
from isthmus.corpus.scanning.works import scan

_NOTES = ("merged_away", "merged_id")

#: Buffers are made for at least so many bytes: a work may hold many entries of one kind.
_LEAST_BYTES = 1 << 20

_NEWLINE = 10

_local = threading.local()


@dataclass
class Read:
    """What reading a chunk of works gave."""

    tables: dict[str, pa.Table]
    refused: list[tuple[int, bytes, str]]
    set_aside: Counter[str]
    notes: Counter[str]
    n_read: int
    n_lines: int


@dataclass
class _Odd:
    """Records read with care: their numbers in the chunk, and those of entities' first sight."""

    batch: WorkBatch
    decoder: Decoder[Any] = field(default_factory=lambda: Decoder(Work))
    refused: list[tuple[int, bytes, str]] = field(default_factory=list)
    n_read: int = 0
    works: list[int] = field(default_factory=list)
    institutions: list[int] = field(default_factory=list)
    venues: list[int] = field(default_factory=list)

    def add(self, record: int, line: int, text: bytes, fault: str | None) -> None:
        if text.isspace():
            return
        self.n_read += 1
        batch = self.batch
        try:
            reason = fault if fault == "too_long" else batch.add(self.decoder.decode(text))
        except NotJSONError:
            reason = fault or "not_json"
        if reason is not None:
            self.refused.append((line, text, reason))
        self.works += [record] * (batch.n_works - len(self.works))
        self.institutions += [record] * (len(batch.seen_institutions) - len(self.institutions))
        self.venues += [record] * (len(batch.seen_venues) - len(self.venues))


def read_works(data: bytes | memoryview, last_fault: str | None, merges: Merges) -> Read:
    """Read the lines of a chunk of works.

    Parameters
    ----------
    data, last_fault
        As in :class:`~isthmus.corpus.chunks.Chunk`.
    merges
        Ids to rewrite and works to leave out; rewritten ids are counted in it.
    """
    whole = data if data[-1:] == b"\n" else bytes(data) + b"\n"
    size = len(whole)
    buf = read_only(np.frombuffer(whole, np.uint8))
    if last_fault == "too_long":
        newlines = np.flatnonzero(buf[:-1] == _NEWLINE)
        buf = buf[: newlines[-1] + 1 if len(newlines) else 0]
    store = _buffers(len(buf))
    scan(buf, store, merged_arrays(merges), country_numbers())
    found = Found(buf, store)
    odd = _Odd(WorkBatch(merges))
    n_records = found.rows(b.N_RECORDS)
    n_odd = found.rows(b.N_ODD)
    n_lines = found.rows(b.N_LINES)
    for record, line, begin, end in store.odd[:n_odd].tolist():
        fault = last_fault if end + 1 == size else None
        odd.add(record, line, bytes(whole[begin:end]), fault)
    if len(buf) < size:
        n_lines += 1
        odd.add(n_records, n_lines, bytes(whole[len(buf) : -1]), last_fault)
    return _read(found, odd, merges, n_records - n_odd, n_lines)


def _buffers(n_bytes: int) -> b.Buffers:
    """Give this thread's buffers, made anew where they are too small."""
    store: b.Buffers | None = getattr(_local, "store", None)
    if store is None or len(store.heap) < n_bytes:
        store = b.make_buffers(max(n_bytes + (n_bytes >> 3), _LEAST_BYTES))
        _local.store = store
    return store


def _read(found: Found, odd: _Odd, merges: Merges, n_plain: int, n_lines: int) -> Read:
    tally = Counter(dict(zip(b.TALLIES, found.store.tally.tolist(), strict=True)))
    notes = Counter({name: tally.pop(name) for name in _NOTES})
    tables = works_tables(found)
    institutions = found.store.institutions[: found.rows(b.N_INSTITUTIONS)]
    venues = found.store.venues[: found.rows(b.N_VENUES)]
    if odd.works:
        seen = odd.batch.seen_institutions
        institutions, odd.institutions = _first_seen(
            found, institutions, "I", seen, odd.institutions, merges
        )
        seen_venues = odd.batch.seen_venues
        venues, odd.venues = _first_seen(found, venues, "SV", seen_venues, odd.venues, merges)
    institutions = _not_deleted(institutions, "institutions", 0, merges)
    venues = _not_deleted(venues, "sources", 1, merges)
    tables["institutions"] = institutions_table(found, institutions, merges)
    tables["venues"] = venues_table(found, venues, merges)
    if odd.works:
        careful = odd.batch.tables()
        records = found.store.works[:, b.WORK_RECORD]
        tables |= _in_place(tables, careful, records[: found.rows(b.N_WORKS)], odd.works)
        for name, rows, more in (
            ("institutions", institutions, odd.institutions),
            ("venues", venues, odd.venues),
        ):
            first = np.concatenate([records[rows[:, b.ENTITY_WORK]], np.array(more, np.int64)])
            order = np.argsort(first, kind="stable")
            tables[name] = pa.concat_tables([tables[name], careful[name]]).take(pa.array(order))
    set_aside = +(tally + odd.batch.set_aside + Counter(value_unreadable=odd.decoder.repaired))
    notes = notes + odd.batch.notes + Counter(merged_id=merges.rewritten)
    return Read(tables, odd.refused, set_aside, notes, n_plain + odd.n_read, n_lines)


def _first_seen(
    found: Found,
    rows: Ints,
    letters: str,
    seen: dict[str, Any],
    records: list[int],
    merges: Merges,
) -> tuple[Ints, list[int]]:
    """Settle who named an entity first: the scanned rows that stay, the careful ones' records.

    Of `seen` only the entities stay that have a readable id, not a deleted one, and were
    named first by a record read with care.
    """
    entity = "institutions" if letters == "I" else "sources"
    place = {key: n for n, key in enumerate(rows[:, b.ENTITY_ID].tolist())}
    first = found.store.works[rows[:, b.ENTITY_WORK], b.WORK_RECORD]
    dropped, kept = [], []
    for text, record in zip(list(seen), records, strict=True):
        identifier = number(text, letters)
        n = place.get(_key(text, identifier, letters))
        deleted = bool(merges.deleted(entity, np.array([identifier]))[0])
        if identifier == NO_ID or deleted or (n is not None and first[n] < record):
            merges.rewritten += deleted and n is None
            del seen[text]
            continue
        kept.append(record)
        if n is not None:
            dropped.append(n)
    return np.delete(rows, dropped, axis=0), kept


def _not_deleted(rows: Ints, entity: str, shift: int, merges: Merges) -> Ints:
    """Leave out entities that were deleted, which counts as rewriting their ids."""
    deleted = merges.deleted(entity, rows[:, b.ENTITY_ID] >> shift)
    merges.rewritten += int(deleted.sum())
    return rows[~deleted]


def _key(text: str, identifier: int, letters: str) -> int:
    """Give the key the scanner has for an id, or -1 for a text it does not read."""
    letter = text[len(HOME) : len(HOME) + 1]
    if letter not in letters or text != f"{HOME}{letter}{identifier}":
        return -1
    return identifier if len(letters) == 1 else 2 * identifier + letters.index(letter)


def _in_place(
    plain: dict[str, pa.Table], careful: dict[str, pa.Table], records: Ints, odd: list[int]
) -> dict[str, pa.Table]:
    """Put works that were read with care, and their rows, in their places."""
    order = np.argsort(np.concatenate([records, np.array(odd, np.int64)]), kind="stable")
    works = pa.concat_tables([plain["works"], careful["works"]])
    tables = {"works": works.take(pa.array(order))}
    for name in DETAILS:
        counts = works[f"n_{name}"].to_numpy().astype(np.int64)
        starts = np.cumsum(counts) - counts
        ordered = counts[order]
        within = np.arange(ordered.sum()) - np.repeat(np.cumsum(ordered) - ordered, ordered)
        rows = pa.concat_tables([plain[name], careful[name]])
        tables[name] = rows.take(pa.array(np.repeat(starts[order], ordered) + within))
    return tables
