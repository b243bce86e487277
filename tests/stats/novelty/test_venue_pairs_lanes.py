"""Sums side by side, codes of narrow and wide spans, and order statistics, against numpy.

Sums of at most 40 products of numbers below one agree to 1e-14: numpy adds in
another order, which moves a sum by a few units of its last place. Codes and order
statistics are exact.
"""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from isthmus.stats.novelty.venue_pairs_lanes import four_sums, product
from isthmus.stats.novelty.venue_pairs_law import strata_terms, venue_terms
from isthmus.stats.novelty.venue_pairs_rows import _select, pair_rows
from isthmus.stats.novelty.venue_pairs_slots import factorise, lay_out
from isthmus.stats.novelty.venue_pairs_sums import block_sums, row_sums


@njit
def summed(weight, table, at, first):  # type: ignore[no-untyped-def]
    out = np.empty((at.size + 1, at.size + 1, 4))
    for start in range(at.size + 1):
        for stop in range(start, at.size + 1):
            lanes = four_sums(weight, table, at, start, stop, first)
            for lane in range(4):
                out[start, stop, lane] = lanes[lane]
    return out


@njit
def multiplied(one, two, first, second, size):  # type: ignore[no-untyped-def]
    return product(one, two, first, second, size)


@njit
def both_ways(venues, start, other):  # type: ignore[no-untyped-def]
    parts, rows = np.zeros((3, other.size)), np.zeros((3, other.size))
    place = start[:-1].copy()
    block_sums(venues, 0, start, place, other, parts[0], parts[1], parts[2])
    for i in range(start.size - 1):
        row_sums(venues, i, start[i], start[i + 1], other, rows[0], rows[1], rows[2])
    return parts, rows, place


@njit
def selected(values, rank):  # type: ignore[no-untyped-def]
    return _select(values, rank, values.size)


def test_four_sums_of_every_length() -> None:
    rng = np.random.default_rng(1)
    weight, table, at = rng.random((11, 4)), rng.random((3, 6, 4)), rng.integers(0, 6, 11)
    found = summed(weight, table, at, 6)
    for start in range(12):
        for stop in range(start, 12):
            some = slice(start, stop)
            want = (weight[some] * table[1][at[some]]).sum(axis=0)
            np.testing.assert_allclose(found[start, stop], want, rtol=0, atol=1e-14)


@pytest.mark.parametrize("size", [0, 8, 16, 40])
def test_product(size: int) -> None:
    rng = np.random.default_rng(2)
    one, two = rng.random((2, 48)), rng.random((2, 48))
    want = one[1, :size] @ two[0, 8 : 8 + size]
    assert multiplied(one, two, 48, 8, size) == pytest.approx(want, abs=1e-14)


def test_arrays_with_gaps_are_refused() -> None:
    with pytest.raises(TypingError, match="no gaps"):
        multiplied(np.ones((2, 32))[:, ::2], np.ones((2, 16)), 0, 0, 8)


@pytest.mark.parametrize("span", [1, 5, 1_999, 2_001, 10**6, 2**62])
@pytest.mark.parametrize("low", [-(2**61), -3, 0, 10**12])
def test_factorise_is_unique_whatever_the_span(span: int, low: int) -> None:
    values = low + np.random.default_rng(3).integers(0, span, 1_000, endpoint=True)
    distinct, codes = factorise(values)
    want, inverse = np.unique(values, return_inverse=True)
    np.testing.assert_array_equal(distinct, want)
    np.testing.assert_array_equal(codes, inverse)


@pytest.mark.parametrize("kinds", [1, 2, 7, 1_000])
@pytest.mark.parametrize("size", [1, 2, 12, 13, 40, 301])
def test_select_puts_a_rank_in_its_place(kinds: int, size: int) -> None:
    rng = np.random.default_rng(size)
    for rank in range(size):
        values = rng.integers(0, kinds, size).astype(float)
        want = np.sort(values)
        stop = selected(values, rank)
        assert values[rank] == want[rank]
        assert values[:rank].max(initial=-1) <= values[rank] <= values[rank:].min()
        np.testing.assert_array_equal(values[rank:stop], want[rank:stop])
        np.testing.assert_array_equal(np.sort(values), want)


def test_parts_of_rows_meet_every_pair_once() -> None:
    rng = np.random.default_rng(4)
    paper = np.repeat(np.arange(600), 12)
    slots = lay_out(paper, rng.integers(0, 700, paper.size), rng.integers(1960, 2010, paper.size))
    strata = strata_terms(slots)
    venues = venue_terms(slots, strata)
    (rows,) = pair_rows(slots, strata, venues, 1e-3, 1 << 30)
    parts, whole, place = both_ways(venues, rows.start, rows.other)
    np.testing.assert_array_equal(parts, whole)
    np.testing.assert_array_equal(place, rows.start[1:])
    assert np.all(parts[0] > 0)
