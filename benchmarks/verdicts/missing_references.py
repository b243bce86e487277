"""Citation numbers of worlds with a third of the reference lists removed, beside the same worlds.

Lists are removed whole: of works drawn at random, more often in some venues than in others, or
of works of three years in the middle. The truth of a number is what the same world gives with
nothing removed. Asked is whether it lies between the lowest and the highest value, and whether
the weighted number is nearer to it than the number as measured.

    python benchmarks/verdicts/missing_references.py --worlds 5 --works 6000
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import CorpusWriter, open_corpus
from isthmus.pipeline import runner
from isthmus.pipeline.steps import STEPS
from isthmus.simulation.families import family_world
from isthmus.simulation.simulate import simulate
from isthmus.study import Study

YEARS = (2000, 2021)

KINDS = ("at random", "by venue", "three years")

Key = tuple[str, int | None, str | None]


def lost(works: pa.Table, kind: str, rng: np.random.Generator) -> pa.Array:
    """Ids of the works whose lists are removed."""
    year, venue = works["year"].to_numpy(), works["venue_id"].to_numpy(zero_copy_only=False)
    chance = np.full(len(year), 1 / 3)
    if kind == "by venue":
        _, number = np.unique(np.nan_to_num(venue.astype(float), nan=-1.0), return_inverse=True)
        chance = rng.choice([0.0, 1 / 3, 2 / 3], number.max() + 1)[number]
    if kind == "three years":
        chance = np.where((year >= 2012) & (year <= 2014), 1 / 3, 0.0)
    return works["work_id"].filter(pa.array(rng.random(len(year)) < chance))


def damaged(corpus: Path, to: Path, kind: str, seed: int) -> None:
    """Write the corpus again without the lists that are lost."""
    before = open_corpus(corpus)
    gone = lost(before.read("works"), kind, np.random.default_rng([seed, KINDS.index(kind)]))
    with CorpusWriter(to, source="simulated") as writer:
        for name in TABLES:
            table = before.read(name)
            if name == "references":
                table = table.filter(pc.invert(pc.is_in(table["citing_id"], gone)))
            writer.write(name, table)


def bounds_of(corpus: Path, folder: Path) -> dict[Key, dict[str, Any]]:
    """Rows of the table by number, year and country."""
    study = {
        "study": {"corpus": str(corpus), "years": list(YEARS)},
        "indicators": {"country": False, "pairs": False, "topics": False},
        "impact": {"corpus_end": YEARS[1]},
        "run": {"threads": 1},
    }
    table = runner.run(Study.parse(study), folder).table("reference_bounds")
    return {(r["number"], r["year"], r["country"]): r for r in table.to_pylist()}


def main() -> None:
    """Print errors and truths outside by kind of loss and number."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=5)
    parser.add_argument("--works", type=int, default=6000)
    asked = parser.parse_args()
    runner.STEPS = tuple(step for step in STEPS if step.name in ("field", "indicators"))
    cells: dict[tuple[str, str], list[list[float]]] = defaultdict(list)
    for seed in range(1, asked.worlds + 1):
        folder = Path(tempfile.mkdtemp(prefix="isthmus-references-"))
        simulate(family_world("sizes", asked.works, seed), folder / "whole")
        true = bounds_of(folder / "whole", folder / "true")
        for kind in KINDS:
            damaged(folder / "whole", folder / kind, kind, seed)
            for key, row in bounds_of(folder / kind, folder / f"{kind} results").items():
                truth, ends = true[key]["measured"], (row["lowest"], row["highest"])
                if truth is None or None in ends:
                    continue
                outside = not ends[0] - 1e-9 <= truth <= ends[1] + 1e-9
                away = [abs(row[name] - truth) if row[name] is not None else np.nan
                        for name in ("measured", "weighted")]  # fmt: skip
                cells[kind, key[0]].append([outside, *away, ends[1] - ends[0]])
        shutil.rmtree(folder)
    for (kind, number), rows in sorted(cells.items()):
        of = np.array(rows, dtype=float)
        mean = np.nanmean(of, axis=0)
        print(f"{kind:12} {number:15} outside {int(of[:, 0].sum())} of {len(of)}; mean error "
              f"measured {mean[1]:.4f}, weighted {mean[2]:.4f}; width {mean[3]:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
