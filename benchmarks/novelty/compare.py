"""Set isthmus beside pySciSci and novelpy: CPU of one thread, one run, one table.

The peers live in an environment of their own (``requirements.txt``); hand their
interpreter with ``--peers``. Repeats are interleaved; medians are printed.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from references import simulate
from scipy.stats import spearmanr

from isthmus.stats import atypicality

HERE = Path(__file__).parent
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def own(data: tuple[np.ndarray, ...]) -> float:
    """CPU seconds of isthmus for the scores of the papers."""
    start = time.process_time()
    atypicality(*data, return_pairs=False)
    return time.process_time() - start


def peer(script: str, python: str, source: Path, target: Path, samples: int) -> float:
    """CPU seconds a peer says it took."""
    command = [python, str(HERE / script), str(source), str(target), str(samples), "1"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | ONE_THREAD
    )
    if done.returncode:
        sys.exit(f"{script} failed:\n{done.stderr.splitlines()[-1]}")
    return float(done.stdout.split()[-1])


def quality(data: tuple[np.ndarray, ...], scores: Path) -> str:
    """Rank correlation of the papers' scores, and overlap of the top percent."""
    result = atypicality(*data, return_pairs=False)
    with np.load(scores) as kept:
        theirs = {"tail": kept["novelty"], "median": kept["conventionality"]}
    parts = []
    for name, values in theirs.items():
        mine, known = getattr(result, name), np.isfinite(values)
        rho = spearmanr(mine[known], values[known]).statistic
        parts.append(f"{name} rho {rho:.4f} ({np.mean(~known):.2%} undefined)")
    top = max(1, mine.size // 100)
    tail = np.where(np.isfinite(theirs["tail"]), theirs["tail"], np.inf)
    both = np.intersect1d(np.argsort(result.tail)[:top], np.argsort(tail)[:top])
    return "; ".join(parts) + f"; top 1 % overlap {both.size / top:.0%}"


def beside(
    script: str,
    data: tuple[np.ndarray, ...],
    asked: argparse.Namespace,
    *,
    samples: int,
    repeats: int,
) -> tuple[float, float, str]:
    """Median CPU of a peer and of isthmus on the same references, interleaved; its scores."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "references.npz"), Path(folder, "scores.npz")
        np.savez(source, **dict(zip(("paper", "year", "venue", "cited"), data, strict=True)))
        times = [
            (peer(script, asked.peers, source, target, samples), own(data)) for _ in range(repeats)
        ]
        told = quality(data, target) if target.is_file() else ""
    theirs, mine = (statistics.median(column) for column in zip(*times, strict=True))
    return theirs, mine, told


def grow(asked: argparse.Namespace) -> None:
    """Time novelpy on growing sets of papers of one year, and carry the ratio on to `--papers`.

    The CPU of both is carried on by the exponent between their two largest sizes.
    """
    found: list[tuple[int, float, float]] = []
    for papers in sorted(asked.novelpy_papers):
        data = simulate(papers, years=1)
        draws = asked.novelpy_samples
        theirs, mine, _ = beside("peer_novelpy.py", data, asked, samples=draws, repeats=1)
        found.append((papers, theirs, mine))
        print(
            f"novelpy: {papers:,} papers, {draws} draws: {theirs / mine:,.0f} times isthmus' CPU",
            flush=True,
        )
    if len(found) < 2:
        return
    (few, *before), (many, *after) = found[-2:]
    steps = math.log(many / few)
    slopes = [math.log(b / a) / steps for a, b in zip(before, after, strict=True)]
    there = [
        spent * (asked.papers / many) ** slope for spent, slope in zip(after, slopes, strict=True)
    ]
    print(
        f"  CPU grows with papers to the {slopes[0]:.2f} (novelpy) and {slopes[1]:.2f} (isthmus); "
        f"projected to {asked.papers:,} papers: {there[0] / there[1]:,.0f} times"
    )


def main() -> None:
    """Run the comparison."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--peers", default=sys.executable, help="interpreter that has the peers")
    parse.add_argument("--papers", type=int, default=50_000)
    parse.add_argument("--samples", type=int, default=10, help="draws of pySciSci; 0: skip")
    parse.add_argument("--repeats", type=int, default=3)
    parse.add_argument(
        "--novelpy-papers", type=int, nargs="*", default=[], help="papers of one year, any sizes"
    )
    parse.add_argument("--novelpy-samples", type=int, default=20)
    asked = parse.parse_args()
    own(simulate(200))
    if asked.samples:
        data = simulate(asked.papers)
        how = {"samples": asked.samples, "repeats": asked.repeats}
        theirs, mine, told = beside("peer_pyscisci.py", data, asked, **how)
        print(
            f"pySciSci: {asked.papers:,} papers, {asked.samples} draws: "
            f"{theirs / mine:,.0f} times isthmus' CPU\n  {told}",
            flush=True,
        )
    grow(asked)


if __name__ == "__main__":
    main()
