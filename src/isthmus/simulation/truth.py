"""What a simulated world planted, counted by its generator as it goes.

The definitions are those of the results: countries of a work are the distinct
countries of its affiliations *as written* (after some were lost). Everything
here is counted from the generator's arrays, never by reading the corpus back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.simulation.careers import Careers, Columns, CountrySets
from isthmus.simulation.corpus_tables import country_column
from isthmus.simulation.draws import Floats, Ints
from isthmus.simulation.generator import World, WorldYear
from isthmus.simulation.planted_claims import planted_claims
from isthmus.simulation.settings import curve_at
from isthmus.simulation.teams import countries_on, expected_links


class Truth:
    """Planted counts, gathered year by year with :meth:`add`."""

    def __init__(self, world: World) -> None:
        self.world = world
        settings = world.settings
        shape = (len(settings.span), settings.n_countries)
        self.output = {
            name: np.zeros(shape)
            for name in (
                "papers_last_author",
                "papers_whole",
                "papers_fractional",
                "papers_whole_complete",
            )
        }
        self._counts: dict[str, list[Columns]] = {
            name: []
            for name in ("collaboration", "citation", "moves", "author_years", "novel", "ties")
        }
        self._sets = CountrySets(settings.n_works)
        self._careers = Careers(settings.n_countries)

    @property
    def works_count(self) -> Ints:
        """Works of each author so far, by number."""
        return self._careers.works

    def add(self, year: WorldYear) -> None:
        """Count one year; years come in order."""
        settings = self.world.settings
        n, at = settings.n_countries, year.year - settings.years[0]
        works, countries = countries_on(
            year.signed.work[year.written.authorship], year.written.country, n
        )
        self._sets.add(len(year.plans.lead), works, countries)
        in_field = year.plans.area == 0
        self._add_output(at, year, works, countries, in_field)
        self._counts["collaboration"].append(
            self._collaboration(year, works[in_field[works]], countries[in_field[works]])
        )
        for include_citing in (False, True):
            self._counts["citation"].append(self._citation(year, include_citing))
        self._counts["moves"].append(_moves(year))
        self._counts["author_years"].append(self._careers.add(year))
        self._counts["ties"].append(_ties(year, n))
        self._counts["novel"].append({"number": year.first + np.flatnonzero(year.novel)})

    def tables(self) -> dict[str, pa.Table]:
        """Return all planted tables by name."""
        scientist = self._careers.scientists()
        author_years = _stacked(self._counts["author_years"])
        return {
            "country_year": self._country_year(author_years, scientist),
            "collaboration": self._pairs("collaboration", source_first=True),
            "citation": self._pairs("citation", source_first=False),
            "moves": self._moves_table(self._counts["moves"]),
            "moves_observed": self._observed(author_years, scientist),
            "flows": self._flows(author_years, scientist),
            "author_years": self._author_years(author_years, scientist),
            "novel": self._novel(),
            "ties_kept": self._ties_kept(),
            "affinity": self._affinity(),
            "sizes": self._sizes(),
            "countries": self._countries(),
            "claims": self._claims(),
            "joint_effects": self._joint_effects(),
        }

    def _add_output(
        self,
        at: int,
        year: WorldYear,
        works: Ints,
        countries: Ints,
        in_field: NDArray[np.bool_],
    ) -> None:
        n = self.world.settings.n_countries
        share = 1.0 / np.bincount(works, minlength=len(in_field))[works]
        inside = in_field[works]
        by_last = year.signed.is_last[year.written.authorship]
        last_works, last_countries = countries_on(
            year.signed.work[year.written.authorship[by_last]], year.written.country[by_last], n
        )
        whole_works, whole_countries = countries_on(
            year.signed.work[year.complete.authorship], year.complete.country, n
        )
        counted = {
            "papers_whole": np.bincount(countries[inside], minlength=n),
            "papers_fractional": np.bincount(countries[inside], share[inside], minlength=n),
            "papers_last_author": np.bincount(last_countries[in_field[last_works]], minlength=n),
            "papers_whole_complete": np.bincount(
                whole_countries[in_field[whole_works]], minlength=n
            ),
        }
        for name, values in counted.items():
            self.output[name][at] = values

    def _collaboration(self, year: WorldYear, works: Ints, countries: Ints) -> Columns:
        """Count pairs of countries on the same work; `works` is sorted."""
        n = self.world.settings.n_countries
        start = np.searchsorted(works, works)
        size = np.searchsorted(works, works, side="right") - start
        whole, fractional = np.zeros(n * n), np.zeros(n * n)
        for step in range(1, int(size.max(initial=1))):
            left = np.flatnonzero(np.arange(len(works)) + step < start + size)
            cell = countries[left] * n + countries[left + step]
            pairs = size[left] * (size[left] - 1) / 2
            whole += np.bincount(cell, minlength=n * n)
            fractional += np.bincount(cell, 1.0 / pairs, minlength=n * n)
        return _cells(year.year, n, {"works_whole": whole, "works_fractional": fractional})

    def _citation(self, year: WorldYear, include_citing: bool) -> Columns:
        """Count pairs of a citing and a cited country over the year's references to the field."""
        world, n = self.world, self.world.settings.n_countries
        kept = world.area[year.cited] == 0
        if not include_citing:
            kept &= world.area[year.citing] == 0
        citing, cited = year.citing[kept], year.cited[kept]
        whole, fractional = np.zeros(n * n), np.zeros(n * n)
        shares = 1.0 / np.maximum(self._sets.size[citing].astype(float) * self._sets.size[cited], 1)
        for i in range(int(self._sets.size[citing].max(initial=0))):
            some = np.flatnonzero(self._sets.size[citing] > i)
            for j in range(int(self._sets.size[cited[some]].max(initial=0))):
                both = some[self._sets.size[cited[some]] > j]
                cell = self._sets.at(citing[both], i) * n + self._sets.at(cited[both], j)
                whole += np.bincount(cell, minlength=n * n)
                fractional += np.bincount(cell, shares[both], minlength=n * n)
        cells = _cells(year.year, n, {"citations_whole": whole, "citations_fractional": fractional})
        return cells | {"include_citing": np.full(len(cells["year"]), include_citing)}

    def _country_year(self, placed: Columns, scientist: NDArray[np.bool_]) -> pa.Table:
        years, n = self.world.settings.span, self.world.settings.n_countries
        theirs = scientist[placed["author"]]
        cell = (placed["year"] - years[0]) * n + placed["country"]
        counts = np.bincount(cell[theirs], placed["weight"][theirs], minlength=len(years) * n)
        columns: Columns = {name: values.ravel() for name, values in self.output.items()}
        columns["scientists"] = counts.astype(np.float64)  # without any, bincount gives integers
        some = np.flatnonzero(sum(np.abs(values) for values in columns.values()))
        kept = {name: _whole_if(name, values[some]) for name, values in columns.items()}
        return pa.table({"year": _year(years[some // n]), "country": self._codes(some % n), **kept})

    def _pairs(self, name: str, *, source_first: bool) -> pa.Table:
        columns = _stacked(self._counts[name])
        source, target = self._codes(columns.pop("source")), self._codes(columns.pop("target"))
        if source_first:
            source, target = (
                pc.min_element_wise(source, target),
                pc.max_element_wise(source, target),
            )
        year = _year(columns.pop("year"))
        kept = {key: _whole_if(key, values) for key, values in columns.items()}
        table = pa.table({"year": year, "source": source, "target": target, **kept})
        if not source_first:
            return table
        merged = table.group_by(["year", "source", "target"]).aggregate(
            [("works_whole", "sum"), ("works_fractional", "sum")]
        )
        return merged.rename_columns(table.column_names).sort_by(
            [(key, "ascending") for key in ("year", "source", "target")]
        )

    def _moves_table(self, moves: list[Columns]) -> pa.Table:
        columns = _stacked(moves)
        return pa.table(
            {
                "author_id": self.world.start.author_ids(columns["author"]),
                "year": _year(columns["year"]),
                "origin": self._codes(columns["origin"]),
                "destination": self._codes(columns["destination"]),
            }
        )

    def _observed(self, placed: Columns, scientist: NDArray[np.bool_]) -> pa.Table:
        columns = {name: values[placed["origin"] >= 0] for name, values in placed.items()}
        return pa.table(
            {
                "author_id": self.world.start.author_ids(columns["author"]),
                "year": _year(columns["year"]),
                "origin": self._codes(columns["origin"]),
                "destination": self._codes(columns["country"]),
                "is_scientist": scientist[columns["author"]],
            }
        )

    def _flows(self, placed: Columns, scientist: NDArray[np.bool_]) -> pa.Table:
        n = self.world.settings.n_countries
        moved = (placed["origin"] >= 0) & scientist[placed["author"]]
        key = (placed["year"][moved] * n + placed["origin"][moved]) * n + placed["country"][moved]
        cell, count = np.unique(key, return_counts=True)
        return pa.table(
            {
                "year": _year(cell // n // n),
                "origin": self._codes(cell // n % n),
                "destination": self._codes(cell % n),
                "scientists": count.astype(np.int64),
            }
        )

    def _author_years(self, placed: Columns, scientist: NDArray[np.bool_]) -> pa.Table:
        return pa.table(
            {
                "author_id": self.world.start.author_ids(placed["author"]),
                "year": _year(placed["year"]),
                "country": self._codes(placed["country"]),
                "weight": placed["weight"],
                "is_scientist": scientist[placed["author"]],
            }
        )

    def _novel(self) -> pa.Table:
        numbers = _stacked(self._counts["novel"])["number"]
        return pa.table({"work_id": self.world.start.work_ids(numbers)})

    def _ties_kept(self) -> pa.Table:
        """Works that have a country on board only because an author once left it.

        One row per work and mover. Without retention the mover's share of works
        with that country would lack these works: their number over the mover's
        later works is what retention adds, which a comparison with stayers estimates.
        """
        columns = _stacked(self._counts["ties"])
        return pa.table(
            {
                "author_id": self.world.start.author_ids(columns["mover"]),
                "work_id": self.world.start.work_ids(columns["number"]),
                "year": _year(columns["year"]),
                "country": self._codes(columns["country"]),
            }
        )

    def _affinity(self) -> pa.Table:
        """One row per year and unordered pair, with the works planned to join it.

        ``log_affinity`` is what is planted, ``log_noise`` what is drawn around it; the
        works planned have both.
        """
        world, settings = self.world, self.world.settings
        codes = np.array(settings.codes)
        by_code = np.argsort(codes)
        a, b = np.triu_indices(len(codes), 1)
        a, b = by_code[a], by_code[b]
        in_field = settings.works_by_year() * (1.0 - settings.outside_share)
        expected = [
            expected_links(settings, count, sizes, ties)[a, b]
            for count, sizes, ties in zip(
                in_field, world.sizes, world.affinity + world.noise, strict=True
            )
        ]
        return pa.table(
            {
                "year": _year(np.repeat(settings.span, len(a))),
                "source": np.tile(codes[a], len(settings.span)),
                "target": np.tile(codes[b], len(settings.span)),
                "log_affinity": world.affinity[:, a, b].ravel(),
                "log_noise": world.noise[:, a, b].ravel(),
                "expected_works_planned": np.concatenate(expected),
            }
        )

    def _sizes(self) -> pa.Table:
        years, n = self.world.settings.span, self.world.settings.n_countries
        return pa.table(
            {
                "year": _year(np.repeat(years, n)),
                "country": self._codes(np.tile(np.arange(n), len(years))),
                "share": self.world.sizes.ravel(),
            }
        )

    def _countries(self) -> pa.Table:
        """One row per year and country: multiplier of impact, chance of no affiliation."""
        years, n = self.world.settings.span, self.world.settings.n_countries
        return pa.table(
            {
                "year": _year(np.repeat(years, n)),
                "country": self._codes(np.tile(np.arange(n), len(years))),
                "impact_multiplier": self.world.impact.ravel(),
                "missing_chance": np.minimum(self.world.missing, 1.0).ravel(),
            }
        )

    def _claims(self) -> pa.Table:
        """One row per claim about the default poles: whether the world makes it true, and why."""
        claims = planted_claims(self.world.settings)
        names = ("claim", "standing", "reason")
        return pa.table(
            {name: pa.array([getattr(c, name) for c in claims], pa.string()) for name in names}
        )

    def _joint_effects(self) -> pa.Table:
        settings = self.world.settings
        effects = settings.joint_effects
        values = [curve_at(effect.curve, settings.span) for effect in effects]
        n = len(settings.span)
        return pa.table(
            {
                "year": _year(np.tile(settings.span, len(effects))),
                "lead": pa.array([e.source for e in effects for _ in range(n)], pa.string()),
                "partner": pa.array([e.target for e in effects for _ in range(n)], pa.string()),
                "impact_multiplier": np.concatenate([np.empty(0), *values]),
            }
        )

    def _codes(self, countries: Ints) -> pa.Array:
        return country_column(countries, self.world.settings.codes)


def _ties(year: WorldYear, n: int) -> Columns:
    """Ties without which the country would not be on the work as written.

    The coauthor is seen there, nobody else is beside the mover, and no other mover
    asked for the same tie.
    """
    ties, signed, written = year.signed.ties, year.signed, year.written
    author = signed.author[written.authorship]
    cell = signed.work[written.authorship] * n + written.country
    there = np.unique(np.column_stack([cell, author]), axis=0)
    number = np.int64(max(signed.author.max(initial=0), ties.mover.max(initial=0)) + 1)
    place = ties.work * n + ties.country
    named = there[:, 0] * number + there[:, 1]
    brought = np.isin(place * number + ties.coauthor, named)
    on_board = np.searchsorted(there[:, 0], place, side="right")
    on_board -= np.searchsorted(there[:, 0], place)
    others = on_board - brought - np.isin(place * number + ties.mover, named)
    asked = np.unique(place, return_inverse=True, return_counts=True)
    alone = brought & (others == 0) & (asked[2][asked[1]] == 1)
    return {
        "mover": ties.mover[alone],
        "number": year.first + ties.work[alone],
        "year": np.full(np.count_nonzero(alone), year.year),
        "country": ties.country[alone],
    }


def _moves(year: WorldYear) -> Columns:
    moves = year.moves
    return {
        "author": moves.author,
        "year": np.full(len(moves.author), year.year),
        "origin": moves.origin,
        "destination": moves.destination,
    }


def _cells(year: int, n: int, values: dict[str, Floats]) -> Columns:
    """Rows of the non-zero cells of (n, n) counts."""
    some = np.flatnonzero(next(iter(values.values())))
    rows = {name: value[some] for name, value in values.items()}
    return {"year": np.full(len(some), year), "source": some // n, "target": some % n} | rows


def _stacked(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _whole_if(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Whole counts as integers; fractions stay as they are."""
    is_fraction = name.endswith("fractional") or name in ("scientists", "include_citing")
    return values if is_fraction else np.rint(values).astype(np.int64)


def _year(values: Ints) -> pa.Array:
    return pa.array(np.asarray(values), pa.int16())
