"""The explorer's page on pairs of countries, and the columns of every table of pairs."""

from __future__ import annotations

from collections.abc import Collection

from isthmus.report import charts, panels
from isthmus.report.excerpts import INDEX_COLUMNS, INDICES, LEAST_JOINT, LEAST_YEARLY, TURN_COLUMNS
from isthmus.report.glossary import metric
from isthmus.report.place_views import linked_view
from isthmus.report.shards import ALL_PAIRS, LINK_COLUMNS
from isthmus.report.source import Source
from isthmus.report.views import TO_PAIR, Page, View, country_options
from isthmus.report.words import LAYERS


def pairs_page(source: Source) -> Page:
    """Two countries over time, against every null model."""
    options = country_options(source)
    a, b = (*source.poles, *(o[0] for o in options))[:2]
    controls = [
        {"key": "a", "label": "Country", "kind": "choice", "options": options, "default": a},
        {"key": "b", "label": "and", "kind": "choice", "options": options, "default": b},
        {
            "key": "quantity",
            "label": "Links as",
            "kind": "choice",
            "options": [
                ["affinity", "affinity, relative to their other partners"],
                ["log_ratio", "effect size (log ratio)"],
                ["counts", "observed and expected"],
                ["z", "z"],
            ],
            "default": "affinity",
        },
    ]
    if source.has("pair_indicators"):
        options = [[n, metric(n, source.settings, "pair_indicators").label] for n in INDICES]
        index = {"key": "index", "label": "Index in charts", "kind": "choice"}
        controls.append({**index, "options": options, "default": INDICES[0]})
    shard = ["pair/{first}/{initial}"]
    joint = metric("works_whole", source.settings).label
    views = [
        View(
            "joint",
            "{a} and {b}: joint papers",
            "Whole and fractional counts side by side.",
            "collaboration",
            shard,
            "collaboration",
            [
                ("year", None),
                ("works_whole", None),
                ("works_fractional", None),
                ("works_single_author", None),
            ],
            where=[["source", "pair", "a"]],
            chart={"": charts.lines("works_whole", joint, colour="")},
            small="works_whole",
        ),
        View(
            "cites",
            "{a} and {b}: citations",
            "Source cites target.",
            "citation",
            shard,
            "citation",
            [
                ("year", None),
                ("source", None),
                ("target", None),
                ("citations_whole", None),
                ("citations_fractional", None),
            ],
            where=[["source", "pair", "a"]],
            chart={"": charts.lines("citations_whole", "Citations (whole)", colour="source")},
        ),
        *_against(source, shard),
        linked_view(shard),
        _turns(shard),
        _indices(source, shard),
        View(
            "pairs",
            "All pairs",
            "Totals over the study's years. Greyed: fewer joint papers than the small-cell limit.",
            "collaboration",
            ["pairs"],
            "pairs",
            [("source", TO_PAIR), ("target", TO_PAIR), *pair_columns(source, ALL_PAIRS)],
            sort="-works_whole",
            small="works_whole",
        ),
    ]
    intro = "Two countries: what they write together, whom they cite, and what size would explain."
    sentences = {"data": shard, "set": "sentences", "where": [["source", "pair", "a"]]}
    sentences |= {"none": "Nothing in this study ties the two enough to be judged."}
    return Page("pairs", "Pairs", intro, controls, views, sentences=sentences)


def _against(source: Source, shard: list[str]) -> list[View]:
    keys = ("year", "null_model", "source", "target")
    rest = [name for name in LINK_COLUMNS if name not in (*keys, "layer")]
    shown: list[tuple[str, str | None]] = [(name, None) for name in (*keys, *rest)]
    ratio = charts.intervals(
        "log_ratio", "log_ratio_low", "log_ratio_high", "Log ratio", colour="null_model"
    )
    affinity = charts.intervals(
        "affinity", "affinity_low", "affinity_high", "Affinity", colour="source"
    )
    by_source = {"colour": "null_model", "dash": "source"}
    counts = charts.observed_and_expected()
    z = charts.dashed_lines("z", "z", **by_source)
    moved = charts.dashed_lines("log_ratio", "Log ratio", **by_source)
    pair = ["source", "pair", "a"]
    layers = {
        "collaboration": {"affinity": affinity, "log_ratio": ratio, "counts": counts, "z": z},
        "citation": {"affinity": affinity, "log_ratio": moved, "counts": counts, "z": z},
    }
    views = [
        View(
            f"{layer}-links",
            f"{{a}} and {{b}}: {LAYERS[layer]} observed and expected",
            "Every null model side by side: z, false discovery rate q and effect size. Years with "
            "no work and less than one expected say nothing and are left out.",
            "links",
            shard,
            "links",
            shown,
            where=[pair, ["layer", "equals", layer]],
            by="quantity",
            chart=specs,
        )
        for layer, specs in layers.items()
    ]
    views.append(
        View(
            "archetype",
            "{a} and {b}: archetype",
            "How the pair moved under each null model, and how stable that is.",
            "archetypes",
            shard,
            "archetypes",
            [
                ("null_model", None),
                ("archetype", None),
                ("stability", None),
                ("slope_collaboration", None),
                ("slope_citation", None),
            ],
            where=[pair],
        )
    )
    return views


#: What each index of a pair answers.
QUESTIONS = {
    "Index of collaboration": "Is the target more often in the international papers of the source "
    "than in those of the world? Published by the National Science Board (NSB).",
    "Probabilistic affinity index": "The same question of links instead of papers.",
    "Salton's measure": "How large a part of the papers of both is joint? It rises with size.",
    "Relative intensity": "How much more does one work with the other than everybody else does? It "
    "differs by direction. The source is the country whose code comes first in the alphabet.",
    "Affinity (above)": "Do the two work together more than either does with its typical partner? "
    "It alone does not move when a country grows: use it over the years.",
}


def _indices(source: Source, shard: list[str]) -> View:
    labels = {name: metric(name, source.settings, "pair_indicators").label for name in INDICES}
    return View(
        "indices",
        "{a} and {b}: other indices",
        f"Indices that reports use, in the years with {LEAST_YEARLY} joint papers and more. All "
        "move with the size of the two countries. Pairs with fewer than "
        f"{LEAST_JOINT} joint papers in these years are not listed.",
        "pair_indicators",
        shard,
        "indices",
        [(name, None) for name in INDEX_COLUMNS],
        where=[["source", "pair", "a"]],
        by="index",
        chart={n: charts.lines(n, text, colour="", band=True) for n, text in labels.items()},
        says="indices_said",
        most=6,
        folded=QUESTIONS,
    )


def _turns(shard: list[str]) -> View:
    first = ("layer", "turned", "year")
    names = [*first, *(n for n in TURN_COLUMNS if n not in (*first, "source", "target"))]
    return View(
        "turns",
        "{a} and {b}: since when",
        "Whether the yearly change of the affinity turned, and in which year. Asked of ties with "
        "enough works a year, and of the poles. No turn shown does not mean that there is none.",
        "turns",
        shard,
        "turns",
        [(name, None) for name in names],
        where=[["source", "pair", "a"]],
        chart={"": panels.before_and_after("Change of the affinity a year (log)")},
    )


def pair_columns(
    source: Source, among: Collection[str] | None = None
) -> list[tuple[str, str | None]]:
    """Return the columns of a table of pairs, those whose result tables are there."""
    shown = ["works_whole", "works_fractional", "works_single_author"]
    shown += ["citations_whole", "citations_fractional"] if source.has("citation") else []
    shown += ["affinity", "z", "log_ratio"] if source.has("links") else []
    shown += ["archetype", "stability"] if source.has("archetypes") else []
    return [(name, None) for name in shown if among is None or name in among]
