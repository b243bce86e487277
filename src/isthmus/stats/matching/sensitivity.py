"""How strong hidden bias would have to be to explain an effect away."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from isthmus.errors import InputError
from isthmus.stats.cells import number_cells

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Odds of hidden bias that bounds are shown at.
GAMMAS = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0)

#: Odds of hidden bias beyond which an effect is called insensitive without looking further.
_LARGEST_GAMMA = 100.0


@dataclass(frozen=True)
class EValue:
    """E-values of a ratio and of the end of its interval nearest to 1.

    Attributes
    ----------
    estimate : float
        A hidden confounder tied to treatment and to outcome by risk ratios of this size each
        (beyond the measured covariates) could explain the ratio away; a weaker one could not.
    interval : float
        The same for the interval to reach 1; 1 when it holds 1 already.
    """

    estimate: float
    interval: float


@dataclass(frozen=True)
class RosenbaumBounds:
    """Bounds of a one-sided p under hidden bias of given size.

    Attributes
    ----------
    gamma : array (g,)
        Odds ratio by which two units of one stratum may differ in their chance of treatment.
    p_upper, p_lower : array (g,)
        Largest and smallest p that such bias can give.
    critical_gamma : float
        Largest odds at which `p_upper` stays at or below `alpha`; 1 when it does not even
        without bias, infinite when it does up to odds of 100; NaN when no stratum tells
        anything.
    informative_strata : int
        Strata with treated and controls, and with both outcomes.
    """

    gamma: Floats
    p_upper: Floats
    p_lower: Floats
    critical_gamma: float
    informative_strata: int


def e_value(ratio: float, low: float = math.nan, high: float = math.nan) -> EValue:
    """E-value of a risk ratio, or of a ratio of means of a non-negative outcome.

    VanderWeele and Ding (2017), *Annals of Internal Medicine* 167: 268-274: for a ratio
    R > 1 it is R + sqrt(R (R - 1)), for R < 1 that of 1/R.

    Examples
    --------
    >>> round(e_value(3.9, 1.8, 8.7).estimate, 2), round(e_value(3.9, 1.8, 8.7).interval, 2)
    (7.26, 3.0)
    """
    if ratio <= 0:
        raise InputError(f"An E-value needs a positive ratio; found {ratio}.")
    nearest = low if ratio >= 1 else high
    crosses = not math.isnan(nearest) and (nearest - 1) * (ratio - 1) <= 0
    interval = 1.0 if crosses else _e_value(nearest)
    return EValue(_e_value(ratio), interval)


def _e_value(ratio: float) -> float:
    if math.isnan(ratio) or ratio <= 0:
        return math.nan
    larger = max(ratio, 1 / ratio)
    return larger + math.sqrt(larger * (larger - 1))


def rosenbaum_bounds(
    success: Flags,
    treated: Flags,
    stratum: Ints,
    *,
    gammas: tuple[float, ...] = GAMMAS,
    alpha: float = 0.05,
) -> RosenbaumBounds:
    """Rosenbaum bounds of the test that treatment raises a yes-or-no outcome, in strata.

    The statistic is the number of treated units with the outcome. Without hidden bias it
    is a sum over strata of hypergeometric counts (Mantel-Haenszel); when units of one
    stratum may differ by odds of gamma in their chance of treatment, its distribution lies
    between the sums of extended hypergeometric counts with odds gamma and 1/gamma, since
    the worst hidden covariate is the outcome itself (Rosenbaum 2002, *Observational
    Studies*, 2nd ed., chapter 4). Tails are normal, with continuity correction.

    Parameters
    ----------
    success, treated : arrays (n,), bool
        A count becomes yes-or-no by a threshold, such as "more than the field's median".
    stratum : array (n,)
        Matched strata; the units of unmatched ones say nothing and are ignored.
    gammas : tuple of float, each at least 1
    alpha : float
        Level for `critical_gamma`.
    """
    if min(gammas) < 1:
        raise InputError(f"Odds of hidden bias are at least 1; found {min(gammas)}.")
    tables = _informative(success, treated, stratum)
    seen = int(tables[:, 3].sum())
    grid = np.asarray(gammas, dtype=np.float64)
    if tables.shape[0] == 0:
        empty = np.full(grid.size, math.nan)
        return RosenbaumBounds(grid, empty, empty.copy(), math.nan, 0)
    upper = np.array([_upper_tail(tables, seen, g) for g in grid])
    lower = np.array([_upper_tail(tables, seen, 1 / g) for g in grid])
    return RosenbaumBounds(grid, upper, lower, _critical(tables, seen, alpha), int(tables.shape[0]))


def _informative(success: Flags, treated: Flags, stratum: Ints) -> Ints:
    """Per informative stratum: units, treated, successes, treated successes."""
    cell, cells = number_cells([stratum], [int(stratum.max(initial=-1)) + 1], stratum.size)
    units, n_treated, n_success, n_both = (
        np.bincount(cell[where], minlength=cells)
        for where in (slice(None), treated, success, treated & success)
    )
    mixed = (n_treated > 0) & (n_treated < units) & (n_success > 0) & (n_success < units)
    return np.column_stack([units, n_treated, n_success, n_both])[mixed].astype(np.int64)


def _upper_tail(tables: Ints, seen: int, odds: float) -> float:
    mean, variance = _extended_hypergeometric_sum(tables, odds)
    if not variance > 0:
        return math.nan
    return float(ndtr(-(seen - mean - 0.5) / math.sqrt(variance)))


def _critical(tables: Ints, seen: int, alpha: float) -> float:
    if _upper_tail(tables, seen, 1.0) > alpha:
        return 1.0
    low, high = 1.0, _LARGEST_GAMMA
    if _upper_tail(tables, seen, high) <= alpha:
        return math.inf
    while high - low > 1e-4 * low:
        middle = (low + high) / 2
        if _upper_tail(tables, seen, middle) <= alpha:
            low = middle
        else:
            high = middle
    return low


@numba.njit(cache=True, nogil=True)
def _extended_hypergeometric_sum(  # pragma: no cover - compiled
    tables: Ints, odds: float
) -> tuple[float, float]:
    """Mean and variance of a sum of extended hypergeometric counts, by their recursion."""
    total_mean, total_variance = 0.0, 0.0
    for row in range(tables.shape[0]):
        units, drawn, marked = tables[row, 0], tables[row, 1], tables[row, 2]
        least, most = max(0, drawn + marked - units), min(drawn, marked)
        mass, first, second, term = 0.0, 0.0, 0.0, 1.0
        for k in range(least, most + 1):
            step = float(k - least)
            mass, first, second = mass + term, first + step * term, second + step * step * term
            term *= odds * (marked - k) * (drawn - k)
            term /= (k + 1.0) * (units - marked - drawn + k + 1.0)
            if mass > 1e200:
                mass, first, second, term = (
                    mass * 1e-200, first * 1e-200, second * 1e-200, term * 1e-200
                )  # fmt: skip
        mean = first / mass
        total_mean += least + mean
        total_variance += second / mass - mean * mean
    return total_mean, total_variance
