"""Views of a country's indicators, home citations, cohorts and missing data."""

from __future__ import annotations

from typing import Any

from isthmus.report import charts, panels
from isthmus.report.excerpts import (
    BOUND_COLUMNS,
    COHORT_COLUMNS,
    DEPENDENCE_COLUMNS,
    INDICATOR_COLUMNS,
    INDICATORS,
    PREMIUM_COLUMNS,
    REFERENCE_COLUMNS,
    STAYS,
)
from isthmus.report.glossary import metric
from isthmus.report.source import Source
from isthmus.report.views import View, country_options
from isthmus.report.words import numbers


def indicator_control(source: Source) -> dict[str, Any]:
    """Return a choice of the indicator that is drawn."""
    options = [[name, metric(name, source.settings, "indicators").label] for name in INDICATORS]
    return {
        "key": "indicator",
        "label": "Indicator in charts",
        "kind": "choice",
        "options": options,
        "default": "mncs",
    }


def indicator_view(source: Source, shard: list[str]) -> View:
    """Show shares of a country's papers and their citation impact over the years."""
    labels = {name: metric(name, source.settings, "indicators").label for name in INDICATORS}
    return View(
        "indicators",
        "{country}: kinds of papers and their impact",
        "Windows of years, named by their last one. Impact is that of papers whose citations are "
        "known.",
        "indicators",
        shard,
        "indicators",
        [(name, None) for name in INDICATOR_COLUMNS if name != "country"],
        by="indicator",
        chart={name: charts.lines(name, label, band=True) for name, label in labels.items()},
        says="indicators_said",
        rule="Papers are split evenly among their countries; all authors count.",
    )


def dependence_view(source: Source, shard: list[str]) -> View:
    """Show a country's own share of the citations it receives, against what size expects."""
    label = metric("home_share", source.settings, "dependence").label
    return View(
        "dependence",
        "Citations of {country} to itself",
        "Years are those of the cited papers. Dashed: what size alone gives.",
        "dependence",
        shard,
        "dependence",
        [(name, None) for name in DEPENDENCE_COLUMNS if name != "country"],
        chart={"": panels.beside_expected("home_share", "home_expected", label)},
        says="dependence_said",
    )


def cohort_view(source: Source, shard: list[str]) -> View:
    """Show who stays, leaves and returns after their first papers."""
    labels = [(name, metric(name, source.settings, "cohorts").label) for name in STAYS[:3]]
    return View(
        "cohorts",
        "Who began in {country}, and where they are later",
        "By years since the first papers, for all scientists who began in the country.",
        "cohorts",
        shard,
        "cohorts",
        [(name, None) for name in COHORT_COLUMNS if name != "entry_country"],
        chart={"": panels.shares_since("years_since", labels, "Years since the first papers")},
        says="cohorts_said",
    )


def premium_view(shard: list[str]) -> View:
    """Show what papers of a country gain with others on board, against matched papers."""
    return View(
        "premiums",
        "What papers of {country} gain with others",
        "Citations of papers that the first country leads with the second, against matched papers "
        "it leads without it; all years together. What is compared does not show what causes what.",
        "matched",
        shard,
        "premiums",
        [(name, None) for name in PREMIUM_COLUMNS],
        says="premiums_said",
    )


def bound_views(source: Source) -> list[View]:
    """Show what works with a missing country could change of a country's numbers."""
    shown = [(name, None) for name in BOUND_COLUMNS if name != "country"]
    meant = "Filled in: authors placed by their own papers of near years. Weighted: works of the "
    meant += "same year, venue and type stand for those without a country. Lowest and highest: "
    every = View(
        "bounds-all",
        "What missing countries could change: {country}, all years",
        f"{meant}whatever countries the missing ones have.",
        "bounds",
        ["country/{country}"],
        "bounds",
        [(name, None) for name, _ in shown if name != "year"],
        where=[["year", "equals", "null"]],
        chart={"": panels.extremes_by_number("Share")},
        says="bounds_said",
    )
    yearly = View(
        "bounds",
        "What missing countries could change: {country}, year by year",
        "Band: whatever countries the missing ones have.",
        "bounds",
        ["country/{country}"],
        "bounds",
        shown,
        where=[["number", "is", "number"], ["year", "differs", "null"]],
        chart={"": panels.extremes_by_year("Share")},
        says="bounds_years_said",
    )
    return [every, yearly]


def reference_view(source: Source) -> View:
    """Show what works without references could change of a country's citation numbers."""
    read = ("measured", "weighted")
    return View(
        "reference-bounds",
        "What missing references could change: {country}",
        "Years are those of the cited papers. Weighted: works of the same year, venue and type "
        "stand for those without references. Band: whatever these cite.",
        "reference_bounds",
        ["country/{country}"],
        "reference_bounds",
        [(name, None) for name in REFERENCE_COLUMNS if name not in ("country", "number")],
        where=[["number", "is", "cited"]],
        by="cited",
        chart={
            name: panels.extremes_by_year(label, read)
            for name, label in numbers(source, "reference_bounds").items()
        },
        says="reference_bounds_said",
    )


def bound_controls(source: Source) -> list[dict[str, Any]]:
    """Return a choice of the country and of the numbers whose bounds are shown."""
    main, made = f"{source.papers}_share", []
    for key, label, table in (
        ("number", "Number", "bounds"),
        ("cited", "Citation number", "reference_bounds"),
    ):
        options = [[name, text] for name, text in numbers(source, table).items()]
        names = [name for name, _ in options]
        if options:
            default = main if main in names else names[0]
            choice = {"key": key, "label": label, "kind": "choice", "options": options}
            made.append({**choice, "default": default})
    countries = {"options": country_options(source), "default": source.poles[-1]}
    which = {"key": "country", "label": "Missing data of", "kind": "choice", **countries}
    return [which, *made] if made else []
