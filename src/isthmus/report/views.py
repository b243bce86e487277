"""What a page of the explorer is made of: controls, and views with a table, a chart and a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from isthmus.report import charts
from isthmus.report.charts import Spec
from isthmus.report.glossary import metric
from isthmus.report.source import Source


@dataclass(frozen=True)
class View:
    """One question on a page: a table, and the chart and the map of the rows it shows.

    Parameters
    ----------
    id, heading, note
        Anchor, heading (which may name controls in braces) and a sentence under it.
    table
        Result table it shows, for the sentence when that is missing.
    shards, set
        Shards to read (which may name controls in braces) and the set in them.
    columns
        Columns to show, in order, each with a link or None.
    """

    id: str
    heading: str
    note: str
    table: str
    shards: Sequence[str]
    set: str
    columns: Sequence[tuple[str, str | None]]
    where: Sequence[Sequence[str]] = ()
    sort: str = ""
    by: str = ""
    chart: Mapping[str, Spec] = field(default_factory=dict)
    map: Mapping[str, Spec] = field(default_factory=dict)
    ranked: bool = False
    small: str = ""

    def plain(self, source: Source) -> dict[str, Any]:
        """Give the view as the page's script reads it."""
        if not source.has(self.table):
            return {"id": self.id, "heading": self.heading, "missing": source.missing(self.table)}
        table = source.table(self.table)
        there = set(table.column_names) if table is not None else set()
        shown = [c for c in self.columns if c[0] in there or self.set in _MADE]
        kinds = {} if table is None else {f.name: k for f in table.schema if (k := _kind(f))}
        columns = [_column(name, link, source.settings, kinds, self.table) for name, link in shown]
        if self.ranked:
            columns.insert(0, {"key": "rank", "label": "Rank", "kind": "count"})
        return {
            "id": self.id,
            "heading": self.heading,
            "title": self.heading.replace("{", "").replace("}", ""),
            "data": list(self.shards),
            "set": self.set,
            "columns": columns,
            "where": [list(rule) for rule in self.where],
            "sort": self.sort,
            "by": self.by,
            "chart": dict(self.chart),
            "map": dict(self.map),
            "ranked": self.ranked,
            "small": self.small,
        }


#: Sets whose columns come from several result tables.
_MADE = {"pairs", "partners"}


def _kind(column: pa.Field) -> str:
    """Give how a column is written where its type alone decides it; empty otherwise."""
    if pa.types.is_boolean(column.type):
        return "flag"
    return "text" if pa.types.is_string(column.type) or pa.types.is_dictionary(column.type) else ""


def _column(
    name: str,
    link: str | None,
    settings: Mapping[str, Any],
    kinds: Mapping[str, str],
    table: str,
) -> dict[str, Any]:
    meant = metric(name, settings, table)
    about = {"what": meant.meaning, "rule": meant.rule, "section": meant.section}
    kind = meant.kind if meant.kind == "country" else kinds.get(name, meant.kind)
    made = {"key": name, "label": meant.label, "kind": kind, "help": about}
    return {**made, "link": link} if link else made


@dataclass(frozen=True)
class Page:
    """A page of the explorer."""

    name: str
    title: str
    intro: str
    controls: Sequence[Mapping[str, Any]]
    views: Sequence[View]


#: Addresses behind a cell: the country's page, the pair's page.
TO_COUNTRY = "country.html#country={country}"
TO_PAIR = "pairs.html#a={source}&b={target}"
TO_PARTNER = "pairs.html#a={country}&b={partner}"


def measures(source: Source) -> list[str]:
    """Give the measures of a country that a chart can show, those with a column."""
    table = source.table("country_year")
    there = table.column_names if table is not None else []
    wanted = [
        source.papers,
        "papers_whole",
        "papers_fractional",
        f"{source.papers}_share",
        f"{source.impact}_sum",
        f"{source.impact}_mean",
        "hits",
        "hit_share",
        "novelty_median",
        "novel_hits",
        "novel_share",
        "scientists",
    ]
    return [name for name in dict.fromkeys(wanted) if name in there]


def year_control(source: Source, table: str, kind: str = "choice") -> dict[str, Any]:
    """Give a choice among the years a table has, the last chosen."""
    read = source.table(table)
    found = sorted({str(y) for y in read["year"].to_pylist()}) if read is not None else []
    options = [[year, year] for year in found] or [["", "none"]]
    return {
        "key": "year",
        "label": "Year",
        "kind": kind,
        "options": options,
        "default": options[-1][0],
    }


def country_options(source: Source) -> list[list[str]]:
    """Give the countries of the results by name."""
    named = [[code, name] for code, name in source.names.items() if len(code) == 2]
    return sorted(named, key=lambda option: option[1])


def measure_control(source: Source) -> dict[str, Any]:
    """Give a choice of the measure that charts and maps show."""
    options = [[name, metric(name, source.settings).label] for name in measures(source)]
    default = options[0][0] if options else ""
    return {
        "key": "measure",
        "label": "Measure in charts",
        "kind": "choice",
        "options": options or [["", "none"]],
        "default": default,
    }


#: Columns that answer the question of a table on effects; they stand before what they rest on.
ANSWER = ("effect_percent", "ci_low", "ci_high", "p")


def _answer_first(names: Sequence[str]) -> list[str]:
    """Put the effect and its interval right behind the columns that name the row."""
    answer = [name for name in ANSWER if name in names]
    if answer[:1] != list(ANSWER[:1]):
        return list(names)
    keys = [name for name in names if name in ("experiment", "lead", "partner", "year")]
    return [*keys, *answer, *(name for name in names if name not in (*keys, *answer))]


def whole_view(
    source: Source,
    table: str,
    heading: str,
    shard: str,
    colour: str,
    *,
    chart: Mapping[str, Spec] | None = None,
    where: Sequence[Sequence[str]] = (),
) -> View:
    """Show a result table whole; by default with lines over the years where it has them."""
    read = source.table(table)
    there = list(read.column_names) if read is not None else []
    numeric = [c for c in there if c not in ("year", colour) and not c.endswith(("_low", "_high"))]
    spec: Mapping[str, Spec] = chart or {}
    if chart is None and "year" in there and colour in there and numeric:
        name = next((c for c in numeric if f"{c}_low" in there), numeric[-1])
        label = metric(name, source.settings).label
        spec = {"": charts.lines(name, label, colour=colour, band=f"{name}_low" in there)}
    columns: list[tuple[str, str | None]] = [(name, None) for name in _answer_first(there)]
    pooled = "A row without a year pools all years." if {"experiment", "year"} <= set(there) else ""
    return View(table, heading, pooled, table, [shard], table, columns, where=where, chart=spec)
