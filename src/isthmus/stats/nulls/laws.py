"""What a fitted null model says about the weight of every pair of nodes.

A law gives expected weight, variance, both exact tail probabilities and draws.
All matrices are (n, n) with a zero diagonal in mean, variance and draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import betainc, gammainc, gammaincc

from isthmus.stats.nulls.margins import Settled
from isthmus.stats.nulls.mixed import mixed_moments
from isthmus.stats.nulls.pairs import NONE, SURE

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Law(Protocol):
    """Distribution of every pair's weight under a null model."""

    def mean(self) -> Floats:
        """Expected weight, (n, n)."""
        ...

    def variance(self) -> Floats:
        """Variance of the weight, (n, n)."""
        ...

    def tails(self, weights: Floats) -> tuple[Floats, Floats]:
        """P(W >= w) and P(W <= w), each (n, n)."""
        ...

    def draw(self, random: np.random.Generator) -> Floats:
        """One directed matrix of weights, (n, n)."""
        ...


@dataclass(frozen=True)
class PoissonLaw:
    """Counts with variance `rate` + `dispersion` * `rate`^2.

    Poisson when the dispersion is 0, negative binomial above.
    """

    rate: Floats
    dispersion: float = 0.0

    def mean(self) -> Floats:
        """Expected weight."""
        return self.rate

    def variance(self) -> Floats:
        """Variance of the weight."""
        return self.rate + self.dispersion * self.rate**2

    def tails(self, weights: Floats) -> tuple[Floats, Floats]:
        """Exact tails (incomplete gamma or beta functions)."""
        rate, weights = self.rate, np.floor(weights)
        if self.dispersion == 0:
            upper, lower = gammainc(weights, rate), gammaincc(weights + 1, rate)
        else:
            shape = 1.0 / self.dispersion
            upper = betainc(weights, shape, rate / (shape + rate))
            lower = betainc(shape, weights + 1, shape / (shape + rate))
        return np.where(weights > 0, upper, 1.0), lower

    def draw(self, random: np.random.Generator) -> Floats:
        """One matrix of counts."""
        rate = self.rate
        if self.dispersion > 0:
            rate = rate * random.gamma(1 / self.dispersion, self.dispersion, rate.shape)
        return random.poisson(rate).astype(np.float64)


@dataclass(frozen=True)
class MixedLaw:
    """A link with probability p, then one plus a geometric excess with ratio t = exp(b).

    Parameters are given per class of nodes and spread over the nodes on demand,
    so that a fit of very many nodes stays small until its matrices are asked for.

    Attributes
    ----------
    a_rows, b_rows, a_columns, b_columns : array (c,)
        Log parameters; `a` is not read where `settled` decides the link.
    settled : Settled
        Links that are sure or absent whatever the parameters.
    of_node : array (n,)
        Class of each node.
    offset : int
        Weight of a link without excess: 1 for the ECM, 0 for the WCM, where
        every pair is sure.
    """

    a_rows: Floats
    b_rows: Floats
    a_columns: Floats
    b_columns: Floats
    settled: Settled
    of_node: Ints
    offset: int = 1

    @cached_property
    def b(self) -> Floats:
        """Log of the geometric ratio t, -inf on the diagonal."""
        full = (self.b_rows[:, None] + self.b_columns)[np.ix_(self.of_node, self.of_node)]
        np.fill_diagonal(full, -np.inf)
        return full

    @cached_property
    def stop(self) -> Floats:
        """Probability 1 - t that a unit is the last one."""
        return np.asarray(-np.expm1(self.b))

    @cached_property
    def no_link(self) -> Floats:
        """Probability 1 - p of no link, 1 on the diagonal."""
        state = self.settled.states()[np.ix_(self.of_node, self.of_node)]
        z = np.exp(self.a_rows)[:, None] * np.exp(self.a_columns)
        full = self.stop / (self.stop + z[np.ix_(self.of_node, self.of_node)])
        full = np.select([state == SURE, state == NONE], [0.0, 1.0], full)
        np.fill_diagonal(full, 1.0)
        return full

    @cached_property
    def _moments(self) -> tuple[Floats, Floats]:
        """Mean and variance of the ECM, of classes first and then spread over the nodes."""
        known, count = self.settled, self.b_rows.size
        mean, variance = np.empty((count, count)), np.empty((count, count))
        mixed_moments(
            self.a_rows, self.b_rows, self.a_columns, self.b_columns,
            known.rank_rows, known.kind_rows, known.rank_columns, known.kind_columns,
            mean, variance,
        )  # fmt: skip
        return self._spread(mean), self._spread(variance)

    def _spread(self, of_classes: Floats) -> Floats:
        full = of_classes[self.of_node][:, self.of_node]
        np.fill_diagonal(full, 0.0)
        return full

    def mean(self) -> Floats:
        """Expected weight, p / (1 - t) for the ECM and t / (1 - t) for the WCM."""
        if self.offset:
            return self._moments[0]
        return (1 - self.no_link) * (1 - self.stop) / self.stop

    def variance(self) -> Floats:
        """P (1 + t - p) / (1 - t)^2 for the ECM, t / (1 - t)^2 for the WCM."""
        if self.offset:
            return self._moments[1]
        return (1 - self.no_link) * (1 - self.stop) / self.stop**2

    def tails(self, weights: Floats) -> tuple[Floats, Floats]:
        """P t^(w-1) and 1 - p t^w for the ECM, t^w and 1 - t^(w+1) for the WCM."""
        w = np.where(np.eye(len(weights), dtype=bool), 0.0, weights)
        log_p = np.log1p(-self.no_link, where=self.no_link < 1, out=np.full(w.shape, -np.inf))
        more = np.where(
            w > 0, np.exp(log_p + _times(np.maximum(w - self.offset, 0.0), self.b)), 1.0
        )
        fewer = -np.expm1(log_p + _times(w + 1 - self.offset, self.b))
        return more, fewer

    def draw(self, random: np.random.Generator) -> Floats:
        """One matrix of whole weights."""
        linked = random.random(self.stop.shape) >= self.no_link
        excess = random.geometric(self.stop) - 1.0
        return np.where(linked, self.offset + excess, 0.0)


def _times(count: Floats, logarithm: Floats) -> Floats:
    """Return count * logarithm, with 0 * -inf = 0."""
    return np.multiply(count, logarithm, where=count != 0, out=np.zeros_like(count))


@dataclass(frozen=True)
class ExponentialLaw:
    """A link with probability `p`, then an exponential weight with rate `rate`."""

    p: Floats
    rate: Floats

    def mean(self) -> Floats:
        """P / rate."""
        return self.p / self.rate

    def variance(self) -> Floats:
        """(2 p - p^2) / rate^2."""
        return (2 * self.p - self.p**2) / self.rate**2

    def tails(self, weights: Floats) -> tuple[Floats, Floats]:
        """P exp(-rate w) for w > 0 (1 at 0), and 1 - p exp(-rate w)."""
        beyond = self.p * np.exp(-self.rate * weights)
        return np.where(weights > 0, beyond, 1.0), 1.0 - beyond

    def draw(self, random: np.random.Generator) -> Floats:
        """One matrix of amounts."""
        linked = random.random(self.p.shape) < self.p
        return np.where(linked, random.exponential(1.0, self.p.shape) / self.rate, 0.0)
