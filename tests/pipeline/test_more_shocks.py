"""Shocks on moves and premiums: planted changes are found, and a run writes their rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from isthmus.mobility.move_panels import MovePanel
from isthmus.pipeline import runner
from isthmus.pipeline.more_shocks import joined, moves_tables
from isthmus.pipeline.steps import STEPS
from isthmus.results import TABLES, checked
from isthmus.study import Study
from isthmus.study.shocks import Shock
from tiny import LIGHT, random_works, write_corpus

N, YEARS, AT = 14, 12, 7
NAMES = tuple(f"A{chr(65 + k)}" for k in range(N))


def panel(departures: float, returns: float) -> MovePanel:
    """Moves from AA to AB times `departures`, returns of those from AB times `returns`."""
    random = np.random.default_rng(7)
    size = np.exp(random.normal(0, 0.4, N))
    rate = 60 * np.outer(size, size) * (1 - np.eye(N))
    risk = np.round(rate * np.exp(random.normal(0, 0.2, (N, N)))) + 1
    risk = risk * (1 + 0.1 * np.arange(YEARS))[:, None, None] * (1 - np.eye(N))
    risk[AT:, 0, 1] *= 2  # more of them are there, so that more return at the same rate
    chance = np.full((YEARS, N, N), 0.4)
    chance[AT:, 0, 1] *= returns
    leave = np.repeat(rate[None], YEARS, axis=0)
    leave[AT:, 0, 1] *= departures
    moved, back = random.poisson(leave), random.poisson(risk * chance)
    return MovePanel(
        np.arange(2000, 2000 + YEARS),
        NAMES,
        (moved + back).astype(float),
        back.astype(float),
        np.maximum(risk, back),
    )


def test_planted_changes_of_moves_and_of_rates_of_return_are_found() -> None:
    shock = {"visa": Shock(year=2000 + AT, pairs=(("AA", "AB"),), movers=True)}
    tables = moves_tables(panel(1.0, 1.0), shock)
    for name, table in tables.items():
        assert checked(name, table) is table
    rows = {(r["layer"], r["source"]): r for r in tables["shocks"].to_pylist()}
    assert set(rows) == {(way, end) for way in ("moves", "returns") for end in ("AA", "AB")}
    steady = rows["returns", "AA"]
    assert steady["effect_low"] < 0 < steady["effect_high"]
    assert abs(steady["effect"]) < np.log(2) / 2, "twice as many at risk is no rate twice as high"
    rows = {
        (r["layer"], r["source"]): r
        for r in moves_tables(panel(0.3, 1.8), shock)["shocks"].to_pylist()
    }
    back, out = rows["returns", "AA"], rows["returns", "AB"]
    assert back["effect_low"] < np.log(1.8) < back["effect_high"]
    assert back["whose"] == "pair"
    assert back["pairs_p"] <= 0.05 < out["pairs_p"]
    assert back["placebo_pairs"] == 60


def test_departures_fall() -> None:
    moves = panel(0.3, 1.0)
    rest = np.zeros_like(moves.returns)
    alone = MovePanel(moves.years, NAMES, moves.moves - moves.returns, rest, moves.at_risk)
    shock = {"visa": Shock(year=2000 + AT, pairs=(("AA", "AB"),), movers=True)}
    rows = moves_tables(alone, shock)["shocks"].to_pylist()
    row = next(r for r in rows if (r["layer"], r["source"]) == ("moves", "AA"))
    assert row["effect_low"] < np.log(0.3) < row["effect_high"]
    assert row["whose"] == "pair"
    none = [r for r in rows if r["layer"] == "returns"]
    assert [r["effect"] for r in none] == [None, None]
    assert {r["why_shock"] for r in none} == {"none before the shock"}


def test_a_run_writes_rows_of_every_layer_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = ("field", "leadership", "mobility", "networks", "poles")
    monkeypatch.setattr(runner, "STEPS", [step for step in STEPS if step.name in few])
    write_corpus(random_works(3, n=300), tmp_path / "corpus")
    about = {"corpus": str(tmp_path / "corpus"), "years": [2001, 2007]}
    asked = {"year": 2004, "pairs": [["US", "CN"]], "window": 3}
    shocks = {"plain": asked, "all": {**asked, "movers": True, "premium": True}}
    study = Study.parse({"study": about, "poles": LIGHT, "shocks": shocks})
    results = runner.run(study, tmp_path / "results")
    rows = results.table("shocks").to_pylist()
    layers = {name: {r["layer"] for r in rows if r["shock"] == name} for name in shocks}
    assert layers["plain"] == {"collaboration", "citation"}
    assert layers["all"] == layers["plain"] | {"moves", "returns", "premium"}
    assert all(r["why_shock"] or r["effect"] is not None for r in rows)
    for name in ("shocks", "shock_years"):
        table, grain = results.table(name), list(TABLES[name].grain)
        assert table.group_by(grain).aggregate([]).num_rows == table.num_rows


def test_tables_are_put_below_each_other() -> None:
    shock = {"visa": Shock(year=2000 + AT, pairs=(("AA", "AB"),), movers=True)}
    made = moves_tables(panel(1.0, 1.0), shock)
    both = joined(made, {"shocks": made["shocks"]})
    assert both["shocks"].num_rows == 2 * made["shocks"].num_rows
    assert both["shock_years"].equals(made["shock_years"])
    assert joined() == {}
