"""Strength-preserving rewiring of unit edges, the simulated reference.

A weight w is w parallel unit edges. Two unit edges are drawn and exchange one
end, unless that would make a self-loop (Maslov and Sneppen 2002, Science 296,
910, for multigraphs: parallel edges are allowed). Every strength stays exactly
what it was; the chain's stationary law is uniform over the matchings of stubs
without self-loops, which counts events as distinguishable.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.special import betainc, gammainc, gammaincc

from isthmus.errors import InputError
from isthmus.stats.nulls.margins import margins
from isthmus.stats.nulls.models import NullFit

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int32]

#: Networks drawn: Monte-Carlo error of a mean is then 4.5 % of the sd.
SAMPLES = 500
#: Samples as large that are enough to count a tail; below, it comes from a fitted law.
COUNTED = 20
#: Swaps tried per unit edge between two samples: each end has moved about twice.
SWAPS_PER_EDGE = 2.0
#: Swaps tried per unit edge before the first sample.
BURN_IN_PER_EDGE = 20.0
#: Unit edges held in memory at once.
MOST_EDGES = 200_000_000


@dataclass(frozen=True)
class SampledLaw:
    """Weights of every pair in networks drawn by simulation.

    Attributes
    ----------
    samples : array (r, pairs)
        Weights drawn; pairs i < j when undirected, else all n * n in row order.
    n : int
        Number of nodes.
    directed : bool
    """

    samples: Counts
    n: int
    directed: bool

    def full(self, of_pairs: Floats) -> Floats:
        """Spread one value per stored pair over the matrix."""
        if self.directed:
            return of_pairs.reshape(self.n, self.n)
        out = np.zeros((self.n, self.n))
        out[np.triu_indices(self.n, 1)] = of_pairs
        return out + out.T

    def stored(self, matrix: Floats) -> Floats:
        """Values of a matrix in the order of the stored pairs."""
        return matrix.ravel() if self.directed else matrix[np.triu_indices(self.n, 1)]

    @cached_property
    def _moments(self) -> tuple[Floats, Floats]:
        draws = max(len(self.samples), 1)
        mean = self.samples.sum(axis=0, dtype=np.float64) / draws
        square = np.zeros_like(mean)
        for sample in self.samples:
            square += (sample - mean) ** 2
        return mean, square / max(draws - 1, 1)

    def mean(self) -> Floats:
        """Mean over the samples."""
        return self.full(self._moments[0])

    def variance(self) -> Floats:
        """Variance over the samples."""
        return self.full(self._moments[1])

    def tails(self, weights: Floats) -> tuple[Floats, Floats]:
        """Probability of a weight at least (at most) as large.

        (r + 1) / (R + 1) with r of R samples as large, where r is at least :data:`COUNTED`.
        Farther out, where samples are too few to count, that of a fitted law
        (:func:`fitted_tails`), so that a tail has no floor.
        """
        observed = self.stored(weights)
        more, fewer = np.ones_like(observed), np.ones_like(observed)
        for sample in self.samples:
            more += sample >= observed
            fewer += sample <= observed
        draws = len(self.samples)
        fitted = fitted_tails(observed, *self._moments, draws)
        edge = (COUNTED + 1) / (draws + 1)
        ends = [
            np.where(seen > COUNTED, seen / (draws + 1), np.minimum(law, edge))
            for seen, law in zip((more, fewer), fitted, strict=True)
        ]
        return self.full(ends[0]), self.full(ends[1])

    def draw(self, random: np.random.Generator) -> Floats:
        """One of the samples."""
        return self.full(self.samples[random.integers(len(self.samples))].astype(np.float64))


def fitted_tails(
    observed: Floats, mean: Floats, variance: Floats, draws: int
) -> tuple[Floats, Floats]:
    """Tails of a count law with sampled moments.

    A pair's weight has less variance than a Poisson count, since stubs that meet others
    cannot meet it: the binomial law with this mean and variance, its number of trials any
    real number. Where the variance is not surely below the mean (two standard errors of it),
    the Poisson law, whose tails are wider. A mean that no sample shows is put at 1 / (R + 1).

    Parameters
    ----------
    observed, mean, variance : arrays (pairs,)
    draws : int
        Samples that the moments rest on.

    Returns
    -------
    tuple of arrays (pairs,)
        Probability of a weight at least, and at most, as large.
    """
    rate = np.maximum(mean, 1.0 / (draws + 1))
    error = np.sqrt((rate + 2 * rate**2) / draws)
    gap = rate - variance
    with np.errstate(divide="ignore", invalid="ignore"):
        trials = np.where(gap > 2 * error, rate**2 / gap, np.inf)
        chance = rate / trials
    at_least = np.where(observed > 0, gammainc(np.maximum(observed, 1), rate), 1.0)
    at_most = gammaincc(observed + 1, rate)
    inside = np.isfinite(trials) & (observed < trials)
    k, n, p = observed[inside], trials[inside], np.clip(chance[inside], 0.0, 1.0)
    at_least[inside] = np.where(k > 0, betainc(np.maximum(k, 1), n - k + 1, p), 1.0)
    at_most[inside] = betainc(n - k, k + 1, 1 - p)
    return at_least, at_most


@njit(cache=True, nogil=True)
def _swap(random, source, target, directed, tries):  # type: ignore[no-untyped-def]
    """Try `tries` swaps of two unit edges drawn at random."""
    edges = source.size
    for _ in range(tries):
        one, two = int(random.random() * edges), int(random.random() * edges)
        a, b, c, d = source[one], target[one], source[two], target[two]
        if not directed and random.random() < 0.5:
            c, d = d, c
        if a == d or c == b:
            continue
        target[one] = d
        source[two] = c
        target[two] = b


@njit(cache=True, nogil=True)
def _count(source, target, directed, n, out):  # type: ignore[no-untyped-def]
    """Count unit edges per stored pair."""
    out[:] = 0
    for edge in range(source.size):
        i, j = source[edge], target[edge]
        if directed:
            out[i * n + j] += 1
        else:
            if i > j:
                i, j = j, i
            out[i * n - i * (i + 1) // 2 + j - i - 1] += 1


def fit_rewiring(
    weights: Any,
    directed: bool,
    seed: int | None,
    *,
    samples: int = SAMPLES,
    swaps_per_edge: float = SWAPS_PER_EDGE,
    burn_in_per_edge: float = BURN_IN_PER_EDGE,
) -> NullFit:
    """Draw networks with the observed strengths; mean, sd and tails from the draws.

    Parameters
    ----------
    weights : array (n, n)
        Whole weights.
    directed : bool
    seed : int
        Same seed, same draws.
    samples : int
        Networks drawn, 2 or more.
    swaps_per_edge, burn_in_per_edge : float
        Swaps tried per unit edge between samples, and before the first.

    Raises
    ------
    InputError
        Without a seed, with too few samples, or with too many unit edges.
    """
    _check_settings(weights, seed, samples, swaps_per_edge, burn_in_per_edge)
    random = np.random.default_rng(seed)
    n = weights.shape[0]
    one_way = weights if directed else np.triu(weights)
    source, target = (
        np.repeat(ends, one_way[np.nonzero(one_way)].astype(np.int64)).astype(np.int32)
        for ends in np.nonzero(one_way)
    )
    pairs = n * n if directed else n * (n - 1) // 2
    drawn = np.zeros((samples, pairs), dtype=np.int32)
    _swap(random, source, target, directed, int(burn_in_per_edge * source.size))
    for sample in drawn:
        _swap(random, source, target, directed, int(np.ceil(swaps_per_edge * source.size)))
        _count(source, target, directed, n, sample)
    law = SampledLaw(drawn, n, directed)
    return _dressed(law, weights, directed)


def _check_settings(
    weights: Any, seed: int | None, samples: int, swaps: float, burn_in: float
) -> None:
    if seed is None:
        raise InputError(
            "Rewiring draws random networks and needs a seed, so that the result can be "
            "repeated. Pass seed=1, say."
        )
    if samples < 2 or swaps <= 0 or burn_in < 0:
        raise InputError(
            "Rewiring needs at least 2 samples, some swaps between them and no negative "
            f"burn-in; found samples={samples}, swaps_per_edge={swaps}, "
            f"burn_in_per_edge={burn_in}."
        )
    if weights.sum() > MOST_EDGES:
        raise InputError(
            f"Rewiring keeps every unit of weight in memory, and {weights.sum():.0f} are more "
            f"than {MOST_EDGES}. Use the model 'multiedge', its analytic counterpart."
        )


def _dressed(law: SampledLaw, weights: Floats, directed: bool) -> NullFit:
    net = margins(weights, directed=directed)
    mean, variance = law.mean(), law.variance()
    missed = np.concatenate([mean.sum(axis=1) - net.s_out, mean.sum(axis=0) - net.s_in])
    scale = np.maximum(np.concatenate([net.s_out, net.s_in]), 1.0)
    return NullFit(
        model="rewiring",
        directed=directed,
        parameters={},
        residual=float(np.max(np.abs(missed) / scale, initial=0.0)),
        law=law,
        has_rows=net.s_out > 0,
        has_columns=net.s_in > 0,
        steps=len(law.samples),
        expected_se=np.sqrt(variance * _inflation(law) / len(law.samples)),
    )


def _inflation(law: SampledLaw) -> float:
    """How much the correlation of successive samples widens the error of a mean.

    (1 + r) / (1 - r) for a first-order chain, r the lag-one correlation pooled
    over all pairs; never below 1.
    """
    away = law.samples - law.samples.mean(axis=0)
    total = float(np.sum(away * away))
    lagged = float(np.sum(away[1:] * away[:-1])) / total if total > 0 else 0.0
    return max((1.0 + lagged) / (1.0 - lagged), 1.0)
