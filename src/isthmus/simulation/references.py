"""Whom a work cites: by age, community, impact and, where planted, country.

A reference first draws the year it goes back to (lognormal lag) and a
community; within that year and community (a cell) it draws a work with
probability proportional to the work's impact. References of one list to one
cell are drawn systematically, from one random start in equal steps: nobody is
drawn twice unless its impact exceeds a whole step, and the expected number of
citations within any window is proportional to impact. A multiplier planted on
impact is therefore the ratio of expected c_k. It falls short of that where
cells hold so few works that repetitions are dropped after all (or, with
``full_lists``, drawn again), and where preferences by country, planted as well,
make lists draw again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from isthmus.simulation.draws import Floats, Ints, counts_above, stream
from isthmus.simulation.settings import WorldSettings

#: Negative-binomial size of the length of reference lists.
LIST_SPREAD = 4.0
#: Share of references that stay in the work's own community, that go to its near
#: neighbours on the ring (two on each side), and, the rest, anywhere in the area.
OWN_SHARE, NEAR_SHARE = 0.62, 0.34
#: Chance that a reference of a work of the field leaves the field.
FIELD_CITES_OUTSIDE = 0.15
#: Rounds of redrawing for preferences by country; what is left then is dropped.
ROUNDS = 60
#: Rounds of redrawing for references that repeat another; what is left then is dropped.
REFILLS = 20


class CitedStock:
    """All works so far, sorted by year and community, for weighted draws from a cell."""

    def __init__(self, settings: WorldSettings) -> None:
        self.n_cells = 2 * settings.communities
        self.work = np.empty(settings.n_works, np.int32)
        self.edges = np.zeros(settings.n_works + 1)
        self.first = np.zeros((len(settings.span), self.n_cells + 1), np.int64)
        self.filled = 0

    def add(self, at: int, work: Ints, community: Ints, impact: Floats) -> None:
        """Add the works of year number `at` with their impact."""
        order = np.argsort(community, kind="stable")
        start, end = self.filled, self.filled + len(work)
        self.work[start:end] = work[order]
        self.edges[start + 1 : end + 1] = self.edges[start] + np.cumsum(impact[order])
        cells = np.arange(self.n_cells + 1)
        self.first[at] = start + np.searchsorted(community[order], cells)
        self.filled = end

    def peopled(self, cell: Ints) -> NDArray[np.bool_]:
        """Whether each cell (year number x 2k + community) holds works."""
        low, high = self._range(cell)
        return np.asarray(high > low)

    def draw(self, cell: Ints, at: Floats) -> Ints:
        """Take the work at each point of a cell's impact, from 0 to 1 (exclusive)."""
        low, high = self._range(cell)
        bottom, top = self.edges[low], self.edges[high]
        edges = self.edges[: self.filled + 1]
        place = np.searchsorted(edges, bottom + at * (top - bottom), side="right") - 1
        return self.work[np.clip(place, low, high - 1)].astype(np.int64)

    def _range(self, cell: Ints) -> tuple[Ints, Ints]:
        at, community = cell // self.n_cells, cell % self.n_cells
        return self.first[at, community], self.first[at, community + 1]


def lag_law(settings: WorldSettings) -> Floats:
    """Chance of each lag in whole years, 0 up to the world's length, then of all beyond."""
    edges = np.log(np.maximum(np.arange(len(settings.span) + 1), 1e-12))
    below = ndtr((edges - np.log(settings.reference_lag)) / settings.reference_lag_sigma)
    return np.append(np.diff(below), 1.0 - below[-1])


def community_law(settings: WorldSettings) -> Floats:
    """Chance that a work of one community cites another; shape (2k, 2k), rows sum to 1.

    Communities 0..k-1 are in the field and k..2k-1 outside. Each area is a ring:
    works cite their own community, their near neighbours, seldom any other.
    """
    k = settings.communities
    apart = np.abs(np.arange(k)[:, None] - np.arange(k))
    apart = np.minimum(apart, k - apart)
    near = (apart > 0) & (apart <= 2)
    ring = OWN_SHARE * (apart == 0) + NEAR_SHARE * near / near.sum(axis=1, keepdims=True)
    ring = ring + (1.0 - ring.sum(axis=1, keepdims=True)) / k
    leave, cite = FIELD_CITES_OUTSIDE, settings.outside_cites_field
    return np.block([[(1 - leave) * ring, leave * ring], [cite * ring, (1 - cite) * ring]])


def opposite(settings: WorldSettings, community: Ints) -> Ints:
    """Community across the ring, which others hardly ever cite together with this one."""
    k = settings.communities
    return (community % k + k // 2) % k + k * (community // k)


def draw_references(
    settings: WorldSettings,
    at: int,
    stock: CitedStock,
    work: Ints,
    community: Ints,
    novel: NDArray[np.bool_],
    lead: Ints,
    lead_of: NDArray[np.int16],
    preference: Floats,
) -> tuple[Ints, Ints]:
    """Draw the references of the works of year number `at`.

    Parameters
    ----------
    settings, at, stock
        Settings, number of the year, works that can be cited (this year's included).
    work, community, novel, lead
        The year's works: number, community, whether novel, leading country.
    lead_of
        Leading country of every work by number.
    preference
        (n, n) log-multiplier of a citing country for a cited one.

    Returns
    -------
    citing, cited
        Numbers of works, sorted, without repetition and without self-references.
    """
    rng = stream(settings.seed, int(settings.span[at]), "references")
    mean = settings.references * settings.reference_growth**at
    length = counts_above(rng, mean, LIST_SPREAD, len(work))
    citing = np.repeat(np.arange(len(work)), length)
    cell = _cells(settings, rng, at, community[citing], novel[citing])
    n_cells = stock.first[:, :-1].size
    key = np.sort(citing[cell >= 0] * n_cells + cell[cell >= 0])
    key = key[stock.peopled(key % n_cells)]
    citing, cell = key // n_cells, key % n_cells
    cited = stock.draw(cell, _steps(rng, key))
    lead, citing = lead[citing], work[citing]
    cited = _preferred(rng, stock, cell, cited, lead, lead_of, preference)
    if settings.full_lists:
        cited = _filled(rng, stock, cell, citing, cited, lead, lead_of, preference)
    kept = (cited >= 0) & (cited != citing)
    pairs = np.unique(citing[kept] * np.int64(2**32) + cited[kept])
    return pairs >> 32, pairs & 0xFFFFFFFF


def _cells(
    settings: WorldSettings,
    rng: np.random.Generator,
    at: int,
    community: Ints,
    novel: NDArray[np.bool_],
) -> Ints:
    """Draw year and community of each reference, as a cell; -1 where older than the world."""
    lag = np.searchsorted(np.cumsum(lag_law(settings)), rng.random(len(community)), side="right")
    law = np.cumsum(community_law(settings), axis=1)
    law[:, -1] = 1.0  # whatever rounding left, a draw stays in its own row
    flat = (law + np.arange(len(law))[:, None]).ravel()
    spot = community + rng.random(len(community)) * (1.0 - 1e-12)
    target = np.searchsorted(flat, spot, side="right") % len(law)
    bold = novel & (rng.random(len(community)) < settings.novel_references)
    target = np.where(bold, opposite(settings, community), target)
    return np.where(lag <= at, (at - lag) * len(law) + target, -1)


def _steps(rng: np.random.Generator, key: Ints) -> Floats:
    """Spread the entries of each run of equal keys evenly over 0..1 from one random start."""
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else key
    size = np.diff(np.append(first, len(key)))
    rank = np.arange(len(key)) - np.repeat(first, size)
    return np.asarray((rank + np.repeat(rng.random(len(first)), size)) / np.repeat(size, size))


def _filled(
    rng: np.random.Generator,
    stock: CitedStock,
    cell: Ints,
    citing: Ints,
    cited: Ints,
    lead: Ints,
    lead_of: NDArray[np.int16],
    preference: Floats,
) -> Ints:
    """Draw again, from the same cells, references that repeat another or the work itself."""
    for _ in range(REFILLS):
        again = np.ones(len(cited), np.bool_)
        again[np.unique(citing * np.int64(2**32) + cited, return_index=True)[1]] = False
        again |= cited == citing
        again &= cited >= 0
        if not again.any():
            break
        drawn = stock.draw(cell[again], rng.random(np.count_nonzero(again)))
        cited[again] = _preferred(rng, stock, cell[again], drawn, lead[again], lead_of, preference)
    return cited


def _preferred(
    rng: np.random.Generator,
    stock: CitedStock,
    cell: Ints,
    cited: Ints,
    lead: Ints,
    lead_of: NDArray[np.int16],
    preference: Floats,
) -> Ints:
    """Draw again by country until the preference accepts; -1 where it never does."""
    if not preference.any():
        return cited
    accept = np.exp(preference - preference.max(axis=1, keepdims=True))
    open_ = np.arange(len(cited))
    for _ in range(ROUNDS):
        chance = accept[lead[open_], lead_of[cited[open_]]]
        open_ = open_[rng.random(len(open_)) >= chance]
        if not len(open_):
            return cited
        cited[open_] = stock.draw(cell[open_], rng.random(len(open_)))
    cited[open_] = -1
    return cited
