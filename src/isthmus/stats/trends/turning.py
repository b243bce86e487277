"""Turning points: whether and when the slope of a short series changes.

A series is a line, a change of slope in an unknown year, and the noise of
:mod:`isthmus.stats.trends.gls`. The change is normal around 0, the year uniform, and the
noise is averaged over as there. Evidence is the log of the Bayes factor so averaged
(Kass and Raftery 1995, J. Am. Stat. Assoc. 90, 773, eq. 1); its p comes from series without
a turn drawn from the fitted noise, one by one until enough of them show as much evidence
(Besag and Clifford 1991, Biometrika 78, 301). The set of years is that of highest posterior
density. Sets from the profile likelihood are too narrow: they covered 68 to 98 %. Slopes and
the change are averaged over years and noises with these weights, each under a flat prior.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from isthmus.stats.trends.gls import Noise
from isthmus.stats.trends.gls_kernels import tail_reach
from isthmus.stats.trends.turn_frames import MIN_YEARS, TurnFrame, TurnSeries, log_sum, shares

Floats = NDArray[np.float64]

#: Most series drawn for a p, and how many with as much evidence end the drawing early.
DRAWS, HITS = 999, 15
#: Posterior weight below which a part of a mixture is left out.
NEGLIGIBLE = 1e-6
#: Probability of the set of years, and of intervals.
COVERAGE = 0.95
#: Share of the possible years that a set may hold for the turn to be dated.
DATED = 2 / 3

#: Two-sided point of the normal law from which the ends of intervals are looked for.
POINT = float(ndtri((1 + COVERAGE) / 2))


@dataclass(frozen=True)
class Turn:
    """Where a series turns.

    Attributes
    ----------
    at : int or None
        Index of the likeliest year of the turn. None where it cannot be dated: p is above
        the level, the set of years holds more than two thirds of the possible, or the
        series has fewer than eight finite years.
    low, high : int or None
        First and last index of the 95 % set of years; None below eight finite years. Where
        p is above the level they say where a turn would be, if there were one.
    slope_before, slope_after, change : float
        Slopes a year on either side, and the second less the first, averaged over years of
        the turn and noises. NaN below eight finite years.
    slope_before_interval, slope_after_interval, change_interval : (low, high)
        95 % intervals, equal tails of the same mixture.
    p : float
        Share of series without a turn that show as much evidence; where none of those drawn
        does, the inverse of the Bayes factor if that is less. NaN below eight years.
    evidence : float
        Log of the averaged Bayes factor of a turn against none.
    """

    at: int | None
    low: int | None
    high: int | None
    slope_before: float
    slope_after: float
    p: float
    change: float
    slope_before_interval: tuple[float, float]
    slope_after_interval: tuple[float, float]
    change_interval: tuple[float, float]
    evidence: float

    @property
    def dated(self) -> bool:
        """Whether there is a turn and its year is known well enough to be named."""
        return self.at is not None


def turning_point(
    value: ArrayLike,
    se: ArrayLike | None = None,
    *,
    years: ArrayLike | None = None,
    noise: Noise | None = None,
    level: float = 0.05,
    draws: int = DRAWS,
    seed: int = 0,
) -> Turn:
    """Look for the year in which the slope of a series changes.

    Parameters
    ----------
    value : (t,)
        Series, NaN where a year is missing.
    se : (t,), optional
        Standard errors, for series in log units. Without, the unit is the series' own.
    years : (t,), optional
        Increasing whole numbers; consecutive by default.
    noise : Noise, optional
        Distribution over noises, such as one learned from many series; half-Cauchy by
        default.
    level : float
        Largest p at which a turn is dated.
    draws : int
        Most series drawn for p.
    seed : int
        Same seed, same p.

    Raises
    ------
    InputError
        Shapes that differ, infinite values, negative or missing standard errors, years
        that do not increase.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.arange(30)
    >>> wave = 0.02 * np.sin(5.0 * t)
    >>> path = 0.1 * np.minimum(t, 18) - 0.1 * np.maximum(t - 18, 0) + wave
    >>> found = turning_point(path, np.full(30, 0.05))
    >>> found.at, found.low <= 18 <= found.high, round(found.slope_after, 1)
    (18, True, -0.1)
    >>> turning_point(0.1 * t + wave, np.full(30, 0.05)).at is None
    True
    """
    series = TurnSeries.of(value, se, years)
    if len(series.y) < MIN_YEARS:
        return _NOTHING
    frame = TurnFrame.of(series, noise, ())
    return _found(series, frame, level, draws, seed)


def turning_points(
    value: ArrayLike,
    se: ArrayLike | None = None,
    *,
    years: ArrayLike | None = None,
    noise: Noise | None = None,
    most: int = 3,
    level: float = 0.05,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Turn, ...]:
    """Look for turns one after the other, at most three.

    Each further turn is asked for beside those found, with series that have these drawn for
    its p; the search ends with the first whose p is above the level, or that cannot be
    dated. Each is then dated anew beside the others. Slopes are those next to the turn.
    A turn that undoes another soon after can hide both: the search begins with one.

    Parameters
    ----------
    most : int
        Most turns.
    value, se, years, noise, level, draws, seed
        As in :func:`turning_point`.

    Returns
    -------
    tuple of Turn
        In the order of years; empty where nothing can be dated.
    """
    series = TurnSeries.of(value, se, years)
    turns: list[Turn] = []
    while len(turns) < most and len(series.y) >= MIN_YEARS * (len(turns) + 1):
        others = [turn.at for turn in turns if turn.at is not None]
        frame = TurnFrame.of(series, noise, others)
        found = _found(series, frame, level, draws, seed + len(turns))
        if found.at is None:
            break
        turns.append(found)
    for place, turn in enumerate(turns if len(turns) > 1 else []):
        others = [other.at for other in turns if other is not turn and other.at is not None]
        again = _dated(series, TurnFrame.of(series, noise, others))
        turns[place] = replace(again, p=turn.p)
    return tuple(sorted(turns, key=lambda turn: turn.at or 0))


def turn_evidence(
    value: ArrayLike, se: ArrayLike | None = None, noise: Noise | None = None
) -> float:
    """Return the log of the averaged Bayes factor of a turn: NaN below eight finite years.

    Parameters
    ----------
    value, se, noise
        As in :func:`turning_point`.
    """
    series = TurnSeries.of(value, se, None)
    if len(series.y) < MIN_YEARS:
        return float("nan")
    return float(TurnFrame.of(series, noise, ()).evidence(series.y[:, None])[0])


def _found(series: TurnSeries, frame: TurnFrame, level: float, draws: int, seed: int) -> Turn:
    """Date a turn, and say with which p it is one."""
    turn = _dated(series, frame)
    weight = shares(frame.logs(series.y[:, None])[0][:, 0])
    p = _p(frame, weight, turn.evidence, draws, np.random.default_rng(seed))
    assert turn.low is not None
    assert turn.high is not None
    inside = (series.index >= turn.low) & (series.index <= turn.high)
    wide = inside.sum() > DATED * len(frame.candidates)
    return replace(turn, p=p, at=None if p > level or wide else turn.at)


def _p(
    frame: TurnFrame, weight: Floats, evidence: float, draws: int, random: np.random.Generator
) -> float:
    """Share of series without a turn with as much evidence; drawing ends at enough of them."""
    done, hits, batch = 0, 0, 2 * HITS
    while done < draws:
        batch = min(batch, draws - done)
        as_much = frame.evidence(frame.without_turn(weight, batch, random)) >= evidence
        if hits + as_much.sum() >= HITS:
            last = np.flatnonzero(as_much)[HITS - hits - 1]
            return float(HITS / (done + last + 1))
        hits, done, batch = hits + int(as_much.sum()), done + batch, 2 * batch
    p = (1 + hits) / (1 + draws)
    # Beyond what draws can tell, a Bayes factor bounds its own p (Markov's inequality).
    return p if hits else float(min(p, np.exp(-evidence)))


def _dated(series: TurnSeries, frame: TurnFrame) -> Turn:
    """Return the likeliest year, the set of years and the slopes around them."""
    y = series.y
    line, joint = frame.logs(y[:, None])
    weight = shares(joint[:, :, 0])
    years = weight.sum(axis=0)
    order = np.argsort(-years, kind="stable")
    size = int(np.searchsorted(np.cumsum(years[order]), COVERAGE)) + 1
    chosen = series.index[frame.candidates[order[:size]]]
    # Numbers around a turn are not pulled to 0: with the prior of the evidence a change of twice
    # its standard deviation was covered in 63 to 90 % where errors are large; so in 98 %.
    change, error = frame.score @ y, frame.error
    slope = np.einsum("cq,kq->kc", frame.before, frame.base @ y)
    taken = np.einsum("cq,kcq->kc", frame.before, frame.follows)
    known = np.einsum("cq,kqr,cr->kc", frame.before, frame.spread, frame.before)
    numbers = []
    for part in (-taken, 1 - taken, None):
        mean = change if part is None else slope + part * change
        variance = error if part is None else known + part**2 * error
        numbers.append(_mixture(mean * series.scale, variance * series.scale**2, weight))
    (before, before_ends), (after, after_ends), (step, step_ends) = numbers
    return Turn(
        at=int(series.index[frame.candidates[order[0]]]),
        low=int(chosen.min()),
        high=int(chosen.max()),
        slope_before=before,
        slope_after=after,
        p=float("nan"),
        change=step,
        slope_before_interval=before_ends,
        slope_after_interval=after_ends,
        change_interval=step_ends,
        evidence=float(log_sum(joint[:, :, 0].ravel()) - log_sum(line[:, 0])),
    )


def _mixture(mean: Floats, variance: Floats, weight: Floats) -> tuple[float, tuple[float, float]]:
    """Mean of a mixture of normals, and its limits at equal tails."""
    there = weight > NEGLIGIBLE
    fit, weight = np.column_stack([mean[there], variance[there]]), weight[there]
    weight = weight / weight.sum()
    centre, tail = float(weight @ fit[:, 0]), (1 - COVERAGE) / 2
    low, high = (
        centre + side * tail_reach(fit, weight, centre, side, POINT, tail) for side in (-1.0, 1.0)
    )
    return centre, (low, high)


_NAN, _NONE = float("nan"), (float("nan"), float("nan"))
_NOTHING = Turn(None, None, None, _NAN, _NAN, _NAN, _NAN, _NONE, _NONE, _NONE, _NAN)
