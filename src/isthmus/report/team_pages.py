"""The explorer's pages on teaming up and on movers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from isthmus.report import charts, panels
from isthmus.report.charts import Spec
from isthmus.report.glossary import metric
from isthmus.report.source import Source
from isthmus.report.views import Page, View, whole_view, year_control
from isthmus.report.words import experiment as named

#: Matched joint papers from which a year is drawn; the table has the others.
LEAST = 10


def teaming_page(source: Source) -> Page:
    """Matched comparison, its balance and placebo."""
    table = source.table("matched")
    found = sorted(set(table["experiment"].to_pylist())) if table is not None else [""]
    lead = "joint:" + "+".join(source.poles[:2])
    main = lead if lead in found else min(found, key=lambda name: (len(name), name))
    experiment = {
        "key": "experiment",
        "label": "Experiment",
        "kind": "choice",
        "options": [["", "all"], *([name, named(name)] for name in found if name)],
        "default": main,
    }
    chosen = [["experiment", "is", "experiment"]]
    effect = charts.intervals(
        "effect_percent", "ci_low", "ci_high", "Difference, %", colour="experiment"
    )
    enough = {**effect, "usermeta": {"least": ["treated_matched", LEAST]}}
    covered = charts.lines("after", "Standardised difference after", colour="covariate")
    pairs = charts.histogram("effect_percent", "Difference, %", colour="is_pole_pair")
    sizes = charts.shares("team_size", "papers", "Authors", colour="group")
    share = panels.share_lines("papers_top_institution", "papers", "Share", colour="group")
    top = charts.among(share, "lead", source.poles[:1])
    made = [
        ("matched", "Matched effects by year", enough, chosen),
        ("balance", "Balance of covariates", covered, chosen),
        ("placebo_pairs", "What other pairs gain (placebo)", pairs, []),
        ("matched_measures", "Other measures of the same effects", None, chosen),
        ("team_sizes", "Team sizes", sizes, []),
        ("top_institutions", f"Led by top institutions (chart: {source.poles[0]})", top, []),
        ("unmatched", "Joint papers without a match", None, chosen),
    ]
    views = [
        whole_view(source, name, heading, "teaming", "", chart=_only(spec), where=rules)
        for name, heading, spec, rules in made
    ]
    few = f"Years with fewer than {LEAST} matched joint papers are in the table, not in the chart. "
    views[0] = replace(views[0], note=few + views[0].note)
    views += [
        whole_view(source, name, heading, "named", "", chart={})
        for name, heading in (
            ("leading_institutions", "The most cited institutions"),
            ("cited_works", "The most cited works of each year"),
        )
    ]
    intro = "Who gains by teaming up: matched papers, with the balance and the placebo behind "
    return Page(
        "teaming", "Teaming up", intro + "every comparison.", [experiment], views, ["teaming"]
    )


def _only(spec: Spec | None) -> Mapping[str, Spec]:
    return {} if spec is None else {"": spec}


def movers_page(source: Source) -> Page:
    """Moves of scientists: flows, profiles, what movers keep, and how settings matter."""
    year = year_control(source, "flows")
    label = metric("scientists_moved", source.settings).label
    flows = View(
        "flows",
        "Moves of scientists in {year}",
        "From the country they left to the country they came to.",
        "flows",
        ["flows/{year}"],
        "rows",
        [("origin", None), ("destination", None), ("scientists", None), ("returning", None)],
        sort="-scientists",
        chart={"": charts.summed_bars("scientists", "origin", label, "sum", 20)},
    )
    kept = charts.points_across("experiment", "mean_treated", "Movers, %", colour="")
    kept = {**kept, "usermeta": {"least": ["treated_matched", LEAST]}}
    made: list[tuple[str, str, Mapping[str, Spec]]] = [
        ("retention", "What movers keep", {"": kept}),
        ("retention_balance", "Balance of that comparison", {}),
        ("mover_profiles", "Who moves", {}),
        ("mobility_rates", "Rates of moving", {}),
        ("flow_ranges", "Range of flows over settings of a move", {}),
        ("mobility_variants", "The settings", {}),
    ]
    totals = panels.joined(
        charts.ranked_bars("scientists", "move", label), "origin", "destination", "to", "move"
    )
    every = whole_view(
        source, "flow_totals", "Moves over all years", "movers", "", chart={"": totals}
    )
    views = [replace(every, sort="-scientists"), flows]
    views += [
        whole_view(source, name, heading, "movers", "", chart=spec) for name, heading, spec in made
    ]
    intro = "Who moves between countries, what they keep, and how much the answer turns on the "
    return Page("movers", "Movers", intro + "settings of a move.", [year], views, ["movers"])
