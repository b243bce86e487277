"""Claims on bridges in Europe and on a further pole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from findings.tables import N, alignment, decided, jeffreys, placebo, results_of, verdicts
from isthmus.stats import trend as fitted


def edges(column: str, growth: float) -> pa.Table:
    """Links of India and of others; India's grow by `growth` more a year, in the logarithm."""
    noise = np.random.default_rng(1).normal(0, 0.01, N)
    rows: list[dict[str, Any]] = []
    for at in range(N):
        year, others = 2000 + at, 4000.0 * 1.1**at
        own = 0.1 * others * np.exp(growth * at + noise[at])
        rows.append({"year": year, "source": "IN", "target": "US", column: own / 2})
        rows.append({"year": year, "source": "DE", "target": "IN", column: own / 2})
        rows.append({"year": year, "source": "DE", "target": "FR", column: others})
        rows.append({"year": year, "source": "IN", "target": "IN", column: 1e9 / (at + 1)})
    return pa.Table.from_pylist(rows)


def tables(works: float, cited: float, slope: float | None) -> dict[str, pa.Table]:
    return {
        "collaboration": edges("works_whole", works),
        "citation": edges("citations_whole", cited),
        "alignment": alignment({"IN": {"US": ("SD", slope)}, "DE": {"US": ("SC", 0.1)}}),
    }


def test_it_outgrows_the_world_and_leaves_the_first_pole(tmp_path: Path) -> None:
    for at, (works, cited, slope, verdict) in enumerate(
        (
            (0.05, 0.08, -0.05, "supported"),
            (0.05, 0.08, 0.05, "contradicted"),
            (0.0, 0.08, -0.05, "contradicted"),
            (0.05, 0.0, -0.05, "contradicted"),
            (0.05, 0.08, None, "undecided"),
        )
    ):
        found = decided(tmp_path / str(at), tables(works, cited, slope), "emergent-pole")
        assert found.verdict == verdict, found.why


def test_its_growth_is_that_of_its_share_of_links_between_countries(tmp_path: Path) -> None:
    found = decided(tmp_path, tables(0.0, 0.5, -0.5), "emergent-pole")
    table = edges("works_whole", 0.0).to_pylist()
    values = []
    for year in range(2000, 2000 + N):
        rows = [r for r in table if r["year"] == year and r["source"] != r["target"]]
        own = sum(r["works_whole"] for r in rows if "IN" in (r["source"], r["target"]))
        values.append(np.log((own + 0.5) / (sum(r["works_whole"] for r in rows) + 1)))
    by_hand = fitted(np.array([values]))
    assert found.estimate == pytest.approx(float(by_hand.slope[0]))
    assert found.high == pytest.approx(float(by_hand.high[0]))


def test_its_departure_has_a_placebo(tmp_path: Path) -> None:
    made = tables(0.05, 0.08, -0.05)
    made["placebo"] = placebo("relation:IN:US:apart", 0.6, source="IN", target="US")
    found = decided(tmp_path, made, "emergent-pole")
    assert (found.verdict, found.placebo[:6]) == ("undecided", "differ")


def test_a_country_without_links_is_no_data(tmp_path: Path) -> None:
    made = tables(0.05, 0.08, -0.05)
    rows = [r for r in made["citation"].to_pylist() if "IN" not in (r["source"], r["target"])]
    made["citation"] = pa.Table.from_pylist(rows)
    found = decided(tmp_path, made, "emergent-pole")
    assert found.verdict == "not testable here"
    assert "no citations with other countries" in found.why


def test_bridges_of_europe_count_countries_followed_with_both(tmp_path: Path) -> None:
    codes = ["AT", "BE", "CZ", "DK", "ES", "FI", "FR", "GR", "IE", "IT"]
    for both, verdict in ((9, "supported"), (4, "undecided"), (0, "contradicted")):
        kinds = {
            code: {"US": ("SC", 0.1), "CN": ("KI" if at < both else "SD", 0.1)}
            for at, code in enumerate(codes)
        }
        kinds |= {"JP": {"US": ("SC", 0.1), "CN": ("SC", 0.1)}, "PL": {"US": ("SC", 0.1)}}
        table = alignment(kinds)
        found = decided(tmp_path / str(both), {"alignment": table}, "europe-bridges")
        _, high = jeffreys(both, 10)
        assert (found.estimate, found.high) == (both / 10, pytest.approx(high))
        assert found.verdict == verdict


def test_other_poles_are_not_asked_about_named_countries(tmp_path: Path) -> None:
    results = results_of(tmp_path, {}, countries={"poles": ["DE", "IN"]})
    found = verdicts(results)
    for name in ("emergent-pole", "europe-bridges", "bridges", "hub-and-spoke"):
        assert name not in found
    assert "two-poles" in found
