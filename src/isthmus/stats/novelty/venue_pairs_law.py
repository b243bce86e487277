r"""Exact mean and variance of co-citation counts when venues are permuted in strata.

The null of Uzzi et al. (2013), as pySciSci and novelpy sample it: within each
stratum (works of one year cited in one year) the venues are permuted over the
slots, which keeps every paper's number and age of references and every venue's
citations. With ``x`` and ``y`` the indicators of venues ``i`` and ``j`` and ``B``
joining distinct slots of the same paper, the count is :math:`O_{ij} = x'By` and
:math:`O_{ii} = x'Bx/2`. Writing ``x`` as its stratum mean plus a centred part and
splitting ``B`` into parts that permutations leave uncorrelated (constants, sums
over rows, doubly centred remainders) gives, with

* :math:`n_g` slots and :math:`c_{gi}` citations of venue ``i`` in stratum ``g``,
  :math:`p_{gi} = c_{gi}/n_g`, :math:`s_{gi} = p_{gi}(1 - p_{gi})`;
* :math:`r_{pg}` slots of paper ``p`` in stratum ``g``,
  :math:`A_{gh}` ordered pairs of distinct slots of a paper, one in each;
* :math:`\rho_a` the slots beside slot ``a`` in its paper, by stratum, those of its
  own stratum ``g`` times :math:`n_g/(n_g - 2)`, and
  :math:`C_g = \sum_{a \in g} (\rho_a - \bar\rho)(\rho_a - \bar\rho)'`;

for :math:`i \ne j`

.. math::

   E &= \sum_{gh} A_{gh} p_{gi} p_{hj} (n_g/(n_g - 1))^{[g = h]} \\
   V &= \sum_g \tfrac{n_g}{n_g - 1}\left[ s_{gi}\, p_j'C_gp_j + s_{gj}\, p_i'C_gp_i
        - 2 p_{gi} p_{gj}\, p_i'C_gp_j \right] \\
     &+ \sum_{g \ne h} D_{gh} [ s_{gi} s_{hj} + p_{gi} p_{gj} p_{hi} p_{hj} ]
      + \sum_g R_g \kappa_g

where :math:`D_{gh}` is the squared norm of the doubly centred block of ``B`` times
:math:`n_g n_h / ((n_g - 1)(n_h - 1))`, :math:`R_g` that of the block of ``g`` with
itself, off its diagonal, and

.. math::

   \kappa_g = \frac{c_i c_j}{n^{(2)}} - \frac{c_i c_j (c_i + c_j - 2)}{n^{(3)}}
   + \frac{2 c_i (c_i - 1) c_j (c_j - 1)}{n^{(4)}}, \quad n^{(k)} = n (n-1) \cdots (n-k+1).

Both are exact for any number of slots. Each is a short sum over strata of terms
prepared once per venue, except the two products that mix ``i`` and ``j`` inside
a stratum: those cost the square of the number of strata, and are left out where
a Cauchy-Schwarz bound shows them below a named share of the variance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from isthmus.stats.novelty.venue_pairs_lanes import LANES, STEP, leaf
from isthmus.stats.novelty.venue_pairs_slots import Ints, Slots

Floats = npt.NDArray[np.float64]

#: A part of a variance below this share of what it would be if nothing cancelled is rounding,
#: and taken as zero: sums of a few million terms keep 10 of 16 digits.
ROUNDING = 1e-10


class Strata(NamedTuple):
    """What the law needs to know about the strata of one year; g strata.

    Attributes
    ----------
    n : ndarray of float64, shape (g,)
        Slots in each stratum.
    pairing : ndarray of float64, shape (g, g)
        ``A``, its diagonal times ``n/(n - 1)``.
    spread : ndarray of float64, shape (g, g, g)
        ``C``, with the stratum of the slot last: ``spread[h, k, g]``.
    joint : ndarray of float64, shape (g, g)
        ``D``, zero on the diagonal.
    within : ndarray of float64, shape (g,)
        ``R``.
    """

    n: Floats
    pairing: Floats
    spread: Floats
    joint: Floats
    within: Floats


class Venues(NamedTuple):
    """Terms of the law prepared per venue, so that a pair is a few short sums.

    ``E = p_i.u_j`` and ``V = s_i.alpha_j + p_i.gamma_j + q_i.beta_j`` + mixed terms,
    which are at most ``2 (bound_i.bound_j + crossed_i crossed_j)``. `p` and what `weight`
    holds are zero where a stratum does not cite the venue.

    Attributes
    ----------
    start, at : ndarray of int64, shapes (v + 1,) and (e,)
        The strata that cite venue ``i`` are ``at[start[i]:start[i + 1]]``.
    weight : ndarray of float64, shape (e, 4)
        ``p, s, p, bound`` side by side in those strata: share of the stratum
        that cites the venue; ``p (1 - p)``.
    column : ndarray of float64, shape (v, g, 4)
        The factors ``u, alpha, gamma, bound`` side by side.
    p : ndarray of float64, shape (v, g)
    q, beta : ndarray of float64, shape (v, g and zeros to a multiple of eight)
        ``p'C_gp`` and ``w s``.
    crossed, self_mean, self_variance : ndarray of float64, shape (v,)
        The last two are the moments of the pair of a venue with itself.
    """

    start: Ints
    at: Ints
    weight: Floats
    column: Floats
    p: Floats
    q: Floats
    beta: Floats
    crossed: Floats
    self_mean: Floats
    self_variance: Floats


def strata_terms(slots: Slots) -> Strata:
    """Count how the references of papers spread over the strata.

    The counts are integers, so that the order of papers cannot change them.
    """
    first, second, third = _profiles(slots.paper_start, slots.stratum, slots.n_strata)
    return Strata(*_strata_terms(first, second, third))


def venue_terms(slots: Slots, strata: Strata) -> Venues:
    """Prepare every venue's side of the law."""
    cited = _cited(slots.venue, slots.stratum, slots.venues.size, slots.n_strata)
    venue, at = (np.ascontiguousarray(column) for column in np.nonzero(cited))
    start = np.searchsorted(venue, np.arange(slots.venues.size + 1))
    return Venues(start, at, *_venue_terms(cited, start, at, strata))


@njit(cache=True, nogil=True)
def _cited(venue, stratum, n_venues, n_strata):  # type: ignore[no-untyped-def]
    cited = np.zeros((n_venues, n_strata))
    for k in range(venue.size):
        cited[venue[k], stratum[k]] += 1.0
    return cited


@njit(cache=True, nogil=True)
def _profiles(paper_start, stratum, n_strata):  # type: ignore[no-untyped-def]
    """Sums over papers of r_g, r_g r_h and r_g r_h r_k, the last with g <= h <= k."""
    row, size = _triangle(n_strata)
    first = np.zeros(n_strata, np.int64)
    second = np.zeros((n_strata, n_strata), np.int64)
    third = np.zeros(size, np.int64)
    present, r = np.empty(n_strata, np.int64), np.zeros(n_strata, np.int64)
    for paper in range(paper_start.size - 1):
        k = 0
        for slot in range(paper_start[paper], paper_start[paper + 1]):
            g = np.uintp(stratum[slot])
            present[np.uintp(k)] = g
            k += r[g] == 0
            r[g] += 1
        _sort_small(present, k)
        for a in range(k):
            g = present[a]
            first[g] += r[g]
            _add_products(r, present, a, k, second, row, third)
        for g in present[:k]:
            r[g] = 0
    return first, second, _unpacked(third, row)


@leaf
def _add_products(r, present, a, size, second, row, third):  # type: ignore[no-untyped-def]
    """Add the products of one stratum of `present` with the pairs of it and those after it."""
    g = np.uintp(present[a])
    for b in range(np.uintp(a), np.uintp(size)):
        h = np.uintp(present[b])
        product_gh, base = r[g] * r[h], row[g, h]
        second[g, h] += product_gh
        for c in range(b, np.uintp(size)):
            k = present[c]
            third[np.uintp(base + k)] += product_gh * r[np.uintp(k)]


@njit(cache=True, nogil=True)
def _triangle(n):  # type: ignore[no-untyped-def]
    """Where ``g <= h <= k`` stands, less k, when only those are kept: a sixth, for the cache."""
    row, size = np.zeros((n, n), np.int64), 0
    for g in range(n):
        for h in range(g, n):
            row[g, h] = size - h
            size += n - h
    return row, size


@njit(cache=True, nogil=True)
def _unpacked(third, row):  # type: ignore[no-untyped-def]
    n = row.shape[0]
    out = np.zeros((n, n, n), np.int64)
    for g in range(n):
        for h in range(g, n):
            for k in range(h, n):
                out[g, h, k] = third[row[g, h] + k]
    return out


@leaf
def _sort_small(values, k):  # type: ignore[no-untyped-def]
    for a in range(1, k):
        value = values[a]
        b = a - 1
        while b >= 0 and values[b] > value:
            values[b + 1] = values[b]
            b -= 1
        values[b + 1] = value


@njit(cache=True, nogil=True)
def _strata_terms(first, second, third):  # type: ignore[no-untyped-def]
    size = first.size
    n = first.astype(np.float64)
    others = np.empty((size, size), np.int64)
    for g in range(size):
        for h in range(size):
            others[g, h] = second[min(g, h), max(g, h)]
        others[g, g] -= first[g]
    pairing = others.astype(np.float64)
    spread = np.empty((size, size, size))
    joint = np.zeros((size, size))
    within = np.zeros(size)
    for g in range(size):
        if n[g] > 1:
            pairing[g, g] *= n[g] / (n[g] - 1)
        for h in range(size):
            for k in range(h, size):
                spread[h, k, g] = _spread(first, second, third, others, g, h, k)
                spread[k, h, g] = spread[h, k, g]
            if h != g and n[g] > 1 and n[h] > 1:
                joint[g, h] = _joint(n, others, third, g, h)
        if n[g] > 3:
            total, unscaled = float(others[g, g]), (n[g] - 2) / n[g]
            rows = spread[g, g, g] * unscaled * unscaled
            left = total - total * total / (n[g] * (n[g] - 1)) - 2 * rows / (n[g] - 2)
            within[g] = left if left > ROUNDING * total else 0.0
    return n, pairing, spread, joint, within


@leaf
def _sorted_third(third, g, h, k):  # type: ignore[no-untyped-def]
    low, high = min(g, h, k), max(g, h, k)
    return third[low, g + h + k - low - high, high]


@leaf
def _spread(first, second, third, others, g, h, k):  # type: ignore[no-untyped-def]
    """Entry (h, k) of C_g: whole numbers until the last line."""
    raw = _sorted_third(third, g, h, k)
    if h == g:
        raw -= second[min(g, k), max(g, k)]
    if k == g:
        raw -= second[min(g, h), max(g, h)]
    if h == g and k == g:
        raw += first[g]
    n = first[g]
    centred = float(n * raw - others[g, h] * others[g, k]) / n
    for other in (h, k):
        if other == g:
            centred *= n / (n - 2) if n > 2 else 0.0
    return centred


@leaf
def _joint(n, others, third, g, h):  # type: ignore[no-untyped-def]
    total = float(others[g, h])
    rows = _sorted_third(third, g, h, h) / n[h] + _sorted_third(third, g, g, h) / n[g]
    square = total * total / (n[g] * n[h])
    centred = total - rows + square
    if centred < ROUNDING * (total + rows + square):
        return 0.0
    return centred * n[g] * n[h] / ((n[g] - 1) * (n[h] - 1))


@njit(cache=True, nogil=True)
def _venue_terms(cited, start, at, strata):  # type: ignore[no-untyped-def]
    n_venues, size = cited.shape
    width = -(-size // STEP) * STEP
    weight, column = np.empty((at.size, LANES)), np.zeros((n_venues, size, LANES))
    p, q, beta = (
        np.zeros((n_venues, size)),
        np.zeros((n_venues, width)),
        np.zeros((n_venues, width)),
    )
    crossed, self_mean, self_variance = np.zeros(n_venues), np.zeros(n_venues), np.zeros(n_venues)
    edge = _edge(strata.spread)
    s, sums = np.zeros(size), np.zeros((4, size))
    for i in range(n_venues):
        mine = at[start[i] : start[i + 1]]
        for g in mine:
            n = strata.n[g]
            p[i, g] = cited[i, g] / n
            s[g] = cited[i, g] * (n - cited[i, g]) / (n * n)
        _quadratic_forms(i, p, mine, strata.spread, q)
        _linear_forms(i, p, s, mine, strata.pairing, strata.joint, edge, sums)
        self_mean[i], self_variance[i] = _self_pair(cited[i], mine, p[i], s, q[i], sums, strata)
        rows = weight[start[i] : start[i + 1]]
        crossed[i] = _factors(cited[i], mine, p[i], s, q[i], sums, strata, beta[i], rows, column[i])
    return weight, column, p, q, beta, crossed, self_mean, self_variance


@njit(cache=True, nogil=True)
def _edge(spread):  # type: ignore[no-untyped-def]
    """``edge[k, g] = spread[g, k, g]``, so that row g of C_g p is ``p'edge``."""
    size = spread.shape[0]
    edge = np.empty((size, size))
    for k in range(size):
        for g in range(size):
            edge[k, g] = spread[g, k, g]
    return edge


@leaf
def _linear_forms(i, p, s, mine, pairing, joint, edge, sums):  # type: ignore[no-untyped-def]
    """Fill four sums for every stratum: ``A p``, ``D s``, ``D p^2`` and row g of C_g p."""
    for g in range(s.size):
        sums[0, g] = sums[1, g] = sums[2, g] = sums[3, g] = 0.0
    for h in mine:
        share = p[i, h]
        _add_row(sums, 0, share, pairing, h)
        _add_row(sums, 1, s[h], joint, h)
        _add_row(sums, 2, share * share, joint, h)
        _add_row(sums, 3, share, edge, h)


@leaf
def _add_row(sums, to, weight, table, row):  # type: ignore[no-untyped-def]
    for g in range(table.shape[1]):
        sums[to, g] += weight * table[row, g]


@leaf
def _quadratic_forms(i, p, mine, spread, q):  # type: ignore[no-untyped-def]
    """Fill ``q[i, g] = p'C_gp``; p is zero outside `mine`."""
    for a in range(mine.size):
        h = mine[a]
        for b in range(a, mine.size):
            k = mine[b]
            weight = p[i, h] * p[i, k] if a == b else 2 * p[i, h] * p[i, k]
            for g in range(p.shape[1]):
                q[i, g] += weight * spread[h, k, g]


@leaf
def _factors(cited, mine, p, s, q, sums, strata, beta, weight, column):  # type: ignore[no-untyped-def]
    """Fill one venue's factors."""
    for g in range(p.size):
        column[g, 0], column[g, 1] = sums[0, g], sums[1, g]
        if strata.n[g] > 1:
            column[g, 1] += strata.n[g] / (strata.n[g] - 1) * q[g]
    crossed = 0.0
    for k in range(mine.size):
        g = mine[k]
        n, c = strata.n[g], cited[g]
        if n > 1:
            w = n / (n - 1)
            beta[g] = w * s[g]
            column[g, 3] = p[g] * np.sqrt(max(w * q[g], 0.0))
        weight[k, 0], weight[k, 1], weight[k, 2], weight[k, 3] = p[g], s[g], p[g], column[g, 3]
        if n > 3 and strata.within[g] > 0:
            n2, d = n * (n - 1), c * (c - 1)
            n3 = n2 * (n - 2)
            once = strata.within[g] * (c / n2 - d / n3)
            twice = strata.within[g] * (2 * d / (n3 * (n - 3)) - c / n3)
            column[g, 1] -= n * n * twice
            column[g, 2] = n * once + n2 * twice
        crossed += sums[2, g] * p[g] * p[g]
    return np.sqrt(0.5 * crossed)


@leaf
def _uncancelled(p, mine, spread, g):  # type: ignore[no-untyped-def]
    """Bound of ``p'C_gp`` were all its terms positive: C is a covariance, so Cauchy-Schwarz."""
    root = 0.0
    for h in mine:
        root += p[h] * np.sqrt(max(spread[h, h, g], 0.0))
    return root * root


@leaf
def _self_pair(cited, mine, p, s, q, sums, strata):  # type: ignore[no-untyped-def]
    """Mean and variance of the number of pairs of a venue with itself."""
    mean, variance = 0.0, 0.0
    for g in mine:
        n, c = strata.n[g], cited[g]
        mean += 0.5 * p[g] * (sums[0, g] - strata.pairing[g, g] / n)
        variance += 0.5 * s[g] * sums[1, g]
        if n > 1:
            linear = q[g] - 2 * sums[3, g] / n + strata.spread[g, g, g] / (n * n)
            if linear > ROUNDING * _uncancelled(p, mine, strata.spread, g):
                variance += n / (n - 1) * s[g] * linear
        if n > 3:
            # c(2)/n(2) - 2 c(3)/n(3) + c(4)/n(4) with falling powers, in a form without minus.
            falling = c * (c - 1) * (n - c) * (n - c - 1)
            variance += 0.5 * strata.within[g] * falling / (n * (n - 1) * (n - 2) * (n - 3))
    return mean, variance
