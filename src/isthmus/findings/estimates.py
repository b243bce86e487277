"""Numbers with intervals, made from counts, series and intervals of result tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, stdtrit
from scipy.stats import rankdata

from isthmus.findings.verdict import COVERAGE, Z_95, Condition
from isthmus.stats import trend
from isthmus.stats.ratios import Total, ratio_of_totals
from isthmus.stats.shares import FEWEST

Floats = NDArray[np.float64]

#: P of a bend below which a trend is reported as not one line.
BEND_LEVEL = 0.05


def missing(condition: Condition, reason: str) -> Condition:
    """Return the condition without a number because the study has no data for it."""
    return replace(condition, reason=reason, absent=True)


def too_few(condition: Condition, reason: str) -> Condition:
    """Return the condition without a number because there are too few data."""
    return replace(condition, reason=f"too few: {reason.removeprefix('too few: ')}")


def with_error(condition: Condition, value: float, error: float, df: float = math.inf) -> Condition:
    """Fill in an estimate and its standard error, on logarithms for a ratio."""
    if not (math.isfinite(value) and math.isfinite(error)):
        return too_few(condition, "no standard error")
    half = float(stdtrit(df, (1 + COVERAGE) / 2) if math.isfinite(df) else Z_95) * error
    if condition.log:
        low, high = value * math.exp(-half), value * math.exp(half)
    else:
        low, high = value - half, value + half
    return replace(condition, value=value, low=low, high=high, df=df)


def ratio(condition: Condition, above: Sequence[Total], below: Sequence[Total]) -> Condition:
    """Fill in a ratio of totals (:func:`isthmus.stats.ratios.ratio_of_totals`).

    Parameters
    ----------
    above, below
        Totals with their standard errors (of counts: their square roots); the product of those
        above over the product of those below.

    Examples
    --------
    >>> made = ratio(Condition("x", 1, 1.1, log=True), [(400, 20)], [(100, 10)])
    >>> round(made.value, 2), round(made.low, 2), round(made.high, 2)
    (4.0, 3.2, 5.0)
    """
    if not all(x is not None and math.isfinite(x) for part in (*above, *below) for x in part):
        return too_few(condition, "no standard error of a total")
    found = ratio_of_totals(above, below)
    filled = replace(condition, value=None if math.isnan(found.value) else found.value)
    if found.reason:
        return replace(filled, reason=found.reason)
    return replace(filled, low=found.low, high=found.high, df=found.df)


def share(condition: Condition, k: float, n: float) -> Condition:
    """Fill in a share ``k / n`` with its Jeffreys interval.

    Quantiles of a beta law with 1/2 added to hits and to the rest; an end is 0 or 1 where there
    is no hit or no rest. It holds the share in 95 of 100 on average, where the exact interval
    holds it in more (Brown, Cai and DasGupta 2001, Statistical Science 16, 101, section 3.1).
    """
    if n < FEWEST:
        return too_few(condition, f"{n:.0f}, {FEWEST} are needed")
    hits, rest, tail = round(k), round(n) - round(k), (1 - COVERAGE) / 2
    low = float(betaincinv(hits + 0.5, rest + 0.5, tail)) if hits else 0.0
    high = float(betaincinv(hits + 0.5, rest + 0.5, 1 - tail)) if rest else 1.0
    return replace(condition, value=k / n, low=low, high=high)


def mean(condition: Condition, values: ArrayLike) -> Condition:
    """Fill in a mean with Student's interval."""
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    n = len(known)
    if n < FEWEST:
        return too_few(condition, f"{n} years, {FEWEST} are needed")
    error = float(known.std(ddof=1)) / math.sqrt(n)
    return with_error(condition, float(known.mean()), error, n - 1)


def superiority(condition: Condition, one: ArrayLike, other: ArrayLike) -> Condition:
    """Fill in the probability that a member of `one` exceeds one of `other`, ties half.

    The interval is that of Brunner and Munzel (2000, Biometrical Journal 42, 17-25), which
    allows for ties and unequal spread: Student's with the Satterthwaite degrees of freedom.
    """
    x, y = (np.asarray(side, dtype=np.float64) for side in (one, other))
    n, m = len(x), len(y)
    if min(n, m) < FEWEST:
        return too_few(condition, f"{min(n, m)} on one side, {FEWEST} are needed")
    ranks = rankdata(np.concatenate([x, y]))
    placed_x, placed_y = ranks[:n] - rankdata(x), ranks[n:] - rankdata(y)
    value = float(placed_x.mean()) / m
    parts = np.array([placed_x.var(ddof=1) / (n * m**2), placed_y.var(ddof=1) / (m * n**2)])
    if not parts.sum():
        return too_few(condition, "the values do not vary")
    df = parts.sum() ** 2 / (parts[0] ** 2 / (n - 1) + parts[1] ** 2 / (m - 1))
    return with_error(condition, value, math.sqrt(parts.sum()), float(df))


def interval(
    condition: Condition, row: Mapping[str, Any], columns: tuple[str, str, str]
) -> Condition:
    """Fill in an estimate with the interval that a table states.

    Where the row says on how many effective clusters the interval rests, the interval is
    Student's with one degree of freedom less, which p at stricter levels needs.
    """
    value, low, high = (row.get(column) for column in columns)
    if value is None:
        return too_few(condition, row.get("reason") or row.get("note") or "nothing to compare")
    if low is None or high is None:
        few = too_few(condition, row.get("reason") or row.get("note") or "no interval")
        return replace(few, value=value)
    worth = row.get("effective_clusters")
    df = math.inf if worth is None else max(worth, 2.0) - 1
    return replace(condition, value=float(value), low=float(low), high=float(high), df=df)


def slope(
    condition: Condition,
    years: ArrayLike,
    values: ArrayLike,
    se: ArrayLike | None = None,
    *,
    unit: float = 1.0,
    one_line: bool = True,
) -> Condition:
    """Fill in the yearly change of a series (:func:`isthmus.stats.trend`).

    Parameters
    ----------
    years, values, se
        One each per year; missing years are gaps. `se` is the standard error of each value.
    unit
        What values are divided by before the trend is fitted, and the slope multiplied by
        after: 100 for per cent, since the noise expected beside `se` is one of logarithms.
    one_line
        Whether a series that bends must not be read as one line.
    """
    at, known = np.asarray(years, dtype=np.int64), np.asarray(values, dtype=np.float64)
    if not np.isfinite(known).sum() >= FEWEST:
        return too_few(condition, f"{int(np.isfinite(known).sum())} years, {FEWEST} are needed")
    series = np.full((2, 1, int(at.max() - at.min()) + 1), np.nan)
    series[0, 0, at - at.min()] = known / unit
    if se is not None:
        series[1, 0, at - at.min()] = np.asarray(se, dtype=np.float64) / unit
    found = trend(series[0], None if se is None else series[1])
    ends = [float(end[0]) * unit for end in (found.slope, found.low, found.high)]
    if not all(map(math.isfinite, ends)):
        return too_few(condition, "no interval of the trend")
    filled = replace(condition, value=ends[0], low=ends[1], high=ends[2])
    if one_line and found.bend_p[0] <= BEND_LEVEL:
        return replace(filled, reason=NOT_ONE_LINE)
    return filled


#: Why a slope must not be read as the path of a series that bends.
NOT_ONE_LINE = "not one line: the path bends, so one slope does not describe it"
