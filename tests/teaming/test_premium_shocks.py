"""Shocks on premiums: planted changes, a recount by hand, and rows that say why they lack."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from isthmus.study.shocks import Shock
from isthmus.teaming.experiments import Experiment, Papers
from isthmus.teaming.matched_papers import Rules, match, measures, units_of
from isthmus.teaming.premium_shocks import Premium, premium_rows

RULES = Rules(team_cuts=(2, 5), draws=10, seed=1)
YEARS, AT = (2000, 2011), 2006
PARTNERS = tuple(f"P{chr(65 + k)}" for k in range(24))


def papers_led(lead: str, change: float, n: int = 9_000) -> Papers:
    """Papers whose premium of the first partner changes by `change` in logs at the shock."""
    random = np.random.default_rng(sum(map(ord, lead)))
    year = random.integers(YEARS[0], YEARS[1] + 1, n)
    partner = random.integers(-len(PARTNERS), len(PARTNERS), n)
    mean = 6 * np.exp(0.2 * (partner >= 0) + change * ((partner == 0) & (year >= AT)))
    institution = random.integers(0, 12, n)
    mean = mean * np.exp(random.normal(0, 0.3, 12))[institution]
    return Papers(
        work_id=np.arange(n),
        year=year,
        team_size=random.integers(1, 8, n),
        institution=institution,
        c_k=random.poisson(mean * random.gamma(2, 0.5, n)).astype(float),
        is_hit=np.zeros(n, dtype=bool),
        partners={name: partner == k for k, name in enumerate(PARTNERS)},
    )


def joint(leads: tuple[str, ...]) -> pa.Table:
    rows = [{"lead": lead, "partner": p, "papers": 190} for lead in leads for p in PARTNERS]
    return pa.Table.from_pylist(rows)


@pytest.fixture(scope="module")
def world() -> dict[str, Papers]:
    return {"LA": papers_led("LA", -0.7), "LB": papers_led("LB", 0.0)}


def rows_of(world, **shocks: Shock) -> dict[tuple[str, str, str], dict]:
    found = premium_rows(shocks, joint(tuple(world)), world.get, RULES, YEARS)
    return {(r["shock"], r["source"], r["target"]): r for r in found}


def test_a_planted_change_is_found_and_no_change_is_not(world) -> None:
    pairs = (("LA", "PA"), ("LB", "PA"))
    rows = rows_of(world, ban=Shock(year=AT, pairs=pairs, premium=True))
    hit, spared = rows["ban", "LA", "PA"], rows["ban", "LB", "PA"]
    assert hit["effect_low"] < -0.7 < hit["effect_high"] < 0
    assert (hit["pairs_p"] <= 0.05, hit["whose"]) == (True, "pair")
    assert spared["effect_low"] < 0 < spared["effect_high"]
    assert (spared["pairs_p"] > 0.05, spared["whose"]) == (True, "undecided")
    assert hit["placebo_pairs"] == 46
    assert (hit["first_year"], hit["last_year"], hit["placebo_years"]) == (2001, 2010, 2)
    assert rows["ban", "PA", "LA"]["why_shock"] == "no joint papers"


def test_the_change_is_the_difference_of_matched_effects(world) -> None:
    papers = world["LA"]
    units = units_of(papers, *papers.sides(Experiment("LA", "PA")), papers.c_k)
    premium = Premium.of(units, RULES)
    logs = []
    for inside in (units.year < AT, units.year >= AT):
        part = units.only(inside)
        seen = measures(part.outcome, part.treated, match(part, RULES).weight, part.is_hit)
        logs.append(np.log1p(seen.mean.percent / 100))
    assert premium.change(AT, 6)[0] == pytest.approx(logs[1] - logs[0], abs=1e-9)


def test_the_variance_is_that_of_resampled_institutions() -> None:
    changes, variances = [], []
    for seed in range(60):
        random = np.random.default_rng(seed)
        n = 1_500
        cluster = random.integers(0, 40, n)
        lift = np.exp(random.normal(0, 0.4, (2, 40)))
        year, treated = random.integers(2000, 2010, n), random.random(n) < 0.4
        mean = 10 * lift[treated.astype(int), cluster]
        premium = Premium(year, cluster, treated, random.poisson(mean).astype(float), np.ones(n))
        change = premium.change(2005, 5)
        changes.append(change[0])
        variances.append(change[1])
    assert np.mean(variances) == pytest.approx(np.var(changes), rel=0.5)


def test_rows_without_an_estimate_say_why(world) -> None:
    pair = (("LA", "PA"),)
    rows = rows_of(
        {**world, "LC": None},
        early=Shock(year=2001, pairs=pair),
        late=Shock(year=2012, pairs=pair),
        large=Shock(year=AT, pairs=(("LC", "PA"),)),
    )
    assert "2000-2011" in rows["early", "LA", "PA"]["why_shock"]
    assert "2000-2011" in rows["late", "LA", "PA"]["why_shock"]
    assert "read into memory" in rows["large", "LC", "PA"]["why_shock"]
    assert all(row.get("effect") is None for row in rows.values())
    silent = Premium(
        np.array([2000, 2000, 2003, 2003]), np.arange(4), np.array([1, 0, 1, 0], dtype=bool),
        np.array([1.0, 2.0, 0.0, 3.0]), np.ones(4),
    )  # fmt: skip
    assert np.isnan(silent.change(2002, 3)).all()
