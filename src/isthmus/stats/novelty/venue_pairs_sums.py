"""Moments of many pairs of venues at once, from the terms of their law.

The law is that of `isthmus.stats.novelty.venue_pairs_law`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from isthmus.stats.novelty.venue_pairs_lanes import LANES, four_sums, leaf, product

#: Bytes of other venues' terms read again and again: half of a usual second-level cache.
IN_CACHE = 1 << 18

#: Pairs a row has, on average, with the other venues read together.
FEWEST = 4


@njit(cache=True, nogil=True)
def _spread_with(p, spread, out):  # type: ignore[no-untyped-def]
    """``out[k, g] = sum_h p[h] spread[h, k, g]``: row g of C_g p, for all g."""
    out[:] = 0.0
    size = p.size
    flat = out.reshape(size * size)
    for h in range(size):
        if p[h] > 0:
            block = spread[h].reshape(size * size)
            for k in range(size * size):
                flat[k] += p[h] * block[k]


@njit(cache=True, nogil=True)
def mixing_matrix(p, strata, scratch, out):  # type: ignore[no-untyped-def]
    """The matrix ``Q`` of venue i with mixed terms ``p_j' Q p_j`` for every venue j."""
    _spread_with(p, strata.spread, scratch)
    for g in range(p.size):
        w = strata.n[g] / (strata.n[g] - 1) if strata.n[g] > 1 else 0.0
        for k in range(p.size):
            out[g, k] = p[g] * (p[k] * strata.joint[g, k] - 2 * w * scratch[k, g])


@njit(cache=True, nogil=True)
def quadratic(p, matrix, scratch):  # type: ignore[no-untyped-def]
    """``p' matrix p``."""
    scratch[:] = 0.0
    for g in range(p.size):
        if p[g] > 0:
            for k in range(p.size):
                scratch[k] += p[g] * matrix[g, k]
    total = 0.0
    for k in range(p.size):
        total += p[k] * scratch[k]
    return total


@leaf
def block_sums(venues, first, start, place, other, expected, variance, bound):  # type: ignore[no-untyped-def]
    """Mean, variance without mixed terms and their bound of the pairs of a block of rows.

    The other venues are met a few at a time, in all rows, so that what is kept
    of them stays in the cache; but not so few that rows have none of them.
    `place` holds where each row starts, and is moved to where it ends.
    """
    n_venues, n_rows = venues.p.shape[0], place.size
    each = 8 * (LANES * venues.column.shape[1] + venues.beta.shape[1])
    step = max(IN_CACHE // each, FEWEST * n_rows * n_venues // max(other.size, 1), 1)
    for edge in range(first + step, n_venues + step, step):
        for row in range(n_rows):
            k = begin = place[row]
            while k < start[row + 1] and other[k] < edge:
                k += 1
            place[row] = k
            row_sums(venues, first + row, begin, k, other, expected, variance, bound)


@leaf
def row_sums(venues, i, begin, end, other, expected, variance, bound):  # type: ignore[no-untyped-def]
    """Mean, variance without mixed terms and their bound, for some pairs of venue i."""
    start, stop = venues.start[i], venues.start[i + 1]
    size, width, crossed = venues.p.shape[1], venues.q.shape[1], venues.crossed
    for k in range(begin, end):
        j = np.int64(other[k])
        mean, one, two, most = four_sums(
            venues.weight, venues.column, venues.at, start, stop, j * size
        )
        three = product(venues.q, venues.beta, i * width, j * width, width)
        expected[k], variance[k] = mean, one + two + three
        bound[k] = 2 * (most + crossed[i] * crossed[j])
