"""Claims on who drifts together and apart, on tables of known trends."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm

from findings.tables import (
    MODELS,
    POINT,
    POLES,
    N,
    alignment,
    archetypes,
    country_year,
    decided,
    flat,
    jeffreys,
    placebo,
    pole_trends,
    results_of,
    trend,
    verdicts,
)
from isthmus.stats import trend as fitted

COLLABORATION = "poles-diverge-collaboration"


def test_a_slope_is_read_as_its_table_states_it(tmp_path: Path) -> None:
    table = pole_trends(none=(-0.05, 0.03))
    found = verdicts(results_of(tmp_path, {"archetypes": table}))
    works, cited = (found[f"poles-diverge-{x}"].decision for x in ("collaboration", "citation"))
    assert works.verdict == "supported"
    assert (works.estimate, works.low, works.high) == (-0.05, pytest.approx(-0.06), -0.04)
    assert works.p == pytest.approx(2 * norm.sf(5 * POINT))
    assert works.smallest == -0.02
    assert cited.verdict == "contradicted"
    assert works.models == works.placebo.partition(":")[0] == "not tested"


@pytest.mark.parametrize(
    ("slope", "half", "verdict"),
    [
        (-0.015, 0.003, "contradicted"),
        (-0.015, 0.01, "undecided"),
        (-0.05, 0.06, "undecided"),
        (0.0, 0.01, "contradicted"),
        (None, None, "not testable here"),
    ],
)
def test_a_tie_that_falls_too_little_does_not_diverge(
    tmp_path: Path, slope: float | None, half: float | None, verdict: str
) -> None:
    table = archetypes({("CN", "US"): {**trend("collaboration", slope, half)}}, ["none"])
    assert decided(tmp_path, {"archetypes": table}, COLLABORATION).verdict == verdict


def test_a_path_that_bends_is_not_one_line(tmp_path: Path) -> None:
    for bend_p, verdict in ((0.04, "undecided"), (0.06, "supported"), (None, "supported")):
        row = trend("collaboration", -0.1, 0.01, bend_p)
        table = archetypes({("CN", "US"): row}, ["none"])
        found = decided(tmp_path / str(bend_p), {"archetypes": table}, COLLABORATION)
        assert found.verdict == verdict
        assert found.estimate == -0.1
        assert ("not one line" in found.why) == (verdict == "undecided")


def test_a_pole_outside_the_panel_says_why(tmp_path: Path) -> None:
    panel = pa.table(
        {
            "kind": ["country", "pair", "country"],
            "source": ["CN", "DE", "FR"],
            "target": pa.array([None, "FR", None], pa.string()),
            "enters": [False, False, False],
            "reason": ["fewer than 50 works a year", "no trend", "no works at all"],
        }
    )
    tables = {"archetypes": archetypes({("DE", "US"): "SD"}), "panel": panel}
    found = decided(tmp_path, tables, COLLABORATION)
    assert found.verdict == "not testable here"
    assert found.why.endswith("China: fewer than 50 works a year.")
    assert "no works" not in found.why


def test_other_models_that_contradict_leave_it_open(tmp_path: Path) -> None:
    for name, slope, verdict in (("opposite", 0.1, "undecided"), ("same", -0.1, "supported")):
        tables = {"archetypes": pole_trends(none=(-0.05, 0.0), multiedge=(slope, 0.0))}
        found = decided(tmp_path / name, tables, COLLABORATION)
        assert found.verdict == verdict
        assert found.models.startswith("differ" if verdict == "undecided" else "agree")
        assert ("Null models disagree" in found.why) == (verdict == "undecided")


def test_a_model_leads_where_affinity_is_not_followed(tmp_path: Path) -> None:
    tables = {"archetypes": pole_trends(none=(-0.05, 0.0), multiedge=(-0.01, 0.0))}
    for quantity, smallest in (("z", 0.0), ("log_ratio", -0.02)):
        poles = {"quantity": quantity}
        found = decided(tmp_path / quantity, tables, COLLABORATION, poles=poles)
        assert (found.estimate, found.smallest) == (-0.01, smallest)
        assert "under multiedge" in found.why


def test_the_worst_familys_placebo_counts(tmp_path: Path) -> None:
    tables = {"archetypes": pole_trends(none=(-0.05, 0.0))}
    for p, verdict in ((0.05, "supported"), (0.06, "undecided")):
        given = {**tables, "placebo": placebo("poles_diverge", p)}
        found = decided(tmp_path / str(p), given, COLLABORATION)
        assert found.verdict == verdict
        assert ("The placebo shows it too" in found.why) == (verdict == "undecided")
        assert f"{p:.0%} of the placebo replays" in found.placebo


@pytest.mark.parametrize(
    "changes",
    [
        {"layer": "citation"},
        {"quantity": "z"},
        {"target": "DE"},
        {"null_model": "multiedge"},
        {"replays": 18},  # the smallest p of 18 replays is 1 / 19, above .05
    ],
)
def test_a_placebo_of_something_else_says_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    tables = {
        "archetypes": pole_trends(none=(-0.05, 0.0)),
        "placebo": placebo("poles_diverge", 0.9, **changes),
    }
    found = decided(tmp_path, tables, COLLABORATION)
    assert found.verdict == "supported"
    assert found.placebo.startswith("not tested")


def test_a_placebo_without_a_p_says_nothing(tmp_path: Path) -> None:
    tables = {
        "archetypes": pole_trends(none=(-0.05, 0.0)),
        "placebo": placebo("poles_diverge", None),
    }
    assert "1%" in decided(tmp_path, tables, COLLABORATION).placebo


def test_a_trend_is_held_against_those_without_each_country(tmp_path: Path) -> None:
    for name, slopes, said in (
        ("stands", {"DE": -0.1, "IN": -0.2}, "agree: without Germany supported"),
        ("hangs", {"DE": -0.1, "IN": 0.2}, "differ: without Germany supported, without India"),
    ):
        rows = []
        for country, slope in slopes.items():
            ends = {"slope": slope, "low": slope - 0.01, "high": slope + 0.01, "country": country}
            key = {"null_model": "none", "layer": "collaboration", **ends}
            rows.append({**key, "what": "poles", "source": "CN", "target": "US"})
            rows.append({**key, "what": "poles", "source": "CN", "target": "JP", "slope": 9.0})
            rows.append({**key, "what": "polarisation", "source": None, "target": None})
        dropped = {"dropped": pa.Table.from_pylist(rows)}
        tables = {"archetypes": pole_trends(none=(-0.05, 0.0)), **dropped}
        found = decided(tmp_path / name, tables, COLLABORATION)
        assert found.dropping.startswith(said)
        assert found.verdict == "supported"


def test_a_path_that_bends_is_not_compared_with_slopes_without_a_country(tmp_path: Path) -> None:
    key = {"null_model": "none", "layer": "collaboration", "what": "poles", "country": "DE"}
    row = {**key, "source": "CN", "target": "US", "slope": 0.1, "low": 0.09, "high": 0.11}
    table = archetypes({("CN", "US"): trend("collaboration", -0.1, 0.01, 0.01)}, ["none"])
    tables = {"archetypes": table, "dropped": pa.Table.from_pylist([row])}
    assert decided(tmp_path, tables, COLLABORATION).dropping.startswith("not tested")


def polarisation(**slopes: float) -> pa.Table:
    noise = np.random.default_rng(1).normal(0, 0.01, N)
    return pa.Table.from_pylist(
        [
            {"null_model": model, "layer": "collaboration", "year": 2000 + y}
            | {"index": slope * y + float(noise[y])}
            for model, slope in slopes.items()
            for y in range(N)
        ]
    )


def test_polarisation_index(tmp_path: Path) -> None:
    table = polarisation(none=0.01, multiedge=0.01)
    found = decided(tmp_path / "a", {"polarisation": table}, "two-poles")
    by_hand = fitted(table["index"].to_numpy()[:N][None])
    assert found.estimate == pytest.approx(float(by_hand.slope[0]))
    assert found.low == pytest.approx(float(by_hand.low[0]))
    assert (found.verdict, found.smallest) == ("supported", 0.001)
    for name, slopes, verdict in (
        ("tiny", {"none": 0.0002}, "contradicted"),
        ("models", {"none": 0.01, "multiedge": -0.01}, "undecided"),
        ("another", {"multiedge": 0.01}, "not testable here"),
    ):
        tables = {"polarisation": polarisation(**slopes)}
        assert decided(tmp_path / name, tables, "two-poles").verdict == verdict
    given = {"polarisation": table}
    given["placebo"] = placebo("polarisation_rises", 0.3, layer="collaboration")
    found = decided(tmp_path / "placebo", given, "two-poles")
    assert (found.verdict, found.placebo[:6]) == ("undecided", "differ")


def test_an_index_with_null_years_is_read_from_the_others(tmp_path: Path) -> None:
    rows = polarisation(none=0.01).to_pylist()
    for row in rows[3:5]:
        row["index"] = None
    found = decided(tmp_path, {"polarisation": pa.Table.from_pylist(rows)}, "two-poles")
    assert found.verdict == "supported"


def slopes(**given: tuple[float | None, float | None]) -> dict[str, dict[str, Any]]:
    """Slopes of countries with the US and with China."""
    return {
        code: {pole: ("flat", slope) for pole, slope in zip(("US", "CN"), both, strict=True)}
        for code, both in given.items()
    }


def test_groups_of_countries_each_as_named(tmp_path: Path) -> None:
    good = {"GB": (0.05, 0.0), "DE": (0.06, -0.04)}
    for name, changes, verdict in (
        ("all", {}, "supported"),
        ("also closer to China", {"DE": (0.06, 0.05)}, "contradicted"),
        ("away from the US", {"GB": (-0.05, 0.0)}, "contradicted"),
        ("closer to China, perhaps", {"DE": (0.06, 0.015)}, "undecided"),
        ("not followed", {"DE": (0.06, None)}, "undecided"),
    ):
        table = alignment(slopes(**{**good, **changes}))
        found = decided(tmp_path / name, {"alignment": table}, "exclusive-with-first")
        assert found.verdict == verdict, (name, found.why)
    assert "Germany and China: no ties in these results" in found.why
    found = decided(tmp_path / "b", {"alignment": alignment(slopes(**good))}, "bridges")
    assert "0 of 12 conditions hold" in found.why


def test_groups_turn_with_the_poles(tmp_path: Path) -> None:
    """Poles named the other way round: the same question of each country."""
    table = alignment(slopes(GB=(0.05, 0.0), DE=(0.06, -0.04)))
    results = results_of(tmp_path, {"alignment": table}, countries={"poles": ["CN", "US"]})
    found = verdicts(results)["exclusive-with-first"]
    assert found.decision.verdict == "supported"
    assert "come closer to the US and do not come closer to China" in found.claim.statement


def test_a_group_has_the_placebo_of_its_own_statistic(tmp_path: Path) -> None:
    table = alignment(slopes(AU=(0.0, 0.05), BR=(0.0, 0.05), RU=(0.0, 0.06), ES=(0.0, 0.05)))
    for name, what, verdict in (
        ("own", "group:towards-second", "undecided"),
        ("other", "group:bridges", "supported"),
    ):
        tables = {"alignment": table, "placebo": placebo(what, 0.5)}
        assert decided(tmp_path / name, tables, "towards-second").verdict == verdict


def kinds_with(**given: tuple[str | None, str | None]) -> pa.Table:
    return alignment({c: {"US": (us, 0.0), "CN": (cn, 0.0)} for c, (us, cn) in given.items()})


def test_more_with_the_second_alone(tmp_path: Path) -> None:
    codes = ["BR", "RU", "ES", "AU", "IN", "PL", "SG", "KR", "TW", "ZA", "EG"]
    table = kinds_with(
        **dict.fromkeys(codes, ("SD", "KI")),
        GB=("SC", "flat"),
        DE=("SC", None),
        FR=("SC", "SC"),
        IT=("SD", "flat"),
    )
    found = decided(tmp_path, {"alignment": table}, "developing-with-second-only")
    low, _ = jeffreys(11, 12)
    assert found.verdict == "supported"
    assert (found.estimate, found.low) == (pytest.approx(11 / 12), pytest.approx(low))
    table = kinds_with(BR=("SD", "SC"), IT=("SC", "SC"))
    found = decided(tmp_path / "few", {"alignment": table}, "developing-with-second-only")
    assert "too few: 1, 6 are needed" in found.why


def significant(first: list[str], second: list[str], both: list[str]) -> pa.Table:
    others = [*first, *second, *both, "XA", "XB"]
    rows = []
    for pole, mine in (("US", [*first, *both]), ("CN", [*second, *both])):
        for other in others:
            source, target = sorted((pole, other))
            rows.append({"source": source, "target": target, "significant": other in mine})
    rows.append({"source": "CN", "target": "US", "significant": True})
    head = {"null_model": "multiedge", "layer": "collaboration"}
    cited = [{**row, "layer": "citation", "significant": True} for row in rows]
    return pa.Table.from_pylist(
        [*({**head, **row} for row in rows), *({**head, **r} for r in cited)]
    )


def test_ties_to_one_pole_alone(tmp_path: Path) -> None:
    first = ["DE", "FR", "IT", "ES", "NL", "PL", "PT", "GR", "CZ", "HU", "BE", "AT"]
    table = significant(first, ["JP"], ["KR", "AU"])
    found = decided(tmp_path, {"significant": table}, "first-has-more-ties")
    assert found.estimate == pytest.approx(12 / 13)
    assert found.verdict == "supported"
    assert "Sizes alone can make this true" in found.why
    turned = significant(["JP"], first, ["KR", "AU"])
    found = decided(tmp_path / "turned", {"significant": turned}, "first-has-more-ties")
    assert found.verdict == "contradicted"


BIG, SMALL = ("DE", "FR", "IT", "ES", "NL", "PL"), ("PT", "GR", "CZ", "HU", "SE")


def test_largest_diverge_counts_pairs_with_a_trend(tmp_path: Path) -> None:
    papers = flat(**dict.fromkeys(BIG, 100), **dict.fromkeys(SMALL, 10))
    largest = [*BIG, *SMALL[:4]]
    pairs = dict(zip(combinations(sorted(largest), 2), ["SD"] * 40 + ["SC"] * 5, strict=True))
    pairs |= {("SE", code): "SC" for code in BIG}
    pairs |= dict.fromkeys(list(pairs)[40:43], "untested")
    tables = {"archetypes": archetypes(pairs), "country_year": country_year(papers)}
    found = decided(tmp_path, tables, "largest-diverge")
    assert found.verdict == "supported"
    assert found.estimate == pytest.approx(40 / 42)


def test_hubs_part_and_join_their_spokes(tmp_path: Path) -> None:
    papers = flat(**dict.fromkeys(BIG, 100), **dict.fromkeys(SMALL, 10), US=900, CN=800)
    between = dict.fromkeys(combinations(BIG, 2), "KD")
    across = {(a, b): "KI" for a in BIG for b in SMALL}
    for name, changes, verdict in (
        ("both", {}, "supported"),
        ("hubs join", dict.fromkeys(between, "SC"), "contradicted"),
        ("spokes part", dict.fromkeys(across, "SD"), "contradicted"),
    ):
        table = archetypes({**between, **across, **changes})
        tables = {"archetypes": table, "country_year": country_year(papers)}
        assert decided(tmp_path / name, tables, "hub-and-spoke").verdict == verdict


def test_null_models_must_all_show_it(tmp_path: Path) -> None:
    for name, given, verdict in (
        ("agree", {"none": (-0.1, -0.1), "multiedge": (-0.2, -0.2)}, "supported"),
        ("one layer", {"none": (-0.1, -0.1), "multiedge": (-0.2, 0.2)}, "contradicted"),
        ("one model", {"none": (-0.1, -0.1), "multiedge": (0.2, -0.2)}, "contradicted"),
        ("a model missing", {"none": (-0.1, -0.1)}, "not testable here"),
    ):
        tables = {"archetypes": pole_trends(**given)}
        assert decided(tmp_path / name, tables, "null-models-agree").verdict == verdict
    assert set(MODELS) == {"none", *POLES["null_models"]}


def turns(**changes: Any) -> pa.Table:
    """Return ``turns`` with one row: the poles' tie turned in 2017, from .035 to -.066."""
    row = {
        "layer": "collaboration", "what": "tie", "source": "CN", "target": "US", "turn": 1,
        "year": 2017, "year_low": 2016, "year_high": 2018, "slope_before": 0.035,
        "slope_after": -0.066, "change": -0.101, "change_low": -0.13, "change_high": -0.07,
        "p": 0.001, "turned": True, "placebo": 0.02, **changes,
    }  # fmt: skip
    fields = [(n, pa.string()) for n in ("layer", "what", "source", "target")]
    numbers = [n for n in row if not isinstance(row[n], str)]
    kinds = [pa.scalar(row[n]).type for n in numbers]
    return pa.Table.from_pylist([row], pa.schema([*fields, *zip(numbers, kinds, strict=True)]))


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "supported"),
        ({"change": 0.101, "change_low": 0.07, "change_high": 0.13}, "supported"),
        ({"placebo": 0.4}, "undecided"),
        ({"turned": False, "p": 0.2}, "undecided"),
        ({"change_low": -0.13, "change_high": 0.01}, "undecided"),
        ({"change": 0.002, "change_low": -0.01, "change_high": 0.012}, "contradicted"),
        ({"target": "DE"}, "not testable here"),
    ],
)
def test_the_poles_turn_where_the_change_of_slope_is_clear(
    tmp_path: Path, changes: dict[str, Any], verdict: str
) -> None:
    for claim, layer in (("poles-turn", "collaboration"), ("poles-turn-citation", "citation")):
        made = turns(**{"layer": layer, **changes})
        assert decided(tmp_path / layer, {"turns": made}, claim).verdict == verdict
    other = decided(tmp_path / "other", {"turns": turns(**changes)}, "poles-turn-citation")
    assert other.verdict == "not testable here"


def test_a_bent_path_says_when_it_turned(tmp_path: Path) -> None:
    table = archetypes({("CN", "US"): trend("collaboration", -0.1, 0.01, 0.04)}, ["none"])
    found = decided(tmp_path, {"archetypes": table, "turns": turns()}, COLLABORATION)
    assert "turned in 2017 (2016 to 2018), from 0.035 to -0.066 a year" in found.why
