"""Indices of collaboration of every pair of countries, beside its affinity.

Which of them answers which question, and which move with the size of countries, is
described in ``docs/pair-indicators.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.engine import Table
from isthmus.results import schema_of
from isthmus.selection.attribution import exact_sum
from isthmus.stats.pair_indices import (
    Index,
    affinity_index,
    collaboration_index,
    relative_intensity,
    salton,
)
from isthmus.study.sections import AFFINITY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SCHEMA = schema_of("pair_indicators")

#: What ``totals`` says: totals are those of works, or sums of joint works where only
#: joint works are known.
OF_WORKS, OF_LINKS = "works", "links"

_PAIR = ["year", "source", "target"]
_AFFINITY = ["affinity", "affinity_low", "affinity_high"]


def country_works(field: Table, countries: Table) -> Table:
    """Count works, and those with other countries, by year and country.

    Grain: one row per year and country. Columns: ``works``, ``international``, ``shared``
    (international works, each counting one in all over its countries).
    """
    placed = field.inner_join(countries, "work_id")
    several = placed.n_countries > 1
    return placed.group_by("year", "country").agg(
        works=placed.count(),
        international=several.sum().cast("int64"),
        shared=exact_sum(ibis.ifelse(several, placed.fraction, placed.fraction - placed.fraction)),
    )


def pair_indicators(
    joint: pa.Table | None, links: pa.Table, totals: pa.Table | None = None
) -> pa.Table:
    """Compute every index of every pair that has a joint work in any year.

    Parameters
    ----------
    joint : table or None
        ``year, source, target, works_whole``: one row per year and unordered pair.
    links : table
        The result ``links``, for affinities.
    totals : table, optional
        As :func:`country_works`. Without it the works of a country are taken to be the
        sum of its joint works and those of the world all joint works, which is right
        where every work has two countries.

    Returns
    -------
    table
        ``pair_indicators``: a row per pair and year in which both countries have
        international works; a pair without joint work in the year has 0.
    """
    if joint is None or not joint.num_rows:
        return SCHEMA.empty_table()
    grid = _Grid.of(joint)
    sizes = grid.strengths if totals is None else grid.cells(totals, "international")
    works = grid.strengths if totals is None else grid.cells(totals, "works")
    world = grid.links if totals is None else np.rint(grid.cells(totals, "shared").sum(axis=1))
    year, pair = np.nonzero((sizes[:, grid.source] > 0) & (sizes[:, grid.target] > 0))
    a, b = grid.source[pair], grid.target[pair]
    together = grid.joint[year, pair]
    x, y, w = sizes[year, a], sizes[year, b], world[year]
    degree = grid.strengths
    columns: dict[str, pa.Array] = {
        "year": pa.array(grid.years[year], pa.int16()),
        "source": pa.array(grid.names[a], pa.string()),
        "target": pa.array(grid.names[b], pa.string()),
        "works_whole": pa.array(together),
        "totals": pa.repeat(OF_LINKS if totals is None else OF_WORKS, len(year)),
        "international_source": pa.array(x),
        "international_target": pa.array(y),
        "international_world": pa.array(w),
    }
    found: dict[str, Index] = {
        "collaboration_index": collaboration_index(together, x, y, w),
        "affinity_index": affinity_index(
            together, degree[year, a], degree[year, b], grid.links[year]
        ),
        "salton": salton(together, works[year, a], works[year, b]),
        "intensity_source": relative_intensity(together, x, y, w),
        "intensity_target": relative_intensity(together, y, x, w),
    }
    for name, index in found.items():
        columns[name] = pa.array(index.value, from_pandas=True)
        columns[f"{name}_low"] = pa.array(index.low, from_pandas=True)
        columns[f"{name}_high"] = pa.array(index.high, from_pandas=True)
    return _beside_affinity(pa.table(columns), links)


def _beside_affinity(table: pa.Table, links: pa.Table) -> pa.Table:
    """Add the affinity of each pair that the panel of poles has."""
    kept = pc.and_(
        pc.equal(links["null_model"], AFFINITY), pc.equal(links["layer"], "collaboration")
    )
    own = links.filter(kept).select([*_PAIR, *_AFFINITY])
    joined = table.join(own.set_column(0, "year", own["year"].cast(pa.int16())), keys=_PAIR)
    order = [(name, "ascending") for name in _PAIR]
    return joined.sort_by(order).select(SCHEMA.names).cast(SCHEMA)


@dataclass(frozen=True)
class _Grid:
    """Joint works laid out by year and pair.

    Attributes
    ----------
    years, names : (t,), (n,) arrays
    source, target : (p,) arrays of int
        Places of the countries of each pair among `names`.
    joint : (t, p) array
    """

    years: Ints
    names: NDArray[np.str_]
    source: Ints
    target: Ints
    joint: Floats

    @classmethod
    def of(cls, table: pa.Table) -> _Grid:
        weight = np.asarray(table["works_whole"].to_numpy(), np.float64)
        years, year = np.unique(table["year"].to_numpy(), return_inverse=True)
        ends = [np.asarray(table[side].to_pylist(), dtype=np.str_) for side in _PAIR[1:]]
        names, place = np.unique(np.concatenate(ends), return_inverse=True)
        first, second = np.sort(place.reshape(2, -1), axis=0)
        pairs, pair = np.unique(first * len(names) + second, return_inverse=True)
        joint = np.zeros((len(years), len(pairs)))
        np.add.at(joint, (year, pair), weight)
        some = joint.any(axis=0)
        source, target = np.divmod(pairs[some], len(names))
        return cls(years.astype(np.int64), names, source, target, joint[:, some])

    @property
    def links(self) -> Floats:
        """Joint works of all pairs, (t,)."""
        return np.asarray(self.joint.sum(axis=1))

    @property
    def strengths(self) -> Floats:
        """Joint works of each country over its pairs, (t, n)."""
        found = np.zeros((len(self.years), len(self.names)))
        for ends in (self.source, self.target):
            np.add.at(found.T, ends, self.joint.T)
        return found

    def cells(self, table: pa.Table, column: str) -> Floats:
        """Values of a table by year and country, (t, n); 0 where it has none."""
        found = np.zeros((len(self.years), len(self.names)))
        year = pc.index_in(table["year"].cast(pa.int64()), pa.array(self.years))
        name = pc.index_in(table["country"], pa.array(self.names, pa.string()))
        known = pc.and_(pc.is_valid(year), pc.is_valid(name)).to_numpy()
        at = [np.asarray(x.to_numpy()[known], np.int64) for x in (year, name)]
        found[at[0], at[1]] = table[column].to_numpy()[known]
        return found
