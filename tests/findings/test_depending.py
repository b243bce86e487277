"""Claims on home citations and normalised impact: every verdict on small tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from findings.tables import YEARS, decided
from isthmus.results import schema_of

SPAN = range(YEARS[0], YEARS[1] - 1)


def dependence(ratio: Any, *, half: float = 0.05, share: float = 0.2) -> pa.Table:
    """Home citations by year, `ratio` times what size explains, with noise of a third of `half`."""
    rng = np.random.default_rng(4)
    rows = []
    for year in SPAN:
        times = ratio(year) if callable(ratio) else ratio
        value = share * times * np.exp(half / 3 * rng.standard_normal())
        row = {"year": year, "country": "US", "received": 500.0, "home_expected": share}
        row |= {
            "home_share": value,
            "home_ratio": value / share,
            "home_preference": 0.5 + 0.1 * np.log(value / share),
        }
        for end, sign in (("low", -1), ("high", 1)):
            row[f"home_share_{end}"] = value * np.exp(sign * half)
            row[f"home_ratio_{end}"] = value / share * np.exp(sign * half)
        rows.append(row)
    return pa.Table.from_pylist(rows)


def inside(low: float | None, value: float, high: float | None) -> bool:
    return low is not None and high is not None and low < value < high


@pytest.mark.parametrize(
    ("ratio", "half", "verdict"),
    [
        (1.5, 0.05, "supported"),
        (1.0, 0.05, "contradicted"),
        (0.7, 0.05, "contradicted"),
        (1.05, 0.6, "undecided"),
    ],
)
def test_home_bias(tmp_path: Path, ratio: float, half: float, verdict: str) -> None:
    found = decided(tmp_path, {"dependence": dependence(ratio, half=half)}, "home-bias-first")
    assert found.verdict == verdict
    assert inside(found.low, ratio, found.high)
    assert found.smallest == 1.1


def test_home_bias_weighs_years_by_their_citations(tmp_path: Path) -> None:
    """One year of 100 times the citations decides; the mean of the years' ratios is 1.05."""
    table = dependence(1.0)
    heavy = [50_000.0 if row == 3 else 500.0 for row in range(table.num_rows)]
    more = [2.0 if row == 3 else 1.0 for row in range(table.num_rows)]
    columns = {"received": heavy}
    for name in ("home_share", "home_share_low", "home_share_high"):
        columns[name] = (table[name].to_numpy() * more).tolist()
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    found = decided(tmp_path, {"dependence": table}, "home-bias-first")
    by_hand = np.dot(heavy, columns["home_share"]) / (0.2 * np.sum(heavy))
    assert found.estimate == pytest.approx(by_hand)
    assert found.estimate > 1.8


def test_ranks_that_say_the_opposite_leave_home_bias_open(tmp_path: Path) -> None:
    table = dependence(1.5)
    at = table.column_names.index("home_preference")
    rng = np.random.default_rng(1)
    equal = pa.array(0.5 + 0.001 * rng.standard_normal(table.num_rows))
    table = table.set_column(at, "home_preference", equal)
    found = decided(tmp_path, {"dependence": table}, "home-bias-first")
    assert found.verdict == "undecided"
    assert found.counting == "differ: by ranks contradicted"


@pytest.mark.parametrize(
    ("yearly", "verdict"), [(0.05, "supported"), (0.0, "contradicted"), (-0.05, "contradicted")]
)
def test_turning_inward(tmp_path: Path, yearly: float, verdict: str) -> None:
    table = dependence(lambda year: np.exp(yearly * (year - YEARS[0])))
    found = decided(tmp_path, {"dependence": table}, "turns-inward-first")
    assert found.verdict == verdict
    assert inside(found.low, yearly, found.high)


def test_few_citations_are_no_home_bias(tmp_path: Path) -> None:
    table = dependence(1.5)
    for name in ("home_share_low", "home_ratio_low"):
        at = table.column_names.index(name)
        table = table.set_column(at, name, pa.nulls(table.num_rows, pa.float64()))
    for claim in ("home-bias-first", "turns-inward-first"):
        found = decided(tmp_path / claim, {"dependence": table}, claim)
        assert found.verdict == "not testable here"
        assert "too few citations" in found.why
    # Five years are no trend.
    short = decided(tmp_path / "s", {"dependence": dependence(1.5).slice(0, 5)}, claim)
    assert short.verdict == "undecided"
    assert "too few" in short.why


def indicators(**of: tuple[float, float]) -> pa.Table:
    """Normalised impact of countries in single years and the last window, as (value, half)."""
    rows = []
    for country, (value, half) in of.items():
        for counting, times in (("fractional", 1.0), ("whole", 1.02), ("authors", 0.99)):
            for year, years, away in ((2019, 1, 9.0), (2018, 4, 5.0), (2019, 4, 1.0)):
                score = value * away * times
                row = {"year": year, "years": years, "country": country, "counting": counting}
                row |= {"mncs": score, "mncs_low": score - half, "mncs_high": score + half}
                rows.append(row)
    return pa.Table.from_pylist(rows)


@pytest.mark.parametrize(
    ("value", "half", "verdict"),
    [
        (1.4, 0.1, "supported"),
        (1.05, 0.02, "contradicted"),
        (0.8, 0.1, "contradicted"),
        (1.2, 0.4, "undecided"),
    ],
)
def test_impact_above_the_world(tmp_path: Path, value: float, half: float, verdict: str) -> None:
    found = decided(
        tmp_path, {"indicators": indicators(US=(value, half))}, "impact-above-world-first"
    )
    assert found.verdict == verdict
    assert (found.estimate, found.low) == (value, value - half)
    assert "2016 to 2019" in found.why
    assert found.counting.startswith("agree: whole")


@pytest.mark.parametrize(
    ("second", "verdict"), [(1.5, "supported"), (1.0, "contradicted"), (1.15, "undecided")]
)
def test_the_second_passes_in_impact(tmp_path: Path, second: float, verdict: str) -> None:
    half = 0.05 if second != 1.15 else 0.3
    table = indicators(US=(1.0, half), CN=(second, half))
    found = decided(tmp_path, {"indicators": table}, "second-passes-in-impact")
    assert found.verdict == verdict
    assert found.estimate == pytest.approx(second)


def test_impact_of_one_pole_alone_is_not_compared(tmp_path: Path) -> None:
    table = indicators(US=(1.0, 0.1))
    found = decided(tmp_path, {"indicators": table}, "second-passes-in-impact")
    assert found.verdict == "not testable here"


def references(lowest: float, highest: float, unlisted: float) -> pa.Table:
    """Bounds of the home shares that `dependence(1.5)` has, the measured one being .3."""
    ends = {"measured": 0.3, "weighted": 0.3, "lowest": lowest, "highest": highest}
    counts = {"works": 1000.0, "missing": unlisted}
    return pa.Table.from_pylist(
        [
            {"number": "home_share", "year": year, "country": "US", **ends, **counts}
            for year in (*SPAN, None)
        ],
        schema_of("reference_bounds"),
    )


@pytest.mark.parametrize(
    ("lowest", "unlisted", "verdict", "survives"),
    [
        (0.29, 50.0, "supported", "yes"),
        (0.1, 400.0, "undecided", "no"),
        (0.1, 50.0, "supported", "no"),
    ],
)
def test_home_bias_under_missing_references(
    tmp_path: Path, lowest: float, unlisted: float, verdict: str, survives: str
) -> None:
    """At a third of the home share the bias is gone, which counts where many lists are missing."""
    tables = {"dependence": dependence(1.5), "reference_bounds": references(lowest, 0.4, unlisted)}
    found = decided(tmp_path, tables, "home-bias-first")
    assert found.verdict == verdict
    assert found.missing_data.startswith(survives)
    assert "supported if all of them citing at home" in found.missing_data
    if verdict == "undecided":
        assert "missing references: 40%" in found.why
        assert "contradicted if none of them citing at home" in found.missing_data
    # A trend can come from lists that are missing early or late.
    found = decided(tmp_path / "t", tables, "turns-inward-first")
    assert ("supported if only the later citing at home" in found.missing_data) == (lowest < 0.2)


def test_without_bounds_missing_references_are_not_tested(tmp_path: Path) -> None:
    found = decided(tmp_path, {"dependence": dependence(1.5)}, "home-bias-first")
    assert found.missing_data == "not tested: these results hold no bounds"
