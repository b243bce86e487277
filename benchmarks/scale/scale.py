"""A full study on simulated worlds of growing size: what each step takes, and how it grows.

Every world and every run stays in the folder given, so that a larger size can be added
later; each run is a process of its own, after one on a tiny world that compiles the
kernels. Printed are time, processor time, memory, bytes read, written and spilled of each
step; growth exponents between sizes; how well the smaller runs, as a calibration, predict
the larger ones; and a projection to the whole of OpenAlex with its assumptions.
Exponents and predictions are of processor time too, because other work on the machine
moves wall time more.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from isthmus.planning.calibration import SPREAD, Cost, calibration_of, corpus_rows, predict
from isthmus.planning.plan import HOURS, Forecast, Machine
from isthmus.results import Results, open_results

#: Works of OpenAlex in a release of 2025, rounded up.
OPENALEX_WORKS = 480_000_000

#: Works from which on DuckDB is given the larger bound.
LARGE = 4_000_000

#: Exponents allowed from a million works on: of all steps together, and of any step that
#: takes at least this share of the processor time.
ALLOWED_TOTAL, ALLOWED_STEP, COUNTS_FROM = 1.10, 1.20, 0.01

OUT = Console(width=150)


def bound_of(works: int) -> str:
    """Memory DuckDB is held to."""
    return "8GB" if works > LARGE else "4GB"


def one_run(corpus: Path, to: Path, memory: str) -> None:
    """Run the whole study in this process."""
    from isthmus.pipeline.runner import run
    from isthmus.study import Study

    about = {"corpus": str(corpus.resolve()), "years": [1998, 2021]}
    asked = {"study": about, "field": {"subfields": [1702]}}
    run(Study.parse(asked | {"run": {"memory": memory, "threads": 2}}), to, overwrite=True)


def results_of(works: int, folder: Path) -> Results:
    """Simulate and run where that was not done before, and give the results."""
    world, to = folder / f"world-{works}", folder / f"results-{works}"
    if not (world / "manifest.json").exists():
        OUT.print(f"simulating {works:,} works")
        command = ["-m", "isthmus", "simulate", "--works", str(works), "--to", str(world)]
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    if not (to / "run.json").exists():
        OUT.print(f"running the study on {works:,} works")
        command = [__file__, "--one", str(world), str(to), "--memory", bound_of(works)]
        subprocess.run([sys.executable, *command], check=True)
    return open_results(to)


def show_steps(works: int, results: Results) -> None:
    """Print what each step of a run took."""
    table = Table(title=f"{works:,} works, DuckDB held to {bound_of(works)}", title_justify="left")
    heads = ("seconds", "CPU s", "peak GB", "engine GB", "rest GB", "read GB", "written GB")
    for head in ("step", *heads, "spilled GB"):
        table.add_column(head, justify="left" if head == "step" else "right")
    names = ("peak_rss_bytes", "engine_bytes", "own_bytes", "bytes_read", "bytes_written")
    for name, step in results.record["steps"].items():
        sizes = [f"{(step[key] or 0) / 1e9:.2f}" for key in (*names, "spilled_bytes")]
        table.add_row(name, f"{step['seconds']:.1f}", f"{step['cpu_seconds']:.1f}", *sizes)
    steps = list(results.record["steps"].values())
    total = [sum(step[key] for step in steps) for key in ("seconds", "cpu_seconds")]
    peak = max(step["peak_rss_bytes"] for step in steps)
    table.add_row("all", f"{total[0]:.1f}", f"{total[1]:.1f}", f"{peak / 1e9:.2f}")
    OUT.print(table)


def exponent(small: float, large: float, ratio: float) -> float:
    """Growth exponent between two sizes; 0 where nothing is to be measured."""
    return math.log(large / small) / math.log(ratio) if small > 0 and large > 0 else 0.0


def show_growth(runs: dict[int, Results], key: str) -> None:
    """Print the growth exponent of every step between each size and the next."""
    sizes = sorted(runs)
    spans = list(pairwise(sizes))
    table = Table(title=f"Growth exponents of {key}", title_justify="left")
    table.add_column("step")
    for a, b in spans:
        table.add_column(f"{a:,} to {b:,}", justify="right")
    for name in [*runs[sizes[0]].record["steps"], "all"]:
        row = [exponent(taken(runs[a], name, key), taken(runs[b], name, key), b / a)
               for a, b in spans]  # fmt: skip
        table.add_row(name, *(f"{value:.2f}" for value in row))
    OUT.print(table)


def taken(results: Results, name: str, key: str) -> float:
    """Give a quantity of a step, or of all steps together."""
    steps = results.record["steps"]
    return float(sum(step[key] for step in steps.values()) if name == "all" else steps[name][key])


def verdicts(runs: dict[int, Results]) -> Iterator[str]:
    """Hold growth from a million works on to what is allowed."""
    sizes = [size for size in sorted(runs) if size >= 1_000_000]
    if len(sizes) < 2:
        yield "Growth from a million works on was not measured: it takes two sizes there."
        return
    first, last = runs[sizes[0]], runs[sizes[-1]]
    ratio, key = sizes[-1] / sizes[0], "cpu_seconds"
    total = exponent(taken(first, "all", key), taken(last, "all", key), ratio)
    yield f"All steps from {sizes[0]:,} to {sizes[-1]:,} works: {total:.2f}, {_held(total, 1.1)}"
    for name in first.record["steps"]:
        if taken(last, name, key) >= COUNTS_FROM * taken(last, "all", key):
            found = exponent(taken(first, name, key), taken(last, name, key), ratio)
            yield f"  {name}: {found:.2f}, {_held(found, ALLOWED_STEP)}"


def _held(found: float, allowed: float) -> str:
    return f"{'holds' if found <= allowed else 'does not hold'} (at most {allowed:.2f})"


def show_prediction(runs: dict[int, Results], at: int) -> None:
    """Print what runs of `at` works and of a quarter predict for the larger ones."""
    from_ = [runs[size] for size in (at // SPREAD, at) if size in runs]
    samples = calibration_of(from_).samples
    table = Table(
        title=f"Predicted over measured, from runs of up to {at:,} works", title_justify="left"
    )
    table.add_column("step")
    larger = [size for size in sorted(runs) if size > at]
    for size in larger:
        table.add_column(f"{size:,}: seconds", justify="right")
        table.add_column("CPU s", justify="right")
        table.add_column("rest of memory", justify="right")
    told = {s: predict(samples, corpus_rows(runs[s].record["corpus"]["rows"])) for s in larger}
    for name in [*runs[at].record["steps"], "all"]:
        cells = []
        for size in larger:
            for key in ("seconds", "cpu_seconds", "own_bytes"):
                fold: Callable[[list[float]], float] = max if key == "own_bytes" else sum
                steps = told[size] if name == "all" else {name: told[size][name]}
                measured = [runs[size].record["steps"][step][key] for step in steps]
                cells.append(fold([getattr(c, key) for c in steps.values()]) / fold(measured))
        table.add_row(name, *(f"{cell:.2f}" for cell in cells))
    OUT.print(table)


def project(runs: dict[int, Results], works: int, machine: Machine) -> None:
    """Print what a run on the whole of OpenAlex would take, and on what assumptions."""
    sizes = sorted(runs)
    samples = [calibration_of([runs[size]]).samples[0] for size in sizes]
    told = predict(samples, samples[-1].rows * works / sizes[-1])
    faster = machine.cores / 2
    steps = {name: on_more_cores(step, faster) for name, step in told.items()}
    forecast = Forecast(steps, machine, 0.5 * machine.memory)
    OUT.print(f"\nProjection to {works:,} works, fitted to runs of {sizes}:")
    for line in [*forecast.describe(HOURS), *assumptions(machine)]:
        OUT.print(line, soft_wrap=True, highlight=False, markup=False)
    two = Forecast(told, Machine(2, machine.memory, machine.disk), 0.5 * machine.memory)
    cluster = two.cluster(HOURS * 7)
    OUT.print(
        f"In a week, on a cluster: {cluster.executors} executors; {cluster.alone / 3600:,.1f} h "
        "run in the leading process.",
        highlight=False,
    )


def on_more_cores(step: Cost, faster: float) -> Cost:
    """Let the engine's part of a step be so many times faster."""
    engine = step.engine_seconds / faster
    alone = max(step.seconds - step.engine_seconds, 0.0)
    return replace(step, seconds=alone + engine, engine_seconds=engine)


def assumptions(machine: Machine) -> Iterator[str]:
    """Say what a projection rests on."""
    yield (
        "Assumed: the field is as large a part of the corpus, and references, authors and "
        "affiliations per work are as many, as in the simulated worlds; time grows as "
        "a + b n + c n log n fitted to these runs (poles: a + b log n); "
        f"DuckDB's part is shared evenly by {machine.cores} cores, the rest runs as fast as on 2; "
        "an executor's cores do half of what DuckDB's do; disks are no slower than here."
    )


def main() -> None:
    """Run what was not run before and print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--works", type=int, nargs="+", default=[250_000, 1_000_000])
    parser.add_argument("--folder", type=Path, default=Path("benchmarks/results/scale"))
    parser.add_argument("--predict-from", type=int, help="works of the run taken as calibration")
    parser.add_argument("--project", type=int, default=OPENALEX_WORKS)
    parser.add_argument("--cores", type=int, default=64, help="cores of the large machine")
    parser.add_argument("--ram", type=float, default=1024, help="its memory in GB")
    parser.add_argument("--disk", type=float, default=8000, help="its free disk in GB")
    parser.add_argument("--one", type=Path, nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--memory", default="4GB", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one_run(*options.one, options.memory)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    results_of(2_000, options.folder)
    runs = {works: results_of(works, options.folder) for works in sorted(options.works)}
    for works, results in runs.items():
        show_steps(works, results)
    if len(runs) > 1:
        show_growth(runs, "cpu_seconds")
        show_growth(runs, "seconds")
        for line in verdicts(runs):
            OUT.print(line, highlight=False)
    if options.predict_from:
        show_prediction(runs, options.predict_from)
    machine = Machine(options.cores, int(options.ram * 1e9), int(options.disk * 1e9))
    project(runs, options.project, machine)


if __name__ == "__main__":
    main()
