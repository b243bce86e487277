"""Differences of means within strata, such as years, pooled over them.

A difference pooled over years mixes in how the groups spread over the years. Here the
groups are compared within each stratum only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from isthmus.errors import InputError
from isthmus.stats.resampling.cluster_bootstrap import MIN_CLUSTERS, effective_number

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Difference:
    """A difference of means within strata.

    Attributes
    ----------
    value, low, high, p : float
        One less zero, its interval and two-sided p (Student's t); NaN where there is none.
    mean_one, mean_zero : float
        Weighted means of the two groups over the strata that hold both.
    n_one, n_zero, strata : int
        Units of either group in these strata, and their number.
    reason : str
        Why there is no interval; empty when there is one.
    """

    value: float
    low: float
    high: float
    p: float
    mean_one: float
    mean_zero: float
    n_one: int
    n_zero: int
    strata: int
    reason: str


@dataclass(frozen=True)
class Sums:
    """Units of one group by stratum: arrays (s,) of their number, sum and sum of squares."""

    count: Floats
    total: Floats
    squares: Floats


def difference_of_sums(
    one: Sums, zero: Sums, *, level: float = 0.95, min_units: float = MIN_CLUSTERS
) -> Difference:
    """Mean difference with Mantel-Haenszel weights n1 n0 / (n1 + n0) by stratum.

    For units of 0 and 1 this is the Mantel-Haenszel risk difference; its variance is the
    sum over strata of w^2 (v1 / n1 + v0 / n0) with the groups' variances v.

    Parameters
    ----------
    one, zero : Sums
        The two groups, stratum by stratum in one order.
    min_units : float
        Fewer units on a side give no interval, nor do fewer degrees of freedom than that less
        one. Those are the units of the smaller side, less one for each stratum.
    """
    both = (one.count > 0) & (zero.count > 0)
    if not both.any():
        return _none("No stratum holds both groups.")
    n1, n0 = one.count[both], zero.count[both]
    weight = n1 * n0 / (n1 + n0)
    weight = weight / weight.sum()
    means = [g.total[both] / g.count[both] for g in (one, zero)]
    spread = [_variance(g, both) for g in (one, zero)]
    error = math.sqrt(float((weight**2 * (spread[0] / n1 + spread[1] / n0)).sum()))
    mean_one, mean_zero = (float(weight @ mean) for mean in means)
    few = min(float(n1.sum()), float(n0.sum()))
    # A stratum's variance rests on its units but one.
    freedom = min(float((n1 - 1).sum()), float((n0 - 1).sum()))
    reason = "" if few >= min_units else f"too few: {few:.0f} units, {min_units:g} needed"
    if not reason and freedom < min_units - 1:
        reason = (
            f"too few: {few:.0f} units in {both.sum()} strata leave {freedom:.0f} degrees of "
            f"freedom, {min_units - 1:g} needed"
        )
    return _difference(
        (mean_one, mean_zero),
        error,
        freedom,
        (int(n1.sum()), int(n0.sum()), int(both.sum())),
        reason,
        level,
    )


def matched_difference(
    value: npt.ArrayLike,
    one: Flags,
    stratum: Ints,
    person: Ints,
    *,
    level: float = 0.95,
    min_units: float = MIN_CLUSTERS,
) -> Difference:
    """Mean difference of group one from units of the same stratum, weighted by group one.

    Each unit of group one is compared with the mean of group zero in its stratum. The error
    clusters by person, who may stand in several strata.

    Parameters
    ----------
    value : array (n,)
    one : array (n,), bool
    stratum, person : arrays (n,), int from 0 on
    min_units : float
        Fewer persons in group one, or effective persons in group zero, give no interval.
    """
    y = np.asarray(value, dtype=np.float64)
    if not (y.ndim == 1 and y.shape == one.shape == stratum.shape == person.shape):
        raise InputError(
            "value, one, stratum and person must be one-dimensional and of one length; found "
            f"shapes {y.shape}, {one.shape}, {stratum.shape}, {person.shape}."
        )
    if not np.isfinite(y).all():
        raise InputError("Values must be finite; leave units without a value out first.")
    strata = int(stratum.max(initial=-1)) + 1
    n1, n0 = (np.bincount(stratum[side], minlength=strata) for side in (one, ~one))
    kept = ((n1 > 0) & (n0 > 0))[stratum]
    if not kept.any():
        return _none("No stratum holds both groups.")
    y, one, stratum, person = y[kept], one[kept], stratum[kept], person[kept]
    sums = np.bincount(stratum[~one], weights=y[~one], minlength=strata)
    usual = (sums / np.maximum(n0, 1))[stratum]
    n = int(one.sum())
    value_of = float((y - usual)[one].mean())
    mean_one = float(y[one].mean())
    share = np.where(one, 1.0, n1[stratum] / np.maximum(n0[stratum], 1)) / n
    influence = np.where(one, y - usual - value_of, usual - y) * share
    who, where = np.unique(person, return_inverse=True)
    weights = [
        np.bincount(where[side], weights=share[side], minlength=who.size) for side in (one, ~one)
    ]
    few = min(effective_number(np.asarray(w, dtype=np.float64)) for w in weights)
    summed = np.bincount(where, weights=influence, minlength=who.size)
    factor = few / (few - 1) if few > 1 else math.nan
    error = math.sqrt(float(np.square(summed).sum()) * factor) if few > 1 else math.nan
    reason = (
        "" if few >= min_units else f"too few: {few:.1f} effective persons, {min_units:g} needed"
    )
    counts = (n, int((~one).sum()), int(np.unique(stratum).size))
    return _difference((mean_one, mean_one - value_of), error, few - 1, counts, reason, level)


def _variance(group: Sums, both: Flags) -> Floats:
    """Variances within strata; strata of one unit take that of all strata together."""
    n, total, squares = group.count[both], group.total[both], group.squares[both]
    around = np.maximum(squares - total**2 / n, 0.0)
    freedom = n - 1
    pooled = around.sum() / freedom.sum() if freedom.sum() > 0 else math.nan
    found: Floats = np.where(freedom > 0, around / np.maximum(freedom, 1), pooled)
    return found


def _difference(
    means: tuple[float, float],
    error: float,
    freedom: float,
    counts: tuple[int, int, int],
    reason: str,
    level: float,
) -> Difference:
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1; found {level}.")
    value = means[0] - means[1]
    if not reason and not error > 0:
        reason = "the values do not vary"
    if reason:
        return Difference(value, math.nan, math.nan, math.nan, *means, *counts, reason)
    reach = float(stdtrit(freedom, (1 + level) / 2)) * error
    p = float(2 * stdtr(freedom, -abs(value) / error))
    return Difference(value, value - reach, value + reach, p, *means, *counts, "")


def _none(reason: str) -> Difference:
    nan: Any = math.nan
    return Difference(nan, nan, nan, nan, nan, nan, 0, 0, 0, reason)
