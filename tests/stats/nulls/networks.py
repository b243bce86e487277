"""Networks the tests of the null models share."""

from __future__ import annotations

import numpy as np


def country_network(n, total, seed, *, directed, affinity=0.8):
    """Draw w ~ Poisson(c x_i x_j exp(a_ij)): sizes log-normal (sd 1.8), a normal."""
    random = np.random.default_rng(seed)
    x = random.lognormal(0.0, 1.8, n)
    mean = np.outer(x, x) * np.exp(affinity * random.normal(size=(n, n)))
    np.fill_diagonal(mean, 0.0)
    if not directed:
        mean = np.triu(mean)
    weights = random.poisson(mean * (total / mean.sum())).astype(float)
    return weights if directed else weights + weights.T


def symmetric(n, edges):
    """Build an undirected network from (i, j, weight)."""
    weights = np.zeros((n, n))
    for i, j, w in edges:
        weights[i, j] = weights[j, i] = w
    return weights


def boundary_networks():
    """Networks whose constraints leave no finite solution, or a peculiar one."""
    return {
        "star": symmetric(6, [(0, i, 3 * i) for i in range(1, 6)]),
        "clique with pendants": symmetric(
            8,
            [(i, j, 2 + i + j) for i in range(4) for j in range(i)]
            + [(i, i + 4, 1 + i) for i in range(4)],
        ),
        "one hub with all excess": symmetric(
            6, [(0, i, 3 * i + 1) for i in range(1, 6)] + [(1, 2, 1), (3, 4, 1)]
        ),
        "giant hub": symmetric(
            6, [(0, i, 10**i) for i in range(1, 6)] + [(1, 2, 3), (3, 4, 2), (4, 5, 50)]
        ),
        "two nodes": symmetric(2, [(0, 1, 7)]),
        "disconnected": symmetric(6, [(0, 1, 5), (1, 2, 3), (3, 4, 2), (4, 5, 9), (3, 5, 1)]),
        "with an isolated node": symmetric(5, [(0, 1, 5), (1, 2, 3), (2, 3, 4)]),
        "empty": np.zeros((4, 4)),
        "one node": np.zeros((1, 1)),
        "no node": np.zeros((0, 0)),
    }
