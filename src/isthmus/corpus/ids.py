"""Identifiers: from the text of a record to 64-bit integers, and repeats among them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]

#: Stands for "no readable id" in arrays of ids; ids themselves are positive.
NO_ID = -1

#: What an OpenAlex id begins with.
HOME = "https://openalex.org/"
_ID = re.compile(r"\s*(?:https?://[\w.]+/(?:[a-z]+/)?)?([A-Za-z]?)(\d{1,18})\s*")
_PACKED_BITS = 40  # ids below 2**40 share a 64-bit key with a group number

# What remains of `["https://openalex.org/W1","https://openalex.org/W2"]` without
# these bytes is `[W1,W2]`; any other byte makes the quick reading fail.
_AROUND_WORK_IDS = bytes(sorted(set(b'"https://openalex.org/ \t\r')))
_NESTED = msgspec.json.Decoder(list[list[int]])
_ANY = msgspec.json.Decoder()


def number(text: object, letters: str) -> int:
    """Read one id; ``NO_ID`` when it is none of the wanted kind.

    Examples
    --------
    >>> number("https://openalex.org/W12", "W"), number("A7", "W"), number("17", "")
    (12, -1, 17)
    """
    if isinstance(text, int) and not isinstance(text, bool) and 0 < text < 10**18:
        return text
    match = _ID.fullmatch(text) if isinstance(text, str) else None
    if match is None or (match[1] and match[1].upper() not in letters):
        return NO_ID
    return int(match[2]) or NO_ID


def numbers(texts: Sequence[str | None], letters: str) -> Ints:
    """Read many ids at once; ``NO_ID`` where there is none."""
    if not texts:
        return np.empty(0, np.int64)
    column = pa.array(texts, pa.string())
    prefix = HOME + letters[0]
    if pc.all(pc.starts_with(column, prefix)).as_py() is not False:
        digits = pc.utf8_slice_codeunits(column, len(prefix))
        try:
            cast = digits.cast(pa.int64())
            found: Ints = cast.fill_null(NO_ID).to_numpy()
            return np.where((found > 0) & (found < 10**18), found, NO_ID)
        except pa.ArrowInvalid:
            pass
    return np.fromiter((number(text, letters) for text in texts), np.int64, len(texts))


def reference_lists(raws: Sequence[bytes]) -> tuple[Ints, Ints]:
    """Read JSON lists of work ids, one per work.

    Returns
    -------
    ids : (n,) array
        The ids of all lists, ``NO_ID`` where an entry is none.
    counts : (len(raws),) array
        Entries per list.
    """
    nested = _quick_lists(raws)
    if nested is None:
        nested = [_careful_list(raw) for raw in raws]
    counts = np.fromiter(map(len, nested), np.int64, len(nested))
    flat = np.array([item for items in nested for item in items], np.int64)
    return np.where(flat > 0, flat, NO_ID), counts


def _quick_lists(raws: Sequence[bytes]) -> list[list[int]] | None:
    """Read lists that hold nothing but OpenAlex work ids; None when one holds more."""
    lists = b",".join([raw if raw and raw != b"null" else b"[]" for raw in raws])
    bare = lists.translate(None, _AROUND_WORK_IDS)
    digits = bare.replace(b"[W", b"[").replace(b",W", b",")
    n_ids = lists.count(b'"https://openalex.org/W')
    if len(bare) - len(digits) != n_ids or lists.count(b'"') != 2 * n_ids:
        return None
    try:
        nested = _NESTED.decode(b"[" + digits + b"]")
    except msgspec.MsgspecError:
        return None
    return nested if sum(map(len, nested)) == n_ids else None


def _careful_list(raw: bytes) -> list[int]:
    try:
        found = _ANY.decode(raw) if raw else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return [NO_ID]
    return [number(item, "W") for item in found] if isinstance(found, list) else []


def first_of(group: Ints, value: Ints) -> Ints | None:
    """Index of the first equal value in the same group, for every entry.

    Parameters
    ----------
    group, value : (n,) arrays
        Non-negative group numbers; values, where ``NO_ID`` equals nothing.

    Returns
    -------
    (n,) array or None
        None when nothing repeats, the usual case, which is found out quickly.
    """
    known = np.flatnonzero(value != NO_ID)
    if len(known) < 2:
        return None
    key = group[known] << _PACKED_BITS | value[known]
    if value.max() >> _PACKED_BITS or group.max() >> (63 - _PACKED_BITS):
        key = np.unique(np.column_stack([group[known], value[known]]), axis=0, return_inverse=True)[
            1
        ].ravel()
    ordered = np.sort(key)
    if not (ordered[1:] == ordered[:-1]).any():
        return None
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    result = np.arange(len(value))
    result[known] = known[first[inverse]]
    return result


class Merges:
    """Ids that were merged into others, per entity.

    Parameters
    ----------
    tables
        Entity name -> ids merged away, sorted, and the ids they became; both (n,).
    """

    def __init__(self, tables: Mapping[str, tuple[Ints, Ints]] | None = None) -> None:
        self.tables = dict(tables or {})
        self.rewritten = 0

    def away(self, entity: str, identifier: int) -> bool:
        """Say whether the record of an id was merged into another."""
        if entity not in self.tables:
            return False
        old = self.tables[entity][0]
        at = int(np.searchsorted(old, identifier))
        return at < len(old) and bool(old[at] == identifier)

    def deleted(self, entity: str, ids: Ints) -> npt.NDArray[np.bool_]:
        """Mark ids that stand for nothing any more."""
        if entity not in self.tables or not len(ids):
            return np.zeros(len(ids), np.bool_)
        old, new = self.tables[entity]
        at = np.minimum(np.searchsorted(old, ids), len(old) - 1)
        gone: npt.NDArray[np.bool_] = (old[at] == ids) & (new[at] == NO_ID)
        return gone

    def apply(self, entity: str, ids: Ints) -> Ints:
        """Rewrite merged ids; count them in ``rewritten``."""
        if entity not in self.tables or not len(ids):
            return ids
        old, new = self.tables[entity]
        at = np.minimum(np.searchsorted(old, ids), len(old) - 1)
        hit = old[at] == ids
        self.rewritten += int(hit.sum())
        return np.where(hit, new[at], ids)
