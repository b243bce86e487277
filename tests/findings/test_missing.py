"""Verdicts under missing affiliations: kept where nothing hangs on them, else left open."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from findings.tables import YEARS, N, country_year, decided, results_of, totals
from isthmus.findings.claims import claims_of
from isthmus.findings.evidence import Evidence
from isthmus.findings.missing import missing_share
from isthmus.findings.verdict import Decision
from isthmus.results import schema_of

#: Papers a year; the poles lead three times over.
PAPERS = {"US": [300.0] * N, "CN": [300.0] * N, "GB": [100.0] * N}


def bounds(papers: dict[str, list[float]], missing: float, imputed: dict[str, float]) -> pa.Table:
    """Bounds of shares of papers with so many more works that lack a country each year.

    What is filled in is in proportion to the papers, times a factor of each country.
    """
    rows = []
    for at in (*range(N), None):
        own = {c: sum(p) if at is None else p[at] for c, p in papers.items()}
        lost, known = missing * (N if at is None else 1), sum(own.values())
        works = known + lost
        parts = {c: p * imputed.get(c, 1.0) for c, p in own.items()}
        for country, count in own.items():
            row = {
                "number": "papers_last_author_share",
                "year": None if at is None else YEARS[0] + at,
                "country": country,
                "partner": None,
                "measured": count / known,
                "imputed": parts[country] / sum(parts.values()),
                "weighted": count / known,
                "lowest": count / works,
                "highest": (count + lost) / works,
                "works": works,
                "missing": lost,
            }
            rows.append(row)
    return pa.Table.from_pylist(rows, schema_of("bounds"))


def lead(folder: Path, missing: float, rules: dict | None = None, **imputed: float) -> Decision:
    tables = {"country_year": country_year(PAPERS), "bounds": bounds(PAPERS, missing, imputed)}
    return decided(folder, tables, "poles-lead-output", findings=rules or {})


def test_a_verdict_on_which_nothing_hangs_survives(tmp_path: Path) -> None:
    found = lead(tmp_path, 100.0)  # the poles' 300 against at most 200
    assert found.verdict == "supported"
    assert found.missing_data.startswith("yes: supported if filled in, supported if weighted")


def test_a_verdict_that_turns_on_missing_works_is_left_open(tmp_path: Path) -> None:
    found = lead(tmp_path, 400.0)  # the poles' 300 against 500
    assert found.verdict == "undecided"
    assert "contradicted if all of them others'" in found.missing_data
    assert "It turns on missing affiliations: 36% of the works" in found.why
    # The number itself is that of the data, and stays.
    assert found.estimate == pytest.approx(3.0)


def test_it_stays_where_few_works_miss_a_country(tmp_path: Path) -> None:
    found = lead(tmp_path, 400.0, {"missing_share": 0.4})
    assert found.verdict == "supported"
    assert found.missing_data.startswith("no: ")


def test_what_is_filled_in_can_turn_a_verdict_by_itself(tmp_path: Path) -> None:
    found = lead(tmp_path, 199.0, CN=0.3)
    assert found.missing_data.startswith("no: contradicted if filled in, supported if weighted")
    assert found.verdict == "undecided"


def test_results_without_bounds_say_so(tmp_path: Path) -> None:
    tables = {"country_year": country_year(PAPERS)}
    found = decided(tmp_path, tables, "poles-lead-output")
    assert found.verdict == "supported"
    assert found.missing_data == "not tested: these results hold no bounds"
    other = decided(tmp_path / "other", tables, "poles-lead-scientists")
    assert other.missing_data.startswith("not tested")


def test_catching_up_is_asked_with_missing_works_early_and_late(tmp_path: Path) -> None:
    """The second pole passes the first; works lost early could have been its own."""
    papers = {
        "US": [200.0] * N,
        "CN": [100.0] * (N // 2) + [300.0] * (N - N // 2),
        "GB": [50.0] * N,
    }
    tables = {"country_year": country_year(papers), "bounds": bounds(papers, 150.0, {})}
    found = decided(tmp_path, tables, "second-catches-up")
    assert found.verdict == "undecided"
    said = found.missing_data
    assert "contradicted if first from China, later from the US" in said
    assert "supported if first from the US, later from China" in said


def joint(missing: float) -> dict[str, pa.Table]:
    """Ten joint papers a year, with bounds of joint papers and of each pole's."""
    years = range(YEARS[0], YEARS[1] + 1)
    together = pa.table(
        {
            "year": pa.array(list(years), pa.int16()),
            "source": ["CN"] * N,
            "target": ["US"] * N,
            "works_whole": [10] * N,
            "works_fractional": [10.0] * N,
        }
    )
    rows = []
    for number, country, partner in (
        ("joint_share", "CN", "US"),
        ("papers_whole_share", "CN", None),
        ("papers_whole_share", "US", None),
    ):
        for year in (*years, None):
            base = 10.0 if partner else 300.0
            rows.append(
                {
                    "number": number,
                    "year": year,
                    "country": country,
                    "partner": partner,
                    **dict.fromkeys(("measured", "imputed", "weighted", "lowest"), base / 700),
                    "highest": (base + missing) / 700,
                    "works": 700.0 if year else 700.0 * N,
                    "missing": missing if year else missing * N,
                }
            )
    table = pa.Table.from_pylist(rows, schema_of("bounds"))
    return {"collaboration": together, "country_year": country_year(PAPERS), "bounds": table}


def test_joint_papers_are_rare_unless_missing_works_are_joint(tmp_path: Path) -> None:
    few = decided(tmp_path / "few", joint(5.0), "joint-papers-rare")
    assert (few.verdict, few.missing_data[:3]) == ("supported", "yes")
    many = decided(tmp_path / "many", joint(300.0), "joint-papers-rare")
    assert many.verdict == "undecided"
    assert "supported if none of them joint" in many.missing_data
    assert "contradicted if all of them joint" in many.missing_data


def test_the_missing_share_is_that_of_all_years(tmp_path: Path) -> None:
    evidence = Evidence(results_of(tmp_path, joint(70.0)))
    claims = {claim.name: claim for claim in claims_of(evidence)}
    assert missing_share(claims["joint-papers-rise"], evidence) == pytest.approx(0.1)
    assert missing_share(claims["poles-lead-impact"], evidence) == 0


def test_totals_with_their_errors_are_made_anew(tmp_path: Path) -> None:
    """A ratio is of totals of all years: they hold the missing works too."""
    summed = [
        ("papers_last_author", "all", code, sum(counts), sum(counts) ** 0.5)
        for code, counts in PAPERS.items()
    ]
    tables = {"country_year": country_year(PAPERS), "bounds": bounds(PAPERS, 400.0, {})}
    found = decided(tmp_path, {**tables, "country_totals": totals(summed)}, "poles-lead-output")
    assert found.estimate == pytest.approx(3.0)
    assert "contradicted if all of them others'" in found.missing_data
    assert found.verdict == "undecided"
