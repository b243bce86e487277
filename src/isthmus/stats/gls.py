"""Linear trends of short series whose noise is unequal and serially correlated.

A series is ``y_t = level + slope t + x_t + u_t + e_t``: ``e`` is known noise of
standard error ``se_t``, ``x`` an AR(1) process of standard deviation sigma and
correlation rho, ``u`` white noise that has not been measured. The noise is not
estimated and then taken as known, for at twelve to thirty years that makes intervals
too short: slopes are averaged over a grid of noises, each weighted by its restricted
likelihood (Patterson and Thompson 1971, Biometrika 58, 545, eq. 4) times a prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from isthmus.errors import InputError

Floats = NDArray[np.float64]

#: Fewest finite years of a series that is given a slope.
MIN_YEARS = 6
#: Median of the half-Cauchy prior on sigma, in log units (a tie that wanders by 15 %).
PRIOR_SIGMA = 0.15
#: Standard deviations of the AR(1) noise on the grid, in units of the prior's median.
SIGMAS = np.array([0.0, 0.2, 0.35, 0.55, 0.8, 1.15, 1.7, 2.5, 3.7, 5.5, 8.0, 12.0])
#: Correlations of the AR(1) noise between neighbouring years on the grid.
RHOS = np.array([0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9])
#: Standard deviations of the white noise on the grid, in units of the prior's median.
WHITES = np.array([0.0, 0.5, 1.0, 1.7, 3.0])
#: Weight of a noise below which it has no say in quantiles.
NEGLIGIBLE = 1e-10


@dataclass(frozen=True)
class Noise:
    """A distribution over the noise of a series: k possible noises with their weights.

    Attributes
    ----------
    sigma, rho, white : (k,)
        Standard deviation and correlation of the AR(1) noise, and standard deviation
        of the white noise beside it, in the unit of the series.
    weight : (k,)
        Probability of each; sums to 1.
    """

    sigma: Floats
    rho: Floats
    white: Floats
    weight: Floats

    @property
    def variance(self) -> float:
        """Mean variance of the noise."""
        return float(self.weight @ (self.sigma**2 + self.white**2))


@dataclass(frozen=True)
class Trend:
    """Linear trend of each of n series, per time step.

    Attributes
    ----------
    slope, low, high : (n,)
        Mean, and limits at equal tails, of the slope's mixture over the noises.
    p : (n,)
        Two-sided p of no trend from the same mixture: below 0.05 exactly where the
        95 % interval excludes 0.
    bend_p : (n,)
        Two-sided p of no curvature (a quadratic term under the same noises). Where it
        is small, the path turns or levels off: one line does not describe it.

    All are NaN for a series of fewer than six finite years.
    """

    slope: Floats
    low: Floats
    high: Floats
    p: Floats
    bend_p: Floats


def prior_noise(scale: float = PRIOR_SIGMA, *, white: bool = False) -> Noise:
    """Return the noise before any data: half-Cauchy on sigma, uniform on rho.

    Parameters
    ----------
    scale : float
        Median of sigma.
    white : bool
        Whether white noise may stand beside the AR(1) noise (half-Cauchy too).
    """
    sigma, share = _half_cauchy(SIGMAS)
    whites, white_share = _half_cauchy(WHITES if white else WHITES[:1])
    grid = np.meshgrid(sigma * scale, RHOS, whites * scale, indexing="ij")
    weight = share[:, None, None] * np.ones(len(RHOS))[:, None] * white_share
    return Noise(*(axis.ravel() for axis in grid), (weight / weight.sum()).ravel())


def learned_noise(value: ArrayLike, se: ArrayLike, *, sweeps: int = 30) -> Noise:
    """Learn the noise that n series have in common, white noise included.

    The weights of the grid that maximise the restricted likelihood of all series
    together, by `sweeps` steps of expectation and maximisation from the prior (few on
    purpose: noises that the series cannot tell apart keep the prior's proportions).

    Parameters
    ----------
    value, se : (n, t)
        As in `trend`.
    """
    value, variance = _checked(value, se)
    noise = prior_noise(white=True)
    rows = np.isfinite(value).sum(axis=1) >= MIN_YEARS
    if not rows.any():
        return noise
    line = _gls(value[rows], variance[rows], noise)[:, :, 2]
    likelihood = np.exp(line - line.max(axis=1, keepdims=True))
    weight = noise.weight
    for _ in range(sweeps):
        joint = likelihood * weight
        weight = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    kept = weight > NEGLIGIBLE
    return Noise(
        noise.sigma[kept], noise.rho[kept], noise.white[kept], weight[kept] / weight[kept].sum()
    )


def trend(
    value: ArrayLike,
    se: ArrayLike | None = None,
    *,
    noise: Noise | None = None,
    white: bool = False,
    level: float = 0.95,
) -> Trend:
    """Fit a line to each series, allowing for unequal variances and serial correlation.

    Parameters
    ----------
    value : (n, t)
        One series a row, one column a year; NaN where a year is missing.
    se : (n, t), optional
        Known standard errors, without the noise that is estimated here. None: unknown,
        and the scale of the prior is that of the series about their own lines.
    noise : Noise, optional
        Prior of the noise, such as the one learned over all pairs of a panel. Default:
        `prior_noise`, half-Cauchy(0.15) on sigma and uniform on rho.
    white : bool
        Whether the default prior allows white noise beside the AR(1) noise.
    level : float
        Coverage of the interval.

    Raises
    ------
    InputError
        Shapes that differ, infinite values, or standard errors that are negative or
        missing where the value is not.

    Examples
    --------
    >>> found = trend([[0.0, 1.0, 2.0, 3.1, 3.9, 5.0, 6.0]])
    >>> round(float(found.slope[0]), 2)
    1.0
    """
    value, variance = _checked(value, se)
    if not 0 < level < 1:
        raise InputError(f"A level lies between 0 and 1; found {level}.")
    out = np.full((5, len(value)), np.nan)
    rows = np.flatnonzero(np.isfinite(value).sum(axis=1) >= MIN_YEARS)
    if len(rows):
        scale = np.ones(len(rows)) if se is not None else _scales(value[rows])
        if noise is None:
            noise = prior_noise(PRIOR_SIGMA if se is not None else 1.0, white=white)
        with np.errstate(divide="ignore"):
            prior = np.log(noise.weight)
        fits = _gls(value[rows] / scale[:, None], variance[rows] / scale[:, None] ** 2, noise)
        _mix(fits, prior, -ndtri((1 - level) / 2), (1 - level) / 2, out_ := np.empty((5, len(rows))))
        out_[:3] *= scale
        out[:, rows] = out_
    return Trend(*out)


def _checked(value: ArrayLike, se: ArrayLike | None) -> tuple[Floats, Floats]:
    """Return values and variances, both (n, t), or refuse them."""
    series = np.array(value, dtype=np.float64, ndmin=1)
    errors = np.zeros(series.shape) if se is None else np.array(se, dtype=np.float64, ndmin=1)
    if series.ndim != 2 or errors.shape != series.shape:
        raise InputError(
            f"A trend needs series x years, and standard errors of the same shape; found "
            f"{series.shape} and {errors.shape}."
        )
    there = np.isfinite(series)
    if np.isinf(series).any() or not (np.isfinite(errors[there]) & (errors[there] >= 0)).all():
        raise InputError(
            "A trend needs finite values (NaN where a year is missing) and, where there is a "
            "value, a standard error that is finite and not negative."
        )
    return series, np.where(there, errors, 1.0) ** 2


def _half_cauchy(grid: Floats) -> tuple[Floats, Floats]:
    """Return grid and prior mass around each point, cells meeting half-way."""
    edges = np.concatenate([[0.0], (grid[1:] + grid[:-1]) / 2, [np.inf]])
    return grid, np.diff(np.arctan(edges))


def _scales(value: Floats) -> Floats:
    """Standard deviation of each series about its own line, never quite 0: (n,)."""
    there = np.isfinite(value)
    count = there.sum(axis=1)
    times = np.where(there, np.arange(value.shape[1]), 0.0)
    filled = np.where(there, value, 0.0)
    t = np.where(there, times - (times.sum(axis=1) / count)[:, None], 0.0)
    y = np.where(there, filled - (filled.sum(axis=1) / count)[:, None], 0.0)
    rest = y - t * ((t * y).sum(axis=1) / (t * t).sum(axis=1))[:, None]
    spread = np.sqrt((rest**2).sum(axis=1) / (count - 2))
    return np.maximum(spread, 1e-12 * np.maximum(np.abs(filled).max(axis=1), 1e-12))


def _gls(value: Floats, variance: Floats, noise: Noise) -> Floats:
    """Slope, its variance, log likelihood, and the same of the bend: (n, k, 6)."""
    out = np.empty((len(value), len(noise.sigma), 6))
    _filter(value, variance, noise.sigma, noise.rho, noise.white, out)
    return out


@numba.njit(cache=True, nogil=True)
def _filter(
    value: Floats, variance: Floats, sigma: Floats, rho: Floats, white: Floats, out: Floats
) -> None:
    """Kalman filter of y, 1, t and t^2 under every noise: one pass a series and noise."""
    n, years = value.shape
    column, state, innovation = np.empty(4), np.empty(4), np.empty(4)
    s = np.empty((4, 4))
    for i in range(n):
        first, last, size = -1, -1, 0.0
        for t in range(years):
            if not np.isnan(value[i, t]):
                first = t if first < 0 else first
                last = t
                size = max(size, variance[i, t])
        middle, half = (first + last) / 2, (last - first) / 2
        for k in range(len(sigma)):
            unknown = sigma[k] ** 2
            floor = 1e-12 * (size + unknown + white[k] ** 2) + 1e-24
            spread, logs = unknown, 0.0
            state[:] = 0.0
            s[:] = 0.0
            for t in range(first, last + 1):
                if not np.isnan(value[i, t]):
                    column[0], column[1] = value[i, t], 1.0
                    column[2] = (t - middle) / half
                    column[3] = column[2] ** 2
                    total = spread + variance[i, t] + white[k] ** 2 + floor
                    logs += math.log(total)
                    for a in range(4):
                        innovation[a] = column[a] - state[a]
                        state[a] += spread / total * innovation[a]
                    for a in range(4):
                        for b in range(a + 1):
                            s[a, b] += innovation[a] * innovation[b] / total
                    spread -= spread * spread / total
                for a in range(4):
                    state[a] *= rho[k]
                spread = rho[k] ** 2 * spread + unknown * (1 - rho[k] ** 2)
            # Eliminate level, then line, then bend; what is left of y is the residual.
            det1 = s[1, 1]
            s22, s32, s33 = s[2, 2] - s[2, 1] ** 2 / det1, 0.0, 0.0
            s20 = s[2, 0] - s[1, 0] * s[2, 1] / det1
            s00 = s[0, 0] - s[1, 0] ** 2 / det1
            s32 = s[3, 2] - s[3, 1] * s[2, 1] / det1
            s33 = s[3, 3] - s[3, 1] ** 2 / det1
            s30 = s[3, 0] - s[3, 1] * s[1, 0] / det1
            rest = s00 - s20**2 / s22
            out[i, k, 0] = s20 / s22 / half
            out[i, k, 1] = 1 / s22 / half**2
            out[i, k, 2] = -0.5 * (logs + math.log(det1) + math.log(s22) + rest)
            s33 -= s32**2 / s22
            s30 -= s32 * s20 / s22
            out[i, k, 3] = s30 / s33
            out[i, k, 4] = 1 / s33
            out[i, k, 5] = out[i, k, 2] - 0.5 * (math.log(s33) - s30**2 / s33)


@numba.njit(cache=True, nogil=True)
def _mix(fits: Floats, prior: Floats, reach: float, tail: float, out: Floats) -> None:
    """Mixtures of n slopes and bends over the noises: (5, n) as in `Trend`."""
    n, k = fits.shape[:2]
    weight = np.empty(k)
    for i in range(n):
        for part in range(2):
            top = -np.inf
            for j in range(k):
                weight[j] = fits[i, j, 3 * part + 2] + prior[j]
                top = max(top, weight[j])
            total = 0.0
            for j in range(k):
                weight[j] = math.exp(weight[j] - top)
                total += weight[j]
            mean, below, above = 0.0, 0.0, 0.0
            for j in range(k):
                weight[j] /= total
                z = fits[i, j, 3 * part] / math.sqrt(2 * fits[i, j, 3 * part + 1])
                mean += weight[j] * fits[i, j, 3 * part]
                below += weight[j] * 0.5 * math.erfc(z)
                above += weight[j] * 0.5 * math.erfc(-z)
            p = min(1.0, 2 * min(below, above))
            if part == 1:
                out[4, i] = p
            else:
                out[0, i], out[3, i] = mean, p
                out[1, i] = mean - _reach(fits[i], weight, mean, -1.0, reach, tail)
                out[2, i] = mean + _reach(fits[i], weight, mean, 1.0, reach, tail)


@numba.njit(cache=True, nogil=True)
def _reach(
    fit: Floats, weight: Floats, mean: float, side: float, reach: float, tail: float
) -> float:
    """Distance from the mean, on one side, beyond which the mixture holds `tail`."""
    low, high, spread = 0.0, 0.0, 0.0
    for j in range(len(weight)):
        if weight[j] > NEGLIGIBLE:
            away = side * (fit[j, 0] - mean)
            high = max(high, away + 7 * math.sqrt(fit[j, 1]))
            spread += weight[j] * (fit[j, 1] + away**2)
    low, at = -high, min(reach * math.sqrt(spread), high)
    for _ in range(100):
        beyond, density = 0.0, 0.0
        for j in range(len(weight)):
            if weight[j] > NEGLIGIBLE:
                sd = math.sqrt(fit[j, 1])
                z = (at - side * (fit[j, 0] - mean)) / sd
                beyond += weight[j] * 0.5 * math.erfc(z / math.sqrt(2.0))
                density += weight[j] * math.exp(-0.5 * z * z) / sd / math.sqrt(2 * math.pi)
        if beyond > tail:
            low = at
        else:
            high = at
        step = at + (beyond - tail) / density if density > 0 else low
        if not low < step < high:
            step = (low + high) / 2
        if abs(step - at) <= 1e-12 * spread**0.5 or high - low <= 1e-13 * (abs(low) + abs(high)):
            return step
        at = step
    return at
