"""Claims, what the result tables say about each, and a verdict with its reasons.

Every claim of the two studies is an entry: its statement, the rule that decides
it, the table it is read from. A verdict is ``supported``, ``not supported`` or
``undecided``; beside it stands whether it survives other null models, the
placebo, other counting rules, and dropping the largest.
"""

from __future__ import annotations

from isthmus.findings.claims import claims_of
from isthmus.findings.decide import decide, findings_table, write_findings
from isthmus.findings.verdict import Claim, Decision, Finding

__all__ = [
    "Claim",
    "Decision",
    "Finding",
    "claims_of",
    "decide",
    "findings_table",
    "write_findings",
]
