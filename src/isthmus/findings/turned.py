"""What the table of turns says of a tie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from isthmus.findings.evidence import Evidence
from isthmus.findings.verdict import number


def turns_of(evidence: Evidence, layer: str, ends: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of the table ``turns`` of a tie; none in results that have no such table."""
    if not evidence.has("turns"):
        return []
    where = {"layer": layer, "what": "tie", "source": ends[0], "target": ends[1]}
    rows: list[dict[str, Any]] = evidence.table("turns", **where).to_pylist()
    return rows


def when_turned(evidence: Evidence, layer: str, ends: Sequence[str]) -> str:
    """Say in which years a tie turned, and from which slope to which; empty without a date."""
    said = [
        f"; it turned in {row['year']} ({row['year_low']} to {row['year_high']}), from "
        f"{number(row['slope_before'])} to {number(row['slope_after'])} a year"
        for row in turns_of(evidence, layer, ends)
        if row["year"] is not None
    ]
    return "".join(said)
