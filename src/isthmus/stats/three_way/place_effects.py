"""Yearly effects of very many places, each from its ties with a core of the largest.

Places times core numbers, all from products of small matrices: no array has the size of all pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from isthmus.stats.three_way.algebra import between, bisquare, huber
from isthmus.stats.three_way.fit import FEW_WORKS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: Places fitted at a time.
PLACES = 4_000
#: Rounds of weights, constants and effects; the first of them with Huber's weights.
ROUNDS, HUBER_ROUNDS = 14, 4
#: Bounds of the standard deviation of lasting affinities, and the expected works from which
#: a pair tells of it, if there are so many such pairs.
BETWEEN, TELLS, TELLING = (0.1, 3.0), 5.0, 30


@dataclass(frozen=True)
class Rows:
    """Rows of the input: years from 0, the two places and counts (m,)."""

    year: Ints
    source: Ints
    target: Ints
    count: Floats
    years: int


@dataclass(frozen=True)
class Core:
    """Effects of the k core places (k, t), NaN where absent; their variances and the noise.

    Attributes
    ----------
    variance : (k, t)
    reference : (k,)
        Variance of their levels.
    wide : float
        Variance of large ties about their lines.
    tie : float
        The same of the smallest class of ties.
    """

    effects: Floats
    variance: Floats
    reference: Floats
    wide: float
    tie: float


@dataclass(frozen=True)
class Others:
    """The o other places against the core.

    Attributes
    ----------
    count, exposure, squares : (o, t)
        Weighted works with the core; their mean at an effect of 0; sum of the squares of the
        means of single ties. 0 in years without any work.
    weight, mean : (o, k)
        Robust weight of each tie; the same times its constant.
    reference : (o,)
        Variance of levels that lasting affinities bring.
    """

    count: Floats
    exposure: Floats
    squares: Floats
    weight: NDArray[np.float32]
    mean: NDArray[np.float32]
    reference: Floats


def fitted_places(rows: Rows, core: Core, n: int, tau: float) -> tuple[Others, float]:
    """Fit the other places, some at a time, the largest first: these give tau."""
    k, t = core.effects.shape
    present = np.zeros((n, t), np.bool_)
    for ends in (rows.source, rows.target):
        present[ends[rows.count > 0], rows.year[rows.count > 0]] = True
    crossing = np.flatnonzero((rows.source < k) & (rows.target >= k))
    crossing = crossing[np.argsort(rows.target[crossing], kind="stable")]
    place = rows.target[crossing]
    parts = []
    for first in range(k, n, PLACES):
        last = min(first + PLACES, n)
        some = crossing[slice(*np.searchsorted(place, [first, last]))]
        ties = Rows(
            rows.year[some], rows.target[some] - first, rows.source[some], rows.count[some], t
        )
        part, tau = _places(ties, present[first:last], core, tau, learn=first == k)
        parts.append(part)
    joined = [np.concatenate(each) for each in zip(*map(_fields, parts), strict=True)]
    return Others(*joined), tau


def _fields(part: Others) -> tuple[NDArray[np.floating], ...]:
    return part.count, part.exposure, part.squares, part.weight, part.mean, part.reference


def _places(
    ties: Rows, present: Bools, core: Core, tau: float, *, learn: bool
) -> tuple[Others, float]:
    """Effects of some places: weights, constants, yearly effects and levels in turn."""
    size, (k, t) = len(present), core.effects.shape
    base = np.nan_to_num(np.exp(core.effects))
    cell, times = ties.source * k + ties.target, np.arange(t) - (t - 1) / 2
    works = _summed(cell, ties.count, (size, k))
    moment = _summed(cell, ties.count * times[ties.year], (size, k))
    yearly = ties.source * t + ties.year
    weight, constant = np.ones((size, k)), np.ones((size, k))
    for step in range(ROUNDS):
        tau = float(np.clip(tau, *BETWEEN))
        shape, rate = _gamma(tau)
        lasting = digamma(works + shape)
        count = _summed(yearly, weight.ravel()[cell] * ties.count, (size, t))
        exposure = ((weight * constant) @ base) * present
        effect = count / np.maximum(exposure, 1e-300)
        expected = effect @ base.T
        level = _level(weight, lasting, expected, rate)
        effect *= level
        expected *= level
        if step == ROUNDS - 1:
            break
        robust = huber if step < HUBER_ROUNDS else bisquare
        constant = (works + shape) / (expected + rate)
        weight = robust((lasting - np.log(expected + rate)) / tau)
        slope = robust(_slopes(works, moment, effect, base, core.wide))
        weight *= np.maximum(slope, 1 / (1 + works / FEW_WORKS))
        if learn:
            tau = _between(works, expected, tau)
    both = weight * constant / level
    information = (weight * expected / (1 + expected * tau**2)).sum(axis=1)
    total = np.maximum((weight * expected).sum(axis=1), 1e-9)
    others = Others(
        count,
        exposure / level,
        (both**2 @ base**2) * present,
        weight.astype(np.float32),
        both.astype(np.float32),
        np.maximum(1 / np.maximum(information, 1e-9) - 1 / total, 0.0),
    )
    return others, tau


def _summed(cell: Ints, values: Floats, shape: tuple[int, int]) -> Floats:
    """Sums of values by cell of a matrix."""
    return np.bincount(cell, values, shape[0] * shape[1]).astype(np.float64).reshape(shape)


def _gamma(tau: float) -> tuple[float, float]:
    """Shape and rate of the gamma variable whose log has mean 0 and variance tau^2.

    It stands for exp(c) of a lasting affinity c: W works where M are expected leave a gamma
    variable of shape W + shape and rate M + rate.
    """
    shape = float(brentq(lambda x: float(polygamma(1, x)) - tau**2, 1e-3, 1e6))
    return shape, float(np.exp(digamma(shape)))


def _level(weight: Floats, lasting: Floats, expected: Floats, rate: float) -> Floats:
    """Factor (o, 1) of the effects at which the mean of what is known of c is 0."""
    factor = np.ones((len(weight), 1))
    for _ in range(4):
        mean = expected * factor
        left = (weight * (lasting - np.log(mean + rate))).sum(axis=1, keepdims=True)
        moves = (weight * mean / (mean + rate)).sum(axis=1, keepdims=True)
        factor *= np.exp(np.clip(left / np.maximum(moves, 1e-9), -1.0, 1.0))
    return factor


def _between(works: Floats, expected: Floats, tau: float) -> float:
    """Standard deviation of lasting affinities, from ties expected to have enough works."""
    some = expected >= TELLS
    if some.sum() < TELLING:
        return tau
    return between(np.log((works[some] + 0.5) / expected[some]), 1 / expected[some])


def _slopes(works: Floats, moment: Floats, effect: Floats, base: Floats, noise: float) -> Floats:
    """Slope of each tie against the effects of its ends, in standard errors: (o, k)."""
    times = np.arange(base.shape[1]) - (base.shape[1] - 1) / 2
    sums = [(effect * times**power) @ base.T for power in range(3)]
    total = np.maximum(sums[0], 1e-12)
    middle, scale = sums[1] / total, works / total
    squares = [(effect**2 * times**power) @ (base**2).T for power in range(3)]
    spread = squares[2] - 2 * middle * squares[1] + middle**2 * squares[0]
    variance = scale * (sums[2] - middle * sums[1]) + noise * scale**2 * spread
    return np.asarray((moment - middle * works) / np.sqrt(np.maximum(variance, 1e-12)))
