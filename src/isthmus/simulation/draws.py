"""Random numbers of a simulated world: one stream per year and purpose.

Each purpose has a stream of its own, so that switching one setting on leaves
the draws made for other purposes as they were.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def stream(seed: int, year: int, purpose: str) -> np.random.Generator:
    """Return the generator of one purpose in one year."""
    return np.random.default_rng([seed, year, zlib.crc32(purpose.encode())])


def choose(rng: np.random.Generator, weights: Floats, n: int) -> Ints:
    """Draw `n` indices with probability proportional to `weights`."""
    edges = np.cumsum(weights)
    drawn = np.searchsorted(edges, rng.random(n) * edges[-1], side="right")
    return np.asarray(np.minimum(drawn, len(edges) - 1))


def choose_in_ranges(rng: np.random.Generator, edges: Floats, low: Ints, high: Ints) -> Ints:
    """Draw one index from each range ``low..high-1`` with the weights behind `edges`.

    `edges` holds the running sum of the weights, starting with 0; no range may
    be empty.
    """
    bottom, top = edges[low], edges[high]
    target = bottom + rng.random(len(low)) * (top - bottom)
    drawn = np.searchsorted(edges, target, side="right") - 1
    return np.clip(drawn, low, high - 1)


def counts_above(rng: np.random.Generator, mean: float, spread: float, n: int) -> Ints:
    """Draw `n` counts of at least 1 with this mean, 1 + negative binomial of size `spread`."""
    extra = max(mean - 1.0, 0.0)
    return 1 + rng.negative_binomial(spread, spread / (spread + extra), n)
