"""Sums over pairs of nodes that the solvers of the null models need.

Every model gives the pair of a row node i and a column node j one law of the
exponential family, with natural parameters that add up over the two nodes. The
kernels below return, per node, the expected statistics and their (co)variances
summed over its partners, and the matrix that couples rows and columns: the
gradient and the Fisher information of the dual likelihood.

Nodes with equal constraints share their parameters and enter once, as a class
with a multiplicity. A class of m nodes has m(m - 1) ordered pairs with itself,
so a lone node never meets itself: only pairs that exist are evaluated.

Sources: Squartini and Garlaschelli (2011), New J. Phys. 13, 083001 (dual);
Mastrandrea et al. (2014), New J. Phys. 16, 043022 (mixed Bernoulli-geometric);
Sagarra et al. (2015), Phys. Rev. E 92, 052816 (multi-edge); Parisi et al.
(2020), New J. Phys. 22, 053053 (conditional exponential).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

#: What is known of a node's links before fitting.
FREE, SURE, NONE = 0, 1, 2

#: One-statistic laws: what theta_i + theta_j stands for.
POISSON, GEOMETRIC, BERNOULLI, EXPONENTIAL = 0, 1, 2, 3

#: Rank of nodes whose links are not settled by their degree.
LAST = np.iinfo(np.int64).max


@njit(cache=True, nogil=True, error_model="numpy")
def ties(i, j, multiplicity_r, multiplicity_c, loopless):  # type: ignore[no-untyped-def]
    """Count the node pairs between row class `i` and column class `j`."""
    count = multiplicity_r[i] * multiplicity_c[j]
    if loopless and i == j:
        count -= multiplicity_r[i]
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def settled(i, j, rank_r, kind_r, rank_c, kind_c):  # type: ignore[no-untyped-def]
    """Say whether the links between two classes are free, sure or absent."""
    if rank_r[i] < rank_c[j]:
        return kind_r[i]
    return kind_c[j]


@njit(cache=True, nogil=True, error_model="numpy")
def single_pair(law, theta, f, state):  # type: ignore[no-untyped-def]
    """Mean and variance of a pair's one statistic; theta = theta_i + theta_j."""
    if law == POISSON:
        mean = math.exp(theta)
        return mean, mean
    if law == GEOMETRIC:
        u = -math.expm1(theta)
        ratio = (1.0 - u) / u
        return ratio, ratio / u
    if law == EXPONENTIAL:
        mean = -f / theta
        return mean, -mean / theta
    if state == SURE:
        return 1.0, 0.0
    if state == NONE:
        return 0.0, 0.0
    p = 1.0 / (1.0 + math.exp(-theta))
    return p, p / (1.0 + math.exp(theta))


@njit(cache=True, nogil=True, error_model="numpy")
def single_sums(  # type: ignore[no-untyped-def]
    law, symmetric, loopless, theta_r, theta_c, m_r, m_c, rank_r, kind_r, rank_c, kind_c, f,
    coupling, out_r, out_c,
):  # fmt: skip
    """Fill sums of a one-statistic law over all pairs.

    `coupling` (n, m) gets the pairs' variances, `out_r` (2, n) and `out_c`
    (2, m) the mean and variance summed per node. `f` (n, m) holds the link
    probabilities of the exponential law and is not read by the others.
    """
    out_r[:] = 0.0
    out_c[:] = 0.0
    for i in range(theta_r.size):
        for j in range(i + 1 if symmetric else theta_c.size):
            count = ties(i, j, m_r, m_c, loopless)
            mean = var = 0.0
            if count > 0:
                known = f[i, j] if law == EXPONENTIAL else 1.0
                state = settled(i, j, rank_r, kind_r, rank_c, kind_c)
                if known > 0.0:
                    mean, var = single_pair(law, theta_r[i] + theta_c[j], known, state)
            coupling[i, j] = count * var
            out_r[0, i] += count * mean
            out_r[1, i] += count * var
            if symmetric:
                if i != j:
                    coupling[j, i] = count * var
                    out_r[0, j] += count * mean
                    out_r[1, j] += count * var
            else:
                out_c[0, j] += count * mean
                out_c[1, j] += count * var


@njit(cache=True, nogil=True, error_model="numpy")
def longest_step(  # type: ignore[no-untyped-def]
    symmetric, b_r, b_c, d_r, d_c, m_r, m_c, rank_r, kind_r, rank_c, kind_c, f, enough
):
    """Longest step along `d` that keeps b_i + b_j <= 0 for every pair that can link.

    Left out are self-pairs of lone nodes, pairs settled as absent, and pairs
    whose link probability in `f` (n, m; not read when its size is 1) is zero.
    Infinite, without looking at every pair, where a step of `enough` is safe by far.
    """
    if b_r.size == 0 or highest_pair(b_r + enough * d_r, b_c + enough * d_c, m_r) < 0.0:
        return np.inf
    longest = np.inf
    for i in range(b_r.size):
        for j in range(i + 1 if symmetric else b_c.size):
            rise = d_r[i] + d_c[j]
            if rise <= 0.0 or (i == j and m_r[i] == 1):
                continue
            if settled(i, j, rank_r, kind_r, rank_c, kind_c) == NONE:
                continue
            if f.size > 1 and f[i, j] == 0.0:
                continue
            longest = min(longest, -(b_r[i] + b_c[j]) / rise)
    return longest


@njit(cache=True, nogil=True)
def highest_pair(rows, columns, multiplicity):  # type: ignore[no-untyped-def]
    """Largest sum of a row's and a column's entry, lone nodes not with themselves."""
    highest = -np.inf
    top = best_two(rows)
    facing = best_two(columns)
    for i in top:
        for j in facing:
            if i != j or multiplicity[i] > 1:
                highest = max(highest, rows[i] + columns[j])
    return highest


@njit(cache=True, nogil=True)
def best_two(values):  # type: ignore[no-untyped-def]
    """Places of the two largest entries."""
    first = second = 0
    for i in range(values.size):
        if values[i] > values[first]:
            first, second = i, first
        elif second == first or values[i] > values[second]:
            second = i
    return first, second
