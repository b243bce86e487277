"""Size, coverage and power of turning points on affinities with planted turns.

Draws panels of 40 countries (`isthmus.simulation.ties`), plants one turn in a pair of each
size, fits `isthmus.stats.affinity` and looks for the turn with the noise learned over the
panel, as the table ``turns`` does. Beside each planted pair a pair of like size stands that
does not turn: it tells the size of the test. Also counted: how often the 95 % set of years
holds the planted year, in all panels and in those where a turn was found; how often the
year is known well enough to be named; how often the interval of the change covers. Panels
are kept in benchmarks/results/turns, so that the same command resumes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyarrow import csv

from isthmus.files import write_text
from isthmus.simulation.ties import tie_panel
from isthmus.stats import turning_point
from isthmus.stats.three_way.affinities import affinity_paths

RESULTS = Path(__file__).resolve().parents[1] / "results" / "turns"
NOISES: dict[str, dict[str, float]] = {
    "poisson": {},
    "dispersion .05": {"dispersion": 0.05},
    "AR .6 sd .1": {"noise": 0.1, "rho": 0.6},
}
YEARS, CHANGES, SIZES = (22, 34), (0.0, 0.02, 0.05, 0.10), (5, 50, 500, 5_000)
#: Total of a panel's first year, so that pairs of every size are among its 780.
TOTAL = {22: 30_000, 34: 20_000}
Pair = tuple[int, int]


def pairs_of_sizes(mean: NDArray[np.float64]) -> list[tuple[Pair, Pair]]:
    """For each size the two pairs that come closest to it, one to turn and one not to."""
    one, other = np.triu_indices(len(mean), 1)
    chosen: list[tuple[Pair, Pair]] = []
    taken: set[Pair] = set()
    for size in SIZES:
        order = np.argsort(np.abs(np.log(mean[one, other] / size)))
        near = [(int(one[k]), int(other[k])) for k in order]
        first, second = [pair for pair in near if pair not in taken][:2]
        taken |= {first, second}
        chosen.append((first, second))
    return chosen


def panel(noise: str, years: int, change: float, seed: int) -> list[dict[str, float]]:
    """One panel: what is found at the planted pair and at its neutral neighbour, by size."""
    plain = tie_panel(TOTAL[years], years, seed, slopes={})
    chosen = pairs_of_sizes(plain.counts.mean(axis=0) + 1e-9)
    random = np.random.default_rng(seed)
    planted = {
        pair: (int(random.integers(years // 5, years - years // 5)), float(sign * change))
        for (pair, _), sign in zip(chosen, random.choice([-1, 1], len(chosen)), strict=True)
    }
    extra = NOISES[noise]
    world = tie_panel(TOTAL[years], years, seed, slopes={}, turns=planted, **extra)  # type: ignore[arg-type]
    found = affinity_paths(world.counts, directed=False)
    rows = []
    for size, (turned, neutral) in zip(SIZES, chosen, strict=True):
        row: dict[str, float] = {"size": size}
        for name, (i, j) in (("turned", turned), ("neutral", neutral)):
            noise_of = found.noise[found.noise_class[i, j]]
            one = turning_point(found.value[:, i, j], found.se[:, i, j], noise=noise_of)
            row[f"p_{name}"] = one.p
            if name == "turned":
                at, step = planted[turned]
                assert one.low is not None
                assert one.high is not None
                row["covers"] = one.low <= at <= one.high
                row["width"] = one.high - one.low + 1
                row["dated"] = one.dated
                row["change_covers"] = one.change_interval[0] <= step <= one.change_interval[1]
        rows.append(row)
    return rows


def run(panels: int) -> None:
    """Add the panels that are missing, one of every cell after the other."""
    cells = list(itertools.product(NOISES, YEARS, CHANGES))
    start = time.process_time()
    for number in range(-(-panels // len(cells))):
        path = RESULTS / f"{number:03d}.json"
        if path.exists():
            continue
        made = []
        for place, (noise, years, change) in enumerate(cells):
            seed = 10_000 * place + number
            cell = {"noise": noise, "years": years, "change": change}
            made += [{**cell, **row} for row in panel(noise, years, change, seed)]
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(made))
        print(
            f"{(number + 1) * len(cells)} panels, {time.process_time() - start:.0f} s", flush=True
        )


def show() -> None:
    """Print one table."""
    rows = [row for path in sorted(RESULTS.glob("*.json")) for row in json.loads(path.read_text())]
    if not rows:
        return
    keys = rows[0].keys()
    held = {key: np.array([row[key] for row in rows]) for key in keys}
    print(f"{len(rows) // len(SIZES)} panels, {len(rows)} planted pairs")
    hits = held["p_neutral"] <= 0.05
    print("\nsize of pairs that do not turn, per cent (pairs)")
    worst = 0.0
    for years, noise in itertools.product(YEARS, NOISES):
        cells = []
        for size in SIZES:
            of = (held["years"] == years) & (held["noise"] == noise) & (held["size"] == size)
            none = of & (held["change"] == 0)
            both = np.concatenate([hits[of], held["p_turned"][none] <= 0.05])
            worst = max(worst, both.mean())
            cells.append(f"{size:>6}: {100 * both.mean():4.1f} ({len(both)})")
        print(f"{years} years, {noise:<16}{'  '.join(cells)}")
    none = held["change"] == 0
    every = np.concatenate([hits, held["p_turned"][none] <= 0.05])
    print(f"mean {100 * every.mean():.1f}, worst cell {100 * worst:.1f}")
    print("\nplanted turns, per cent: found / named / set covers / set covers where found / "
          "interval of the change covers / median years in the set where found")  # fmt: skip
    for years, noise, change in itertools.product(YEARS, NOISES, CHANGES[1:]):
        cells = []
        for size in SIZES:
            of = (held["years"] == years) & (held["noise"] == noise) & (held["size"] == size)
            of &= held["change"] == change
            found = of & (held["p_turned"] <= 0.05)
            rates = [
                (held["p_turned"][of] <= 0.05).mean(),
                held["dated"][of].mean(),
                held["covers"][of].mean(),
                held["covers"][found].mean() if found.any() else np.nan,
                held["change_covers"][of].mean(),
            ]
            width = np.median(held["width"][found]) if found.any() else np.nan
            cells.append(
                f"{size:>5}: " + "/".join(f"{100 * rate:.0f}" for rate in rates) + f"/{width:.0f}"
            )
        print(f"{years} years, {noise:<16}{change:.2f}  {'  '.join(cells)}")
    of = held["change"] > 0
    found = of & (held["p_turned"] <= 0.05)
    print(f"set covers {100 * held['covers'][of].mean():.1f} of all planted, "
          f"{100 * held['covers'][found].mean():.1f} of those found; the change "
          f"{100 * held['change_covers'][of].mean():.1f}")  # fmt: skip


#: Pairs of the real panel that are shown, and the first and last year of it.
SHOWN = ("CN-US", "GB-US", "CN-GB", "CN-DE", "DE-US", "CA-US", "JP-US", "CN-JP", "AU-CN", "DE-GB",
         "FR-US", "KR-US")  # fmt: skip
SPAN = (1990, 2023)


def real(path: Path, countries: int) -> None:
    """Turns of large pairs of a real panel among its largest countries."""
    columns = csv.ConvertOptions(strings_can_be_null=False)
    table = csv.read_csv(path, convert_options=columns)
    year, weight = (table[name].to_numpy().astype(np.int64) for name in ("year", "weight"))
    source, target = (table[name].to_numpy().astype(str) for name in ("source", "target"))
    codes, inverse = np.unique(np.concatenate([source, target]), return_inverse=True)
    i, j = np.split(inverse, 2)
    kept = (i != j) & (year >= SPAN[0]) & (year <= SPAN[1])
    counts = np.zeros((SPAN[1] - SPAN[0] + 1, len(codes), len(codes)))
    np.maximum.at(counts, (year[kept] - SPAN[0], i[kept], j[kept]), weight[kept])
    counts = np.maximum(counts, counts.transpose(0, 2, 1))
    largest = np.sort(np.argsort(-counts.sum(axis=(0, 1)))[:countries])
    found = affinity_paths(counts[:, largest][:, :, largest], directed=False)
    place = {code: k for k, code in enumerate(codes[largest])}
    for pair in SHOWN:
        a, b = (place[code] for code in pair.split("-"))
        noise = found.noise[found.noise_class[a, b]]
        turn = turning_point(found.value[:, a, b], found.se[:, a, b], noise=noise)
        assert turn.low is not None
        assert turn.high is not None
        ends = [SPAN[0] + k for k in (turn.low, turn.high)]
        at = "not dated" if turn.at is None else SPAN[0] + turn.at
        print(f"{pair} p {turn.p:.3f}  {at}, set {ends[0]}-{ends[1]}; a year before "
              f"{turn.slope_before:+.3f} {np.round(turn.slope_before_interval, 3)}, after "
              f"{turn.slope_after:+.3f} {np.round(turn.slope_after_interval, 3)}; "
              f"noise sd {noise.ar_sd:.2f}, rho {noise.ar_rho:.2f}")  # fmt: skip


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--panels", type=int, default=2_000)
    parser.add_argument("--show", action="store_true", help="only print what is there")
    parser.add_argument("--edges", type=Path, help="show the turns of a real panel instead")
    parser.add_argument("--countries", type=int, default=60, help="largest countries of it")
    options = parser.parse_args()
    if options.edges is not None:
        real(options.edges, options.countries)
        return
    if not options.show:
        run(options.panels)
    show()


if __name__ == "__main__":
    main()
