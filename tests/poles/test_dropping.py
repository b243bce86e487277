"""Trends without a country are those of an analysis that never saw it.

The tolerance of 1e-6 is that of proportional fitting (1e-9 of the sizes) against the exact fit.
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest
from msgspec.structs import replace
from pole_worlds import world

from isthmus.poles.analysis import analyse
from isthmus.poles.archetypes import name_archetype
from isthmus.sections import Poles
from isthmus.stats.trends import theil_sen

POLES = ("AA", "BB")
QUICK = Poles(
    null_models=("multiedge",),
    min_works=0,
    placebo_replays=2,
    n_init=2,
    n_resamples=1,
    resamples=0,
    dropped=3,
    choice_sample=30,
    choice_most=2,
)


@pytest.fixture(scope="module")
def edges():
    collaboration, citation, _ = world(strength=1.0)
    return collaboration, citation


@pytest.fixture(scope="module")
def tables(edges):
    return analyse(*edges, settings=QUICK, poles=POLES, seed=1)


def test_as_if_the_country_had_never_been(edges, tables):
    for row in tables["dropped"].filter(pc.equal(tables["dropped"]["what"], "poles")).to_pylist():
        left = [
            table.filter(
                pc.and_(
                    pc.not_equal(table["source"], row["country"]),
                    pc.not_equal(table["target"], row["country"]),
                )
            )
            for table in edges
        ]
        links = analyse(*left, settings=replace(QUICK, dropped=0), poles=POLES, seed=1)["links"]
        series: dict[int, list[float]] = {}
        for link in links.to_pylist():
            if link["layer"] == row["layer"] and {link["source"], link["target"]} == set(POLES):
                series.setdefault(link["year"], []).append(link["log_ratio"])
        path = [float(np.mean(series[year])) for year in sorted(series)]
        wanted = theil_sen(np.array([path]))
        assert row["slope"] == pytest.approx(wanted.slope[0], abs=1e-6)
        assert row["low"] == pytest.approx(wanted.low[0], abs=1e-6)


def test_the_largest_are_dropped_and_poles_never(tables):
    rows = tables["dropped"].to_pylist()
    assert len(rows) == 3 * 2 * 2
    assert not {row["country"] for row in rows} & set(POLES)
    assert {row["what"] for row in rows} == {"poles", "polarisation"}
    assert all(row["low"] <= row["slope"] <= row["high"] for row in rows)


def test_centroids_are_named_as_the_archetypes_and_lie_among_their_members(tables):
    rows = tables["centroids"].to_pylist()
    years = {row["year"] for row in rows}
    clusters = {row["cluster"] for row in rows}
    assert len(rows) == len(years) * len(clusters) * 2
    counted = tables["archetypes"].group_by("cluster").aggregate([("source", "count")])
    size = {row["cluster"]: row["source_count"] for row in counted.to_pylist()}
    for cluster in clusters:
        own = [row for row in rows if row["cluster"] == cluster]
        assert {row["pairs"] for row in own} == {size[cluster]}
        sign = {}
        for layer in ("collaboration", "citation"):
            path = [row["value"] for row in own if row["layer"] == layer]
            change = theil_sen(np.array([path])).slope[0] * (len(path) - 1)
            sign[layer] = int(np.sign(change)) if abs(change) >= QUICK.centroid_change else 0
        assert {row["archetype"] for row in own} == {name_archetype(**sign)}
        assert all(row["low"] <= row["high"] for row in own if row["low"] is not None)
