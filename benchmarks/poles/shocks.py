"""Worlds with a planted shock on one pair, on all ties of a country, or none.

    python benchmarks/poles/shocks.py --worlds 100

A Markdown table: a row per noise, works a year and planted change. Clustered errors of the
same regression stand beside (`--clustered` worlds of each row). The figures of
``docs/shocks.md`` come from this command.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from isthmus.poles.shocks import LEVEL, whose
from isthmus.stats.event_studies import event_study
from isthmus.stats.event_study_fit import SPLIT, fit_levels
from isthmus.stats.ppml import sweep

Floats = NDArray[np.float64]

COUNTRIES, YEARS, AT = 60, 34, 20

#: Name, dispersion without memory, correlation from year to year and standard deviation.
NOISES = [
    ("Poisson", 0.0, 0.0, 0.0),
    ("dispersion .05", 0.05, 0.0, 0.0),
    ("dispersion .05 and AR .6, sd .1", 0.05, 0.6, 0.1),
    ("AR .6, sd .2", 0.0, 0.6, 0.2),
]

#: Whom the shock hits, and by what factor.
SHOCKS = [("none", 1.0), ("pair", 0.9), ("pair", 0.7), ("country", 0.7)]


def world(
    random: np.random.Generator, noise: tuple[str, float, float, float], hit: str, factor: float,
    works: float,
) -> tuple[Floats, tuple[int, int]]:  # fmt: skip
    """Draw counts (t, n, n) and the pair with about `works` a year that is asked."""
    _, dispersion, rho, sd = noise
    n, t = COUNTRIES, YEARS
    size = random.normal(0, 1, n)
    growth = random.normal(0.04, 0.02, n) * np.arange(t)[:, None]
    path = growth + random.normal(0, 0.05, (t, n)).cumsum(axis=0)
    tie = size[:, None] + size + random.normal(0, 0.7, (n, n))
    log = tie + path[:, :, None] + path[:, None]
    log += 3.0 - np.median(log[AT])
    log += _correlated(random, rho, sd, log.shape)
    upper = np.triu_indices(n, 1)
    typical = np.exp(log[AT - 5 : AT]).mean(axis=0)[upper]
    chosen = int(np.argmin(np.abs(np.log(typical / works))))
    pair = (int(upper[0][chosen]), int(upper[1][chosen]))
    mean = np.exp(log)
    if hit == "pair":
        mean[AT:, pair[0], pair[1]] *= factor
    elif hit == "country":
        mean[AT:, pair[0]] *= factor
        mean[AT:, :, pair[0]] *= factor
    if dispersion > 0:
        mean *= random.gamma(1 / dispersion, dispersion, mean.shape)
    counts = np.triu(random.poisson(mean), 1).astype(np.float64)
    return counts + counts.transpose(0, 2, 1), pair


def _correlated(
    random: np.random.Generator, rho: float, sd: float, shape: tuple[int, ...]
) -> Floats:
    """Stationary noise of each tie with memory over years."""
    drawn = random.normal(0, 1, shape)
    for year in range(1, shape[0]):
        drawn[year] = rho * drawn[year - 1] + np.sqrt(1 - rho**2) * drawn[year]
    return np.asarray(sd * drawn)


def clustered_p(counts: Floats, pair: tuple[int, int], window: int, estimate: float) -> float:
    """P of the effect by errors clustered by pair, without corrections for few clusters.

    The score of the regression with both directions of a pair listed, of which the effect
    is swept by the effects of countries by year and of pairs.
    """
    inside = counts[AT - window : AT + window]
    t, n, _ = inside.shape
    kind = np.zeros((n, n), dtype=np.int8)
    kind[pair] = kind[pair[::-1]] = SPLIT
    effects = fit_levels(inside, kind, window, directed=False)[0]
    product = effects.T[:, :, None] * effects.T[:, None]
    ratio = inside.sum(axis=0) / np.maximum(product.sum(axis=0), 1e-300)
    mean = product * ratio
    for part in (slice(None, window), slice(window, None)):
        own = inside[part][:, *pair].sum() / product[part][:, *pair].sum()
        mean[part, pair[0], pair[1]] = mean[part, pair[1], pair[0]] = own * product[part][:, *pair]
    years, i, j = np.nonzero(mean > 0)
    low, high = np.minimum(i, j), np.maximum(i, j)
    same = np.unique(low * n + high, return_inverse=True)[1]
    post = ((low == min(pair)) & (high == max(pair)) & (years >= window)).astype(np.float64)
    weight = mean[years, i, j]
    left = sweep(post[:, None], [i * t + years, j * t + years, same], weight)[:, 0]
    score = np.bincount(same, left * (inside[years, i, j] - weight))
    error = np.sqrt((score**2).sum()) / (weight * left**2).sum()
    return float(2 * ndtr(-abs(estimate) / error))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--window", type=int, default=5)
    parser.add_argument("--clustered", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("| noise | works a year | shock | shown | interval covers | by years | country steps "
          "| pair's | country's | undecided | clustered errors | CPU s |")  # fmt: skip
    print("|" + " --- |" * 12)
    for place, noise in enumerate(NOISES):
        for works in (20, 200):
            for hit, factor in SHOCKS:
                print(_row(asked, place, noise, works, hit, factor), flush=True)


def _row(
    asked: argparse.Namespace,
    place: int,
    noise: tuple[str, float, float, float],
    works: int,
    hit: str,
    factor: float,
) -> str:
    seen, said, clustered = [], [], []
    began = time.process_time()
    for number in range(asked.worlds):
        random = np.random.default_rng([asked.seed, place, works, number])
        counts, pair = world(random, noise, hit, factor, works)
        found = event_study(counts, [pair], AT, window=asked.window).pairs[0]
        truth = np.log(factor) if hit == "pair" else 0.0
        steps = [step.p <= LEVEL for step in found.countries]
        seen.append(
            (
                found.after.p <= LEVEL,
                found.after.low <= truth <= found.after.high,
                found.years.p <= LEVEL,
                steps[0] if hit == "country" else np.mean(steps),
            )
        )
        said.append(whose(found))
        if hit == "none" and number < asked.clustered:
            p = clustered_p(counts, pair, asked.window, found.after.estimate)
            clustered.append(p <= LEVEL)
    spent = (time.process_time() - began) / asked.worlds
    rates = [*np.mean(seen, axis=0), *(said.count(x) / asked.worlds for x in
             ("pair", "country", "undecided"))]  # fmt: skip
    cells = [f"{rate:.0%}" for rate in rates]
    cells.append(f"{np.mean(clustered):.0%}" if clustered else "")
    return f"| {noise[0]} | {works} | {hit}, x{factor} | {' | '.join(cells)} | {spent:.2f} |"


if __name__ == "__main__":
    main()
