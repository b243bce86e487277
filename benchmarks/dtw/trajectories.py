"""Simulated trajectories of country pairs, for the benchmark and the tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def trajectories(
    n: int, t: int = 22, *, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Standardised trajectories in two dimensions around four planted archetypes.

    Collaboration and citation both rise, both fall, citation rises while
    collaboration falls, or citation falls while collaboration stays. Every pair
    has its own onset and slope, and noise that remembers half of last year's.

    Returns the series (n, t, 2) and the planted archetype (n,).
    """
    random = np.random.default_rng(seed)
    planted = random.integers(4, size=n)
    directions = np.array([[1.0, 1.0], [-1.0, -1.0], [-1.0, 1.0], [0.0, -1.0]])[planted]
    onset = random.uniform(0.2, 0.8, size=(n, 1))
    pace = random.uniform(4.0, 12.0, size=(n, 1))
    ramp = 1 / (1 + np.exp(-pace * (np.linspace(0, 1, t)[None] - onset)))
    noise = np.zeros((n, t, 2))
    for year in range(t):
        noise[:, year] = random.normal(scale=0.25, size=(n, 2)) + (
            0.5 * noise[:, year - 1] if year else 0.0
        )
    series = ramp[:, :, None] * directions[:, None] + noise
    series -= series.mean(axis=1, keepdims=True)
    series /= series.std(axis=1, keepdims=True)
    return series, planted
