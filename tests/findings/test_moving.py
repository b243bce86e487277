"""Claims on moves, joint papers and what they gain, recomputed with NumPy and SciPy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm, t

from findings.tables import (
    POINT,
    YEARS,
    N,
    country_year,
    decided,
    effect,
    effects,
    flat,
    jeffreys,
    results_of,
    verdicts,
)
from isthmus.stats import trend as fitted

EVERY_YEAR = range(YEARS[0], YEARS[1] + 1)


def flows(counts: Mapping[tuple[str, str], int]) -> pa.Table:
    """Moves of one year by origin and destination."""
    return pa.Table.from_pylist(
        [
            {"year": 2010, "origin": origin, "destination": to, "scientists": count}
            for (origin, to), count in counts.items()
        ]
    )


def variants(*counts: Mapping[tuple[str, str], int]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"variant": at, "origin": origin, "destination": to, "scientists": n}
            for at, moves in enumerate(counts)
            for (origin, to), n in moves.items()
        ]
    )


def test_most_movers_is_more_than_one_half_not_a_plurality(tmp_path: Path) -> None:
    counts = {("CN", "US"): 90, ("DE", "US"): 30, ("US", "CN"): 45, ("JP", "CN"): 35}
    counts |= {("FR", "CN"): 30}
    found = verdicts(results_of(tmp_path, {"flows": flows(counts)}))
    first, second = (found[f"origin-of-movers-{n}"].decision for n in ("first", "second"))
    assert first.verdict == "supported"
    low, high = jeffreys(90, 120)
    assert (first.estimate, first.low, first.high) == pytest.approx((0.75, low, high))
    # 45 of 110 is the largest group and less than one half, though not certainly.
    assert second.verdict == "undecided"
    assert second.estimate == pytest.approx(45 / 110)


def test_five_movers_are_too_few(tmp_path: Path) -> None:
    found = decided(tmp_path, {"flows": flows({("CN", "US"): 5})}, "origin-of-movers-first")
    assert (found.verdict, found.p) == ("undecided", None)
    assert "too few: 5, 6 are needed" in found.why


def test_no_mover_is_no_data(tmp_path: Path) -> None:
    found = decided(tmp_path, {"flows": flows({("CN", "US"): 50})}, "origin-of-movers-second")
    assert found.verdict == "not testable here"
    assert "no scientist is seen to move to China" in found.why


def test_settings_of_a_move_that_contradict_leave_it_open(tmp_path: Path) -> None:
    most = {("CN", "US"): 90, ("DE", "US"): 30}
    for name, other, verdict in (
        ("opposite", {("CN", "US"): 10, ("DE", "US"): 90}, "undecided"),
        ("weaker", {("CN", "US"): 12, ("DE", "US"): 10}, "supported"),
    ):
        tables = {"flows": flows(most), "flow_variants": variants(most, other)}
        found = decided(tmp_path / name, tables, "origin-of-movers-first")
        assert found.verdict == verdict, found.why
        assert found.counting.startswith("differ" if verdict == "undecided" else "agree")
        assert ("Rules of counting disagree" in found.why) == (verdict == "undecided")


def test_movers_keep_ties_as_a_ratio_and_as_large_as_said(tmp_path: Path) -> None:
    rows = [
        effect("movers:CN->US", None, 900.0, 300.0),
        effect("movers:CN->US:sampled", None, 500.0),
        effect("movers:US->CN", None, 1900.0, 600.0),
    ]
    found = verdicts(results_of(tmp_path, {"retention": effects(rows)}))
    first, second = (found[f"movers-keep-ties-{n}"].decision for n in ("first", "second"))
    assert (first.estimate, first.low, first.high) == (10.0, 7.0, 13.0)
    assert first.verdict == second.verdict == "supported"
    assert first.p == pytest.approx(2 * norm.sf(math.log(10) * POINT / math.log(10 / 7)))
    assert first.as_said == "no: the interval 7 to 13 lies below 30"
    assert second.as_said == "yes: the interval 14 to 26 includes 20"
    assert first.counting == "agree: one stayer a mover supported"
    assert second.counting == "not tested"


def test_other_matching_that_contradicts_ties_leaves_them_open(tmp_path: Path) -> None:
    rows = [effect("movers:CN->US", None, 900.0), effect("movers:CN->US:sampled", None, -50.0)]
    found = decided(tmp_path, {"retention": effects(rows)}, "movers-keep-ties-first")
    assert found.verdict == "undecided"
    assert found.counting == "differ: one stayer a mover contradicted"


def collaboration(whole: list[int], fractional: list[float]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"year": y, "source": "CN", "target": "US", "works_whole": w, "works_fractional": f}
            for y, w, f in zip(EVERY_YEAR, whole, fractional, strict=True)
        ]
    )


def test_joint_papers_are_rare_in_both_poles(tmp_path: Path) -> None:
    table = collaboration([20] * N, [9.0] * N)
    for name, second, verdict in (("both", 300, "supported"), ("one", 60, "contradicted")):
        tables = {"collaboration": table, "country_year": country_year(flat(US=1000, CN=second))}
        found = decided(tmp_path / name, tables, "joint-papers-rare")
        assert found.verdict == verdict
        low, high = jeffreys(20 * N, second * N)
        assert (found.low, found.high) == pytest.approx((low, high))


def test_joint_papers_rise_with_poisson_errors(tmp_path: Path) -> None:
    whole = np.random.default_rng(2).poisson(20 * np.exp(0.1 * np.arange(N)))
    falling = [float(x) for x in 40 * np.exp(-0.1 * np.arange(N))]
    table = collaboration([int(x) for x in whole], falling)
    found = decided(tmp_path, {"collaboration": table}, "joint-papers-rise")
    by_hand = fitted(np.log(whole + 0.5)[None], (whole + 0.5)[None] ** -0.5)
    assert found.estimate == pytest.approx(float(by_hand.slope[0]))
    assert found.high == pytest.approx(float(by_hand.high[0]))
    assert found.verdict == "undecided"
    assert found.counting == "differ: fractional contradicted"
    table = collaboration([int(x) for x in whole], [float(x) for x in whole])
    found = decided(tmp_path / "both", {"collaboration": table}, "joint-papers-rise")
    assert found.verdict == "supported"
    few = collaboration([1] * 11 + [0] * (N - 11), [0.0] * N)
    found = decided(tmp_path / "few", {"collaboration": few}, "joint-papers-rise")
    assert "too few: 11 in all years, 12 are needed" in found.why


def test_a_premium_is_read_against_the_smallest_effect(tmp_path: Path) -> None:
    for at, (gain, half, verdict) in enumerate(
        (
            (30.0, 5.0, "supported"),
            (4.0, 2.0, "undecided"),
            (4.0, 0.5, "contradicted"),
            (-30.0, 5.0, "contradicted"),
        )
    ):
        table = effects([effect("joint:US+CN", None, gain, half)])
        found = decided(tmp_path / str(at), {"matched": table}, "premium-first")
        assert (found.verdict, found.estimate, found.smallest) == (verdict, gain, 5.0)


def test_the_smallest_effect_may_be_a_claims_own(tmp_path: Path) -> None:
    table = effects([effect("joint:US+CN", None, 30.0), effect("joint:CN+US", None, 30.0)])
    rules = {"smallest": {"premium-first": 40.0}}
    found = verdicts(results_of(tmp_path, {"matched": table}, findings=rules))
    assert found["premium-first"].decision.verdict == "contradicted"
    assert found["premium-second"].decision.verdict == "supported"


def test_other_controls_that_contradict_leave_a_premium_open(tmp_path: Path) -> None:
    for name, international, verdict in (("zero", 0.0, "undecided"), ("wide", 4.0, "supported")):
        rows = [
            effect("joint:US+CN", None, 30.0),
            effect("joint:US+CN:international", None, international, 3.0),
            effect("joint:US+CN:elsewhere", None, 30.0),
        ]
        found = decided(tmp_path / name, {"matched": effects(rows)}, "premium-first")
        assert found.verdict == verdict
        assert found.counting.startswith("differ" if verdict == "undecided" else "agree")
        assert "elsewhere supported" in found.counting


def test_no_interval_no_verdict(tmp_path: Path) -> None:
    row = effect("joint:US+CN", None, 30.0, None) | {"note": "3 clusters"}
    found = decided(tmp_path, {"matched": effects([row])}, "premium-first")
    assert (found.verdict, found.estimate, found.p, found.q) == ("undecided", 30.0, None, None)
    assert "too few: 3 clusters" in found.why


def test_always_means_every_year_with_limits_for_all(tmp_path: Path) -> None:
    names = ("joint:US+CN", "joint:CN+US")
    good = [effect(name, y, 30.0, 20.0) for name in names for y in EVERY_YEAR]
    odd_p = 2 * norm.sf(14 / 12 * POINT)
    assert 0.05 / len(good) < odd_p < 0.05
    for name, last, verdict in (
        ("all", (30.0, 20.0), "supported"),
        ("by chance", (-14.0, 12.0), "undecided"),
        ("surely", (-30.0, 12.0), "contradicted"),
    ):
        rows = [*good[:-1], effect("joint:CN+US", 2021, *last)]
        found = decided(tmp_path / name, {"matched": effects(rows)}, "premium-every-year")
        assert found.verdict == verdict
    assert f"{2 * N - 1} of {2 * N} conditions hold" in found.why


def test_rows_of_all_years_alone_say_nothing_of_every_year(tmp_path: Path) -> None:
    table = effects([effect("joint:US+CN", None, 30.0), effect("joint:CN+US", None, 30.0)])
    found = verdicts(results_of(tmp_path, {"matched": table}))
    assert found["premium-first"].decision.verdict == "supported"
    for name in ("premium-every-year", "second-gains-more"):
        assert found[name].decision.verdict == "not testable here"
    assert "too few: 0 years" in found["premium-grows-first"].decision.why


def test_growth_of_the_premium(tmp_path: Path) -> None:
    values = 3.0 * np.arange(N) + np.random.default_rng(3).normal(0, 4, N)
    rows = [
        effect("joint:US+CN", y, float(v), 8.0) for y, v in zip(EVERY_YEAR, values, strict=True)
    ]
    found = decided(tmp_path, {"matched": effects(rows)}, "premium-grows-first")
    by_hand = fitted(values[None] / 100, np.full((1, N), 8 / POINT / 100))
    assert found.estimate == pytest.approx(100 * float(by_hand.slope[0]))
    assert found.low == pytest.approx(100 * float(by_hand.low[0]))
    assert found.verdict == "supported"


def pairs(values: list[float], half: float) -> pa.Table:
    """Placebo pairs whose intervals reach `half` in logarithms to either side."""
    rows = [
        {"lead": "CA", "partner": "KR", "is_pole_pair": False, "effect_percent": v}
        | {c: 100 * ((1 + v / 100) * math.exp(x) - 1) for c, x in (("ci_low", -half),
                                                                  ("ci_high", half))}
        for v in values
    ]  # fmt: skip
    rows.append({"lead": "US", "partner": "CN", "is_pole_pair": True, "effect_percent": 99.0})
    schema = pa.schema([("lead", pa.string()), ("partner", pa.string())])
    for name in ("effect_percent", "ci_low", "ci_high", "effective_clusters"):
        schema = schema.append(pa.field(name, pa.float64()))
    return pa.Table.from_pylist(rows, schema.append(pa.field("is_pole_pair", pa.bool_())))


@pytest.mark.parametrize(
    ("gain", "half", "verdict"),
    [(80.0, 0.001, "supported"), (15.0, 0.001, "undecided"), (40.0, 0.5, "supported")],
)
def test_the_premium_against_the_spread_of_other_pairs(
    tmp_path: Path, gain: float, half: float, verdict: str
) -> None:
    other = [float(v) for v in range(-20, 21, 4)]
    rows = [effect(f"joint:{p}", None, gain) for p in ("US+CN", "CN+US")]
    tables = {"matched": effects(rows), "placebo_pairs": pairs(other, half)}
    found = decided(tmp_path, tables, "premium-is-the-poles-own")
    assert found.verdict == verdict
    logs, n = np.log1p(np.array(other) / 100), len(other)
    # Errors all alike: the spread of the true gains is what is left of the variance. Those of
    # 0.5 / 1.96 explain all of it.
    spread = max(logs.var(ddof=1) - (half / POINT) ** 2, 0.0)
    own = (math.log1p((gain + 5) / 100) - math.log1p((gain - 5) / 100)) / 2 / POINT
    rest = spread + (spread + (half / POINT) ** 2) / n
    df = (own**2 + rest) ** 2 / (rest**2 / (n - 2))
    gap = math.log1p(gain / 100) - logs.mean()
    reach = t.ppf(0.975, df) * math.hypot(own, math.sqrt(rest))
    assert found.estimate == pytest.approx(100 * math.expm1(gap))
    assert found.low == pytest.approx(100 * math.expm1(gap - reach))
    assert found.high == pytest.approx(100 * math.expm1(gap + reach))


def test_five_other_pairs_are_too_few(tmp_path: Path) -> None:
    rows = [effect(f"joint:{p}", None, 80.0) for p in ("US+CN", "CN+US")]
    tables = {"matched": effects(rows), "placebo_pairs": pairs([1.0] * 5, 0.1)}
    found = decided(tmp_path, tables, "premium-is-the-poles-own")
    assert "too few: 5 other pairs" in found.why
