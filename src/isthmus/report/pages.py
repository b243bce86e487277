"""The explorer's pages as data: controls, and views with a table, a chart and a map each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from isthmus.report import charts, panels
from isthmus.report.bloc_views import bloc_views, window_control
from isthmus.report.charts import Spec
from isthmus.report.country_pages import country_page
from isthmus.report.country_views import bound_controls, bound_views, reference_view
from isthmus.report.field_pages import fields_page
from isthmus.report.glossary import metric
from isthmus.report.pair_pages import pairs_page
from isthmus.report.place_views import closest_view, places_view
from isthmus.report.published_counts_views import (
    comparison_controls,
    comparison_views,
    last_compared,
)
from isthmus.report.shards import MOST_NOVEL, STRONGEST
from isthmus.report.shared_views import (
    alignment_view,
    coverage_view,
    leader_columns,
    measure_lines,
)
from isthmus.report.source import Source
from isthmus.report.team_pages import movers_page, teaming_page
from isthmus.report.topic_pages import topics_page
from isthmus.report.views import (
    TO_COUNTRY,
    TO_PAIR,
    Page,
    View,
    country_options,
    measure_control,
    measures,
    whole_view,
    year_control,
)
from isthmus.report.words import MODELS
from isthmus.results.units import in_unit
from isthmus.study.sections import AFFINITY

#: Countries of the square of archetypes: those with most pairs.
SQUARE = 15

#: Countries that can be compared at a time.
COMPARED = 8


def pages(source: Source) -> list[Page]:
    """Return every page that has data, in the order of the menu, with the views that have a table.

    A table that was made and is empty says so on its page.
    """
    makers: list[Callable[[Source], Page]] = [
        countries_page,
        country_page,
        novelty_page,
        pairs_page,
        poles_page,
        topics_page,
        teaming_page,
        movers_page,
        fields_page,
        coverage_page,
    ]
    made = []
    for make in makers:
        page = make(source)
        views = [view for view in page.views if view.table in source.results.record["tables"]]
        if any(source.has(view.table) for view in views):
            made.append(_in_unit(replace(page, views=views), source))
    return made


def _in_unit(page: Page, source: Source) -> Page:
    """Write the word of the study's unit for "country" in what a page says."""

    def said(text: str) -> str:
        return in_unit(text, source.settings)

    views = [replace(v, heading=said(v.heading), note=said(v.note)) for v in page.views]
    controls = [{**control, "label": said(control["label"])} for control in page.controls]
    title, intro = said(page.title), said(page.intro)
    return replace(page, title=title, intro=intro, views=views, controls=controls)


def _ranked(source: Source, measure: str, label: str) -> Spec:
    table = source.table("country_year")
    if table is not None and f"{measure}_low" in table.column_names:
        return panels.ranked_dots(measure, "country", label)
    return charts.ranked_bars(measure, "country", label)


def countries_page(source: Source) -> Page:
    """Who leads: every country in a year, a few compared over the years, blocs."""
    labels = {name: metric(name, source.settings).label for name in measures(source)}
    most = {"key": "countries", "label": f"Compare (up to {COMPARED})", "kind": "many"}
    compare = {**most, "options": country_options(source), "default": ",".join(source.poles)}
    leaders = View(
        "leaders",
        "Countries in {year}",
        "Ranked by the column you sort; countries whose intervals overlap share ranks, like 1-2. "
        "Choose a country to open its page.",
        "country_year",
        ["country_year/{year}"],
        "rows",
        leader_columns(source, link=True),
        sort=f"-{source.papers}_share",
        by="measure",
        chart={n: _ranked(source, n, label) for n, label in labels.items()},
        map={n: charts.world(n, label) for n, label in labels.items()},
        ranked=True,
    )
    compared = View(
        "compare",
        "Compared over the years",
        "Bands are 95 % intervals where the table has them.",
        "country_year",
        ["country/{countries}"],
        "years",
        [("country", TO_COUNTRY), ("year", None), *leader_columns(source, link=False)],
        by="measure",
        chart=measure_lines(source),
    )
    blocs = View(
        "blocs",
        "Blocs",
        "Groups of countries the study names, each counted as if it were one country.",
        "bloc_year",
        ["blocs"],
        "bloc_year",
        [("country", None), ("year", None), *leader_columns(source, link=False)],
        by="measure",
        chart=measure_lines(source),
    )
    views = [leaders, compared, *([blocs] if source.settings["countries"]["blocs"] else [])]
    intro = "Who leads the field: output, impact, hits, novelty and scientists of every country."
    controls = [year_control(source, "country_year"), measure_control(source), compare]
    return Page("countries", "Countries", intro, controls, views, ["who-leads", "catching-up"])


def novelty_page(source: Source) -> Page:
    """The most novel works, where a year's novelty hits begin, and references lost."""
    table = source.table("novelty_works")
    there = list(table.column_names) if table is not None else []
    works = View(
        "novelty_works",
        f"The {MOST_NOVEL} most novel works in {{year}}",
        "Lower is more novel. The file of the table novelty works has every work.",
        "novelty_works",
        ["novelty_works/{year}"],
        "rows",
        [(name, None) for name in there],
        sort="novelty",
        chart={"": charts.histogram("novelty", _label(source, "novelty"), colour="")},
    )
    begins = {"": charts.lines("threshold", _label(source, "threshold"), colour="")}
    usable = {"": charts.lines("usable", _label(source, "usable"), colour="")}
    views = [
        works,
        whole_view(
            source, "novelty_thresholds", "Where novelty hits begin", "novelty", "", chart=begins
        ),
        whole_view(
            source, "reference_losses", "What becomes of references", "novelty", "", chart=usable
        ),
    ]
    intro = "Works that cite venues chance would rarely bring together, and what the scores rest "
    intro += "on. The countries' novelty is among the measures of their pages."
    return Page("novelty", "Novelty", intro, [year_control(source, "novelty_works")], views)


def poles_page(source: Source) -> Page:
    """Bridges and blocs, the network of significant links, the archetypes."""
    names = list(source.settings["poles"]["null_models"])
    names = [AFFINITY, *names] if source.headline_model == AFFINITY else names
    models = [[name, MODELS.get(name, name)] for name in names]
    null = {"key": "null", "label": "Compared with", "kind": "choice", "options": models}
    year = year_control(source, "links", "slider")
    link = ("source", TO_PAIR), ("target", TO_PAIR)
    views = [
        whole_view(
            source,
            "pole_years",
            "The poles beside their placebo",
            "poles",
            "",
            chart={"": panels.beside_placebo("Affinity or log ratio of collaboration")},
            where=[
                ["null_model", "is", "null"],
                ["layer", "equals", "collaboration"],
                ["quantity", "differs", "z"],
            ],
        ),
        alignment_view(
            source,
            "alignment",
            ["poles"],
            [["null_model", "is", "null"]],
            by_country=False,
        ),
        *bloc_views(),
        View(
            "network",
            "Strongest links in {year}",
            f"The {STRONGEST} joint-paper links furthest above what sizes alone give, among those "
            "with a false discovery rate q below 0.05. Years without any are left blank.",
            "links",
            ["significant/{year}"],
            "rows",
            [*link, ("observed", None), ("expected", None), ("z", None), ("q", None)],
            sort="-z",
            chart={
                "": panels.joined(
                    charts.ranked_bars("z", "pair", "Standard deviations above sizes alone (z)"),
                    "source",
                    "target",
                    "and",
                    "pair",
                )
            },
        ),
        closest_view(source),
        whole_view(
            source,
            "polarisation",
            "Polarisation by year",
            "poles",
            "",
            chart={"": charts.intervals("index", "low", "high", "Index", colour="null_model")},
            where=[["null_model", "is", "null"], ["layer", "equals", "collaboration"]],
        ),
        View(
            "archetypes",
            "Archetypes of all pairs",
            "How joint papers and citations of each pair move relative to its other partners. The "
            "chart shows the 15 countries with most pairs.",
            "archetypes",
            ["archetypes/{null}"],
            "rows",
            [
                *link,
                ("archetype", None),
                ("stability", None),
                ("slope_collaboration", None),
                ("slope_citation", None),
            ],
            chart={
                "": {
                    **charts.matrix("source", "target", "archetype", "Archetype"),
                    "usermeta": {"square": SQUARE},
                }
            },
        ),
        whole_view(
            source,
            "centroids",
            "Courses of the archetypes",
            "poles",
            "",
            chart={"": panels.courses()},
            where=[["null_model", "is", "null"]],
        ),
        whole_view(source, "cluster_choice", "How many archetypes", "poles", ""),
        whole_view(source, "placebo", "What the placebo shows", "poles", ""),
        whole_view(
            source,
            "dropped",
            "Trends without each of the largest countries",
            "poles",
            "",
            chart={},
            where=[["null_model", "is", "null"]],
        ),
    ]
    intro = "Who drifts together and apart, which countries bridge the poles, and what a world "
    intro += f"without any preference would show. {source.why_no_poles}".rstrip()
    answers = ["drift-collaboration", "drift-citation", "roles"]
    controls = [year, {**null, "default": models[0][0]}, *window_control(source)]
    return Page("poles", "Poles", intro, controls, views, answers)


def coverage_page(source: Source) -> Page:
    """What is missing, by year and country, and what others count."""
    year = year_control(source, "coverage")
    year["default"] = last_compared(source, [option[0] for option in year["options"]])
    everyone = coverage_view(
        "all-works", "All works", ["coverage"], "coverage", [["country", "equals", "all"]]
    )
    rules = [["year", "is", "year"]]
    each = coverage_view("coverage", "Countries in {year}", ["coverage"], "coverage", rules)
    bars = charts.ranked_bars("works", "country", "Works")
    shares = charts.world("share_with_references", "With references")
    each = View(**{**each.__dict__, "chart": {"": bars}, "map": {"": shares}, "sort": "-works"})
    intro = "How much of the field the numbers rest on."
    intro += "".join(f" {text}" for text in (source.source_end, source.references_unknown) if text)
    controls = [year, *bound_controls(source), *comparison_controls(source)]
    views = [everyone, places_view(), *bound_views(source), reference_view(source), each]
    views += comparison_views(source)
    return Page("coverage", "Coverage", intro, controls, views, ["missing"])


def _label(source: Source, name: str) -> str:
    return metric(name, source.settings).label
