"""Sums over pairs for a link and the weight beyond one that it carries.

The law of the enhanced configuration model: P(w) = 1 - p for w = 0 and
p (1 - t) t^(w - 1) above, with t = exp(b_i + b_j) and odds against a link
(1 - p) / p = (1 - t) exp(-a_i - a_j). Its two statistics are the link (0 or 1) and
the excess, the weight beyond one. With r = t / (1 - t):

    E[link] = p                  Var(link) = p (1 - p)
    E[excess] = p r              Cov(link, excess) = p (1 - p) r
                                 Var(excess) = p r (1 / (1 - t) + r (1 - p))

Pairs are evaluated row by row in loops without branches, which compilers turn
into vector instructions; the few pairs that need care (settled links, nodes with
exp(b) above one, self-pairs) are put right between the loops.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from isthmus.stats.nulls.pairs import LAST, NONE, SURE

#: Rows of the moments of a row of pairs.
LINK, EXCESS, VAR_LINK, COVARIANCE, VAR_EXCESS = range(5)
#: Rows of the scratch space.
STOP, GO, AGAINST, COUNT = range(4)


# Reassociation lets the sum run in vector lanes. The order is fixed when compiling,
# so the same machine gives the same bytes, whatever the threads.
@njit(cache=True, nogil=True, fastmath={"reassoc"})
def total(values):  # type: ignore[no-untyped-def]
    """Sum of a vector."""
    found = 0.0
    for j in range(values.size):
        found += values[j]
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def stopping(i, b_r, b_c, u_c, y_c, hubs, stop, go):  # type: ignore[no-untyped-def]
    """Fill 1 - t and t for row i; u = 1 - exp(b), y = exp(b).

    1 - t = u_i + y_i u_j adds terms of one sign, which keeps all digits, unless
    one of the two nodes has exp(b) above one; those pairs take the exponential.
    """
    y, u = math.exp(b_r[i]), -math.expm1(b_r[i])
    for j in range(stop.size):
        go[j] = y * y_c[j]
    if b_r[i] > 0.0:
        for j in range(stop.size):
            stop[j] = -math.expm1(b_r[i] + b_c[j])
        return
    for j in range(stop.size):
        stop[j] = u + y * u_c[j]
    for j in hubs:
        stop[j] = -math.expm1(b_r[i] + b_c[j])


@njit(cache=True, nogil=True, error_model="numpy")
def put_right(i, j, state, scratch):  # type: ignore[no-untyped-def]
    """Overwrite what is known beforehand: sure links, pairs that never link."""
    if state == SURE:
        scratch[AGAINST, j] = 0.0
    elif state == NONE:
        scratch[STOP, j] = scratch[AGAINST, j] = 1.0
        scratch[GO, j] = scratch[COUNT, j] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def moments(scratch, out):  # type: ignore[no-untyped-def]
    """Fill the five moments (5, n) of a row of pairs, times the number of pairs."""
    stop, ratio, against, count = scratch[STOP], scratch[GO], scratch[AGAINST], scratch[COUNT]
    p, excess, var_link = out[LINK], out[EXCESS], out[VAR_LINK]
    covariance, var_excess = out[COVARIANCE], out[VAR_EXCESS]
    for j in range(stop.size):
        p[j] = 1.0 / (1.0 + against[j])
    for j in range(stop.size):
        stop[j] = 1.0 / stop[j]
    for j in range(stop.size):
        ratio[j] *= stop[j]
    for j in range(stop.size):
        against[j] *= p[j]
    for j in range(stop.size):
        p[j] *= count[j]
    for j in range(stop.size):
        excess[j] = p[j] * ratio[j]
    for j in range(stop.size):
        var_link[j] = p[j] * against[j]
    for j in range(stop.size):
        covariance[j] = var_link[j] * ratio[j]
    for j in range(stop.size):
        var_excess[j] = excess[j] * (stop[j] + ratio[j] * against[j])


@njit(cache=True, nogil=True, error_model="numpy")
def fill_row(  # type: ignore[no-untyped-def]
    i, a_r, b_r, b_c, w_c, u_c, y_c, hubs, early, size, rank_r, kind_r, rank_c, kind_c, scratch, out
):
    """Fill the five moments (5, n) of the pairs of row class `i`; w = exp(-a)."""
    stopping(i, b_r, b_c, u_c, y_c, hubs, scratch[STOP], scratch[GO])
    against, stop, count = scratch[AGAINST], scratch[STOP], scratch[COUNT]
    w = math.exp(-a_r[i])
    for j in range(size.size):
        against[j] = stop[j] * (w * w_c[j])
    for j in range(size.size):
        count[j] = size[i] * size[j]
    count[i] -= size[i]
    if rank_r[i] == LAST:
        for j in early:
            put_right(i, j, kind_c[j], scratch)
    else:
        for j in range(size.size):
            put_right(i, j, kind_r[i] if rank_r[i] < rank_c[j] else kind_c[j], scratch)
    if count[i] == 0:
        put_right(i, i, NONE, scratch)
    moments(scratch, out)


@njit(cache=True, nogil=True, error_model="numpy")
def mixed_sums(  # type: ignore[no-untyped-def]
    symmetric, a_r, b_r, a_c, b_c, size, rank_r, kind_r, rank_c, kind_c, coupling, out_r, out_c
):
    """Fill sums of the link-and-excess law over all pairs without self-pairs.

    `size` (n,) holds the nodes per class, as floats. `coupling` (2n, 2n) gets the
    pairs' covariances, statistic by statistic, or nothing when its size is 0;
    `out_r` and `out_c` (5, n) the five moments summed per row and per column
    class. With `symmetric` rows are columns, and `out_c` alone is filled.
    """
    n = size.size
    scratch, row = np.empty((4, n)), np.empty((5, n))
    w_c, u_c, y_c = np.exp(-a_c), -np.expm1(b_c), np.exp(b_c)
    hubs, early = np.flatnonzero(b_c > 0.0), np.flatnonzero(rank_c < LAST)
    out_c[:] = 0.0
    for i in range(n):
        fill_row(
            i, a_r, b_r, b_c, w_c, u_c, y_c, hubs, early, size,
            rank_r, kind_r, rank_c, kind_c, scratch, row,
        )  # fmt: skip
        for k in range(5):
            add(out_c[k], row[k])
        if coupling.size > 0:
            # Assigned one by one: the message on slices of unequal length that Numba makes
            # of `a[:n] = b` takes seconds to compile.
            for j in range(n):
                coupling[i, j] = row[VAR_LINK, j]
                coupling[i, n + j] = coupling[n + i, j] = row[COVARIANCE, j]
                coupling[n + i, n + j] = row[VAR_EXCESS, j]
        if not symmetric:
            for k in range(5):
                out_r[k, i] = total(row[k])


@njit(cache=True, nogil=True, error_model="numpy")
def mixed_moments(  # type: ignore[no-untyped-def]
    a_r, b_r, a_c, b_c, rank_r, kind_r, rank_c, kind_c, mean, variance
):
    """Fill mean and variance of the weight of a pair of every two classes, (n, n).

    A class counts for two nodes here, so that pairs within it exist; the division
    by the number of pairs, two or four, is exact.
    """
    n = b_c.size
    size = np.full(n, 2.0)
    scratch, row = np.empty((4, n)), np.empty((5, n))
    w_c, u_c, y_c = np.exp(-a_c), -np.expm1(b_c), np.exp(b_c)
    hubs, early = np.flatnonzero(b_c > 0.0), np.flatnonzero(rank_c < LAST)
    for i in range(n):
        fill_row(
            i, a_r, b_r, b_c, w_c, u_c, y_c, hubs, early, size,
            rank_r, kind_r, rank_c, kind_c, scratch, row,
        )  # fmt: skip
        for j in range(n):
            mean[i, j] = 0.25 * (row[LINK, j] + row[EXCESS, j])
            spread = row[VAR_LINK, j] + 2.0 * row[COVARIANCE, j] + row[VAR_EXCESS, j]
            variance[i, j] = 0.25 * spread
        mean[i, i] *= 2.0
        variance[i, i] *= 2.0


@njit(cache=True, nogil=True)
def add(to, values):  # type: ignore[no-untyped-def]
    """Add a vector to another in place."""
    for j in range(to.size):
        to[j] += values[j]


@njit(cache=True, nogil=True, error_model="numpy")
def mixed_product(  # type: ignore[no-untyped-def]
    symmetric, a_r, b_r, a_c, b_c, size, rank_r, kind_r, rank_c, kind_c, v_r, v_c, out_r, out_c
):
    """Fisher information times a vector, row by row, without storing the matrix.

    `v_r`, `v_c`, `out_r` and `out_c` are (2, n); the arguments before are those
    of `mixed_sums`, and with `symmetric` `out_c` alone is filled here too.
    """
    n = size.size
    scratch, row = np.empty((4, n)), np.empty((5, n))
    w_c, u_c, y_c = np.exp(-a_c), -np.expm1(b_c), np.exp(b_c)
    hubs, early = np.flatnonzero(b_c > 0.0), np.flatnonzero(rank_c < LAST)
    along, beyond = np.empty(n), np.empty(n)
    out_c[:] = 0.0
    for i in range(n):
        fill_row(
            i, a_r, b_r, b_c, w_c, u_c, y_c, hubs, early, size,
            rank_r, kind_r, rank_c, kind_c, scratch, row,
        )  # fmt: skip
        combine(row[VAR_LINK], row[COVARIANCE], v_r[:, i], v_c, along)
        combine(row[COVARIANCE], row[VAR_EXCESS], v_r[:, i], v_c, beyond)
        add(out_c[0], along)
        add(out_c[1], beyond)
        if not symmetric:
            out_r[0, i] = total(along)
            out_r[1, i] = total(beyond)


@njit(cache=True, nogil=True)
def combine(first, second, v, v_c, out):  # type: ignore[no-untyped-def]
    """Fill first (v_0 + v_c0) + second (v_1 + v_c1)."""
    link, excess = v_c[0], v_c[1]
    for j in range(out.size):
        out[j] = first[j] * (v[0] + link[j])
    for j in range(out.size):
        out[j] += second[j] * (v[1] + excess[j])


@njit(cache=True, nogil=True, error_model="numpy")
def missing(target, mean, room):  # type: ignore[no-untyped-def]
    """Target minus mean (d,), each statistic on a scale on which it is nearly linear.

    Log odds for links k of a class with `room` for k, and log(e / (e + k)) for its
    excess e. Where such a scale has no value the difference stands as it is.
    """
    n = room.size
    out, slope = target - mean, np.zeros(target.size)
    for link in range(target.size):
        side, i = divmod(link, n)
        if side % 2 == 1:
            continue
        excess = link + n
        k, e, more, beyond = mean[link], mean[excess], out[link], out[excess]
        odds = math.log1p(more / k) - math.log1p(-more / (room[i] - k))
        scale = k * (room[i] - k) / room[i]
        if math.isfinite(odds * scale):
            out[link], slope[link] = odds * scale, scale
        ratio = math.log1p(beyond / e) - math.log1p(beyond / (e + target[link]))
        scale = e * (e + target[link]) / target[link]
        if math.isfinite(ratio * scale):
            out[excess], slope[excess] = ratio * scale, scale
    if target.size == 4 * n:
        balance(out[:n], slope[:n], out[2 * n : 3 * n], slope[2 * n : 3 * n])
        balance(out[n : 2 * n], slope[n : 2 * n], out[3 * n :], slope[3 * n :])
    return out


@njit(cache=True, nogil=True)
def balance(rows, row_slope, columns, column_slope):  # type: ignore[no-untyped-def]
    """Make rows and columns ask for equal sums, in place.

    Every pair gives to both, so no step could bring unequal ones.
    """
    slope = total(row_slope) + total(column_slope)
    if slope > 0.0:
        surplus = (total(rows) - total(columns)) / slope
        for i in range(rows.size):
            rows[i] -= surplus * row_slope[i]
            columns[i] += surplus * column_slope[i]


@njit(cache=True, nogil=True)
def largest_error(target, mean, n):  # type: ignore[no-untyped-def]
    """Largest relative error over degrees and strengths; zeros must be met exactly."""
    worst = 0.0
    for link in range(target.size):
        if (link // n) % 2 == 1:
            continue
        k, s = target[link], target[link] + target[link + n]
        missed = abs(mean[link] - k) / (k if k > 0 else 1.0)
        missed = max(missed, abs(mean[link] + mean[link + n] - s) / (s if s > 0 else 1.0))
        if not math.isfinite(missed):
            return np.inf
        worst = max(worst, missed)
    return worst
