"""Separated units of a Poisson regression: those whose fitted mean must be zero.

A unit with outcome 0 is separated when some combination of regressors and effects is zero
for every unit with a positive outcome, never negative for the others, and positive for this
one: its coefficient then grows without end, and no estimate exists until the unit is dropped
(Correia, Guimaraes and Zylkin 2019, arXiv:1903.01633, proposition 1). Dropping loses nothing:
a separated unit holds no information on the other coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from isthmus.stats.cells import renumber

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Singular values, and values of a direction, below this part of the largest are zero.
_ZERO = 1e-9

#: Units whose rows are laid out at a time.
_BLOCK = 20_000


def separated(y: Floats, x: Floats, effects: Sequence[Ints]) -> Flags:
    """Find the separated units.

    The largest effect is eliminated with one positive unit of each of its groups, so that the
    rest is a small problem: as many unknowns as regressors and groups of the other effects.

    Parameters
    ----------
    y : array (n,), not negative
    x : array (n, k)
    effects : sequence of arrays (n,), numbered from 0
        Each group must hold a positive outcome; groups that do not are separated as a whole.

    Returns
    -------
    array (n,), bool
    """
    none = np.zeros(y.size, dtype=np.bool_)
    if not y.size or (y > 0).all():
        return none
    largest = max(range(len(effects)), key=lambda e: int(effects[e].max()))
    others = [code for e, code in enumerate(effects) if e != largest]
    base = _positive_unit_of(effects[largest], y > 0)
    rows = _Rows(x / np.maximum(np.abs(x).max(axis=0), 1e-300), others)
    free = _null_space(rows, base, y > 0)
    if not free.shape[1]:
        return none
    zero = np.flatnonzero(y == 0)
    moves = rows.along(zero, free) - rows.along(base[zero], free)
    moves[np.abs(moves) < _ZERO * np.abs(free).max()] = 0.0
    return _marked(none, zero, moves)


def _positive_unit_of(code: Ints, positive: Flags) -> Ints:
    """For each unit the first unit of its group with a positive outcome."""
    first = np.zeros(int(code.max()) + 1, dtype=np.int64)
    units = np.flatnonzero(positive)[::-1]
    first[code[units]] = units
    return first[code]


class _Rows:
    """Rows of the design without the largest effect: regressors, then groups."""

    def __init__(self, x: Floats, others: Sequence[Ints]) -> None:
        self.x, self.others = x, list(others)
        sizes = [int(code.max()) + 1 for code in others]
        self.starts = x.shape[1] + np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        self.width = int(self.starts[-1])

    def along(self, units: Ints, directions: Floats) -> Floats:
        """Value of some rows along directions, array (units, directions)."""
        found = self.x[units] @ directions[: self.x.shape[1]]
        for code, start in zip(self.others, self.starts, strict=False):
            found += directions[start + code[units]]
        return np.asarray(found)

    def distinct(self, units: Ints, base: Ints) -> Floats:
        """Distinct rows less those of their base units, array (m, width)."""
        key = np.zeros(units.size, dtype=np.int64)
        for column in (*self.others, *(np.unique(c, return_inverse=True)[1] for c in self.x.T)):
            for end in (units, base):
                key = renumber(key * (int(column.max()) + 1) + column[end])[0]
        one = np.unique(key, return_index=True)[1]
        rows = np.zeros((one.size, self.width))
        at = np.arange(one.size)
        for sign, end in ((1.0, units[one]), (-1.0, base[one])):
            rows[:, : self.x.shape[1]] += sign * self.x[end]
            for code, start in zip(self.others, self.starts, strict=False):
                np.add.at(rows, (at, start + code[end]), sign)
        return rows


def _null_space(rows: _Rows, base: Ints, positive: Flags) -> Floats:
    """Directions along which no unit with a positive outcome moves, array (width, r)."""
    gram = np.zeros((rows.width, rows.width))
    units = np.flatnonzero(positive)
    for start in range(0, units.size, _BLOCK):
        some = units[start : start + _BLOCK]
        part = rows.distinct(some, base[some])
        gram += part.T @ part
    values, vectors = np.linalg.eigh(gram)
    return np.asarray(vectors[:, values < _ZERO * max(1.0, float(values[-1]))])


def _marked(none: Flags, zero: Ints, moves: Floats) -> Flags:
    """Mark the units that some direction moves up while it moves no other down."""
    moving = (moves != 0).any(axis=1)
    if not moving.any():
        return none
    rounded = np.round(moves[moving], 10)
    distinct, which = np.unique(rounded, axis=0, return_inverse=True)
    m, r = distinct.shape
    # maximise the sum of s with 0 <= s <= 1 and s <= moves of a direction; moves >= 0
    found = linprog(
        np.concatenate([np.zeros(r), -np.ones(m)]),
        A_ub=np.block([[-distinct, np.eye(m)]]),
        b_ub=np.zeros(m),
        bounds=[(None, None)] * r + [(0, 1)] * m,
        method="highs",
    )
    marked = none.copy()
    if found.status == 0:
        up = found.x[r:] > 0.5
        marked[zero[moving]] = up[which.ravel()]
    return marked
