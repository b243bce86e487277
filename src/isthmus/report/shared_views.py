"""Views that several pages have: a country's columns and lines, its role, its coverage."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.report import charts
from isthmus.report.charts import Spec
from isthmus.report.glossary import metric
from isthmus.report.source import Source
from isthmus.report.views import TO_COUNTRY, View, measures


def measure_lines(source: Source) -> dict[str, Spec]:
    """Return a chart over the years for every measure, with its band where it has one."""
    table = source.table("country_year")
    there = set(table.column_names) if table is not None else set()
    return {
        name: charts.lines(name, metric(name, source.settings).label, band=f"{name}_low" in there)
        for name in measures(source)
    }


def leader_columns(source: Source, *, link: bool) -> list[tuple[str, str | None]]:
    """Return the columns of a country's year, those shown by default first."""
    table = source.table("country_year")
    there = list(table.column_names) if table is not None else []
    shown: list[tuple[str, str | None]] = []
    if link:
        shown.append(("country", TO_COUNTRY))
    first = [source.papers, f"{source.papers}_share", f"{source.impact}_mean", "hits", "scientists"]
    named = [name for name in first if name in there]
    named += [name for name in there if name not in ("country", "year", *named)]
    shown += [(name, None) for name in named if not name.endswith("_se")]
    return shown


def alignment_view(
    source: Source, name: str, shards: list[str], where: list[list[str]], *, by_country: bool
) -> View:
    """Show the role of countries between the poles."""
    table = source.table("alignment")
    there = list(table.column_names) if table is not None else []
    link = None if by_country else TO_COUNTRY
    shown: list[tuple[str, str | None]] = [] if by_country else [("country", link)]
    first = ["role", *(c for c in there if c.startswith(("with_", "slope_")) and "_low_" not in c
                       and "_high_" not in c and "theil" not in c)]  # fmt: skip
    first = [*(["null_model"] if by_country else []), *first]
    ordered = [*(c for c in first if c in there), *(c for c in there if c not in first)]
    shown += [(c, None) for c in ordered if c != "country"]
    heading = "Alignment of {country}" if by_country else "Who aligns with which pole"
    note = f"The poles are {source.words.the_poles}."
    role = {"": charts.world("role", "Role", nominal=True)} if not by_country else {}
    return View(
        name,
        heading,
        note,
        "alignment",
        shards,
        "alignment",
        shown,
        where=where,
        map=role,
    )


def coverage_view(
    name: str, heading: str, shards: list[str], data: str, where: Sequence[Sequence[str]] = ()
) -> View:
    """Show how much of the works has a country and references."""
    label = "With a country"
    return View(
        name,
        heading,
        "What the data cannot say: works without country or references, author lists cut short.",
        "coverage",
        shards,
        data,
        [
            ("country", None),
            ("year", None),
            ("works", None),
            ("share_with_country", None),
            ("share_with_references", None),
            ("references_known", None),
            ("authors_truncated", None),
            ("references_to_field", None),
            ("references_to_later_years", None),
            ("references_to_itself", None),
        ],
        where=where,
        chart={"": charts.lines("share_with_references", "With references")}
        if name == "coverage"
        else {"": charts.lines("share_with_country", label)},
    )
