"""Claims on movers' profiles and joint papers, on tables small enough to reckon by hand."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from findings.tables import country_year, results_of, verdicts
from findings.test_moving import effect, effects

#: Rows of a group of papers: how many of each team size.
Sizes = dict[int, int]


def team_sizes(us: Sizes, cn: Sizes, others: Sizes) -> pa.Table:
    rows = []
    for lead, partner, joint in (("US", "CN", us), ("CN", "US", cn)):
        for group, sizes in ((partner, joint), ("domestic", others)):
            rows += [
                {"lead": lead, "group": group, "year": 2010, "team_size": s, "papers": n}
                for s, n in sizes.items()
            ]
    return pa.Table.from_pylist(rows)


def test_larger_teams_as_a_welch_interval_over_single_papers(tmp_path: Path) -> None:
    joint, others = {4: 30, 6: 30}, {2: 200, 3: 100}
    table = team_sizes(joint, joint, others)
    found = verdicts(results_of(tmp_path, {"team_sizes": table}))["joint-teams-larger"].decision
    assert found.verdict == "supported"
    a, b = (np.repeat(list(s), list(s.values())) for s in (joint, others))
    half = 1.959963984540054 * math.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    assert found.estimate == pytest.approx(a.mean() - b.mean())
    assert found.low == pytest.approx(a.mean() - b.mean() - half)


def test_teams_larger_under_one_lead_only_are_not_enough(tmp_path: Path) -> None:
    table = team_sizes({6: 50}, {1: 50}, {2: 200, 3: 100})
    found = verdicts(results_of(tmp_path, {"team_sizes": table}))["joint-teams-larger"].decision
    assert found.verdict == "not supported"
    assert "1 of 2 supported" in found.why


def test_led_by_top_institutions_with_newcombes_interval(tmp_path: Path) -> None:
    rows = [
        {"lead": lead, "group": group, "year": 2010, "papers": n, "papers_top_institution": k}
        for lead, partner in (("US", "CN"), ("CN", "US"))
        for group, n, k in ((partner, 70, 56), ("domestic", 80, 48))
    ]
    table = {"top_institutions": pa.Table.from_pylist(rows)}
    found = verdicts(results_of(tmp_path, table))["joint-led-by-top"].decision
    # Newcombe (1998), table II, example (a): 56/70 less 48/80, method 10.
    assert found.estimate == pytest.approx(0.2)
    assert found.low == pytest.approx(0.0524, abs=5e-5)
    assert found.high == pytest.approx(0.3339, abs=5e-5)
    assert found.verdict == "supported"


def profile(destination: str, origin: str, group: str, median: float, n: int) -> list[Any]:
    return [
        {"destination": destination, "origin": origin, "group": group, "measure": measure, "n": n}
        | {"q25": median - 1, "median": median, "q75": median + 1}
        for measure in ("career_age", "papers_before", "citations_before")
    ]


def test_profiles_of_movers(tmp_path: Path) -> None:
    rows = [
        *profile("US", "all", "movers", 5.0, 100),
        *profile("CN", "all", "movers", 7.0, 100),
        *profile("US", "CN", "movers", 5.1, 9),
        *profile("US", "all", "stayers", 5.0, 1000),
        *profile("CN", "US", "movers", 3.0, 400),
        *profile("CN", "all", "stayers", 5.0, 1000),
    ]
    found = verdicts(results_of(tmp_path, {"mover_profiles": pa.Table.from_pylist(rows)}))
    assert found["second-attracts-seasoned"].decision.verdict == "supported"
    assert found["movers-outdo-stayers-first"].decision.verdict == "undecided"
    assert found["movers-outdo-stayers-second"].decision.verdict == "not supported"


def test_moves_that_rise_count_empty_years_as_none(tmp_path: Path) -> None:
    rows = [
        {"year": year, "origin": "CN", "destination": "US", "scientists": year - 2009}
        for year in range(2010, 2022)
    ]
    rows.append({"year": 2000, "origin": "US", "destination": "CN", "scientists": 9})
    found = verdicts(results_of(tmp_path, {"flows": pa.Table.from_pylist(rows)}))
    assert found["movers-rise-first"].decision.verdict == "supported"
    assert found["movers-rise-second"].decision.verdict != "supported"


def test_who_gains_more_up_to_the_studys_year(tmp_path: Path) -> None:
    years = range(2005, 2019)
    rows = [effect("joint:US+CN", year, 10.0) for year in years]
    rows += [
        effect("joint:CN+US", year, 50.0 + year % 2 if year <= 2015 else 0.0) for year in years
    ]
    decision = verdicts(results_of(tmp_path, {"matched": effects(rows)}))["second-gains-more"]
    assert decision.decision.verdict == "supported"
    assert decision.decision.estimate == pytest.approx(40.5, abs=0.1)


def test_the_control_pair(tmp_path: Path) -> None:
    def said(name: str, values: dict[str, float]) -> str:
        rows = [effect(f"joint:{pair}", None, value) for pair, value in values.items()]
        pairs = {"lead": "KR", "partner": "CA", "is_pole_pair": False, "effect_percent": 1.0}
        tables = {"matched": effects(rows), "placebo_pairs": pa.Table.from_pylist([pairs])}
        found = verdicts(results_of(tmp_path / name, tables))["control-pair-gains-nothing"]
        return found.decision.verdict

    assert said("none", {"KR+CA": 2.0, "CA+KR": -3.0}) == "supported"
    assert said("one", {"KR+CA": 2.0, "CA+KR": 30.0}) == "not supported"


def test_novelty_of_the_second_pole(tmp_path: Path) -> None:
    papers = {"US": [300.0] * 22, "CN": [200.0] * 22}
    noise = [0.01 * (-1) ** year for year in range(22)]
    for name, gap, verdict in (("as", 0.05, "supported"), ("less", 0.5, "not supported")):
        novelty = {"US": [-2.0] * 22, "CN": [-2.0 + gap + e for e in noise]}
        hits = {"US": [9.0] * 22, "CN": [1.0 + year for year in range(22)]}
        table = country_year(papers, novelty_median=novelty, novel_hits=hits)
        found = verdicts(results_of(tmp_path / name, {"country_year": table}))
        assert found["second-as-novel"].decision.verdict == verdict
        assert found["second-catches-up-in-novelty"].decision.verdict == "supported"


def test_impact_that_rises(tmp_path: Path) -> None:
    papers = {"US": [300.0] * 22, "CN": [200.0] * 22}
    mean = {"US": [1.0 + 0.1 * year for year in range(22)], "CN": [3.0] * 22}
    table = country_year(papers, c2_mean=mean)
    found = verdicts(results_of(tmp_path, {"country_year": table}))
    assert found["impact-rises-first"].decision.verdict == "supported"
    assert found["impact-rises-second"].decision.verdict == "not supported"
