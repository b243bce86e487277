"""The movers of a study: every table of the question, each computed when asked for."""

from __future__ import annotations

from functools import cached_property
from itertools import permutations
from typing import Any

import ibis
import pyarrow as pa

from isthmus.engine import Table
from isthmus.errors import StudyError
from isthmus.mobility import cohorts as cohorts_of
from isthmus.mobility import flows as flows_of
from isthmus.mobility import history as history_of
from isthmus.mobility import mover_contrasts as contrasts_of
from isthmus.mobility import moves as moves_of
from isthmus.mobility import multiverse as multiverse_of
from isthmus.mobility import records as records_of
from isthmus.mobility import retention as retention_of
from isthmus.mobility.author_groups import author_groups
from isthmus.mobility.matched_movers import BALANCE, MATCHED, Rules, compare
from isthmus.mobility.profiles import mover_profiles
from isthmus.selection.attribution import AUTHOR_YEAR
from isthmus.selection.study_tables import StudyTables


class Movers:
    """Moves of the field's scientists, and what is counted of them.

    Parameters
    ----------
    tables
        The study's shared tables.
    scientists
        Scientists of the field: ``author_id``.
    places
        Their affiliations: ``author_id``, ``work_id``, ``year``, ``country``.
    """

    def __init__(self, tables: StudyTables, scientists: Table, places: Table) -> None:
        self.tables = tables
        self.rules = tables.study.mobility
        self.scientists = scientists
        self.places = places
        #: Authors that the study's groups name, and how many of them a cohort holds.
        self.authors_in_groups: dict[str, int] | None = None

    @cached_property
    def author_years(self) -> Table:
        """Affiliations of each scientist by year and country."""
        build = history_of.author_year_affiliations
        return self.tables.keep("author_year_affiliations", lambda: build(self.places))

    @cached_property
    def orcids_known(self) -> bool:
        """Whether the corpus has any author with an ORCID."""
        known = moves_of.with_orcid(self.tables.corpus["authors"]).limit(1)
        return bool(self.tables.engine.collect(known).num_rows)

    @cached_property
    def authors(self) -> Table:
        """Placed scientists: ``author_id``, ``most_countries``, ``in_year``, ``has_orcid``."""
        return self.tables.keep("placed_authors", self._authors)

    def _authors(self) -> Table:
        named = moves_of.most_countries(self.author_years)
        orcid = moves_of.with_orcid(self.tables.corpus["authors"])
        marked = named.left_join(orcid.mutate(orcid=ibis.literal(1)), "author_id")
        return marked.select(*named.columns, has_orcid=marked.orcid.fill_null(0))

    @cached_property
    def eligible(self) -> Table:
        """Authors whose moves count: ``author_id``."""
        if self.rules.orcid_only and not self.orcids_known:
            raise StudyError(
                "`mobility.orcid_only` asks for authors with an ORCID, and the corpus knows none. "
                "Read author entities into the corpus, or leave the setting out."
            )
        fit = self.authors.filter(self.authors.most_countries <= self.rules.max_countries)
        if self.rules.orcid_only:
            fit = fit.filter(fit.has_orcid == 1)
        return fit.select("author_id")

    def set_aside(self) -> Table:
        """List authors with more countries in a year than one person has.

        Grain: one row per author. Columns: ``most_countries``, ``in_year``.
        """
        many = self.authors.filter(self.authors.most_countries > self.rules.max_countries)
        return many.select("author_id", "most_countries", "in_year")

    def history_under(self, view: str, ties: str) -> Table:
        """Return the country history of all placed scientists under a view and a rule for ties."""
        return self.tables.keep(f"history-{view}-{ties}", lambda: self._history(view, ties))

    def _history(self, view: Any, ties: Any) -> Table:
        rules, years = self.rules, self.tables.study.years
        works = self.tables.corpus["works"]
        leaders = history_of.leading_countries(self.author_years, self.places, works, ties)
        held = history_of.held_countries(
            self.author_years, view, rules.max_overlap_years, rules.backfill_years
        )
        keep = self.tables.keep
        lasting = keep(f"jumps-{view}-{ties}", lambda: history_of.jumps(leaders, held))
        opened = keep(f"open-jumps-{view}-{ties}", lambda: history_of.open_jumps(lasting))
        return history_of.country_history(lasting, opened, years[1] - years[0] + 1)

    @cached_property
    def history(self) -> Table:
        """Country of each eligible scientist in each observed year."""
        everyone = self.history_under(self.rules.view, self.rules.ties)
        return self.tables.keep("history", lambda: everyone.semi_join(self.eligible, "author_id"))

    @cached_property
    def papers(self) -> Table:
        """All works of the scientists: ``author_id``, ``year``, ``work_id``, ``in_field``."""
        return self.tables.keep("author_papers", self._papers)

    def _papers(self) -> Table:
        corpus, field = self.tables.corpus, self.tables.field
        return records_of.author_papers(
            self.scientists, corpus["authorships"], corpus["works"], field
        )

    @cached_property
    def records(self) -> Table:
        """Career age, papers and citations of each scientist in each observed year."""
        kept = self.tables.keep("author_records", self._records)
        return kept.mutate(**{name: kept[name].cast("int64") for name in records_of.RECORD})

    def _records(self) -> Table:
        received = records_of.citations_received(self.papers, self.tables.citations)
        found = records_of.author_records(self.history, self.papers, received)
        return records_of.where_known(found, self.tables.unknown_years)

    @cached_property
    def counted(self) -> Table:
        """The moves that count, with the mover's record."""
        return self.tables.keep("moves", self._counted)

    def _counted(self) -> Table:
        rules = self.rules
        found = moves_of.all_moves(self.history, rules.min_stay_years)
        kept = moves_of.counted_moves(
            found, self.eligible, rules.max_gap_years, rules.first_move_only
        )
        return kept.inner_join(self.records, AUTHOR_YEAR)

    def moves(self) -> Table:
        """Return every move that counts.

        Grain: one row per author and year of a move. Columns: ``origin``,
        ``destination``, ``career_age``, ``papers_before`` and
        ``citations_before`` (earlier years, in the field), ``papers_in_year``,
        ``gap_years``, ``is_return``.
        """
        first = [*AUTHOR_YEAR, "origin", "destination", "career_age", "papers_before"]
        rest = ["citations_before", "papers_in_year", "gap_years", "is_return"]
        return self.counted.select(*first, *rest)

    def flows(self) -> Table:
        """Moves by year, origin and destination."""
        return flows_of.flows(self.counted)

    def flow_totals(self) -> Table:
        """Moves by origin and destination over all years."""
        return flows_of.flow_totals(self.counted)

    def rates(self) -> Table:
        """Arrivals and departures by year and country, per 1,000 active scientists."""
        return flows_of.mobility_rates(self.history, self.counted)

    def profiles(self) -> Table:
        """Describe movers at the move, and stayers, by destination and origin."""
        return mover_profiles(self.counted, self.history, self.records)

    def contrasts(self) -> pa.Table:
        """Compare movers with stayers of equal career age and year, for each pair."""
        least, rows = self.tables.study.findings.min_clusters, list[dict[str, object]]()
        for origin, destination in self.pairs:
            pair = (origin, destination)
            units = contrasts_of.contrast_units(self.counted, self.history, self.records, *pair)
            collected = self.tables.engine.collect(units)
            rows += contrasts_of.mover_contrasts(collected, *pair, least)
        return pa.Table.from_pylist(rows, contrasts_of.SCHEMA)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Pairs (origin, destination) whose movers are compared: of the poles, and those named."""
        poles = permutations(self.tables.study.countries.poles, 2)
        return list(dict.fromkeys([*poles, *self.rules.pairs]))

    def units(self, origin: str, destination: str) -> Table:
        """Movers between two countries, and others in the destination; for matching."""
        papers, rest = self.papers, (self.tables.corpus["authorships"], self.tables.affiliations)
        papers = papers.filter(papers.year <= self.tables.study.years[1])
        yearly = retention_of.papers_with(papers, *rest, origin)
        movers = retention_of.movers_between(self.counted, origin, destination)
        others = retention_of.others_in(self.history, movers, origin, destination)
        return retention_of.units(movers, others, self.records, yearly)

    def retention(self) -> dict[str, pa.Table]:
        """Compare what movers keep with those who stayed, for each pair; the tables by name."""
        rules, seed = self.rules, self.tables.study.run.seed
        least = self.tables.study.findings.min_clusters
        how = Rules(rules.output_cuts, rules.citation_cuts, rules.draws, seed, least)
        matched, balance = [MATCHED.empty_table()], [BALANCE.empty_table()]
        for origin, destination in self.pairs:
            units = self.tables.engine.collect(self.units(origin, destination))
            effect, covariates = compare(f"movers:{origin}->{destination}", units, how)
            matched.append(effect)
            balance.append(covariates)
        return {
            "retention": pa.concat_tables(matched),
            "retention_balance": pa.concat_tables(balance),
        }

    def cohorts(self, impact: Table) -> dict[str, pa.Table]:
        """Follow scientists from their first papers; the table by name, if the study wants it.

        `impact` is ``c_k`` of the field's works.
        """
        study = self.tables.study
        if not study.cohorts.enabled:
            return {}
        rows = cohorts_of.author_years(self.history, self.papers, impact, study.years)
        people = cohorts_of.people_of(self.tables.engine.collect(rows), study.cohorts)
        groups, draws = author_groups(study), study.groups.draws
        if groups is not None:
            named = set(groups["author_id"].to_pylist())
            followed = len(named & set(people.author.tolist()))
            self.authors_in_groups = {"named": len(named), "followed": followed}
        made = cohorts_of.cohort_table(
            people, study.cohorts, groups, draws=draws, seed=study.run.seed
        )
        return {"cohorts": made}

    def multiverse(self) -> dict[str, pa.Table]:
        """Count flows under every combination of settings; the tables by name."""
        listed = multiverse_of.variants(self.rules, orcids_known=self.orcids_known)
        authors = self.authors.select("author_id", "most_countries", "has_orcid")
        counted = self.tables.keep(
            "flow_variants",
            lambda: multiverse_of.flow_variants(self._moves_under, authors, listed),
        )
        collect = self.tables.engine.collect
        return {
            "mobility_variants": multiverse_of.variants_table(listed),
            "flow_variants": collect(counted),
            "flow_ranges": collect(multiverse_of.flow_ranges(counted, listed)),
        }

    def _moves_under(self, view: str, ties: str, min_stay_years: int) -> Table:
        name = f"moves-{view}-{ties}-{min_stay_years}"
        history = self.history_under(view, ties)
        return self.tables.keep(name, lambda: moves_of.all_moves(history, min_stay_years))
