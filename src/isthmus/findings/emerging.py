"""Claims of Gallo et al. on bridges in Europe and on a further pole."""

from __future__ import annotations

import math
from typing import Any

import pyarrow.compute as pc

from isthmus.findings.drifting import (
    STUDY,
    headline,
    others,
    smallest_change,
    trend_of,
    why_absent,
)
from isthmus.findings.estimates import missing, share, slope, too_few
from isthmus.findings.evidence import Evidence, name
from isthmus.findings.verdict import Claim, Condition, Conditions
from isthmus.poles.archetypes import TOGETHER
from isthmus.poles.groups import EUROPE

#: Share of Europe's followed countries that is "many".
MANY = 1 / 3

#: The country the paper calls an emergent pole.
EMERGENT = "IN"


def claims(evidence: Evidence) -> list[Claim]:
    """Return the claims on Europe's bridges and the emergent pole, for the paper's poles only."""
    if set(evidence.poles[:2]) != {"US", "CN"}:
        return []
    poles = evidence.words.the_poles
    return [
        Claim(
            name="europe-bridges",
            statement=f"Many European countries come closer to both {poles}.",
            said="Many European countries have converged with both poles.",
            source=STUDY,
            needs=("alignment",),
            estimand="Share of the European countries followed with both poles that come closer "
            f"to both: more than {MANY:.0%}.",
            measure=headline(_europe),
            models=others(_europe),
        ),
        Claim(
            name="emergent-pole",
            statement=f"{name(EMERGENT)} outgrows the other countries' links and moves away from "
            f"{name(evidence.poles[0])}.",
            said="India emerges as a further pole: it leaves the US while its collaborations "
            "and citations grow rapidly.",
            source=STUDY,
            needs=("collaboration", "citation", "alignment"),
            estimand="Yearly change of the log of its share of all joint papers and of all "
            "citations (above 0), and of its affinity with the first pole (below 0).",
            measure=_emergent,
        ),
    ]


def _europe(evidence: Evidence, model: str) -> Conditions:
    poles = evidence.poles[:2]
    rows = [
        row
        for row in evidence.table("alignment", null_model=model).to_pylist()
        if row["country"] in EUROPE and all(row.get(f"with_{pole}") for pole in poles)
    ]
    both = sum(all(row[f"with_{pole}"] in TOGETHER for pole in poles) for row in rows)
    blank = Condition(f"Share of {len(rows)} European countries closer to both", MANY, MANY)
    return [evidence.beside_placebo(share(blank, both, len(rows)), "europe_bridges", None, model)]


def _emergent(evidence: Evidence) -> Conditions:
    pole, model = evidence.poles[0], evidence.models[0]
    grown = [
        _outgrows(evidence, table, column, word)
        for table, column, word in (
            ("collaboration", "works_whole", "joint papers"),
            ("citation", "citations_whole", "citations"),
        )
    ]
    what = f"The yearly change of the tie of {name(EMERGENT)} with {name(pole)}"
    leaves = Condition(what, 0.0, -smallest_change(evidence, model), above=False)
    rows = evidence.table("alignment", null_model=model, country=EMERGENT).to_pylist()
    if not rows or rows[0].get(f"slope_{pole}") is None:
        return [*grown, too_few(leaves, why_absent(evidence, EMERGENT, pole))]
    made = trend_of(leaves, rows[0], pole)
    what = f"relation:{EMERGENT}:{pole}:apart"
    return [*grown, evidence.beside_placebo(made, what, None, model)]


def _outgrows(evidence: Evidence, table: str, column: str, word: str) -> Condition:
    """Fill in the yearly change of the log of its share of all countries' links."""
    what = f"The yearly change of the log of {name(EMERGENT)}'s share of all {word}"
    blank = Condition(what, 0.0, evidence.smallest("emergent-pole", "change"))
    rows = evidence.table(table)
    rows = rows.filter(pc.not_equal(rows["source"], rows["target"]))
    totals, own = _by_year(rows, column), _by_year(_touching(rows), column)
    years = sorted(year for year, total in totals.items() if total)
    if not years or not any(own.values()):
        return missing(blank, f"{name(EMERGENT)} has no {word} with other countries")
    shares = [math.log((own.get(year, 0.0) + 0.5) / (totals[year] + 1.0)) for year in years]
    return slope(blank, years, shares, one_line=False)


def _touching(rows: Any) -> Any:
    ends = pc.or_(pc.equal(rows["source"], EMERGENT), pc.equal(rows["target"], EMERGENT))
    return rows.filter(ends)


def _by_year(rows: Any, column: str) -> dict[int, float]:
    summed = rows.group_by("year").aggregate([(column, "sum")]).to_pylist()
    return {row["year"]: float(row[f"{column}_sum"] or 0) for row in summed}
