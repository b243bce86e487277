from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from findings.tables import results_of, verdicts
from findings.test_drifting import POLES, alignment


def edges(column: str, indian: int) -> pa.Table:
    """Links of India that grow to `indian` and links of others that double."""
    rows = []
    for year in range(2000, 2022):
        late = year > 2010
        rows.append({"year": year, "source": "IN", "target": "US", column: indian if late else 50})
        rows.append({"year": year, "source": "DE", "target": "FR", column: 8000 if late else 4000})
    fractional = {"works_fractional": 1.0, "citations_fractional": 1.0}
    return pa.Table.from_pylist([row | fractional for row in rows])


def said(folder: Path, indian: int, with_us: str) -> str:
    tables = {
        "collaboration": edges("works_whole", indian),
        "citation": edges("citations_whole", indian),
        "alignment": alignment(IN=(with_us, "SC")),
    }
    found = verdicts(results_of(folder, tables, poles=POLES))["emergent-pole"].decision
    return found.verdict


def test_an_archetype_that_sizes_make_is_no_evidence(tmp_path: Path) -> None:
    table = alignment(IN=("SD", "SC"))
    often = table.append_column("placebo_US", pa.array([0.6] * table.num_rows))
    tables = {
        "collaboration": edges("works_whole", 400),
        "citation": edges("citations_whole", 400),
        "alignment": often,
    }
    found = verdicts(results_of(tmp_path, tables, poles=POLES))["emergent-pole"].decision
    assert found.verdict == "undecided"
    assert "Placebo warning: 60%" in found.why


def test_a_country_that_outgrows_the_world_and_leaves_the_first_pole(tmp_path: Path) -> None:
    assert said(tmp_path / "a", 400, "SD") == "supported"
    assert said(tmp_path / "b", 400, "SC") == "not supported"
    assert said(tmp_path / "c", 50, "SD") == "not supported"
    # Growth like everybody's: the ratio of ratios is 1 up to the half counts.
    assert said(tmp_path / "d", 100, "SD") == "undecided"


def test_bridges_of_europe(tmp_path: Path) -> None:
    codes = ["AT", "BE", "CZ", "DK", "ES", "FI", "FR", "GR", "IE", "IT"]
    for name, kinds, verdict in (
        ("both", ("SC", "KI"), "supported"),
        ("one", ("SC", "SD"), "not supported"),
    ):
        table = alignment(**dict.fromkeys(codes, kinds), JP=("SC", "SC"))
        found = verdicts(results_of(tmp_path / name, {"alignment": table}, poles=POLES))
        assert found["europe-bridges"].decision.verdict == verdict


def links(slopes: dict[str, float]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"layer": "collaboration", "null_model": model, "year": year}
            | {"source": "CN", "target": "US", "z": 0.0, "log_ratio": slope * (year - 2000)}
            for model, slope in slopes.items()
            for year in range(2000, 2022)
        ]
    )


def test_null_models_that_agree_and_that_do_not(tmp_path: Path) -> None:
    for name, slopes, verdict in (
        ("agree", {"multiedge": -0.1, "ecm": -0.2}, "supported"),
        ("differ", {"multiedge": 0.1, "ecm": -0.2}, "not supported"),
        ("alone", {"multiedge": 0.1}, "undecided"),
    ):
        poles = {"null_models": list(slopes)}
        results = results_of(tmp_path / name, {"links": links(slopes)}, poles=poles)
        assert verdicts(results)["null-models-agree"].decision.verdict == verdict
