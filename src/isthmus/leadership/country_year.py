"""The leaders' table: every measure of a country in a year, side by side."""

from __future__ import annotations

from functools import cached_property, reduce

import pyarrow as pa

from isthmus.engine import Table
from isthmus.leadership import impact as impact_of
from isthmus.leadership import scientists as scientists_of
from isthmus.leadership.novelty import Novelty
from isthmus.leadership.output import papers_by_country, papers_of_world
from isthmus.leadership.totals import country_totals
from isthmus.selection.attribution import bloc_works, in_blocs
from isthmus.selection.study_tables import StudyTables
from isthmus.stats.shares import Z_95

KEY = ["year", "country"]


class Leaders:
    """Measures of countries in a study, each computed when asked for.

    Parameters
    ----------
    tables
        The study's shared tables.
    """

    def __init__(self, tables: StudyTables) -> None:
        self.tables = tables
        self.study = tables.study

    @cached_property
    def impact(self) -> Table:
        """``c_k`` of the field's works in the study's years: ``work_id``, ``year``, ``c_k``."""
        return self.tables.keep("impact", lambda: self._windows(self.citations))

    @property
    def citations(self) -> Table:
        """Citations that count for the impact, under the study's rules."""
        rules, tables = self.study.impact, self.tables
        citations = tables.citations
        if rules.exclude_self_citations:
            authorships = tables.corpus["authorships"]
            citations = impact_of.without_self_citations(citations, authorships)
        if rules.exclude_citing_countries:
            excluded = rules.exclude_citing_countries
            citations = impact_of.without_citing_countries(citations, tables.countries, excluded)
        return citations

    def impact_without(self, countries: tuple[str, ...]) -> Table:
        """Impact without citations from works of some countries and without self-citations.

        Grain: as :attr:`impact`. A paper of two countries has two home audiences.
        """
        tables = self.tables
        authorships = tables.corpus["authorships"]
        citations = impact_of.without_self_citations(tables.citations, authorships)
        citations = impact_of.without_citing_countries(citations, tables.countries, countries)
        return self._windows(citations)

    def _windows(self, citations: Table) -> Table:
        window = self.study.impact.window
        years = self.tables.years_complete(window)
        return impact_of.citation_windows(self.tables.field_in_years, citations, window, years)

    @cached_property
    def hit_thresholds(self) -> Table:
        """Where each year's hits begin, and the size of the tie there."""
        return impact_of.hit_thresholds(self.impact, self.study.impact.hit_percent)

    @cached_property
    def novelty(self) -> Novelty:
        """Novelty, disruption and reference age of the field's works."""
        return Novelty(self.tables)

    @cached_property
    def novelty_works(self) -> Table:
        """Scores of every work, as :meth:`~isthmus.leadership.novelty.Novelty.works`."""
        return self.tables.keep("novelty_works", self.novelty.works)

    @cached_property
    def scientists(self) -> Table:
        """Scientists of the field: ``author_id``, ``n_works``, ``n_field``."""
        return self.tables.keep("scientists", self._scientists)

    def _scientists(self) -> Table:
        tables, rules = self.tables, self.study.scientists
        totals = tables.author_totals if tables.holds_only_the_field else None
        marked = scientists_of.marked_works(tables.corpus["works"], tables.field)
        return scientists_of.scientists(
            self._written_of(marked), rules.min_works, rules.min_share, totals
        )

    @cached_property
    def _written(self) -> Table:
        return self._written_of(self.tables.corpus["works"].select("work_id", "year"))

    def _written_of(self, works: Table) -> Table:
        authorships = self.tables.corpus["authorships"]
        return scientists_of.author_works(works, authorships, self.study.years)

    @cached_property
    def scientist_years(self) -> Table:
        """Place each scientist in a country for every year with a work."""
        return self.tables.keep("scientist_years", self._scientist_years)

    def _scientist_years(self) -> Table:
        return scientists_of.scientist_years(self.scientist_places)

    @cached_property
    def scientist_places(self) -> Table:
        """Affiliations of the scientists: ``author_id``, ``work_id``, ``year``, ``country``."""
        return self.tables.keep("scientist_places", self._scientist_places)

    def _scientist_places(self) -> Table:
        authorships = self.tables.corpus["authorships"]
        return scientists_of.scientist_places(
            self.scientists, self._written, authorships, self.tables.affiliations
        )

    def country_year(self) -> Table:
        """Return every measure by year and country.

        Grain: one row per year and country. Columns: ``papers_<attribution>``,
        its ``_fractional`` count, its ``_share`` of the world's papers that have
        such a country, with a 95 % Wilson interval; ``papers_whole`` and
        ``papers_fractional`` over all authors; those of
        :func:`~isthmus.leadership.impact.impact_by_country` and of
        :func:`~isthmus.leadership.novelty.novelty_by_country`; ``scientists``.
        """
        return self._measures(self.tables.deciding, self.tables.countries, self.scientist_years)

    def country_totals(self, country_year: pa.Table) -> pa.Table:
        """Sum measures over all years, the first and the last, as :func:`country_totals`."""
        collect, placed = self.tables.engine.collect, self.scientist_years
        names = (f"papers_{self.study.countries.attribution}", f"c{self.study.impact.window}_sum")
        return country_totals(
            country_year,
            (*names, "hits", "novel_hits"),
            lambda years: collect(scientists_of.scientist_years_of_countries(placed, years)),
        )

    def bloc_year(self) -> Table:
        """Return the measures of :meth:`country_year` for the study's blocs."""
        blocs = self.study.countries.blocs
        return self._measures(
            bloc_works(self.tables.deciding, blocs),
            bloc_works(self.tables.countries, blocs),
            in_blocs(self.scientist_years, blocs),
        )

    def _measures(self, deciding: Table, countries: Table, placed: Table) -> Table:
        rules, field = self.study.impact, self.tables.field_in_years
        rule = f"papers_{self.study.countries.attribution}"
        attributed = papers_by_country(field, deciding, (rule, f"{rule}_fractional"))
        world = papers_of_world(field, self.tables.deciding, "world")
        cited = impact_of.impact_by_country(
            self.impact, self.hit_thresholds, deciding, rules.window
        )
        people = scientists_of.scientists_by_country(placed)
        parts = [with_share(attributed, world, rule)]
        if self.study.countries.attribution != "any":
            names = ("papers_whole", "papers_fractional")
            parts.append(papers_by_country(field, countries, names))
        novel = self.novelty.by_country(self.novelty_works, deciding)
        return side_by_side([*parts, cited, novel, people])


def with_share(counts: Table, world: Table, name: str) -> Table:
    """Add a count's share of the world's in the year, with a 95 % Wilson interval."""
    joined = counts.inner_join(world, "year")
    # Engines take a bare number beside an integer for a decimal of few digits; floats stay exact.
    n = joined.world.cast("float64")
    share, square = joined[name] / n, Z_95 * Z_95
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z_95 / (1 + square / n) * (share * (1 - share) / n + square / (4 * n * n)).sqrt()
    interval = {f"{name}_share_low": middle - half, f"{name}_share_high": middle + half}
    return joined.select(*counts.columns, **{f"{name}_share": share}, **interval)


def side_by_side(parts: list[Table]) -> Table:
    """Join tables by year and country, keeping every year and country that any has.

    Counts (``papers_``, ``scientists`` and its error) absent for a year and country are 0;
    measures that are undefined there stay null.
    """
    keys = reduce(lambda a, b: a.union(b), [part.select(*KEY) for part in parts]).distinct()
    joined = keys
    for part in parts:
        joined = joined.left_join(part, KEY).select(*joined.columns, *part.columns[2:])
    counts = [c for c in joined.columns if c.startswith(("papers_", "scientists"))]
    return joined.mutate(**{name: joined[name].fill_null(0) for name in counts})
