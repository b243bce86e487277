"""Headline numbers under missing affiliations: measured, filled in, weighted, lowest, highest.

The lowest and highest values are those of Manski (1989, J. Human Resources 24, 343-360): every
work whose countries are not all known may have any. Nothing is assumed of them, but that an
author with one affiliation has no other that is missing, and that every work has a country.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import ibis
import pyarrow as pa

from isthmus.engine import Table
from isthmus.leadership.missing_counts import (
    ALL,
    DECIDING,
    WHOLE,
    described_works,
    placed_works,
)
from isthmus.results import schema_of
from isthmus.selection.attribution import exact_sum
from isthmus.selection.study_tables import StudyTables
from isthmus.selection.unplaced import neighbouring_countries, unplaced_authors

#: Columns of the table.
SCHEMA = schema_of("bounds")

#: Sums of works that a row of counts holds.
SUMS = ("works", "several", "open", "open_alone", "hits", "open_hits")
WEIGHTED = ("weighted", "weighted_several", "weighted_hits")

Sums = dict[str, float]
#: Sums by whose countries, whether filled in, year and country.
Counts = dict[tuple[str, int, int | None, str], Sums]


@dataclass(frozen=True)
class Value:
    """A headline number of a year and country, or of all years."""

    measured: float | None
    imputed: float | None
    weighted: float | None
    lowest: float | None
    highest: float | None
    works: float
    missing: float


class Bounds:
    """What missing affiliations can do to the headline numbers of a study.

    Parameters
    ----------
    tables
        The study's shared tables.
    impact, thresholds
        As :attr:`~isthmus.leadership.country_year.Leaders.impact` and `hit_thresholds`.
    """

    def __init__(self, tables: StudyTables, impact: Table, thresholds: Table) -> None:
        self.tables = tables
        self.rules = tables.study.bounds
        self.impact, self.thresholds = impact, thresholds

    @cached_property
    def unplaced(self) -> Table:
        """Authors of the field's works without a country."""
        tables = self.tables
        return tables.keep(
            "unplaced",
            lambda: unplaced_authors(
                tables.field_in_years,
                tables.corpus["authorships"],
                tables.affiliations,
                tables.study.countries.attribution,
            ),
        )

    @cached_property
    def filled(self) -> Table:
        """Countries of works from the neighbouring years of authors without one."""
        corpus = self.tables.corpus
        rest = (corpus["authorships"], self.tables.affiliations, corpus["works"])
        build = neighbouring_countries
        return self.tables.keep(
            "neighbouring_countries",
            lambda: build(self.unplaced, *rest, self.rules.nearest_years),
        )

    @cached_property
    def placed(self) -> Table:
        """Countries of the field's works under every way to know them."""
        return self.tables.keep("placed_works", self._placed)

    def _placed(self) -> Table:
        filled, parts = self.filled, self._sets
        deciding = placed_works(parts[DECIDING], filled.filter(filled.decides == 1), DECIDING)
        return deciding.union(placed_works(parts[WHOLE], filled, WHOLE))

    @cached_property
    def _sets(self) -> dict[str, Table]:
        tables = self.tables
        inside = tables.field_in_years
        return {
            DECIDING: tables.deciding.semi_join(inside, "work_id"),
            WHOLE: tables.countries.semi_join(inside, "work_id"),
        }

    @cached_property
    def works(self) -> Table:
        """Whether a country of each work may be missing, and the weight of the work."""
        return self.tables.keep("described_works", self._works)

    def _works(self) -> Table:
        begins = self.thresholds.select("year", "threshold", "tie_weight")
        cited = self.impact.inner_join(begins, "year")
        cited = cited.filter(cited.c_k >= cited.threshold)
        hit = ibis.ifelse(cited.c_k > cited.threshold, 1.0, cited.tie_weight)
        return described_works(
            self.tables.field_in_years,
            self.tables.corpus["works"],
            self.unplaced,
            self._sets,
            cited.select("work_id", hit=hit),
            self.rules.least_known,
        )

    def table(self) -> pa.Table:
        """Return every headline number.

        Grain: one row per number, year (null for all years), country (null for the world) and
        partner (null but for joint papers). Columns: ``measured``, ``imputed``, ``weighted``,
        ``lowest``, ``highest``, ``works``, ``missing``.
        """
        collect = self.tables.engine.collect
        counts = _by_span(collect(self._counted()))
        totals = {row["year"]: row for row in collect(self._totals()).to_pylist()}
        known = {row["year"] for row in collect(self.thresholds.select("year")).to_pylist()}
        rows = [
            {"number": number, "year": year, "country": country, "partner": partner, **vars(value)}
            for number, year, country, partner, value in self._values(counts, totals, known)
        ]
        order = [(name, "ascending") for name in ("number", "year", "country", "partner")]
        return pa.Table.from_pylist(rows, SCHEMA).sort_by(order)

    def _counted(self) -> Table:
        rows = self.placed.union(self._joint()) if self._pairs else self.placed
        joined = rows.inner_join(self.works, "work_id")
        whole = joined.authors == WHOLE
        is_open = ibis.ifelse(whole, joined.open_whole, joined.open_deciding).cast("int64")
        weight = ibis.ifelse(whole, joined.weight_whole, joined.weight_deciding)
        several = joined.several.cast("int64")
        sums = {
            "works": joined.count(),
            "several": several.sum(),
            "open": is_open.sum(),
            "open_alone": (is_open * (1 - several)).sum(),
            "hits": exact_sum(joined.hit),
            "open_hits": exact_sum(joined.hit * is_open),
            "weighted": exact_sum(weight),
            "weighted_several": exact_sum(weight * several),
            "weighted_hits": exact_sum(weight * joined.hit),
        }
        return joined.group_by("authors", "imputed", "year", "country").agg(**sums)

    @property
    def _pairs(self) -> list[tuple[str, str]]:
        return list(combinations(sorted(self.tables.study.countries.poles), 2))

    def _joint(self) -> Table:
        """Works that two poles share, under the two poles' codes with a plus between."""
        poles = list(self.tables.study.countries.poles)
        placed = self.placed
        of_poles = placed.filter((placed.authors == WHOLE) & placed.country.isin(poles))
        other = of_poles.select("imputed", "work_id", partner="country")
        pairs = of_poles.inner_join(other, ["imputed", "work_id"])
        pairs = pairs.filter(pairs.country < pairs.partner)
        pairs = pairs.mutate(country=pairs.country + "+" + pairs.partner)
        return pairs.select(*placed.columns)

    def _totals(self) -> Table:
        works = self.works
        return works.group_by("year").agg(
            works=works.count(),
            open_deciding=works.open_deciding.cast("int64").sum(),
            open_whole=works.open_whole.cast("int64").sum(),
            hits=exact_sum(works.hit),
            open_hits=exact_sum(works.hit * works.open_deciding),
        )

    def _values(
        self, counts: Counts, totals: dict[Any, Sums], known: set[int]
    ) -> Iterator[tuple[str, int | None, str | None, str | None, Value]]:
        rule = self.tables.study.countries.attribution
        named = {f"{a}+{b}": (a, b) for a, b in self._pairs}
        years = sorted(totals)
        totals = {**totals, None: _summed(totals[year] for year in years)}
        with_hits = _summed(totals[year] for year in years if year in known)
        for year, country in sorted({key[2:] for key in counts}, key=str):
            in_years, at = totals[year], _At(counts, year, country)
            if country in named:
                pair = named[country]
                yield "joint_share", year, *pair, _share(at.whole, in_years, "open_whole")
                continue
            place = None if country == ALL else country
            international = at.whole
            yield "international_share", year, place, None, _international(international, in_years)
            if place is None:
                continue
            yield (
                f"papers_{rule}_share",
                year,
                place,
                None,
                _share(at.deciding, in_years, "open_deciding"),
            )
            if rule != "any":
                yield (
                    "papers_whole_share",
                    year,
                    place,
                    None,
                    _share(at.whole, in_years, "open_whole"),
                )
            if (year in known or year is None) and known:
                base = with_hits if year is None else in_years
                yield "hit_share", year, place, None, _hit_share(at.deciding, base)


@dataclass(frozen=True)
class _At:
    """Counts of a country in a year, with those of all countries beside them."""

    counts: Counts
    year: int | None
    country: str

    @property
    def deciding(self) -> tuple[Sums, Sums, Sums, Sums]:
        return self._of(DECIDING)

    @property
    def whole(self) -> tuple[Sums, Sums, Sums, Sums]:
        return self._of(WHOLE)

    def _of(self, authors: str) -> tuple[Sums, Sums, Sums, Sums]:
        """As known and filled in: the country's, then all countries'."""
        nothing = dict.fromkeys((*SUMS, *WEIGHTED), 0.0)
        keys = [(i, c) for c in (self.country, ALL) for i in (0, 1)]
        known, filled, every, every_filled = (
            self.counts.get((authors, i, self.year, c), nothing) for i, c in keys
        )
        return known, filled, every, every_filled


def _by_span(table: pa.Table) -> Counts:
    """Counts of each year and of all years; sums are exact, whatever the order of rows."""
    found: Counts = {}
    parts = defaultdict[tuple[str, int, str], list[Sums]](list)
    for row in table.to_pylist():
        sums = {name: float(row[name] or 0.0) for name in (*SUMS, *WEIGHTED)}
        found[row["authors"], row["imputed"], row["year"], row["country"]] = sums
        parts[row["authors"], row["imputed"], row["country"]].append(sums)
    for (authors, imputed, country), several in parts.items():
        found[authors, imputed, None, country] = _summed(several)
    return found


def _summed(rows: Any) -> Sums:
    listed = list(rows)
    names = [name for name in listed[0] if name != "year"] if listed else []
    return {name: math.fsum(row[name] for row in listed) for name in names}


def _over(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _share(
    found: tuple[Sums, Sums, Sums, Sums], totals: Mapping[str, float], missing: str
) -> Value:
    """Share of works that a country has, of those with any; bounds: of all works."""
    known, filled, every, every_filled = found
    free = totals[missing] - known["open"]
    return Value(
        _over(known["works"], every["works"]),
        _over(filled["works"], every_filled["works"]),
        _over(known["weighted"], every["weighted"]),
        _over(known["works"], totals["works"]),
        _over(known["works"] + free, totals["works"]),
        totals["works"],
        totals[missing],
    )


def _hit_share(found: tuple[Sums, Sums, Sums, Sums], totals: Mapping[str, float]) -> Value:
    """Share of the hits that a country has; measured: of all hits, as ``country_year`` has it."""
    known, filled, every, every_filled = found
    free = totals["open_hits"] - known["open_hits"]
    return Value(
        _over(known["hits"], totals["hits"]),
        _over(filled["hits"], every_filled["hits"]),
        _over(known["weighted_hits"], every["weighted_hits"]),
        _over(known["hits"], totals["hits"]),
        _over(known["hits"] + free, totals["hits"]),
        totals["hits"],
        totals["open_hits"],
    )


def _international(found: tuple[Sums, Sums, Sums, Sums], totals: Mapping[str, float]) -> Value:
    """Share of a country's works with another country on them.

    Lowest where every work without any country is the country's alone, and works with missing
    authors have no further country; highest where all works with missing authors have the
    country and another. Where no work can be the country's alone, both are 1.
    """
    known, filled, every, _ = found
    nowhere = totals["works"] - every["works"]
    free = totals["open_whole"] - known["open"]
    alone = known["works"] + nowhere
    return Value(
        _over(known["several"], known["works"]),
        _over(filled["several"], filled["works"]),
        _over(known["weighted_several"], known["weighted"]),
        known["several"] / alone if alone else (1.0 if free else None),
        _over(known["several"] + known["open_alone"] + free, known["works"] + free),
        totals["works"],
        totals["open_whole"],
    )
