"""Linear trends of short series whose noise is unequal and serially correlated.

A series is ``y_t = level + slope t + x_t + u_t + e_t``: ``e`` is known noise of
standard error ``se_t``, ``x`` an AR(1) process of standard deviation sigma and
correlation rho, ``u`` white noise that has not been measured. The noise is not
estimated and then taken as known, for at twelve to thirty years that makes intervals
too short: slopes are averaged over a grid of noises, each weighted by its restricted
likelihood (Patterson and Thompson 1971, Biometrika 58, 545, eq. 4) times a prior.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import ndtri

from isthmus.errors import InputError
from isthmus.stats.trends.gls_kernels import fits, mix

Floats = NDArray[np.float64]

#: Fewest finite years of a series that is given a slope.
MIN_YEARS = 6
#: Median of the half-Cauchy prior on sigma, in log units (a tie that wanders by 15 %).
PRIOR_SIGMA = 0.15
#: Standard deviations of the AR(1) noise on the grid, in units of the prior's median.
SIGMAS = np.array([0.0, 0.07, 0.2, 0.4, 0.75, 1.3, 2.4, 5.0])
#: Correlations of the AR(1) noise between neighbouring years on the grid.
RHOS = np.array([0.0, 0.3, 0.6, 0.8, 0.94])
#: Standard deviations of the white noise on the grid, in units of the prior's median.
WHITES = np.array([0.0, 0.2, 0.8, 2.2])
#: Grid around a learned noise: factors of sigma, of the odds rho / (1 - rho), of white.
SIGMA_FACTORS = np.array([0.0, 0.35, 0.6, 1.0, 1.6, 2.8])
ODDS_FACTORS = np.array([0.15, 0.4, 1.0, 2.5, 7.0])
WHITE_FACTORS = np.array([0.0, 0.55, 1.0, 1.8])
#: Largest odds: noise that keeps more than 95 % a year is a level, and no noise.
MOST_ODDS = 19.0
#: Range of log sigma, log odds and log white in which the likeliest noise is looked for.
LEAST_LOGS, MOST_LOGS = np.array([-12.0, -3.0, -12.0]), np.array([1.5, np.log(MOST_ODDS), 1.5])
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
    def each(self) -> tuple[Floats, Floats, Floats]:
        """Standard deviations, correlations and white standard deviations."""
        return self.sigma, self.rho, self.white

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
    """Return the noise before any data: half-Cauchy on sigma, density 2 rho on rho.

    With a uniform density on rho, trends were called in 12 % of series without one where
    sigma is 0.2 and rho 0.8; with this one in 8 %.

    Parameters
    ----------
    scale : float
        Median of sigma.
    white : bool
        Whether white noise may stand beside the AR(1) noise (half-Cauchy too).
    """
    whites = WHITES if white else WHITES[:1]
    masses = [
        _masses(SIGMAS, np.inf, _half_cauchy),
        _masses(RHOS, 1.0, np.square),
        _masses(whites, np.inf, _half_cauchy),
    ]
    sigma, rho, other = (x.ravel() for x in np.meshgrid(SIGMAS, RHOS, whites, indexing="ij"))
    weight = np.einsum("i,j,k->ijk", *masses).ravel()
    # Without AR(1) noise there is nothing to be correlated: one noise stands for all rho.
    weight[(sigma == 0) & (rho == 0)] /= masses[1][0]
    kept = (sigma > 0) | (rho == 0)
    kept &= (rho > 0) | (sigma == 0) | (len(whites) == 1)
    weight = weight[kept] / weight[kept].sum()
    return Noise(sigma[kept] * scale, rho[kept], other[kept] * scale, weight)


def learned_noise(value: ArrayLike, se: ArrayLike, *, sweeps: int = 30) -> Noise:
    """Learn the noise that n series have in common, white noise included.

    The one noise that is likeliest for all series together is looked for first; then
    the weights of a grid around it, by `sweeps` steps of expectation and maximisation,
    since series may differ. A grid that is not centred so makes intervals a fifth too
    wide or too short, according to where the noise falls between its points.

    Parameters
    ----------
    value, se : (n, t)
        As in `trend`.
    """
    series, variance = _checked(value, se)
    rows = np.isfinite(series).sum(axis=1) >= MIN_YEARS
    if not rows.any():
        return prior_noise(white=True)
    series, variance = series[rows], variance[rows]
    sigma, rho, white = _likeliest(series, variance)
    odds = np.minimum(rho / (1 - rho) * ODDS_FACTORS, MOST_ODDS)
    grid = np.meshgrid(
        sigma * SIGMA_FACTORS, odds / (1 + odds), white * WHITE_FACTORS, indexing="ij"
    )
    kept = (grid[0] > 0) | (grid[1] == grid[1].min())
    noise = grid[0][kept], grid[1][kept], grid[2][kept]
    line = fits(series, variance, noise, bends=False)[:, :, 2]
    likelihood = np.exp(line - line.max(axis=1, keepdims=True))
    weight = np.full(len(noise[0]), 1 / len(noise[0]))
    for _ in range(sweeps):
        joint = likelihood * weight
        weight = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
    kept = weight > RARE
    share = weight[kept] / weight[kept].sum()
    return Noise(noise[0][kept], noise[1][kept], noise[2][kept], share)


def _likeliest(value: Floats, variance: Floats) -> tuple[float, float, float]:
    """Sigma, rho and white of the noise that is likeliest for all series together."""

    def loss(at: Floats) -> float:
        sigma, odds, white = np.exp(np.clip(at, LEAST_LOGS, MOST_LOGS))
        noise = np.array([sigma]), np.array([odds / (1 + odds)]), np.array([white])
        return -float(fits(value, variance, noise, bends=False)[:, 0, 2].sum())

    start = prior_noise(white=True)
    total = fits(value, variance, start.each, bends=False)[:, :, 2].sum(axis=0)
    best = int(total.argmax())
    rho = np.clip(start.rho[best], 0.1, 0.94)
    least = SIGMAS[1] * PRIOR_SIGMA
    first = np.log([max(start.sigma[best], least), rho / (1 - rho), max(start.white[best], least)])
    found = minimize(loss, first, method="Nelder-Mead", options={"xatol": 0.05, "fatol": 0.05})
    sigma, odds, white = np.exp(np.clip(found.x, LEAST_LOGS, MOST_LOGS))
    return float(sigma), float(odds / (1 + odds)), float(white)


def noise_sd(value: Floats, se: Floats, noise: Noise) -> Floats:
    """Standard deviation of each series about its line, as in `Trend.noise`: (n,).

    Parameters
    ----------
    value, se : (n, t)
        As in `trend`.
    noise : Noise
        Prior; it alone speaks for series too short to be given a slope.
    """
    value, variance = _checked(value, se)
    out = np.full(len(value), noise.variance)
    rows = np.flatnonzero(np.isfinite(value).sum(axis=1) >= MIN_YEARS)
    if len(rows):
        line = fits(value[rows], variance[rows], noise.each, bends=False)[:, :, 2]
        joint = np.exp(line - line.max(axis=1, keepdims=True)) * noise.weight
        out[rows] = joint @ (noise.sigma**2 + noise.white**2) / joint.sum(axis=1)
    return np.asarray(np.sqrt(out))


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
        `prior_noise`, half-Cauchy(0.15) on sigma and density 2 rho on rho.
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
        fitted = fits(value[part] / scale, variance[part] / scale**2, noise.each, bends=True)
        mix(fitted, prior, variances, -ndtri(tail), tail, found)
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
    if series.size:
        # From the first value on: a constant series is then exactly 0.
        series = series - series[np.arange(len(series)), there.argmax(axis=1)][:, None]
    return series, np.where(there, errors, 1.0) ** 2


def _half_cauchy(x: Floats) -> Floats:
    """Distribution function of the half-Cauchy with median 1."""
    return np.asarray(np.arctan(x) * 2 / np.pi)


def _masses(grid: Floats, end: float, distribution: Callable[[Floats], Floats]) -> Floats:
    """Prior mass around each point of a grid up to `end`, cells meeting half-way."""
    edges = np.concatenate([[0.0], (grid[1:] + grid[:-1]) / 2, [end]])
    return np.diff(distribution(edges))


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
    least = 1e-12 * np.maximum(np.abs(filled).max(axis=1), 1e-12)
    return np.asarray(np.maximum(spread, least)[:, None])
