"""Bins against R's documented results.

The break points and class numbers below were computed by R 4.2.2 (``pretty(range, n,
min.n = 1)``, ``nclass.*``); break points agree to the last bits of a multiplication,
1e-12 of a step.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import InputError
from isthmus.stats.matching import binning
from stats.r_reference import need_r, run_r

#: low, high, n -> first, last, number of break points
PRETTY = [
    ((0, 1, 1), (0, 1, 2)),
    ((0, 0, 5), (-1, 0, 2)),
    ((17, 55, 11), (15, 55, 9)),
    ((3, 16, 18), (3, 16, 14)),
    ((0, 39570.68, 48), (0, 40000, 41)),
    ((5, 5, 3), (0, 5, 2)),
    ((-9.216339244978113e-05, 80471.69305578637, 48), (-2000, 82000, 43)),
    ((100, 100, 1), (80, 100, 2)),
    ((-0.5, 0.5, 3), (-0.5, 0.5, 3)),
    ((1e-09, 3e-09, 7), (1e-09, 3.0000000000000004e-09, 5)),
]


@pytest.mark.parametrize(("given_range", "wanted"), PRETTY)
def test_pretty_agrees_with_r(given_range, wanted):
    breaks = binning.pretty(*given_range)
    assert (breaks[0], breaks[-1]) == pytest.approx(wanted[:2], rel=1e-12, abs=1e-12)
    assert breaks.size == wanted[2]


def test_pretty_and_classes_agree_with_r_on_many_ranges(tmp_path):
    need_r("stats")
    rng = np.random.default_rng(5)
    low = rng.normal(size=200) * 10.0 ** rng.integers(-4, 6, 200)
    high = low + np.abs(rng.normal(size=200)) * 10.0 ** rng.integers(-4, 6, 200)
    high[::10] = low[::10]
    n = rng.integers(1, 60, 200)
    samples = [
        np.round(rng.exponential(3, rng.integers(5, 300)) * rng.integers(0, 2)) for _ in range(20)
    ] + [rng.normal(size=rng.integers(5, 300)) * 10.0 ** rng.integers(-3, 4) for _ in range(20)]
    np.savetxt(tmp_path / "ranges.txt", np.column_stack([low, high, n]), fmt="%.17g")
    (tmp_path / "samples.txt").write_text(
        "\n".join(" ".join(repr(float(v)) for v in sample) for sample in samples) + "\n"
    )
    run_r(
        """
        ranges <- as.matrix(read.table("ranges.txt"))
        rows <- apply(ranges, 1, function(r)
          paste(sprintf("%.17g", pretty(r[1:2], n = r[3], min.n = 1)), collapse = " "))
        writeLines(rows, "pretty.txt")
        rows <- sapply(strsplit(readLines("samples.txt"), " "), function(x) {
          x <- as.numeric(x)
          paste(nclass.Sturges(x), nclass.scott(x), nclass.FD(x))
        })
        writeLines(rows, "classes.txt")
        """,
        tmp_path,
    )
    for row, line in enumerate((tmp_path / "pretty.txt").read_text().splitlines()):
        wanted = np.array(line.split(), dtype=float)
        found = binning.pretty(low[row], high[row], int(n[row]))
        assert found.size == wanted.size
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12 * np.ptp(wanted))
    for sample, line in zip(
        samples, (tmp_path / "classes.txt").read_text().splitlines(), strict=True
    ):
        found = [binning.number_of_classes(sample, rule) for rule in binning.RULES]
        assert found == [int(count) for count in line.split()]


@given(
    st.lists(st.floats(-50, 50) | st.integers(-5, 5).map(float), min_size=1, max_size=40),
    st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=8, unique=True),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_interval_codes_agree_with_looking_one_by_one(values, breaks, right):
    edges = np.sort(np.array(breaks))
    closed = binning.interval_codes(np.array(values), edges, right_closed=right)
    opened = binning.interval_codes(np.array(values), edges, right_closed=right, open_ends=True)
    for value, in_closed, in_open in zip(values, closed, opened, strict=True):
        passed = sum(edge < value if right else edge <= value for edge in edges)
        assert in_open == passed
        wanted = -1
        for k in range(edges.size - 1):
            low, high = edges[k], edges[k + 1]
            if right and (low < value <= high or (k == 0 and value == low)):
                wanted = k
            if not right and (low <= value < high or (k == edges.size - 2 and value == high)):
                wanted = k
        assert in_closed == wanted


def test_interval_codes_take_infinite_breaks_and_missing_values():
    breaks = np.array([-np.inf, 0, 10, np.inf])
    values = np.array([-1e300, -1, 0, 5, 10, 11, np.inf, np.nan])
    assert binning.interval_codes(values, breaks).tolist() == [0, 0, 0, 1, 1, 2, 2, -1]


def test_categories_are_numbered_in_their_own_order():
    values = np.array(["b", None, "a", "b", math.nan, "c"], dtype=object)
    assert binning.category_codes(values)[0].tolist() == [1, -1, 0, 1, -1, 2]
    codes, count = binning.category_codes(values, [["c", "a"]])
    assert codes.tolist() == [0, -1, 1, 0, -1, 1]
    assert count == 2


def test_categories_may_be_mixed_objects():
    values = np.array([(1, 2), "x", (1, 2), None, 3], dtype=object)
    codes, count = binning.category_codes(values)
    assert count == 3
    assert codes[0] == codes[2]
    assert codes[3] == -1


def test_break_points_must_be_numbers():
    with pytest.raises(InputError, match="'age'"):
        binning.as_breaks("age", [1, math.nan])
