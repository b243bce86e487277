from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from findings.tables import country_year, results_of, verdicts
from findings.test_drifting import POLES, alignment
from isthmus.findings.evidence import Evidence


def dropped(slopes: dict[str, float]) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for country, slope in slopes.items():
        ends = {"slope": slope, "low": slope - 0.01, "high": slope + 0.01}
        key = {"null_model": "multiedge", "layer": "collaboration", "country": country}
        rows.append(key | {"what": "poles", "source": "CN", "target": "US"} | ends)
        rows.append(key | {"what": "poles", "source": "CN", "target": "JP"} | {**ends, "low": 9.0})
        rows.append(key | {"what": "polarisation", "source": None, "target": None} | ends)
    return pa.Table.from_pylist(rows)


def falling() -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"layer": "collaboration", "null_model": "multiedge", "year": year, "z": 0.0}
            | {"source": "CN", "target": "US", "log_ratio": -0.1 * (year - 2000)}
            for year in range(2000, 2022)
        ]
    )


def test_a_trend_is_held_against_those_without_each_country(tmp_path: Path) -> None:
    for name, slopes, said in (
        ("stands", {"DE": -0.1, "IN": -0.2}, "survives: without any one of the 2 largest"),
        ("hangs", {"DE": -0.1, "IN": 0.2}, "fails: without India not supported"),
    ):
        tables = {"links": falling(), "dropped": dropped(slopes)}
        found = verdicts(results_of(tmp_path / name, tables, poles={"null_models": ["multiedge"]}))
        assert found["poles-diverge-collaboration"].decision.dropping.startswith(said)


def test_evidence_without_a_country_holds_none_of_its_rows(tmp_path: Path) -> None:
    table = country_year({"US": [3.0] * 22, "DE": [2.0] * 22})
    tables = {"country_year": table, "links": falling()}
    whole = Evidence(results_of(tmp_path, tables, poles=POLES))
    assert set(whole.without("DE").table("country_year")["country"].to_pylist()) == {"US"}
    assert whole.without("CN").table("links").num_rows == 0
    assert whole.without("DE").table("links").num_rows == 22
    assert whole.table("country_year").num_rows == 44


def test_a_count_of_countries_that_hangs_on_one_says_so(tmp_path: Path) -> None:
    together = ["BR", "RU", "ES", "AU", "IN", "PL", "SG", "KR", "TW"]
    tables = {
        "alignment": alignment(**dict.fromkeys(together, ("SD", "SC")), GB=("SC", "SD")),
        "country_year": country_year({c: [5.0] * 22 for c in [*together, "US", "CN", "GB"]}),
    }
    found = verdicts(results_of(tmp_path, tables, poles=POLES))["developing-with-second-only"]
    # Nine against one is beyond a Poisson ratio of 1, eight against one just not.
    assert found.decision.verdict == "supported"
    assert found.decision.dropping.startswith("fails: without")
