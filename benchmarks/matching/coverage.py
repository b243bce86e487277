"""How often the interval of a joint paper's effect holds what a simulated world planted.

Each world plants a constant multiplier on the impact of papers that one pole leads with the
other; a placebo world plants none. The whole way is taken: simulate, attribute, match, and
bootstrap over institutions. Prints, per leading pole, the share of worlds whose interval
holds the planted effect, and in placebo worlds the share that finds an effect.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from isthmus.corpus.store import open_corpus
from isthmus.engine import DuckDBEngine
from isthmus.leadership.country_year import Leaders
from isthmus.simulation import simulate
from isthmus.study import Study
from isthmus.tables import StudyTables
from isthmus.teaming.teams import Teams
from isthmus.world.settings import PairCurve, WorldSettings


def effects(works: int, seed: int, multiplier: float, draws: int) -> Iterator[tuple[str, dict]]:
    """Pooled rows of the two poles' experiments in one world."""
    planted = tuple(
        PairCurve(lead, partner, ((1998, multiplier),))
        for lead, partner in (("US", "CN"), ("CN", "US"))
    )
    settings = WorldSettings(works, seed, joint_effects=planted if multiplier != 1 else ())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate(settings, folder / "world")
        study = Study.parse(
            {
                "study": {"corpus": str(folder / "world"), "years": [2000, 2019]},
                "field": {"subfields": [1702]},
                "teaming": {"draws": draws},
                "run": {"seed": seed},
            }
        )
        engine = DuckDBEngine()
        tables = StudyTables(study, open_corpus(folder / "world"), engine, folder / "work")
        leaders = Leaders(tables)
        teams = Teams(tables, leaders.impact, leaders.hit_thresholds, leaders.impact_without)
        for row in teams.pole_pairs():
            yield row["lead"], row
        engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--works", type=int, default=40_000)
    parser.add_argument("--multiplier", type=float, default=1.6)
    parser.add_argument("--draws", type=int, default=1000)
    settings = parser.parse_args()

    print(f"{'planted':>10}{'lead':>6}{'worlds':>8}{'inside':>8}{'p < 0.05':>10}{'median %':>10}")
    for multiplier in (settings.multiplier, 1.0):
        wanted = 100 * (multiplier - 1)
        found: dict[str, list[dict]] = {"US": [], "CN": []}
        for seed in range(1, settings.worlds + 1):
            for lead, row in effects(settings.works, seed, multiplier, settings.draws):
                if row["ci_low"] is not None:
                    found[lead].append(row)
        for lead, rows in found.items():
            inside = sum(row["ci_low"] <= wanted <= row["ci_high"] for row in rows)
            said = sum(row["p"] is not None and row["p"] < 0.05 for row in rows)
            middle = np.median([row["effect_percent"] for row in rows]) if rows else np.nan
            print(
                f"{wanted:>9.0f}%{lead:>6}{len(rows):>8}{inside:>8}{said:>10}{middle:>10.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
