"""Claims of polarisation on networks whose law is known.

Networks are drawn from ``Poisson(x_i x_j exp(affinity))`` and put through the null
models themselves. Without affinity nothing diverges; with an affinity between the
poles that falls by 1.5 in the logarithm over 22 years the slope is about -0.07 a year,
far beyond its noise of about 0.01.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from findings.tables import apart, country_year, links_of, results_of, verdicts
from isthmus.world.networks import poisson_panel

N, YEARS, MODELS = 24, 22, ["multiedge", "ecm"]
POLES = {"null_models": MODELS}


@pytest.fixture(scope="module")
def placebo() -> pa.Table:
    return links_of(poisson_panel(N, YEARS, 1), "collaboration", MODELS)


@pytest.fixture(scope="module")
def planted() -> pa.Table:
    panel = poisson_panel(N, YEARS, 1, affinity=apart(N, YEARS, 1.5))
    return links_of(panel, "collaboration", MODELS)


def rates(rate: float) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"null_model": model, "layer": "collaboration", "what": "poles_diverge", "rate": rate}
            | {"quantity": "log_ratio", "source": "US", "target": "CN"}
            for model in MODELS
        ]
    )


def decided(tmp_path: Path, tables: dict[str, Any], name: str, **poles: Any) -> Any:
    results = results_of(tmp_path, tables, poles={**POLES, **poles})
    return verdicts(results)[name].decision


def test_no_affinity_no_supported_divergence(tmp_path: Path, placebo: pa.Table) -> None:
    decision = decided(tmp_path, {"links": placebo}, "poles-diverge-collaboration")
    assert decision.verdict != "supported"


def test_planted_divergence_is_supported_under_the_headline_null(
    tmp_path: Path, planted: pa.Table
) -> None:
    tables = {"links": planted, "placebo": rates(0.02)}
    decision = decided(tmp_path, tables, "poles-diverge-collaboration")
    assert decision.verdict == "supported"
    assert decision.placebo.startswith("survives: 2%")
    assert decision.high is not None
    assert decision.high < 0


def test_the_artefact_of_ecm_carries_a_warning(tmp_path: Path, placebo: pa.Table) -> None:
    """Under ecm the poles diverge without any affinity; the verdict must not stand alone."""
    bare = decided(
        tmp_path / "bare",
        {"links": placebo},
        "poles-diverge-collaboration",
        null_models=["ecm", "multiedge"],
    )
    assert bare.verdict != "supported" or "Warning" in bare.why
    tables = {"links": placebo, "placebo": rates(0.97)}
    warned = decided(
        tmp_path / "warned",
        tables,
        "poles-diverge-collaboration",
        null_models=["ecm", "multiedge"],
    )
    assert warned.verdict == "undecided"
    assert warned.estimate is not None
    assert warned.estimate < 0
    assert "Placebo warning: 97%" in warned.why
    assert warned.placebo.startswith("fails: 97%")
    assert warned.nulls.startswith("fails: multiedge")


def alignment(**kinds: tuple[str, str]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"null_model": model, "country": code, "with_US": us, "with_CN": cn, "role": "x"}
            for model in MODELS
            for code, (us, cn) in kinds.items()
        ]
    )


def test_alignments(tmp_path: Path) -> None:
    table = alignment(GB=("SC", "SD"), DE=("KI", "KD"), FR=("SC", "SC"), BR=("SD", "SC"))
    table_of = {"alignment": table}
    results = results_of(tmp_path, table_of, poles=POLES)
    found = verdicts(results)
    assert found["exclusive-with-first"].decision.verdict == "supported"
    assert found["bridges"].decision.verdict == "undecided"
    assert "Not in these results: Italy" in found["bridges"].decision.why
    assert found["exclusive-with-first"].decision.nulls == "survives: ecm"


def test_a_country_aligned_otherwise_decides(tmp_path: Path) -> None:
    table = alignment(GB=("SD", "SC"), DE=("KI", "KD"))
    found = decided(tmp_path, {"alignment": table}, "exclusive-with-first")
    assert found.verdict == "not supported"
    assert found.estimate == 0.5


def test_more_with_the_second(tmp_path: Path) -> None:
    codes = ["BR", "RU", "ES", "AU", "IN", "PL", "SG", "KR", "TW", "ZA", "EG", "NG"]
    table = alignment(**dict.fromkeys(codes, ("SD", "SC")), GB=("SC", "SD"))
    found = decided(tmp_path, {"alignment": table}, "developing-with-second-only")
    assert found.verdict == "supported"


def archetypes(kind: dict[tuple[str, str], str]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"null_model": model, "source": a, "target": b, "archetype": k}
            for model in MODELS
            for (a, b), k in kind.items()
        ]
    )


def test_largest_diverge_and_hubs(tmp_path: Path) -> None:
    big = ["DE", "FR", "IT", "ES", "NL", "PL"]
    small = ["PT", "GR", "CZ", "HU"]
    kinds = {(a, b): "SD" for a in big for b in big if a < b}
    kinds |= {(a, b): "SC" for a in big for b in small}
    papers = {code: [100] * 22 for code in big} | {code: [10] * 22 for code in small}
    tables = {"archetypes": archetypes(kinds), "country_year": country_year(papers)}
    results = results_of(tmp_path, tables, poles=POLES)
    found = verdicts(results)
    assert found["hub-and-spoke"].decision.verdict == "supported"
    # 15 of these 39 pairs are SD: the interval of the share, 0.25 to 0.54, holds one half.
    assert found["largest-diverge"].decision.verdict == "undecided"
    assert found["largest-diverge"].decision.estimate == pytest.approx(15 / 39)


def test_ties_of_the_poles(tmp_path: Path) -> None:
    others = ["DE", "FR", "IT", "ES", "NL", "PL", "PT", "GR", "CZ", "HU", "BE", "AT"]
    rows = [
        {"layer": "collaboration", "null_model": model, "year": 2021, "source": a, "target": b}
        | {"z": 3.0 if b == "US" else 0.5, "log_ratio": 0.1}
        for model in MODELS
        for a in others
        for b in ("US", "CN")
    ]
    found = decided(tmp_path, {"links": pa.Table.from_pylist(rows)}, "first-has-more-ties")
    assert found.verdict == "supported"
    assert "(12 and 0)" in found.why


def test_polarisation_index(tmp_path: Path) -> None:
    rows = [
        {"null_model": model, "layer": "collaboration", "year": 2000 + y, "index": 0.01 * y * sign}
        for model, sign in (("multiedge", 1), ("ecm", -1))
        for y in range(22)
    ]
    table = pa.Table.from_pylist(rows)
    found = decided(tmp_path, {"polarisation": table}, "two-poles")
    assert found.verdict == "supported"
    assert "no placebo was run" in found.why
    assert found.nulls == "fails: ecm says not supported"


@pytest.mark.parametrize(("high", "verdict"), [(0.02, "supported"), (0.5, "undecided")])
def test_polarisation_beside_its_placebo(tmp_path: Path, high: float, verdict: str) -> None:
    rows = [
        {"null_model": model, "layer": "collaboration", "year": 2000 + y, "index": 0.01 * y}
        | {"placebo_high": high}
        for model in MODELS
        for y in range(22)
    ]
    found = decided(tmp_path, {"polarisation": pa.Table.from_pylist(rows)}, "two-poles")
    assert found.verdict == verdict
    assert ("Placebo warning" in found.why) == (verdict == "undecided")
    assert found.estimate == pytest.approx(0.01)
