"""Every claim these results are asked about: both studies' and the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isthmus.findings import drifting, emerging, joining, leading, moving
from isthmus.findings.evidence import Evidence
from isthmus.findings.own import own_claims
from isthmus.findings.verdict import Claim, Decision, Verdict, undecided

#: Statements of the studies that no bibliographic record can decide: source and statement.
OUTSIDE: dict[str, tuple[str, str]] = {
    "race-amplifies-risks": (
        drifting.STUDY,
        "The AI race amplifies security risks and international tensions.",
    ),
    "first-restricts-flows": (
        drifting.STUDY,
        "The US restricts mobility and knowledge flows and challenges regulatory efforts to "
        "protect its advantage.",
    ),
    "second-leads-governance": (
        drifting.STUDY,
        "China leads initiatives of global governance.",
    ),
    "strategies-depend-on-ties": (
        drifting.STUDY,
        "Both strategies depend on cross-country relationships in AI innovation.",
    ),
    "field-gains-from-openness": (
        leading.STUDY,
        "The field could benefit from promoting cross-border migration and collaboration.",
    ),
}

#: Years that "three decades" are.
DECADES = 30


def claims_of(evidence: Evidence, own: Mapping[str, Any] | None = None) -> list[Claim]:
    """Give every claim, both studies' first, the study file's own last."""
    return [
        *leading.claims(),
        *moving.claims(),
        *joining.claims(),
        *drifting.claims(),
        *emerging.claims(),
        _span(),
        *_outside(),
        *own_claims(evidence.settings.get("claims", {}) if own is None else own),
    ]


def _outside() -> list[Claim]:
    return [
        Claim(
            name=name,
            statement=statement,
            general="A statement on policy.",
            source=source,
            needs=(),
            rule="None: publications cannot decide it.",
            decide=_not_ours,
        )
        for name, (source, statement) in OUTSIDE.items()
    ]


def _not_ours(_: Evidence) -> Decision:
    return undecided("A statement on policy; no bibliographic table can decide it.")


def _span() -> Claim:
    return Claim(
        name="three-decades",
        statement="Polarisation and integration are measured over three decades of publications.",
        general=f"The study's years span {DECADES} years or more.",
        source=drifting.STUDY,
        needs=("coverage",),
        rule=f"Years with works in `coverage`, at least {DECADES}.",
        decide=_decades,
    )


def _decades(evidence: Evidence) -> Decision:
    rows = evidence.table("coverage", country="all")
    years = sum(1 for works in rows["works"].to_pylist() if works)
    verdict: Verdict = "supported" if years >= DECADES else "not supported"
    return Decision(verdict, f"{years} years have works; {DECADES} are three decades.", years)
