"""The joint papers of a study: every table of the question, each computed when asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import permutations
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.engine import Table
from isthmus.selection.study_tables import StudyTables
from isthmus.stats.matching.effects import fisher_p_of, measures
from isthmus.teaming import aggregated, lists
from isthmus.teaming import papers as papers_of_study
from isthmus.teaming import team_contrasts as contrasts
from isthmus.teaming.experiments import Experiment, Floats, Papers, papers_of, shipped
from isthmus.teaming.matched_papers import (
    BALANCE,
    MATCHED,
    MEASURES,
    UNMATCHED,
    Rules,
    bootstrap,
    compare,
    known,
    match,
    matched_row,
    units_of,
)
from isthmus.teaming.placebo_pairs import (
    PLACEBO_PAIRS,
    Pair,
    comparable_pairs,
    hours_apart,
    longitudes_of,
    share_at_least,
)

#: Gives ``work_id``, ``c_k`` without self-citations and citations from some countries.
ImpactWithout = Callable[[tuple[str, ...]], Table]


class Teams:
    """Joint papers of the study's poles, and what they gain.

    Parameters
    ----------
    tables
        The study's shared tables.
    impact
        ``work_id``, ``year``, ``c_k`` of the field's works; under ``teaming.outcome =
        "cited_by_count"`` the citations stated stand in for ``c_k``.
    hit_thresholds
        Where each year's hits begin: ``year``, ``threshold``.
    impact_without
        Impact without citations from given countries and without self-citations.
    """

    def __init__(
        self,
        tables: StudyTables,
        impact: Table,
        hit_thresholds: Table,
        impact_without: ImpactWithout,
    ) -> None:
        self.tables = tables
        self.settings = tables.study.teaming
        self.poles = tables.study.countries.poles
        self.rules = Rules(
            self.settings.team_cuts,
            self.settings.draws,
            tables.study.run.seed,
            tables.study.findings.min_clusters,
        )
        self._impact, self._thresholds = impact, hit_thresholds
        self._impact_without = impact_without

    @cached_property
    def led(self) -> Table:
        """Papers with a defined impact under each leading country."""
        return self.tables.keep("led_papers", self._led)

    def _led(self) -> Table:
        corpus, rule = self.tables.corpus, self.tables.study.countries.attribution
        places = papers_of_study.deciding_institutions(corpus, self.tables.affiliations, rule)
        return papers_of_study.led_papers(self._impact, places, corpus["works"])

    @cached_property
    def partners(self) -> Table:
        """Other countries on the papers each country leads."""
        build = papers_of_study.partner_countries
        return self.tables.keep("partners", lambda: build(self.led, self.tables.countries))

    @cached_property
    def groups(self) -> Table:
        """Papers the poles lead, by who else is on them."""
        build = papers_of_study.paper_groups
        return self.tables.keep("groups", lambda: build(self.led, self.partners, self.poles))

    def team_sizes(self) -> Table:
        """Papers by leading pole, group, year and team size."""
        return papers_of_study.team_sizes(self.groups)

    def top_institutions(self) -> pa.Table:
        """Papers by leading pole, group and year, and how many a top institution leads.

        ``p`` is that of Fisher's exact test, two-sided, that papers of the group and all
        others of the country and year are as often led by a top institution (AlShebli et
        al. 2024, figure 3c); null where there are no others.
        """
        top = papers_of_study.top_institutions(self.led, self.settings.top_institutions)
        counts = papers_of_study.at_top_institutions(self.led, self.groups, top)
        rows = self.tables.engine.collect(counts)
        order = ("papers_top_institution", "papers", "others_top_institution", "others")
        tests = zip(*(rows[name].to_pylist() for name in order), strict=True)
        p = [known(fisher_p_of(a, n - a, b, m - b)) for a, n, b, m in tests]
        return rows.append_column("p", pa.array(p, pa.float64()))

    def team_contrasts(self, sizes: pa.Table, top: pa.Table) -> pa.Table:
        """Compare joint papers of the poles with the leads' other papers of the same year.

        `sizes` and `top` are the tables of :meth:`team_sizes` and :meth:`top_institutions`.
        """
        everything = self.tables.engine.collect(papers_of_study.sizes_led(self.led, self.poles))
        least = self.rules.min_clusters
        return contrasts.team_contrasts(sizes, everything, top, self.poles, least)

    def leading_institutions(self) -> Table:
        """List the institutions whose papers, as led by them, gathered most citations."""
        institutions = self.tables.corpus["institutions"]
        return lists.leading_institutions(self.led, institutions, self.settings.top_institutions)

    def cited_works(self) -> Table:
        """List the most cited works of each year with a country."""
        return lists.cited_works(self.led, self.tables.corpus)

    def papers(self, lead: str) -> Papers:
        """Read the papers one country leads."""
        collect = self.tables.engine.collect
        led = collect(self.led.filter(self.led.country == lead).drop("country"))
        others = self.partners.filter(self.partners.country == lead)
        return papers_of(led, collect(others.select("work_id", "partner")), self._begins)

    @cached_property
    def _begins(self) -> pa.Table:
        return self.tables.engine.collect(self._thresholds.select("year", "threshold"))

    def outcome(self, experiment: Experiment, papers: Papers) -> Floats:
        """Outcome of every paper, in the order of `papers`."""
        if experiment.outcome == "citations":
            return papers.c_k
        pair = (experiment.lead, experiment.partner)
        elsewhere = self._impact_without(pair)
        ours = self.led.filter(self.led.country == experiment.lead)
        rows = self.tables.engine.collect(elsewhere.semi_join(ours, "work_id"))
        place = np.searchsorted(papers.work_id, rows["work_id"].to_numpy())
        outcome = np.zeros(papers.work_id.size)
        outcome[place] = rows["c_k"].to_numpy()
        return outcome

    def is_large(self, lead: str) -> bool:
        """Whether a country leads more papers than are read into memory."""
        return self._led_by.get(lead, 0) > self.settings.papers_in_memory

    @cached_property
    def _led_by(self) -> dict[str, int]:
        counts = self.led.group_by("country").agg(papers=self.led.count())
        rows = self.tables.engine.collect(counts).to_pylist()
        return {row["country"]: row["papers"] for row in rows}

    def experiment_papers(self, experiment: Experiment) -> Table:
        """Papers of both sides of an experiment, as a table of the engine.

        Grain: one row per work. Columns of :attr:`led` without the country, ``treated`` and
        ``is_hit`` (0 or 1); ``c_k`` is the experiment's outcome.
        """
        ours = self.led.filter(self.led.country == experiment.lead).drop("country")
        others = self.partners.filter(self.partners.country == experiment.lead)
        return papers_of_study.both_sides(
            ours,
            others,
            self._thresholds,
            experiment.partner,
            international=experiment.control == "international",
            elsewhere=None
            if experiment.outcome == "citations"
            else self._impact_without((experiment.lead, experiment.partner)),
        )

    def matched(self) -> dict[str, pa.Table]:
        """Put every experiment of the study through matching; the tables by name."""
        schemas = {
            "matched": MATCHED,
            "balance": BALANCE,
            "measures": MEASURES,
            "unmatched": UNMATCHED,
        }
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in schemas}
        papers: dict[str, Papers] = {}
        citing_known = self.settings.outcome == "c_k"
        for experiment in shipped(self.poles, self.settings.pairs, citing_known=citing_known):
            if self.is_large(experiment.lead):
                engine = self.tables.engine
                groups = aggregated.read(engine, self.experiment_papers(experiment))
                found = aggregated.compare_groups(experiment.name, groups, self.rules)
            else:
                if experiment.lead not in papers:
                    papers = {experiment.lead: self.papers(experiment.lead)}
                ours = papers[experiment.lead]
                units = units_of(ours, *ours.sides(experiment), self.outcome(experiment, ours))
                found = compare(experiment.name, units, self.rules)
            for name, more in found.items():
                rows[name] += more
        tables = {name: pa.Table.from_pylist(rows[name], s) for name, s in schemas.items()}
        tables["matched_measures"] = tables.pop("measures")
        return tables

    @cached_property
    def longitudes(self) -> dict[str, float]:
        """Longitude of each country that has a located institution."""
        institutions = self.tables.corpus["institutions"]
        directions = papers_of_study.country_longitudes(institutions)
        return longitudes_of(self.tables.engine.collect(directions))

    def placebo_pairs(self) -> pa.Table:
        """Put comparable pairs outside the poles, and the poles, through one experiment.

        Grain: one row per ordered pair. ``share_at_least``, for a pair of poles, is the
        share of placebo pairs whose effect is at least as large.
        """
        settings = self.settings
        joint = self.tables.engine.collect(papers_of_study.joint_papers(self.partners))
        chosen = comparable_pairs(
            joint,
            self.poles,
            self.longitudes,
            min_papers=settings.placebo_min_papers,
            most=settings.placebo_pairs,
            hours=settings.placebo_hours,
        )
        rows = self._replayed(chosen)
        effects = [r["effect_percent"] for r in rows if r["effect_percent"] is not None]
        for row in self.pole_pairs():
            standing = share_at_least(row["effect_percent"], effects)
            rows.append(row | {"share_at_least": standing})
        return pa.Table.from_pylist(rows, PLACEBO_PAIRS)

    def pole_pairs(self) -> list[dict[str, Any]]:
        """Rows of the poles' own pairs, without their standing among the placebos."""
        pairs = [
            Pair(a, b, hours_apart(self.longitudes, a, b)) for a, b in permutations(self.poles, 2)
        ]
        return [row | {"is_pole_pair": True} for row in self._replayed(pairs)]

    def _replayed(self, pairs: list[Pair]) -> list[dict[str, Any]]:
        rows = []
        papers: dict[str, Papers] = {}
        for pair in sorted(pairs, key=lambda pair: (pair.lead, pair.partner)):
            if pair.lead not in papers:
                papers = {pair.lead: self.papers(pair.lead)}
            rows.append(self._replay(pair, papers[pair.lead]))
        return rows

    def _replay(self, pair: Pair, papers: Papers) -> dict[str, Any]:
        treated, control = papers.sides(Experiment(pair.lead, pair.partner))
        units = units_of(papers, treated, control, papers.c_k)
        matching = match(units, self.rules)
        seen = measures(units.outcome, units.treated, matching.weight, units.is_hit)
        row = matched_row(matching, bootstrap(units, matching, self.rules), seen.mean)
        hours = None if np.isnan(pair.hours_apart) else pair.hours_apart
        own = {"lead": pair.lead, "partner": pair.partner, "hours_apart": hours}
        own |= {"is_pole_pair": False, "share_at_least": None}
        return own | {name: row[name] for name in PLACEBO_PAIRS.names if name in row}
