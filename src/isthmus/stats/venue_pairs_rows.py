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

from isthmus.stats.venue_pairs_law import (
    ROUNDING,
    Floats,
    Strata,
    Venues,
    mixing_matrix,
    quadratic,
    row_sums,
)
from isthmus.stats.venue_pairs_slots import Codes, Ints, Slots

#: Pairs of papers scored together: few enough for the cache, or twice the pairs that have to
#: be read again for every block of papers, so that reading stays the smaller part.
SCORED_AT_ONCE = 1 << 21


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
        start, other, observed = _count_rows(
            slots.paper_start,
            slots.venue,
            slots.venue_start,
            slots.by_venue,
            slots.paper_of_slot,
            first,
            last,
            most,
        )
        moments = _row_moments(first, start, other, observed, strata, venues, tolerance)
        yield Rows(first, start, other, observed, *moments)


def row_blocks(slots: Slots, budget: int) -> list[tuple[int, int, int]]:
    """First row, row after the last, and most pairs the block can hold."""
    per_pair = 4 + 8 + 3 * 8
    met = _pairs_met(slots.paper_start, slots.venue_start, slots.by_venue, slots.paper_of_slot)
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
        """Give first row, row starts, other venues and z of each block, in order."""
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
    most = min(budget // 8, max(SCORED_AT_ONCE, 2 * store.n_pairs))
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
def _pairs_met(paper_start, venue_start, by_venue, paper_of_slot):  # type: ignore[no-untyped-def]
    met = np.zeros(venue_start.size - 1, np.int64)
    for i in range(met.size):
        for k in range(venue_start[i], venue_start[i + 1]):
            met[i] += paper_start[paper_of_slot[by_venue[k]] + 1] - by_venue[k] - 1
    return met


@njit(cache=True, nogil=True)
def _count_rows(  # type: ignore[no-untyped-def]
    paper_start, venue, venue_start, by_venue, paper_of_slot, first, last, most
):
    """How often each pair occurs, for rows first to last; at most `most` pairs."""
    n_venues = venue_start.size - 1
    start = np.zeros(last - first + 1, np.int64)
    other, observed = np.empty(most, np.int32), np.empty(most, np.int64)
    count = np.zeros(n_venues, np.int64)
    seen = np.empty(n_venues, np.int32)
    at = 0
    for i in range(first, last):
        found = 0
        for k in range(venue_start[i], venue_start[i + 1]):
            slot = by_venue[k]
            for later in range(slot + 1, paper_start[paper_of_slot[slot] + 1]):
                j = venue[later]
                if count[j] == 0:
                    seen[found] = j
                    found += 1
                count[j] += 1
        if 8 * found > n_venues - i:
            found = 0
            for j in range(i, n_venues):
                if count[j] > 0:
                    seen[found] = j
                    found += 1
        else:
            seen[:found].sort()
        for k in range(found):
            other[at], observed[at] = seen[k], count[seen[k]]
            count[seen[k]] = 0
            at += 1
        start[i - first + 1] = at
    return start, other[:at].copy(), observed[:at].copy()


@njit(cache=True, nogil=True)
def _row_moments(first, start, other, observed, strata, venues, tolerance):  # type: ignore[no-untyped-def]
    """Mean, variance and z of the pairs of a block of rows."""
    expected, variance, bound = np.empty(other.size), np.empty(other.size), np.empty(other.size)
    size = strata.n.size
    matrix, scratch, line = np.empty((size, size)), np.empty((size, size)), np.empty(size)
    z = np.empty(other.size)
    for row in range(start.size - 1):
        i, ready = first + row, False
        mine = slice(start[row], start[row + 1])
        row_sums(venues, i, other[mine], expected[mine], variance[mine], bound[mine])
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
    return expected, variance, z


@njit(cache=True, nogil=True)
def standardise(observed, expected, variance):  # type: ignore[no-untyped-def]
    """Z of a count; zero where the count cannot vary, for there it is the expected one."""
    return (observed - expected) / np.sqrt(variance) if variance > 0 else 0.0


@njit(cache=True, nogil=True)
def _spread_rows(slots, first_row, start, other, row_z, first, last, line, place, z):  # type: ignore[no-untyped-def]
    """Copy z of a block of rows to the pairs of the papers first to last.

    Slots of a venue are in the order of papers, so those of the papers wanted
    are found by bisection; `place` is where each paper's next pair goes.
    """
    low, high = slots.paper_start[first], slots.paper_start[last]
    for row in range(start.size - 1):
        i = first_row + row
        mine = slots.by_venue[slots.venue_start[i] : slots.venue_start[i + 1]]
        left, right = np.searchsorted(mine, low), np.searchsorted(mine, high)
        if left == right:
            continue
        for k in range(start[row], start[row + 1]):
            line[other[k]] = row_z[k]
        for k in range(left, right):
            slot = mine[k]
            paper = slots.paper_of_slot[slot]
            at = place[paper - first]
            for later in range(slot + 1, slots.paper_start[paper + 1]):
                z[at] = line[slots.venue[later]]
                at += 1
            place[paper - first] = at


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


@njit(cache=True, nogil=True)
def _interpolated(values, quantile, size):  # type: ignore[no-untyped-def]
    """Quantile with linear interpolation, values reordered.

    Only the first `size` values are looked at; they must hold the smallest.
    """
    position = quantile * (values.size - 1)
    rank = np.int64(position)
    low = _select(values, rank, size)
    share = position - rank
    if share == 0 or rank + 1 >= values.size:
        return low
    high = values[rank + 1]
    for k in range(rank + 2, size):
        high = min(high, values[k])
    return low + share * (high - low)


@njit(cache=True, nogil=True)
def _select(values, rank, size):  # type: ignore[no-untyped-def]
    """Put the value of a rank in its place: none before it is larger, none after smaller."""
    left, right = 0, size
    while right - left > 1:
        one, two, three = values[left], values[(left + right) // 2], values[right - 1]
        pivot = max(min(one, two), min(max(one, two), three))
        equal = left
        for k in range(left, right):
            value = values[k]
            values[k] = values[equal]
            values[equal] = value
            equal += value < pivot
        if rank < equal:
            right = equal
            continue
        larger = equal
        for k in range(equal, right):
            value = values[k]
            values[k] = values[larger]
            values[larger] = value
            larger += value <= pivot
        if rank < larger:
            break
        left = larger
    return values[rank]
