"""How well partitions agree, and how well one separates."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def adjusted_rand(one: ArrayLike, other: ArrayLike) -> float:
    """Adjusted Rand index of two partitions of the same items (Hubert & Arabie 1985).

    1 for the same partition whatever the numbering, 0 in expectation for
    unrelated ones. Two partitions that put everything in one cluster agree.

    Examples
    --------
    >>> adjusted_rand([0, 0, 1, 1], [5, 5, 3, 3])
    1.0
    """
    a, b = np.asarray(one), np.asarray(other)
    if a.shape != b.shape or a.ndim != 1:
        raise InputError(
            f"Partitions must be two lists of equal length; found {a.shape}, {b.shape}."
        )
    _, rows = np.unique(a, return_inverse=True)
    _, columns = np.unique(b, return_inverse=True)
    table = np.zeros((rows.max(initial=-1) + 1, columns.max(initial=-1) + 1))
    np.add.at(table, (rows, columns), 1)
    together = _pairs(table).sum()
    first, second = _pairs(table.sum(axis=1)).sum(), _pairs(table.sum(axis=0)).sum()
    total = _pairs(np.array(float(len(a))))
    chance = first * second / total if total else 0.0
    most = (first + second) / 2
    return 1.0 if most == chance else float((together - chance) / (most - chance))


def _pairs(count: Floats) -> Floats:
    return np.asarray(count * (count - 1) / 2)


def silhouette(distances: ArrayLike, labels: ArrayLike) -> float:
    """Mean silhouette width of a partition (Rousseeuw 1987).

    Parameters
    ----------
    distances : (n, n)
        Symmetric distances.
    labels : (n,)
        Cluster of each item. NaN is returned for fewer than two clusters; an item
        alone in its cluster counts 0.
    """
    gaps = np.asarray(distances, dtype=np.float64)
    _, own, sizes = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    if gaps.shape != (len(own), len(own)):
        raise InputError(f"Distances of shape {gaps.shape} do not fit {len(own)} labels.")
    if len(sizes) < 2:
        return float("nan")
    member = np.eye(len(sizes))[own]
    sums, rows = gaps @ member, np.arange(len(own))
    inside = sums[rows, own] / np.maximum(sizes[own] - 1, 1)
    means = sums / sizes
    means[rows, own] = np.inf
    outside = means.min(axis=1)
    width = (outside - inside) / np.maximum(np.maximum(inside, outside), 1e-300)
    return float(np.where(sizes[own] > 1, width, 0.0).mean())


def matched_labels(labels: Ints, reference: Ints, n_clusters: int) -> Ints:
    """Renumber a partition so that it overlaps most with a reference partition.

    Parameters
    ----------
    labels, reference : (n,)
        Two partitions into clusters numbered below `n_clusters`.
    n_clusters : int
        Number of clusters.

    Examples
    --------
    >>> matched_labels(np.array([1, 1, 0]), np.array([0, 0, 1]), 2).tolist()
    [0, 0, 1]
    """
    from scipy.optimize import linear_sum_assignment

    overlap = np.zeros((n_clusters, n_clusters), dtype=np.int64)
    np.add.at(overlap, (labels, reference), 1)
    own, other = linear_sum_assignment(-overlap)
    renumbered = np.empty(n_clusters, dtype=np.int64)
    renumbered[own] = other
    return np.asarray(renumbered[labels])
