"""Headline numbers of worlds with a third of affiliations removed, beside the same worlds whole.

Affiliations are removed at random, in some countries more than in others, or in the last three
years. The truth of a number is what the same world gives with nothing removed. Asked is
whether it lies between the lowest and the highest value, and whether the number filled in from
authors' neighbouring years is nearer to it than the number as measured.

    python benchmarks/verdicts/missing.py --worlds 20 --works 6000

Finished worlds are kept in ``benchmarks/results/missing`` and not made again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from isthmus.corpus.store import open_corpus
from isthmus.engine import DuckDBEngine
from isthmus.files import write_text
from isthmus.leadership.bounds import Bounds
from isthmus.leadership.country_year import Leaders
from isthmus.selection.study_tables import StudyTables
from isthmus.simulation.families import family_world
from isthmus.simulation.settings import CountryCurve
from isthmus.simulation.simulate import simulate
from isthmus.study import Study

KEPT = Path(__file__).resolve().parents[1] / "results" / "missing"

YEARS = (2000, 2021)

#: Chance that affiliations are removed, by year, and in whom.
EVERYWHERE = ((1998, 1 / 3), (2021, 1 / 3))
REMOVED: dict[str, dict[str, Any]] = {
    "whole": {"missing_affiliations": ((1998, 0.0), (2021, 0.0))},
    "at random": {"missing_affiliations": EVERYWHERE},
    "by country": {
        "missing_affiliations": ((1998, 0.2), (2021, 0.2)),
        "missing_by_country": tuple(
            CountryCurve(code, ((1998, times),))
            for code, times in (("CN", 3.0), ("IN", 3.0), ("DE", 2.5), ("US", 1.5), ("JP", 0.3))
        ),
    },
    "last three years": {
        "missing_affiliations": ((1998, 0.0), (2018, 0.0), (2019, 1 / 3), (2021, 1 / 3))
    },
}

#: Countries whose numbers of all years are looked at one by one.
LARGEST = (None, "US", "CN", "GB", "DE", "IN", "JP")

#: Errors that differ by less are the same.
ALIKE = 1e-12

Key = tuple[str, int | None, str | None, str | None]


def numbers_of(kind: str, seed: int, works: int) -> dict[Key, dict[str, Any]]:
    """Headline numbers of a world with affiliations removed as the kind says."""
    settings = family_world(
        "missing_affiliations", works, seed, missing_spread=0.0, **REMOVED[kind]
    )
    with tempfile.TemporaryDirectory(prefix="isthmus-missing-") as folder:
        simulate(settings, Path(folder) / "corpus")
        study = Study.parse({"study": {"corpus": f"{folder}/corpus", "years": list(YEARS)}})
        with closing(DuckDBEngine(threads=1)) as engine:
            corpus = open_corpus(Path(folder) / "corpus")
            tables = StudyTables(study, corpus, engine, Path(folder) / "work")
            leaders = Leaders(tables)
            made = Bounds(tables, leaders.impact, leaders.hit_thresholds).table()
    return {tuple(r[k] for k in ("number", "year", "country", "partner")): r  # type: ignore[misc]
            for r in made.to_pylist()}  # fmt: skip


def compared(true: dict[Key, dict[str, Any]], seen: dict[Key, dict[str, Any]]) -> dict[str, Any]:
    """Count the truths outside the bounds; errors of each way to measure, by number."""
    outside, rows = 0, 0
    errors = defaultdict[str, dict[str, list[float]]](lambda: defaultdict(list))
    single = {"nearer": 0, "of": 0, "alike": 0}
    for key, whole in true.items():
        truth, row = whole["measured"], seen.get(key)
        if row is None or truth is None or not row["missing"]:
            continue
        rows += 1
        outside += not row["lowest"] - 1e-9 <= truth <= row["highest"] + 1e-9
        if None in (row["measured"], row["imputed"], row["weighted"]):
            continue
        away = {c: abs(row[c] - truth) for c in ("measured", "imputed", "weighted")}
        for column, error in away.items():
            errors[key[0]][column].append(error)
        if key[1] is None and key[2] in LARGEST:
            # Where nothing was lost of a number, both are right.
            alike = abs(away["imputed"] - away["measured"]) < ALIKE
            single["alike"] += alike
            single["of"] += not alike
            single["nearer"] += not alike and away["imputed"] < away["measured"]
    means = {n: {c: sum(e) / len(e) for c, e in by.items()} for n, by in errors.items()}
    return {"rows": rows, "outside": outside, "errors": means, "single": single}


def report(worlds: list[dict[str, Any]]) -> Iterator[str]:
    """The table as text."""
    for kind in list(REMOVED)[1:]:
        own = [world for world in worlds if world["kind"] == kind]
        if not own:
            continue
        outside, rows = sum(w["outside"] for w in own), sum(w["rows"] for w in own)
        near, of, same = (sum(w["single"][k] for w in own) for k in ("nearer", "of", "alike"))
        yield f"{kind}: {len(own)} worlds, {outside} of {rows} truths outside the bounds"
        yield (f"  all years, largest countries: filled in nearer in {near} of {of} that differ; "
               f"{same} are alike")  # fmt: skip
        for number in sorted({n for w in own for n in w["errors"]}):
            by = [w["errors"][number] for w in own if number in w["errors"]]
            mean = {c: sum(e[c] for e in by) / len(by) for c in by[0]}
            nearer = sum(e["imputed"] < e["measured"] for e in by)
            yield (f"  {number:26} mean error: measured {mean['measured']:.4f}, filled in "
                   f"{mean['imputed']:.4f}, weighted {mean['weighted']:.4f}; "
                   f"filled in nearer in {nearer} of {len(by)} worlds")  # fmt: skip


def main() -> None:
    """Make the worlds that are not kept, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--works", type=int, default=6000)
    asked = parser.parse_args()
    worlds = []
    for seed in range(1, asked.worlds + 1):
        path = KEPT / f"{asked.works}-{seed}.json"
        if not path.exists():
            true = numbers_of("whole", seed, asked.works)
            made = [
                {"kind": kind, "seed": seed, **compared(true, numbers_of(kind, seed, asked.works))}
                for kind in list(REMOVED)[1:]
            ]
            KEPT.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(made))
        worlds += json.loads(path.read_text())
    print("\n".join(report(worlds)))


if __name__ == "__main__":
    main()
