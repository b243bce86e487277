"""Authors of a simulated world: careers, employers and moves.

Authors live in pools, one per country and area (the field, or outside it).
A career starts when a pool has fewer people than the year's papers ask for,
and ends with a constant yearly chance. Within a pool people belong to labs,
and labs to institutions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.simulation.draws import Floats, Ints, choose, choose_in_ranges, stream
from isthmus.simulation.settings import WorldSettings

#: Share of the golden ratio: spreads labs evenly over institutions by rank.
_GOLDEN = 0.6180339887498949

#: Institutions per unit of world share (a country with 10 % has 60).
INSTITUTIONS_PER_SHARE = 600

#: Seniority: chance of leading a paper grows by this much per year since entry.
SENIORITY_PER_YEAR = 0.5


@dataclass(frozen=True)
class Moves:
    """Changes of employer between countries at the start of a year, aligned arrays."""

    author: Ints
    origin: Ints
    destination: Ints


class Institutions:
    """Institutions by country, largest first; ``first[c]..first[c+1]-1`` are those of c."""

    def __init__(self, sizes: Floats) -> None:
        share = sizes.max(axis=0)
        self.number = np.maximum(1, np.rint(share * INSTITUTIONS_PER_SHARE)).astype(np.int64)
        self.first: Ints = np.concatenate([[0], np.cumsum(self.number)])
        self.country = np.repeat(np.arange(len(share)), self.number)

    def of_lab(self, country: Ints, lab: Ints) -> Ints:
        """Institution of a lab; institutions at the top have more labs."""
        spread = np.asarray((lab + 1) * _GOLDEN % 1.0, np.float64)
        return self._ranked(country, spread)

    def at_random(self, rng: np.random.Generator, country: Ints) -> Ints:
        """Draw an institution in each country, the top ones more often."""
        return self._ranked(country, rng.random(len(country)))

    def _ranked(self, country: Ints, spread: Floats) -> Ints:
        rank = (self.number[country] * spread**2).astype(np.int64)
        return np.asarray(self.first[country] + rank)


class Population:
    """All authors so far, and the pools of those active this year.

    Arrays are over authors, in the order of entry.
    """

    def __init__(self, settings: WorldSettings, sizes: Floats) -> None:
        self.settings = settings
        self.sizes = sizes
        self.country = np.empty(0, np.int16)
        self.area = np.empty(0, np.int8)
        self.lab = np.empty(0, np.int32)
        self.entry = np.empty(0, np.int16)
        self.productivity = np.empty(0, np.float32)
        self.active = np.empty(0, np.bool_)
        self.left = np.empty(0, np.int16)  # country last left, -1 for none
        self.pools: Pools | None = None

    def __len__(self) -> int:
        return len(self.country)

    def end_careers(self, year: int) -> None:
        """End careers with the yearly chance; nobody leaves in the first year."""
        rng = stream(self.settings.seed, year, "exits")
        leaving = rng.random(len(self)) < self.settings.exit_rate
        self.active &= ~(leaving & (self.entry < year))

    def move(self, year: int, multiplier: Floats) -> Moves:
        """Let active authors change country; `multiplier` is (origin, destination)."""
        rng = stream(self.settings.seed, year, "moves")
        sizes = self.sizes[year - self.settings.years[0]]
        most = float(multiplier.max(initial=0.0))
        looking = rng.random(len(self)) < self.settings.migration_rate * most
        who = np.flatnonzero(looking & self.active)
        origin = self.country[who].astype(np.int64)
        destination = choose(rng, sizes, len(who))
        taken = rng.random(len(who)) * most < multiplier[origin, destination]
        kept = taken & (origin != destination)
        who, origin, destination = who[kept], origin[kept], destination[kept]
        self.left[who] = origin
        self.country[who] = destination
        self.lab[who] = self._labs(rng, destination * 2 + self.area[who], self.head_count())
        return Moves(who, origin, destination)

    def hire(self, year: int, wanted: Ints, begin: Ints | None = None) -> None:
        """Start careers where a pool has fewer people than `wanted` (one entry per pool).

        With `begin`, so many careers begin, and one where a pool would have nobody.
        """
        rng = stream(self.settings.seed, year, "hires")
        here = self.head_count()
        missing = np.maximum(wanted - here, 0)
        if begin is not None:
            missing = np.maximum(begin, here == 0)
        pool = np.repeat(np.arange(len(wanted)), missing)
        n, sigma = len(pool), self.settings.productivity_sigma
        self.country = np.append(self.country, (pool // 2).astype(np.int16))
        self.area = np.append(self.area, (pool % 2).astype(np.int8))
        self.lab = np.append(self.lab, self._labs(rng, pool, np.maximum(wanted, 1)))
        self.entry = np.append(self.entry, np.full(n, year, np.int16))
        drawn = rng.lognormal(0.0, sigma, n).astype(np.float32)
        self.productivity = np.append(self.productivity, drawn)
        self.active = np.append(self.active, np.ones(n, np.bool_))
        self.left = np.append(self.left, np.full(n, -1, np.int16))
        self.pools = Pools(self, year, len(wanted))

    def _labs(self, rng: np.random.Generator, pool: Ints, people: Ints) -> NDArray[np.int32]:
        labs = np.maximum(people // self.settings.lab_size, 1)
        return (rng.random(len(pool)) * labs[pool]).astype(np.int32)

    def head_count(self) -> Ints:
        """Count the active people of each pool."""
        pool = self.country[self.active].astype(np.int64) * 2 + self.area[self.active]
        return np.bincount(pool, minlength=2 * self.settings.n_countries)


class Pools:
    """Active authors sorted by pool and lab, for weighted draws within either."""

    def __init__(self, people: Population, year: int, n_pools: int) -> None:
        who = np.flatnonzero(people.active)
        key = _lab_key(people.country[who].astype(np.int64) * 2 + people.area[who], people.lab[who])
        order = np.argsort(key, kind="stable")
        self.author, self.key = who[order], key[order]
        self.first = np.searchsorted(self.key, _lab_key(np.arange(n_pools + 1), np.int64(0)))
        weight = people.productivity[self.author].astype(np.float64)
        seniority = 1.0 + SENIORITY_PER_YEAR * (year - people.entry[self.author])
        self.edges = np.concatenate([[0.0], np.cumsum(weight)])
        self.senior_edges = np.concatenate([[0.0], np.cumsum(weight * seniority)])

    def seniors(self, rng: np.random.Generator, pool: Ints) -> Ints:
        """Draw a senior author from each pool; give places in the sorted order."""
        return choose_in_ranges(rng, self.senior_edges, self.first[pool], self.first[pool + 1])

    def members(self, rng: np.random.Generator, pool: Ints) -> Ints:
        """Draw an author from each pool; give places in the sorted order, -1 for an empty pool."""
        drawn = np.full(len(pool), -1, np.int64)
        peopled = self.first[pool + 1] > self.first[pool]
        some = pool[peopled]
        drawn[peopled] = choose_in_ranges(rng, self.edges, self.first[some], self.first[some + 1])
        return drawn

    def labmates(self, rng: np.random.Generator, place: Ints) -> Ints:
        """Draw an author from the lab of each given place (who may be drawn again)."""
        key = self.key[place]
        low, high = np.searchsorted(self.key, key), np.searchsorted(self.key, key, side="right")
        return choose_in_ranges(rng, self.edges, low, high)


def _lab_key(pool: Ints, lab: NDArray[np.int32] | np.int64) -> Ints:
    return np.asarray((pool << 32) + lab, np.int64)
