"""Every claim decided, as findings and as the result table ``findings``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from scipy.stats import false_discovery_control

from isthmus.findings.claims import claims_of
from isthmus.findings.evidence import Evidence
from isthmus.findings.missing import lacking, missing_share, under_missing
from isthmus.findings.verdict import (
    NOT_TESTED,
    Claim,
    Conditions,
    Decision,
    Finding,
    Verdict,
    as_large_as_said,
    deciding,
    explained,
    p_of,
    reading,
)
from isthmus.results import Results, one_field, schema_of, write_table

_number, _text = pa.float64(), pa.string()

#: Columns of the table, one row per claim.
SCHEMA = schema_of("findings")


def decide(
    results: Results,
    others: Sequence[Results] = (),
    *,
    claims: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """Decide every claim from finished results.

    A claim is supported when its number reaches the smallest effect of interest, its interval
    excludes no effect, its false discovery rate among the claims that these results can test
    is at most ``findings.error_rate``, at most ``poles.placebo_level`` of the placebo replays
    show as much, and no other null model or rule of counting contradicts it. It is
    contradicted when an effect of that size is excluded. Claims that can be true of sizes
    alone are a family of their own.

    Parameters
    ----------
    results
        Results of a finished run; of many fields the focus is asked.
    others
        Results of the same study under other rules of attribution or counting;
        a claim that they decide differently says so.
    claims
        The user's own claims as settings of a study; those the run recorded when None.

    Returns
    -------
    list of Finding
        One per claim, both studies' first, the study file's own last.

    References
    ----------
    Benjamini, Y. and Hochberg, Y. (1995). J. R. Stat. Soc. B 57, 289-300.
    """
    evidence = Evidence(one_field(results))
    elsewhere = [Evidence(other) for other in others]
    made = claims_of(evidence, claims)
    numbers = [measured(claim, evidence) for claim in made]
    q = _false_discovery_rates(made, numbers)
    found = []
    for claim, conditions, rate in zip(made, numbers, q, strict=True):
        found.append(Finding(claim, _decided(claim, conditions, rate, evidence, elsewhere)))
    return found


def measured(claim: Claim, evidence: Evidence) -> Conditions | str:
    """Return the numbers of a claim, or why there are none."""
    empty = [name for name in claim.needs if not evidence.has(name)]
    if empty:
        return "; ".join(evidence.why_null(name) for name in empty)
    return claim.measure(evidence)


def _false_discovery_rates(
    claims: Sequence[Claim], measured: Sequence[Conditions | str]
) -> list[float | None]:
    """Return q of every claim that has a p, within its family: true of sizes alone or not."""
    p = [
        None if isinstance(found, str) else p_of(found, absence=claim.absence)
        for claim, found in zip(claims, measured, strict=True)
    ]
    q: list[float | None] = [None] * len(p)
    for family in (True, False):
        rows = [
            row
            for row, claim in enumerate(claims)
            if p[row] is not None and bool(claim.of_sizes) == family
        ]
        if rows:
            rates = false_discovery_control([p[row] for row in rows])
            for row, rate in zip(rows, rates, strict=True):
                q[row] = float(rate)
    return q


def _decided(
    claim: Claim,
    conditions: Conditions | str,
    q: float | None,
    evidence: Evidence,
    elsewhere: Sequence[Evidence],
) -> Decision:
    if isinstance(conditions, str):
        return Decision("not testable here", f"No data: {conditions}.")
    verdict = reading(conditions, absence=claim.absence)
    if not conditions:
        return Decision(verdict, explained(conditions, verdict))
    one = deciding(conditions, verdict, absence=claim.absence)
    found = Decision(
        verdict,
        explained(conditions, verdict, absence=claim.absence),
        one.value,
        one.low,
        one.high,
        p=p_of(conditions, absence=claim.absence),
        q=q,
        smallest=one.matters,
        as_said=as_large_as_said(conditions[0], claim.as_said),
    )
    checked = found.with_(
        placebo=_beside_placebo(claim, conditions, evidence.placebo_level),
        models=_compared(verdict, claim, claim.models, evidence),
        counting=_counted(verdict, claim, evidence, elsewhere),
        dropping=_compared(verdict, claim, claim.dropping, evidence),
        missing_data=under_missing(claim, verdict, evidence),
    )
    return _settled(claim, checked, evidence)


def _settled(claim: Claim, found: Decision, evidence: Evidence) -> Decision:
    """Leave a reading open where a check stands against it.

    These are error rate, placebo, null models, counting and missing data.
    """
    against = []
    if found.verdict == "supported" and found.q is not None:
        limit = evidence.error_rate
        if found.q > limit:
            against.append(
                f"Among all claims tested here its false discovery rate is {found.q:.2f}, above "
                f"{limit:g}."
            )
    for what, said in (
        ("The placebo shows it too", found.placebo if found.verdict == "supported" else ""),
        ("Null models disagree", found.models),
        ("Rules of counting disagree", found.counting),
    ):
        if said.startswith("differ"):
            against.append(f"{what}: {said.partition(': ')[2]}.")
    lost = missing_share(claim, evidence)
    if found.missing_data.startswith("no") and lost > evidence.rules["missing_share"]:
        against.append(
            f"It turns on missing {lacking(claim)}: {lost:.0%} of the works may lack them "
            f"({found.missing_data.partition(': ')[2]})."
        )
    why = found.why
    if claim.of_sizes and found.verdict == "supported" and not against:
        why = f"{why} Sizes alone can make this true: {claim.of_sizes}."
    if not against or found.verdict not in ("supported", "contradicted"):
        return found.with_(why=why)
    return found.with_(verdict="undecided", why=" ".join([why, *against]))


def _beside_placebo(claim: Claim, conditions: Conditions, level: float) -> str:
    shares = [c.placebo for c in conditions if c.placebo is not None]
    if not shares:
        return f"{NOT_TESTED}: {claim.placebo or 'no placebo worlds are made for this number'}"
    most = max(shares)
    said = f"{most:.0%} of the placebo replays show at least as much"
    return f"agree: {said}" if most <= level else f"differ: {said}"


def _compared(verdict: Verdict, claim: Claim, variants: Any, evidence: Evidence) -> str:
    """Say what other ways to measure the same number decide; only an opposite reading differs."""
    if variants is None:
        return NOT_TESTED
    readings: dict[str, Verdict] = {
        name: reading(found, absence=claim.absence) for name, found in variants(evidence).items()
    }
    return _agreement(verdict, readings)


def _agreement(verdict: Verdict, readings: Mapping[str, Verdict]) -> str:
    known = {n: v for n, v in readings.items() if v != "not testable here"}
    if not known:
        return NOT_TESTED
    opposite = {"supported": "contradicted", "contradicted": "supported"}.get(verdict)
    said = ", ".join(f"{name} {reading}" for name, reading in known.items())
    return f"{'differ' if opposite in known.values() else 'agree'}: {said}"


def _counted(
    verdict: Verdict, claim: Claim, evidence: Evidence, elsewhere: Sequence[Evidence]
) -> str:
    readings: dict[str, Verdict] = {}
    if claim.counting is not None:
        for name, found in claim.counting(evidence).items():
            readings[name] = reading(found, absence=claim.absence)
    for other in elsewhere:
        numbers = measured(claim, other)
        if not isinstance(numbers, str):
            rule = other.settings["countries"]["attribution"]
            readings[rule] = reading(numbers, absence=claim.absence)
    return _agreement(verdict, readings)


def findings_table(found: Sequence[Finding]) -> pa.Table:
    """Return findings as the result table ``findings``."""
    rows = [
        {
            "claim": f.claim.name,
            "source": f.claim.source,
            "statement": f.claim.statement,
            "said": f.claim.said or None,
            "estimand": f.claim.estimand,
            "of_sizes": f.claim.of_sizes or None,
            **{
                name: _plain(getattr(f.decision, name))
                for name in SCHEMA.names
                if hasattr(f.decision, name)
            },
        }
        for f in found
    ]
    return pa.Table.from_pylist(rows, SCHEMA)


def _plain(value: Any) -> Any:
    """Return a value without the sign of a negative zero."""
    return value + 0.0 if isinstance(value, float) else value


def write_findings(
    results: Results,
    others: Sequence[Results] = (),
    *,
    claims: Mapping[str, Any] | None = None,
) -> Path:
    """Write ``findings.parquet`` and ``findings.csv`` into a folder of results.

    They depend on the results alone; ``run.json`` stays as the run wrote it.
    """
    results = one_field(results)
    write_table(results.path, "findings", findings_table(decide(results, others, claims=claims)))
    return results.path / "findings.csv"
