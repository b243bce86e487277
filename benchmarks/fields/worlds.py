"""Whole worlds of twelve fields with a premium planted in one, through the pipeline.

Each world has twelve fields (topics) of equal kind, of which the first are answered. In the first
of all, papers that one pole leads with the other have `PREMIUM` times the impact; in a world
without, nothing is planted. A row a world and pole: the contrast of the premium with its
interval, and the answer to "only here?". In worlds of 4,000 works a field few premiums have an
interval.

    python benchmarks/fields/worlds.py --worlds 2 --works 150000 --to FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

from isthmus.findings import write_contrasts
from isthmus.pipeline.runner import run
from isthmus.simulation.settings import PairCurve, WorldSettings
from isthmus.simulation.simulate import simulate
from isthmus.study import Study

#: Planted ratio of impact, fields, and years.
PREMIUM, FIELDS, YEARS = 2.0, 12, (2008, 2021)

#: Placebo replays and null models say nothing about the premium.
POLES = {"null_models": ["multiedge"], "placebo_replays": 2, "turn_works": 1e9, "bloc_windows": 0}


def world(works: int, seed: int, premium: float) -> WorldSettings:
    """Return a world of few countries with many joint papers."""
    return WorldSettings(
        works,
        seed,
        years=YEARS,
        n_countries=8,
        outside_share=0.02,
        international_share=0.5,
        missing_affiliations=((YEARS[0], 0.0),),
        communities=FIELDS,
        joint_effects=tuple(
            PairCurve(*pair, ((YEARS[0], premium),)) for pair in (("US", "CN"), ("CN", "US"))
        ),
        joint_communities=(0,),
    )


def main() -> None:
    """Print a row a world."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=2)
    parser.add_argument("--works", type=int, default=150_000)
    parser.add_argument("--answered", type=int, default=FIELDS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--premiums", type=float, nargs="+", default=[PREMIUM, 1.0])
    parser.add_argument("--to", type=Path, required=True)
    given = parser.parse_args()
    print("seed planted | claim           focus  others  ratio (interval)  p  rank p  only here?")
    for seed in range(given.seed, given.seed + given.worlds):
        for planted in given.premiums:
            folder = given.to / f"world-{seed}-{planted:g}"
            if not (folder / "corpus").exists():
                simulate(world(given.works, seed, planted), folder / "corpus")
            study = Study.parse(
                {
                    "study": {"corpus": str((folder / "corpus").resolve()), "years": list(YEARS)},
                    "poles": POLES,
                    "fields": {f"f{n}": {"topics": [10_001 + n]} for n in range(given.answered)},
                }
            )
            results = write_contrasts(run(study, folder / "results"))
            for row in results["contrasts"].to_pylist():
                if row["claim"] in ("premium-first", "premium-second") and row["p"] is not None:
                    print(
                        f"{seed:4d} {planted:7.1f} | {row['claim']:14s} {row['estimate']:5.0f} %  "
                        f"{row['others_mean']:5.0f} %  {row['difference']:.2f} "
                        f"({row['difference_low']:.2f} to {row['difference_high']:.2f})  "
                        f"{row['p']:.4f}  {row['rank_p']:.3f}  {row['only_here']}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
