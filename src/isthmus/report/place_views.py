"""Views of places that are no countries: what they are, and their closest pairs."""

from __future__ import annotations

import math
from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.report import charts, panels
from isthmus.report.answers.answer import between, counted, times
from isthmus.report.glossary import metric
from isthmus.report.source import Source
from isthmus.report.views import TO_COUNTRY, TO_PAIR, View
from isthmus.selection.wording import capital, in_sentence, joined

#: Kinds of places -> one and many of them.
KINDS = {
    "institution": ("institution", "institutions"),
    "city": ("city", "cities"),
    "bloc": ("bloc", "blocs"),
    "country": ("country", "countries"),
}

#: Columns of the table of places; the name stands for the code.
PLACE_COLUMNS = ("name", "kind", "of_country", "works", "pooled", "latitude", "longitude")

#: Columns of a pair of places in a year.
LINKED_COLUMNS = (
    "observed",
    "expected",
    "log_ratio",
    "log_ratio_low",
    "log_ratio_high",
    "z",
    "q",
)


def places_view() -> View:
    """Show the places that the study counts, and where they are."""
    return View(
        "places",
        "What is counted instead of countries",
        "A rest is what is too small of a country, counted together.",
        "places",
        ["places"],
        "places",
        [(name, TO_COUNTRY if name == "name" else None) for name in PLACE_COLUMNS],
        sort="-works",
        map={"": charts.world("works", "Works")},
        says="places_said",
    )


def closest_view(source: Source) -> View:
    """Show the pairs of all places that are furthest above what sizes alone give, in a year."""
    z = metric("z", source.settings).label
    return View(
        "linked",
        "Closest pairs of all places in {year}",
        "Joint works against what sizes alone give, among all places, those outside the panel too. "
        "Listed are the strongest with a false discovery rate q below 0.05.",
        "linked_pairs",
        ["linked/{year}"],
        "linked_pairs",
        [("source", TO_PAIR), ("target", TO_PAIR), *((name, None) for name in LINKED_COLUMNS)],
        sort="-z",
        chart={
            "": panels.joined(
                charts.ranked_bars("z", "pair", f"{z}, above sizes alone"),
                "source",
                "target",
                "and",
                "pair",
            )
        },
        says="linked_said",
    )


def linked_view(shard: list[str]) -> View:
    """Show the joint works of one pair over the years against what sizes alone give."""
    return View(
        "linked",
        "{a} and {b}: joint works among all places",
        "Against what sizes alone give, among all places of the year. Years with fewer joint works "
        "than the study lists are left out.",
        "linked_pairs",
        shard,
        "linked_pairs",
        [("year", None), *((name, None) for name in LINKED_COLUMNS)],
        where=[["source", "pair", "a"]],
        chart={"": charts.lines("log_ratio", "Log ratio to sizes alone", colour="", band=True)},
    )


def places_said(source: Source) -> dict[str, list[str]]:
    """Say how many places of each kind are counted, and how many are pooled."""
    table = source.table("places")
    rows = table.to_pylist() if table is not None else []
    found = Counter(row["kind"] for row in rows)
    said = joined([counted(found[kind], *words) for kind, words in KINDS.items() if found[kind]])
    text = f"The study counts {said}" if said else "The study counts rests of countries alone"
    pooled = sum(row["pooled"] for row in rows)
    if found["rest"]:
        text += f"; {pooled:,} smaller ones are pooled into {counted(found['rest'], 'rest')}"
    return {"text": [f"{text}."]}


def linked_said(year: int, rows: pa.Table, most: pa.Table) -> dict[str, list[str]]:
    """Say how many pairs of a year are tied more than sizes explain, and which one most.

    `rows` are the listed pairs of the year, `most` the strongest of them.
    """
    sure = pc.and_kleene(pc.less(rows["q"], 0.05), pc.greater(rows["z"], 0))
    above = pc.sum(pc.fill_null(sure, False)).as_py() or 0
    text = f"In {year}, {above:,} of {counted(rows.num_rows, 'listed pair')} of places wrote more "
    text += "together than sizes alone explain"
    if not most.num_rows:
        return {"text": [f"{text}."]}
    row = most.slice(0, 1).to_pylist()[0]
    names = capital(f"{in_sentence(row['source'])} and {in_sentence(row['target'])}")
    text += f". {names} stand out most: {round(row['observed']):,} joint works"
    ratio = [row["log_ratio"], row["log_ratio_low"], row["log_ratio_high"]]
    if None not in ratio:
        value, low, high = (math.exp(one) for one in ratio)
        text += f", {times(value)} times{between(low, high, times)} what sizes give"
    return {"text": [f"{text}."]}
