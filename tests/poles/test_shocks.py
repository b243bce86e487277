"""Tables of shocks from a panel: rows, directions, reasons, and whose the change is."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.poles.analysis import analyse
from isthmus.poles.layers import Layer, Panel
from isthmus.poles.shocks import shock_tables, whose
from isthmus.results import TABLES, checked, schema_of
from isthmus.stats.event_studies import Judged, PairShock, event_study
from isthmus.study.shocks import Shock

N, YEARS, AT = 26, 10, 6
COUNTRIES = tuple(f"A{chr(65 + k)}" for k in range(N))


@pytest.fixture(scope="module")
def panel():
    random = np.random.default_rng(4)
    rate = 20 * np.exp(np.add.outer(*[random.normal(0, 0.5, N)] * 2))
    works = random.poisson(np.repeat(rate[None], YEARS, axis=0)).astype(float)
    works[AT:, 0, 1] //= 3
    works = np.triu(works, 1) + np.triu(works, 1).transpose(0, 2, 1)
    citations = random.poisson(3 * rate * np.ones((YEARS, 1, 1))) * (1.0 - np.eye(N))
    active = np.ones(N, dtype=bool)
    layers = (
        Layer("collaboration", False, works, active),
        Layer("citation", True, citations, active),
    )
    return Panel(np.arange(2000, 2000 + YEARS), COUNTRIES, layers, np.full(N, 99.0), [])


@pytest.fixture(scope="module")
def tables(panel):
    pairs = (("AA", "AB"), ("AC", "ZZ"))
    shocks = {
        "trade": Shock(year=2000 + AT, pairs=pairs, window=4),
        "later": Shock(year=2010, pairs=(("AA", "AB"),)),
    }
    return shock_tables(panel, shocks)


def test_rows_are_pairs_by_layer_and_direction(tables):
    for name, table in tables.items():
        assert checked(name, table) is table
        grain = list(TABLES[name].grain)
        assert table.group_by(grain).aggregate([]).num_rows == table.num_rows
    rows = [r for r in tables["shocks"].to_pylist() if r["shock"] == "trade"]
    assert [(r["layer"], r["source"], r["target"]) for r in rows] == [
        ("collaboration", "AA", "AB"),
        ("collaboration", "AC", "ZZ"),
        *(("citation", *ends) for ends in (("AA", "AB"), ("AB", "AA"), ("AC", "ZZ"), ("ZZ", "AC"))),
    ]
    known = [r for r in rows if r["why_shock"] is None]
    assert {(r["first_year"], r["last_year"], r["placebo_pairs"]) for r in known} == {
        (2002, 2009, 60)
    }


def test_numbers_are_those_of_the_kernel(tables, panel):
    row = next(r for r in tables["shocks"].to_pylist() if r["shock"] == "trade")
    found = event_study(panel.layers[0].weights, [(0, 1)], AT, window=4).pairs[0]
    assert (row["effect"], row["effect_low"], row["effect_high"], row["pairs_p"]) == (
        found.after.estimate, found.after.low, found.after.high, found.after.p,
    )  # fmt: skip
    assert (row["years_p"], row["placebo_years"]) == (found.years.p, found.years.placebos)
    steps = [row["source_step_p"], row["target_step_p"]]
    assert steps == [step.p for step in found.countries]
    assert row["weight"] == panel.layers[0].weights[2:, 0, 1].sum()
    assert row["whose"] == "pair"
    years = [r for r in tables["shock_years"].to_pylist() if r["layer"] == "collaboration"]
    assert [r["year"] for r in years] == list(range(2002, 2010))
    assert [r["before_shock"] for r in years] == [True] * 4 + [False] * 4
    assert [r["effect"] for r in years] == [one.estimate for one in found.path]
    assert years[3]["effect"] == 0
    assert years[3]["effect_low"] is None


def test_what_has_no_estimate_says_why(tables, panel):
    rows = tables["shocks"].to_pylist()
    assert {r["why_shock"] for r in rows if r["target"] == "ZZ"} == {"ZZ not in the panel"}
    late = [r for r in rows if r["shock"] == "later"]
    assert len(late) == 3
    assert all("2000-2009" in r["why_shock"] and r["effect"] is None for r in late)
    weights = panel.layers[0].weights.copy()
    weights[AT:, [0, 1], [1, 0]] = 0
    layer = Layer("collaboration", False, weights, panel.layers[0].active)
    ended = Panel(panel.years, COUNTRIES, (layer,), panel.works, [])
    shock = Shock(year=2000 + AT, pairs=(("AA", "AB"),))
    (row,) = shock_tables(ended, {"end": shock})["shocks"].to_pylist()
    assert row["why_shock"] == "none after the shock"
    assert row["effect"] is None
    assert row["pairs_p"] == pytest.approx(1 / 61)


def of(effect, p, *steps):
    """A shock with these estimates and p-values."""
    after, *countries = (Judged(b, b - 1, b + 1, p, 60) for b, p in ((effect, p), *steps))
    return PairShock(after, after, (), np.zeros(0), tuple(countries))


@pytest.mark.parametrize(
    ("shock", "wanted"),
    [
        (of(-0.4, 0.02, (0.0, 0.6), (0.1, 0.4)), "pair"),
        (of(-0.1, 0.40, (0.0, 0.6), (-0.4, 0.02)), "country"),
        (of(0.3, 0.02, (-0.4, 0.02), (0.0, 0.6)), "country"),
        (of(-0.3, 0.02, (-0.4, 0.02), (0.0, 0.6)), "undecided"),
        (of(-0.1, 0.40, (0.0, 0.6), (-0.4, 0.04)), "undecided"),
        (of(-0.4, 0.02, (0.0, np.nan), (0.0, 0.03)), "pair"),
        (of(np.nan, np.nan, (0.0, np.nan), (0.0, np.nan)), "undecided"),
    ],
)
def test_a_change_is_the_pair_s_where_it_alone_is_shown(shock, wanted):
    assert whose(shock) == wanted


def test_nothing_runs_unless_a_study_names_it():
    assert shock_tables(Panel(np.zeros(0), (), (), np.zeros(0), []), {}) == {}
    assert not {"shocks", "shock_years"} & set(analyse(None, None, seed=1))
    shock = {"trade": Shock(year=2006, pairs=(("AA", "AB"),))}
    made = analyse(None, None, shocks=shock, seed=1)
    for name in ("shocks", "shock_years"):
        assert made[name].schema == schema_of(name)
        assert made[name].num_rows == 0
