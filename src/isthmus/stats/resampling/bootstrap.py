"""Bootstrap intervals of a mean.

A resample of n units gives unit i the count N_i of a multinomial draw. Where
outcomes take few distinct values and units weigh the same, only the counts per
value matter, and these are drawn directly: the same distribution, at the cost of
the distinct values. Otherwise the N_i are independent Poisson(1) counts (Hanley
and MacGibbon 2006; Chamandy et al. 2012), whose mean, a ratio, agrees with the
multinomial one to first order in 1/n.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numba
import numpy as np
import numpy.typing as npt

from isthmus.errors import InputError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Method = Literal["auto", "multinomial", "poisson"]

#: A resample by distinct values is drawn when there are this many times fewer of them than units.
_WORTH_GROUPING = 20


@dataclass(frozen=True)
class BootstrapMean:
    """A mean with its percentile interval.

    Attributes
    ----------
    mean : float
        Of the data themselves, weighted if weights were given.
    se : float
        Standard deviation over the draws.
    low, high : float
        Ends of the percentile interval.
    draws : array (draws,)
        Mean of every resample, in the order drawn.
    method : str
        "multinomial" or "poisson"; "" when there was nothing to draw from.
    note : str
        Why there is no interval, in a sentence; empty when there is one.
    """

    mean: float
    se: float
    low: float
    high: float
    draws: Floats
    method: str
    note: str


def bootstrap_mean(
    values: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    *,
    draws: int = 10_000,
    level: float = 0.95,
    seed: int,
    method: Method = "auto",
) -> BootstrapMean:
    """Percentile bootstrap of a (weighted) mean.

    Parameters
    ----------
    values : array (n,)
    weights : array (n,), optional
        Fixed weights; units of weight 0 take no part.
    draws : int
        Number of resamples; 10,000 leaves the ends of a 95 % interval a simulation error of
        about 2 % of its standard error.
    level : float
        Coverage of the interval, between 0 and 1.
    seed : int
        Same seed, same draws, whatever the machine's number of processors.
    method : {"auto", "multinomial", "poisson"}
        "multinomial" draws counts per distinct value and takes no weights; "auto" takes it
        where distinct values are few.

    Examples
    --------
    >>> result = bootstrap_mean([0, 0, 1, 3] * 50, draws=2000, seed=1)
    >>> result.mean, result.method, bool(result.low < 1 < result.high)
    (1.0, 'multinomial', True)
    """
    check_settings(draws, level)
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}; allowed are {', '.join(get_args(Method))}.")
    outcome, weight = checked(values, weights)
    if outcome.size == 0:
        note = "There is no unit to resample."
        return BootstrapMean(math.nan, math.nan, math.nan, math.nan, np.empty(0), "", note)
    if method == "multinomial" and weights is not None:
        raise InputError("The multinomial bootstrap takes no weights; leave method as 'auto'.")
    distinct, counts = _distinct(outcome, weights is None, method)
    if distinct is not None:
        means = _multinomial_means(distinct, counts, draws, seed)
    else:
        means = np.empty(draws)
        if weights is None:
            _poisson_plain_means(outcome, poisson_table(), np.uint64(seed), means)
        else:
            _poisson_means(outcome, weight, poisson_table(), np.uint64(seed), means)
    low, high = percentiles(means, level)
    mean = float(np.average(outcome, weights=weight))
    used = "poisson" if distinct is None else "multinomial"
    return BootstrapMean(mean, deviation(means), low, high, means, used, "")


def check_settings(draws: int, level: float) -> None:
    """Refuse fewer than one draw and levels that are no share."""
    if draws < 1:
        raise InputError(f"draws must be at least 1; found {draws}.")
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1; found {level}.")


def checked(values: npt.ArrayLike, weights: npt.ArrayLike | None) -> tuple[Floats, Floats]:
    """Values and weights as floats, units of weight 0 left out; refused unless finite."""
    outcome = np.ascontiguousarray(values, dtype=np.float64)
    weight = np.ones(outcome.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if outcome.ndim != 1 or weight.shape != outcome.shape:
        raise InputError(
            "values and weights must be one-dimensional and of one length; found shapes "
            f"{outcome.shape} and {weight.shape}."
        )
    if not (np.isfinite(outcome).all() and np.isfinite(weight).all() and (weight >= 0).all()):
        raise InputError("values and weights must be finite, and weights not negative.")
    used = weight > 0
    return outcome[used], np.ascontiguousarray(weight[used])


def _distinct(outcome: Floats, unweighted: bool, method: Method) -> tuple[Floats | None, Ints]:
    """Distinct values with their counts, or None when drawing by value is not worth it."""
    none = None, np.empty(0, dtype=np.int64)
    if not unweighted or method == "poisson":
        return none
    distinct, counts = _few_values(outcome)
    if method == "auto" and distinct.size * _WORTH_GROUPING > outcome.size:
        return none
    return distinct, counts


def _few_values(outcome: Floats) -> tuple[Floats, Ints]:
    """Sorted distinct values and counts; small whole numbers are counted without sorting."""
    top = outcome.max()
    if outcome.min() >= 0 and top < outcome.size:
        whole = outcome.astype(np.int64)
        if np.array_equal(whole, outcome):
            counts = np.bincount(whole)
            present = np.flatnonzero(counts)
            return present.astype(np.float64), counts[present]
    return np.unique(outcome, return_counts=True)


def _multinomial_means(distinct: Floats, counts: Ints, draws: int, seed: int) -> Floats:
    n = int(counts.sum())
    resampled = np.random.default_rng(seed).multinomial(n, counts / n, size=draws)
    means: Floats = resampled @ distinct / n
    return means


def poisson_table(bits: int = 16) -> npt.NDArray[np.uint8]:
    """Poisson(1) counts by the leading bits of a uniform number, array (2**bits,).

    Every count k fills the share of the table that is its probability, rounded to one
    entry; with 16 bits the mean is 1 to 2e-5 and the largest count is 8.
    """
    size = 1 << bits
    reach = np.arange(12)
    chance = np.exp(-1) / np.array([math.factorial(k) for k in reach])
    ends = np.rint(np.cumsum(chance) * size).astype(np.int64)
    ends[-1] = size
    return np.repeat(reach, np.diff(ends, prepend=0)).astype(np.uint8)


@numba.njit(cache=True, nogil=True)
def _mixed(state: np.uint64) -> np.uint64:  # pragma: no cover - compiled
    """Output function of SplitMix64 (Steele, Lea and Flood 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def _poisson_means(  # pragma: no cover - compiled
    outcome: Floats,
    weight: Floats,
    table: npt.NDArray[np.uint8],
    seed: np.uint64,
    means: Floats,
) -> None:
    """Mean of every Poisson resample; draw d has a stream of its own made from the seed."""
    step = np.uint64(0x9E3779B97F4A7C15)
    n, padded = outcome.size, (outcome.size + 3) // 4 * 4
    tops, bottoms = np.zeros(padded), np.zeros(padded)
    for i in range(n):
        tops[i], bottoms[i] = outcome[i] * weight[i], weight[i]
    for d in range(means.size):
        state = _mixed(_mixed(seed + step) + step * np.uint64(d + 1))
        top, bottom = 0.0, 0.0
        for i in range(0, padded, 4):
            state += step
            a, b, c, e = _four_counts(_mixed(state), table)
            top += (a * tops[i] + b * tops[i + 1]) + (c * tops[i + 2] + e * tops[i + 3])
            bottom += (a * bottoms[i] + b * bottoms[i + 1]) + (
                c * bottoms[i + 2] + e * bottoms[i + 3]
            )
        means[d] = top / bottom if bottom > 0 else np.nan


@numba.njit(cache=True, nogil=True)
def _poisson_plain_means(  # pragma: no cover - compiled
    outcome: Floats, table: npt.NDArray[np.uint8], seed: np.uint64, means: Floats
) -> None:
    """As `_poisson_means` with weights of 1; the sums run over the same streams."""
    step = np.uint64(0x9E3779B97F4A7C15)
    whole = outcome.size // 4 * 4
    for d in range(means.size):
        state = _mixed(_mixed(seed + step) + step * np.uint64(d + 1))
        top, units = 0.0, 0.0
        for i in range(0, whole, 4):
            state += step
            a, b, c, e = _four_counts(_mixed(state), table)
            top += (a * outcome[i] + b * outcome[i + 1]) + (c * outcome[i + 2] + e * outcome[i + 3])
            units += (a + b) + (c + e)
        counts = _four_counts(_mixed(state + step), table)
        for i in range(whole, outcome.size):
            top += counts[i - whole] * outcome[i]
            units += counts[i - whole]
        means[d] = top / units if units > 0 else np.nan


@numba.njit(cache=True, nogil=True)
def _four_counts(  # pragma: no cover - compiled
    bits: np.uint64, table: npt.NDArray[np.uint8]
) -> tuple[float, float, float, float]:
    """Four Poisson(1) counts from one random number of 64 bits."""
    low = np.uint64(0xFFFF)
    return (
        float(table[bits & low]),
        float(table[(bits >> np.uint64(16)) & low]),
        float(table[(bits >> np.uint64(32)) & low]),
        float(table[bits >> np.uint64(48)]),
    )


def percentiles(draws: Floats, level: float) -> tuple[float, float]:
    """Ends of the percentile interval over the draws that are known."""
    known = draws[~np.isnan(draws)]
    if known.size == 0:
        return math.nan, math.nan
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def deviation(draws: Floats) -> float:
    """Standard deviation over the draws that are known."""
    known = draws[~np.isnan(draws)]
    return float(np.std(known, ddof=1)) if known.size > 1 else math.nan
