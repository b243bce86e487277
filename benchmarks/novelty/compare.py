"""Set isthmus beside pySciSci and novelpy: CPU of one thread, one run, one table.

The peers live in an environment of their own (``requirements.txt``); hand their
interpreter with ``--peers``. Repeats are interleaved; medians are printed.
"""

from __future__ import annotations

import argparse
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


def main() -> None:
    """Run the comparison."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--peers", default=sys.executable, help="interpreter that has the peers")
    parse.add_argument("--papers", type=int, default=50_000)
    parse.add_argument("--samples", type=int, default=10, help="draws of pySciSci")
    parse.add_argument("--repeats", type=int, default=3)
    parse.add_argument("--novelpy-papers", type=int, default=0, help="papers of one year; 0: skip")
    parse.add_argument("--novelpy-samples", type=int, default=20)
    asked = parse.parse_args()
    own(simulate(200))
    with tempfile.TemporaryDirectory() as folder:
        rows = [("pySciSci", asked.papers, 5, asked.samples, "peer_pyscisci.py", asked.repeats)]
        if asked.novelpy_papers:
            rows.append(
                ("novelpy", asked.novelpy_papers, 1, asked.novelpy_samples, "peer_novelpy.py", 1)
            )
        for name, papers, years, samples, script, repeats in rows:
            data = simulate(papers, years=years)
            source, target = Path(folder, f"{name}.npz"), Path(folder, f"{name}-out.npz")
            np.savez(source, **dict(zip(("paper", "year", "venue", "cited"), data, strict=True)))
            times = [
                (peer(script, asked.peers, source, target, samples), own(data))
                for _ in range(repeats)
            ]
            ratio = statistics.median(theirs for theirs, _ in times) / statistics.median(
                mine for _, mine in times
            )
            print(f"{name}: {papers:,} papers, {samples} draws: {ratio:,.0f} times isthmus' CPU")
            if name == "pySciSci":
                print("  " + quality(data, target))


if __name__ == "__main__":
    main()
