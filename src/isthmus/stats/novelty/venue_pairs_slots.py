"""References of one citing year, laid out so that venue pairs can be read row by row.

A *slot* is one usable reference: it belongs to a paper and to a stratum (the
year of the cited work) and holds a venue. Slots are ordered by paper, and
within a paper by venue; then every pair of a paper whose smaller venue is ``i``
is a slot of ``i`` with a later slot of the same paper. Reading the slots venue
by venue therefore meets each pair once, in sorted order, with one row of
counters as working memory: no venue-by-venue matrix is ever made.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from isthmus.errors import InputError

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

#: Values that span at most so many times their number are looked up in a table of the span.
DENSE = 2

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


class Slots(NamedTuple):
    """Usable references of one citing year.

    Attributes
    ----------
    papers : ndarray of int64, shape (m,)
        Ids of the papers, ascending.
    venues : ndarray of int64, shape (v,)
        Ids of the venues, the least cited first, then ascending: the first
        venue of a pair is then in few strata, and its sums are short.
    paper_start : ndarray of int64, shape (m + 1,)
        Slots of paper ``p`` are ``paper_start[p]:paper_start[p + 1]``.
    venue : ndarray of int32, shape (n,)
        Position in `venues` of the venue of each slot.
    stratum : ndarray of int32, shape (n,)
        Stratum of each slot, 0 to `n_strata` - 1.
    venue_start : ndarray of int64, shape (v + 1,)
        Entries of `by_venue` of venue ``i`` are ``venue_start[i]:venue_start[i + 1]``.
    by_venue : ndarray of int32, shape (n,)
        Slots ordered by venue, and then by paper.
    paper_by_venue : ndarray of int32, shape (n,)
        Position in `papers` of the paper of each entry of `by_venue`.
    n_strata : int
        Number of distinct years of cited works.
    """

    papers: Ints
    venues: Ints
    paper_start: Ints
    venue: Codes
    stratum: Codes
    venue_start: Ints
    by_venue: Codes
    paper_by_venue: Codes
    n_strata: int


def factorise(values: Ints) -> tuple[Ints, Codes]:
    """Distinct values in ascending order, and the position of each value among them.

    Linear in the number of values; the order of the values plays no part.
    """
    if values.size > np.iinfo(np.int32).max:
        raise InputError(
            f"There are {values.size:,} references; at most 2,147,483,647 can be read at once. "
            "Hand in fewer citing years at a time: years do not touch each other."
        )
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if high - low <= DENSE * values.size:
        distinct, codes = _looked_up(values, low, high - low + 1)
        return distinct, codes
    distinct, codes = _first_seen(values)
    order = np.argsort(distinct)
    rank = np.empty(order.size, np.int32)
    rank[order] = np.arange(order.size, dtype=np.int32)
    return distinct[order], rank[codes]


def lay_out(paper: Ints, venue: Ints, cited_year: Ints) -> Slots:
    """Order the usable references of one citing year.

    Parameters
    ----------
    paper, venue, cited_year : ndarray of int64, shape (n,)
        One entry per usable reference, in any order.
    """
    papers, paper_code = factorise(paper)
    venues, venue_code = _rarest_first(*factorise(venue))
    strata, stratum_code = factorise(cited_year)
    first, _ = bucket(venue_code, np.arange(paper.size, dtype=np.int32), venues.size)
    order, paper_start = bucket(paper_code, first, papers.size)
    slot_venue = venue_code[order]
    slots = np.arange(paper.size, dtype=np.int32)
    by_venue, venue_start = bucket(slot_venue, slots, venues.size)
    return Slots(
        papers,
        venues,
        paper_start,
        slot_venue,
        stratum_code[order],
        venue_start,
        by_venue,
        paper_code[order[by_venue]],
        strata.size,
    )


def _rarest_first(venues: Ints, code: Codes) -> tuple[Ints, Codes]:
    order = np.argsort(np.bincount(code, minlength=venues.size), kind="stable")
    rank = np.empty(order.size, np.int32)
    rank[order] = np.arange(order.size, dtype=np.int32)
    return venues[order], rank[code]


@njit(cache=True, nogil=True)
def _looked_up(values, low, span):  # type: ignore[no-untyped-def]
    """Distinct values and codes of values from low to low + span - 1."""
    code, codes = np.zeros(span, np.int32), np.empty(values.size, np.int32)
    for value in values:
        code[np.uintp(value - low)] = 1
    distinct = np.flatnonzero(code) + low if values.size else np.empty(0, np.int64)
    for k in range(distinct.size):
        code[distinct[k] - low] = k
    for k in range(values.size):
        codes[k] = code[np.uintp(values[k] - low)]
    return distinct, codes


@njit(cache=True, nogil=True)
def _first_seen(values):  # type: ignore[no-untyped-def]
    """Number distinct values in the order of appearance, by open addressing."""
    capacity, shift = 16, np.uint64(64 - 4)
    slot = np.full(capacity, -1, np.int32)
    distinct = np.empty(capacity, np.int64)
    codes = np.empty(values.size, np.int32)
    n = 0
    for k in range(values.size):
        if 2 * n >= capacity:
            capacity *= 2
            shift -= np.uint64(1)
            grown = np.empty(capacity, np.int64)
            for c in range(n):
                grown[c] = distinct[c]
            distinct = grown
            slot = np.full(capacity, -1, np.int32)
            for c in range(n):
                slot[_probe(slot, distinct, distinct[c], shift)] = c
        at = _probe(slot, distinct, values[k], shift)
        if slot[at] < 0:
            slot[at] = n
            distinct[n] = values[k]
            n += 1
        codes[k] = slot[at]
    return distinct[:n].copy(), codes


@njit(cache=True, nogil=True)
def _probe(slot, distinct, value, shift):  # type: ignore[no-untyped-def]
    """Where `value` stands in the table, or where it would."""
    at = np.int64((np.uint64(value) * _GOLDEN) >> shift)
    while slot[at] >= 0 and distinct[slot[at]] != value:
        at = (at + 1) & (slot.size - 1)
    return at


@njit(cache=True, nogil=True)
def bucket(codes, order, n_codes):  # type: ignore[no-untyped-def]
    """Entries of `order` sorted by their code, stable; and where each code starts."""
    start = np.zeros(n_codes + 1, np.int64)
    for k in range(codes.size):
        start[np.uintp(codes[k] + 1)] += 1
    for c in range(n_codes):
        start[c + 1] += start[c]
    place = start[:-1].copy()
    out = np.empty(order.size, np.int32)
    for k in range(order.size):
        code = np.uintp(codes[np.uintp(order[k])])
        out[np.uintp(place[code])] = order[k]
        place[code] += 1
    return out, start
