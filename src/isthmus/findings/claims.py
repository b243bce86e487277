"""Every claim these results are asked about: both studies' and the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from isthmus.findings import blocs, depending, drifting, emerging, joining, leading, moving, staying
from isthmus.findings.evidence import Evidence
from isthmus.findings.own import own_claims
from isthmus.findings.verdict import Claim
from isthmus.selection.wording import capital

#: Statements of the studies that no bibliographic record can decide: source and statement.
#: They are listed beside the findings and get no verdict.
POLICY: dict[str, tuple[str, str]] = {
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

#: How the names of claims begin that are about the first pole alone or about every pole.
ABOUT_ONE = ("poles-lead-", "impact-rises-first")


def claims_of(evidence: Evidence, own: Mapping[str, Any] | None = None) -> list[Claim]:
    """Return every claim, both studies' first, the study file's own last.

    A study of one pole is asked who leads, and its own claims: the others are about two. What
    the papers say of named countries is asked of studies of their poles only.
    """
    wishes = evidence.settings.get("claims", {}) if own is None else own
    asked = leading.claims(evidence)
    if len(evidence.poles) < 2:
        asked = [claim for claim in asked if claim.name.startswith(ABOUT_ONE)]
        return [*_in_words(asked, evidence), *own_claims(wishes)]
    asked += [
        *moving.claims(evidence),
        *staying.claims(evidence),
        *joining.claims(evidence),
        *drifting.claims(evidence),
        *blocs.claims(evidence),
        *emerging.claims(evidence),
        *depending.claims(evidence),
    ]
    return [*_in_words(asked, evidence), *own_claims(wishes)]


def _in_words(claims: list[Claim], evidence: Evidence) -> list[Claim]:
    """Begin statements with a capital; keep the papers' sentences for their own study only."""
    theirs = evidence.words.is_original_study
    return [
        replace(claim, statement=capital(claim.statement), said=claim.said if theirs else "")
        for claim in claims
    ]
