"""Affinities of many places in worlds with planted ones: coverage, errors and slopes.

Draws worlds of places of uneven size. Pairs are told apart by how many of their two places are in
the core, and kept by their expected works, so that luck does not choose them. `--listed` looks at
years with that many works alone, as the table `linked_pairs` does.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

from isthmus.stats import sparse_affinity

Floats = NDArray[np.float64]

#: Kind of world -> standard deviations of growth a year, of sizes about it and of the noise of ties
#: (logs), variance of counts beyond Poisson, and of lasting affinities.
WORLDS = {
    "Poisson": (0.0, 0.0, 0.0, 0.0, 0.5),
    "growing places": (0.08, 0.0, 0.0, 0.0, 0.5),
    "all noise": (0.05, 0.2, 0.15, 0.05, 0.5),
    "strong ties": (0.0, 0.0, 0.0, 0.0, 1.0),
}
#: Planted slopes a year, up or down, and the part of pairs that has one.
SLOPE, MOVING = 0.08, 0.04
#: Works a year from which a pair is looked at.
EXPECTED = 1.0


def main() -> None:
    """Print a line for each kind of world and of pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=2_000)
    parser.add_argument("--core", type=int, default=100)
    parser.add_argument("--years", type=int, default=12)
    parser.add_argument("--works", type=int, default=100_000, help="joint works in the first year")
    parser.add_argument("--listed", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    print("world | ends in the core | pairs | inside | inside, listed | error | slope error")
    for name, sds in WORLDS.items():
        _world(name, sds, given)


def _world(name: str, sds: tuple[float, ...], given: argparse.Namespace) -> None:
    growth, jumps, noise, dispersion, lasting = sds
    random, n = np.random.default_rng(given.seed), given.places
    times = np.arange(given.years) - (given.years - 1) / 2
    i, j = np.triu_indices(n, 1)
    size = random.normal(size=n)[:, None] * 1.3 + growth * random.normal(size=n)[:, None] * times
    size += jumps * random.normal(size=size.shape)
    level = lasting * random.normal(size=len(i))
    slope = SLOPE * random.choice([-1, 0, 1], p=[MOVING / 2, 1 - MOVING, MOVING / 2], size=len(i))
    level += 2 * (slope != 0)
    first = np.exp(size[i, 0] + size[j, 0]).sum()
    counts = np.empty((given.years, len(i)), np.int32)
    total = np.zeros(len(i))
    for t, time in enumerate(times):
        mean = np.exp(size[i, t] + size[j, t] + level + slope * time) * given.works / first
        total += mean
        mean *= np.exp(noise * random.normal(size=len(i)))
        if dispersion:
            mean *= random.gamma(1 / dispersion, dispersion, size=len(i))
        counts[t] = random.poisson(mean)
    asked = (total >= EXPECTED * given.years) & counts.any(axis=0)
    year, pair = np.nonzero((counts > 0) | asked)
    found = sparse_affinity(
        year, i[pair], j[pair], counts[year, pair], n, core=given.core, asked=asked[pair]
    )
    truth = level[pair] + slope[pair] * times[year]
    inside = (found.low <= truth) & (truth <= found.high)
    ends = np.isin(i, found.core).astype(int) + np.isin(j, found.core)
    known = asked[pair] & np.isfinite(found.value)
    for number in (2, 1, 0):
        of_kind = known & (ends[pair] == number)
        listed = of_kind & (counts[year, pair] >= given.listed)
        some = np.flatnonzero(asked & (ends == number) & (slope != 0))
        told = np.full(counts.shape, np.nan)
        told[year, pair] = found.value
        line = (times @ told[:, some] / (times @ times) - slope[some]) * np.sign(slope[some])
        line = line[np.isfinite(line)]
        print(
            f"{name} | {number} | {(asked & (ends == number)).sum():,} "
            f"| {inside[of_kind].mean():.1%} | {inside[listed].mean():.1%} "
            f"| {(found.value - truth)[of_kind].mean():+.3f} "
            f"| {line.mean():+.4f} (its error {line.std() / np.sqrt(max(len(line), 1)):.4f})"
        )


if __name__ == "__main__":
    main()
