"""Monotone trends of many short series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from isthmus.errors import InputError

Floats = NDArray[np.float64]

#: Series handled together, so that their pairwise slopes stay in the cache.
CHUNK = 128


@dataclass(frozen=True)
class Trends:
    """Trend of each of n series, per time step.

    Attributes
    ----------
    slope, low, high : (n,)
        Theil-Sen slope (median of the slopes between all pairs of points) and its
        interval; NaN with fewer than two points.
    p : (n,)
        Two-sided Mann-Kendall p-value of no trend, normal approximation with
        continuity correction; NaN with fewer than two points.
    """

    slope: Floats
    low: Floats
    high: Floats
    p: Floats


def theil_sen(series: ArrayLike, *, level: float = 0.95) -> Trends:
    """Theil-Sen slopes with intervals, and Mann-Kendall tests, of equally spaced series.

    Tied values are not corrected for: they make test and interval conservative.

    Parameters
    ----------
    series : (n, t)
        One series a row; missing values (NaN) are left out.
    level : float
        Coverage of the interval.

    References
    ----------
    Sen, P. K. (1968). Estimates of the regression coefficient based on Kendall's
    tau. J. Am. Stat. Assoc. 63, 1379-1389, eq. 2.6. Mann, H. B. (1945).
    Econometrica 13, 245-259.

    Examples
    --------
    >>> trends = theil_sen([[0.0, 1.0, 2.0, 3.0, 9.0]])
    >>> trends.slope.tolist()
    [1.0]
    """
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 2 or not 0 < level < 1:
        raise InputError(
            f"Trends need an array of series x times and a level between 0 and 1; found shape "
            f"{values.shape} and {level}."
        )
    out = np.full((4, len(values)), np.nan)
    whole = ~np.isnan(values).any(axis=1)
    times = np.arange(values.shape[1], dtype=np.float64)
    for rows in _chunks(np.flatnonzero(whole)):
        out[:, rows] = _trends(values[rows], times, level)
    for row in np.flatnonzero(~whole):
        present = ~np.isnan(values[row])
        out[:, [row]] = _trends(values[row, present][None], times[present], level)
    return Trends(*out)


def _chunks(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]


def _trends(values: Floats, times: Floats, level: float) -> Floats:
    """Slope, low, high and p of series without gaps: (4, n)."""
    t = values.shape[1]
    if t < 2:
        return np.full((4, len(values)), np.nan)
    early, late = np.triu_indices(t, 1)
    rises = values[:, late] - values[:, early]
    slopes = np.sort(rises / (times[late] - times[early]), axis=1)
    n_pairs, sd = len(early), np.sqrt(t * (t - 1) * (2 * t + 5) / 18)
    reach = -ndtri((1 - level) / 2) * sd
    low = max(round((n_pairs - reach) / 2) - 1, 0)
    high = min(round((n_pairs + reach) / 2), n_pairs - 1)
    score = np.sign(rises).sum(axis=1)
    p = 2 * ndtr(-np.maximum(np.abs(score) - 1, 0) / sd)
    middle = (slopes[:, (n_pairs - 1) // 2] + slopes[:, n_pairs // 2]) / 2
    return np.array([middle, slopes[:, low], slopes[:, high], p])
