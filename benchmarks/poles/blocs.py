"""Worlds with planted blocs, none, or a gradient: how often the answer is right.

    python benchmarks/poles/blocs.py --worlds 50

A Markdown table: a row per kind of world, a column per answer. The figures of
``docs/blocs.md`` come from this command.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from isthmus.stats.blocs.find import find_blocs

Floats = NDArray[np.float64]

#: Kind of world, number of blocs, effect within blocs or spread of the gradient's ties.
KINDS: list[tuple[str, int, float]] = [
    ("none", 1, 0.0),
    *(("blocs", k, b) for b in (0.2, 0.4, 0.8) for k in (2, 3, 4)),
    ("gradient", 0, 0.1),
    ("gradient", 0, 0.2),
    ("gradient", 0, 0.4),
]


def world(
    kind: str,
    blocs: int,
    effect: float,
    random: np.random.Generator,
    *,
    countries: int = 40,
    works: int = 20_000,
    dispersion: float = 0.05,
) -> Floats:
    """Draw joint works of countries of log-normal sizes, symmetric."""
    size = np.exp(random.normal(0, 1, countries))
    if kind == "gradient":  # |x - y| of uniform x, y has standard deviation .2357
        place = random.uniform(0, 1, countries)
        tie = -effect / 0.2357 * np.abs(place[:, None] - place)
    else:
        bloc = random.permutation(countries) % blocs
        tie = effect * (bloc[:, None] == bloc)
    mean = np.triu(np.outer(size, size) * np.exp(tie), 1)
    mean *= works / mean.sum()
    if dispersion > 0:
        mean *= random.gamma(1 / dispersion, dispersion, mean.shape)
    count = random.poisson(mean).astype(np.float64)
    return np.asarray(count + count.T)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=50)
    parser.add_argument("--countries", type=int, default=40)
    parser.add_argument("--works", type=int, default=20_000)
    parser.add_argument("--dispersion", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    size = {name: getattr(asked, name) for name in ("countries", "works", "dispersion")}
    print("| world | blocs | effect | none | right number | other number | gradient | undecided "
          "| CPU s |")  # fmt: skip
    print("|" + " --- |" * 9)
    for place, (kind, blocs, effect) in enumerate(KINDS):
        said: Counter[str] = Counter()
        began = time.process_time()
        for number in range(asked.worlds):
            random = np.random.default_rng([asked.seed, place, number])
            found = find_blocs(world(kind, blocs, effect, random, **size), seed=number)
            right = found.answer == "blocs" and found.number == blocs
            other = "other" if found.answer == "blocs" else found.answer
            said["right" if right else other] += 1
        spent = (time.process_time() - began) / asked.worlds
        shares = (
            f"{said[answer] / asked.worlds:.0%}"
            for answer in ("none", "right", "other", "gradient", "undecided")
        )
        print(f"| {kind} | {blocs} | {effect} | {' | '.join(shares)} | {spent:.2f} |", flush=True)


if __name__ == "__main__":
    main()
