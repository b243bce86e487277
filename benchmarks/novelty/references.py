"""Simulated reference lists for the novelty benchmarks."""

from __future__ import annotations

import numpy as np


def simulate(
    papers: int, *, length: int = 25, venues: int = 2000, years: int = 5, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give paper, citing year, venue and cited year of every reference.

    Papers belong to one of 20 communities and take 70 % of their references from
    its venues; venues are popular as a power of their rank (0.8); references
    are older by a geometric age of mean 7, at most 59 years.
    """
    rng = np.random.default_rng(seed)
    n = papers * length
    paper = np.repeat(np.arange(papers, dtype=np.int64), length)
    citing = np.repeat(2010 + rng.integers(0, years, papers), length)
    age = np.minimum(rng.geometric(0.12, n) - 1, 59)
    weight = np.cumsum(np.arange(1, venues + 1) ** -0.8)
    venue = np.searchsorted(weight / weight[-1], rng.random(n))
    community = np.repeat(rng.integers(0, 20, papers), length)
    venue = np.where(rng.random(n) < 0.7, venue // 20 * 20 + community, venue) % venues
    return paper, citing, venue.astype(np.int64), citing - age
