"""Grouped in the engine, an experiment says what it says on the papers themselves.

Citations are whole numbers, so sums are exact and the two ways differ in the order of
adding weighted terms alone: 1e-9.
"""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.stats import cem
from teaming_worlds import teams_of
from tiny import random_works

#: What needs the papers one by one.
LEFT_OUT = {
    "log_mean_difference", "log_mean_p", "median_treated", "median_control", "hit_p",
    "carried_by_largest", "poisson_percent", "poisson_low", "poisson_high", "poisson_p",
    "poisson_separated", "poisson_reason",
    "rosenbaum_gamma",
}  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    works = random_works(11, n=900)
    folder = tmp_path_factory.mktemp("both")
    whole = teams_of(works, folder / "whole")
    grouped = teams_of(works, folder / "grouped", papers_in_memory=0)
    assert grouped.is_large("US")
    assert not whole.is_large("US")
    return whole.matched(), grouped.matched()


@pytest.mark.parametrize("name", ["matched", "balance", "matched_measures", "unmatched"])
def test_tables_are_those_of_the_papers(both, name):
    whole, grouped = (tables[name].to_pylist() for tables in both)
    assert len(whole) == len(grouped) > 10
    for one, other in zip(whole, grouped, strict=True):
        for column, value in one.items():
            if name == "matched_measures" and column in LEFT_OUT:
                assert other[column] is None
            elif isinstance(value, float):
                assert other[column] == pytest.approx(value, rel=1e-9, abs=1e-9), column
            else:
                assert other[column] == value, column


def test_a_count_stands_for_units():
    rng = np.random.default_rng(3)
    n = 2_000
    covariates = {"age": rng.integers(20, 40, n), "place": rng.integers(0, 30, n)}
    treated = rng.random(n) < 0.3
    units = np.column_stack([*covariates.values(), treated])
    rows, where, count = np.unique(units, axis=0, return_inverse=True, return_counts=True)
    assert count.max() > 1
    how = {"exact": ("place",), "cutpoints": {"age": "sturges"}}
    whole = cem(covariates, treated, **how)
    folded = cem({"age": rows[:, 0], "place": rows[:, 1]}, rows[:, 2], count=count, **how)
    np.testing.assert_allclose(folded.weight[where.ravel()], whole.weight, rtol=1e-12)
    assert folded.counts == whole.counts
    for name in ("l1_before", "l1_after", "common_support_before", "common_support_after"):
        assert getattr(folded, name) == pytest.approx(getattr(whole, name), rel=1e-12)
    for one, other in zip(folded.balance, whole.balance, strict=True):
        assert one.name == other.name
        ours = (one.before, one.after, one.variance_ratio_before, one.variance_ratio_after)
        theirs = (
            other.before,
            other.after,
            other.variance_ratio_before,
            other.variance_ratio_after,
        )
        assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12, nan_ok=True)


def test_counts_that_are_none_are_refused():
    with pytest.raises(InputError, match="at least 1"):
        cem({"a": [1, 2]}, [0, 1], count=[1, 0])
    with pytest.raises(InputError, match="k2k"):
        cem({"a": [1, 2]}, [0, 1], count=[1, 2], k2k=True)
    with pytest.raises(InputError, match="scott"):
        cem({"a": [1, 2]}, [0, 1], count=[1, 2], coarsening="scott")
