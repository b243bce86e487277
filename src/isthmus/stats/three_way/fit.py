"""The robust three-way fit that affinities are measured against.

Year by year, effects of countries; for every pair a constant; and weights that unusual
pairs lose. Counts enter as logs or, where they are small, as the working response of a
Poisson regression, so that means, weights and effects are found in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import InputError
from isthmus.stats.sizes import size_expectation
from isthmus.stats.three_way.algebra import SETTLED, Design, bisquare, huber, solve, solved
from isthmus.stats.three_way.count_logs import LIMITS_BELOW, response

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Robust = Callable[[Floats], Floats]

#: Largest weight of a cell in the start, year by year.
START_CAP = 20.0
#: Smallest standard deviation of ties about their lines: pairs above some hundred works
#: a year count alike in the effects, so that no large tie decides them.
LEAST_NOISE = 0.05
#: Rounds of the fit: the first with Huber's weights, the others with the bisquare, until
#: no pair's effects move by more than `CALM`.
HUBER_ROUNDS, FEWEST_ROUNDS, MOST_ROUNDS, CALM = 4, 7, 30, 5e-3
#: How much less than its pair on average a year may tell before its weight is less too.
LENIENCE = 3.0
#: Works over all years at which a pair keeps half its weight, however unusual it looks.
FEW_WORKS = 5.0
#: Smallest mean by which a reported deviation is divided: a single work where far less
#: was expected would be an affinity of hundreds. Such years have no weight to speak of.
LEAST_MEAN = 0.1
#: Longest step of an effect in a round, and how it shrinks from round to round in the
#: end: without it, sparse panels overshoot.
LONGEST_STEP, SHORTER = 1.0, 0.8
#: Typical change of affinity a year, to which slopes of small pairs are shrunk before
#: they enter the means that counts are compared with.
TYPICAL_SLOPE = 0.05
#: Steepest slope of these means a year, and its longest step in a round.
STEEPEST, SLOPE_STEP = 0.4, 0.1
#: Years of a block, for the test whether a pair leaves its own line.
BLOCK = 5


@dataclass(frozen=True)
class Pairs:
    """Counts of p pairs: (p, t) works and presence, and which effects each pair has."""

    design: Design
    count: Floats
    present: Bools
    source: Ints
    target: Ints


@dataclass(frozen=True)
class Fit:
    """Effects (e, t), and (p, t) weights, responses and their Poisson variances."""

    weight: Floats
    effects: Floats
    value: Floats
    variance: Floats
    extra: float


def pairs_of(counts: Floats, directed: bool) -> Pairs:
    """Pairs of which both countries are there in at least one year."""
    n = counts.shape[1]
    gives, takes = counts.sum(axis=2) > 0, counts.sum(axis=1) > 0
    there = gives[:, :, None] & takes[:, None, :] & ~np.eye(n, dtype=bool)
    ever = there.any(axis=0)
    source, target = np.nonzero(ever if directed else np.triu(ever))
    return Pairs(
        Design.of(source, target + n * directed, n * (1 + directed)),
        counts[:, source, target].T.copy(),
        there[:, source, target].T.copy(),
        source,
        target,
    )


def _start(pairs: Pairs, counts: Floats) -> Floats:
    """Effects (e, t) of a Huber fit year by year, large ties capped."""
    design = pairs.design
    effects = np.zeros((design.matrix.shape[0], len(counts)))
    for t, weights in enumerate(counts):
        if not weights.any():
            continue
        mean = np.maximum(_sizes(weights)[pairs.source, pairs.target], 1e-9)
        logs = np.log((pairs.count[:, t] + 0.5) / (mean + 0.5)) + np.log(mean)
        base = np.minimum(mean, START_CAP) * pairs.present[:, t]
        rest = np.zeros(len(mean))
        for _ in range(6):
            weight = base * huber(rest * np.sqrt(np.minimum(mean, START_CAP)))
            effects[:, t] = solved(design.normal(weight), design.sums(weight * logs))
            rest = logs - design.of_pairs(effects[:, t])
    return effects


def _sizes(weights: Floats) -> Floats:
    """Counts that sizes alone give, loosely where no such counts exist."""
    try:
        return size_expectation(weights)
    except InputError:
        return np.asarray(np.outer(weights.sum(axis=1), weights.sum(axis=0)) / weights.sum())


def fitted(pairs: Pairs, counts: Floats) -> Fit:
    """Fit effects of countries by year: means, weights and effects in turn.

    Parameters
    ----------
    counts : (t, n, n)
        The counts that `pairs` were made of.
    """
    effects = _start(pairs, counts)
    slope, extra = np.zeros(len(pairs.count)), LEAST_NOISE
    robust = np.ones(len(pairs.count))
    for step in range(MOST_ROUNDS):
        begin = step < HUBER_ROUNDS
        mean = _means(pairs, effects, slope)
        value, variance = response(pairs.count, mean)
        weight = _weights(mean, variance + extra**2, pairs.present, START_CAP if begin else np.inf)
        weight *= robust[:, None]
        new = solve(pairs.design, weight, value, effects, 1e-3 if begin else SETTLED)
        longest = LONGEST_STEP * SHORTER ** max(step - FEWEST_ROUNDS, 0)
        before, effects = effects, effects + np.clip(new - effects, -longest, longest)
        effects = effects + _level(pairs.design, value, weight, effects)[:, None]
        rest = (value - pairs.design.of_pairs(effects)) * pairs.present
        found, robust, extra = _unusual(
            pairs, rest, variance, mean, extra, huber if begin else bisquare
        )
        slope += np.clip(found - slope, -SLOPE_STEP, SLOPE_STEP)
        moved = pairs.design.of_pairs(effects - before) * pairs.present
        if step >= FEWEST_ROUNDS and np.abs(moved).max() < CALM:
            break
    value, _ = response(pairs.count, mean, least=LEAST_MEAN)
    return Fit(weight, effects, value, variance, extra)


def _weights(mean: Floats, variance: Floats, present: Bools, cap: float) -> Floats:
    """Weights (p, t): one for a pair's years, less where a year alone tells much less."""
    inside = np.minimum(1 / variance, mean) * present
    pair = np.minimum(inside.sum(axis=1) / present.sum(axis=1), cap)
    return np.asarray(np.minimum(pair[:, None], LENIENCE * inside))


def _level(design: Design, value: Floats, weight: Floats, effects: Floats) -> Floats:
    """Level of effects at which the typical pair has a constant of 0, roughly: (e,)."""
    total = weight.sum(axis=1)
    inside = (weight * (value - design.of_pairs(effects))).sum(axis=1)
    constant = inside / np.maximum(total, 1e-300)
    level, base = np.zeros(len(effects)), total / (1 + 0.25 * total)
    for _ in range(4):
        now = base * huber((constant - design.of_pairs(level)) / 0.5)
        level = solved(design.normal(now), design.sums(now * constant))
    return np.asarray(np.clip(level, -LONGEST_STEP, LONGEST_STEP))


def _means(pairs: Pairs, effects: Floats, slope: Floats) -> Floats:
    """Mean counts (p, t), with each pair's total as observed (a little more than none)."""
    times = np.arange(pairs.present.shape[1]) - (pairs.present.shape[1] - 1) / 2
    line = slope[:, None] * times
    shape = np.exp(np.clip(pairs.design.of_pairs(effects) + line, -60, 60)) * pairs.present
    level = (pairs.count.sum(axis=1) + 0.5) / (shape.sum(axis=1) + 0.5)
    return np.asarray(np.maximum(shape * level[:, None], 1e-12))


def _unusual(
    pairs: Pairs, rest: Floats, variance: Floats, mean: Floats, extra: float, robust: Robust
) -> tuple[Floats, Floats, float]:
    """Look at each pair's slope and path.

    Returns
    -------
    slope : (p,)
        Slope of the pair's own line through what effects leave, shrunk and bounded.
    weight : (p,)
        Little for pairs whose slope or path is unlike the others'.
    extra : float
        Standard deviation of large pairs about their lines, beyond counting.
    """
    present, years = pairs.present, pairs.present.sum(axis=1)
    weight = present / (variance + extra**2)
    total = weight.sum(axis=1)
    times = np.arange(present.shape[1], dtype=np.float64)
    time = times - ((weight * times).sum(axis=1) / total)[:, None]
    spread = np.maximum((weight * time**2).sum(axis=1), 1e-12)
    slope = (weight * time * rest).sum(axis=1) / spread
    level = (weight * rest).sum(axis=1) / total
    left = (rest - level[:, None] - slope[:, None] * time) * present
    large = (mean.sum(axis=1) >= LIMITS_BELOW * years) & (years > 3)
    known = large if large.sum() >= 10 else years > 3
    found = robust(_in_units(slope * np.sqrt(spread), known, 1.4826))
    found *= robust(_in_units(_path(weight, left), known, 1.0))
    works = (np.minimum(weight, mean) * present).sum(axis=1)
    found = np.maximum(found, 1 / (1 + works / FEW_WORKS))
    if large.sum() >= 10:
        rough = ((left**2 - variance) * present).sum(axis=1) / np.maximum(years - 2, 1)
        extra = float(np.sqrt(max(np.median(rough[large]), LEAST_NOISE**2)))
    shrunk = slope * TYPICAL_SLOPE**2 / (TYPICAL_SLOPE**2 + 1 / spread)
    return np.clip(shrunk, -STEEPEST, STEEPEST), found, extra


def _path(weight: Floats, left: Floats) -> Floats:
    """How far blocks of years lie off the pair's own line, in standard errors: (p,)."""
    starts = np.arange(0, left.shape[1], BLOCK)
    sums = np.add.reduceat(weight * left, starts, axis=1)
    blocks = np.add.reduceat(weight, starts, axis=1)
    squares = (sums**2 / np.maximum(blocks, 1e-12)).sum(axis=1)
    return np.asarray(np.sqrt(squares / (blocks > 0).sum(axis=1)))


def _in_units(values: Floats, known: Bools, factor: float) -> Floats:
    """Values over the typical size of those known well (1 at least)."""
    typical = factor * float(np.median(np.abs(values[known]))) if known.any() else 1.0
    return np.asarray(values / max(typical, 1.0))
