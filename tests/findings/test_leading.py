"""Claims on who leads: every ratio and slope recomputed with NumPy and SciPy."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import t

from findings.tables import N, country_year, decided, flat, results_of, totals, verdicts
from isthmus.stats import trend as fitted


def ratio_by_hand(*parts: tuple[float, float], value: float) -> tuple[float, float, float]:
    """Delta method on logarithms with Welch and Satterthwaite's degrees of freedom; p of 1."""
    variances = np.array([(se / total) ** 2 for total, se in parts])
    units = np.array([(total / se) ** 2 for total, se in parts])
    df = variances.sum() ** 2 / (variances**2 / (units - 1)).sum()
    error = math.sqrt(variances.sum())
    half = t.ppf(0.975, df) * error
    p = 2 * t.sf(abs(math.log(value)) / error, df)
    return value * math.exp(-half), value * math.exp(half), p


def test_poles_far_ahead_lead_with_the_ratio_of_the_smaller_pole(tmp_path: Path) -> None:
    table = country_year(flat(US=300, CN=200, DE=50, FR=10))
    found = decided(tmp_path, {"country_year": table}, "poles-lead-output")
    assert found.verdict == "supported"
    assert found.estimate == pytest.approx(4.0)
    counts = [(count * N, math.sqrt(count * N)) for count in (200, 50)]
    low, high, p = ratio_by_hand(*counts, value=4.0)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.p == pytest.approx(p, abs=1e-12)
    assert "Sizes alone can make this true" in found.why
    assert found.counting.startswith("agree: papers_whole supported, papers_fractional supported")


def test_another_country_ahead_contradicts(tmp_path: Path) -> None:
    table = country_year(flat(US=300, CN=40, DE=80))
    found = decided(tmp_path, {"country_year": table}, "poles-lead-output")
    assert found.verdict == "contradicted"
    assert "China" in found.why
    assert "Germany" in found.why


def test_a_close_race_is_undecided(tmp_path: Path) -> None:
    table = country_year(flat(US=30, CN=3.3, DE=3))
    found = decided(tmp_path, {"country_year": table}, "poles-lead-output")
    assert found.verdict == "undecided"
    assert found.why.endswith("(above 1.1).")


def test_the_smallest_ratio_is_a_setting(tmp_path: Path) -> None:
    table = country_year(flat(US=3000, CN=2300, DE=2000))
    for limit, verdict in ((1.1, "supported"), (1.4, "contradicted")):
        found = decided(
            tmp_path / str(limit),
            {"country_year": table},
            "poles-lead-output",
            findings={"smallest_ratio": limit},
        )
        assert (found.verdict, found.smallest) == (verdict, limit)


def test_errors_of_totals_decide_not_poisson_counts(tmp_path: Path) -> None:
    """Citations with a heavy tail: as many, but a standard error 30 times Poisson's."""
    papers = country_year(flat(US=300, CN=100, DE=50))
    spans = [("US", 900.0 * N), ("CN", 300.0 * N), ("DE", 150.0 * N)]
    for share, verdict in ((0.05, "supported"), (0.4, "undecided")):
        rows = totals([("c2_sum", "all", code, x, share * x) for code, x in spans])
        tables = {"country_year": papers, "country_totals": rows}
        found = decided(tmp_path / verdict, tables, "poles-lead-impact")
        assert found.verdict == verdict
    low, high, p = ratio_by_hand((300, 15), (150, 7.5), value=2.0)
    found = decided(
        tmp_path / "again",
        {
            "country_year": papers,
            "country_totals": totals([("c2_sum", "all", c, x, 0.05 * x) for c, x in spans]),
        },
        "poles-lead-impact",
    )
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.p == pytest.approx(p)


def test_a_total_without_an_error_has_no_interval(tmp_path: Path) -> None:
    rows = totals(
        [
            ("c2_sum", "all", "US", 900.0, 9.0),
            ("c2_sum", "all", "CN", 300.0, None),
            ("c2_sum", "all", "DE", 50.0, 9.0),
        ]
    )
    tables = {"country_year": country_year(flat(US=9, CN=3, DE=0.5)), "country_totals": rows}
    found = decided(tmp_path, tables, "poles-lead-impact")
    assert found.verdict == "undecided"
    assert "no standard error" in found.why


def test_fewer_than_six_papers_give_no_interval(tmp_path: Path) -> None:
    table = country_year(flat(US=30, CN=20, DE=5 / N))
    found = decided(tmp_path, {"country_year": table}, "poles-lead-output")
    assert (found.verdict, found.low) == ("undecided", None)
    assert "too few: 5.0 effective units" in found.why


def test_a_pole_without_papers_is_no_crash(tmp_path: Path) -> None:
    found = verdicts(results_of(tmp_path, {"country_year": country_year(flat(US=30, DE=9))}))
    for name in ("poles-lead-output", "second-catches-up", "second-passes-in-scientists"):
        assert found[name].decision.verdict == "undecided"
        assert found[name].decision.estimate is None
    assert found["second-as-novel"].decision.verdict == "not testable here"
    assert found["impact-rises-second"].decision.verdict == "not testable here"


def test_catching_up_needs_behind_first_and_level_last(tmp_path: Path) -> None:
    rising = [20.0 + 15 * year for year in range(N)]
    for name, second, verdict in (
        ("up", rising, "supported"),
        ("down", rising[::-1], "contradicted"),
        ("always ahead", [400.0] * N, "contradicted"),
        ("still at half", [10.0 + 6 * year for year in range(N)], "contradicted"),
    ):
        table = country_year({**flat(US=300, DE=50), "CN": second})
        found = decided(tmp_path / name, {"country_year": table}, "second-catches-up")
        assert found.verdict == verdict, (name, found.why)
    table = country_year({**flat(US=300, DE=50), "CN": rising})
    found = decided(tmp_path / "values", {"country_year": table}, "second-catches-up")
    assert "2 of 2 conditions hold" in found.why
    ratios = [sum(rising[:5]) / 1500, sum(rising[-5:]) / 1500]
    assert found.estimate in [pytest.approx(ratio) for ratio in ratios]


def test_more_scientists_in_the_last_years_alone(tmp_path: Path) -> None:
    second = [10.0] * (N - 5) + [200.0] * 5
    table = country_year(flat(US=300, CN=1, DE=50), scientists={**flat(US=100, DE=5), "CN": second})
    found = decided(tmp_path, {"country_year": table}, "second-passes-in-scientists")
    assert found.estimate == pytest.approx(2.0)
    assert found.verdict == "supported"


def test_impact_rises_relative_to_all_others(tmp_path: Path) -> None:
    """Everybody's citations double; only the first pole's rise beside the others'."""
    random = np.random.default_rng(1)
    papers = flat(US=300, CN=200, DE=50, FR=40)
    growth = np.linspace(1, 2, N)
    means = {code: 3 * growth * np.exp(random.normal(0, 0.01, N)) for code in papers}
    means["US"] = means["US"] * np.exp(0.05 * np.arange(N))
    sums = {code: (300 if code == "US" else papers[code][0]) * means[code] for code in papers}
    errors = {code: 0.02 * sums[code] for code in papers}
    table = country_year(papers, c2_sum=sums, c2_sum_se=errors)
    found = verdicts(results_of(tmp_path, {"country_year": table}))
    assert found["impact-rises-first"].decision.verdict == "supported"
    rest = [code for code in papers if code != "US"]
    others, n = sum(sums[code] for code in rest), sum(papers[code][0] for code in rest)
    values = np.log(sums["US"] / 300 / (others / n))
    of_rest = sum(errors[code] ** 2 for code in rest)
    se = np.hypot(
        *(
            np.sqrt(np.maximum(square - total**2 / many, total)) / total
            for square, total, many in ((errors["US"] ** 2, sums["US"], 300), (of_rest, others, n))
        )
    )
    by_hand = fitted(values[None], se[None])
    decision = found["impact-rises-first"].decision
    assert decision.estimate == pytest.approx(float(by_hand.slope[0]))
    assert decision.low == pytest.approx(float(by_hand.low[0]))
    assert found["impact-rises-second"].decision.verdict == "contradicted"


def test_as_novel_is_a_ratio_of_shares(tmp_path: Path) -> None:
    papers = flat(US=300, CN=200, DE=50)
    for name, share, verdict in (
        ("as", 0.1, "supported"),
        ("less", 0.05, "contradicted"),
        ("nearly", 0.085, "contradicted"),
    ):
        hits = {**flat(US=30, DE=5), "CN": [200 * share] * N}
        table = country_year(papers, novel_hits=hits)
        found = decided(tmp_path / name, {"country_year": table}, "second-as-novel")
        assert found.estimate == pytest.approx(share / 0.1)
        if name != "nearly":
            assert found.verdict == verdict


def test_shares_of_hits_move(tmp_path: Path) -> None:
    share = np.linspace(0.1, 0.5, N)
    hits = {"US": 400 * (1 - share), "CN": 400 * share, "DE": np.zeros(N)}
    table = country_year(flat(US=300, CN=200, DE=50), hits=hits)
    found = verdicts(results_of(tmp_path, {"country_year": table}))
    gains, loses = (found[n].decision for n in ("second-gains-hits", "first-loses-hits"))
    assert (gains.verdict, loses.verdict) == ("supported", "supported")
    first, last = hits["CN"][:5].sum(), hits["CN"][-5:].sum()
    assert gains.estimate == pytest.approx(last / first)
    low, high, _ = ratio_by_hand((last, last**0.5), (first, first**0.5), value=last / first)
    assert (gains.low, gains.high) == (pytest.approx(low), pytest.approx(high))


def test_hits_are_null_where_references_are_absent(tmp_path: Path) -> None:
    nothing = {code: [None] * N for code in ("US", "CN", "DE")}
    table = country_year(
        flat(US=300, CN=200, DE=50), hits=nothing, c2_sum=nothing, c2_papers=nothing
    )
    for name in ("hits", "c2_sum", "c2_papers"):
        at = table.column_names.index(name)
        table = table.set_column(at, name, table[name].cast(pa.float64()))
    found = verdicts(results_of(tmp_path, {"country_year": table}))
    for name in ("poles-lead-hits", "poles-lead-impact", "first-loses-hits", "impact-rises-first"):
        assert found[name].decision.verdict == "not testable here", name
        assert found[name].decision.estimate is None


def test_years_after_the_references_break_off_are_not_zeros(tmp_path: Path) -> None:
    """Hits known to 2015 alone: the last five years are those to 2015."""
    known = N - 6
    hits = {
        "US": [*[40.0] * known, *[None] * 6],
        "CN": [*np.linspace(4, 40, known), *[None] * 6],
        "DE": [*[5.0] * known, *[None] * 6],
    }
    table = country_year(flat(US=300, CN=200, DE=50), hits=hits)
    found = decided(tmp_path, {"country_year": table}, "second-gains-hits")
    rows = {code: np.array(values[:known], dtype=float) for code, values in hits.items()}
    every = sum(rows.values())
    last, first = (rows["CN"][s].sum() / every[s].sum() for s in (slice(-5, None), slice(5)))
    assert found.estimate == pytest.approx(last / first)


def test_a_study_of_one_pole_is_asked_who_leads(tmp_path: Path) -> None:
    table = country_year(flat(DE=300, US=50))
    results = results_of(tmp_path, {"country_year": table}, countries={"poles": ["DE"]})
    found = verdicts(results)
    assert found["poles-lead-output"].decision.verdict == "supported"
    assert found["poles-lead-output"].claim.statement.startswith("Germany comes first")
    assert all(name.startswith(("poles-lead-", "impact-rises-first")) for name in found)
