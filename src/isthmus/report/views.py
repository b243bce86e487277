"""What a page of the explorer is made of: controls, and views with a table, a chart and a map."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from isthmus.report import charts
from isthmus.report.charts import Spec
from isthmus.report.glossary import metric
from isthmus.report.source import Source, source_name
from isthmus.results import Term


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
    says
        Set of the sentences that begin the view, in the same shards; empty for none.
    rule
        How it counts, where the first column's rule does not say it for this view.
    most
        Columns shown by default.
    folded
        What is explained on demand under a heading: each term and its text.
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
    says: str = ""
    rule: str = ""
    most: int = 7
    folded: Mapping[str, str] = field(default_factory=dict)

    def plain(self, source: Source) -> dict[str, Any]:
        """Return the view as the page's script reads it."""
        if not source.has(self.table):
            return {"id": self.id, "heading": self.heading, "missing": source.missing(self.table)}
        table = source.table(self.table)
        there = set(table.column_names) if table is not None else set()
        shown = [c for c in self.columns if c[0] in there or self.set in _MADE]
        kinds = {} if table is None else {f.name: k for f in table.schema if (k := _kind(f))}
        columns = [
            {**_column(name, link, source.settings, kinds, self.table), **ends}
            for name, link, ends in _with_ends(shown, self.table)
        ]
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
            "says": self.says,
            "most": self.most,
            "caption": _caption(self, source),
        }


#: Endings of a column's name -> the columns that hold its lower and upper limit.
_ENDS = ("{}_low", "{}_high"), ("low", "high"), ("ci_low", "ci_high")

#: Columns whose limits are in columns named without them.
_PLAIN_ENDS = {"low": ("estimate", "index", "value", "slope", "study", "difference"),
               "ci_low": ("effect_percent",), "placebo_low": ("placebo_mean",)}  # fmt: skip


def _with_ends(
    shown: Sequence[tuple[str, str | None]], table: str = ""
) -> list[tuple[str, str | None, dict[str, list[str]]]]:
    """Put limits into the column of their estimate: "estimate (low to high)" is one cell.

    Quartiles of the table of centroids are those of its pairs, no limits of the centroid.
    """
    if table == "centroids":
        return [(name, link, {}) for name, link in shown]
    there = {name for name, _ in shown}
    ends: dict[str, list[str]] = {}
    for name, _ in shown:
        named = [f"{name}_low", f"{name}_high"]
        stem, _, pole = name.rpartition("_")
        if (not set(named) <= there and pole.isupper()) or pole in ("collaboration", "citation"):
            named = [f"{stem}_low_{pole}", f"{stem}_high_{pole}"]
        for low, owners in _PLAIN_ENDS.items():
            if name in owners and not set(named) <= there:
                named = [low, low.replace("low", "high")]
        if set(named) <= there and not any(named == taken for taken in ends.values()):
            ends[name] = named
    taken = {end for pair in ends.values() for end in pair}
    return [
        (name, link, {"ends": ends[name]} if name in ends else {})
        for name, link in shown
        if name not in taken
    ]


def _caption(view: View, source: Source) -> str:
    """Say under a chart what it rests on: the source, the years, the rule, the interval."""
    measured = [name for name, _ in view.columns if name not in _KEYS]
    rule = view.rule
    if measured and not rule:
        rule = metric(measured[0], source.settings, view.table).rule
    first, last = source.years
    text = f"Source: {source_name(source)}, {first}-{last}."
    return f"{text} Counting: {rule}" if rule else text


#: Columns that name a row.
_KEYS = {"year", "country", "partner", "source", "target", "origin", "destination", "layer",
         "null_model", "experiment", "lead", "group", "rank", "compared_with", "quantity",
         "what", "family"}  # fmt: skip


#: Sets whose columns come from several result tables.
_MADE = {"pairs", "partners", "premiums", "ties"}


def _kind(column: pa.Field) -> str:
    """Return how a column is written where its type alone decides it; empty otherwise."""
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
    made = {"key": name, "label": _with_unit(meant), "kind": kind, "help": about}
    if name in WORDED:
        made |= {"kind": "word", "words": WORDED[name]}
    elif name.startswith(("trend", "with_")):
        made |= {"kind": "word", "words": "archetypes"}
    if reason := EMPTY.get((table, name), "") or _why_empty(name):
        made["empty"] = reason
    return {**made, "link": link} if link else made


#: Columns of one table -> why their cells may be empty.
EMPTY = {
    ("blocs", "answer_blocs"): "no number of blocs can be said",
    ("topics", "lead"): "nobody else has highly cited papers",
    ("topics", "monopoly_risk"): "too few highly cited papers",
    ("bounds", "year"): "all years of the study together",
    ("indicators", "mncs"): "the citation window is not complete",
    ("indicators", "top10_share"): "the citation window is not complete",
    ("dependence", "home_ratio"): "size alone gives too few",
    ("turns", "year"): "no turn is shown, or its year cannot be told",
    ("turns", "slope_before"): "no turn is shown",
    ("turns", "slope_after"): "no turn is shown",
    ("turns", "change"): "no turn is shown",
}

#: Columns of codes -> the words that stand for these.
WORDED = {
    "layer": "layers",
    "sector": "sectors",
    "with_sector": "sectors",
    "answer": "bloc_answers",
    "number": "numbers",
    "experiment": "experiments",
    "null_model": "models",
    "family": "models",
    "role": "roles",
    "role_slope": "roles",
    "archetype": "archetypes",
    "cluster_archetype": "archetypes",
    "what": "statistics",
    "covariate": "statistics",
    "measure": "statistics",
    "quantity": "statistics",
    "group": "statistics",
    "setting": "statistics",
    "view": "statistics",
    "ties": "statistics",
    "counted": "statistics",
}


def _with_unit(meant: Term) -> str:
    """Write a column's label with its unit, where the unit says more than the label does."""
    if meant.kind == "share":
        return f"{meant.label} (%)"
    said = meant.unit in meant.label.lower() or "," in meant.label
    return meant.label if said or meant.unit not in _UNITS else f"{meant.label} ({meant.unit})"


#: Units that stand in a header.
_UNITS = {"per cent", "natural log", "years", "standard deviations", "percentage points"}


def _why_empty(name: str) -> str:
    """Say why cells of a column may be empty."""
    if re.match(r"c\d+_|hit", name):
        return "the citation window is not complete, or references are unknown"
    if name.startswith(("affinity", "log_ratio", "expected", "z", "q", "p_")):
        return "one of the two is inactive, or sizes alone give too few"
    if name.startswith(("slope", "archetype", "stability", "trend")):
        return "too few years"
    return ""


@dataclass(frozen=True)
class Page:
    """A page of the explorer.

    Parameters
    ----------
    name, title, intro
        File name without ending, title, and what the page shows.
    controls, views
        What can be chosen, and what is shown.
    answers
        Names of the answers whose sentences begin the page.
    sentences
        Where the page's script finds the sentences of what is chosen: shard, set, conditions.
    """

    name: str
    title: str
    intro: str
    controls: Sequence[Mapping[str, Any]]
    views: Sequence[View]
    answers: Sequence[str] = ()
    sentences: Mapping[str, Any] = field(default_factory=dict)


#: Addresses behind a cell: the country's page, the pair's page.
TO_COUNTRY = "country.html#country={country}"
TO_PAIR = "pairs.html#a={source}&b={target}"
TO_PARTNER = "pairs.html#a={country}&b={partner}"


def measures(source: Source) -> list[str]:
    """Return the measures of a country that a chart can show, those with a column."""
    table = source.table("country_year")
    there = table.column_names if table is not None else []
    wanted = [
        f"{source.papers}_share",
        source.papers,
        "papers_whole",
        "papers_fractional",
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
    """Return a choice among the years a table has, the last chosen."""
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
    """Return the countries of the results by name."""
    named = [[code, name] for code, name in source.names.items() if len(code) == 2]
    return sorted(named, key=lambda option: option[1])


def measure_control(source: Source) -> dict[str, Any]:
    """Return a choice of the measure that charts and maps show."""
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
