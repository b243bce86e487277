"""Answers on movers, on teaming up and on what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow.compute as pc

from isthmus.findings.verdict import number
from isthmus.report.answers.answer import (
    Absent,
    Answer,
    Chart,
    Series,
    between,
    counted,
    percent,
    tested,
)
from isthmus.report.answers.leading import last_whole_year
from isthmus.report.source import Source, where
from isthmus.selection.wording import capital, country_name, in_sentence

#: Moves below which two directions are not compared; flows in the chart.
FEW, SHOWN = 10, 6


def movers(source: Source) -> Answer | Absent:
    """Answer how many scientists move between the poles and where others come from."""
    question = f"Who moves to {' and '.join(in_sentence(p) for p in source.poles[:2])}?"
    table = source.table("flow_totals")
    if table is None:
        return Absent(question, source.missing("flow_totals"))
    rows = [row for row in table.to_pylist() if row["destination"] in source.poles[:2]]
    rows.sort(key=lambda row: (-row["scientists"], row["origin"], row["destination"]))
    if not rows:
        return Absent(question, "No scientist is seen to move to a pole.")
    first, last = source.years
    said = []
    for pole in source.poles[:2]:
        mine = [row for row in rows if row["destination"] == pole]
        if mine:
            total = sum(row["scientists"] for row in mine)
            part = f"{counted(total, 'scientist')} moved to {in_sentence(pole)}"
            part += f", {mine[0]['scientists']:,} of them from {in_sentence(mine[0]['origin'])}"
            said.append(part + (" (too few to compare)" if total < FEW else ""))
    points = [
        Series(f"{country_name(row['origin'])} to {country_name(row['destination'])}",
               row["destination"], (), [float(row["scientists"])])
        for row in rows[:SHOWN]
    ]  # fmt: skip
    chart = Chart("rows", f"Scientists who moved, {first}-{last}", points, reference=0.0)
    text = f"{capital('; '.join(said))}, {first}-{last}."
    return Answer("movers", question, text, "movers.html#flow_totals", chart,
                  **tested(source, "origin-of-movers-first"))  # fmt: skip


def teaming(source: Source) -> Answer | Absent:
    """Answer what the poles' papers gain from each other."""
    question = f"What do papers gain when {source.words.the_poles} team up?"
    table = source.table("matched")
    if table is None or len(source.poles) < 2:
        return Absent(question, source.missing("matched"))
    a, b = source.poles[:2]
    wanted = [f"joint:{a}+{b}", f"joint:{b}+{a}"]
    pooled = table.filter(pc.is_null(table["year"])).to_pylist()
    rows = [row for name in wanted for row in pooled if row["experiment"] == name]
    rows = [row for row in rows if row["effect_percent"] is not None]
    if not rows:
        return Absent(question, "No joint paper of the poles has a match.")
    text = "Against matched papers without the other: " + "; ".join(_gain(row) for row in rows)
    lead = dict(zip(wanted, (a, b), strict=True))
    points = [
        Series(f"Led by {in_sentence(lead[row['experiment']])}", lead[row["experiment"]], (),
               [row["effect_percent"]], [row["ci_low"]], [row["ci_high"]])
        for row in rows
        if row["ci_low"] is not None
    ]  # fmt: skip
    chart = Chart("rows", "Difference in citations, %", points, reference=0.0) if points else None
    return Answer("teaming", question, f"{text}.", "teaming.html#matched", chart,
                  **tested(source, "premium-first"))  # fmt: skip


def _gain(row: dict[str, Any]) -> str:
    lead, other = row["experiment"].removeprefix("joint:").split("+")
    more = "more" if row["effect_percent"] >= 0 else "fewer"
    text = f"those {in_sentence(lead)} leads with {in_sentence(other)} "
    ends = between(row["ci_low"], row["ci_high"], lambda value: f"{number(value)} %")
    if not ends:
        return f"{text}are too few for a number, n = {row['treated_matched']:,}"
    text += f"have {number(abs(row['effect_percent']))} % {more} citations{ends}"
    return f"{text}, n = {row['treated_matched']:,}"


def missing(source: Source) -> Answer | Absent:
    """Answer what the data lack in the last year that is complete."""
    question = "What is missing in the data?"
    table = source.table("coverage")
    if table is None:
        return Absent(question, source.missing("coverage"))
    rows = sorted(where(table, country="all").to_pylist(), key=lambda row: row["year"])
    year = last_whole_year(source, table)
    row = next((row for row in rows if row["year"] == year), None)
    if row is None:
        return Absent(question, f"No work of {year} is counted.")
    kinds = {"share_with_country": "a country", "share_with_references": "references"}
    said = [f"{percent(row[c])} have {what}" for c, what in kinds.items() if row[c] is not None]
    text = f"Of {counted(row['works'], 'work')} of {year}, {' and '.join(said)}."
    text += _window(source)
    made = [
        _coverage(rows, column, capital(what.removeprefix("a "))) for column, what in kinds.items()
    ]
    chart = Chart("lines", "Share of works", made, share=True)
    return Answer("missing", question, text, "coverage.html#all-works", chart)


def _coverage(rows: Sequence[dict[str, Any]], column: str, name: str) -> Series:
    known = [row for row in rows if row[column] is not None]
    return Series(name, "", [r["year"] for r in known], [r[column] for r in known])


def _window(source: Source) -> str:
    table, mean = source.table("country_year"), f"{source.impact}_mean"
    if table is None or mean not in table.column_names:
        return ""
    known = table.filter(pc.is_valid(table[mean]))
    if not known.num_rows:
        return " Citations are known for no year."
    last = pc.max(known["year"]).as_py()
    return f" Citations are known for papers up to {last}." if last < source.years[1] else ""
