"""What null models say of worlds in which sizes are all there is.

Takes the sizes of a panel (a file of yearly edges, or simulated ones), draws every
weight anew around what sizes alone give, and fits each null model to the draws. Under
a null model that is right for such worlds z has mean 0 and a standard deviation of
1 (a little less, for sizes are fitted), and pairs trend as rarely as the test's level
says. Shown for all followed pairs, and by the works a year sizes alone give them.
"""

from __future__ import annotations

import argparse
import itertools
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.edge_layers import read_edges
from isthmus.poles.layers import Panel, build_panel
from isthmus.poles.links import Fitter, quick_quantities
from isthmus.poles.trajectories import Pairs, choose_pairs, trajectories
from isthmus.poles.trend_lines import least_slope, lines
from isthmus.stats import trend
from isthmus.stats.sizes import size_expectation
from isthmus.study.sections import Poles

Floats = NDArray[np.float64]
BOUNDS = (1.0, 2.0, 5.0, 20.0, 100.0, np.inf)


def simulated(n: int, years: int, seed: int) -> pa.Table:
    """Joint works of n countries; the second grows from a twentieth of the first to its size."""
    random = np.random.default_rng(seed)
    base = np.sort(random.lognormal(sigma=1.2, size=n))[::-1]
    rows = []
    for year in range(years):
        size = base.copy()
        size[1] = base[0] * (0.05 + 0.95 * year / (years - 1))
        mean = np.outer(size, size) * 3_000 * 1.1**year / size.sum() ** 2
        for i, j in zip(*np.triu_indices(n, 1), strict=True):
            rows.append((2000 + year, f"C{i:03}", f"C{j:03}", int(random.poisson(2 * mean[i, j]))))
    names = ("year", "source", "target", "works_whole")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def replayed(
    panel: Panel, expected: Floats, pairs: Pairs, model: str, number: int, settings: Poles
) -> tuple[Floats, NDArray[np.bool_]]:
    """Scores (z) of followed pairs (p, t), and whether they trend, where nobody prefers anybody."""
    random = np.random.default_rng([number, 7])
    fitter = Fitter(model, False, number)
    z = np.empty(expected.shape)
    for year, mean in enumerate(expected):
        drawn = np.triu(random.poisson(mean), 1).astype(np.float64)
        drawn += drawn.T
        z[year] = quick_quantities(drawn, fitter.quick(year, drawn, number), "z")[1]
    seen = trajectories({"collaboration": z}, pairs, settings)
    values = seen.raw["collaboration"]
    found = lines(trend(values), least_slope("z", values.shape[1], settings), settings)
    return values, seen.usable & (found.sign != 0)


def show(title: str, table: pa.Table, models: list[str], replays: int) -> None:
    """Print one panel under every model."""
    settings = Poles(min_works=0 if title == "simulated" else 50)
    panel = build_panel(table, None, settings, ())
    expected = np.array([size_expectation(year) for year in panel.layers[0].weights])
    pairs, _ = choose_pairs(panel, {"collaboration": expected}, (), settings)
    size = expected.mean(axis=0)[pairs.first, pairs.second]
    print(f"\n{title}: {len(panel.countries)} countries, {len(panel.years)} years, "
          f"{len(pairs)} pairs followed, {replays} replays, "
          f"trend level {settings.trend_level:g}")  # fmt: skip
    for model in models:
        start = time.process_time()
        runs = [replayed(panel, expected, pairs, model, i, settings) for i in range(replays)]
        z = np.array([run[0] for run in runs])
        moving = np.array([run[1] for run in runs])
        each = moving.mean(axis=1)
        print(f"{model:<24} z {np.nanmean(z):+.4f} sd {np.nanstd(z):.4f}   trend "
              f"{each.mean():.2%} ({each.min():.2%} to {each.max():.2%})   "
              f"[{time.process_time() - start:.0f} s cpu here]", flush=True)  # fmt: skip
        for low, high in itertools.pairwise(BOUNDS):
            rows = (size >= low) & (size < high)
            if rows.any():
                print(f"    {low:>5g} to {high:<5g} a year  {rows.sum():>6} pairs   "
                      f"z {np.nanmean(z[:, rows]):+.4f} sd {np.nanstd(z[:, rows]):.4f}   "
                      f"trend {moving[:, rows].mean():.2%}")  # fmt: skip


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("edges", nargs="?", type=Path, help="year,source,target,weight")
    parser.add_argument("--replays", type=int, default=10)
    parser.add_argument("--null-models", nargs="+", default=["multiedge", "wcm", "ecm"])
    options = parser.parse_args()
    show("simulated", simulated(60, 22, 1), options.null_models, options.replays)
    if options.edges is not None:
        table = read_edges(options.edges).collaboration
        show(options.edges.name, table, options.null_models, options.replays)


if __name__ == "__main__":
    main()
