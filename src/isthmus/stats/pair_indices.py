"""Indices of how much two actors work together, with intervals from resampling works.

Each index is a product of powers of counts: joint works of x and y, works of x, works of y,
works of all. Resampling works moves these counts together, because a joint work is in every
one of them; the variance of the logarithm of an index is the sum, over works, of the square
of what one work adds to it. This is the variance of the Poisson bootstrap for large counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Index:
    """An index of every pair with its interval.

    Attributes
    ----------
    value, low, high : (n,) arrays
        NaN where the index is undefined.
    """

    value: Floats
    low: Floats
    high: Floats


def collaboration_index(joint: ArrayLike, x: ArrayLike, y: ArrayLike, world: ArrayLike) -> Index:
    """Index of collaboration ``(C_xy / C_x) / (C_y / C_w)``.

    Table SPBS-94 of Science and Engineering Indicators 2024 (U.S. National Science Board).

    Parameters
    ----------
    joint, x, y, world : arrays (n,)
        International works of each pair, of its two countries, and of the world.

    Examples
    --------
    >>> found = collaboration_index([30.0], [100.0], [200.0], [1000.0])
    >>> found.value.tolist(), bool(found.low[0] < 1.5 < found.high[0])
    ([1.5], True)
    """
    xy, x, y, w = _checked(joint, x, y, world)
    return _interval(xy, _over(w, x * y), (xy, x, y, w), (1.0, -1.0, -1.0, 1.0))


def affinity_index(joint: ArrayLike, x: ArrayLike, y: ArrayLike, links: ArrayLike) -> Index:
    """Probabilistic affinity index ``C_xy C / (C_x C_y)`` (Zitt, Bassecoulard and Okubo 2000).

    Parameters
    ----------
    joint, x, y, links : arrays (n,)
        Links of each pair, sums of the links of its two countries, and all links, each
        once. ``C`` is the sum of the symmetric matrix, twice the links.
    """
    xy, x, y, w = _checked(joint, x, y, links)
    return _interval(xy, _over(2 * w, x * y), (xy, x, y, w), (1.0, -1.0, -1.0, 1.0))


def salton(joint: ArrayLike, x: ArrayLike, y: ArrayLike) -> Index:
    """Salton's measure ``C_xy / sqrt(C_x C_y)``.

    Parameters
    ----------
    joint, x, y : arrays (n,)
        Works of each pair and of its two countries.
    """
    xy, x, y, w = _checked(joint, x, y, np.asarray(x, np.float64) + np.asarray(y, np.float64))
    return _interval(xy, _over(1.0, np.sqrt(x * y)), (xy, x, y, w), (1.0, -0.5, -0.5, 0.0))


def relative_intensity(joint: ArrayLike, x: ArrayLike, y: ArrayLike, world: ArrayLike) -> Index:
    """Relative intensity of collaboration of x with y (Fuchs, Sivertsen and Rousseau 2021).

    The share of y in the works of x over its share in all works without x,
    ``(C_xy / C_x) / ((C_y - C_xy) / (C_w - C_x))``. Not symmetric.

    Parameters
    ----------
    joint, x, y, world : arrays (n,)
        International works of each pair, of its two countries, and of the world.
    """
    xy, x, y, w = _checked(joint, x, y, world)
    beside, without = y - xy, w - x
    scale = _over(without, x * beside)
    parts = (
        (_over(1.0, xy) - _over(1.0, x), xy),
        (-_over(1.0, x), x - xy),
        (_over(1.0, without) - _over(1.0, beside), beside),
        (_over(1.0, without), without - beside),
    )
    return _gamma(xy, scale, parts)


Counts = tuple[Floats, Floats, Floats, Floats]


def _interval(xy: Floats, scale: Floats, counts: Counts, powers: tuple[float, ...]) -> Index:
    """Interval of a product of powers of the four counts."""
    _, x, y, w = counts
    of_xy, of_x, of_y, of_w = (
        power * _over(1.0, n) for n, power in zip(counts, powers, strict=True)
    )
    neither = np.maximum(w - x - y + xy, 0.0)
    parts = (
        (of_xy + of_x + of_y + of_w, xy),
        (of_x + of_w, x - xy),
        (of_y + of_w, y - xy),
        (of_w, neither),
    )
    return _gamma(xy, scale, parts)


def _gamma(xy: Floats, scale: Floats, parts: tuple[tuple[Floats, Floats], ...]) -> Index:
    """Exact Poisson interval (Garwood 1936) of a count worth as much as the index's variance.

    Without error in the totals this is the interval of the joint works by themselves; a
    pair without a joint work has the interval from 0 to what would give none in 1 of 40.
    """
    from scipy.special import gammaincinv

    variance = np.sum([np.where(n > 0, a * a * n, 0.0) for a, n in parts], axis=0)
    units = np.where(xy > 0, _over(1.0, variance), 0.0)
    units = np.where(np.isfinite(units), units, np.where(xy > 0, np.inf, 0.0))
    value = np.where(np.isfinite(scale), xy * scale, np.nan)
    some = np.isfinite(units) & (units > 0)
    safe = np.where(some, units, 1.0)
    low = np.where(some, value * gammaincinv(safe, 0.025) / safe, value)
    high = np.where(some, value * gammaincinv(safe + 1, 0.975) / safe, value)
    high = np.where(xy > 0, high, scale * gammaincinv(1.0, 0.975))
    known = np.isfinite(value)
    return Index(value, np.where(known, low, np.nan), np.where(known, high, np.nan))


def _over(a: Floats | float, b: Floats) -> Floats:
    """Ratio; NaN where the divisor is not above 0."""
    found: Floats = np.divide(a, b, out=np.full(np.shape(b), np.nan), where=b > 0)
    return found


def _checked(joint: ArrayLike, x: ArrayLike, y: ArrayLike, world: ArrayLike) -> Counts:
    xy, x, y, w = (np.asarray(n, np.float64) for n in (joint, x, y, world))
    shapes = {n.shape for n in (xy, x, y, w)}
    kept = len(shapes) == 1 and xy.ndim == 1
    if not kept or not ((xy >= 0) & (xy <= np.minimum(x, y)) & (np.maximum(x, y) <= w)).all():
        raise InputError(
            "Joint works must be at least 0 and at most the works of either side, and those at "
            f"most the world's; found arrays of shapes {sorted(shapes)} in which this does not "
            "hold."
        )
    return xy, x, y, w
