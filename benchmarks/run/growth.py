"""Time of every step of a run on simulated worlds, and how it grows with the number of works.

Each size runs in a process of its own, with DuckDB held to the memory given.
The growth exponent of a step is the slope of log time on log works between the
smallest and the largest world; peak memory is that of the running process.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table


def one_run(corpus: Path, to: Path, memory: str) -> dict[str, float]:
    """Run the study once in this process and give seconds by step, and peak memory in MB."""
    from isthmus.runner import run
    from isthmus.study import Study

    about = {"corpus": str(corpus.resolve()), "years": [1998, 2021]}
    study = Study.parse(
        {"study": about, "field": {"subfields": [1702]}, "run": {"memory": memory, "threads": 2}}
    )
    steps = run(study, to, overwrite=True).record["steps"]
    seconds = {name: step["seconds"] for name, step in steps.items()}
    seconds["all steps"] = sum(seconds.values())
    seconds["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return seconds


def measure(corpus: Path, folder: Path, memory: str, repeats: int) -> dict[str, float]:
    """Run the study several times, each in a fresh process and folder, and give medians."""
    runs = []
    for repeat in range(repeats):
        to = folder / f"results-{corpus.name}-{repeat}"
        command = [sys.executable, __file__, "--one", str(corpus), str(to), "--memory", memory]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    return {name: median(run[name] for run in runs) for name in runs[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--works", type=int, nargs="+", default=[250_000, 1_000_000])
    parser.add_argument("--folder", type=Path, default=Path("benchmarks/results/run"))
    parser.add_argument("--memory", default="4GB")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--one", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one_run(*options.one, options.memory)))
        return
    from isthmus.simulation import simulate_world

    measured = {}
    for works in options.works:
        corpus = options.folder / f"world-{works}"
        if not corpus.exists():
            simulate_world(corpus, works=works, seed=1)
        measured[works] = measure(corpus, options.folder, options.memory, options.repeats)
    show(measured, options.memory)


def show(measured: dict[int, dict[str, float]], memory: str) -> None:
    """Print seconds by step and world, and the growth exponent of each."""
    sizes = sorted(measured)
    table = Table(title=f"Seconds by step, DuckDB held to {memory}")
    table.add_column("step")
    for size in sizes:
        table.add_column(f"{size:,} works", justify="right")
    table.add_column("exponent", justify="right")
    for name in measured[sizes[0]]:
        row = [measured[size][name] for size in sizes]
        span = math.log(sizes[-1] / sizes[0]) if len(sizes) > 1 else math.nan
        exponent = math.log(row[-1] / row[0]) / span
        table.add_row(name, *(f"{value:,.1f}" for value in row), f"{exponent:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
