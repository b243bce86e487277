"""What happened between two years with papers: stays abroad and returns that nobody saw.

Between two papers from the first country somebody may have been abroad and come back. How often
follows from how often people are seen to leave and to come back from one year to the next: given
the countries at both ends, the years between are a bridge of a Markov chain with these chances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: States: in the first country and never elsewhere, elsewhere, back after that.
STAYED, AWAY, BACK = range(3)

#: Steps that a year can hold: from the first state to the second.
MOVES = ((0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 1))

#: Years of everybody's chances that are added to those of people from one country.
PRIOR = 20.0


@dataclass(frozen=True)
class Seen:
    """Pairs of neighbouring years with papers of one person.

    Attributes
    ----------
    country
        First country of the person, a number from 0; (pairs,).
    gap
        Years between, 1 for neighbouring calendar years; (pairs,).
    before, after
        State at either end as papers show it, BACK for anybody seen abroad earlier; (pairs,).
    """

    country: Ints
    gap: Ints
    before: Ints
    after: Ints


def chances(seen: Seen, countries: int) -> Floats:
    """Estimate the yearly chances to leave, to come back, and to leave again.

    They come from pairs one year apart, between which nothing can hide. Those of a country are
    drawn to everybody's by :data:`PRIOR` years.

    Returns
    -------
    Floats
        (countries, 3), by the state that is left.
    """
    near = seen.gap == 1
    moved = ((seen.before == AWAY) != (seen.after == AWAY)) & near
    key = seen.country * 3 + seen.before
    years, moves = (
        np.bincount(key[chosen], minlength=3 * countries).reshape(-1, 3).astype(np.float64)
        for chosen in (near, moved)
    )
    # Half a move in a year more: with nobody seen the chance is one half, and never 0 or 1.
    everyone = (moves.sum(axis=0) + 0.5) / (years.sum(axis=0) + 1.0)
    return np.asarray((moves + PRIOR * everyone) / (years + PRIOR))


def yearly(chance: Floats) -> Floats:
    """Return the matrices of yearly steps between states, (countries, 3, 3)."""
    made = np.zeros((len(chance), 3, 3))
    leave, come, again = chance.T
    made[:, STAYED, STAYED], made[:, STAYED, AWAY] = 1 - leave, leave
    made[:, AWAY, AWAY], made[:, AWAY, BACK] = 1 - come, come
    made[:, BACK, BACK], made[:, BACK, AWAY] = 1 - again, again
    return made


def bridges(step: Floats, gap: int) -> tuple[Floats, Floats]:
    """Return what a bridge of some years holds, by where it begins and ends.

    Parameters
    ----------
    step
        As :func:`yearly`.
    gap
        Years from one end to the other.

    Returns
    -------
    moves : Floats
        Chance of each of :data:`MOVES` in each year, given the beginning and whether the end is
        abroad: (countries, 3, 2, gap, 6).
    never : Floats
        Chance of never having been abroad for those at home at both ends, (countries,).
    """
    n = len(step)
    ends = np.zeros((n, gap + 1, 2, 3))
    ends[:, gap, 0, [STAYED, BACK]] = ends[:, gap, 1, AWAY] = 1.0
    for year in range(gap - 1, -1, -1):  # chance of the end from each state
        ends[:, year] = np.einsum("nij,nej->nei", step, ends[:, year + 1])
    reach = np.zeros((n, gap, 3, 3))
    reach[:, 0] = np.eye(3)
    for year in range(1, gap):
        reach[:, year] = reach[:, year - 1] @ step
    moves = np.stack(
        [
            reach[:, :, :, i].transpose(0, 2, 1)[:, :, None, :]
            * step[:, i, j][:, None, None, None]
            * ends[:, 1:, :, j].transpose(0, 2, 1)[:, None, :, :]
            for i, j in MOVES
        ],
        axis=-1,
    )
    whole = ends[:, 0].transpose(0, 2, 1)[..., None, None]
    moves = np.divide(moves, whole, out=np.zeros_like(moves), where=whole > 0)
    return moves, step[:, STAYED, STAYED] ** gap / ends[:, 0, 0, STAYED]


def never_away(seen: Seen, first: Ints, never: Floats) -> Floats:
    """Return the chance that somebody has never been abroad at the beginning of each pair.

    Parameters
    ----------
    seen
        Pairs in the order of people and years.
    first
        The person's first pair, for each pair.
    never
        For each pair, the chance of not having been abroad in between.
    """
    logs = np.cumsum(np.log(never)) - np.log(never)
    chance = np.exp(logs - logs[first]) if len(first) else logs
    return np.asarray(np.where(seen.before == STAYED, np.minimum(chance, 1.0), 0.0))


def steps_between(seen: Seen, first: Ints, countries: int) -> tuple[Ints, Ints, Ints, Ints, Floats]:
    """Return the yearly steps between years with papers, each with its chance.

    Returns
    -------
    tuple of arrays
        Pair, year in it (from 0), states at the beginning and the end of the year, chance.
    """
    step = yearly(chances(seen, countries))
    never, parts = np.ones(len(seen.gap)), []
    held = {}
    for gap in np.unique(seen.gap).tolist():
        own = np.flatnonzero(seen.gap == gap)
        held[gap] = own, *bridges(step, gap)
        never[own] = held[gap][2][seen.country[own]]
    # Whoever is abroad at an end is known to have left: the chance of the pair does not matter.
    both = (seen.before != AWAY) & (seen.after != AWAY)
    unmoved = never_away(seen, first, np.where(both, never, 1.0))
    for own, moves, _ in held.values():
        country, away = seen.country[own], (seen.after[own] == AWAY).astype(np.int64)
        begin = np.where(seen.before[own] == AWAY, AWAY, BACK)
        part = unmoved[own][:, None, None]
        chance = part * moves[country, STAYED, away] + (1 - part) * moves[country, begin, away]
        at, year, move = np.nonzero(chance > 0)
        parts.append((own[at], year, move, chance[at, year, move]))
    if not parts:
        nothing = np.zeros(0, np.int64)
        return nothing, nothing, nothing, nothing, np.zeros(0)
    pair, year, move, chance = (np.concatenate([p[k] for p in parts]) for k in range(4))
    before, after = np.array(MOVES, dtype=np.int64)[move].T
    return pair, year, before, after, chance
