"""Trends of series between countries: a line, whether it is one, and its direction."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from isthmus.stats import trend
from isthmus.stats.trends.gls import Trend
from isthmus.study.sections import Poles

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Half the width of a 95 % interval, in standard errors.
HALF = 1.959964

#: Words for a trend, in the tables.
RISING, FALLING, FLAT = "rising", "falling", "flat"
BENT, UNKNOWN = "not one line", "too few years"
#: Word of a pair whose turn is found; see :mod:`isthmus.poles.turns`.
TURNED = "turned"


@dataclass(frozen=True)
class Lines:
    """Trend of each of p series, a year.

    Attributes
    ----------
    slope, low, high, p, bend_p : (p,)
        As :class:`isthmus.stats.trends.gls.Trend`; NaN for series of fewer than six years.
    sign : (p,) int8
        1 rising, -1 falling: p is at most the level and the slope is as large as
        matters; 0 otherwise.
    bent : (p,) bool
        Whether one line does not describe the path.
    """

    slope: Floats
    low: Floats
    high: Floats
    p: Floats
    bend_p: Floats
    sign: NDArray[np.int8]
    bent: Flags

    def __len__(self) -> int:
        return len(self.slope)

    @property
    def known(self) -> Flags:
        """Whether there is a trend to speak of at all."""
        return np.isfinite(self.p)

    @property
    def ratio(self) -> Floats:
        """Slopes over their standard errors, (p,)."""
        width = (self.high - self.low) / (2 * HALF)
        out = np.full(len(self), np.nan)
        np.divide(self.slope, width, out=out, where=width > 0)
        return np.where(self.slope == 0, 0.0, out)

    def only(self, row: int) -> Lines:
        """Return the trend of one series."""
        return Lines(*(getattr(self, field.name)[[row]] for field in fields(self)))

    def placed(self, rows: NDArray[np.int64], count: int) -> Lines:
        """Return the trends as those of `count` series, unknown but at `rows`."""
        made = []
        for field in fields(self):
            values = getattr(self, field.name)
            empty = np.full(count, np.nan if values.dtype.kind == "f" else 0)
            whole = empty.astype(values.dtype)
            whole[rows] = values
            made.append(whole)
        return Lines(*made)

    def word(self, row: int) -> str:
        """Return the trend of a series in words."""
        if not self.known[row]:
            return UNKNOWN
        if self.bent[row]:
            return BENT
        return {1: RISING, -1: FALLING, 0: FLAT}[int(self.sign[row])]

    def number(self, what: str, row: int) -> float | None:
        """Return one number of a series, None where there is none."""
        value = float(getattr(self, what)[row])
        return value if np.isfinite(value) else None


def least_slope(quantity: str, years: int, settings: Poles) -> float:
    """Return the smallest slope a year that is called a trend."""
    if quantity == "affinity":
        return settings.smallest_change
    return settings.flat_change[quantity] / max(years - 1, 1)


def lines(found: Trend, least: float, settings: Poles, *, alone: Flags | None = None) -> Lines:
    """Judge the direction of each trend.

    Whether a path bends is asked of thousands of pairs, so their p-values are held to a
    false discovery rate of `bend_level` (Benjamini and Hochberg 1995). Series that the
    study named in advance, the poles' own, are few and judged by their own p.

    Parameters
    ----------
    found : Trend
    least : float
        Smallest slope that counts, see :func:`least_slope`.
    alone : (p,) bool, optional
        Series named in advance; all by default.
    """
    with np.errstate(invalid="ignore"):
        chance = found.p <= settings.trend_level
        large = np.abs(found.slope) >= least
    sign = np.where(chance & large, np.sign(found.slope), 0).astype(np.int8)
    named = np.ones(len(sign), dtype=bool) if alone is None else alone
    bent = _bent(found.bend_p, named, settings.bend_level)
    return Lines(found.slope, found.low, found.high, found.p, found.bend_p, sign, bent)


def line(path: Floats, least: float, settings: Poles) -> Lines:
    """Fit a line to one series, (t,), whose errors are not known."""
    return lines(trend(path[None]), least, settings)


def _bent(p: Floats, alone: Flags, level: float) -> Flags:
    with np.errstate(invalid="ignore"):
        bent: Flags = np.asarray(p <= level)
    many = np.isfinite(p) & ~alone
    if many.any():
        bent[many] = false_discovery_control(p[many]) <= level
    return bent
