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

from isthmus.stats.venue_pairs_slots import Ints, Slots

Floats = npt.NDArray[np.float64]

#: A variance below this share of its positive part is rounding, and taken as zero.
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

    With `column` the factors ``u, alpha, gamma, bound`` side by side,
    ``E = p_i.u_j`` and ``V = s_i.alpha_j + p_i.gamma_j + q_i.beta_j`` + mixed terms,
    which are at most ``2 (bound_i.bound_j + crossed_i crossed_j)``.

    Attributes
    ----------
    start, at : ndarray of int64 and uintp, shapes (v + 1,) and (e,)
        The strata that cite venue ``i`` are ``at[start[i]:start[i + 1]]``.
    beta : ndarray of float64, shape (e,)
        ``w s`` in those strata; it is zero in the others.
    p, s, q, bound : ndarray of float64, shape (v, g)
        Share of the stratum that cites the venue; ``p (1 - p)``; ``p'C_gp``.
    column : ndarray of float64, shape (v, g, 4)
    crossed, self_mean, self_variance : ndarray of float64, shape (v,)
        The last two are the moments of the pair of a venue with itself.
    """

    start: Ints
    at: npt.NDArray[np.uintp]
    beta: Floats
    p: Floats
    s: Floats
    q: Floats
    bound: Floats
    column: Floats
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
    venue, at = np.nonzero(cited)
    start = np.searchsorted(venue, np.arange(slots.venues.size + 1))
    # Unsigned positions spare the innermost loops a test for negative ones.
    return Venues(start, at.astype(np.uintp), *_venue_terms(cited, start, at, strata))


@njit(cache=True, nogil=True)
def _cited(venue, stratum, n_venues, n_strata):  # type: ignore[no-untyped-def]
    cited = np.zeros((n_venues, n_strata))
    for k in range(venue.size):
        cited[venue[k], stratum[k]] += 1.0
    return cited


@njit(cache=True, nogil=True)
def _profiles(paper_start, stratum, n_strata):  # type: ignore[no-untyped-def]
    """Sums over papers of r_g, r_g r_h and r_g r_h r_k, the last with g <= h <= k."""
    first = np.zeros(n_strata, np.int64)
    second = np.zeros((n_strata, n_strata), np.int64)
    third = np.zeros((n_strata, n_strata, n_strata), np.int64)
    r = np.zeros(n_strata, np.int64)
    present = np.empty(n_strata, np.int64)
    for paper in range(paper_start.size - 1):
        k = 0
        for slot in range(paper_start[paper], paper_start[paper + 1]):
            g = stratum[slot]
            if r[g] == 0:
                present[k] = g
                k += 1
            r[g] += 1
        _sort_small(present, k)
        for a in range(k):
            g = present[a]
            first[g] += r[g]
            for b in range(a, k):
                h = present[b]
                product = r[g] * r[h]
                second[g, h] += product
                for c in range(b, k):
                    third[g, h, present[c]] += product * r[present[c]]
        for a in range(k):
            r[present[a]] = 0
    return first, second, third


@njit(cache=True, nogil=True)
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
            for k in range(size):
                spread[h, k, g] = _spread(first, second, third, others, g, h, k)
            if h != g and n[g] > 1 and n[h] > 1:
                joint[g, h] = _joint(n, others, third, g, h)
        if n[g] > 3:
            total, unscaled = float(others[g, g]), (n[g] - 2) / n[g]
            rows = spread[g, g, g] * unscaled * unscaled
            left = total - total * total / (n[g] * (n[g] - 1)) - 2 * rows / (n[g] - 2)
            within[g] = max(left, 0.0)
    return n, pairing, spread, joint, within


@njit(cache=True, nogil=True)
def _sorted_third(third, g, h, k):  # type: ignore[no-untyped-def]
    low, high = min(g, h, k), max(g, h, k)
    return third[low, g + h + k - low - high, high]


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _joint(n, others, third, g, h):  # type: ignore[no-untyped-def]
    total = float(others[g, h])
    rows = _sorted_third(third, g, h, h) / n[h] + _sorted_third(third, g, g, h) / n[g]
    centred = max(total - rows + total * total / (n[g] * n[h]), 0.0)
    return centred * n[g] * n[h] / ((n[g] - 1) * (n[h] - 1))


@njit(cache=True, nogil=True)
def _venue_terms(cited, start, at, strata):  # type: ignore[no-untyped-def]
    n_venues, size = cited.shape
    p, s = np.zeros((n_venues, size)), np.zeros((n_venues, size))
    q, bound = np.zeros((n_venues, size)), np.zeros((n_venues, size))
    column, beta = np.zeros((n_venues, size, 4)), np.zeros(at.size)
    crossed, self_mean, self_variance = np.zeros(n_venues), np.zeros(n_venues), np.zeros(n_venues)
    own = np.zeros(size)
    for i in range(n_venues):
        mine = at[start[i] : start[i + 1]]
        for g in mine:
            n = strata.n[g]
            p[i, g] = cited[i, g] / n
            s[i, g] = cited[i, g] * (n - cited[i, g]) / (n * n)
        _quadratic_forms(p[i], mine, strata.spread, q[i], own)
        for h in mine:
            for g in range(size):
                column[i, g, 0] += p[i, h] * strata.pairing[h, g]
                column[i, g, 1] += s[i, h] * strata.joint[h, g]
        self_mean[i], self_variance[i] = _self_pair(cited[i], mine, p[i], s[i], q[i], own, strata)
        crossed[i] = _factors(
            cited[i], mine, p[i], s[i], q[i], strata, beta[start[i] :], bound[i], column[i]
        )
    return beta, p, s, q, bound, column, crossed, self_mean, self_variance


@njit(cache=True, nogil=True)
def _quadratic_forms(p, mine, spread, q, own):  # type: ignore[no-untyped-def]
    """Fill ``q[g] = p'C_gp``, and ``own[g]``, row g of C_g p; p is zero outside `mine`."""
    for a in range(mine.size):
        h = mine[a]
        own[h] = 0.0
        for k in mine:
            own[h] += p[k] * spread[h, k, h]
        for b in range(a, mine.size):
            k = mine[b]
            weight = p[h] * p[k] if a == b else 2 * p[h] * p[k]
            for g in range(p.size):
                q[g] += weight * spread[h, k, g]


@njit(cache=True, nogil=True)
def _factors(cited, mine, p, s, q, strata, beta, bound, column):  # type: ignore[no-untyped-def]
    """Fill one venue's factors; `column` holds ``u`` and ``D s`` on entry."""
    for g in range(p.size):
        if strata.n[g] > 1:
            column[g, 1] += strata.n[g] / (strata.n[g] - 1) * q[g]
    crossed = 0.0
    for k in range(mine.size):
        g = mine[k]
        n, c = strata.n[g], cited[g]
        if n > 1:
            w = n / (n - 1)
            beta[k] = w * s[g]
            bound[g] = p[g] * np.sqrt(max(w * q[g], 0.0))
            column[g, 3] = bound[g]
        if n > 3 and strata.within[g] > 0:
            n2, d = n * (n - 1), c * (c - 1)
            n3 = n2 * (n - 2)
            once = strata.within[g] * (c / n2 - d / n3)
            twice = strata.within[g] * (2 * d / (n3 * (n - 3)) - c / n3)
            column[g, 1] -= n * n * twice
            column[g, 2] = n * once + n2 * twice
        for h in mine:
            crossed += strata.joint[g, h] * p[g] * p[g] * p[h] * p[h]
    return np.sqrt(0.5 * crossed)


@njit(cache=True, nogil=True)
def _self_pair(cited, mine, p, s, q, own, strata):  # type: ignore[no-untyped-def]
    """Mean and variance of the number of pairs of a venue with itself.

    ``own[g]`` is row g of C_g p.
    """
    mean, variance = 0.0, 0.0
    for g in mine:
        n, c = strata.n[g], cited[g]
        mean += 0.5 * strata.pairing[g, g] * p[g] * ((c - 1) / n)
        for h in mine:
            if h != g:
                mean += 0.5 * strata.pairing[g, h] * p[g] * p[h]
                variance += 0.5 * strata.joint[g, h] * s[g] * s[h]
        if n > 1:
            linear = q[g] - 2 * own[g] / n + strata.spread[g, g, g] / (n * n)
            variance += n / (n - 1) * s[g] * max(linear, 0.0)
        if n > 3:
            m2 = c * (c - 1) / (n * (n - 1))
            m3 = m2 * (c - 2) / (n - 2)
            m4 = m3 * (c - 3) / (n - 3)
            variance += 0.5 * strata.within[g] * (m2 - 2 * m3 + m4)
    return mean, variance


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


@njit(cache=True, nogil=True)
def row_sums(venues, i, other, expected, variance, bound):  # type: ignore[no-untyped-def]
    """Mean, variance without mixed terms and their bound, for i with each of `other`."""
    mine = venues.at[venues.start[i] : venues.start[i + 1]]
    p, s, limit = venues.p[i][mine], venues.s[i][mine], venues.bound[i][mine]
    q, column, crossed = venues.q[i], venues.column, venues.crossed
    start, at, beta = venues.start, venues.at, venues.beta
    for k in range(other.size):
        j = np.uintp(other[k])
        mean, a, b, c, d, most = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for t in range(mine.size):
            g = mine[t]
            mean += p[t] * column[j, g, 0]
            a += s[t] * column[j, g, 1]
            b += p[t] * column[j, g, 2]
            most += limit[t] * column[j, g, 3]
        stop = start[j + np.uintp(1)]
        last = stop - (stop - start[j]) % 2
        for t in range(start[j], last, 2):
            c += q[at[t]] * beta[t]
            d += q[at[t + 1]] * beta[t + 1]
        if last < stop:
            c += q[at[last]] * beta[last]
        expected[k], variance[k] = mean, a + b + (c + d)
        bound[k] = 2 * (most + crossed[i] * crossed[j])
