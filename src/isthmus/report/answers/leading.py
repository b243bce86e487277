"""Answers on who leads: papers, catching up, impact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.findings.verdict import number
from isthmus.report.answers.answer import (
    Absent,
    Answer,
    Chart,
    Series,
    between,
    percent,
    ruled,
    tested,
)
from isthmus.report.source import Source, where
from isthmus.selection.wording import capital, country_name, in_sentence

Row = Mapping[str, Any]

#: Countries in the chart of who leads.
SHOWN = 4


def who_leads(source: Source) -> Answer | Absent:
    """Answer who has most papers in the last year that is complete."""
    question = "Who leads in papers?"
    table = source.table("country_year")
    share = f"{source.papers}_share"
    if table is None or share not in table.column_names:
        return Absent(question, source.missing("country_year"))
    year = last_whole_year(source, table)
    ranked = ranking(table, year, share)
    if not ranked:
        return Absent(question, f"No country has papers in {year}.")
    first, *others = ranked
    text = f"In {year}, {_of(first, share)} of papers"
    text += f"; {_of(others[0], share, has='had')}. " if others else ". "
    text += _certain(first, others[:1], share)
    leaders = list(dict.fromkeys([row["country"] for row in ranked[:SHOWN]] + source.poles))[:SHOWN]
    chart = Chart("lines", "Share of papers", series(table, leaders, share), share=True)
    return Answer(
        "who-leads", question, text, "countries.html#leaders", chart,
        **tested(source, "poles-lead-output"),
    )  # fmt: skip


def _of(row: Row, share: str, has: str = "led with") -> str:
    ends = between(row.get(f"{share}_low"), row.get(f"{share}_high"), percent)
    return f"{in_sentence(row['country'])} {has} {percent(row[share])}{ends}"


def _certain(first: Row, others: Sequence[Row], share: str) -> str:
    if not others or first.get(f"{share}_low") is None:
        return ""
    if first[f"{share}_low"] > others[0][f"{share}_high"]:
        return "The intervals do not overlap."
    return "The intervals overlap: which of the two is first is not certain."


def last_whole_year(source: Source, table: pa.Table) -> int:
    """Return the last year of a table whose works the source covers in full."""
    end = source.note("source_end")
    years = sorted(pc.unique(table["year"]).to_pylist())
    whole = [year for year in years if end is None or year < end]
    return int((whole or years)[-1])


def ranking(table: pa.Table, year: int, measure: str) -> list[dict[str, Any]]:
    """Return a year's countries that have the measure, largest first."""
    rows = where(table, year=year).to_pylist()
    known = [row for row in rows if row[measure] is not None]
    return sorted(known, key=lambda row: (-row[measure], row["country"]))


def series(table: pa.Table, countries: Sequence[str], measure: str) -> list[Series]:
    """Return a measure of some countries over the years, with its interval if there is one."""
    made = []
    banded = f"{measure}_low" in table.column_names
    for code in countries:
        rows = sorted(where(table, country=code).to_pylist(), key=lambda row: row["year"])
        rows = [row for row in rows if row[measure] is not None]
        if rows:
            ends = [
                [r[f"{measure}_{end}"] for r in rows] if banded else [] for end in ("low", "high")
            ]
            years, values = [r["year"] for r in rows], [r[measure] for r in rows]
            made.append(Series(country_name(code), code, years, values, *ends))
    return made


def catching_up(source: Source) -> Answer | Absent:
    """Answer whether the second pole has as many papers as the first."""
    if len(source.poles) < 2:
        return Absent("Has one pole caught up with the other?", "The study names one pole.")
    words = source.words
    question = f"Has {words.second} caught up with {words.first} in papers?"
    row = ruled(source, "second-catches-up")
    if not source.has("country_year") or row.get("estimate") is None:
        return Absent(question, row.get("why") or source.missing("country_year"))
    ends = between(row["low"], row["high"])
    text = f"{capital(words.second)} has {number(row['estimate'])} papers{ends} for each of "
    text += f"{words.first}, last five years."
    point = Series("Papers", source.poles[1], (), [row["estimate"]], [row["low"]], [row["high"]])
    unit = f"Papers of {words.second} for each of {words.first}"
    chart = Chart("rows", unit, [point], reference=1.0, logarithmic=True)
    page = f"country.html#country={source.poles[1]}"
    return Answer("catching-up", question, text, page, chart, **tested(source, "second-catches-up"))


def impact(source: Source) -> Answer | Absent:
    """Answer how often the poles' papers are cited, and whether the second gains."""
    last = source.words.second if len(source.poles) > 1 else source.words.first
    question = f"Is {last} gaining in impact?"
    table, mean = source.table("country_year"), f"{source.impact}_mean"
    if table is None or mean not in table.column_names:
        return Absent(question, source.missing("country_year"))
    known = table.filter(
        pc.and_(pc.is_valid(table[mean]), pc.is_in(table["country"], pa.array(source.poles)))
    )
    if not known.num_rows:
        return Absent(question, "No citation window of the poles' papers is complete.")
    year = int(pc.max(known["year"]).as_py())
    rows = {row["country"]: row for row in where(known, year=year).to_pylist()}
    said = [
        f"papers of {in_sentence(code)} have {number(rows[code][mean])} citations"
        f"{between(rows[code].get(f'{mean}_low'), rows[code].get(f'{mean}_high'))}"
        for code in source.poles[:2]
        if code in rows
    ]
    window = source.settings["impact"]["window"]
    text = f"{capital(', '.join(said))}, on average within {window} years (papers of {year}, the "
    text += "last year whose window is complete)."
    chart = Chart("lines", "Citations per paper", series(table, source.poles[:2], mean))
    name = "impact-rises-second" if len(source.poles) > 1 else "impact-rises-first"
    page = f"country.html#country={source.poles[min(1, len(source.poles) - 1)]}&measure={mean}"
    return Answer("impact", question, text, page, chart, **tested(source, name))
