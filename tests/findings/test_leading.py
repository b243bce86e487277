from __future__ import annotations

from pathlib import Path

import pytest

from findings.tables import country_year, results_of, verdicts

N = 22


def test_poles_far_ahead_lead(tmp_path: Path) -> None:
    table = country_year({"US": [300] * N, "CN": [200] * N, "DE": [50] * N})
    found = verdicts(results_of(tmp_path, {"country_year": table}))
    decision = found["poles-lead-output"].decision
    assert decision.verdict == "supported"
    # 200 * 22 over 50 * 22 papers, half a paper added to each.
    assert decision.estimate == pytest.approx((200 * N + 0.5) / (50 * N + 0.5))
    assert "90.9 %" in decision.why
    assert decision.counting == "survives: papers_whole, papers_fractional"


def test_another_country_ahead_does_not(tmp_path: Path) -> None:
    table = country_year({"US": [300] * N, "CN": [40] * N, "DE": [80] * N})
    found = verdicts(results_of(tmp_path, {"country_year": table}))
    assert found["poles-lead-output"].decision.verdict == "not supported"
    assert "China" in found["poles-lead-output"].decision.why
    assert "Germany" in found["poles-lead-output"].decision.why


def test_a_close_race_is_undecided(tmp_path: Path) -> None:
    table = country_year({"US": [300] * N, "CN": [81] * N, "DE": [80] * N})
    found = verdicts(results_of(tmp_path, {"country_year": table}))
    assert found["poles-lead-output"].decision.verdict == "undecided"


def test_other_counting_that_differs_is_said(tmp_path: Path) -> None:
    papers = {"US": [300] * N, "CN": [200] * N, "DE": [50] * N}
    other = {"US": [300.0] * N, "CN": [20.0] * N, "DE": [50.0] * N}
    table = country_year(papers, papers_fractional=other)
    found = verdicts(results_of(tmp_path, {"country_year": table}))
    assert "fails: papers_fractional says not" in found["poles-lead-output"].decision.counting


def test_catching_up(tmp_path: Path) -> None:
    rising = [20 + 12 * year for year in range(N)]
    table = country_year({"US": [300] * N, "CN": rising, "DE": [50] * N})
    found = verdicts(results_of(tmp_path / "up", {"country_year": table}))
    assert found["second-catches-up"].decision.verdict == "supported"
    early, late = sum(rising[:5]) + 0.5, sum(rising[-5:]) + 0.5
    assert found["second-catches-up"].decision.estimate == pytest.approx(late / early)
    table = country_year({"US": [300] * N, "CN": rising[::-1], "DE": [50] * N})
    found = verdicts(results_of(tmp_path / "down", {"country_year": table}))
    assert found["second-catches-up"].decision.verdict == "not supported"


def test_shares_of_hits_move(tmp_path: Path) -> None:
    rising = [0.1 + 0.02 * year for year in range(N)]
    shares = {"US": [1 - s for s in rising], "CN": rising, "DE": [0.0] * N}
    hits = {code: [400 * s for s in values] for code, values in shares.items()}
    papers = {"US": [300] * N, "CN": [200] * N, "DE": [50] * N}
    table = country_year(papers, hit_share=shares, hits=hits)
    found = verdicts(results_of(tmp_path, {"country_year": table}))
    assert found["second-gains-hits"].decision.verdict == "supported"
    assert found["first-loses-hits"].decision.verdict == "supported"
    assert found["second-gains-hits"].decision.estimate == pytest.approx(
        sum(rising[-5:]) / sum(rising[:5])
    )


def test_one_pole_is_undecided_not_an_error(tmp_path: Path) -> None:
    table = country_year({"US": [300] * N, "DE": [50] * N})
    results = results_of(tmp_path, {"country_year": table}, countries={"poles": ["US"]})
    found = verdicts(results)
    assert found["poles-lead-output"].decision.verdict == "supported"
    assert "two poles" in found["second-catches-up"].decision.why
