"""The permutation null sampled: the reference the exact law is checked against.

Each draw permutes the venues within every stratum (Fisher-Yates) and counts the
pairs that were observed. It shares no formula with the law.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from isthmus.stats.novelty.venue_pairs_law import Floats
from isthmus.stats.novelty.venue_pairs_rows import Rows
from isthmus.stats.novelty.venue_pairs_slots import Slots


class Sampled(NamedTuple):
    """Moments of sampled counts, one entry per pair of the rows given.

    Attributes
    ----------
    expected, variance : ndarray of float64, shape (k,)
        Mean and unbiased variance over the draws.
    expected_error, variance_error : ndarray of float64, shape (k,)
        Their Monte-Carlo standard errors; the second from the fourth moment.
    """

    expected: Floats
    variance: Floats
    expected_error: Floats
    variance_error: Floats


def sample_pairs(slots: Slots, rows: Rows, draws: int, rng: np.random.Generator) -> Sampled:
    """Sample the counts of the pairs in `rows`, which must hold all rows of the year."""
    sums = _sample(
        slots.paper_start,
        slots.venue,
        slots.stratum,
        slots.n_strata,
        rows.start,
        rows.other,
        rows.observed,
        draws,
        rng,
    )
    about = sums / draws
    m1 = about[0]
    m2 = about[1] - m1**2
    m4 = about[3] - 4 * m1 * about[2] + 6 * m1**2 * about[1] - 3 * m1**4
    variance = np.maximum(m2, 0.0) * draws / (draws - 1)
    return Sampled(
        rows.observed + m1,
        variance,
        np.sqrt(variance / draws),
        np.sqrt(np.maximum(m4 - m2**2, 0.0) / draws),
    )


@njit(cache=True, nogil=True)
def _sample(paper_start, venue, stratum, n_strata, start, other, observed, draws, rng):  # type: ignore[no-untyped-def]
    """Power sums 1 to 4 over draws of the count's difference from the observed one."""
    n_venues = start.size - 1
    table_slot, table_pair, mask = _pair_table(start, other, n_venues)
    by_stratum, edges = _by_stratum(stratum, n_strata)
    held, drawn = venue[by_stratum], np.empty_like(venue)
    count = np.zeros(other.size, np.int64)
    sums = np.zeros((4, other.size))
    for _ in range(draws):
        _permute(held, edges, rng)
        for k in range(held.size):
            drawn[by_stratum[k]] = held[k]
        for paper in range(paper_start.size - 1):
            for a in range(paper_start[paper], paper_start[paper + 1]):
                for b in range(a + 1, paper_start[paper + 1]):
                    low, high = min(drawn[a], drawn[b]), max(drawn[a], drawn[b])
                    key = np.int64(low) * n_venues + high
                    at = _find(table_slot, key, mask)
                    if table_slot[at] == key:
                        count[table_pair[at]] += 1
        for k in range(count.size):
            difference = float(count[k] - observed[k])
            square = difference * difference
            sums[0, k] += difference
            sums[1, k] += square
            sums[2, k] += square * difference
            sums[3, k] += square * square
            count[k] = 0
    return sums


@njit(cache=True, nogil=True)
def _pair_table(start, other, n_venues):  # type: ignore[no-untyped-def]
    capacity = 16
    while capacity < 3 * other.size:
        capacity *= 2
    slot, pair = np.full(capacity, -1, np.int64), np.empty(capacity, np.int32)
    for i in range(n_venues):
        for k in range(start[i], start[i + 1]):
            key = np.int64(i) * n_venues + other[k]
            at = _find(slot, key, capacity - 1)
            slot[at], pair[at] = key, k
    return slot, pair, capacity - 1


@njit(cache=True, nogil=True)
def _find(slot, key, mask):  # type: ignore[no-untyped-def]
    at = (key * 0x2545F4914F6CDD1D >> 20) & mask
    while slot[at] >= 0 and slot[at] != key:
        at = (at + 1) & mask
    return at


@njit(cache=True, nogil=True)
def _by_stratum(stratum, n_strata):  # type: ignore[no-untyped-def]
    edges = np.zeros(n_strata + 1, np.int64)
    for g in stratum:
        edges[g + 1] += 1
    edges = np.cumsum(edges)
    return np.argsort(stratum, kind="mergesort"), edges


@njit(cache=True, nogil=True)
def _permute(held, edges, rng):  # type: ignore[no-untyped-def]
    for g in range(edges.size - 1):
        for k in range(edges[g + 1] - 1, edges[g], -1):
            other = edges[g] + np.int64(rng.random() * (k + 1 - edges[g]))
            held[k], held[other] = held[other], held[k]
