"""Whether a verdict hangs on a single country."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from isthmus.findings.evidence import Evidence, name
from isthmus.findings.verdict import Decision, Verdict, above, below

#: Largest countries besides the poles that are left out, one at a time.
LEFT_OUT = 10

_DROP = "not tested: these results hold no table `dropped`"


def refitted(evidence: Evidence, found: Decision, layer: str, what: str, *, falling: bool) -> str:
    """Say whether a trend's verdict is the same without each large country, all fitted anew."""
    if not evidence.has("dropped"):
        return _DROP
    chosen = {"null_model": evidence.null_models[0], "layer": layer, "what": what}
    rows = evidence.table("dropped", **chosen).to_pylist()
    ends = set(evidence.poles[:2])
    rows = [r for r in rows if r["source"] is None or {r["source"], r["target"]} == ends]
    decide = below if falling else above
    others = {
        r["country"]: decide(r["slope"], r["low"], r["high"], 0.0, "The trend").verdict
        for r in rows
        if r["slope"] is not None
    }
    return without_each(found, others)


def without_each(found: Decision, others: Mapping[str, Verdict]) -> str:
    """Say whether the verdict is the same without each of some countries."""
    if not others:
        return "not tested: no country can be left out"
    differing = [
        f"without {name(code)} {verdict}"
        for code, verdict in others.items()
        if verdict != found.verdict
    ]
    if differing:
        return f"fails: {'; '.join(differing)}"
    return f"survives: without any one of the {len(others)} largest other countries"


def left_out(
    evidence: Evidence, found: Decision, decide: Callable[[Evidence], Decision]
) -> Decision:
    """Add whether the verdict is the same without the rows of each large country."""
    if not evidence.has("country_year"):
        return found.checked(dropping="not tested: `country_year` does not say who is large")
    largest = largest_of(evidence, None, LEFT_OUT + len(evidence.poles))
    codes = [code for code in largest if code not in evidence.poles][:LEFT_OUT]
    others = {code: decide(evidence.without(code)).verdict for code in codes}
    return found.checked(dropping=without_each(found, others))


def largest_of(evidence: Evidence, among: Sequence[str] | None, most: int) -> list[str]:
    """Give the countries with most papers, among some or all, largest first."""
    totals = evidence.totals(evidence.papers)
    known = [code for code in totals if among is None or code in among]
    return sorted(known, key=lambda code: (-totals[code], code))[:most]
