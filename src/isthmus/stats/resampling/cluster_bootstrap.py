"""Bootstrap intervals of a matched effect, over clusters.

Units that share a cluster vary together, so whole clusters are drawn, and the
matching weights are made anew in every draw. The draws give the standard error of the
logarithm of the ratio of means; interval and p are those of Student's t on that scale.
The error of few clusters is too small by sqrt((G - 1) / G) (Hesterberg 2015, The American
Statistician 69: 371-386), and G - 1 its degrees of freedom, with G the number of
clusters that count: with weights m_g in cluster g, clusters are worth
(sum m)^2 / sum m^2 (Carter, Schnepel and Steigerwald 2017, equal errors). The weights
are the treated units on one side, and on the other the outcome their controls let
expect; the smaller worth decides. Below six there is no interval: none holds its level
there (coverage 49, 71 and 83 % at 2, 3 and 4 to 5 treated clusters).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from isthmus.errors import InputError
from isthmus.stats.cells import number_cells
from isthmus.stats.resampling.bootstrap import check_settings, checked, deviation

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Part of the draws that may lack an outcome on a side.
MAX_EMPTY = 0.01

#: Effective clusters that either side needs for an interval.
MIN_CLUSTERS = 6.0

#: Counts of drawn clusters held at a time: 32 MB of them, however many draws are asked for.
BLOCK = 4_000_000


@dataclass(frozen=True)
class BootstrapEffect:
    """A matched effect with its interval over resampled clusters.

    Attributes
    ----------
    mean_treated, mean_control : float
        Mean of the matched treated; weighted mean of the matched controls.
    difference, percent : float
        Their difference, and it in percent of `mean_control`.
    difference_low, difference_high, percent_low, percent_high : float
        Ends of the intervals; that in percent is symmetric in the logarithm of the ratio.
    difference_se : float
        Standard deviation of the difference over the draws.
    draws : array (draws, 2)
        Mean of treated and of controls in every resample; NaN where none was matched.
    p : float
        Two-sided p of no effect, by the interval in percent: below 0.05 where the 95 %
        interval excludes 0.
    clusters : int
    effective : float
        Clusters that count, on the side that has fewer.
    note : str
        Why there is no interval, in a sentence; empty when there is one.
    """

    mean_treated: float
    mean_control: float
    difference: float
    percent: float
    difference_low: float
    difference_high: float
    percent_low: float
    percent_high: float
    difference_se: float
    draws: Floats
    p: float
    clusters: int
    effective: float
    note: str


def cluster_bootstrap(
    outcome: npt.ArrayLike,
    treated: Flags,
    stratum: Ints,
    cluster: Ints,
    *,
    draws: int = 1_000,
    level: float = 0.95,
    seed: int,
    widen: float = 1.0,
    min_clusters: float = MIN_CLUSTERS,
) -> BootstrapEffect:
    """Bootstrap the matched effect over clusters, matching weights made anew in each draw.

    Whole clusters are drawn with replacement. A draw keeps the strata that then hold
    treated and controls, and weighs them as coarsened exact matching does: the mean of
    the treated, against the mean over strata of the control means weighted by treated.

    Parameters
    ----------
    outcome : array (n,)
    treated : array (n,), bool
    stratum, cluster : arrays (n,), int
        Stratum and cluster of each unit, any whole numbers from 0 on.
    draws : int
        At least 1,000 for an interval of 95 %.
    widen : float
        How many times as far the interval reaches, for what clusters have in common.
    min_clusters : float
        Fewer effective clusters on a side give no interval.
    """
    check_settings(draws, level)
    y, _ = checked(outcome, None)
    if not (treated.shape == stratum.shape == cluster.shape == y.shape):
        raise InputError(
            "outcome, treated, stratum and cluster must be of one length; found shapes "
            f"{y.shape}, {treated.shape}, {stratum.shape}, {cluster.shape}."
        )
    weights = (treated, treated * y, ~treated, ~treated * y)
    sums = np.column_stack([np.asarray(w, dtype=np.float64) for w in weights])
    return bootstrap_sums(
        stratum,
        cluster,
        sums,
        draws=draws,
        level=level,
        seed=seed,
        widen=widen,
        min_clusters=min_clusters,
    )


def bootstrap_sums(
    stratum: Ints,
    cluster: Ints,
    sums: Floats,
    *,
    draws: int = 1_000,
    level: float = 0.95,
    seed: int,
    widen: float = 1.0,
    min_clusters: float = MIN_CLUSTERS,
) -> BootstrapEffect:
    """As :func:`cluster_bootstrap`, from sums over units that share stratum and cluster.

    Parameters
    ----------
    stratum, cluster : arrays (m,), int
        Any whole numbers from 0 on; several rows of one stratum and cluster add up.
    sums : array (m, 4)
        Number of treated, sum of their outcome, number of controls, sum of theirs.
    """
    check_settings(draws, level)
    table, clusters = _cluster_table(stratum, cluster, sums)
    once = np.ones((1, clusters), dtype=np.int64)
    observed = _means(table, once)[0]
    worth = _worth(table, clusters)
    note = _why_none(observed, worth, min_clusters)
    drawn = np.empty((0, 2)) if note else _drawn(table, clusters, draws, seed)
    return _effect(observed, drawn, clusters, worth, (level, widen), note)


def _worth(table: _Table, clusters: int) -> float:
    """Clusters that count on either side, were they of one size; of the two the smaller.

    Weights of a cluster are its treated units, and the outcome that its controls let expect
    of all treated units.
    """
    treated: Floats = np.bincount(
        table.cluster, weights=table.sums[:, 0], minlength=clusters
    ).astype(np.float64)
    strata = int(table.stratum.max(initial=-1)) + 1
    per_stratum = [np.bincount(table.stratum, weights=c, minlength=strata) for c in table.sums.T]
    share = per_stratum[0] / np.maximum(per_stratum[2], 1.0)
    expected = share[table.stratum] * table.sums[:, 3]
    of_controls = np.bincount(table.cluster, weights=np.abs(expected), minlength=clusters)
    return min(effective_number(treated), effective_number(of_controls.astype(np.float64)))


def effective_number(weight: Floats) -> float:
    """Units of equal weight that would spread as thinly (Kish 1965): (sum w)^2 / sum w^2.

    Examples
    --------
    >>> effective_number(np.array([1.0, 1.0, 1.0])), effective_number(np.array([4.0, 0.0]))
    (3.0, 1.0)
    """
    squares = float(np.square(weight).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def _why_none(observed: Floats, worth: float, least: float) -> str:
    if np.isnan(observed).any():
        return "No stratum holds both treated and control units, so there is no effect."
    if worth < max(least, 2.0):
        return f"too few: {worth:.1f} effective clusters, {max(least, 2.0):g} needed"
    return ""


def _effect(
    observed: Floats,
    drawn: Floats,
    clusters: int,
    worth: float,
    level_and_widen: tuple[float, float],
    note: str,
) -> BootstrapEffect:
    treated, control = float(observed[0]), float(observed[1])
    difference = drawn[:, 0] - drawn[:, 1]
    se = deviation(difference)
    level, widen = level_and_widen
    freedom = max(worth, 2.0) - 1
    stretch = widen * math.sqrt((freedom + 1) / freedom)
    reach = float(stdtrit(freedom, (1 + level) / 2)) * stretch
    percent = 100 * (treated - control) / control if control > 0 else math.nan
    log_se = math.nan if note else _log_ratio_error(drawn)
    if not note and not (treated > 0 and control > 0 and math.isfinite(log_se)):
        note = "too few: a side has no outcome, or all of it in few clusters"
        log_se = math.nan
    ratio = treated / control if control > 0 else math.nan
    t = abs(math.log(ratio)) / (stretch * log_se) if log_se > 0 else math.nan
    low, high = (math.exp(sign * reach * log_se) for sign in (-1, 1))
    return BootstrapEffect(
        mean_treated=treated,
        mean_control=control,
        difference=treated - control,
        percent=percent,
        difference_low=treated - control - reach * se,
        difference_high=treated - control + reach * se,
        percent_low=100 * (ratio * low - 1),
        percent_high=100 * (ratio * high - 1),
        difference_se=se,
        draws=drawn,
        p=float(2 * stdtr(freedom, -t)),
        clusters=clusters,
        effective=worth,
        note=note,
    )


def _log_ratio_error(drawn: Floats) -> float:
    """Standard deviation of the log ratio of means over draws; NaN where many have none."""
    positive = (drawn > 0).all(axis=1)
    if positive.mean() < 1 - MAX_EMPTY:
        return math.nan
    return deviation(np.log(drawn[positive, 0] / drawn[positive, 1]))


@dataclass(frozen=True)
class _Table:
    """Sums per stratum and cluster, in the order of strata: all that a draw needs."""

    stratum: Ints
    cluster: Ints
    sums: Floats  # (cells, 4): treated, their outcome, controls, their outcome


def _cluster_table(stratum: Ints, cluster: Ints, sums: Floats) -> tuple[_Table, int]:
    """Sums per cell over the strata that hold treated and controls; number of clusters left."""
    strata = int(stratum.max(initial=-1)) + 1
    both = np.bincount(stratum, weights=sums[:, 0], minlength=strata) > 0
    both &= np.bincount(stratum, weights=sums[:, 2], minlength=strata) > 0
    kept = both[stratum]
    stratum, cluster, sums = stratum[kept], cluster[kept], sums[kept]
    reach = int(cluster.max(initial=-1)) + 1
    cluster, clusters = number_cells([cluster], [reach], cluster.size)
    cell, cells = number_cells([stratum, cluster], [strata, clusters], cluster.size)
    added = [np.bincount(cell, weights=column, minlength=cells) for column in sums.T]
    of_stratum, of_cluster = np.empty(cells, dtype=np.int64), np.empty(cells, dtype=np.int64)
    of_stratum[cell], of_cluster[cell] = stratum, cluster
    return _Table(of_stratum, of_cluster, np.column_stack(added)), clusters


def _drawn(table: _Table, clusters: int, draws: int, seed: int) -> Floats:
    """Means of every draw, made in blocks so that memory does not grow with the draws."""
    rng = np.random.default_rng(seed)
    size = max(1, BLOCK // clusters)
    sizes = [min(size, draws - start) for start in range(0, draws, size)]
    return np.concatenate([_means(table, _resampled(rng, clusters, n)) for n in sizes])


def _resampled(rng: np.random.Generator, clusters: int, draws: int) -> Ints:
    """How often each cluster is drawn, array (draws, clusters)."""
    times = np.empty((draws, clusters), dtype=np.int64)
    for row in times:
        row[:] = np.bincount(rng.integers(clusters, size=clusters), minlength=clusters)
    return times


def _means(table: _Table, times: Ints) -> Floats:
    means = np.empty((times.shape[0], 2))
    _matched_means(table.stratum, table.cluster, table.sums, times, means)
    return means


@numba.njit(cache=True, nogil=True)
def _matched_means(  # pragma: no cover - compiled
    stratum: Ints, cluster: Ints, sums: Floats, times: Ints, means: Floats
) -> None:
    """Mean of matched treated and weighted mean of matched controls, for every draw."""
    cells = stratum.size
    for d in range(times.shape[0]):
        units, top, expected = 0.0, 0.0, 0.0
        n_t, y_t, n_c, y_c = 0.0, 0.0, 0.0, 0.0
        for i in range(cells):
            k = float(times[d, cluster[i]])
            n_t += k * sums[i, 0]
            y_t += k * sums[i, 1]
            n_c += k * sums[i, 2]
            y_c += k * sums[i, 3]
            if i + 1 == cells or stratum[i + 1] != stratum[i]:
                if n_t > 0 and n_c > 0:
                    units += n_t
                    top += y_t
                    expected += n_t * y_c / n_c
                n_t, y_t, n_c, y_c = 0.0, 0.0, 0.0, 0.0
        means[d, 0] = top / units if units > 0 else np.nan
        means[d, 1] = expected / units if units > 0 else np.nan
