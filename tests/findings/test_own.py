"""Claims of the study file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from findings.tables import country_year, decided, flat, results_of, verdicts
from isthmus.errors import StudyError
from isthmus.findings import Decision
from isthmus.study import Study

WISH = {"statement": "Germany writes much.", "table": "country_year", "column": "papers_whole"}
TABLE = country_year(flat(US=300, CN=200, DE=50))
GERMANY = {"country": "DE"}


def mine(folder: Path, given: pa.Table = TABLE, **wish: Any) -> Decision:
    return decided(folder, {"country_year": given}, "mine", claims={"mine": {**WISH, **wish}})


@pytest.mark.parametrize(
    ("wish", "verdict"),
    [
        ({"where": GERMANY, "above": 40}, "supported"),
        ({"where": GERMANY, "above": 60}, "contradicted"),
        ({"where": GERMANY, "below": 60}, "supported"),
        ({"where": {"country": "DE", "year": 2005}, "above": 40, "below": 60}, "supported"),
        ({"where": {"country": "DE", "year": 2005}, "above": 60, "below": 70}, "contradicted"),
        ({"above": 100}, "contradicted"),
        ({"where": {"country": "XX"}, "above": 1}, "not testable here"),
        ({"column": "country", "where": GERMANY, "equals": "DE"}, "supported"),
        ({"column": "country", "equals": "DE"}, "contradicted"),
        ({"column": "year", "where": {"year": 2005}, "equals": 2005}, "supported"),
        ({"column": "country", "where": GERMANY, "above": 1}, "not testable here"),
        ({"table": "nothing", "above": 1}, "not testable here"),
    ],
)
def test_own_claims_are_decided(tmp_path: Path, wish: dict[str, Any], verdict: str) -> None:
    assert mine(tmp_path, **wish).verdict == verdict


def test_intervals_of_own_claims(tmp_path: Path) -> None:
    """Papers 50 a year, with an interval from 25 (scientists) to 150 (citations)."""
    ends = {"where": GERMANY, "low": "scientists", "high": "c2_sum"}
    for above, verdict in ((5, "supported"), (40, "undecided"), (400, "contradicted")):
        found = mine(tmp_path / str(above), above=above, **ends)
        assert (found.verdict, found.low, found.high) == (verdict, 25.0, 150.0)


def test_a_null_number_or_end_is_no_number(tmp_path: Path) -> None:
    papers = {**flat(US=3, DE=50), "CN": [2.0] * 22}
    gaps = country_year(papers, c2_sum={**papers, "DE": [None, *[90.0] * 21]})
    found = mine(tmp_path / "value", gaps, column="c2_sum", where=GERMANY, above=40)
    assert (found.verdict, found.estimate) == ("undecided", None)
    found = mine(tmp_path / "end", gaps, where=GERMANY, above=40, high="c2_sum")
    assert (found.verdict, found.estimate, found.high) == ("undecided", 50.0, None)


def test_an_unknown_column_lists_those_there(tmp_path: Path) -> None:
    for at, wish in enumerate(({"column": "papers"}, {"where": {"papers": 1}}, {"low": "papers"})):
        found = mine(tmp_path / str(at), **{"above": 1, **wish})
        assert found.verdict == "not testable here"
        assert "no column `papers`" in found.why
        assert "papers_whole" in found.why


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
    results = results_of(tmp_path, {"country_year": TABLE})
    study = {"study": {"corpus": "c", "years": [2000, 2001]}}
    wish = {**WISH, "where": GERMANY, "above": 40}
    claims = Study.parse({**study, "claims": {"later": wish}}).settings()["claims"]
    assert verdicts(results, claims=claims)["later"].decision.verdict == "supported"
