"""How CPU and memory grow with papers and with years; each size in a process of its own."""

from __future__ import annotations

import argparse
import math
import resource
import subprocess
import sys
import time

from references import simulate

from isthmus.stats import atypicality


def measure(papers: int, years: int, venues: int) -> tuple[float, float, float]:
    """CPU seconds, and peak resident GB before and after, of one size."""
    atypicality(*simulate(200))
    data = simulate(papers, years=years, venues=venues)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    atypicality(*data, return_pairs=False)
    spent = time.process_time() - start
    return spent, before / 1e6, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def in_process(papers: int, years: int, venues: int) -> list[float]:
    """Measure in a fresh process."""
    code = f"import growth; print(*growth.measure({papers}, {years}, {venues}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=sys.path[0]
    )
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    """Print a table of growth."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--papers", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parse.add_argument("--years", type=int, nargs="+", default=[5])
    parse.add_argument("--venues", type=int, default=2000)
    asked = parse.parse_args()
    print("papers       years  CPU/smallest  exponent  peak GB (of which the input)")
    first: tuple[int, float] | None = None
    for years in asked.years:
        for papers in asked.papers:
            cpu, before, after = in_process(papers, years, asked.venues)
            first = first or (papers, cpu)
            ratio, grown = cpu / first[1], papers / first[0]
            exponent = f"{math.log(ratio) / math.log(grown):.3f}" if grown > 1 else "-"
            print(
                f"{papers:<12,} {years:<6} {ratio:<13.2f} {exponent:<9} {after:.2f} ({before:.2f})"
            )


if __name__ == "__main__":
    main()
