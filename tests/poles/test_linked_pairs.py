"""The table of linked pairs: every year by itself, listed from a number of joint works on."""

from __future__ import annotations

import numpy as np
import pytest
from pole_worlds import table

from isthmus.poles.linked_pairs import linked_pairs
from isthmus.stats import affinity, fit_null, link_test
from isthmus.study import Places

CODES = ["I1", "I2", "I3", "I4", "I5", "I6"]
#: The dense means solve the same equations by Newton's steps, to 1e-9 of each strength.
TOLERANCE = 1e-6


def test_years_are_tested_apart_and_small_pairs_count_but_are_not_listed() -> None:
    random = np.random.default_rng(1)
    rows, years = [], {}
    for year in (2001, 2002):
        weights = np.triu(random.poisson(3, (6, 6)), 1).astype(np.float64)
        years[year] = weights
        ends = zip(*np.nonzero(weights), strict=True)
        rows += [(year, CODES[i], CODES[j], int(weights[i, j])) for i, j in ends]
    random.shuffle(rows)
    found = linked_pairs(table(rows, "works_whole"), Places(pair_works=3)).to_pylist()
    assert {(r["year"], r["source"], r["target"]) for r in found} == {
        (year, a, b) for year, a, b, n in rows if n >= 3
    }
    assert len(found) < len(rows)
    affinities = affinity(np.array([w + w.T for w in years.values()]), directed=False)
    for row in found:
        both = years[row["year"]] + years[row["year"]].T
        dense = link_test(both, fit_null(both, "multiedge", directed=False))
        at = CODES.index(row["source"]), CODES.index(row["target"])
        assert row["observed"] == both[at]
        for name, of_panel in (("affinity", "value"), ("affinity_low", "low")):
            value = getattr(affinities, of_panel)[row["year"] - 2001][at]
            assert row[name] == pytest.approx(value, abs=TOLERANCE)
        for name in ("z", "p_more", "q", "log_ratio", "log_ratio_low", "log_ratio_high"):
            assert row[name] == pytest.approx(getattr(dense, name)[at], rel=TOLERANCE, abs=1e-9)


def test_no_joint_work_is_an_empty_table() -> None:
    assert linked_pairs(table([], "works_whole"), Places()).num_rows == 0


def test_a_place_without_works_with_the_largest_has_no_affinity() -> None:
    random = np.random.default_rng(2)
    codes = [f"I{number}" for number in range(302)]
    works = random.poisson(0.05, (300, 300)) + 9 * np.eye(300, k=1, dtype=int)
    rows = [
        (2001, codes[i], codes[j], int(works[i, j]))
        for i, j in zip(*np.nonzero(np.triu(works, 1)), strict=True)
    ]
    rows.append((2001, "I300", "I301", 4))
    found = linked_pairs(table(rows, "works_whole"), Places(pair_works=3)).to_pylist()
    alone = [row for row in found if row["source"] == "I300"]
    assert [(row["observed"], row["affinity"], row["affinity_high"]) for row in alone] == [
        (4, None, None)
    ]
    assert all(row["affinity_low"] < row["affinity"] for row in found if row not in alone)
