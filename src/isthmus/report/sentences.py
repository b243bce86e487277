"""Sentences that begin a country's and a pair's page, made from the numbers of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from isthmus.report.answers.answer import between, counted, percent, times
from isthmus.report.answers.leading import last_whole_year, ranking
from isthmus.report.answers.ties import all_ties, partners_sentence, ties_of
from isthmus.report.answers.turning import turn_sentence
from isthmus.report.source import Source
from isthmus.report.words import LAYERS
from isthmus.selection.wording import capital, in_sentence

#: Columns of a country's ties, as its page shows them -> the columns of the rows.
TIES = {
    "partner": "partner",
    "times_usual": "ratio",
    "times_usual_low": "low",
    "times_usual_high": "high",
    "observed_recent": "observed",
    "expected_recent": "expected",
}


def country_ties(source: Source) -> dict[str, pa.Table]:
    """Return each country's ties that can be judged, strongest first."""
    made = {}
    for code in source.names:
        rows = ties_of(source, code)
        if rows:
            made[code] = pa.table({name: [row[key] for row in rows] for name, key in TIES.items()})
    return made


def country_sentences(source: Source) -> dict[str, str]:
    """Return one or two sentences about each country: its share and rank, its partners."""
    ranked = _ranked(source)
    made = {}
    for code in source.names:
        parts = [ranked[code]] if code in ranked else []
        ties = ties_of(source, code)
        if ties:
            parts.append(partners_sentence(code, ties))
        if parts:
            made[code] = " ".join(parts)
    return made


def _ranked(source: Source) -> dict[str, str]:
    table, share = source.table("country_year"), f"{source.papers}_share"
    if table is None or share not in table.column_names:
        return {}
    year = last_whole_year(source, table)
    rows = ranking(table, year, share)
    return {row["country"]: _place(row, rows, share, year) for row in rows}


def _place(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], share: str, year: int) -> str:
    low, high = row.get(f"{share}_low"), row.get(f"{share}_high")
    text = f"In {year}, {in_sentence(row['country'])} had {percent(row[share])} of papers"
    text += between(low, high, percent)
    if low is None:
        return f"{text}."
    first, last = rank_range(row, rows, share)
    place = str(first) if first == last else f"{first}-{last}"
    return f"{text}, rank {place} of {len(rows)}."


def rank_range(
    row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], measure: str
) -> tuple[int, int]:
    """Return the ranks that a country may have: those it cannot be told apart from share them.

    Examples
    --------
    >>> rows = [{"x_low": 5, "x_high": 7}, {"x_low": 4, "x_high": 6}, {"x_low": 1, "x_high": 2}]
    >>> [rank_range(row, rows, "x") for row in rows]
    [(1, 2), (1, 2), (3, 3)]
    """
    low, high = row[f"{measure}_low"], row[f"{measure}_high"]
    known = [other for other in rows if other[f"{measure}_low"] is not None]
    above = sum(other[f"{measure}_low"] > high for other in known)
    within = sum(other[f"{measure}_high"] >= low for other in known)
    return above + 1, within


def pair_sentences(source: Source, pairs: pa.Table) -> pa.Table:
    """Return a sentence for each pair with joint papers or a tie: its ends and ``text``.

    `pairs` are the totals of unordered pairs.
    """
    ties = {frozenset((row["source"], row["target"])): row for row in all_ties(source)}
    rows = []
    for row in pairs.to_pylist():
        tie = ties.get(frozenset((row["source"], row["target"])))
        if not row.get("works_whole") and (tie is None or tie["ratio"] is None):
            continue
        turns = [turn_sentence(source, name, row["source"], row["target"]) for name in LAYERS]
        text = " ".join([_pair(row, tie, source), *filter(None, turns)])
        rows.append({"source": row["source"], "target": row["target"], "text": text})
    kinds = pa.schema([(name, pa.string()) for name in ("source", "target", "text")])
    return pa.Table.from_pylist(rows, kinds)


def _pair(row: Mapping[str, Any], tie: Mapping[str, Any] | None, source: Source) -> str:
    ends = capital(f"{in_sentence(row['source'])} and {in_sentence(row['target'])}")
    first, last = source.years
    text = ""
    if row.get("works_whole"):
        text = f"{ends} have {counted(row['works_whole'], 'joint paper')}, {first}-{last}. "
    if tie is None or tie["ratio"] is None:
        return text + ("How strongly they are tied is not known: too few joint papers to say.")
    span = f"{tie['first_year']}-{tie['last_year']}"
    text += f"In {span} they work together {times(tie['ratio'])} times what is usual for the two"
    text += between(tie["low"], tie["high"], times)
    return f"{text}{': no clear difference' if tie['low'] <= 1 <= tie['high'] else ''}."
