"""The explorer's page of one country."""

from __future__ import annotations

from isthmus.report import charts, panels
from isthmus.report.country_views import (
    cohort_view,
    dependence_view,
    indicator_control,
    indicator_view,
    premium_view,
)
from isthmus.report.glossary import metric
from isthmus.report.pair_pages import pair_columns
from isthmus.report.sector_views import sector_views
from isthmus.report.sentences import TIES
from isthmus.report.shared_views import (
    alignment_view,
    coverage_view,
    leader_columns,
    measure_lines,
)
from isthmus.report.source import Source
from isthmus.report.views import TO_PARTNER, Page, View, country_options, measure_control


def country_page(source: Source) -> Page:
    """Everything about one country."""
    which = {"key": "country", "label": "Country", "kind": "choice"}
    options = country_options(source)
    first = source.poles[-1] if source.poles[-1] in source.names else options[0][0]
    shard = ["country/{country}"]
    years = View(
        "years",
        "{country}, year by year",
        "Output, impact, hits, novelty and scientists.",
        "country_year",
        shard,
        "years",
        [("year", None), *leader_columns(source, link=False)],
        by="measure",
        chart=measure_lines(source),
    )
    views = [years, indicator_view(source, shard), _ties(shard), _partners(source, shard)]
    views += sector_views(shard)
    views += [premium_view(shard), dependence_view(source, shard), *_moves_of(source, shard)]
    views.append(cohort_view(source, shard))
    views.append(alignment_view(source, "alignment", shard, [], by_country=True))
    views.append(coverage_view("coverage", "Coverage of {country}'s data", shard, "coverage"))
    intro = "One country: its output, its partners against expectation, its data."
    controls = [{**which, "options": options, "default": first}, measure_control(source)]
    controls += [indicator_control(source)] if source.has("indicators") else []
    sentences = {"data": shard, "set": "sentence", "where": []}
    return Page("country", "Country page", intro, controls, views, sentences=sentences)


def _ties(shard: list[str]) -> View:
    dots = panels.ranked_dots(
        "times_usual", "partner", "Times what is usual for the two", reference=1.0
    )
    return View(
        "ties",
        "Partners of {country}: more or less than usual",
        "Over the last five years. Grey: the interval includes 1. Partners with fewer than five "
        "joint papers expected, or an interval wider than a factor of 100, are not listed.",
        "links",
        shard,
        "ties",
        [(name, TO_PARTNER if name == "partner" else None) for name in TIES],
        sort="-times_usual",
        chart={"": dots},
    )


def _partners(source: Source, shard: list[str]) -> View:
    joint = metric("works_whole", source.settings).label
    return View(
        "partners",
        "All partners of {country}",
        "Joint papers and citations over the study's years. Greyed: fewer joint papers than the "
        "small-cell limit.",
        "collaboration",
        shard,
        "partners",
        [("partner", TO_PARTNER), *pair_columns(source)],
        sort="-works_whole",
        chart={"": charts.ranked_bars("works_whole", "partner", joint)},
        map={"": charts.world("works_whole", joint, country="partner")},
        small="works_whole",
    )


def _moves_of(source: Source, shard: list[str]) -> list[View]:
    label = metric("scientists_moved", source.settings).label
    spec = {"": charts.summed_bars("scientists", "origin", label, "sum", 20)}
    out = {"": charts.summed_bars("scientists", "destination", label, "sum", 20)}
    return [
        View(
            "arrivals",
            "Scientists who came to {country}",
            "By year of arrival and country they left.",
            "flows",
            shard,
            "arrivals",
            [("year", None), ("origin", None), ("scientists", None)],
            sort="-scientists",
            chart=spec,
        ),
        View(
            "departures",
            "Scientists who left {country}",
            "By year of arrival and country they went to.",
            "flows",
            shard,
            "departures",
            [("year", None), ("destination", None), ("scientists", None)],
            sort="-scientists",
            chart=out,
        ),
    ]
