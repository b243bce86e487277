"""The pole analysis on a real panel: joint works of all fields between countries, 1990-2023.

What is asserted is the sign of what `docs/two-poles.md` tells, on the largest countries
only, so that the test stays short.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isthmus.poles import analyse_edges
from isthmus.study.sections import Poles

EDGES = Path(__file__).parents[3] / "shared/data/world-coauthorship/edges_1990_2023.csv.gz"


@pytest.fixture(scope="module")
def tables():
    if not EDGES.exists():
        pytest.skip(f"the panel is not at {EDGES}")
    settings = Poles(
        min_works=30_000,
        placebo_replays=4,
        n_init=2,
        n_resamples=1,
        dropped=1,
        choice_most=2,
    )
    return analyse_edges(EDGES, settings=settings, seed=1)


@pytest.mark.shared_data
def test_the_file_is_one_undirected_layer(tables):
    counts = {row["reason"]: row["rows"] for row in tables["edges"].to_pylist()}
    assert counts["rows read"] == 538_297
    assert counts["country with itself"] == 7_735
    assert counts["directions differ, the larger kept"] == 6
    assert set(tables["links"]["layer"].to_pylist()) == {"collaboration"}
    assert all(row["converged"] in (True, None) for row in tables["links"].to_pylist())


def of_poles(tables, name, **where):
    return [
        row
        for row in tables[name].to_pylist()
        if all(row[column] == value for column, value in where.items())
    ]


@pytest.mark.shared_data
def test_the_affinity_of_the_poles_rises_to_2018_and_falls_since(tables):
    path = {r["year"]: r["value"] for r in of_poles(tables, "pole_years", null_model="none")}
    assert 2016 <= max(path, key=path.get) <= 2019
    assert path[2018] > path[2000] + 0.2
    assert path[2018] > path[2023] + 0.1


@pytest.mark.shared_data
def test_no_headline_says_only_that_the_poles_converge(tables):
    for what in ("poles_converge", "poles_diverge"):
        for row in of_poles(tables, "placebo", null_model="none", what=what):
            assert row["reason"] == "not one line"
            assert row["bend_p"] < 0.05
            assert not row["found"]
    (pair,) = of_poles(tables, "archetypes", null_model="none", source="CN", target="US")
    assert pair["trend_collaboration"] == "turned"


@pytest.mark.shared_data
def test_under_ecm_the_poles_fall_apart_with_the_placebo(tables):
    where = {"null_model": "ecm", "what": "poles_diverge", "quantity": "log_ratio"}
    for row in of_poles(tables, "placebo", **where):
        assert row["study"] > 0
        assert row["p"] > 0.05


@pytest.mark.shared_data
def test_every_year_between_the_poles_has_its_placebo(tables):
    rows = tables["pole_years"].to_pylist()
    assert len(rows) == 5 * 34
    assert all(np.isfinite(row["placebo_mean"]) for row in rows)
    assert {row["year"] for row in rows} == set(range(1990, 2024))
