"""Dynamic time warping of many series at once, one series per lane.

The series are packed in blocks of `LANES`, the lane being the innermost axis, so
that the recursion of every series in a block runs in the same vector
instructions. Everything is in double precision and in a fixed order: the
numbers do not depend on the number of threads.

A series of length ``m`` is warped against a reference of length ``n``. With a
Sakoe-Chiba window ``w`` the path may visit the cells ``(i, j)`` with
``-w - max(0, m - n) <= j - i <= w + max(0, n - m)``: the band is widened by the
difference of the lengths, so that its corners are always inside. A negative
window stands for no window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Series in a block: wide enough to keep vector units busy, small enough that the
#: table of accumulated costs of two-decade series stays in the second-level cache.
LANES = 32


def pack(values: Floats, lengths: Ints, rows: Ints) -> tuple[Floats, Ints]:
    """Copy chosen series into blocks: (blocks, t, d, LANES) and lengths (blocks, LANES).

    Lanes left over in the last block have length zero.
    """
    n_blocks = -(-len(rows) // LANES)
    blocks = np.zeros((n_blocks, values.shape[1], values.shape[2], LANES))
    sizes = np.zeros((n_blocks, LANES), dtype=np.int64)
    _pack(values, lengths, rows, blocks, sizes)
    return blocks, sizes


def distances(
    blocks: Floats, sizes: Ints, references: Floats, ends: Ints, window: int, n: int
) -> Floats:
    """Squared DTW distances of the first `n` packed series to every reference.

    Parameters
    ----------
    blocks, sizes
        As :func:`pack` gives them.
    references : (k, t, d)
        Series to compare with.
    ends : (k,)
        Length of each reference.
    window : int
        Half-width of the band; negative for none.
    n : int
        Number of series in the blocks.

    Returns
    -------
    (n, k) array of squared distances.
    """
    out = np.empty((len(blocks) * LANES, len(references)))
    _distances(blocks, sizes, references, ends, window, out)
    return out[:n]


def alignment(
    blocks: Floats, sizes: Ints, reference: Floats, window: int
) -> tuple[Floats, Floats, float]:
    """Sum, for every point of a reference, the points of the series aligned with it.

    Returns
    -------
    sums : (t, d)
        Sum of aligned points.
    counts : (t,)
        Number of aligned points.
    cost : float
        Sum of the squared DTW distances of all series.
    """
    sums = np.zeros(reference.shape)
    counts = np.zeros(len(reference))
    cost = _alignment(blocks, sizes, reference, window, sums, counts)
    return sums, counts, float(cost)


@njit(cache=True, nogil=True)
def _pack(values: Any, lengths: Any, rows: Any, blocks: Any, sizes: Any) -> None:
    for position in range(len(rows)):
        row, block, lane = rows[position], position // LANES, position % LANES
        sizes[block, lane] = lengths[row]
        for i in range(lengths[row]):
            for dim in range(values.shape[2]):
                blocks[block, i, dim, lane] = values[row, i, dim]


@njit(cache=True, nogil=True)
def _fill(block: Any, reference: Any, first: int, last: int, row: int, costs: Any) -> None:
    """Fill one row of accumulated costs between two columns."""
    width = costs.shape[2]  # not the constant: the compiler would unroll, not vectorise
    for j in range(first, last):
        point = reference[j, 0]
        for lane in range(width):
            gap = block[row, 0, lane] - point
            before = min(costs[row, j, lane], costs[row, j + 1, lane])
            costs[row + 1, j + 1, lane] = min(before, costs[row + 1, j, lane]) + gap * gap
        for dim in range(1, block.shape[1]):
            point = reference[j, dim]
            for lane in range(width):
                gap = block[row, dim, lane] - point
                costs[row + 1, j + 1, lane] += gap * gap


@njit(cache=True, nogil=True)
def _mask(sizes: Any, end: int, window: int, row: int, costs: Any) -> None:
    """Close the cells of one row that lie outside each lane's own band."""
    for j in range(end):
        for lane in range(LANES):
            below = window + max(0, sizes[lane] - end)
            above = window + max(0, end - sizes[lane])
            if row - j > below or j - row > above:
                costs[row + 1, j + 1, lane] = np.inf


@njit(cache=True, nogil=True)
def _table(block: Any, sizes: Any, reference: Any, end: int, window: int, costs: Any) -> None:
    """Accumulated costs of a block against one reference, with a border of infinity."""
    costs[0, : end + 1] = np.inf
    costs[0, 0] = 0.0
    for i in range(sizes.max()):
        costs[i + 1, 0] = np.inf
        _fill(block, reference, 0, end, i, costs)
        if window >= 0:
            _mask(sizes, end, window, i, costs)


@njit(cache=True, nogil=True)
def _distances(blocks: Any, sizes: Any, references: Any, ends: Any, window: int, out: Any) -> None:
    costs = np.empty((blocks.shape[1] + 1, references.shape[1] + 1, LANES))
    for b in range(len(blocks)):
        for k in range(len(references)):
            _table(blocks[b], sizes[b], references[k], ends[k], window, costs)
            for lane in range(LANES):
                out[b * LANES + lane, k] = costs[sizes[b, lane], ends[k], lane]


@njit(cache=True, nogil=True)
def _alignment(
    blocks: Any, sizes: Any, reference: Any, window: int, sums: Any, counts: Any
) -> float:
    end = len(reference)
    costs = np.empty((blocks.shape[1] + 1, end + 1, LANES))
    total = 0.0
    for b in range(len(blocks)):
        _table(blocks[b], sizes[b], reference, end, window, costs)
        for lane in range(LANES):
            if sizes[b, lane] > 0:
                total += costs[sizes[b, lane], end, lane]
                _trace(blocks[b], sizes[b, lane], lane, costs, sums, counts)
    return total


@njit(cache=True, nogil=True)
def _trace(block: Any, size: int, lane: int, costs: Any, sums: Any, counts: Any) -> None:
    """Walk one series' best path backwards; ties prefer the diagonal, then the series."""
    i, j = size, len(counts)
    while i > 0 and j > 0:
        counts[j - 1] += 1.0
        for dim in range(block.shape[1]):
            sums[j - 1, dim] += block[i - 1, dim, lane]
        both, series = costs[i - 1, j - 1, lane], costs[i - 1, j, lane]
        other = costs[i, j - 1, lane]
        if both <= series and both <= other:
            i, j = i - 1, j - 1
        elif series <= other:
            i -= 1
        else:
            j -= 1
