"""What simulating a world costs, and how it grows with its size.

Each size runs in a process of its own: CPU time, peak memory and rows written.
The exponent is the slope of log(CPU) on log(works) from the smallest to the
largest size; 1 is linear.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from isthmus.corpus.store import open_corpus
from isthmus.simulation.simulate import simulate_world


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--works", type=int, nargs="+", default=[62_500, 250_000, 1_000_000])
    parser.add_argument("--as", dest="as_", choices=["corpus", "openalex"], default="corpus")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each size; medians shown")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measured(arguments.works[0], arguments.as_)))
        return
    rows = [typical(works, arguments.as_, arguments.repeats) for works in arguments.works]
    print(f"{'works':>10} {'rows':>11} {'CPU, first = 1':>15} {'peak MB':>8}")
    for row in rows:
        print(
            f"{row['works']:>10,} {row['rows']:>11,} "
            f"{row['cpu'] / rows[0]['cpu']:>15.2f} {row['peak_mb']:>8.0f}"
        )
    if len(rows) > 1:
        for name in ("cpu", "peak_mb"):
            slope = math.log(rows[-1][name] / rows[0][name])
            slope /= math.log(rows[-1]["works"] / rows[0]["works"])
            print(f"growth exponent of {name}: {slope:.2f}")


def typical(works: int, as_: str, repeats: int) -> dict[str, float]:
    """Medians of several runs, each in a fresh process."""
    command = [sys.executable, __file__, "--one", "--works", str(works), "--as", as_]
    runs = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(repeats)
    ]
    return {name: median(run[name] for run in runs) for name in runs[0]}


def measured(works: int, as_: str) -> dict[str, float]:
    """One run in this process."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "world"
        start = time.process_time()
        simulate_world(target, works=works, seed=1, as_=as_)
        cpu = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows = works
        if as_ == "corpus":
            tables = ("works", "authorships", "affiliations", "references", "subjects")
            rows = sum(open_corpus(target).rows(table) for table in tables)
    return {"works": works, "rows": rows, "cpu": cpu, "peak_mb": peak}


if __name__ == "__main__":
    main()
