"""Moves as arrays: those who could return against a plain recount of histories."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from isthmus.mobility.move_panels import could_return, move_panel
from mobility_worlds import FIELD, YEARS, Truth, movers_of, rows
from recount_mobility import Rules


def test_those_who_could_return_are_abroad_and_have_been_there(tmp_path: Path) -> None:
    truth = Truth(tmp_path / "truth", 1)
    movers = movers_of(truth.corpus, tmp_path / "run", field=FIELD)
    wanted: Counter[tuple[int, str, str]] = Counter()
    for years in truth.histories(Rules()).values():
        observed = sorted(years)
        for last, year in pairwise(observed):
            here = years[last]
            been = {years[y] for y in observed if y < last} - {here, None}
            if here is not None and YEARS[0] <= year <= YEARS[1]:
                wanted.update((year, here, home) for home in been)
    found = {
        (r["year"], r["origin"], r["destination"]): r["at_risk"]
        for r in rows(movers, could_return(movers.history, YEARS))
    }
    assert wanted
    assert found == wanted
    flows = movers.tables.engine.collect(movers.flows())
    risk = movers.tables.engine.collect(could_return(movers.history, YEARS))
    panel = move_panel(flows, risk, YEARS)
    assert panel.moves.sum() == sum(flows["scientists"].to_pylist())
    assert panel.returns.sum() == sum(flows["returning"].to_pylist()) > 0
    assert (panel.at_risk >= panel.returns).all()
    listed = panel.countries
    for (year, here, home), count in wanted.items():
        if {here, home} <= set(listed):
            at = year - YEARS[0], listed.index(here), listed.index(home)
            assert panel.at_risk[at] == max(count, panel.returns[at])


def test_moves_of_other_years_are_left_out() -> None:
    flows = pa.table(
        {
            "year": [1999, 2001],
            "origin": ["US", "US"],
            "destination": ["CN", "CN"],
            "scientists": [5, 3],
            "returning": [1, 2],
        }
    )
    risk = pa.table({"year": [2001], "origin": ["US"], "destination": ["CN"], "at_risk": [1]})
    panel = move_panel(flows, risk, (2000, 2002))
    assert panel.countries == ("CN", "US")
    np.testing.assert_array_equal(panel.moves[:, 1, 0], [0, 3, 0])
    np.testing.assert_array_equal(panel.at_risk[:, 1, 0], [0, 2, 0])
    assert panel.moves[:, 0, 1].sum() == 0
