"""The explorer's pages as data: controls, and views with a table, a chart and a map each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from isthmus.report import charts, panels
from isthmus.report.charts import Spec
from isthmus.report.glossary import metric
from isthmus.report.pair_pages import pair_columns, pairs_page
from isthmus.report.published_counts_views import (
    comparison_controls,
    comparison_views,
    last_compared,
)
from isthmus.report.shards import MOST_NOVEL
from isthmus.report.source import Source
from isthmus.report.team_pages import movers_page, teaming_page
from isthmus.report.views import (
    TO_COUNTRY,
    TO_PAIR,
    TO_PARTNER,
    Page,
    View,
    country_options,
    measure_control,
    measures,
    whole_view,
    year_control,
)
from isthmus.study.sections import AFFINITY

#: Countries that can be compared at a time.
COMPARED = 8


def pages(source: Source) -> list[Page]:
    """Give every page that has a table, in the order of the menu."""
    makers: list[Callable[[Source], Page]] = [
        countries_page,
        country_page,
        novelty_page,
        pairs_page,
        poles_page,
        teaming_page,
        movers_page,
        findings_page,
        coverage_page,
    ]
    return [make(source) for make in makers]


def _lines(source: Source) -> dict[str, Spec]:
    table = source.table("country_year")
    there = set(table.column_names) if table is not None else set()
    return {
        name: charts.lines(name, metric(name, source.settings).label, band=f"{name}_low" in there)
        for name in measures(source)
    }


def _leader_columns(source: Source, *, link: bool) -> list[tuple[str, str | None]]:
    table = source.table("country_year")
    there = list(table.column_names) if table is not None else []
    shown: list[tuple[str, str | None]] = []
    if link:
        shown.append(("country", TO_COUNTRY))
    named = [name for name in there if name not in ("country", "year")]
    shown += [(name, None) for name in named if not name.endswith("_se")]
    return shown


def countries_page(source: Source) -> Page:
    """Who leads: every country in a year, a few compared over the years, blocs."""
    labels = {name: metric(name, source.settings).label for name in measures(source)}
    most = {"key": "countries", "label": f"Compare (up to {COMPARED})", "kind": "many"}
    compare = {**most, "options": country_options(source), "default": ",".join(source.poles)}
    leaders = View(
        "leaders",
        "Countries in {year}",
        "Ranked by the column you sort. Choose a country to open its page.",
        "country_year",
        ["country_year/{year}"],
        "rows",
        _leader_columns(source, link=True),
        sort=f"-{source.papers}",
        by="measure",
        chart={n: charts.ranked_bars(n, "country", label) for n, label in labels.items()},
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
        [("country", TO_COUNTRY), ("year", None), *_leader_columns(source, link=False)],
        by="measure",
        chart=_lines(source),
    )
    blocs = View(
        "blocs",
        "Blocs",
        "Groups of countries the study names, each counted as if it were one country.",
        "bloc_year",
        ["blocs"],
        "bloc_year",
        [("country", None), ("year", None), *_leader_columns(source, link=False)],
        by="measure",
        chart=_lines(source),
    )
    views = [leaders, compared, *([blocs] if source.settings["countries"]["blocs"] else [])]
    intro = "Who leads the field: output, impact, hits, novelty and scientists of every country."
    controls = [year_control(source, "country_year"), measure_control(source), compare]
    return Page("index", "Countries", intro, controls, views)


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
        [("year", None), *_leader_columns(source, link=False)],
        by="measure",
        chart=_lines(source),
    )
    views = [years, _partners(source, shard), *_moves_of(source, shard)]
    views.append(_alignment(source, "alignment", shard, [], by_country=True))
    views.append(_coverage_view("coverage", "Coverage of {country}'s data", shard, "coverage"))
    intro = "One country: its output, its partners against expectation, its data."
    against = {
        "key": "partners",
        "label": "Partners by",
        "kind": "choice",
        "options": [
            ["log_ratio", "more or fewer than expected"],
            ["works_whole", "joint papers"],
        ][:: 1 if source.has("links") else -1],
        "default": "log_ratio" if source.has("links") else "works_whole",
    }
    controls = [{**which, "options": options, "default": first}, measure_control(source), against]
    return Page("country", "Country page", intro, controls, views)


def _partners(source: Source, shard: list[str]) -> View:
    joint, ratio = (metric(c, source.settings).label for c in ("works_whole", "log_ratio"))
    return View(
        "partners",
        "Partners of {country}",
        "Joint papers and citations over the study's years; z and log ratio say how much more or "
        f"less than expected under {source.headline_null} in the last year. Greyed: fewer joint "
        "papers than the small-cell limit.",
        "collaboration",
        shard,
        "partners",
        [("partner", TO_PARTNER), *pair_columns(source)],
        sort="-works_whole",
        by="partners",
        chart={
            "works_whole": charts.ranked_bars("works_whole", "partner", joint),
            "log_ratio": panels.more_and_fewer("log_ratio", "partner", ratio),
        },
        map={
            "works_whole": charts.world("works_whole", joint, country="partner"),
            "log_ratio": panels.diverging_world("log_ratio", ratio, country="partner"),
        },
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


def _alignment(
    source: Source, name: str, shards: list[str], where: list[list[str]], *, by_country: bool
) -> View:
    table = source.table("alignment")
    there = list(table.column_names) if table is not None else []
    link = None if by_country else TO_COUNTRY
    shown: list[tuple[str, str | None]] = [] if by_country else [("country", link)]
    first = ["null_model", "role", *(c for c in there if c.startswith("with_"))]
    ordered = [*(c for c in first if c in there), *(c for c in there if c not in first)]
    shown += [(c, None) for c in ordered if c != "country"]
    heading = "Alignment of {country}" if by_country else "Who aligns with which pole"
    note = f"The poles are {source.words.the_poles}. One row per null model."
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


def _coverage_view(
    name: str, heading: str, shards: list[str], data: str, where: Sequence[Sequence[str]] = ()
) -> View:
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


def novelty_page(source: Source) -> Page:
    """The most novel works, where a year's novelty hits begin, and references lost."""
    table = source.table("novelty_works")
    there = list(table.column_names) if table is not None else []
    works = View(
        "novelty_works",
        f"The {MOST_NOVEL} most novel works in {{year}}",
        "Lower is more novel. `novelty_works.parquet` of the results has every work.",
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
    models = [[name, name] for name in source.settings["poles"]["null_models"]]
    if source.headline_model == AFFINITY:
        models.insert(0, [AFFINITY, "none (affinity)"])
    null = {"key": "null", "label": "Null model", "kind": "choice", "options": models}
    year = year_control(source, "links", "slider")
    link = ("source", TO_PAIR), ("target", TO_PAIR)
    views = [
        _alignment(
            source,
            "alignment",
            ["poles"],
            [["null_model", "is", "null"]],
            by_country=False,
        ),
        View(
            "network",
            "Significant links in {year}",
            f"Collaboration above z = 2 under {source.headline_null}.",
            "links",
            ["significant/{year}"],
            "rows",
            [*link, ("observed", None), ("expected", None), ("z", None), ("q", None)],
            sort="-z",
            map={"": charts.link_map("z", "z")},
        ),
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
            "SC both rise, SD both fall, KI citation rises and collaboration falls, KD citation "
            "falls.",
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
            chart={"": charts.matrix("source", "target", "archetype", "Archetype")},
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
    return Page("poles", "Poles", intro, [year, {**null, "default": models[0][0]}], views)


def findings_page(source: Source) -> Page:
    """Each claim of the studies, its evidence and its verdict."""
    shown = ["statement", "verdict", "why", "estimate", "low", "high", "smallest", "p", "q"]
    shown += ["as_said", "of_sizes", "placebo", "models", "counting", "dropping", "missing_data"]
    shown += ["estimand", "source", "claim", *(["said"] if source.words.is_original_study else [])]
    view = View(
        "findings",
        "Claims and verdicts",
        "Supported: the effect is large enough to matter and its error rate is controlled. "
        "Contradicted: an effect of that size is excluded. Undecided: neither, or placebo, null "
        "models or rules of counting stand against it. Not testable here: the data are missing.",
        "findings",
        ["findings"],
        "findings",
        [(name, None) for name in shown],
    )
    intro = "What the studies claim, what these data say of it, and what the verdict survives."
    return Page("findings", "Findings", intro, [], [view])


def coverage_page(source: Source) -> Page:
    """What is missing, by year and country, and what others count."""
    year = year_control(source, "coverage")
    year["default"] = last_compared(source, [option[0] for option in year["options"]])
    everyone = _coverage_view(
        "all-works", "All works", ["coverage"], "coverage", [["country", "equals", "all"]]
    )
    rules = [["year", "is", "year"]]
    each = _coverage_view("coverage", "Countries in {year}", ["coverage"], "coverage", rules)
    bars = charts.ranked_bars("works", "country", "Works")
    shares = charts.world("share_with_references", "With references")
    each = View(**{**each.__dict__, "chart": {"": bars}, "map": {"": shares}, "sort": "-works"})
    intro = "How much of the field the numbers rest on."
    intro += "".join(f" {text}" for text in (source.source_end, source.references_unknown) if text)
    controls = [year, *comparison_controls(source)]
    views = [everyone, each, *comparison_views(source)]
    return Page("coverage", "Coverage", intro, controls, views)


def _label(source: Source, name: str) -> str:
    return metric(name, source.settings).label
