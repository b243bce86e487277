"""Teams of countries: how many works of each size, and of each country, by year.

The team null model is fitted to works of two or more countries: every country
keeps its number of international works and every work its number of countries.
Two small tables tell that, whatever the number of works. Works of one country
make no pair; with them in, a country's domestic works would count as if they had
looked for partners.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.engine import Table
from isthmus.errors import InputError
from isthmus.stats.nulls import NullFit
from isthmus.stats.nulls.bipartite import fit_team_counts
from isthmus.stats.nulls.laws import Law

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: The null model that needs teams.
BIPARTITE = "bipartite"


@dataclass(frozen=True)
class Teams:
    """Teams of two or more countries.

    Attributes
    ----------
    sizes : table
        ``year, countries, works``: works of each number of countries.
    members : table
        ``year, country, works``: such works of each country.
    """

    sizes: pa.Table
    members: pa.Table


def team_tables(field: Table, countries: Table) -> tuple[Table, Table]:
    """Return the two tables of :class:`Teams` as expressions.

    Years times sizes and years times countries rows, a few thousand at most.
    """
    several = countries.filter(countries.n_countries > 1).inner_join(field, "work_id")
    # a work stands in one row per country, so rows over countries are works
    sizes = several.group_by("year", countries=several.n_countries).agg(rows=several.count())
    sizes = sizes.select("year", "countries", works=sizes.rows // sizes.countries)
    return sizes, several.group_by("year", "country").agg(works=several.count())


@dataclass(frozen=True)
class TeamFits:
    """The team null model of every year, for the countries of a panel.

    Attributes
    ----------
    teams : Teams
    years : (t,)
    countries : tuple of str
        Countries of the panel; the model is fitted to all there are, so that a
        work with a country outside keeps its size.
    """

    teams: Teams
    years: Ints
    countries: tuple[str, ...]

    @cached_property
    def fits(self) -> list[NullFit | None]:
        """Fits in the order of the years; None where a year has no teams."""
        return [self._fit(int(year)) for year in self.years]

    def draw(self, random: np.random.Generator) -> Floats:
        """Draw networks of all years from teams without affinities, (t, n, n)."""
        n = len(self.countries)
        nothing = np.zeros((n, n))
        return np.array([nothing if f is None else f.law.draw(random) for f in self.fits])

    def _fit(self, year: int) -> NullFit | None:
        sizes = _of(self.teams.sizes, year).sort_by("countries")
        members = _of(self.teams.members, year).sort_by("country")
        if not sizes.num_rows:
            return None
        codes = members["country"].to_pylist()
        codes += sorted(set(self.countries) - set(codes))
        totals = np.zeros(len(codes), dtype=np.int64)
        totals[: members.num_rows] = members["works"].to_numpy()
        fit = fit_team_counts(sizes["countries"].to_numpy(), sizes["works"].to_numpy(), totals)
        places = np.array([codes.index(code) for code in self.countries])
        return NullFit(
            model=BIPARTITE,
            directed=False,
            parameters={name: values[places] for name, values in fit.parameters.items()},
            residual=fit.residual,
            law=Among(fit.law, places, len(codes)),
            has_rows=fit.has_rows[places],
            has_columns=fit.has_columns[places],
            steps=fit.steps,
        )


@dataclass(frozen=True)
class Among:
    """The law of some nodes' pairs out of the law of all.

    Attributes
    ----------
    whole : Law
    places : (n,)
        Positions of the nodes among all.
    count : int
        Number of all nodes.
    """

    whole: Law
    places: Ints
    count: int

    def _cut(self, full: Floats) -> Floats:
        return np.ascontiguousarray(full[np.ix_(self.places, self.places)])

    def mean(self) -> Floats:
        """Expected weight."""
        return self._cut(self.whole.mean())

    def variance(self) -> Floats:
        """Variance of the weight."""
        return self._cut(self.whole.variance())

    def tails(self, weights: Floats) -> tuple[Floats, Floats]:
        """Tails of the nodes' pairs."""
        full = np.zeros((self.count, self.count))
        full[np.ix_(self.places, self.places)] = weights
        more, fewer = self.whole.tails(full)
        return self._cut(more), self._cut(fewer)

    def draw(self, random: np.random.Generator) -> Floats:
        """Draw all and keep the nodes' pairs."""
        return self._cut(self.whole.draw(random))


def refuse_without_teams(models: Sequence[str], teams: Teams | None) -> None:
    """Refuse the team null model where nothing tells the teams."""
    if BIPARTITE in models and teams is None:
        raise InputError(
            f"The null model '{BIPARTITE}' needs the countries of every work, and a table of "
            "edges no longer tells them; leave it out, or run a study on a corpus."
        )


def _of(table: pa.Table, year: int) -> pa.Table:
    return table.filter(pc.equal(table["year"], year))
