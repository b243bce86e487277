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
SIGMAS = np.array([0.0, 0.07, 0.2, 0.4, 0.7, 1.1, 1.7, 2.8, 4.5, 8.0])
#: Correlations of the AR(1) noise between neighbouring years on the grid.
RHOS = np.array([0.0, 0.2, 0.4, 0.6, 0.75, 0.87, 0.95])
#: Standard deviations of the white noise on the grid, in units of the prior's median.
WHITES = np.array([0.0, 0.07, 0.5, 1.0, 1.8, 3.5])
#: Weight of a noise below which it has no say in quantiles.
NEGLIGIBLE = 1e-8
#: Weight of a noise below which a learned distribution leaves it out.
RARE = 1e-4
#: Series handled together, so that memory stays small.
CHUNK = 512


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

    @property
    def ar_sd(self) -> float:
        """Standard deviation of the AR(1) part: root of its mean variance."""
        return float(np.sqrt(self.weight @ self.sigma**2))

    @property
    def ar_rho(self) -> float:
        """Correlation of the AR(1) part from year to year, weighted by variance."""
        share = self.weight * self.sigma**2
        return float(share @ self.rho / share.sum()) if share.any() else 0.0


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
        p of no curvature: quadratic and cubic term under the same noises, their p
        combined (Liu and Xie 2020, J. Am. Stat. Assoc. 115, 393, eq. 3). Where it is
        small, the path turns or levels off: one line does not describe it.
    noise : (n,)
        Standard deviation of the series about its line beyond its standard errors: root
        of the mixture's mean variance.

    All are NaN for a series of fewer than six finite years.
    """

    slope: Floats
    low: Floats
    high: Floats
    p: Floats
    bend_p: Floats
    noise: Floats


def prior_noise(scale: float = PRIOR_SIGMA, *, white: bool = False) -> Noise:
    """Return the noise before any data: half-Cauchy on sigma, uniform on rho.

    Parameters
    ----------
    scale : float
        Median of sigma.
    white : bool
        Whether white noise may stand beside the AR(1) noise (half-Cauchy too).
    """
    whites = WHITES if white else WHITES[:1]
    sigma, rho, other = (x.ravel() for x in np.meshgrid(SIGMAS, RHOS, whites, indexing="ij"))
    weight = np.einsum("i,j,k->ijk", _masses(SIGMAS), _masses(RHOS, 1.0), _masses(whites)).ravel()
    # Without AR(1) noise there is nothing to be correlated: one noise stands for all rho.
    weight[(sigma == 0) & (rho == 0)] /= _masses(RHOS, 1.0)[0]
    kept = (sigma > 0) | (rho == 0)
    kept &= (rho > 0) | (sigma == 0) | (len(whites) == 1)
    weight = weight[kept] / weight[kept].sum()
    return Noise(sigma[kept] * scale, rho[kept], other[kept] * scale, weight)


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
    line = _gls(value[rows], variance[rows], noise, bends=False)[:, :, 2]
    likelihood = np.exp(line - line.max(axis=1, keepdims=True))
    weight = noise.weight
    for _ in range(sweeps):
        joint = likelihood * weight
        weight = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    kept = weight > RARE
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
    out = np.full((6, len(value)), np.nan)
    rows = np.flatnonzero(np.isfinite(value).sum(axis=1) >= MIN_YEARS)
    if noise is None:
        noise = prior_noise(PRIOR_SIGMA if se is not None else 1.0, white=white)
    variances, prior = noise.sigma**2 + noise.white**2, np.log(noise.weight)
    tail = (1 - level) / 2
    for part in np.split(rows, range(CHUNK, len(rows), CHUNK)):
        scale = np.ones((len(part), 1)) if se is not None else _scales(value[part])
        found = np.empty((6, len(part)))
        fits = _gls(value[part] / scale, variance[part] / scale**2, noise, bends=True)
        _mix(fits, prior, variances, -ndtri(tail), tail, found)
        found[[0, 1, 2, 5]] *= scale[:, 0]
        out[:, part] = found
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


def _masses(grid: Floats, end: float = np.inf) -> Floats:
    """Prior mass around each point, cells meeting half-way.

    Half-Cauchy of median 1, or uniform up to a finite `end`.
    """
    edges = np.concatenate([[0.0], (grid[1:] + grid[:-1]) / 2, [end]])
    masses = np.diff(np.arctan(edges) * 2 / np.pi if np.isinf(end) else edges)
    return np.asarray(masses / masses.sum())


def _scales(value: Floats) -> Floats:
    """Standard deviation of each series about its own line, never quite 0: (n, 1)."""
    there = np.isfinite(value)
    count = there.sum(axis=1)
    times = np.where(there, np.arange(value.shape[1]), 0.0)
    filled = np.where(there, value, 0.0)
    t = np.where(there, times - (times.sum(axis=1) / count)[:, None], 0.0)
    y = np.where(there, filled - (filled.sum(axis=1) / count)[:, None], 0.0)
    rest = y - t * ((t * y).sum(axis=1) / (t * t).sum(axis=1))[:, None]
    spread = np.sqrt((rest**2).sum(axis=1) / (count - 2))
    return np.maximum(spread, 1e-12 * np.maximum(np.abs(filled).max(axis=1), 1e-12))[:, None]


def _gls(value: Floats, variance: Floats, noise: Noise, *, bends: bool) -> Floats:
    """Slope, its variance, log likelihood, then the same of bend and turn: (n, k, 3 or 9)."""
    out = np.empty((len(value), len(noise.sigma), 9 if bends else 3))
    _filter(value, variance, noise.sigma, noise.rho, noise.white, bends, out)
    return out


@numba.njit(cache=True, nogil=True)
def _filter(
    value: Floats,
    variance: Floats,
    sigma: Floats,
    rho: Floats,
    white: Floats,
    bends: bool,
    out: Floats,
) -> None:
    """Kalman filter of y, 1, t, t^2 and t^3 under every noise: one pass a series and noise."""
    n, years = value.shape
    y, v, time = np.empty(years), np.empty(years), np.empty(years)
    there, gap = np.empty(years, np.int64), np.ones(years, np.int64)
    for i in range(n):
        count = 0
        for t in range(years):
            if not np.isnan(value[i, t]):
                y[count], v[count], there[count] = value[i, t], variance[i, t], t
                count += 1
        half = (there[count - 1] - there[0]) / 2
        for c in range(count):
            time[c] = (there[c] - there[0]) / half - 1
            gap[c] = there[c + 1] - there[c] if c + 1 < count else 1
        size = v[:count].max()
        for k in range(len(sigma)):
            unknown, extra = sigma[k] ** 2, white[k] ** 2
            extra += 1e-12 * (size + unknown + extra) + 1e-24
            spread, logs, product = unknown, 0.0, 1.0
            m0 = m1 = m2 = m3 = m4 = 0.0
            s00 = s10 = s11 = s20 = s21 = s22 = s30 = s31 = s32 = s33 = 0.0
            s40 = s41 = s42 = s43 = s44 = 0.0
            for c in range(count):
                total = spread + v[c] + extra
                product *= total
                if product < 1e-200 or product > 1e200:
                    logs += math.log(product)
                    product = 1.0
                inverse, x = 1.0 / total, time[c]
                gain = spread * inverse
                e0, e1, e2 = y[c] - m0, 1.0 - m1, x - m2
                w1, w2 = e1 * inverse, e2 * inverse
                s00 += e0 * e0 * inverse
                s10 += e0 * w1
                s11 += e1 * w1
                s20 += e0 * w2
                s21 += e1 * w2
                s22 += e2 * w2
                r = rho[k]
                for _ in range(gap[c] - 1):
                    r *= rho[k]
                m0, m1, m2 = r * (m0 + gain * e0), r * (m1 + gain * e1), r * (m2 + gain * e2)
                if bends:
                    e3, e4 = x * x - m3, x * x * x - m4
                    w3, w4 = e3 * inverse, e4 * inverse
                    s30 += e0 * w3
                    s31 += e1 * w3
                    s32 += e2 * w3
                    s33 += e3 * w3
                    s40 += e0 * w4
                    s41 += e1 * w4
                    s42 += e2 * w4
                    s43 += e3 * w4
                    s44 += e4 * w4
                    m3, m4 = r * (m3 + gain * e3), r * (m4 + gain * e4)
                spread = r * r * spread * (1 - gain) + unknown * (1 - r * r)
            logs += math.log(product)
            # Eliminate level, line, bend and turn one after the other.
            s00 -= s10 * s10 / s11
            s20 -= s10 * s21 / s11
            s22 -= s21 * s21 / s11
            out[i, k, 0], out[i, k, 1] = s20 / s22 / half, 1 / s22 / half**2
            line = -0.5 * (logs + math.log(s11) + math.log(s22) + s00 - s20 * s20 / s22)
            out[i, k, 2] = line
            if not bends:
                continue
            s30 -= s10 * s31 / s11
            s40 -= s10 * s41 / s11
            s32 -= s21 * s31 / s11
            s42 -= s21 * s41 / s11
            s33 -= s31 * s31 / s11
            s43 -= s31 * s41 / s11
            s44 -= s41 * s41 / s11
            s30 -= s20 * s32 / s22
            s40 -= s20 * s42 / s22
            s33 -= s32 * s32 / s22
            s43 -= s32 * s42 / s22
            s44 -= s42 * s42 / s22
            out[i, k, 3], out[i, k, 4] = s30 / s33, 1 / s33
            bend = line - 0.5 * (math.log(s33) - s30 * s30 / s33)
            out[i, k, 5] = bend
            s40 -= s30 * s43 / s33
            s44 -= s43 * s43 / s33
            out[i, k, 6], out[i, k, 7] = s40 / s44, 1 / s44
            out[i, k, 8] = bend - 0.5 * (math.log(s44) - s40 * s40 / s44)


@numba.njit(cache=True, nogil=True)
def _mix(
    fits: Floats, prior: Floats, noise: Floats, reach: float, tail: float, out: Floats
) -> None:
    """Mixtures of n slopes, bends and turns over the noises: (6, n) as in `Trend`."""
    n, k = fits.shape[:2]
    weight = np.empty(k)
    for i in range(n):
        cauchy = 0.0
        for part in range(3):
            top = -np.inf
            for j in range(k):
                weight[j] = fits[i, j, 3 * part + 2] + prior[j]
                top = max(top, weight[j])
            total = 0.0
            for j in range(k):
                weight[j] = math.exp(weight[j] - top)
                total += weight[j]
            mean, below, above, variance = 0.0, 0.0, 0.0, 0.0
            for j in range(k):
                weight[j] /= total
                z = fits[i, j, 3 * part] / math.sqrt(2 * fits[i, j, 3 * part + 1])
                mean += weight[j] * fits[i, j, 3 * part]
                below += weight[j] * 0.5 * math.erfc(z)
                above += weight[j] * 0.5 * math.erfc(-z)
                variance += weight[j] * noise[j]
            p = min(1.0, 2 * min(below, above))
            if part > 0:
                cauchy += math.tan((0.5 - max(p, 1e-15)) * math.pi) / 2
            else:
                out[0, i], out[3, i], out[5, i] = mean, p, math.sqrt(variance)
                out[1, i] = mean - _reach(fits[i], weight, mean, -1.0, reach, tail)
                out[2, i] = mean + _reach(fits[i], weight, mean, 1.0, reach, tail)
        out[4, i] = 0.5 - math.atan(cauchy) / math.pi if cauchy < 1e8 else 1 / cauchy / math.pi


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
