"""The table of linked pairs: every year by itself, listed from a number of joint works on."""

from __future__ import annotations

import numpy as np
import pytest
from pole_worlds import table

from isthmus.poles.linked_pairs import linked_pairs
from isthmus.stats import fit_null, link_test
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
    for row in found:
        both = years[row["year"]] + years[row["year"]].T
        dense = link_test(both, fit_null(both, "multiedge", directed=False))
        at = CODES.index(row["source"]), CODES.index(row["target"])
        assert row["observed"] == both[at]
        for name in ("z", "p_more", "q", "log_ratio", "log_ratio_low", "log_ratio_high"):
            assert row[name] == pytest.approx(getattr(dense, name)[at], rel=TOLERANCE, abs=1e-9)


def test_no_joint_work_is_an_empty_table() -> None:
    assert linked_pairs(table([], "works_whole"), Places()).num_rows == 0
