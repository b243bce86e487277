"""Intervals of shares."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import InputError

#: Two-sided 95 % point of the normal distribution.
Z_95 = 1.959963984540054

#: Fewest units a side for an interval of counts, shares or ranks.
FEWEST = 6


def wilson(k: float, n: float, z: float = Z_95) -> tuple[float, float]:
    """Interval of a share ``k / n`` (Wilson 1927).

    Parameters
    ----------
    k, n : float
        Units that have the property, and all units; ``0 <= k <= n`` and ``n > 0``.
    z : float
        Two-sided point of the normal distribution; the default gives 95 %.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(5, 100)]
    [0.022, 0.112]
    """
    if not 0 <= k <= n or not n > 0:
        raise InputError(f"A share needs 0 <= k <= n and n above 0; found k = {k} and n = {n}.")
    share = k / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def wilson_intervals(
    share: NDArray[np.float64], units: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % intervals of shares by their effective numbers of units, arrays (n,).

    NaN where there are fewer than :data:`FEWEST` units.
    """
    square = Z_95 * Z_95
    few = ~(units >= FEWEST - 1e-9)
    n = np.where(few, FEWEST, units)
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z_95 / (1 + square / n) * np.sqrt(share * (1 - share) / n + square / (4 * n * n))
    low, high = np.clip(middle - half, 0.0, share), np.clip(middle + half, share, 1.0)
    return np.where(few, np.nan, low), np.where(few, np.nan, high)
