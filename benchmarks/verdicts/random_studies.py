"""Random small studies: every run ends, with its report and its explorer.

Each study has a seed of its own: a part of a simulated corpus of 50 to 8,000 works from
which groups are taken away (affiliations, references, authors, years, countries, subjects),
and a study with any poles, years, blocs, attribution and null models. A study ends *well*
with a report and an explorer, or is *refused* in one sentence where there is nothing to
compare (an empty field, works of fewer than two countries). Everything else *failed*.

    python benchmarks/verdicts/random_studies.py --count 300 --seed 1

It runs in this process on one core, and exits with 1 if any study failed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.corpus.store import CorpusWriter, open_corpus
from isthmus.errors import CorpusError, StudyError
from isthmus.pipeline.runner import run
from isthmus.report import write_report
from isthmus.report.site import build_site
from isthmus.simulation.simulate import simulate_world
from isthmus.study import Study

#: Works of the worlds that studies take their works from, and of the smallest study.
MOST, LEAST = 8000, 50

#: Years of the simulated worlds.
YEARS = (1998, 2021)

#: Countries that poles are drawn from; XK and TV are in no simulated world.
POLES = ("US", "CN", "DE", "IN", "FR", "BR", "GB", "JP", "KR", "IR", "NG", "XK", "TV")

#: Chance that each group of records is taken away, or cut. Affiliations go more rarely: a
#: study without any is refused, and says nothing on what follows.
LOSS = 0.12
RARELY = 0.03


@dataclass(frozen=True)
class Ended:
    """How a study ended: its seed, how, and the message where there is one."""

    seed: int
    how: str
    message: str = ""
    seconds: float = 0.0


@cache
def world(folder: Path, seed: int, placebo: bool, works: int) -> dict[str, pa.Table]:
    """Return the tables of a simulated corpus."""
    target = folder / f"world-{seed}-{placebo}"
    simulate_world(target, works=works, seed=seed, placebo=placebo)
    corpus = open_corpus(target)
    return {name: corpus.read(name) for name in corpus.manifest.tables}


def part_of(
    tables: dict[str, pa.Table], rng: np.random.Generator, most: int
) -> dict[str, pa.Table]:
    """Take some of the works, and take groups of records away from them."""
    works = tables["works"]
    size = int(np.exp(rng.uniform(np.log(LEAST), np.log(most))))
    if rng.random() < LOSS:
        works = works.filter(pc.equal(works["year"], int(rng.choice(works["year"].to_numpy()))))
    at = np.sort(rng.permutation(works.num_rows)[:size])
    cut = {**tables, "works": works.take(at)}
    if rng.random() < LOSS:
        cut["affiliations"] = _one_country(cut["affiliations"], rng)
    ids = cut["works"]["work_id"]
    for name, key in (
        ("authorships", "work_id"),
        ("affiliations", "work_id"),
        ("subjects", "work_id"),
        ("references", "citing_id"),
    ):
        cut[name] = cut[name].filter(pc.is_in(cut[name][key], ids))
    return _without(cut, rng)


def _one_country(table: pa.Table, rng: np.random.Generator) -> pa.Table:
    """Keep the affiliations of one country or two."""
    kept = rng.choice(["US", "CN", "DE"], size=int(rng.choice([1, 2, 2, 3])), replace=False)
    return table.filter(pc.is_in(table["country"], pa.array(kept.tolist())))


def _without(tables: dict[str, pa.Table], rng: np.random.Generator) -> dict[str, pa.Table]:
    """Empty some tables, thin some out, and blank some columns."""
    cut = dict(tables)
    for name in ("affiliations", "references", "subjects", "institutions", "venues", "authors"):
        if rng.random() < (RARELY if name == "affiliations" else LOSS):
            cut[name] = cut[name].slice(0, 0)
        elif rng.random() < LOSS:
            cut[name] = cut[name].filter(pa.array(rng.random(cut[name].num_rows) < 0.2))
    if rng.random() < LOSS:
        late = cut["works"].filter(pc.greater(cut["works"]["year"], int(rng.integers(*YEARS))))
        cited = pc.is_in(cut["references"]["citing_id"], late["work_id"])
        cut["references"] = cut["references"].filter(pc.invert(cited))
    blank = {
        "authorships": ("author_id", "is_corresponding"),
        "affiliations": ("institution_id", "country"),
        "works": ("venue_id", "title", "cited_by_count"),
    }
    for name, columns in blank.items():
        for column in columns:
            if rng.random() < (RARELY if column == "country" else LOSS / 2):
                place = cut[name].column_names.index(column)
                field = cut[name].schema.field(column)
                nulls = pa.nulls(cut[name].num_rows, field.type)
                cut[name] = cut[name].set_column(place, field, nulls)
    return cut


def settings(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a study: poles, years, field, rules of counting, blocs and null models."""
    poles = rng.choice(POLES, size=int(rng.choice([1, 2, 2, 2, 3, 4])), replace=False).tolist()
    if rng.random() < 0.3:
        poles = ["US", "CN"]
    years = sorted(rng.integers(YEARS[0] - 2, YEARS[1] + 4, size=2).tolist())
    if rng.random() < 0.5:
        years = list(YEARS)
    field = [{}, {"subfields": [1702]}, {"subfields": [1707]}, {"topics": [999_999]}]
    models = ["multiedge", "ecm", "wcm", "crem", "multiedge_overdispersed", "rewiring", "bipartite"]
    attribution = ["last_author", "first_author", "corresponding", "any"]
    countries: dict[str, Any] = {"poles": poles, "attribution": str(rng.choice(attribution))}
    if rng.random() < 0.3:
        countries["blocs"] = {"NORDIC": ["DK", "FI", "IS", "NO", "SE"], "FAR": ["XK", "TV"]}
    if rng.random() < 0.2:
        countries["merge"] = {"IT": ["ES", "PT"]}
    return {
        "field": field[int(rng.choice(4, p=[0.67, 0.3, 0.02, 0.01]))]
        | {"include_citing": bool(rng.random() < 0.7)},
        "study": {"corpus": "corpus", "years": years, "title": "A small study"},
        "countries": countries,
        "impact": {
            "window": int(rng.choice([0, 1, 2, 2, 2, 5, 30])),
            "hit_percent": float(rng.choice([1, 5, 10, 100])),
            "exclude_self_citations": bool(rng.random() < 0.2),
        },
        "scientists": {"min_works": int(rng.choice([1, 3]))},
        "mobility": {"draws": 20, "view": str(rng.choice(["majority", "tenure"]))},
        "teaming": {
            "draws": 20,
            "placebo_min_papers": int(rng.choice([1, 5, 30])),
            "outcome": str(rng.choice(["c_k", "c_k", "cited_by_count"])),
            "papers_in_memory": int(rng.choice([5_000_000, 0])),
        },
        "poles": {
            "null_models": rng.choice(
                models, size=int(rng.choice([1, 1, 2])), replace=False
            ).tolist(),
            "placebo_replays": int(rng.choice([0, 2, 5])),
            "min_works": float(rng.choice([0, 0.5, 1, 5, 50])),
            "max_gap": int(rng.choice([0, 2, 30])),
            "dropped": 2,
            "n_init": 2,
            "n_resamples": 2,
        },
        "run": {"seed": int(rng.integers(1000)), "threads": 1},
    }


def study_of(seed: int, worlds: Path, folder: Path, most: int = MOST) -> Study:
    """Write the corpus of a seed's study into a folder and return the study."""
    rng = np.random.default_rng(seed)
    tables = world(worlds, int(rng.integers(1, 4)), bool(rng.random() < 0.3), most)
    with CorpusWriter(folder / "corpus", source="simulated") as writer:
        for name, table in part_of(tables, rng, most).items():
            writer.write(name, table)
    drawn = settings(rng)
    drawn["study"]["corpus"] = str(folder / "corpus")
    return Study.parse(drawn)


def end_of(seed: int, worlds: Path, most: int = MOST) -> Ended:
    """Run the study of a seed, write its report and its explorer, and say how it ended."""
    began = time.perf_counter()
    folder = worlds / f"study-{seed}"
    how, message = "well", ""
    try:
        study = study_of(seed, worlds, folder, most)
        results = run(study, folder / "results", warn=lambda _: None)
        page = write_report(results)
        site = build_site(results, folder / "site")
        if not (page.stat().st_size and site.stat().st_size):
            raise AssertionError("the report or the explorer is empty")
        lost = results.record.get("figures_lost") or {}
    except (StudyError, CorpusError) as refusal:
        how, message = "refused", str(refusal)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        at = [f for f in traceback.extract_tb(error.__traceback__) if "isthmus" in f.filename]
        place = f"{Path((at or [last])[-1].filename).name}:{(at or [last])[-1].lineno}"
        first = (str(error).splitlines() or [""])[0]
        how, message = "failed", f"{type(error).__name__} at {place}: {first[:300]}"
    else:
        if lost:
            how, message = "failed", f"figures lost: {lost}"
    shutil.rmtree(folder, ignore_errors=True)
    return Ended(seed, how, message, time.perf_counter() - began)


def ends(count: int, seed: int, most: int = MOST) -> Iterator[Ended]:
    """Run `count` studies, whose seeds follow from `seed`."""
    with tempfile.TemporaryDirectory() as worlds:
        for number in range(count):
            yield end_of(1000 * seed + number, Path(worlds), most)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300, help="number of studies")
    parser.add_argument("--seed", type=int, default=1, help="first seeds of all studies")
    parser.add_argument("--most", type=int, default=MOST, help="most works of a study")
    wanted = parser.parse_args()
    tally: Counter[str] = Counter()
    for ended in ends(wanted.count, wanted.seed, wanted.most):
        tally[ended.how] += 1
        print(f"\r{tally.total()} of {wanted.count} studies", end="", file=sys.stderr, flush=True)
        if ended.message:
            print(f"seed {ended.seed}: {ended.how} ({ended.seconds:.1f} s): {ended.message}")
            sys.stdout.flush()
    print(
        f"{wanted.count} studies: {tally['well']} ended well with report and explorer, "
        f"{tally['refused']} were refused in a sentence, {tally['failed']} failed."
    )
    return 1 if tally["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
