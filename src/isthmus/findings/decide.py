"""Every claim decided, as findings and as the result table ``findings``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from isthmus.findings.claims import claims_of
from isthmus.findings.evidence import Evidence
from isthmus.findings.verdict import Claim, Decision, Finding, undecided
from isthmus.results import Results, write_table

#: Columns of the table, one row per claim.
SCHEMA = pa.schema(
    [
        pa.field("claim", pa.string(), nullable=False),
        ("source", pa.string()),
        ("statement", pa.string()),
        ("general", pa.string()),
        ("evidence", pa.string()),
        ("estimate", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("verdict", pa.string()),
        ("why", pa.string()),
        ("null_models", pa.string()),
        ("placebo", pa.string()),
        ("counting", pa.string()),
        ("dropping", pa.string()),
    ]
)


def decide(
    results: Results,
    others: Sequence[Results] = (),
    *,
    claims: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """Decide every claim from finished results.

    Parameters
    ----------
    results
        Results of a finished run.
    others
        Results of the same study under other rules of attribution or counting;
        a claim that they decide differently says so.
    claims
        The user's own claims as settings of a study; those the run recorded when None.

    Returns
    -------
    list of Finding
        One per claim, both studies' first, the study file's own last.
    """
    evidence = Evidence(results)
    elsewhere = [Evidence(other) for other in others]
    found = []
    for claim in claims_of(evidence, claims):
        decision = _decided(claim, evidence)
        if elsewhere:
            decision = decision.checked(counting=_compared(claim, decision, elsewhere))
        found.append(Finding(claim, decision))
    return found


def _decided(claim: Claim, evidence: Evidence) -> Decision:
    missing = [name for name in claim.needs if not evidence.has(name)]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        return undecided(f"These results hold no rows of {names}; run the step that makes them.")
    return claim.decide(evidence)


def _compared(claim: Claim, decision: Decision, others: Sequence[Evidence]) -> str:
    said = []
    for evidence in others:
        rule = evidence.settings["countries"]["attribution"]
        said.append((rule, _decided(claim, evidence).verdict))
    differing = [f"{rule} says {verdict}" for rule, verdict in said if verdict != decision.verdict]
    if differing:
        return f"fails: {'; '.join(differing)}"
    return f"survives: {', '.join(rule for rule, _ in said)}"


def findings_table(found: Sequence[Finding]) -> pa.Table:
    """Give findings as the result table ``findings``."""
    rows = [
        {
            "claim": f.claim.name,
            "source": f.claim.source,
            "statement": f.claim.statement,
            "general": f.claim.general,
            "evidence": _evidence(f.claim),
            "estimate": f.decision.estimate,
            "low": f.decision.low,
            "high": f.decision.high,
            "verdict": f.decision.verdict,
            "why": f.decision.why,
            "null_models": f.decision.nulls,
            "placebo": f.decision.placebo,
            "counting": f.decision.counting,
            "dropping": f.decision.dropping,
        }
        for f in found
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def _evidence(claim: Claim) -> str:
    tables = ", ".join(claim.needs)
    return f"{tables}: {claim.rule}" if tables else claim.rule


def write_findings(
    results: Results,
    others: Sequence[Results] = (),
    *,
    claims: Mapping[str, Any] | None = None,
) -> Path:
    """Write ``findings.parquet`` and ``findings.csv`` into a folder of results.

    They depend on the results alone; ``run.json`` stays as the run wrote it.
    """
    write_table(results.path, "findings", findings_table(decide(results, others, claims=claims)))
    return results.path / "findings.csv"
