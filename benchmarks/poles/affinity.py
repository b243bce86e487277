"""Whether affinities and their trends are what was planted.

Draws worlds with planted ties (`isthmus.simulation.ties`), fits `isthmus.stats.affinity` and
counts, cell by cell: how often the trend intervals of all pairs cover the truth; how
often a neutral pair of a giant, and a tie that is strong and constant, is called a trend;
the bias of the planted slopes, less the slope of the noise that was drawn, which has
mean 0; how often yearly intervals cover, in all years of all pairs and in those that were
expected to hold a work at least (counts near 0 are covered more often than 95 in 100, by
any interval). Log ratios to the multi-edge null and the ECM
stand beside, from fewer worlds. A cell's worlds are kept in benchmarks/results/affinity,
so that the same command resumes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isthmus.files import write_text
from isthmus.simulation.ties import CONSTANT, DIRECTED_SLOPES, SLOPES, TiePanel, tie_panel
from isthmus.stats import affinity, fit_null, trend

Floats = NDArray[np.float64]
RESULTS = Path(__file__).resolve().parents[1] / "results" / "affinity"
NOISES: dict[str, dict[str, float]] = {
    "poisson": {},
    "overdispersed": {"dispersion": 0.05},
    "serial": {"noise": 0.1, "rho": 0.6},
    "lasting": {"lasting": 0.5},
    "everything": {"lasting": 0.5, "noise": 0.1, "rho": 0.6, "dispersion": 0.05},
}
LEVELS = [(False, 2_000), (False, 6_000), (False, 20_000), (False, 200_000), (True, 60_000)]
YEARS = (12, 22, 34)
BLOCK = 20


def cells() -> dict[str, dict[str, object]]:
    """Arguments of `tie_panel` by name of the cell."""
    found = {}
    for (directed, works), years, (noise, extra) in itertools.product(
        LEVELS, YEARS, NOISES.items()
    ):
        name = f"{'directed' if directed else 'undirected'}-{works}-{years}-{noise}"
        found[name] = {"works": works, "years": years, "directed": directed, **extra}
    return found


def followed(world: TiePanel, directed: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of every pair once."""
    n = len(world.countries)
    return np.nonzero(~np.eye(n, dtype=bool)) if directed else np.triu_indices(n, 1)


def measured(world: TiePanel, directed: bool) -> dict[str, float | list[float]]:
    """What one world says of affinity."""
    found = affinity(world.counts, directed=directed)
    i, j = followed(world, directed)
    lines, truth = found.trends(i, j), world.slope[i, j]
    inside = (found.low <= world.affinity) & (world.affinity <= found.high)
    there = np.isfinite(found.value[:, i, j])
    has = np.isfinite(lines.slope)
    return {
        "trend_cover": float(((lines.low <= truth) & (truth <= lines.high))[has].mean()),
        "year_cover": float(inside[:, i, j][there].mean()),
        "year_cover_1": float(inside[:, i, j][there & (found.expected[:, i, j] >= 1)].mean()),
        "bend": float((lines.bend_p[has & (truth == 0)] < 0.05).mean()),
        **planted(world, directed, i, j, lines.slope, lines.p),
    }


def planted(
    world: TiePanel,
    directed: bool,
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    slope: Floats,
    p: Floats,
) -> dict[str, float | list[float]]:
    """Errors of planted slopes, and how often ties that stay are called trends."""
    truth = world.slope[i, j]
    giant = (i < 2) | (j < 2)
    position = {pair: k for k, pair in enumerate(zip(i.tolist(), j.tolist(), strict=True))}
    a, b = world.pair(*CONSTANT[0])
    steady = position[a, b] if directed else position[min(a, b), max(a, b)]
    neutral = giant & (truth == 0) & np.isfinite(p)
    neutral[steady] = False
    errors = []
    for pair in [*(DIRECTED_SLOPES if directed else SLOPES), CONSTANT[0]]:
        a, b = world.pair(*pair)
        k = position[a, b] if directed else position[min(a, b), max(a, b)]
        noise = (world.drawn - world.affinity)[:, a, b]
        errors.append(slope[k] - truth[k] - np.polyfit(np.arange(len(noise)), noise, 1)[0])
    return {
        "neutral": float((p[neutral] < 0.05).mean()),
        "constant": float(p[steady] < 0.05),
        "errors": [float(e) for e in errors],
    }


def log_ratios(world: TiePanel, directed: bool, model: str) -> dict[str, float | list[float]]:
    """The same of log ratios to a null model's expectation."""
    i, j = followed(world, directed)
    ratio = []
    for year in world.counts:
        expected = fit_null(year, model, directed=directed).expected
        ratio.append(np.log((year + 0.5) / (expected + 0.5))[i, j])
    lines = trend(np.array(ratio).T)
    return planted(world, directed, i, j, lines.slope, lines.p)


def run(name: str, start: int, stop: int, others: dict[str, int]) -> None:
    """Add the worlds that a cell's file does not hold yet."""
    path = RESULTS / f"{name}.json"
    held = json.loads(path.read_text()) if path.exists() else {}
    settings = dict(cells()[name])
    works, years = settings.pop("works"), settings.pop("years")
    directed = bool(settings["directed"])
    apart = 10_000 * list(cells()).index(name)  # no two cells share their draws of noise
    for seed in range(start, stop):
        for measure in ("affinity", *others):
            key = f"{measure}:{seed}"
            if key in held or (measure != "affinity" and seed >= others[measure]):
                continue
            world = tie_panel(works, years, seed + apart, **settings)  # type: ignore[arg-type]
            held[key] = (
                measured(world, directed)
                if measure == "affinity"
                else log_ratios(world, directed, measure)
            )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(held))


def row(held: dict[str, dict[str, float | list[float]]], measure: str) -> dict[str, object] | None:
    """Means over a cell's worlds."""
    worlds = [value for key, value in held.items() if key.startswith(measure + ":")]
    if not worlds:
        return None
    out: dict[str, object] = {"worlds": len(worlds)}
    for column in ("trend_cover", "neutral", "constant", "year_cover", "year_cover_1", "bend"):
        if column in worlds[0]:
            out[column] = float(np.mean([world[column] for world in worlds]))
    errors = np.array([world["errors"] for world in worlds])
    out["bias"] = errors.mean(axis=0)
    out["error"] = errors.std(axis=0, ddof=1) / np.sqrt(len(errors)) if len(errors) > 1 else None
    return out


def missed(settings: dict[str, object], found: dict[str, object]) -> str:
    """What of the aims a cell does not reach; a rate or bias is missed beyond 2 errors."""
    strong = settings["years"] == 34 and "noise" in settings and "dispersion" in settings
    most, worlds, out = 0.11 if strong else 0.07, found["worlds"], []
    if not 0.92 <= found["trend_cover"] <= 0.98:
        out.append("trend cover")
    if found["neutral"] > most:
        out.append("neutral")
    if found["constant"] > most + 2 * np.sqrt(most * (1 - most) / worlds):
        out.append("constant")
    if not 0.90 <= found["year_cover"] <= 0.98:
        out.append("year cover")
    if settings["works"] >= 20_000 and found["error"] is not None:
        beyond = np.abs(found["bias"]) - 2 * found["error"]
        if (beyond > 0.001).any():
            out.append("bias")
    return ", ".join(out)


def show(names: list[str]) -> None:
    """Print one table."""
    print(f"{'cell':<36}{'measure':<10}{'worlds':>6}{'trend':>7}{'neutral':>8}{'const.':>7}"
          f"{'year':>7}{'1+':>7}{'bend':>6}   bias of the planted slopes and the constant tie, "
          "in 0.001 a year (standard error)")  # fmt: skip
    for name in names:
        path = RESULTS / f"{name}.json"
        held = json.loads(path.read_text()) if path.exists() else {}
        for measure in ("affinity", "multiedge", "ecm"):
            found = row(held, measure)
            if found is None:
                continue
            rates = "".join(
                f"{100 * found[column]:>{width}.1f}" if column in found else " " * width
                for column, width in (
                    ("trend_cover", 7), ("neutral", 8), ("constant", 7), ("year_cover", 7),
                    ("year_cover_1", 7), ("bend", 6),
                )
            )  # fmt: skip
            errors = found["error"] if found["error"] is not None else np.full(4, np.nan)
            bias = "  ".join(
                f"{1000 * b:+.1f} ({1000 * e:.1f})"
                for b, e in zip(found["bias"], errors, strict=True)
            )
            note = missed(cells()[name], found) if measure == "affinity" else ""
            print(f"{name if measure == 'affinity' else '':<36}{measure:<10}{found['worlds']:>6}"
                  f"{rates}   {bias}   {'MISSED: ' + note if note else ''}".rstrip())  # fmt: skip


def main() -> None:
    """Run what is missing, block by block, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=200, help="worlds a cell")
    parser.add_argument("--cells", nargs="+", help="parts of names of cells; default all")
    parser.add_argument("--multiedge", type=int, default=5, help="worlds of the multi-edge null")
    parser.add_argument("--ecm", type=int, default=1, help="worlds of the ECM")
    parser.add_argument("--show", action="store_true", help="only print what is there")
    options = parser.parse_args()
    names = [n for n in cells() if not options.cells or any(c in n for c in options.cells)]
    others = {"multiedge": options.multiedge, "ecm": options.ecm}
    start = time.process_time()
    if not options.show:
        for low in range(0, options.worlds, BLOCK):
            for name in names:
                run(name, low, min(low + BLOCK, options.worlds), others)
            print(f"{min(low + BLOCK, options.worlds)} worlds a cell, "
                  f"{(time.process_time() - start) / 60:.0f} CPU minutes", flush=True)  # fmt: skip
    show(names)


if __name__ == "__main__":
    main()
