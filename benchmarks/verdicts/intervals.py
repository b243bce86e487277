"""Coverage of every kind of interval that a verdict rests on, over simulated worlds.

Each world is another draw of the same laws, so that an interval that says 95 % should hold
the truth in 95 of 100. Where nothing is planted the truth is 0 (matched effects). Elsewhere
it is the mean over the worlds; the deviation from it is stretched by sqrt(n / (n - 1)), for a
mean that holds the world itself.

Worlds without effect, all of one size; the whole spread from world to world counts, not that
within a world alone: who publishes, who moves, who is cited.

Usage: python benchmarks/verdicts/intervals.py [--worlds 40] [--works 20000] [--out FILE.csv]
"""

from __future__ import annotations

import argparse
import csv
import math
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.pipeline import runner
from isthmus.pipeline.steps import STEPS
from isthmus.results import Results
from isthmus.simulation.simulate import simulate_world
from isthmus.stats import fit_null
from isthmus.stats.ratios import ratio_of_totals
from isthmus.stats.shares import wilson
from isthmus.study import Study

#: Countries whose totals are compared with each other.
COUNTRIES = ("US", "CN", "GB", "DE")

#: Steps that make the tables read here.
NEEDED = ("field", "coverage", "leadership", "mobility", "teaming")

#: An interval: what it is of, its estimate and its two ends, all on the scale of the truth.
Interval = tuple[float, float, float]


def results_of(seed: int, works: int, folder: Path) -> Results:
    """Run the questions that need no network on a world without effect."""
    simulate_world(folder / "corpus", works=works, seed=seed, placebo=True)
    document = {
        "study": {"corpus": str(folder / "corpus"), "years": [2000, 2021]},
        "run": {"seed": seed, "threads": 1},
    }
    return runner.run(Study.parse(document), folder / "results")


def matched(results: Results) -> Iterator[tuple[str, Any, Interval | None]]:
    """Matched effects, whose truth is 0; yearly and pooled, of the poles and placebo pairs."""
    for row in results.table("matched").to_pylist():
        if row["effect_percent"] is None:
            continue
        if row["experiment"].startswith("movers"):
            # What movers keep differs by design of the world: on the log scale, beside its mean.
            ends = _logs(row["effect_percent"], row["ci_low"], row["ci_high"])
            yield "retention", row["experiment"], ends
        else:
            kind = "matched, pooled" if row["year"] is None else "matched, yearly"
            yield kind, 0.0, _ends(row, "effect_percent", "ci_low", "ci_high")
    for row in results.table("placebo_pairs").to_pylist():
        if row["effect_percent"] is not None:
            yield "placebo pairs", 0.0, _ends(row, "effect_percent", "ci_low", "ci_high")
    for row in results.table("matched_measures").to_pylist():
        if row["poisson_percent"] is not None:
            yield (
                "Poisson regression",
                0.0,
                _ends(row, "poisson_percent", "poisson_low", "poisson_high"),
            )


def totals(results: Results) -> Iterator[tuple[str, Any, Interval | None]]:
    """Ratios of totals of two countries, and of a country's last years to its first."""
    found = {
        (r["measure"], r["span"], r["country"]): (r["total"], r["se"])
        for r in results.table("country_totals").to_pylist()
    }
    for measure in sorted({key[0] for key in found}):
        for a, b in combinations(COUNTRIES, 2):
            for span in ("all", "first", "last"):
                sides = [found.get((measure, span, c)) for c in (a, b)]
                yield _ratio(f"ratio, {measure}", (measure, span, a, b), sides[:1], sides[1:])
            ends = [found.get((measure, s, c)) for s, c in
                    (("last", a), ("first", b), ("first", a), ("last", b))]  # fmt: skip
            yield _ratio(f"change of ratio, {measure}", (measure, a, b), ends[:2], ends[2:])


def _ratio(kind: str, key: Any, above: list[Any], below: list[Any]) -> tuple[str, Any, Any]:
    parts = [*above, *below]
    if any(part is None or not part[0] > 0 for part in parts):
        return kind, key, None
    found = ratio_of_totals(above, below)
    return kind, key, _logs(100 * (found.value - 1), 100 * (found.low - 1), 100 * (found.high - 1))


def means(results: Results) -> Iterator[tuple[str, Any, Interval | None]]:
    """Mean impact and contrasts within years or equal career ages."""
    for row in results.table("country_year").to_pylist():
        if row["country"] in COUNTRIES and row["c2_mean"] is not None:
            ends = _ends(row, "c2_mean", "c2_mean_low", "c2_mean_high")
            yield "mean impact", (row["country"], row["year"]), ends
    for name, words in (("mover_contrasts", "movers less stayers"), ("team_contrasts", "joint")):
        for row in results.table(name).to_pylist():
            if row["difference"] is None:
                continue
            key = tuple(v for v in row.values() if isinstance(v, str) and not v.startswith("too"))
            kind = f"{words}, {row['measure']}"
            yield kind, key, _ends(row, "difference", "low", "high")


def polarisation_years(worlds: int) -> Iterator[tuple[str, Any, Interval | None]]:
    """The yearly index in panels where events fall by size alone; its truth is 0."""
    from isthmus.poles.polarisation import polarisation

    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(6, 24))
        size = 5 * np.exp(rng.normal(0, 1, n))
        size[:2] = 3 * size.max()
        weights = np.triu(rng.poisson(np.outer(size, size)), 1).astype(float)
        weights = weights + weights.T
        if not weights.any(axis=0).all():
            continue
        expected = fit_null(weights, "multiedge", directed=False).expected
        ratio = np.log((weights + 0.5) / (expected + 0.5))
        found = polarisation(ratio[None], (expected >= 1) & ~np.eye(n, dtype=bool), [0, 1])
        if np.isfinite(found.index[0]):
            ends = (float(found.index[0]), float(found.low[0]), float(found.high[0]))
            yield "polarisation, yearly", 0.0, ends if np.isfinite(ends).all() else None


def _ends(row: dict[str, Any], value: str, low: str, high: str) -> Interval | None:
    return None if row[low] is None else (row[value], row[low], row[high])


def _logs(percent: float, low: float | None, high: float | None) -> Interval | None:
    if low is None or high is None or math.isnan(low) or not min(low, percent) > -100:
        return None
    one, two, three = (math.log1p(x / 100) for x in (percent, low, high))
    return one, two, three


def coverage(found: dict[str, dict[Any, list[Interval | None]]]) -> list[dict[str, Any]]:
    """Count intervals that hold the truth, by kind."""
    rows = []
    for kind, groups in sorted(found.items()):
        held = there = absent = 0
        for key, intervals in groups.items():
            known = [interval for interval in intervals if interval is not None]
            absent += len(intervals) - len(known)
            if key == 0.0:
                truth, stretch = 0.0, 1.0
            elif len(known) < max(10, 0.8 * len(intervals)):
                continue  # a mean over the worlds that happen to have an interval is no truth
            else:
                truth = float(np.mean([value for value, _, _ in known]))
                stretch = math.sqrt(len(known) / (len(known) - 1))
            for value, low, high in known:
                away = (value - truth) * stretch
                held += low - value <= -away <= high - value
                there += 1
        if there:
            low, high = wilson(held, there)
            rows.append({"kind": kind, "intervals": there, "covered": held / there,
                         "low": low, "high": high, "no interval": absent})  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--works", type=int, default=20_000)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    runner.STEPS = tuple(step for step in STEPS if step.name in NEEDED)
    found: dict[str, dict[Any, list[Interval | None]]] = defaultdict(lambda: defaultdict(list))
    for seed in range(1, asked.worlds + 1):
        with tempfile.TemporaryDirectory() as folder:
            results = results_of(seed, asked.works, Path(folder))
            for read in (matched, totals, means):
                for kind, key, interval in read(results):
                    found[kind][key].append(interval)
        print(f"world {seed} of {asked.worlds}", flush=True)
        write(coverage(found), asked.out)
    for kind, key, interval in polarisation_years(10 * asked.worlds):
        found[kind][key].append(interval)
    rows = coverage(found)
    write(rows, asked.out)
    print(f"{'kind':40} {'intervals':>9} {'covered':>8}  {'95 % of it':>13} {'none':>6}")
    for row in rows:
        ends = f"{row['low']:.3f}-{row['high']:.3f}"
        print(
            f"{row['kind']:40} {row['intervals']:9} {row['covered']:8.3f}  {ends:>13} "
            f"{row['no interval']:6}"
        )


def write(rows: list[dict[str, Any]], out: Path | None) -> None:
    """Write the table as CSV, where a file is asked for."""
    if out is not None and rows:
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
