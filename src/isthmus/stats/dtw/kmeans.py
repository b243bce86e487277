"""Dynamic time warping and the k-means that uses it.

The squared distance between two multivariate series is the least sum, over all
monotone alignments that join their first and their last points, of squared
Euclidean distances between aligned points; all dimensions are warped together
(Sakoe & Chiba 1978). Cluster centres are DTW barycentres (DBA: Petitjean,
Ketterlin & Gançarski 2011): every point of a centre moves to the mean of the
points aligned with it, until nothing is gained.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.errors import InputError
from isthmus.stats.dtw import lanes
from isthmus.stats.dtw.series import Series, as_series, centroids_for, series_of, stretched
from isthmus.stats.partitions import matched_labels

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Assignments after which a swap is judged, and how much worse than the best, as a
#: share, it may then be to go on.
SWAP_ITER, SWAP_HOPE = 4, 0.02


@dataclass(frozen=True)
class Clusters:
    """A partition of n series of t points and d dimensions into k clusters.

    Attributes
    ----------
    labels : (n,) int
        Cluster of each series; clusters are numbered from 0, in descending size.
    centroids : (k, t, d)
        Barycentre of each cluster.
    inertia : float
        SUM over the series of the squared DTW distance to their centroid.
    distances : (n,)
        Squared DTW distance of each series to its centroid.
    n_iter : int
        Assignments made by the run that was kept.
    restart_labels : (r, n) int
        Partition of all series by the centroids each restart found in the
        search, before polishing, numbered to overlap most with `labels`.
    restart_inertia : (r,)
        Inertia of those partitions.
    """

    labels: Ints
    centroids: Floats
    inertia: float
    distances: Floats
    n_iter: int
    restart_labels: Ints
    restart_inertia: Floats


@dataclass(frozen=True)
class Rules:
    """When the iterations of :func:`dtw_kmeans` end.

    Attributes
    ----------
    max_iter : int
        Most assignments of a run. 50, as in tslearn.
    max_barycentre_iter : int
        Most DBA steps between two assignments. 100, as in tslearn; two to five
        are usual once the centres have settled.
    search_barycentre_iter : int
        The same while restarts are searched, before the best are polished. 3:
        centres that are about to lose members need no exact barycentre, and
        measured inertias did not rise.
    swaps : int
        Times the best restart is tried again with one of its centroids put on a
        badly placed series instead, to leave a poor partition. 20: on six
        clusters of 300 series the worst of six seeds fell by 1.7 %.
    refresh : int
        Members of each cluster from which another barycentre is grown in the
        end, to leave a poor local minimum of DBA. 6, with `swaps`: more gained little.
    refresh_members : int
        Most members a new barycentre is grown on; all then settle and judge it. 600.
    refresh_gain : float
        Growing is repeated while it lowers the inertia by a larger share than
        this, and once more unless a cluster has more members than
        `refresh_members`. 0.02 %: below it lie equally good minima.
    tolerance : float
        A step that lowers the cost by a smaller share than this ends the
        iterations. 1e-6: the sixth digit of an inertia says nothing.
    """

    max_iter: int = 50
    max_barycentre_iter: int = 100
    search_barycentre_iter: int = 3
    swaps: int = 20
    refresh: int = 6
    refresh_members: int = 600
    refresh_gain: float = 2e-4
    tolerance: float = 1e-6


@dataclass(frozen=True)
class _Run:
    labels: Ints
    centroids: Floats
    distances: Floats
    n_iter: int

    @property
    def inertia(self) -> float:
        return float(self.distances.sum())


def dtw_distance(a: ArrayLike, b: ArrayLike, window: int | None = None) -> float:
    """Dynamic time warping distance between two series, the root of the squared sum.

    Parameters
    ----------
    a : (m,) or (m, d)
        A series; missing values at its ends are left out.
    b : (n,) or (n, d)
        Another, of any length.
    window : int, optional
        Half-width of the Sakoe-Chiba band, widened by the difference of the
        lengths. None allows every alignment; 0 is the Euclidean distance of
        series of equal length.

    Raises
    ------
    InputError
        A series is empty or has missing values inside, or the dimensions differ.

    Examples
    --------
    >>> dtw_distance([0, 0, 1, 2], [0, 1, 2, 2])
    0.0
    >>> dtw_distance([0, 0, 1, 2], [0, 1, 2, 2], window=0)
    1.4142135623730951
    """
    one, two = series_of(as_series(a), window), series_of(as_series(b), window)
    if one.values.shape[2] != two.values.shape[2]:
        raise InputError(
            f"The series have {one.values.shape[2]} and {two.values.shape[2]} dimensions; "
            "dynamic time warping compares series of the same dimensions."
        )
    return float(np.sqrt(one.to(two.values, two.lengths)[0, 0]))


def dtw_matrix(series: ArrayLike, window: int | None = None) -> Floats:
    """Dynamic time warping distances between all series: a symmetric (n, n) array.

    Parameters
    ----------
    series : (n, t, d)
        Missing values are allowed at the ends.
    window : int, optional
        As in :func:`dtw_distance`.
    """
    panel = series_of(series, window)
    squared = panel.to(panel.values, panel.lengths)
    return np.asarray(np.sqrt((squared + squared.T) / 2))


def dtw_assign(series: ArrayLike, centroids: ArrayLike, window: int | None = None) -> Ints:
    """Nearest centroid of every series: (n,) labels, the first one winning a tie."""
    panel = series_of(series, window)
    return np.asarray(panel.to(centroids_for(centroids, panel)).argmin(axis=1))


def dtw_kmeans(
    series: ArrayLike,
    n_clusters: int,
    *,
    n_init: int = 10,
    seed: int,
    window: int | None = None,
    init: ArrayLike | None = None,
    screen: int | None = 1000,
    polish: int = 1,
    rules: Rules | None = None,
) -> Clusters:
    """Partition series by k-means with dynamic time warping and DBA centroids.

    Restarts begin from k-means++ (weights are squared DTW distances; the best
    of a few candidates is taken at each step). Restarts are searched with short
    barycentre steps, the best of them is improved by swaps of one centroid, and
    the best `polish` that differ go on with exact steps. With more series than
    twice `screen` the search sees one random sample of that size: the local minimum
    a start ends in shows on the sample already.

    Parameters
    ----------
    series : (n, t, d) or (n, t)
        Missing values (NaN) are allowed at the ends of a series: it is then
        compared by the points it has. A point counts when all dimensions have it.
    n_clusters : int
        Number of clusters k.
    n_init : int
        Number of restarts. Ignored with `init`.
    seed : int
        Same seed and same order of series, same bytes, whatever the threads.
    window : int, optional
        Half-width of the Sakoe-Chiba band; None allows every alignment.
    init : (k, t, d), optional
        Start once from these centroids instead.
    screen : int, optional
        Size of the sample restarts are searched on. None searches on everything.
    polish : int
        Restarts that go on after the search.
    rules : Rules, optional
        When iterations end.

    Returns
    -------
    Clusters
        `inertia` is the sum of squared distances. No series at all give an empty
        partition with centroids that are not a number.

    Raises
    ------
    InputError
        Missing values inside a series, a series without any value, fewer series
        than clusters, or centroids of another shape.

    References
    ----------
    Petitjean, F., Ketterlin, A., Gançarski, P. (2011). A global averaging method
    for dynamic time warping. Pattern Recognition 44, 678-693.

    Examples
    --------
    >>> up, down = [[0.0, 1.0, 2.0]], [[2.0, 1.0, 0.0]]
    >>> clusters = dtw_kmeans(up * 3 + down * 2, 2, seed=1)
    >>> clusters.labels.tolist(), clusters.inertia
    ([0, 0, 0, 1, 1], 0.0)
    """
    rules = rules or Rules()
    panel = series_of(series, window)
    _check_counts(len(panel), n_clusters, n_init, polish)
    if not len(panel):
        return _nothing(n_clusters, panel.values.shape[1:])
    if init is not None:
        start = centroids_for(init, panel)
        if len(start) != n_clusters:
            raise InputError(f"Found {len(start)} starting centroids for {n_clusters} clusters.")
        run = _lloyd(panel, start, rules)
        return _clusters([run], run)
    random = np.random.default_rng(seed)
    searched = _search(panel, n_clusters, n_init, random, screen, rules)
    best = np.argsort([run.inertia for run in searched], kind="stable")
    distinct = _distinct([searched[i] for i in best], rules.tolerance)[:polish]
    polished = [_polished(panel, run, rules) for run in distinct]
    found = min(polished, key=lambda run: run.inertia)
    final = _refreshed(panel, found, random, rules)
    return _clusters([_assigned(panel, run.centroids) for run in searched], final)


def _search(
    panel: Series,
    k: int,
    n_init: int,
    random: np.random.Generator,
    screen: int | None,
    rules: Rules,
) -> list[_Run]:
    """Run every restart with short barycentre steps, on a sample if there are many series."""
    if screen is not None and len(panel) > 2 * max(screen, k):
        rows = random.choice(len(panel), max(screen, k), replace=False)
        panel = panel.some(np.sort(rows))
    short = _short(rules)
    runs = [_lloyd(panel, _plus_plus(panel, k, random), short) for _ in range(n_init)]
    best = int(np.argmin([run.inertia for run in runs]))
    runs[best] = _swapped(panel, runs[best], random, short)
    return runs


def _swapped(panel: Series, run: _Run, random: np.random.Generator, rules: Rules) -> _Run:
    """Put one centroid on a badly placed series, and keep what that gains (random swap).

    A few steps show whether a swap can gain (Fränti 2018, J. Big Data 5, 13).
    """
    few = replace(rules, max_iter=SWAP_ITER)
    for _ in range(rules.swaps if len(run.centroids) > 1 and run.inertia > 0 else 0):
        centroids, weights = run.centroids.copy(), run.distances / run.inertia
        row = random.choice(len(panel), size=1, p=weights)
        centroids[random.integers(len(centroids))] = stretched(panel, row)[0]
        other = _lloyd(panel, centroids, few)
        if other.inertia < (1 + SWAP_HOPE) * run.inertia:
            other = _lloyd(panel, other.centroids, rules)
        run = other if other.inertia < run.inertia else run
    return run


def _polished(panel: Series, run: _Run, rules: Rules) -> _Run:
    """Go on with all series: short steps until they settle, then exact ones."""
    return _lloyd(panel, _lloyd(panel, run.centroids, _short(rules)).centroids, rules)


def _refreshed(panel: Series, run: _Run, random: np.random.Generator, rules: Rules) -> _Run:
    """Grow new barycentres from members and go on from them, while that gains enough.

    DBA ends in the local minimum nearest to its start, and the partition cannot
    leave it: another start often gives the same members a better centre.
    """
    largest = np.unique(run.labels, return_counts=True)[1].max()
    patience = 1 if largest > rules.refresh_members else 2
    dry = 0
    while dry < patience and rules.refresh:
        better = _lloyd(panel, _regrown(panel, run, random, rules), rules)
        gained = run.inertia - better.inertia
        run = better if gained > 0 else run
        dry = 0 if gained > rules.refresh_gain * run.inertia else dry + 1
    return run


def _regrown(panel: Series, run: _Run, random: np.random.Generator, rules: Rules) -> Floats:
    """For each cluster the best of its centroid and barycentres grown from some members."""
    centroids = run.centroids.copy()
    settle = replace(rules, max_barycentre_iter=2 * rules.search_barycentre_iter)
    for k in np.unique(run.labels):
        rows = np.flatnonzero(run.labels == k)
        cluster, lowest = panel.some(rows), float(run.distances[rows].sum())
        for row in random.choice(len(rows), min(rules.refresh, len(rows)), replace=False):
            start = stretched(cluster, np.array([row]))[0]
            grown = min(rules.refresh_members, len(rows))
            members = np.sort(random.choice(len(rows), grown, replace=False))
            grown_on_some = _barycentre(cluster, members, start, rules)
            centre = _barycentre(cluster, np.arange(len(rows)), grown_on_some, settle)
            cost = float(cluster.to(centre[None]).sum())
            if cost < lowest:
                centroids[k], lowest = centre, cost
    return centroids


def _short(rules: Rules) -> Rules:
    return replace(rules, max_barycentre_iter=rules.search_barycentre_iter)


def _distinct(runs: list[_Run], tolerance: float) -> list[_Run]:
    """Leave out runs, sorted by inertia, that ended in the minimum of one before."""
    kept = runs[:1]
    for run in runs[1:]:
        if run.inertia - kept[-1].inertia > 100 * tolerance * run.inertia:
            kept.append(run)
    return kept


def _plus_plus(panel: Series, k: int, random: np.random.Generator) -> Floats:
    """Greedy k-means++ (Arthur & Vassilvitskii 2007): (k, t, d) series of the panel."""
    n, tries = len(panel), 2 + int(np.log(k))
    chosen = [int(random.integers(n))]
    nearest = panel.to(stretched(panel, np.array(chosen)))[:, 0]
    while len(chosen) < k:
        weights = nearest / nearest.sum() if nearest.sum() > 0 else None
        candidates = random.choice(n, size=tries, p=weights)
        left = np.minimum(nearest[:, None], panel.to(stretched(panel, candidates)))
        best = int(left.sum(axis=0).argmin())
        chosen.append(int(candidates[best]))
        nearest = left[:, best]
    return stretched(panel, np.array(chosen))


def _lloyd(panel: Series, centroids: Floats, rules: Rules) -> _Run:
    """Alternate assignment and barycentres until neither gains."""
    previous = _assigned(panel, centroids)
    for step in range(1, rules.max_iter):
        moved = _barycentres(panel, previous, rules)
        current = _assigned(panel, moved)
        gained = previous.inertia - current.inertia
        if gained >= 0:
            previous = _Run(current.labels, moved, current.distances, step + 1)
        if gained <= rules.tolerance * previous.inertia:
            break
    return previous


def _assigned(panel: Series, centroids: Floats) -> _Run:
    squared = panel.to(centroids)
    labels = squared.argmin(axis=1)
    return _Run(labels, centroids, squared[np.arange(len(labels)), labels], 1)


def _barycentres(panel: Series, run: _Run, rules: Rules) -> Floats:
    """Barycentre of every cluster; an empty one restarts at the worst placed series."""
    moved = run.centroids.copy()
    labels, worst = run.labels, np.argsort(-run.distances, kind="stable")
    empty = [k for k in range(len(moved)) if not (labels == k).any()]
    for k, row in zip(empty, worst, strict=False):
        moved[k] = stretched(panel, np.array([row]))[0]
    for k in np.unique(labels):
        rows = np.flatnonzero(labels == k)
        moved[k] = _barycentre(panel, rows, moved[k], rules)
    return moved


def _barycentre(panel: Series, rows: Ints, start: Floats, rules: Rules) -> Floats:
    """DBA from a starting average, Petitjean et al. 2011, algorithm 5."""
    blocks, sizes = lanes.pack(panel.values, panel.lengths, rows)
    best, centre, lowest = start, start, np.inf
    for _ in range(rules.max_barycentre_iter):
        sums, counts, cost = lanes.alignment(blocks, sizes, centre, panel.window)
        if cost < lowest:
            best = centre
        if lowest - cost <= rules.tolerance * cost:
            break
        lowest, centre = cost, sums / counts[:, None]
    return best


def _clusters(runs: list[_Run], final: _Run) -> Clusters:
    """Number clusters by size, and those of the restarts by overlap with them."""
    k = len(final.centroids)
    order = np.argsort(-np.bincount(final.labels, minlength=k), kind="stable")
    labels = np.argsort(order)[final.labels]
    return Clusters(
        labels=labels,
        centroids=final.centroids[order],
        inertia=final.inertia,
        distances=final.distances,
        n_iter=final.n_iter,
        restart_labels=np.array([matched_labels(run.labels, labels, k) for run in runs]),
        restart_inertia=np.array([run.inertia for run in runs]),
    )


def _nothing(k: int, shape: tuple[int, ...]) -> Clusters:
    return Clusters(
        labels=np.zeros(0, dtype=np.int64),
        centroids=np.full((k, *shape), np.nan),
        inertia=0.0,
        distances=np.zeros(0),
        n_iter=0,
        restart_labels=np.zeros((0, 0), dtype=np.int64),
        restart_inertia=np.zeros(0),
    )


def _check_counts(n: int, k: int, n_init: int, polish: int) -> None:
    if k < 1 or n_init < 1 or polish < 1:
        raise InputError(
            f"Found {k} clusters, {n_init} restarts, {polish} to polish; each must be at least 1."
        )
    if 0 < n < k:
        raise InputError(f"There are {n} series for {k} clusters. Ask for {n} clusters or fewer.")
