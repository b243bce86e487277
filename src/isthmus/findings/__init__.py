"""Claims, what the result tables say about each, and a verdict with its reasons.

Every claim of the two studies is an entry: its statement in the study's own words, what it
estimates, the smallest effect of interest. A verdict is ``supported``, ``contradicted``,
``undecided`` or ``not testable here``; beside it stand placebo worlds, other null models,
other rules of counting, and whether the effect is as large as the paper said.
"""

from __future__ import annotations

from isthmus.findings.claims import POLICY, claims_of
from isthmus.findings.contrasts import only_here, write_contrasts
from isthmus.findings.decide import decide, findings_table, write_findings
from isthmus.findings.verdict import Claim, Condition, Decision, Finding

__all__ = [
    "POLICY",
    "Claim",
    "Condition",
    "Decision",
    "Finding",
    "claims_of",
    "decide",
    "findings_table",
    "only_here",
    "write_contrasts",
    "write_findings",
]
