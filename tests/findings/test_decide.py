"""From the numbers of all claims to findings: error rates, vetoes, what cannot be tested."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm

from findings.tables import (
    POINT,
    alignment,
    country_year,
    decided,
    effect,
    effects,
    flat,
    placebo,
    pole_trends,
    results_of,
    verdicts,
)
from isthmus.findings import POLICY, claims_of, decide, findings_table, write_findings
from isthmus.findings.decide import SCHEMA, _false_discovery_rates
from isthmus.findings.evidence import Evidence
from isthmus.findings.verdict import Claim, Condition
from isthmus.results import open_results

VERDICTS = ("supported", "contradicted", "undecided", "not testable here")


def by_hand(p: Sequence[float]) -> np.ndarray:
    """Benjamini and Hochberg's step-up rule: the smallest rate at which each is a discovery."""
    q = np.empty(len(p))
    for row, own in enumerate(p):
        rates = [len(p) * other / sum(x <= other for x in p) for other in p if other >= own]
        q[row] = min(*rates, 1.0)
    return q


def asked(name: str, *, of_sizes: str = "", absence: bool = False) -> Claim:
    return Claim(name, name, "x", (), "x", lambda _: [], of_sizes=of_sizes, absence=absence)


def with_p(p: float) -> list[Condition]:
    z = norm.isf(p / 2)
    return [Condition("x", 0.0, 1.0, value=z, low=z - POINT, high=z + POINT)]


P = (0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216, 0.9)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_rates_are_those_of_either_family_by_itself_in_any_order(seed: int | None) -> None:
    order = np.arange(2 * len(P))
    if seed is not None:
        order = np.random.default_rng(seed).permutation(order)
    p = np.array([*P, *(x / 3 for x in P)])[order]
    sizes = order >= len(P)
    claims = [asked(str(at), of_sizes="growth" if s else "") for at, s in enumerate(sizes)]
    q = np.array(_false_discovery_rates(claims, [with_p(x) for x in p]), dtype=float)
    for family in (True, False):
        assert q[sizes == family] == pytest.approx(by_hand(p[sizes == family].tolist()), rel=1e-6)
    assert not np.allclose(q, by_hand(p.tolist()))


def test_claims_without_a_test_are_not_counted() -> None:
    """No data, too few, and numbers that stand for themselves: none is among those tested."""
    certain = [Condition("x", 0.0, 1.0, value=5.0, low=5.0, high=5.0)]
    few = [Condition("x", 0.0, 1.0, value=5.0, reason="too few")]
    measured: list[Any] = [with_p(0.03), "`flows` has no rows", certain, few, [], with_p(0.04)]
    claims = [asked(str(at)) for at in range(len(measured))]
    q = _false_discovery_rates(claims, measured)
    assert q[1:5] == [None] * 4
    assert [q[0], q[5]] == pytest.approx([0.04, 0.04])


def test_an_absence_is_counted_with_the_p_of_an_effect_that_matters() -> None:
    one = Condition("x", 0.0, 5.0, value=1.0, low=1.0 - POINT, high=1.0 + POINT)
    q = _false_discovery_rates([asked("a", absence=True)], [[one]])
    assert q == pytest.approx([2 * norm.sf(4.0)])


def matched(half: float) -> dict[str, pa.Table]:
    rows = [effect("joint:US+CN", None, 30.0, half), effect("joint:CN+US", None, 0.0, 60.0)]
    slow = pole_trends(none=(0.0, 0.0))
    return {"matched": effects(rows), "archetypes": slow}


def test_a_rate_above_the_studys_leaves_a_claim_open(tmp_path: Path) -> None:
    """One p of .03 among four claims tested: its rate is .12."""
    half = 130 * (1 - 1.3 ** (-POINT / norm.isf(0.015)))  # on logarithms, towards 0
    for rate, verdict in ((0.05, "undecided"), (0.13, "supported")):
        results = results_of(tmp_path / str(rate), matched(half), findings={"error_rate": rate})
        found = verdicts(results)
        one = found["premium-first"].decision
        tested = [f.decision.p for f in found.values() if f.decision.p is not None]
        assert one.p == pytest.approx(0.03)
        assert one.q == pytest.approx(0.03 * len(tested))
        assert one.verdict == verdict
        assert ("false discovery rate is 0.12, above 0.05" in one.why) == (verdict != "supported")


def test_claims_true_of_sizes_do_not_lend_their_certainty(tmp_path: Path) -> None:
    """Certain claims on leading are a family of their own."""
    half = 130 * (1 - 1.3 ** (-POINT / norm.isf(0.015)))  # on logarithms, towards 0
    tables = {**matched(half), "country_year": country_year(flat(US=300, CN=200, DE=5))}
    found = verdicts(results_of(tmp_path, tables))
    lead = found["poles-lead-output"].decision
    assert lead.verdict == "supported"
    assert lead.q is not None
    assert lead.q < 1e-6
    families = [
        [
            f.decision.p
            for f in found.values()
            if f.decision.p is not None and bool(f.claim.of_sizes) == s
        ]
        for s in (True, False)
    ]
    for s, p in zip((True, False), families, strict=True):
        q = [
            f.decision.q
            for f in found.values()
            if f.decision.p is not None and bool(f.claim.of_sizes) == s
        ]
        assert q == pytest.approx(by_hand(p), rel=1e-6)
    assert found["premium-first"].decision.verdict == "undecided"


def test_a_placebo_vetoes_support_alone(tmp_path: Path) -> None:
    for slope, p, level, verdict in (
        (-0.05, 0.2, 0.05, "undecided"),
        (-0.05, 0.2, 0.25, "supported"),
        (-0.05, 0.02, 0.05, "supported"),
        (0.05, 0.9, 0.05, "contradicted"),
    ):
        tables = {
            "archetypes": pole_trends(none=(slope, 0.0)),
            "placebo": placebo("poles_diverge", p),
        }
        found = decided(
            tmp_path / f"{slope}{p}{level}",
            tables,
            "poles-diverge-collaboration",
            poles={"placebo_level": level},
        )
        assert found.verdict == verdict, found.why


def test_an_opposite_model_vetoes_contradiction_too(tmp_path: Path) -> None:
    tables = {"archetypes": pole_trends(none=(0.05, 0.0), multiedge=(-0.1, 0.0))}
    found = decided(tmp_path, tables, "poles-diverge-collaboration")
    assert found.verdict == "undecided"
    assert found.models == "differ: multiedge supported"


def test_a_model_that_leaves_it_open_does_not_veto(tmp_path: Path) -> None:
    table = alignment({"IN": {"US": ("SD", -0.1)}}, ["none"])
    tables = {"archetypes": pole_trends(none=(-0.05, 0.0)), "alignment": table}
    found = decided(tmp_path, tables, "poles-diverge-collaboration")
    assert (found.verdict, found.models) == ("supported", "not tested")


def test_a_rule_of_counting_that_contradicts_vetoes(tmp_path: Path) -> None:
    papers = flat(US=300, CN=200, DE=50)
    table = country_year(papers, papers_fractional=flat(US=300, CN=20, DE=50))
    found = decided(tmp_path, {"country_year": table}, "poles-lead-output")
    assert found.verdict == "undecided"
    assert found.counting == "differ: papers_whole supported, papers_fractional contradicted"
    assert "Sizes alone" not in found.why


def test_other_attributions_are_compared(tmp_path: Path) -> None:
    table = country_year(flat(US=300, CN=200, DE=50))
    turned = country_year(flat(US=300, CN=20, DE=50))
    names = ["papers_first_author" if n == "papers_last_author" else n for n in turned.column_names]
    results = results_of(tmp_path / "last", {"country_year": table})
    other = results_of(
        tmp_path / "first",
        {"country_year": turned.rename_columns(names)},
        countries={"attribution": "first_author"},
    )
    found = verdicts(results, [other])
    lead = found["poles-lead-output"].decision
    assert lead.verdict == "undecided"
    assert lead.counting.startswith("differ")
    assert lead.counting.endswith("first_author contradicted")
    empty = results_of(tmp_path / "none", {}, countries={"attribution": "first_author"})
    found = verdicts(results, [empty])
    assert "first_author" not in found["poles-lead-output"].decision.counting


def test_missing_tables_are_not_testable_and_say_which(tmp_path: Path) -> None:
    found = verdicts(results_of(tmp_path, {}))
    assert len(found) > 35
    for name, finding in found.items():
        assert finding.decision.verdict == "not testable here", name
        assert finding.decision.q is None
        assert finding.decision.why.endswith(".")
        for table in finding.claim.needs:
            assert f"`{table}` has no rows" in finding.decision.why


def test_tables_without_rows_are_as_good_as_none(tmp_path: Path) -> None:
    tables = {
        "country_year": country_year(flat(US=1, CN=1)).slice(0, 0),
        "archetypes": pole_trends(none=(0.1, 0.1)).slice(0, 0),
        "matched": effects([effect("joint:US+CN", None, 3.0)]).slice(0, 0),
        "placebo": placebo("poles_diverge", 0.5).slice(0, 0),
    }
    found = verdicts(results_of(tmp_path, tables))
    assert {f.decision.verdict for f in found.values()} == {"not testable here"}


def test_results_made_without_findings_settings_use_the_defaults(tmp_path: Path) -> None:
    results = results_of(tmp_path, matched(5.0))
    record = json.loads((tmp_path / "run.json").read_text())
    del record["settings"]["findings"]
    (tmp_path / "run.json").write_text(json.dumps(record))
    found = verdicts(open_results(tmp_path))["premium-first"].decision
    assert found == verdicts(results)["premium-first"].decision
    assert (found.verdict, found.smallest) == ("supported", 5.0)


def test_statements_on_policy_stand_apart_and_get_no_verdict(tmp_path: Path) -> None:
    results = results_of(tmp_path, {"country_year": country_year(flat(US=300, CN=200, DE=5))})
    found = decide(results)
    assert not {f.claim.name for f in found} & set(POLICY)
    said = {text for f in found for text in (f.claim.statement, f.claim.said)}
    assert not said & {statement for _, statement in POLICY.values()}
    assert all(source and statement for source, statement in POLICY.values())


def test_statements_name_the_studys_poles_and_field_alone(tmp_path: Path) -> None:
    results = results_of(tmp_path, {}, countries={"poles": ["DE", "IN"]})
    claims = claims_of(Evidence(results))
    assert len({claim.name for claim in claims}) == len(claims)
    for claim in claims:
        for text in (claim.statement, claim.estimand, claim.of_sizes, claim.placebo):
            words = text.replace(".", " ").replace("'", " ").split()
            assert not {"US", "U", "China", "AI", "American", "Chinese"} & set(words), text
    statements = " ".join(claim.statement for claim in claims)
    assert "Germany and India" in statements
    assert "Fossils" in statements


def test_the_table_has_one_row_per_claim_with_all_said(tmp_path: Path) -> None:
    tables = {**matched(5.0), "country_year": country_year(flat(US=300, CN=200, DE=50))}
    results = results_of(tmp_path, tables)
    found = decide(results)
    table = findings_table(found)
    assert table.schema == SCHEMA
    assert table["claim"].to_pylist() == [f.claim.name for f in found]
    rows = {row["claim"]: row for row in table.to_pylist()}
    for row in rows.values():
        assert row["verdict"] in VERDICTS
        assert all(row[name] for name in ("statement", "source", "estimand", "why"))
    one = rows["premium-first"]
    assert (one["estimate"], one["low"], one["high"], one["smallest"]) == (30.0, 25.0, 35.0, 5.0)
    assert one["p"] < one["q"] < 0.01
    assert one["of_sizes"] is None
    assert rows["poles-lead-output"]["of_sizes"].startswith("whoever has most papers")
    written = write_findings(results)
    assert written.read_text().startswith('"claim","source","statement"')
    assert len(written.read_text().splitlines()) == len(found) + 1


def test_verdict_interval_and_p_agree_in_every_finding(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    for at in range(6):
        gain, half = random.normal(10, 15), random.uniform(2, 20)
        rows = [effect(f"joint:{p}", None, gain, half) for p in ("US+CN", "CN+US")]
        tables = {
            "matched": effects(rows),
            "archetypes": pole_trends(none=(random.normal(-0.02, 0.03), 0.01)),
            "country_year": country_year(flat(US=30, CN=random.integers(5, 30), DE=10)),
        }
        for name, finding in verdicts(results_of(tmp_path / str(at), tables)).items():
            one = finding.decision
            if one.p is None or one.low is None or one.high is None or name == "second-catches-up":
                continue
            assert one.q is None or one.q >= one.p - 1e-12
            if one.verdict == "supported":
                assert one.p < 0.05, name
                assert not math.isclose(one.low, one.high), name
