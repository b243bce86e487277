"""Result tables of a world from its generator's own books: seconds of work become a tenth.

Tests compare the generator's books with what a study counts. Citations within the window and
teams are counted here. What is matched, or compared between movers, needs a whole study.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from panels import Tables

from isthmus.leadership.totals import country_totals
from isthmus.poles.analysis import analyse
from isthmus.simulation.generator import World, WorldYear
from isthmus.simulation.settings import WorldSettings
from isthmus.simulation.teams import countries_on
from isthmus.simulation.truth import Truth
from isthmus.study import Study
from isthmus.teaming.team_contrasts import team_contrasts

#: Years after a paper's own in which citations count.
WINDOW = 2

#: Planted tables that a study's results hold too, and where scientists were.
BOOKS = ("country_year", "collaboration", "citation", "flows", "author_years")


def counted(settings: WorldSettings, *, poles: bool) -> Tables:
    """Grow a world and return its tables; those of the pole analysis where asked for."""
    world = World(settings)
    truth, impact, teams = Truth(world), _Impact(world), _Teams(settings)
    for year in world.grow():
        for counter in (truth, impact, teams):
            counter.add(year)
    planted = truth.tables()
    books = {name: planted[name] for name in BOOKS}
    country_year = impact.beside(books["country_year"])
    people = books.pop("author_years")
    people = people.filter(people["is_scientist"])
    totals = country_totals(country_year, ("papers_last_author", f"c{WINDOW}_sum"),
                            lambda years: _scientists(people, years))  # fmt: skip
    citation = books.pop("citation")
    books["citation"] = citation.filter(citation["include_citing"]).drop(["include_citing"])
    study = Study.parse(
        {
            "study": {"corpus": "none", "years": list(settings.years)},
            "poles": {"null_models": ["multiedge"], "min_works": 5, "dropped": 0,
                      "placebo_replays": 0, "bloc_windows": 0},
        }
    )  # fmt: skip
    tables = {**books, "country_year": country_year, "country_totals": totals,
              "team_contrasts": teams.contrasts(study.findings.min_clusters)}  # fmt: skip
    if poles:
        tables |= analyse(
            _edges(books["collaboration"], "works_whole"),
            _edges(books["citation"], "citations_whole"),
            settings=study.poles,
            poles=study.countries.poles,
            seed=settings.seed,
        )
    return Tables(tables, study.settings())


def _edges(table: pa.Table, column: str) -> pa.Table:
    own = table.filter(pc.not_equal(table["source"], table["target"]))
    return own.select(["year", "source", "target", column])


def _scientists(people: pa.Table, years: tuple[int, int]) -> pa.Table:
    inside = people.filter(pc.and_(pc.greater_equal(people["year"], years[0]),
                                   pc.less_equal(people["year"], years[1])))  # fmt: skip
    summed = inside.group_by(["country", "author_id"]).aggregate([("weight", "sum")])
    found: dict[str, list[float]] = defaultdict(list)
    for row in summed.to_pylist():
        found[row["country"]].append(row["weight_sum"])
    rows = [{"country": code, "total": math.fsum(own), "se": math.sqrt(sum(x * x for x in own))}
            for code, own in sorted(found.items())]  # fmt: skip
    return pa.Table.from_pylist(rows)


def _led(year: WorldYear, n_countries: int) -> tuple[Any, Any]:
    """Works of the field that a country leads, by their last authors, and the countries."""
    last = year.signed.is_last[year.written.authorship]
    work, country = countries_on(
        year.signed.work[year.written.authorship[last]], year.written.country[last], n_countries
    )
    field = year.plans.area[work] == 0
    return work[field], country[field]


class _Teams:
    """Authors of what each country leads, with each country that is on board.

    Years without known impact are left out, as a study leaves them out.
    """

    def __init__(self, settings: WorldSettings) -> None:
        self.codes, self._last = settings.codes, settings.years[1] - WINDOW
        self._joint: Counter[tuple[str, str, int, int]] = Counter()
        self._all: Counter[tuple[str, int, int]] = Counter()

    def add(self, year: WorldYear) -> None:
        """Count one year."""
        n, codes = len(self.codes), self.codes
        if year.year > self._last:
            return
        size = np.bincount(year.signed.work).tolist()
        on: dict[int, list[int]] = defaultdict(list)
        for work, country in zip(
            *countries_on(year.signed.work[year.written.authorship], year.written.country, n),
            strict=True,
        ):
            on[work].append(country)
        for work, lead in zip(*_led(year, n), strict=True):
            self._all[codes[lead], year.year, size[work]] += 1
            for other in on[work]:
                if other != lead:
                    self._joint[codes[lead], codes[other], year.year, size[work]] += 1

    def contrasts(self, least: float) -> pa.Table:
        """Return the table ``team_contrasts``, without institutions."""
        joint, everything = (
            pa.Table.from_pylist([dict(zip(names, (*key, papers), strict=True))
                                  for key, papers in counts.items()])
            for names, counts in (
                (("lead", "group", "year", "team_size", "papers"), self._joint),
                (("lead", "year", "team_size", "papers"), self._all),
            )
        )  # fmt: skip
        made = team_contrasts(joint, everything, pa.table({}), self.codes[:8], least)
        return made.filter(pc.equal(made["measure"], "team_size"))


class _Impact:
    """Citations of each work of the field within the window, and the countries it counts for."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.year = np.zeros(world.settings.n_works, np.int64)
        self.cited = np.zeros(world.settings.n_works)
        self._places: list[np.ndarray[Any, Any]] = []

    def add(self, year: WorldYear) -> None:
        """Count one year; years come in order."""
        n = len(year.plans.lead)
        self.year[year.first : year.first + n] = year.year
        inside = year.year <= self.year[year.cited] + WINDOW
        self.cited += np.bincount(year.cited[inside], minlength=len(self.cited))
        work, country = _led(year, self.world.settings.n_countries)
        self._places.append(np.array([work + year.first, country]))

    def beside(self, country_year: pa.Table) -> pa.Table:
        """Add papers with known impact, citations and their standard error to the counts."""
        work, country = np.concatenate(self._places, axis=1)
        codes, first = self.world.settings.codes, self.world.settings.years[0]
        cell = (self.year[work] - first) * len(codes) + country
        shape = len(self.world.settings.span) * len(codes)
        papers = np.bincount(cell, minlength=shape)
        total = np.bincount(cell, self.cited[work], minlength=shape)
        error = np.sqrt(np.bincount(cell, self.cited[work] ** 2, minlength=shape))
        known = country_year["year"].to_numpy() <= self.world.settings.years[1] - WINDOW
        places = {code: at for at, code in enumerate(codes)}
        at = (country_year["year"].to_numpy().astype(np.int64) - first) * len(codes)
        at = at + np.array([places[code] for code in country_year["country"].to_pylist()])
        made = country_year
        for name, values in (("papers", papers), ("sum", total), ("sum_se", error)):
            column = pa.array(values[at].astype(float), mask=~known)
            made = made.append_column(f"c{WINDOW}_{name}", column)
        return made
