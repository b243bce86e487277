"""Effects of a treatment on matched units, by the mean and by what heavy tails leave alone.

All functions take the outcome, the treatment and the weights of a matching; units
of weight 0 take no part. Means of citations hang on few papers, so beside the mean
stand the mean of log(1 + c), the median, the chance of an outcome at the top, and
the share of the effect that the largest outcomes carry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr

from isthmus.errors import InputError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Effect:
    """Difference between the matched treated and the weighted matched controls.

    Attributes
    ----------
    treated, control : int
        Matched units.
    mean_treated, mean_control : float
        Weighted means; NaN when a group is empty.
    mean_control_unweighted : float
        Mean of the matched controls without weights, for comparison with studies that report it.
    difference, percent : float
        Difference of the weighted means, and it in percent of `mean_control` (NaN when that
        is not positive).
    se : float
        Standard error of weighted least squares on the treatment (equal variances).
    t, df, p : float
        Welch's test with weights: statistic, degrees of freedom, two-sided p.
    """

    treated: int
    control: int
    mean_treated: float
    mean_control: float
    mean_control_unweighted: float
    difference: float
    percent: float
    se: float
    t: float
    df: float
    p: float


@dataclass(frozen=True)
class Measures:
    """One effect seen through several summaries of the outcome.

    Attributes
    ----------
    mean, log_mean : Effect
        On the outcome c, and on log(1 + c).
    median_treated, median_control : float
        Weighted medians.
    top_treated, top_control : float
        Weighted share of units at the top.
    top_p : float
        Fisher's exact test, two-sided, of the unweighted counts behind these shares.
    carried_by_largest : float
        Share of the effect on the mean that goes when the largest outcomes go.
    """

    mean: Effect
    log_mean: Effect
    median_treated: float
    median_control: float
    top_treated: float
    top_control: float
    top_p: float
    carried_by_largest: float


def satt(outcome: npt.ArrayLike, treated: Flags, weight: Floats) -> Effect:
    """Sample average treatment effect on the matched treated.

    Parameters
    ----------
    outcome, weight : arrays (n,)
    treated : array (n,), bool

    Notes
    -----
    Welch's test uses each group's weighted mean and unbiased weighted variance, and
    (sum w)^2 / sum w^2 as the number of units it is worth; with equal weights it is the
    usual test.

    Examples
    --------
    >>> effect = satt([3, 5, 2, 2], np.array([True, True, False, False]), np.ones(4))
    >>> effect.difference, effect.percent
    (2.0, 100.0)
    """
    y, t, w = _matched(outcome, treated, weight)
    plain = float(y[~t].mean()) if not t.all() else math.nan
    return _effect(_group(y[t], w[t]), _group(y[~t], w[~t]), plain)


def satt_of_sums(
    treated: Flags, weight: Floats, count: Floats, total: Floats, squares: Floats
) -> Effect:
    """As :func:`satt`, from sums over groups of units of one side and one weight.

    Parameters
    ----------
    treated : array (m,), bool
    weight : array (m,)
        Weight of each unit of the group.
    count, total, squares : arrays (m,)
        Units, sum of their outcomes, sum of the squares. Exact for whole outcomes.
    """
    sides = [
        _group_of_sums(*(values[side & (weight > 0)] for values in (weight, count, total, squares)))
        for side in (treated, ~treated)
    ]
    control = ~treated & (weight > 0)
    n = count[control].sum()
    return _effect(sides[0], sides[1], float(total[control].sum() / n) if n else math.nan)


def _effect(one: _Group, zero: _Group, plain: float) -> Effect:
    statistic, df, p = _welch(one, zero)
    return Effect(
        treated=one.n,
        control=zero.n,
        mean_treated=one.mean,
        mean_control=zero.mean,
        mean_control_unweighted=plain,
        difference=one.mean - zero.mean,
        percent=relative_percent(one.mean, zero.mean),
        se=_least_squares_error(one, zero),
        t=statistic,
        df=df,
        p=p,
    )


def relative_percent(treated: float, control: float) -> float:
    """100 (treated - control) / control; NaN when the control's mean is not positive."""
    return 100 * (treated - control) / control if control > 0 else math.nan


@dataclass(frozen=True)
class _Group:
    n: int
    mean: float
    variance: float
    worth: float  # (sum w)^2 / sum w^2
    total: float  # sum w
    spread: float  # sum w (y - mean)^2


def _matched(
    outcome: npt.ArrayLike, treated: Flags, weight: Floats
) -> tuple[Floats, Flags, Floats]:
    y = np.asarray(outcome, dtype=np.float64)
    if not (y.ndim == 1 and y.shape == treated.shape == weight.shape):
        raise InputError(
            "outcome, treated and weight must be one-dimensional and of one length; found "
            f"shapes {y.shape}, {treated.shape} and {weight.shape}."
        )
    used = weight > 0
    if not np.isfinite(y[used]).all():
        raise InputError("The outcome of a matched unit is missing; leave such units out first.")
    return y[used], treated[used], weight[used]


def _group(y: Floats, w: Floats) -> _Group:
    if y.size == 0:
        return _Group(0, math.nan, math.nan, 0.0, 0.0, 0.0)
    total, squares = float(w.sum()), float(np.square(w).sum())
    # A weighted mean of equal values may miss them by rounding; that must not look like spread.
    mean = float(y[0]) if np.ptp(y) == 0 else float(np.average(y, weights=w))
    spread = float((w * np.square(y - mean)).sum())
    return _spread_group(y.size, mean, total, squares, spread)


def _group_of_sums(weight: Floats, count: Floats, total: Floats, squares: Floats) -> _Group:
    n = int(count.sum())
    if n == 0:
        return _Group(0, math.nan, math.nan, 0.0, 0.0, 0.0)
    mass = float((weight * count).sum())
    mean = float((weight * total).sum()) / mass
    # Around the mean, so that large outcomes do not swallow their differences.
    spread = float((weight * (squares - 2 * mean * total + mean * mean * count)).sum())
    return _spread_group(n, mean, mass, float((weight**2 * count).sum()), max(spread, 0.0))


def _spread_group(n: int, mean: float, total: float, squares: float, spread: float) -> _Group:
    freedom = total - squares / total
    variance = spread / freedom if freedom > 1e-12 * total else math.nan
    return _Group(n, mean, variance, total * total / squares, total, spread)


def _welch(one: _Group, zero: _Group) -> tuple[float, float, float]:
    if one.n < 2 or zero.n < 2:
        return math.nan, math.nan, math.nan
    parts = (one.variance / one.worth, zero.variance / zero.worth)
    error = math.sqrt(sum(parts))
    if not error > 0:
        return math.nan, math.nan, math.nan
    t = (one.mean - zero.mean) / error
    df = sum(parts) ** 2 / (parts[0] ** 2 / (one.worth - 1) + parts[1] ** 2 / (zero.worth - 1))
    return t, df, float(2 * stdtr(df, -abs(t)))


def _least_squares_error(one: _Group, zero: _Group) -> float:
    units = one.n + zero.n
    if one.n == 0 or zero.n == 0 or units < 3:
        return math.nan
    variance = (one.spread + zero.spread) / (units - 2)
    return math.sqrt(variance * (1 / one.total + 1 / zero.total))


def measures(
    outcome: npt.ArrayLike,
    treated: Flags,
    weight: Floats,
    top: Flags,
    *,
    largest: int = 10,
) -> Measures:
    """See the effect through mean, log mean, median, top chance and the largest outcomes.

    Parameters
    ----------
    outcome, weight : arrays (n,), outcome not negative
    treated : array (n,), bool
    top : array (n,), bool
        Which units are at the top, such as the most cited percent of all papers of the field
        and year; where the top begins must not come from the matched units alone.
    largest : int
        How many of the largest matched outcomes `carried_by_largest` leaves out.
    """
    y, t, w = _matched(outcome, treated, weight)
    if (y < 0).any():
        raise InputError("Outcomes must not be negative; log(1 + c) needs counts.")
    at_top = np.asarray(top, dtype=np.bool_)[weight > 0]
    share = satt(at_top, t, w)
    return Measures(
        mean=satt(y, t, w),
        log_mean=satt(np.log1p(y), t, w),
        median_treated=weighted_median(y[t], w[t]),
        median_control=weighted_median(y[~t], w[~t]),
        top_treated=share.mean_treated,
        top_control=share.mean_control,
        top_p=fisher_p(at_top, t),
        carried_by_largest=carried_by_largest(y, t, w, largest),
    )


def weighted_median(values: Floats, weight: Floats) -> float:
    """Smallest value at which half the weight is reached, midway to the next at exactly half."""
    if values.size == 0:
        return math.nan
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    half = reached[-1] / 2
    tolerance = 1e-12 * reached[-1]
    at = int(np.searchsorted(reached, half - tolerance))
    exactly = abs(reached[at] - half) <= tolerance and at + 1 < values.size
    above = values[order[at + 1]] if exactly else values[order[at]]
    return float((values[order[at]] + above) / 2)


def fisher_p(success: Flags, treated: Flags) -> float:
    """Two-sided p of Fisher's exact test that success and treatment go together."""
    lost, lost_treated, won, won_treated = np.bincount(success * 2 + treated, minlength=4).tolist()
    return fisher_p_of(won_treated, lost_treated, won, lost)


def fisher_p_of(won: int, lost: int, others_won: int, others_lost: int) -> float:
    """Two-sided p of Fisher's exact test on counts; NaN when a side is empty.

    Examples
    --------
    >>> round(fisher_p_of(3, 1, 1, 3), 4)
    0.4857
    """
    if not (won + lost and others_won + others_lost):
        return math.nan
    from scipy.stats import fisher_exact

    return float(fisher_exact([[won, lost], [others_won, others_lost]]).pvalue)


def carried_by_largest(outcome: Floats, treated: Flags, weight: Floats, largest: int = 10) -> float:
    """Share of the difference of means that goes when the largest outcomes are left out.

    0 when they do not matter, 1 when nothing is left, above 1 when the sign turns. Equal
    outcomes are taken treated first, then by weight, so that the order of rows does not
    matter. NaN when there is no difference or a group would be empty.
    """
    y, t, w = _matched(outcome, treated, weight)
    order = np.lexsort((-w, ~t, -y))
    rest = np.sort(order[largest:])
    whole = satt(y, t, w).difference
    without = satt(y[rest], t[rest], w[rest]).difference
    return 1 - without / whole if whole else math.nan
