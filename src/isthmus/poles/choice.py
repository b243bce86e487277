"""How many clusters: four diagnostics side by side, for none of them is enough."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.results import schema_of
from isthmus.stats.dtw.kmeans import Rules, dtw_assign, dtw_kmeans, dtw_matrix
from isthmus.stats.partitions import adjusted_rand, silhouette
from isthmus.study.sections import Poles

Floats = NDArray[np.float64]

CHOICE_SCHEMA = schema_of("cluster_choice")

#: Random halvings, and surrogate panels, behind each figure.
HALVINGS, SURROGATES = 3, 2

_QUICK = Rules(max_barycentre_iter=3, refresh=0, swaps=0)


def cluster_choice(model: str, series: Floats, settings: Poles, seed: int) -> pa.Table:
    """Table ``cluster_choice`` for one null model: one row per number of clusters.

    On a random sample of the clustered pairs: the inertia and its elbow (how
    much less the next cluster saves than this one did, as a share of the
    inertia of k = 2); the adjusted Rand index between partitions learnt on
    random halves; the mean silhouette width; and the gap, log inertia of
    surrogate series drawn from one normal law with the mean and the covariance
    of the real ones, less the log inertia of the real ones.
    """
    random = np.random.default_rng(seed)
    if len(series) > settings.choice_sample:
        series = series[np.sort(random.choice(len(series), settings.choice_sample, replace=False))]
    n = len(series)
    ks = list(range(2, min(settings.choice_most, n // 4) + 1))
    whole = ~np.isnan(series).any(axis=(1, 2))
    if not ks or whole.sum() < 2:
        return CHOICE_SCHEMA.empty_table()
    distances = dtw_matrix(series, settings.dtw_window)
    surrogates = [_surrogate(series[whole], n, random) for _ in range(SURROGATES)]
    rows = [_row(series, k, distances, surrogates, settings, random) for k in ks]
    inertia = np.array([row["inertia"] for row in rows])
    saved = np.append(-np.diff(inertia), np.nan)
    for i, row in enumerate(rows):
        elbow = (saved[i - 1] - saved[i]) / inertia[0] if i > 0 else None
        row |= {"null_model": model, "pairs": n, "used": row["k"] == settings.archetypes}
        row["elbow"] = elbow if elbow is not None and np.isfinite(elbow) else None
    return pa.Table.from_pylist(rows, schema=CHOICE_SCHEMA)


def _row(
    series: Floats,
    k: int,
    distances: Floats,
    surrogates: list[Floats],
    settings: Poles,
    random: np.random.Generator,
) -> dict[str, object]:
    def cluster(values: Floats, n_init: int) -> tuple[float, Floats, NDArray[np.int64]]:
        seed = int(random.integers(2**31))
        found = dtw_kmeans(
            values, k, n_init=n_init, seed=seed, window=settings.dtw_window, polish=1, rules=_QUICK
        )
        return found.inertia, found.centroids, found.labels

    inertia, _, labels = cluster(series, 4)
    agreed = []
    for _ in range(HALVINGS):
        order = random.permutation(len(series))
        halves = [cluster(series[rows], 2)[1] for rows in np.array_split(order, 2)]
        agreed.append(
            adjusted_rand(*(dtw_assign(series, half, settings.dtw_window) for half in halves))
        )
    logs = [np.log(max(cluster(surrogate, 2)[0], 1e-300)) for surrogate in surrogates]
    return {
        "k": k,
        "inertia": inertia,
        "split_half_ari": float(np.mean(agreed)),
        "silhouette": silhouette(distances, labels),
        "gap": float(np.mean(logs) - np.log(max(inertia, 1e-300))),
    }


def _surrogate(series: Floats, n: int, random: np.random.Generator) -> Floats:
    """Series of one normal law with the mean and covariance of the given ones."""
    flat = series.reshape(len(series), -1)
    away = flat - flat.mean(axis=0)
    drawn = random.normal(size=(n, len(series))) @ away / np.sqrt(len(series) - 1)
    values = (drawn + flat.mean(axis=0)).reshape(n, *series.shape[1:])
    values = values - values.mean(axis=1, keepdims=True)
    return np.asarray(values / np.maximum(values.std(axis=1, keepdims=True), 1e-12))
