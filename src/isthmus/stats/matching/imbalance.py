"""How unlike two groups are: multivariate L1, standardised differences, variance ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from isthmus.stats.matching.coarsening import Column

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Imbalance:
    """Distance between the treated and the controls on a multivariate histogram.

    Attributes
    ----------
    l1 : float
        Half the sum of absolute differences of relative frequencies: 0 the same, 1 disjoint;
        NaN when a group is empty.
    common_support : float
        Share of the non-empty cells that hold both treated and controls; NaN with no cell.
    """

    l1: float
    common_support: float


@dataclass(frozen=True)
class CovariateBalance:
    """Balance of one covariate; NaN where it is not defined.

    Attributes
    ----------
    name : str
    before, after : float
        Standardised difference. Numeric: mean of the treated minus (weighted) mean of
        the controls, over the standard deviation of all treated. Categorical: the length
        of the vector of differences in shares, measured by the covariance of the pooled
        shares (for two categories this is the absolute difference of the shares over
        the pooled standard deviation).
    variance_ratio_before, variance_ratio_after : float
        Variance of the treated over that of the controls; NaN for categories.
    """

    name: str
    before: float
    after: float
    variance_ratio_before: float
    variance_ratio_after: float


def multivariate_l1(cell: Ints, count: int, treated: Flags, weight: Floats) -> Imbalance:
    """L1 of Iacus, King and Porro (2011, eq. 5) over numbered cells.

    Parameters
    ----------
    cell : array (n,)
        Cell of each unit, 0 to `count` - 1.
    treated : array (n,)
    weight : array (n,)
        Units of weight 0 take no part; weights are scaled to sum 1 within each group.
    """
    mass = np.zeros((2, count))
    _add_mass(cell, treated, weight, mass)
    totals = mass.sum(axis=1)
    filled = (mass > 0).sum(axis=0)
    cells = np.count_nonzero(filled)
    common = np.count_nonzero(filled == 2) / cells if cells else math.nan
    if not totals.all():
        return Imbalance(math.nan, common)
    shares = mass / totals[:, None]
    return Imbalance(float(np.abs(shares[1] - shares[0]).sum() / 2), common)


def covariate_balance(
    columns: Sequence[Column], treated: Flags, weight: Floats, times: Ints
) -> tuple[CovariateBalance, ...]:
    """Balance of each covariate over all units and over the weighted matched ones.

    Each row stands for `times` units of one weight.
    """
    groups = treated.astype(np.int64)
    ones = np.ones(treated.size)
    return tuple(
        _numeric(column.name, column.numbers, groups, (ones, weight), times)
        if column.numbers is not None
        else _categorical(column, groups, times.astype(np.float64), weight * times)
        for column in columns
    )


def _numeric(
    name: str, numbers: Floats, groups: Ints, weights: tuple[Floats, Floats], times: Ints
) -> CovariateBalance:
    before, after = moments(numbers, groups, weights, times)
    scale = math.sqrt(before[1, 1]) if before[1, 1] > 0 else math.nan
    return CovariateBalance(
        name,
        _over(before[1, 0] - before[0, 0], scale),
        _over(after[1, 0] - after[0, 0], scale),
        _over(before[1, 1], before[0, 1]),
        _over(after[1, 1], after[0, 1]),
    )


def _categorical(column: Column, groups: Ints, everyone: Floats, kept: Floats) -> CovariateBalance:
    assert column.codes is not None
    before, after = (_share_distance(column, groups, w) for w in (everyone, kept))
    return CovariateBalance(column.name, before, after, math.nan, math.nan)


def _share_distance(column: Column, groups: Ints, weight: Floats) -> float:
    """Root of the sum of (p - q)^2 over the pooled share, missing left out."""
    mass = np.zeros((2, column.size + 1))
    assert column.codes is not None
    _add_mass(column.codes + 1, groups.astype(np.bool_), weight, mass)
    known = mass[:, 1:]
    totals = known.sum(axis=1)
    if not totals.all():
        return math.nan
    shares = known / totals[:, None]
    pooled = shares.mean(axis=0)
    difference = shares[1] - shares[0]
    return math.sqrt(float(np.sum(difference**2 / np.where(pooled > 0, pooled, 1.0))))


def moments(
    numbers: Floats, groups: Ints, weights: tuple[Floats, Floats], times: Ints
) -> list[Floats]:
    """Weighted mean and unbiased weighted variance of two groups, NaN where undefined.

    Each row stands for `times` units.

    Returns
    -------
    list of arrays (2, 2)
        One per set of weights. Rows are group 0 and 1, columns mean and variance. Weights
        count as reliability: the sum of weighted squares over sum(w) - sum(w^2) / sum(w).
    """
    total, known = _total(numbers, times)
    shift = total / known if known else 0.0
    sums = np.zeros((2, 2, 4))
    _add_moments(numbers, groups, weights[0], weights[1], times, shift, sums)
    return [_from_sums(each, shift) for each in sums]


def _from_sums(sums: Floats, shift: float) -> Floats:
    w, w2, wx, wxx = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = wx / w
        freedom = w - w2 / w
        variance = np.where(freedom > 1e-12 * w, (wxx - wx * mean) / freedom, math.nan)
    return np.column_stack([mean + shift, np.where(variance < 0, 0.0, variance)])


def _over(value: float, by: float) -> float:
    return float(value / by) if by > 0 else math.nan


@numba.njit(cache=True, nogil=True)
def _add_mass(  # pragma: no cover - compiled
    cell: Ints, treated: Flags, weight: Floats, mass: Floats
) -> None:
    for i in range(cell.size):
        if weight[i] > 0:
            mass[1 if treated[i] else 0, cell[i]] += weight[i]


@numba.njit(cache=True, nogil=True)
def _total(numbers: Floats, times: Ints) -> tuple[float, int]:  # pragma: no cover - compiled
    total, known = 0.0, 0
    for i in range(numbers.size):
        if not np.isnan(numbers[i]):
            total += times[i] * numbers[i]
            known += times[i]
    return total, known


@numba.njit(cache=True, nogil=True)
def _add_moments(  # pragma: no cover - compiled
    numbers: Floats,
    groups: Ints,
    first: Floats,
    second: Floats,
    times: Ints,
    shift: float,
    sums: Floats,
) -> None:
    for i in range(numbers.size):
        if np.isnan(numbers[i]):
            continue
        x, group = numbers[i] - shift, groups[i]
        for k in range(2):
            w = first[i] if k == 0 else second[i]
            if w > 0:
                into, mass = sums[k, group], w * times[i]
                into[0] += mass
                into[1] += mass * w
                into[2] += mass * x
                into[3] += mass * x * x
