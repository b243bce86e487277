"""The steps of a run: one function per question, from shared tables to result tables.

A new question is a folder of its own, one line in :data:`STEPS`, and the entries of its tables
in ``results/tables.toml`` and ``results/columns.csv``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from isthmus.engine import Table
from isthmus.leadership import indicators as of_countries
from isthmus.leadership import sectors as of_sectors
from isthmus.leadership import topics as of_topics
from isthmus.leadership.bounds import Bounds
from isthmus.leadership.country_year import Leaders
from isthmus.leadership.coverage import coverage
from isthmus.leadership.impact import hit_thresholds
from isthmus.leadership.normalised import in_cells, scores
from isthmus.leadership.published_counts import comparison, read_published
from isthmus.mobility.movers import Movers
from isthmus.pipeline import more_shocks
from isthmus.pipeline.reference_bounds import citing_works, reference_bounds
from isthmus.poles import dependence as of_citations
from isthmus.poles.analysis import analyse
from isthmus.poles.linked_pairs import linked_pairs
from isthmus.poles.networks import citation, collaboration
from isthmus.poles.pair_indicators import country_works, pair_indicators
from isthmus.poles.team_counts import BIPARTITE, team_tables
from isthmus.poles.team_counts import Teams as CountryTeams
from isthmus.results import TABLES, tables_of
from isthmus.selection.field import reference_tally
from isthmus.selection.study_tables import StudyTables
from isthmus.teaming.joint_papers import Teams
from isthmus.teaming.papers import citations_stated


@dataclass
class Context:
    """What a step works with: shared tables, results so far, notes it leaves for ``run.json``."""

    tables: StudyTables
    leaders: Leaders
    results: Path
    notes: dict[str, Any] = field(default_factory=dict)

    def result(self, name: str) -> pa.Table:
        """Read a result table that an earlier step made."""
        return pq.read_table(self._file(name))

    def has(self, name: str) -> bool:
        """Whether an earlier step made a result table."""
        return self._file(name).exists()

    def _file(self, name: str) -> Path:
        return self.results / f"{name}.parquet"

    @property
    def scores(self) -> Table:
        """Normalised impact of every work of the field whose citation window is known."""
        tables = self.tables

        def made() -> Table:
            corpus = tables.corpus
            cells = in_cells(self.leaders.impact, corpus["works"], corpus["subjects"])
            return scores(cells, tables.engine)

        return tables.keep("scores", made)

    def collect(self, table: Table) -> pa.Table:
        """Compute a result table as Arrow."""
        return self.tables.engine.collect(table)


@dataclass(frozen=True)
class Step:
    """One question of a run: its name, the tables it makes, and how."""

    name: str
    makes: tuple[str, ...]
    make: Callable[[Context], Mapping[str, pa.Table]]


def _field(context: Context) -> dict[str, pa.Table]:
    """Compute what the questions share, so that no question's time hides it."""
    tables = context.tables
    counted = tables.field_in_years
    context.notes["works"] = context.collect(counted.agg(n=counted.count()))["n"][0].as_py()
    context.notes["holds_only_the_field"] = tables.holds_only_the_field
    corrected = tables.correction_counts()
    if corrected:
        context.notes["corrections"] = corrected
    published = read_published(tables.study)
    if published:
        context.notes["comparisons"] = {name: read.record() for name, read in published.items()}
    tables.share()
    return {}


def _coverage(context: Context) -> dict[str, pa.Table]:
    tables = context.tables
    corpus = tables.corpus
    rows = coverage(
        tables.field_in_years,
        tables.countries,
        corpus["works"],
        corpus["references"],
        tables.unknown_years,
    )
    tally = reference_tally(tables.dated_references)
    tally = tally.filter(tally.year.between(*tables.study.years))
    joined = rows.left_join(tally, "year").select(*rows.columns, *tally.columns[1:])
    everyone = joined.country == "all"
    if tables.source_end is not None:
        context.notes["source_end"] = tables.source_end
    if tables.unknown_years:
        context.notes["references_unknown"] = tables.unknown_years
    if tables.suggested_end is not None:
        context.notes["corpus_end_suggested"] = tables.suggested_end
    blank = {name: everyone.ifelse(joined[name], None) for name in tally.columns[1:]}
    in_years = pc.and_(
        pc.greater_equal(tables.funnel["year"], tables.study.years[0]),
        pc.less_equal(tables.funnel["year"], tables.study.years[1]),
    )
    made = {
        "coverage": context.collect(joined.mutate(**blank)),
        "funnel": tables.funnel.filter(in_years),
    }
    if tables.study.places.unit != "country":
        made["places"] = tables.places()
    return made


def _leaders(context: Context) -> dict[str, pa.Table]:
    leaders, tables = context.leaders, context.tables
    made = {
        "country_year": context.collect(leaders.country_year()),
        "hit_thresholds": context.collect(leaders.hit_thresholds),
        "novelty_works": context.collect(leaders.novelty_works),
        "novelty_thresholds": context.collect(leaders.novelty.thresholds(leaders.novelty_works)),
        "reference_losses": context.collect(leaders.novelty.losses()),
    }
    made["country_totals"] = leaders.country_totals(made["country_year"])
    if tables.study.countries.blocs:
        made["bloc_year"] = context.collect(leaders.bloc_year())
    if tables.study.comparisons:
        made |= comparison(tables.study, read_published(tables.study), made["country_year"])
    known = "from the corpus"
    if tables.holds_only_the_field:
        known = "unknown: the corpus holds the field alone"
        if tables.author_totals is not None:
            known = "from the totals of author entities"
    context.notes["scientists_majority"] = known
    context.notes["corpus_end"] = tables.corpus_end
    return made


def _bounds(context: Context) -> dict[str, pa.Table]:
    leaders, tables = context.leaders, context.tables
    if not tables.study.bounds.enabled:
        return {}
    return {"bounds": Bounds(tables, leaders.impact, leaders.hit_thresholds).table()}


def _movers(context: Context) -> Movers:
    leaders = context.leaders
    return Movers(context.tables, leaders.scientists, leaders.scientist_places)


def _mobility(context: Context) -> dict[str, pa.Table]:
    leaders, collect, movers = context.leaders, context.collect, _movers(context)
    context.notes["orcids_known"] = movers.orcids_known
    made = {
        "moves": collect(movers.moves()),
        "flows": collect(movers.flows()),
        "flow_totals": collect(movers.flow_totals()),
        "mobility_rates": collect(movers.rates()),
        "mover_profiles": collect(movers.profiles()),
        "mover_contrasts": movers.contrasts(),
        "set_aside": collect(movers.set_aside()),
    }
    context.notes["authors_set_aside"] = made["set_aside"].num_rows
    made |= movers.cohorts(leaders.impact)
    if movers.authors_in_groups is not None:
        context.notes["authors_in_groups"] = movers.authors_in_groups
    return made | movers.retention() | movers.multiverse()


def _joint_papers(context: Context) -> Teams:
    leaders, tables = context.leaders, context.tables
    impact, thresholds = leaders.impact, leaders.hit_thresholds
    if tables.study.teaming.outcome == "cited_by_count":
        impact = tables.keep(
            "citations_stated",
            lambda: citations_stated(tables.field_in_years, tables.corpus["works"]),
        )
        thresholds = hit_thresholds(impact, tables.study.impact.hit_percent)
    return Teams(tables, impact, thresholds, leaders.impact_without)


def _teaming(context: Context) -> dict[str, pa.Table]:
    teams, collect = _joint_papers(context), context.collect
    made = {
        "team_sizes": collect(teams.team_sizes()),
        "top_institutions": teams.top_institutions(),
        "leading_institutions": collect(teams.leading_institutions()),
        "cited_works": collect(teams.cited_works()),
        "placebo_pairs": teams.placebo_pairs(),
    }
    made["team_contrasts"] = teams.team_contrasts(made["team_sizes"], made["top_institutions"])
    made |= teams.matched()
    for name, movers in (("matched", "retention"), ("balance", "retention_balance")):
        if context.has(movers):
            made[name] = pa.concat_tables([made[name], context.result(movers)])
    return made


def _networks(context: Context) -> dict[str, pa.Table]:
    tables, study = context.tables, context.tables.study
    citations = tables.citations
    citations = citations.filter(citations.citing_year.between(*study.years))
    if tables.unknown_years:
        citations = citations.filter(~citations.citing_year.isin(tables.unknown_years))
    if not study.field.include_citing:
        inside = tables.field.select(citing_id="work_id")
        citations = citations.semi_join(inside, "citing_id")
    works = tables.corpus["works"]
    together = collaboration(tables.field_in_years, tables.countries, works)
    return {
        "collaboration": context.collect(together),
        "citation": context.collect(citation(citations, tables.countries)),
    }


def _poles(context: Context) -> dict[str, pa.Table]:
    study = context.tables.study
    sizes = context.result("country_year")
    whole = "papers_any" if study.countries.attribution == "any" else "papers_whole"
    joint, places = context.result("collaboration"), study.places
    of_all = {} if places.unit == "country" else {"linked_pairs": linked_pairs(joint, places)}
    made = of_all | analyse(
        joint,
        context.result("citation"),
        settings=study.poles,
        poles=study.countries.poles,
        output=pa.table(
            {"country": sizes["country"], "year": sizes["year"], "works": sizes[whole]}
        ),
        teams=_teams(context) if BIPARTITE in study.poles.null_models else None,
        shocks=study.shocks,
        seed=study.run.seed,
        threads=study.run.threads or os.cpu_count() or 1,
    )
    if not study.shocks:
        return made
    moved = more_shocks.of_moves(_movers(context), context.result("flows"), study.shocks)
    return more_shocks.joined(
        made, moved, more_shocks.of_premiums(_joint_papers(context), study.shocks)
    )


def _teams(context: Context) -> CountryTeams:
    """Teams of countries, counted by year and size and by year and country."""
    tables = context.tables
    sizes, members = team_tables(tables.field_in_years, tables.countries)
    return CountryTeams(context.collect(sizes), context.collect(members))


def _indicators(context: Context) -> dict[str, pa.Table]:
    """Make the groups of indicators that the study does not leave out."""
    tables, made = context.tables, {}
    asked, field = tables.study.indicators, tables.field_in_years
    if asked.country:
        sums = of_countries.country_sums(
            field,
            tables.countries,
            tables.deciding,
            of_countries.author_shares(
                tables.affiliations.semi_join(field, "work_id"),
                tables.corpus["authorships"].semi_join(field, "work_id"),
                tables.corpus["works"],
            ),
            context.scores,
        )
        led = tables.study.countries.attribution != "any"
        made["indicators"] = of_countries.indicators(
            context.collect(sums), asked.window_years, led=led
        )
    if asked.pairs:
        totals = context.collect(country_works(field, tables.countries))
        made["pair_indicators"] = pair_indicators(
            context.result("collaboration"), context.result("links"), totals
        )
    if asked.dependence or tables.study.bounds.enabled:
        made |= _dependence(context)
    if asked.topics:
        made["topics"] = _topics(context)
    if asked.sectors:
        institutions = tables.corpus["institutions"]
        build = of_sectors.work_sectors
        works = tables.keep("work_sectors", lambda: build(field, tables.affiliations, institutions))
        made["sectors"] = context.collect(of_sectors.sectors(works))
        made["sector_pairs"] = context.collect(of_sectors.sector_pairs(works))
    return made


def _topics(context: Context) -> pa.Table:
    tables, field = context.tables, context.tables.field_in_years
    asked, deciding = tables.study.indicators, tables.deciding
    subjects = tables.corpus["subjects"]
    works = tables.keep(
        "topic_works",
        lambda: of_topics.labelled(subjects, asked.topic_scheme, field, context.scores),
    )
    return of_topics.topics(
        context.collect(of_topics.topic_countries(works, deciding)),
        context.collect(of_topics.all_topics(field, context.scores, deciding)),
        context.collect(of_topics.topic_institutions(works, tables.affiliations)),
        asked,
        tables.study.countries.blocs,
        tables.study.run.seed,
    )


def _dependence(context: Context) -> dict[str, pa.Table]:
    """Make dependence on citations, and what missing references can do to citation numbers."""
    tables, countries = context.tables, context.tables.countries
    window, poles = tables.study.impact.window, tables.study.countries.poles
    bounded, years = tables.study.bounds.enabled, tables.years_complete(window)
    if not tables.study.indicators.dependence:
        return {"reference_bounds": reference_bounds(context.leaders)}
    weights = citing_works(tables).select("citing_id", "weight") if bounded else None
    citing = tables.keep(
        "citing_countries",
        lambda: of_citations.citing_countries(tables.citations, countries, window, years, weights),
    )
    papers = of_citations.located_papers(tables.field_in_years, countries, years)
    papers, got = context.collect(papers), of_citations.received(citing, countries, poles)
    got = context.collect(got)
    made = of_citations.dependence(
        papers,
        got,
        context.collect(of_citations.given(citing)),
        context.collect(of_citations.given_to(citing, countries, poles)),
        poles,
    )
    if not bounded:
        return {"dependence": made}
    return {
        "dependence": made,
        "reference_bounds": reference_bounds(context.leaders, papers, got),
    }


#: Tables that a run makes only where the study names what they show.
WHERE_NAMED = tuple(entry.name for entry in TABLES.values() if entry.only)

STEPS: tuple[Step, ...] = tuple(
    Step(name, tables_of(name), make)
    for name, make in (
        ("field", _field),
        ("coverage", _coverage),
        ("leadership", _leaders),
        ("bounds", _bounds),
        ("mobility", _mobility),
        ("teaming", _teaming),
        ("networks", _networks),
        ("poles", _poles),
        ("indicators", _indicators),
    )
)
