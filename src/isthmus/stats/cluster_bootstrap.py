"""Bootstrap intervals of a matched effect, over clusters.

Units that share a cluster vary together, so whole clusters are drawn, and the
matching weights are made anew in every draw. A percentile interval of few
clusters is too short, as a normal interval is where Student's t is due. It is
therefore taken at the level that makes up for it (Hesterberg 2015, The American
Statistician 69: 371-386, "expanded percentile interval"), with the number of
clusters that count: treated units are spread over them unevenly, so that of m_g
treated in cluster g they are worth (sum m)^2 / sum m^2 (Carter, Schnepel and
Steigerwald 2017, equal errors).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

from isthmus.errors import InputError
from isthmus.stats.bootstrap import check_settings, checked, deviation, percentiles
from isthmus.stats.cells import number_cells

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

#: Counts of drawn clusters held at a time: 32 MB of them, however many draws are asked for.
BLOCK = 4_000_000


@dataclass(frozen=True)
class BootstrapEffect:
    """A matched effect with percentile intervals over resampled clusters.

    Attributes
    ----------
    mean_treated, mean_control : float
        Mean of the matched treated; weighted mean of the matched controls.
    difference, percent : float
        Their difference, and it in percent of `mean_control`.
    difference_low, difference_high, percent_low, percent_high : float
        Expanded percentile intervals.
    difference_se : float
        Standard deviation of the difference over the draws.
    draws : array (draws, 2)
        Mean of treated and of controls in every resample; NaN where none was matched.
    clusters : int
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
    clusters: int
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
    return bootstrap_sums(stratum, cluster, sums, draws=draws, level=level, seed=seed, widen=widen)


def bootstrap_sums(
    stratum: Ints,
    cluster: Ints,
    sums: Floats,
    *,
    draws: int = 1_000,
    level: float = 0.95,
    seed: int,
    widen: float = 1.0,
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
    note = _why_none(observed, clusters)
    drawn = np.empty((0, 2)) if note else _drawn(table, clusters, draws, seed)
    wide = level if note else expanded_level(level, _worth(table, clusters), widen)
    return _effect(observed, drawn, clusters, wide, note)


def expanded_level(level: float, clusters: float, widen: float = 1.0) -> float:
    """Level of a percentile interval that covers `level` with this many clusters.

    `widen` stretches it further.

    Examples
    --------
    >>> round(expanded_level(0.95, 20), 3), round(expanded_level(0.95, 1e6), 3)
    (0.968, 0.95)
    """
    freedom = max(clusters, 2.0) - 1
    reach = widen * math.sqrt((freedom + 1) / freedom) * stdtrit(freedom, (1 + level) / 2)
    return float(1 - 2 * ndtr(-reach))


def _worth(table: _Table, clusters: int) -> float:
    """Clusters that would hold the treated as thinly, were they spread evenly."""
    treated = np.bincount(table.cluster, weights=table.sums[:, 0], minlength=clusters)
    return float(treated.sum() ** 2 / np.square(treated).sum())


def _why_none(observed: Floats, clusters: int) -> str:
    if np.isnan(observed).any():
        return "No stratum holds both treated and control units, so there is no effect."
    if clusters < 2:
        return "All matched units share one cluster, so nothing can be resampled."
    return ""


def _effect(
    observed: Floats, drawn: Floats, clusters: int, level: float, note: str
) -> BootstrapEffect:
    treated, control = float(observed[0]), float(observed[1])
    difference = drawn[:, 0] - drawn[:, 1]
    percent = _percent(drawn[:, 0], drawn[:, 1])
    low, high = percentiles(difference, level)
    percent_low, percent_high = percentiles(percent, level)
    return BootstrapEffect(
        mean_treated=treated,
        mean_control=control,
        difference=treated - control,
        percent=float(_percent(observed[:1], observed[1:])[0]),
        difference_low=low,
        difference_high=high,
        percent_low=percent_low,
        percent_high=percent_high,
        difference_se=deviation(difference),
        draws=drawn,
        clusters=clusters,
        note=note,
    )


def _percent(treated: Floats, control: Floats) -> Floats:
    safe = np.where(control > 0, control, 1.0)
    return np.where(control > 0, 100 * (treated - control) / safe, math.nan)


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
