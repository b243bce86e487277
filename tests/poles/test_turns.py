"""The table ``turns`` on a panel in which one tie between the poles turns."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from pole_worlds import table

from isthmus.poles.analysis import analyse
from isthmus.simulation.ties import tie_panel
from isthmus.study.sections import Poles

YEARS, AT = 24, 14
SETTINGS = Poles(
    null_models=("multiedge",),
    min_works=0,
    placebo_replays=38,
    n_init=1,
    n_resamples=0,
    dropped=0,
    choice_sample=10,
    choice_most=2,
)


def edges(turn):
    """Edges of nine countries; the tie of the first two turns, from 0.08 to -0.12 a year."""
    turns = {(0, 1): (AT, turn)} if turn else None
    slopes = {("US", "CN"): 0.08} if turn else {}
    world = tie_panel(9_000, YEARS, 5, n=9, slopes=slopes, turns=turns)
    rows = [
        (2000 + t, *sorted((world.countries[i], world.countries[j])), int(world.counts[t, i, j]))
        for t in range(YEARS)
        for i in range(9)
        for j in range(i)
    ]
    return table(rows, "works_whole")


@pytest.fixture(scope="module")
def turned():
    return analyse(edges(-0.2), None, settings=SETTINGS, seed=1)


def of_poles(tables, name):
    rows = [r for r in tables[name].to_pylist() if (r["source"], r["target"]) == ("CN", "US")]
    return [r for r in rows if r.get("null_model", "none") == "none"]


def test_the_tie_that_turns_is_dated_beside_its_placebo(turned):
    (row,) = of_poles(turned, "turns")
    assert row["turned"]
    assert row["year_low"] <= 2000 + AT <= row["year_high"]
    assert row["year_low"] <= row["year"] <= row["year_high"]
    assert row["slope_before_low"] < row["slope_before"] < row["slope_before_high"]
    assert row["slope_before"] == pytest.approx(0.08, abs=0.03)
    assert row["slope_after"] == pytest.approx(-0.12, abs=0.03)
    assert row["change_high"] < 0
    assert row["placebo"] == 1 / 20
    (archetype,) = of_poles(turned, "archetypes")
    assert archetype["trend_collaboration"] == "turned"
    assert archetype["turned_collaboration"] is True
    assert archetype["turned_citation"] is None


def test_ties_that_stay_have_a_row_without_a_year(turned):
    rows = [r for r in turned["turns"].to_pylist() if r["what"] == "tie" and not r["turned"]]
    assert len(rows) > 10
    assert all(r["year"] is None and r["placebo"] is None and r["turn"] == 1 for r in rows)
    asked = [r for r in turned["turns"].to_pylist() if r["what"] == "tie"]
    assert np.mean([r["turned"] for r in asked]) < 0.1
    keys = [(r["what"], r["source"], r["target"], r["turn"]) for r in turned["turns"].to_pylist()]
    assert len(keys) == len(set(keys))


def test_only_ties_with_enough_works_are_asked_but_the_poles_always():
    settings = replace(SETTINGS, placebo_replays=0, turn_works=1e9)
    tables = analyse(edges(0.0), None, settings=settings, seed=1)
    ties = [r for r in tables["turns"].to_pylist() if r["what"] == "tie"]
    assert [(r["source"], r["target"]) for r in ties] == [("CN", "US")]
    assert not ties[0]["turned"]
    other = replace(settings, quantity="z")
    assert not analyse(edges(0.0), None, settings=other, seed=1)["turns"].num_rows
