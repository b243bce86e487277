"""The duals that Newton solves: pair kernels wired to constraints.

Parameters stand rows first, then columns when directed; with two statistics the
link parameters of a side stand before its excess parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from isthmus.stats.nulls import mixed, pairs
from isthmus.stats.nulls.margins import Settled
from isthmus.stats.nulls.newton import Sums, relative_error
from isthmus.stats.nulls.newton_steps import Information

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Classes up to which the information matrix is stored; beyond, Newton multiplies
#: by it without storing it. 1,500 classes take 72 MB and a factorisation of seconds.
DENSE_TO = 1500

#: Stands for link probabilities where a law has none.
NO_LINKS: Floats = np.zeros((1, 1))
#: Stands for couplings that are not wanted.
NOTHING: Floats = np.empty((0, 0))


@dataclass(frozen=True)
class MixedDual:
    """Degrees and excesses (strength minus degree) as constraints.

    Attributes
    ----------
    target : array (2c,) or (4c,)
        Class totals of degree and excess, rows' then columns'.
    size : array (c,)
        Nodes per class.
    settled : Settled
        Links decided by the degrees alone.
    symmetric : bool
    """

    target: Floats
    size: Ints
    settled: Settled
    symmetric: bool
    _coupling: Floats = field(init=False, repr=False)
    _count: Floats = field(init=False, repr=False)
    _room: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        stored = 2 * self.size.size if self.size.size <= DENSE_TO else 0
        object.__setattr__(self, "_coupling", np.empty((stored, stored)))
        object.__setattr__(self, "_count", self.size.astype(np.float64))
        object.__setattr__(self, "_room", self._count * (self._count.sum() - 1.0))

    @property
    def _sides(self) -> int:
        return 1 if self.symmetric else 2

    def split(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Parameters a, b of rows and a, b of columns."""
        sides = theta.reshape(self._sides, 2, self.size.size)
        return sides[0, 0], sides[0, 1], sides[-1, 0], sides[-1, 1]

    def sums(self, theta: Floats, *, coupled: bool = True) -> Sums:
        """Expected degrees and excesses with their information."""
        out = np.empty((2, 5, self.size.size))
        known = self.settled
        mixed.mixed_sums(
            self.symmetric, *self.split(theta), self._count,
            known.rank_rows, known.kind_rows, known.rank_columns, known.kind_columns,
            self._coupling if coupled else NOTHING, *out,
        )  # fmt: skip
        mean = out[2 - self._sides :, :2].ravel()
        rows, columns = (out[1, 2:], out[1, 5:]) if self.symmetric else (out[0, 2:], out[1, 2:])
        if self._coupling.size and coupled:
            return Sums(mean, Information(rows, columns, self._coupling))
        return Sums(mean, Information(rows, columns, None, partial(self.product, theta)))

    def product(self, theta: Floats, vector: Floats) -> Floats:
        """Fisher information at `theta` times a vector (d,)."""
        sides = vector.reshape(self._sides, 2, self.size.size)
        out = np.empty((2, 2, self.size.size))
        known = self.settled
        mixed.mixed_product(
            self.symmetric, *self.split(theta), self._count,
            known.rank_rows, known.kind_rows, known.rank_columns, known.kind_columns,
            sides[0], sides[-1], *out,
        )  # fmt: skip
        return np.asarray(out[2 - self._sides :].ravel())

    def missing(self, mean: Floats) -> Floats:
        """Target minus mean, on scales on which a node's statistics are nearly linear.

        Log odds for its links k of n - 1 possible, and log(e / (e + k)) for its
        excess e: the geometric parameter that would make e out of k links.
        """
        return np.asarray(mixed.missing(self.target, mean, self._room))

    def error(self, mean: Floats) -> float:
        """Largest relative error over degrees and strengths."""
        return float(mixed.largest_error(self.target, mean, self.size.size))

    def longest_step(self, theta: Floats, step: Floats, enough: float) -> float:
        """Keep y_i y_j below 1 for pairs that exist; hubs may have y above 1."""
        _, b_r, _, b_c = self.split(theta)
        _, d_r, _, d_c = self.split(step)
        known = self.settled
        return float(
            pairs.longest_step(
                self.symmetric, b_r, b_c, d_r, d_c, self.size, self.size,
                known.rank_rows, known.kind_rows, known.rank_columns, known.kind_columns,
                NO_LINKS, enough,
            )
        )  # fmt: skip


@dataclass(frozen=True)
class SingleDual:
    """One constraint per node and side: strengths, or degrees.

    Attributes
    ----------
    law : int
        `pairs.POISSON`, `GEOMETRIC`, `BERNOULLI` or `EXPONENTIAL`.
    target : array (c,) or (c + d,)
        Class totals, rows' then columns'.
    size_rows, size_columns : array (c,), (d,)
    settled : Settled
    symmetric, loopless : bool
        `loopless`: rows and columns are the same nodes and never meet themselves.
    f : array (c, d)
        Link probabilities; read by the exponential law only.
    """

    law: int
    target: Floats
    size_rows: Ints
    size_columns: Ints
    settled: Settled
    symmetric: bool
    loopless: bool = True
    f: Floats = field(default_factory=lambda: NO_LINKS)
    _coupling: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shape = (self.size_rows.size, self.size_columns.size)
        object.__setattr__(self, "_coupling", np.empty(shape))

    def split(self, theta: Floats) -> tuple[Floats, Floats]:
        """Parameters of rows and of columns."""
        rows = self.size_rows.size
        return (theta, theta) if self.symmetric else (theta[:rows], theta[rows:])

    def sums(self, theta: Floats, *, coupled: bool = True) -> Sums:
        """Expected statistics with their information."""
        out_r = np.empty((2, self.size_rows.size))
        out_c = np.empty((2, self.size_columns.size))
        known = self.settled
        pairs.single_sums(
            self.law, self.symmetric, self.loopless, *self.split(theta),
            self.size_rows, self.size_columns,
            known.rank_rows, known.kind_rows, known.rank_columns, known.kind_columns,
            self.f, self._coupling, out_r, out_c,
        )  # fmt: skip
        mean = out_r[0] if self.symmetric else np.concatenate([out_r[0], out_c[0]])
        return Sums(mean, Information(out_r[1:], out_c[1:], self._coupling))

    def missing(self, mean: Floats) -> Floats:
        """Target minus mean, as it is."""
        return self.target - mean

    def error(self, mean: Floats) -> float:
        """Largest relative error over the constraints."""
        return relative_error(mean, self.target)

    def longest_step(self, theta: Floats, step: Floats, enough: float) -> float:
        """Only the geometric and exponential laws have an edge."""
        if self.law in (pairs.POISSON, pairs.BERNOULLI):
            return float("inf")
        rows, columns = self.split(theta)
        d_r, d_c = self.split(step)
        known = self.settled
        return float(
            pairs.longest_step(
                self.symmetric, rows, columns, d_r, d_c, self.size_rows, self.size_columns,
                known.rank_rows, known.kind_rows, known.rank_columns, known.kind_columns,
                self.f, enough,
            )
        )  # fmt: skip
