"""The pole analysis on a real panel: joint works of all fields between countries, 1990-2019.

What is asserted is the sign of what `docs/two-poles.md` tells, on the largest countries
only, so that the test stays short.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isthmus.poles import analyse_edges
from isthmus.sections import Poles

EDGES = Path(__file__).parents[3] / "shared/data/world-coauthorship/edges_1990_2019.csv.gz"


@pytest.fixture(scope="module")
def tables():
    if not EDGES.exists():
        pytest.skip(f"the panel is not at {EDGES}")
    settings = Poles(
        min_works=20_000, placebo_replays=20, n_init=2, n_resamples=1, resamples=20, choice_most=2
    )
    return analyse_edges(EDGES, settings=settings, seed=1)


@pytest.mark.shared_data
def test_the_file_is_one_undirected_layer(tables):
    counts = {row["reason"]: row["rows"] for row in tables["edges"].to_pylist()}
    assert counts["rows read"] == 418_402
    assert counts["country with itself"] == 6_772
    assert counts["directions differ, the larger kept"] == 6
    assert set(tables["links"]["layer"].to_pylist()) == {"collaboration"}
    assert all(tables["links"]["converged"].to_pylist())


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("model", "what", "survives"),
    [("multiedge", "poles_converge", True), ("ecm", "poles_diverge", False)],
)
def test_the_poles_drift_as_the_null_model_says(tables, model, what, survives):
    (row,) = [
        row
        for row in tables["placebo"].to_pylist()
        if (row["null_model"], row["what"], row["quantity"]) == (model, what, "log_ratio")
    ]
    assert row["found"]
    assert row["survives"] is survives


@pytest.mark.shared_data
def test_every_year_between_the_poles_has_its_placebo(tables):
    rows = tables["pole_years"].to_pylist()
    assert len(rows) == 2 * 2 * 30
    assert all(np.isfinite(row["placebo_mean"]) for row in rows)
    assert {row["year"] for row in rows} == set(range(1990, 2020))
