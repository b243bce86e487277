"""Venue pairs of one year counted row by row, and the scores of its papers.

The pair table is made in blocks of rows, each row a venue and the venues not
before it that are cited with it; blocks that do not fit the memory given are
kept in a temporary file. Papers are then scored in blocks: each row's z is
spread over a line of length v and copied to the pairs of the block's papers.
The result does not depend on where the blocks begin.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from isthmus.stats.novelty.venue_pairs_lanes import leaf, prefetch
from isthmus.stats.novelty.venue_pairs_law import (
    ROUNDING,
    Floats,
    Strata,
    Venues,
)
from isthmus.stats.novelty.venue_pairs_slots import Codes, Ints, Slots
from isthmus.stats.novelty.venue_pairs_sums import block_sums, mixing_matrix, quadratic

#: Pairs of papers scored together: few enough for the cache, or as many as the pairs that have
#: to be read again for every block of papers, so that reading stays the smaller part.
SCORED_AT_ONCE = 1 << 20

#: Times dearer it is to sort a venue met than to look at one more that may have been.
SORT = 24

#: Papers whose venues are asked for before they are needed.
AHEAD = 8

#: Values left to choose from that are sorted instead.
FEW = 12


class Rows(NamedTuple):
    """Pairs of the venues `first` to `first` + r - 1 with venues not before them.

    Attributes
    ----------
    first : int
        Position of the first venue of the block.
    start : ndarray of int64, shape (r + 1,)
        Pairs of venue ``first + i`` are ``start[i]:start[i + 1]``.
    other : ndarray of int32, shape (k,)
        The pair's other venue, ascending within a row.
    observed : ndarray of int64, shape (k,)
    expected, variance, z : ndarray of float64, shape (k,)
    """

    first: int
    start: Ints
    other: Codes
    observed: Ints
    expected: Floats
    variance: Floats
    z: Floats


def pair_rows(
    slots: Slots, strata: Strata, venues: Venues, tolerance: float, budget: int
) -> Iterator[Rows]:
    """Count the pairs that occur and set them against the law, block by block.

    Parameters
    ----------
    tolerance : float
        Share of a variance below which mixed terms may be left out.
    budget : int
        Bytes a block may take.
    """
    for first, last, most in row_blocks(slots, budget):
        # Made here and not in compiled code: numpy asks for large pages.
        start, room = np.zeros(last - first + 1, np.int64), most + 1
        other, observed = np.empty(room, np.int32), np.empty(room, np.int64)
        found = _count_rows(slots, first, start, other, observed)
        other, observed = other[:found].copy(), observed[:found].copy()
        moments = np.empty(found), np.empty(found), np.empty(found)
        _row_moments(first, start, other, observed, strata, venues, tolerance, *moments)
        yield Rows(first, start, other, observed, *moments)


def row_blocks(slots: Slots, budget: int) -> list[tuple[int, int, int]]:
    """First row, row after the last, and most pairs the block can hold."""
    per_pair = 4 + 8 + 3 * 8
    met = _pairs_met(slots)
    most = np.minimum(met, slots.venues.size - np.arange(slots.venues.size))
    blocks, first, held = [], 0, 0
    for row, size in enumerate(most.tolist()):
        if row > first and (held + size) * per_pair > budget:
            blocks.append((first, row, held))
            first, held = row, 0
        held += size
    if slots.venues.size:
        blocks.append((first, slots.venues.size, held))
    return blocks


class RowStore:
    """Blocks of rows that can be read again: in memory, or beyond a budget in a file.

    Only what scoring needs is kept: where rows start, the other venue, and z.
    """

    def __init__(self, budget: int, folder: str | None = None) -> None:
        self.n_pairs = 0
        self._budget = budget
        self._folder = folder
        self._blocks: list[tuple[int, Ints, Codes | int, Floats | int]] = []
        self._file: IO[bytes] | None = None
        self._open = ExitStack()

    def __enter__(self) -> RowStore:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def add(self, rows: Rows) -> None:
        """Keep a block."""
        self.n_pairs += rows.z.size
        self._budget -= rows.other.nbytes + rows.z.nbytes
        if self._budget >= 0:
            self._blocks.append((rows.first, rows.start, rows.other, rows.z))
        else:
            self._blocks.append(
                (rows.first, rows.start, self._write(rows.other), self._write(rows.z))
            )

    def __iter__(self) -> Iterator[tuple[int, Ints, Codes, Floats]]:
        """Return first row, row starts, other venues and z of each block, in order."""
        for first, start, other, z in self._blocks:
            size = int(start[-1])
            yield first, start, self._read(other, np.int32, size), self._read(z, np.float64, size)

    def _write(self, values: npt.NDArray[np.generic]) -> int:
        if self._file is None:
            new = tempfile.TemporaryFile(  # noqa: SIM115
                prefix="isthmus-venue-pairs-", dir=self._folder
            )
            self._file = self._open.enter_context(new)
        at = self._file.seek(0, 2)
        values.tofile(self._file)
        return at

    def _read(self, kept: npt.NDArray[np.generic] | int, kind: type, size: int) -> npt.NDArray[Any]:
        if not isinstance(kept, int):
            return kept
        assert self._file is not None
        self._file.seek(kept)
        return np.fromfile(self._file, kind, size)


def score_papers(
    slots: Slots, store: RowStore, quantile: float, budget: int
) -> tuple[Floats, Floats]:
    """Lower quantile and median of the z of every paper's pairs; null below two slots."""
    n_papers = slots.papers.size
    tail, median = np.full(n_papers, np.nan), np.full(n_papers, np.nan)
    size = np.diff(slots.paper_start)
    pairs = np.concatenate([[0], np.cumsum(size * (size - 1) // 2)])
    most = min(budget // 8, max(SCORED_AT_ONCE, store.n_pairs))
    first = 0
    while first < n_papers:
        last = int(np.searchsorted(pairs, pairs[first] + most, "right")) - 1
        last = min(max(last, first + 1), n_papers)
        offset = pairs[first : last + 1] - pairs[first]
        z = np.empty(int(offset[-1]))
        line = np.zeros(slots.venues.size)
        place = offset[:-1].copy()
        for row, start, other, row_z in store:
            _spread_rows(slots, row, start, other, row_z, first, last, line, place, z)
        _quantiles(z, offset, quantile, tail[first:last], median[first:last])
        first = last
    return tail, median


@njit(cache=True, nogil=True)
def _pairs_met(slots):  # type: ignore[no-untyped-def]
    met = np.zeros(slots.venue_start.size - 1, np.int64)
    for i in range(met.size):
        for k in range(slots.venue_start[i], slots.venue_start[i + 1]):
            met[i] += slots.paper_start[slots.paper_by_venue[k] + 1] - slots.by_venue[k] - 1
    return met


@njit(cache=True, nogil=True)
def _count_rows(slots, first, start, other, observed):  # type: ignore[no-untyped-def]
    """How often each pair of a block of rows occurs; fills all but the first, and counts them.

    `other` and `observed` have room for one more than there can be.
    """
    n_venues, at = slots.venues.size, 0
    count, seen = np.zeros(n_venues, np.int64), np.empty(n_venues + 1, np.int32)
    for i in range(first, first + start.size - 1):
        found = _count_row(slots, slots.venue_start[i], slots.venue_start[i + 1], count, seen)
        if SORT * found > n_venues - i:
            at = _drain(count, i, other, observed, at)
        else:
            seen[:found].sort()
            for j in seen[:found]:
                other[at], observed[at], count[j] = j, count[j], 0
                at += 1
        start[i - first + 1] = at
    return at


@leaf
def _count_row(slots, begin, end, count, seen):  # type: ignore[no-untyped-def]
    """Count the venues that come after one in the same papers, and list them as met."""
    found = np.uintp(0)
    for k in range(np.uintp(begin), np.uintp(end)):
        prefetch(slots.venue, slots.by_venue[min(k + np.uintp(AHEAD), np.uintp(end - 1))])
        stop = np.uintp(slots.paper_start[slots.paper_by_venue[k] + 1])
        for later in range(np.uintp(slots.by_venue[k] + 1), stop):
            j = np.uintp(slots.venue[later])
            seen[found] = j
            found += np.uintp(count[j] == 0)
            count[j] += 1
    return np.int64(found)


@leaf
def _drain(count, i, other, observed, at):  # type: ignore[no-untyped-def]
    """Move the counts of venues from i on, in order, and leave zeros."""
    for j in range(np.uintp(i), np.uintp(count.size)):
        other[np.uintp(at)], observed[np.uintp(at)] = j, count[j]
        at += count[j] > 0
        count[j] = 0
    return at


@njit(cache=True, nogil=True)
def _row_moments(  # type: ignore[no-untyped-def]
    first, start, other, observed, strata, venues, tolerance, expected, variance, z
):
    """Fill mean, variance and z of the pairs of a block of rows."""
    bound, size = z, strata.n.size
    matrix, scratch, line = np.empty((size, size)), np.empty((size, size)), np.empty(size)
    block_sums(venues, first, start, start[:-1].copy(), other, expected, variance, bound)
    for row in range(start.size - 1):
        i, ready = first + row, False
        for k in range(start[row], start[row + 1]):
            if other[k] == i:
                expected[k], variance[k] = venues.self_mean[i], venues.self_variance[i]
            elif bound[k] > tolerance * variance[k]:
                if not ready:
                    mixing_matrix(venues.p[i], strata, scratch, matrix)
                    ready = True
                least = ROUNDING * variance[k]
                variance[k] += quadratic(venues.p[other[k]], matrix, line)
                if variance[k] <= least:
                    variance[k] = 0.0
            z[k] = standardise(observed[k], expected[k], variance[k])


@leaf
def standardise(observed, expected, variance):  # type: ignore[no-untyped-def]
    """Z of a count; zero where the count cannot vary, for there it is the expected one."""
    return (observed - expected) / np.sqrt(variance) if variance > 0 else 0.0


@njit(cache=True, nogil=True)
def _spread_rows(slots, first_row, start, other, row_z, first, last, line, place, z):  # type: ignore[no-untyped-def]
    """Copy z of a block of rows to the pairs of the papers first to last.

    Entries of a venue are in the order of papers, so those of the papers wanted
    are found by bisection; `place` is where each paper's next pair goes.
    """
    for row in range(start.size - 1):
        i = first_row + row
        begin, end = slots.venue_start[i], slots.venue_start[i + 1]
        papers = slots.paper_by_venue[begin:end]
        left, right = np.searchsorted(papers, first), np.searchsorted(papers, last)
        if left == right:
            continue
        for k in range(np.uintp(start[row]), np.uintp(start[row + 1])):
            line[np.uintp(other[k])] = row_z[k]
        _spread_row(slots, begin + left, begin + right, first, line, place, z)


@leaf
def _spread_row(slots, begin, end, first, line, place, z):  # type: ignore[no-untyped-def]
    """Copy z of one row, by venue in `line`, to the pairs of papers."""
    for k in range(np.uintp(begin), np.uintp(end)):
        soon = min(k + np.uintp(AHEAD), np.uintp(end - 1))
        prefetch(slots.venue, slots.by_venue[soon])
        prefetch(z, place[slots.paper_by_venue[soon] - first])
        paper, slot = slots.paper_by_venue[k], np.uintp(slots.by_venue[k] + 1)
        size = np.uintp(slots.paper_start[paper + 1]) - slot
        at = np.uintp(place[paper - first])
        for later in range(size):
            z[at + later] = line[np.uintp(slots.venue[slot + later])]
        place[paper - first] = at + size


@njit(cache=True, nogil=True)
def _quantiles(z, offset, quantile, tail, median):  # type: ignore[no-untyped-def]
    for paper in range(offset.size - 1):
        mine = z[offset[paper] : offset[paper + 1]]
        if mine.size > 0:
            median[paper] = _interpolated(mine, 0.5, mine.size)
            middle = np.int64(0.5 * (mine.size - 1))
            beside = np.int64(quantile * (mine.size - 1)) + 1
            tail[paper] = _interpolated(
                mine, quantile, middle + 1 if beside <= middle else mine.size
            )


@leaf
def _interpolated(values, quantile, size):  # type: ignore[no-untyped-def]
    """Quantile with linear interpolation, values reordered.

    Only the first `size` values are looked at; they must hold the smallest.
    """
    position = quantile * (values.size - 1)
    rank = np.int64(position)
    stop = _select(values, rank, size)
    low, share = values[rank], position - rank
    if share == 0 or rank + 1 >= values.size:
        return low
    high = values[rank + 1]
    for k in range(max(rank + 2, stop), size if rank + 1 >= stop else 0):
        high = min(high, values[k])
    return low + share * (high - low)


@leaf
def _select(values, rank, size):  # type: ignore[no-untyped-def]
    """Put the value of a rank in its place: none before it is larger, none after smaller.

    Gives where the values from the rank on cease to be in order; none after is smaller.
    """
    left, right = 0, size
    while right - left > FEW:
        pivot = _middle(values[left], values[(left + right) // 2], values[right - 1])
        smaller = _partition(values, left, right, pivot, True)
        if rank < smaller:
            right = smaller
        elif smaller > left:
            left = smaller
        else:
            left = _partition(values, left, right, pivot, False)
            if rank < left:
                return left
    _sort_part(values, left, right)
    return right


@leaf
def _middle(one, two, three):  # type: ignore[no-untyped-def]
    return max(min(one, two), min(max(one, two), three))


@leaf
def _partition(values, left, right, pivot, strict):  # type: ignore[no-untyped-def]
    """Put the values below the pivot first, or those not above it; gives where they end."""
    at = np.uintp(left)
    for k in range(np.uintp(left), np.uintp(right)):
        value = values[k]
        values[k] = values[at]
        values[at] = value
        at += np.uintp(value < pivot if strict else value <= pivot)
    return np.int64(at)


@leaf
def _sort_part(values, left, right):  # type: ignore[no-untyped-def]
    for a in range(left + 1, right):
        value, b = values[a], a
        while b > left and values[b - 1] > value:
            values[b] = values[b - 1]
            b -= 1
        values[b] = value
