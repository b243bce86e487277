"""The design that page, report, figures and terminal share: verdicts, colours, sizes.

``docs/contributing/pages.md`` explains it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.report.charts import COLOURS
from isthmus.report.source import Source


@dataclass(frozen=True)
class VerdictStyle:
    """How a verdict is written and drawn: a word and a shape, so that colour is never alone.

    Parameters
    ----------
    word, sign, shape
        Word, sign on the terminal, and path of the shape in a box of 16 by 16.
    filled
        Whether the shape is filled.
    meaning
        What it means, in one sentence.
    """

    word: str
    sign: str
    shape: str
    filled: bool
    meaning: str


VERDICTS: Mapping[str, VerdictStyle] = {
    "supported": VerdictStyle(
        "supported", "+", "M2 8.5 L6.5 13 L14 3.5", False,
        "The effect is large enough to matter, its error rate is controlled, and no check stands "
        "against it.",
    ),
    "contradicted": VerdictStyle(
        "contradicted", "x", "M3 3 L13 13 M13 3 L3 13", False,
        "An effect of the size that matters is excluded.",
    ),
    "undecided": VerdictStyle(
        "undecided", "?", "M2 8 H14", False,
        "Neither: too few data, or a placebo, a null model or a counting rule stands against it.",
    ),
    "not testable here": VerdictStyle(
        "not testable here", "-", "M8 2 A6 6 0 1 1 7.9 2", False,
        "The data that it needs are not in this study.",
    ),
}  # fmt: skip


def colour_places(source: Source) -> dict[str, int]:
    """Return which colour a country has on every page and figure: poles first, then by papers.

    Colours repeat after the eighth country.
    """
    table = source.table("country_year")
    ranked: Sequence[str] = []
    if table is not None and source.papers in table.column_names:
        sums = table.group_by("country").aggregate([(source.papers, "sum")]).to_pylist()
        sums.sort(key=lambda row: (-(row[f"{source.papers}_sum"] or 0), row["country"]))
        ranked = [row["country"] for row in sums]
    order = dict.fromkeys([*source.poles, *ranked, *source.names])
    return {code: place % len(COLOURS) for place, code in enumerate(order)}


#: Columns by whose countries a chart may colour.
COUNTRIES = ("country", "source", "target", "origin", "destination", "lead")


def keep_colours(
    part: Any, rows: pa.Table, places: Mapping[str, int], drawn: Mapping[str, Any] | None = None
) -> Any:
    """Return a chart's specification in which countries have the colours of :func:`colour_places`.

    The legend lists those that are drawn, in that order; `drawn` are the values that a filter
    around a part lets through, by column. More countries than colours keep the chart's own.
    """
    if isinstance(part, list):
        return [keep_colours(one, rows, places, drawn) for one in part]
    if not isinstance(part, dict):
        return part
    drawn = {**(drawn or {}), **_let_through(part)}
    made = {key: keep_colours(value, rows, places, drawn) for key, value in part.items()}
    colour = made.get("color")
    field = colour.get("field") if isinstance(colour, dict) else None
    if field in COUNTRIES and field in rows.column_names:
        there = {code for code in pc.unique(rows[field]).to_pylist() if code is not None}
        codes = [code for code in places if code in there & set(drawn.get(field, there))]
        if 0 < len(codes) <= len(COLOURS):
            shown = [COLOURS[places[code]] for code in codes]
            made["color"] = {**made["color"], "scale": {"domain": codes, "range": shown}}
    return made


#: Columns of codes -> the words of a page that stand for them.
CODED = {"experiment": "experiments", "null_model": "models", "layer": "layers",
         "archetype": "archetypes", "role": "roles", "group": "", "side": ""}  # fmt: skip


def named_codes(part: Any, names: Mapping[str, str], words: Mapping[str, Mapping[str, str]]) -> Any:
    """Return a chart's specification whose legends and axes write names for codes.

    The rows keep their codes: a legend's label is looked up when it is drawn.
    """
    if isinstance(part, list):
        return [named_codes(one, names, words) for one in part]
    if not isinstance(part, dict):
        return part
    made = {key: named_codes(value, names, words) for key, value in part.items()}
    for channel, guide in _GUIDES.items():
        at = made.get(channel)
        if not isinstance(at, dict) or at.get("type") != "nominal" or at.get(guide, {}) is None:
            continue
        field = at.get("field")
        if field in COUNTRIES or field in CODED:
            known = {**names, **words.get(CODED.get(field, ""), {})}
            label = f"{json.dumps(known)}[datum.label] || replace(datum.label, /_/g, ' ')"
            made[channel] = {
                **at,
                guide: {**at.get(guide, {}), "labelExpr": label, "labelLimit": 340},
            }
    return made


_GUIDES = {"x": "axis", "y": "axis", "color": "legend", "shape": "legend", "strokeDash": "legend"}


def _let_through(part: Mapping[str, Any]) -> dict[str, Any]:
    filters = [one.get("filter") for one in part.get("transform", []) if isinstance(one, dict)]
    return {one["field"]: one["oneOf"] for one in filters
            if isinstance(one, dict) and "oneOf" in one}  # fmt: skip
