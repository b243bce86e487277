"""Claims on movers' profiles and joint papers, on tables small enough to reckon by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import brunnermunzel, t

from findings.tables import decided, effect, effects, results_of, verdicts
from isthmus.stats import trend as fitted

FIRST, SECOND = ("US", "CN"), ("CN", "US")


def contrast(keys: dict[str, str], value: float | None, half: float | None = 0.1) -> dict[str, Any]:
    ends: dict[str, Any] = {"low": None, "high": None, "reason": None}
    if value is None or half is None:
        ends["reason"] = "4 effective clusters, 6 are needed"
    else:
        ends |= {"low": value - half, "high": value + half}
    return {**keys, "difference": value, **ends}


def teams(measure: str, first: float | None, second: float | None) -> pa.Table:
    return pa.Table.from_pylist(
        [
            contrast({"lead": lead, "partner": partner, "measure": measure}, value)
            for (lead, partner), value in ((FIRST, first), (SECOND, second))
        ]
    )


@pytest.mark.parametrize(
    ("name", "measure"),
    [("joint-teams-larger", "team_size"), ("joint-led-by-top", "top_institution")],
)
def test_joint_papers_differ_under_either_lead(tmp_path: Path, name: str, measure: str) -> None:
    for at, (first, second, verdict) in enumerate(
        (
            (0.5, 0.4, "supported"),
            (0.5, -0.2, "contradicted"),
            (0.5, 0.05, "undecided"),
            (0.5, None, "undecided"),
        )
    ):
        tables = {"team_contrasts": teams(measure, first, second)}
        found = decided(tmp_path / str(at), tables, name)
        assert found.verdict == verdict, found.why
    assert "4 effective clusters" in found.why
    found = decided(tmp_path / "values", {"team_contrasts": teams(measure, 0.5, 0.4)}, name)
    assert (found.estimate, found.low, found.high) == (0.4, pytest.approx(0.3), 0.5)


def test_a_lead_without_joint_papers_is_no_data(tmp_path: Path) -> None:
    table = teams("team_size", 0.5, 0.4).slice(0, 1)
    found = decided(tmp_path, {"team_contrasts": table}, "joint-teams-larger")
    assert found.verdict == "not testable here"
    assert "no joint papers led by China" in found.why


def test_movers_outdo_stayers_in_citations_and_papers(tmp_path: Path) -> None:
    def table(citations: float | None, papers: float) -> pa.Table:
        key = {"destination": "US", "origin": "CN"}
        return pa.Table.from_pylist(
            [
                contrast({**key, "measure": measure}, value, 0.4)
                for measure, value in (("citations_before", citations), ("papers_before", papers))
            ]
        )

    for at, (citations, papers, verdict) in enumerate(
        ((4.0, 1.0, "supported"), (4.0, -1.0, "contradicted"), (None, 1.0, "undecided"))
    ):
        tables = {"mover_contrasts": table(citations, papers)}
        found = verdicts(results_of(tmp_path / str(at), tables))
        assert found["movers-outdo-stayers-first"].decision.verdict == verdict
        assert found["movers-outdo-stayers-second"].decision.verdict == "not testable here"


def moves(rows: Sequence[tuple[int, str, float | None]]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"author_id": at, "year": year, "origin": "XX", "destination": destination}
            | {"career_age": x, "citations_before": x, "papers_before": x}
            for at, (year, destination, x) in enumerate(rows)
        ]
    )


def test_seasoned_movers_are_compared_within_years(tmp_path: Path) -> None:
    """Movers to the second pole come later, when all are older: no difference within years."""
    random = np.random.default_rng(1)
    late = [(2015, "CN", float(x)) for x in random.integers(10, 20, 80)]
    late += [(2015, "US", float(x)) for x in random.integers(10, 20, 20)]
    early = [(2001, "US", float(x)) for x in random.integers(0, 10, 80)]
    early += [(2001, "CN", float(x)) for x in random.integers(0, 10, 20)]
    found = decided(tmp_path, {"moves": moves(late + early)}, "second-attracts-seasoned")
    assert found.verdict != "supported"
    values = {
        year: np.median([x for _, _, x in rows]) for year, rows in ((2015, late), (2001, early))
    }
    one, other = (
        np.array([x - values[y] for y, d, x in late + early if d == pole and x is not None])
        for pole in ("CN", "US")
    )
    above = (one[:, None] > other).mean() + (one[:, None] == other).mean() / 2
    assert found.estimate == pytest.approx(above)
    assert found.p == pytest.approx(brunnermunzel(one, other).pvalue if above > 0.5 else 1.0)


def test_seasoned_movers(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    for name, gap, verdict in (("older", 5, "supported"), ("younger", -5, "contradicted")):
        rows = [(2010, "CN", float(x) + gap) for x in random.integers(5, 15, 60)]
        rows += [(2010, "US", float(x)) for x in random.integers(5, 15, 60)]
        found = decided(tmp_path / name, {"moves": moves(rows)}, "second-attracts-seasoned")
        assert found.verdict == verdict
        assert "3 of 3" in found.why or "0 of 3" in found.why


def test_movers_without_a_known_past_are_left_out(tmp_path: Path) -> None:
    rows: list[tuple[int, str, float | None]] = [(2010, "CN", None)] * 9
    rows += [(2011, "CN", 9.0), *[(2011, "US", float(x)) for x in range(9)]]
    found = decided(tmp_path, {"moves": moves(rows)}, "second-attracts-seasoned")
    assert found.verdict == "undecided"
    assert "too few: 1 on one side" in found.why


def test_moves_that_rise_count_years_without_any_as_0(tmp_path: Path) -> None:
    counts = {year: 2 * (year - 2009) for year in range(2010, 2022)}
    rows = [
        {"year": year, "origin": "CN", "destination": "US", "scientists": n}
        for year, n in counts.items()
    ]
    rows.append({"year": 2000, "origin": "US", "destination": "CN", "scientists": 9})
    found = verdicts(results_of(tmp_path, {"flows": pa.Table.from_pylist(rows)}))
    first, second = (found[f"movers-rise-{n}"].decision for n in ("first", "second"))
    assert first.verdict == "supported"
    values = np.array([counts.get(year, 0) + 0.5 for year in range(2000, 2022)])
    by_hand = fitted(np.log(values)[None], values[None] ** -0.5)
    assert first.estimate == pytest.approx(float(by_hand.slope[0]))
    assert first.low == pytest.approx(float(by_hand.low[0]))
    # Nine moves in all years: nothing is known, and nothing is contradicted.
    assert second.verdict == "undecided"
    assert "too few: 9 in all years" in second.why


def test_who_gains_more_up_to_the_studys_year(tmp_path: Path) -> None:
    years = range(2005, 2019)
    gaps = {year: 40.0 + year % 3 if year <= 2015 else -500.0 for year in years}
    rows = [effect("joint:US+CN", year, 10.0) for year in years]
    rows += [effect("joint:CN+US", year, 10.0 + gap) for year, gap in gaps.items()]
    found = decided(tmp_path, {"matched": effects(rows)}, "second-gains-more")
    known = np.array([gap for year, gap in gaps.items() if year <= 2015])
    half = t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / math.sqrt(len(known))
    assert found.verdict == "supported"
    assert found.estimate == pytest.approx(known.mean())
    assert (found.low, found.high) == (
        pytest.approx(known.mean() - half),
        pytest.approx(known.mean() + half),
    )
    five = [row for row in rows if row["year"] < 2010]
    found = decided(tmp_path / "five", {"matched": effects(five)}, "second-gains-more")
    assert "too few: 5 years" in found.why


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        ((0.0, 4.0), (-3.0, 4.0), "supported"),
        ((0.0, 4.0), (2.0, 8.0), "undecided"),  # one way excludes an effect, the other does not
        ((-3.0, 4.0), (30.0, 4.0), "contradicted"),
        ((-3.0, 4.0), (30.0, None), "undecided"),
    ],
)
def test_the_control_pair_gains_nothing_either_way(
    tmp_path: Path,
    one: tuple[float, float | None],
    other: tuple[float, float | None],
    verdict: str,
) -> None:
    rows = [effect("joint:KR+CA", None, *one), effect("joint:CA+KR", None, *other)]
    found = decided(tmp_path, {"matched": effects(rows)}, "control-pair-gains-nothing")
    assert found.verdict == verdict, found.why


def test_the_control_pair_among_other_pairs(tmp_path: Path) -> None:
    rows = [
        {"lead": lead, "partner": partner, "is_pole_pair": False}
        | {"effect_percent": 0.0, "ci_low": -4.0, "ci_high": 4.0}
        for lead, partner in (("KR", "CA"), ("CA", "KR"))
    ]
    tables = {"placebo_pairs": pa.Table.from_pylist(rows)}
    found = decided(tmp_path / "there", tables, "control-pair-gains-nothing")
    assert found.verdict == "supported"
    assert "2 of 2 conditions hold" in found.why
    found = decided(tmp_path / "none", {}, "control-pair-gains-nothing")
    assert found.verdict == "not testable here"
    assert "name it under `[teaming] pairs`" in found.why
