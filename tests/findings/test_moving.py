from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from findings.tables import YEARS, country_year, results_of, verdicts

SCHEMA_YEAR = pa.int16()


def effects(rows: list[dict[str, Any]]) -> pa.Table:
    filled = [{"treated_matched": 50, "control_matched": 400, "note": "", **row} for row in rows]
    table = pa.Table.from_pylist(filled)
    at = table.column_names.index("year")
    return table.set_column(at, "year", table["year"].cast(SCHEMA_YEAR))


def effect(name: str, year: int | None, value: float, half: float | None = 5.0) -> dict[str, Any]:
    ends = {"ci_low": None, "ci_high": None}
    if half is not None:
        ends = {"ci_low": value - half, "ci_high": value + half}
    return {"experiment": name, "year": year, "effect_percent": value, **ends}


def placebo(values: list[float]) -> pa.Table:
    rows = [
        {"lead": "CA", "partner": "KR", "is_pole_pair": False, "effect_percent": v} for v in values
    ]
    rows.append({"lead": "US", "partner": "CN", "is_pole_pair": True, "effect_percent": 99.0})
    ends = {"ci_low": None, "ci_high": None, "treated_matched": 50, "control_matched": 400}
    schema = pa.schema([("lead", pa.string()), ("partner", pa.string())])
    for name in ("effect_percent", "ci_low", "ci_high"):
        schema = schema.append(pa.field(name, pa.float64()))
    for name in ("treated_matched", "control_matched"):
        schema = schema.append(pa.field(name, pa.int64()))
    schema = schema.append(pa.field("is_pole_pair", pa.bool_()))
    return pa.Table.from_pylist([row | ends for row in rows], schema)


def test_a_premium_is_supported_and_set_beside_the_placebo(tmp_path: Path) -> None:
    matched = effects([effect("joint:US+CN", None, 30.0), effect("joint:CN+US", None, -30.0)])
    tables = {"matched": matched, "placebo_pairs": placebo([float(v) for v in range(-50, 50)])}
    found = verdicts(results_of(tmp_path, tables))
    assert found["premium-first"].decision.verdict == "supported"
    assert found["premium-second"].decision.verdict == "not supported"
    assert found["premium-first"].decision.placebo.startswith("fails: 20% of 100")
    assert found["premium-is-the-poles-own"].decision.verdict == "not supported"


def test_a_premium_beyond_every_placebo_pair_survives(tmp_path: Path) -> None:
    matched = effects([effect("joint:US+CN", None, 80.0), effect("joint:CN+US", None, 70.0)])
    tables = {"matched": matched, "placebo_pairs": placebo([float(v) for v in range(-50, 50)])}
    found = verdicts(results_of(tmp_path, tables))
    assert found["premium-first"].decision.placebo.startswith("survives: 0% of 100")
    assert found["premium-is-the-poles-own"].decision.verdict == "supported"


def test_other_controls_and_the_largest_papers_are_checked(tmp_path: Path) -> None:
    names = ["joint:US+CN", "joint:US+CN:international", "joint:US+CN:elsewhere"]
    values = [30.0, 2.0, 30.0]
    rows = [effect(name, None, value) for name, value in zip(names, values, strict=True)]
    measures = [{"experiment": names[0], "year": None, "carried_by_largest": 1.2}]
    table = pa.Table.from_pylist(measures)
    tables = {
        "matched": effects(rows),
        "matched_measures": table.set_column(1, "year", table["year"].cast(SCHEMA_YEAR)),
    }
    decision = verdicts(results_of(tmp_path, tables))["premium-first"].decision
    assert decision.counting == "fails: international says undecided"
    assert decision.dropping.startswith("fails: the ten most cited papers carry 120 %")


def test_always_means_every_year(tmp_path: Path) -> None:
    years = range(*YEARS)
    good = [effect(name, y, 30.0) for name in ("joint:US+CN", "joint:CN+US") for y in years]
    found = verdicts(results_of(tmp_path / "a", {"matched": effects(good)}))
    assert found["premium-every-year"].decision.verdict == "supported"
    bad = [*good[:-1], effect("joint:CN+US", 2020, -30.0)]
    found = verdicts(results_of(tmp_path / "b", {"matched": effects(bad)}))
    assert found["premium-every-year"].decision.verdict == "not supported"


def test_an_effect_without_interval_is_undecided(tmp_path: Path) -> None:
    table = effects([effect("joint:US+CN", None, 30.0, None)])
    found = verdicts(results_of(tmp_path, {"matched": table}))
    assert found["premium-first"].decision.verdict == "undecided"
    assert "too few matched units" in found["premium-first"].decision.why


def test_growth_of_the_premium(tmp_path: Path) -> None:
    rows = [effect("joint:US+CN", y, 3.0 * (y - 2010)) for y in range(*YEARS)]
    decision = verdicts(results_of(tmp_path, {"matched": effects(rows)}))["premium-grows-first"]
    assert decision.decision.verdict == "supported"
    assert decision.decision.estimate == pytest.approx(3.0)


def flows(counts: dict[tuple[str, str], int], name: str = "scientists") -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"year": 2010, "origin": origin, "destination": to, name: count}
            for (origin, to), count in counts.items()
        ]
    )


def test_origins(tmp_path: Path) -> None:
    counts = {("CN", "US"): 90, ("DE", "US"): 30, ("US", "CN"): 20, ("JP", "CN"): 70}
    variants = [
        {"variant": v, "origin": origin, "destination": to, "scientists": n - 80 * v}
        for v in (0, 1)
        for (origin, to), n in counts.items()
        if (origin, to) == ("CN", "US") or v == 0
    ]
    variants.append({"variant": 1, "origin": "DE", "destination": "US", "scientists": 30})
    tables = {"flows": flows(counts), "flow_variants": pa.Table.from_pylist(variants)}
    found = verdicts(results_of(tmp_path, tables))
    first = found["origin-of-movers-first"].decision
    assert first.verdict == "supported"
    assert first.counting == "fails: first origin under 1 of 2 settings of a move"
    assert found["origin-of-movers-second"].decision.verdict == "not supported"


def test_movers_keep_ties(tmp_path: Path) -> None:
    rows = [
        effect("movers:CN->US", None, 900.0),
        effect("movers:CN->US:sampled", None, 1.0),
        effect("movers:US->CN", None, 500.0),
    ]
    found = verdicts(results_of(tmp_path, {"retention": effects(rows)}))
    assert found["movers-keep-ties-first"].decision.verdict == "supported"
    assert found["movers-keep-ties-first"].decision.counting.startswith("fails")
    assert found["movers-keep-ties-second"].decision.counting.startswith("not tested")


def test_joint_papers_are_rare_and_rise(tmp_path: Path) -> None:
    years = range(YEARS[0], YEARS[1] + 1)
    rows = [
        {"year": y, "source": "CN", "target": "US", "works_whole": y - 1995}
        | {"works_fractional": float(2022 - y)}
        for y in years
    ]
    tables = {
        "collaboration": pa.Table.from_pylist(rows),
        "country_year": country_year({"US": [1000] * 22, "CN": [900] * 22, "DE": [5] * 22}),
    }
    found = verdicts(results_of(tmp_path, tables))
    assert found["joint-papers-rare"].decision.verdict == "supported"
    assert found["joint-papers-rise"].decision.verdict == "supported"
    assert found["joint-papers-rise"].decision.counting.startswith("fails: works_fractional")
