from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from findings.tables import country_year, results_of, verdicts
from isthmus.errors import StudyError
from isthmus.findings import decide, findings_table, write_findings
from isthmus.study import Study

WISH = {"statement": "Germany writes much.", "table": "country_year", "column": "papers_whole"}


def decided(tmp_path: Path, **wish: Any) -> Any:
    table = country_year({"US": [300] * 22, "CN": [200] * 22, "DE": [50] * 22})
    claims = {"mine": {**WISH, **wish}}
    results = results_of(tmp_path, {"country_year": table}, claims=claims)
    return verdicts(results)["mine"].decision


@pytest.mark.parametrize(
    ("wish", "verdict"),
    [
        ({"where": {"country": "DE"}, "above": 40}, "supported"),
        ({"where": {"country": "DE"}, "above": 60}, "not supported"),
        ({"where": {"country": "DE"}, "below": 60}, "supported"),
        ({"where": {"country": "DE", "year": 2005}, "above": 40, "below": 60}, "supported"),
        ({"where": {"country": "DE"}, "above": 40, "low": "hits"}, "supported"),
        ({"above": 100}, "not supported"),
        ({"where": {"country": "XX"}, "above": 1}, "undecided"),
        (
            {"column": "country", "where": {"year": 2000, "country": "DE"}, "equals": "DE"},
            "supported",
        ),
        ({"column": "country", "equals": "DE"}, "not supported"),
    ],
)
def test_own_claims_are_decided(tmp_path: Path, wish: dict[str, Any], verdict: str) -> None:
    assert decided(tmp_path, **wish).verdict == verdict


def test_intervals_of_own_claims(tmp_path: Path) -> None:
    wish = {"where": {"country": "DE"}, "above": 40, "low": "scientists", "high": "c2_sum"}
    assert decided(tmp_path, **wish).verdict == "undecided"


def test_an_unknown_column_lists_those_there(tmp_path: Path) -> None:
    why = decided(tmp_path, column="papers", above=1).why
    assert "no column `papers`" in why
    assert "papers_whole" in why


@pytest.mark.parametrize(
    ("wish", "match"),
    [
        ({**WISH, "abvoe": 3}, "did you mean `above`"),
        (WISH, "given `above`, `below` or `equals`"),
        ("x", "must be a table"),
    ],
)
def test_a_claim_that_cannot_be_decided_is_refused(wish: Any, match: str) -> None:
    with pytest.raises(StudyError, match=match):
        Study.parse({"study": {"corpus": "c", "years": [2000, 2001]}, "claims": {"mine": wish}})


def test_claims_change_no_number() -> None:
    plain = {"study": {"corpus": "c", "years": [2000, 2001]}}
    with_claim = {**plain, "claims": {"mine": {**WISH, "above": 1}}}
    assert Study.parse(plain).fingerprint() == Study.parse(with_claim).fingerprint()


def test_claims_may_be_given_later(tmp_path: Path) -> None:
    table = country_year({"US": [300] * 22, "CN": [200] * 22, "DE": [50] * 22})
    results = results_of(tmp_path, {"country_year": table})
    study = {"study": {"corpus": "c", "years": [2000, 2001]}}
    wish = {**WISH, "where": {"country": "DE"}, "above": 40}
    claims = Study.parse({**study, "claims": {"later": wish}}).settings()["claims"]
    assert verdicts(results, claims=claims)["later"].decision.verdict == "supported"


def test_the_table_has_one_row_per_claim_with_all_said(tmp_path: Path) -> None:
    table = country_year({"US": [300] * 22, "CN": [200] * 22, "DE": [50] * 22})
    results = results_of(tmp_path, {"country_year": table})
    found = findings_table(decide(results))
    assert found.num_rows == len(set(found["claim"].to_pylist())) > 30
    for row in found.to_pylist():
        assert row["verdict"] in ("supported", "not supported", "undecided")
        assert all(row[name] for name in ("statement", "general", "evidence", "why"))
    assert write_findings(results).read_text().startswith('"claim"')


def test_missing_data_say_what_is_missing(tmp_path: Path) -> None:
    table = country_year({"US": [300] * 22, "CN": [200] * 22, "DE": [50] * 22})
    found = verdicts(results_of(tmp_path, {"country_year": table}))
    for name in ("bridges", "premium-first", "origin-of-movers-first", "poles-diverge-citation"):
        assert found[name].decision.verdict == "undecided"
        assert "These results hold no rows of `" in found[name].decision.why


def test_other_attributions_are_compared(tmp_path: Path) -> None:
    table = country_year({"US": [300] * 22, "CN": [200] * 22, "DE": [50] * 22})
    turned = country_year({"US": [300] * 22, "CN": [20] * 22, "DE": [50] * 22})
    names = ["papers_first_author" if n == "papers_last_author" else n for n in turned.column_names]
    results = results_of(tmp_path / "last", {"country_year": table})
    attribution = {"attribution": "first_author"}
    other = results_of(
        tmp_path / "first", {"country_year": turned.rename_columns(names)}, countries=attribution
    )
    found = {f.claim.name: f.decision for f in decide(results, [other])}
    assert found["poles-lead-output"].verdict == "supported"
    assert found["poles-lead-output"].counting == "fails: first_author says not supported"
    assert found["second-passes-in-scientists"].counting == "survives: first_author"
