"""The duals that Newton solves: pair kernels wired to constraints.

Parameters stand rows first, then columns when directed; with two statistics the
link parameters of a side stand before its excess parameters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from isthmus.stats.nulls import pairs
from isthmus.stats.nulls.margins import Settled
from isthmus.stats.nulls.newton import Sums, relative_error

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Classes up to which the information matrix is stored; beyond, Newton multiplies
#: by it without storing it. 1,500 classes take 72 MB and a factorisation of seconds.
DENSE_TO = 1500

#: Stands for link probabilities where a law has none.
NO_LINKS: Floats = np.zeros((1, 1))


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

    def __post_init__(self) -> None:
        stored = 2 * self.size.size if self.size.size <= DENSE_TO else 0
        object.__setattr__(self, "_coupling", np.empty((stored, stored)))

    def split(self, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Parameters a, b of rows and a, b of columns."""
        a_r, b_r, *columns = np.split(theta, 2 if self.symmetric else 4)
        a_c, b_c = columns or (a_r, b_r)
        return a_r, b_r, a_c, b_c

    def sums(self, theta: Floats) -> Sums:
        """Expected degrees and excesses with their information."""
        out_r = np.empty((5, self.size.size))
        out_c = np.empty((5, self.size.size))
        known = self.settled
        pairs.mixed_sums(
            self.symmetric, *self.split(theta), self.size, self.size,
            known.rank_rows, known.kind_rows, known.rank_columns, known.kind_columns,
            self._coupling, out_r, out_c,
        )  # fmt: skip
        sides = (out_r,) if self.symmetric else (out_r, out_c)
        mean = np.concatenate([side[:2].ravel() for side in sides])
        if self.size.size <= DENSE_TO:
            return Sums(mean, out_r[2:], out_c[2:], self._coupling)
        return Sums(mean, out_r[2:], out_c[2:], None, partial(self.product, theta))

    def product(self, theta: Floats, vector: Floats) -> Floats:
        """Fisher information at `theta` times a vector (d,)."""
        sides = vector.reshape(-1, 2, self.size.size)
        out = np.empty((2, 2, self.size.size))
        known = self.settled
        pairs.mixed_product(
            self.symmetric, *self.split(theta), self.size, self.size,
            known.rank_rows, known.kind_rows, known.rank_columns, known.kind_columns,
            sides[0], sides[-1], out[0], out[1],
        )  # fmt: skip
        return np.asarray(out[: len(sides)].ravel())

    def error(self, mean: Floats) -> float:
        """Largest relative error over degrees and strengths."""
        got, wanted = (
            x.reshape(1 if self.symmetric else 2, 2, self.size.size) for x in (mean, self.target)
        )
        return max(
            relative_error(got[:, 0], wanted[:, 0]),
            relative_error(got.sum(axis=1), wanted.sum(axis=1)),
        )

    def longest_step(self, theta: Floats, step: Floats) -> float:
        """Keep y_i y_j below 1 for pairs that exist; hubs may have y above 1."""
        _, b_r, _, b_c = self.split(theta)
        _, d_r, _, d_c = self.split(step)
        known = self.settled
        return float(
            pairs.longest_step(
                self.symmetric, b_r, b_c, d_r, d_c, self.size, self.size,
                known.rank_rows, known.kind_rows, known.rank_columns, known.kind_columns,
                NO_LINKS,
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

    def sums(self, theta: Floats) -> Sums:
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
        return Sums(mean, out_r[1:], out_c[1:], self._coupling)

    def error(self, mean: Floats) -> float:
        """Largest relative error over the constraints."""
        return relative_error(mean, self.target)

    def longest_step(self, theta: Floats, step: Floats) -> float:
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
                self.f,
            )
        )  # fmt: skip
