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
from isthmus.stats import trend
from isthmus.stats.trends.theil_sen import theil_sen
from isthmus.study.sections import Poles

POLES = ("AA", "BB")
QUICK = Poles(
    null_models=("multiedge",),
    min_works=0,
    placebo_replays=2,
    n_init=2,
    n_resamples=1,
    dropped=2,
    choice_sample=30,
    choice_most=2,
    turn_works=1e9,
    bloc_windows=0,
)


@pytest.fixture(scope="module")
def edges():
    collaboration, citation, _ = world(strength=1.0, n=16, years=14)
    return collaboration, citation


@pytest.fixture(scope="module")
def tables(edges):
    return analyse(*edges, settings=QUICK, poles=POLES, seed=1)


def without_it(edges, country):
    """The analysis of edges among the other countries."""
    left = [
        table.filter(
            pc.and_(pc.not_equal(table["source"], country), pc.not_equal(table["target"], country))
        )
        for table in edges
    ]
    settings = replace(QUICK, dropped=0, placebo_replays=0)
    return analyse(*left, settings=settings, poles=POLES, seed=1)


def test_as_if_the_country_had_never_been(edges, tables):
    rows = tables["dropped"].filter(pc.equal(tables["dropped"]["what"], "poles")).to_pylist()
    without = {country: without_it(edges, country) for country in {row["country"] for row in rows}}
    for row in rows:
        found = without[row["country"]]
        layer = row["layer"]
        if row["null_model"] == "none":
            (pair,) = [
                pair
                for pair in found["archetypes"].to_pylist()
                if {pair["source"], pair["target"]} == set(POLES) and pair["null_model"] == "none"
            ]
            wanted = [pair[f"{what}_{layer}"] for what in ("slope", "slope_low", "slope_high")]
        else:
            path = yearly(found["links"].to_pylist(), row["null_model"], layer)
            one = trend(np.array([path]))
            wanted = [one.slope[0], one.low[0], one.high[0]]
        assert [row["slope"], row["low"], row["high"]] == pytest.approx(wanted, abs=1e-6)


def yearly(links, model, layer):
    """Log ratio between the poles by year, directions averaged."""
    series: dict[int, list[float]] = {}
    for link in links:
        pair = {link["source"], link["target"]} == set(POLES)
        if pair and link["layer"] == layer and link["null_model"] == model:
            series.setdefault(link["year"], []).append(link["log_ratio"])
    return [float(np.mean(series[year])) for year in sorted(series)]


def test_the_largest_are_dropped_and_poles_never(tables):
    rows = tables["dropped"].to_pylist()
    assert len(rows) == 2 * 2 * 2 * 2
    assert not {row["country"] for row in rows} & set(POLES)
    assert {row["what"] for row in rows} == {"poles", "polarisation"}
    assert all(row["low"] <= row["slope"] <= row["high"] for row in rows)


def test_centroids_are_named_as_their_clusters_and_lie_among_their_members(tables):
    for model in ("none", "multiedge"):
        rows = [row for row in tables["centroids"].to_pylist() if row["null_model"] == model]
        pairs = [row for row in tables["archetypes"].to_pylist() if row["null_model"] == model]
        years = {row["year"] for row in rows}
        clusters = {row["cluster"] for row in rows}
        assert len(rows) == len(years) * len(clusters) * 2
        for cluster in clusters:
            own = [row for row in rows if row["cluster"] == cluster]
            members = [row for row in pairs if row["cluster"] == cluster]
            assert {row["pairs"] for row in own} == {len(members)}
            sign = {}
            for layer in ("collaboration", "citation"):
                path = [row["value"] for row in own if row["layer"] == layer]
                change = theil_sen(np.array([path])).slope[0] * (len(path) - 1)
                sign[layer] = int(np.sign(change)) if abs(change) >= QUICK.centroid_change else 0
            assert {row["archetype"] for row in own} == {name_archetype(**sign)}
            assert {row["cluster_archetype"] for row in members} == {name_archetype(**sign)}
            assert all(row["low"] <= row["high"] for row in own if row["low"] is not None)
