"""DTW k-means beside tslearn and aeon: CPU time of one thread and inertia, in one run.

Every inertia is recomputed by one outside measure, tslearn's distance, from the
labels and centroids each library returns, as the sum of squared DTW distances.
Needs the packages in requirements.txt; a peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from trajectories import trajectories

from isthmus.stats.dtw.kmeans import dtw_kmeans

Floats = NDArray[np.float64]
Answer = tuple[float, Floats]


def own(series: Floats, k: int, n_init: int, seed: int) -> Floats:
    return dtw_kmeans(series, k, n_init=n_init, seed=seed).centroids


def with_tslearn(series: Floats, k: int, n_init: int, seed: int) -> Floats:
    from tslearn.clustering import TimeSeriesKMeans

    model = TimeSeriesKMeans(k, metric="dtw", n_init=n_init, random_state=seed, n_jobs=1)
    return np.asarray(model.fit(series).cluster_centers_)


def with_aeon(series: Floats, k: int, n_init: int, seed: int) -> Floats:
    from aeon.clustering import TimeSeriesKMeans

    model = TimeSeriesKMeans(
        k,
        init="random",
        distance="dtw",
        averaging_method="ba",
        n_init=n_init,
        max_iter=50,
        random_state=seed,
    )
    model.fit(np.ascontiguousarray(series.transpose(0, 2, 1)))
    return np.asarray(model.cluster_centers_).transpose(0, 2, 1)


METHODS: dict[str, Callable[[Floats, int, int, int], Floats]] = {
    "isthmus": own,
    "tslearn": with_tslearn,
    "aeon": with_aeon,
}


def inertia(series: Floats, centroids: Floats) -> float:
    """Sum of squared distances by tslearn where it is installed, else by isthmus."""
    try:
        from tslearn.metrics import cdist_dtw
    except ImportError:
        return dtw_kmeans(series, len(centroids), seed=0, init=centroids).inertia
    return float((cdist_dtw(series, centroids).min(axis=1) ** 2).sum())


def timed(method: Callable[[], Floats]) -> tuple[float, Floats]:
    start = time.process_time()
    result = method()
    return time.process_time() - start, result


def compare(series: Floats, k: int, n_init: int, peers: list[str], repeats: int) -> None:
    """Print CPU time and inertia of every method as ratios to isthmus."""
    base: tuple[float, float] | None = None
    for name in ["isthmus", *peers]:
        method = METHODS[name]
        try:
            method(series[: 10 * k], k, 1, 0)  # compile, import
        except ImportError:
            print(f"{name:<10} not installed")
            continue
        runs = [
            timed(lambda seed=seed, method=method: method(series, k, n_init, seed))
            for seed in range(repeats if name == "isthmus" else 1)
        ]
        seconds = statistics.median(run[0] for run in runs)
        found = [inertia(series, run[1]) for run in runs]
        cost = statistics.median(found)
        base = base or (seconds, cost)
        print(
            f"{name:<10} cpu {seconds / base[0]:>8.1f} x   inertia {cost:>12.1f}"
            f"   ({cost / base[1]:.5f} x; worst {max(found):.1f})   [{seconds:.2f} s cpu here]",
            flush=True,
        )


def growth(k: int, n_init: int, repeats: int) -> None:
    """Print how CPU time grows from 5,000 to 20,000 pairs."""
    seconds = {}
    for n in (5_000, 20_000):
        series, _ = trajectories(n, seed=1)
        times = [
            timed(lambda seed=seed, series=series: own(series, k, n_init, seed))[0]
            for seed in range(repeats)
        ]
        seconds[n] = statistics.median(times)
    print(f"4 times the pairs: {seconds[20_000] / seconds[5_000]:.2f} times the cpu time")


def ucr(folder: Path) -> dict[str, Floats]:
    """The UCR sets in a folder, as (n, t, 1) arrays."""
    found = {}
    if (folder / "SyntheticControl_TRAIN.txt").exists():
        found["SyntheticControl"] = np.loadtxt(folder / "SyntheticControl_TRAIN.txt")[:, 1:, None]
    if (folder / "Trace.npz").exists():
        found["Trace"] = np.load(folder / "Trace.npz", allow_pickle=True)["X_train"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5_000, help="simulated pairs")
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5, help="runs of isthmus; peers run once")
    parser.add_argument("--peers", nargs="*", default=["tslearn", "aeon"])
    parser.add_argument("--data", type=Path, help="folder with SyntheticControl and Trace")
    parser.add_argument("--growth", action="store_true", help="only 5,000 against 20,000 pairs")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    if options.growth:
        growth(4, options.restarts, options.repeats)
        return
    for name, series in ucr(options.data).items() if options.data else ():
        print(f"{name}: {series.shape[0]} series of {series.shape[1]} points")
        k = 6 if name == "SyntheticControl" else 4
        compare(series, k, options.restarts, options.peers, options.repeats)
    if options.pairs:
        series, _ = trajectories(options.pairs, seed=1)
        print(f"simulated: {options.pairs} pairs of 22 years and 2 dimensions, 4 clusters")
        compare(series, 4, options.restarts, options.peers, options.repeats)


if __name__ == "__main__":
    main()
