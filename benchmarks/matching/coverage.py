"""How often a 95 % interval holds what a simulated world planted, and what a placebo shows.

Each planted world multiplies the impact of papers that one pole leads with the other, and
lets movers keep coauthors in the country they left; its placebo twin has the same sizes and
migration and plants neither. The whole way is taken: simulate, attribute, match, bootstrap.

Joint papers: the planted number is the multiplier of expected citations. Movers: it is what
the generator's books say, over all worlds together: the movers' share of later papers with
the country they left, in percent above that share without the papers which have that country
on board through the tie alone. Flows are compared cell by cell with the books of each world.

The worlds have few countries and communities, so that a pole leads hundreds of joint papers
and no list cites a work twice (which would cut into the multiplier); no affiliation is lost
(which would put joint papers among the controls). Results of each world can be kept with
``--to`` and are not computed again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.corpus.store import open_corpus
from isthmus.engine import DuckDBEngine
from isthmus.leadership.country_year import Leaders
from isthmus.mobility.matched_movers import Rules, compare
from isthmus.mobility.movers import Movers
from isthmus.selection.study_tables import StudyTables
from isthmus.simulation.settings import PairCurve, WorldSettings
from isthmus.simulation.simulate import Simulation, simulate
from isthmus.study import Study
from isthmus.teaming.joint_papers import Teams

POLES = (("US", "CN"), ("CN", "US"))
YEARS = (2004, 2014)
Row = dict[str, Any]


def world_of(works: int, seed: int, multiplier: float, retention: float) -> WorldSettings:
    """Settings of one world; multiplier 1 and retention 0 make the placebo."""
    joint = tuple(PairCurve(a, b, ((YEARS[0], multiplier),)) for a, b in POLES)
    return WorldSettings(
        works,
        seed,
        years=YEARS,
        n_countries=6,
        international_share=0.6,
        communities=4,
        migration_rate=0.1,
        missing_affiliations=((YEARS[0], 0.0),),
        papers_per_author=3.0,
        joint_effects=joint if multiplier != 1 else (),
        retention=retention,
    )


def study_of(folder: Path, seed: int, draws: int) -> Study:
    """The study of a world, under the definitions of its books."""
    return Study.parse(
        {
            "study": {"corpus": str(folder), "years": list(YEARS)},
            "field": {"subfields": [1702]},
            "teaming": {"draws": draws},
            "mobility": {"draws": draws, "ties": "shared", "max_countries": 100},
            "run": {"seed": seed},
        }
    )


def rows_of(settings: WorldSettings, draws: int) -> list[Row]:
    """Experiments of one world, what its books say of movers, and whether flows agree."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        world = simulate(settings, folder / "world")
        engine = DuckDBEngine()
        study = study_of(folder / "world", settings.seed, draws)
        tables = StudyTables(study, open_corpus(folder / "world"), engine, folder / "work")
        leaders = Leaders(tables)
        teams = Teams(tables, leaders.impact, leaders.hit_thresholds, leaders.impact_without)
        movers = Movers(tables, leaders.scientists, leaders.scientist_places)
        rows = [{"what": f"joint:{r['lead']}+{r['partner']}", **r} for r in teams.pole_pairs()]
        rows += list(_retained(movers, world, draws))
        rows.append({"what": "flows", "exact": _flows(movers) == _flows_in(world)})
        engine.close()
    return rows


def _retained(movers: Movers, world: Simulation, draws: int) -> Iterator[Row]:
    rules = movers.rules
    how = Rules(rules.output_cuts, rules.citation_cuts, draws, world.settings.seed)
    collect, papers = movers.tables.engine.collect, movers.papers
    inside = set(collect(papers.filter(papers.in_field == 1)["work_id"].as_table())[0].to_pylist())
    ties = world.table("ties_kept")
    ties = ties.filter(pc.is_in(ties["work_id"], pa.array(sorted(inside), pa.int64())))
    for destination, origin in POLES:
        units = collect(movers.units(origin, destination))
        row = compare(f"movers:{origin}->{destination}", units, how)[0].to_pylist()[0]
        yield {"what": row["experiment"], **row, **_books(units, ties, origin)}


def _books(units: pa.Table, ties: pa.Table, origin: str) -> Row:
    """Sums over movers: share of later papers with the origin, and the part ties alone brought."""
    ties = ties.filter(pc.equal(ties["country"], origin))
    brought: dict[int, list[int]] = {}
    for author, year in zip(ties["author_id"].to_pylist(), ties["year"].to_pylist(), strict=True):
        brought.setdefault(author, []).append(year)
    moved = [row for row in units.to_pylist() if row["treated"]]
    shares = [row["joined"] / row["later"] for row in moved]
    alone = [
        sum(year > row["year"] for year in brought.get(row["author_id"], ())) / row["later"]
        for row in moved
    ]
    return {"share": sum(shares), "through_ties": sum(alone)}


def _flows(movers: Movers) -> set[tuple[Any, ...]]:
    table = movers.tables.engine.collect(movers.flows())
    return _cells(table)


def _flows_in(world: Simulation) -> set[tuple[Any, ...]]:
    return _cells(world.table("flows"))


def _cells(table: pa.Table) -> set[tuple[Any, ...]]:
    names = ("year", "origin", "destination", "scientists")
    return set(zip(*(table[name].to_pylist() for name in names), strict=True))


def all_rows(settings: argparse.Namespace, planted: bool) -> list[Row]:
    """Rows of all worlds, read back where they were kept."""
    rows = []
    for seed in range(1, settings.worlds + 1):
        multiplier = settings.multiplier if planted else 1.0
        retention = settings.retention if planted else 0.0
        world = world_of(settings.works, seed, multiplier, retention)
        kept = settings.to and settings.to / f"{'planted' if planted else 'placebo'}-{seed}.json"
        if kept and kept.exists():
            rows += json.loads(kept.read_text())
            continue
        found = rows_of(world, settings.draws)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(found))
        rows += found
    return rows


def wanted_percent(rows: list[Row], multiplier: float) -> float:
    """The planted effect in percent."""
    if "share" not in rows[0]:
        return 100 * (multiplier - 1)
    share, alone = (sum(row[name] for row in rows) for name in ("share", "through_ties"))
    return 100 * alone / (share - alone)


def report(label: str, rows: list[Row], multiplier: float) -> None:
    """Print one line per experiment."""
    for what in dict.fromkeys(row["what"] for row in rows):
        these = [row for row in rows if row["what"] == what]
        if what == "flows":
            print(f"{label:9}flows equal to the books in {sum(r['exact'] for r in these)} worlds")
            continue
        wanted = wanted_percent(these, multiplier)
        known = [row for row in these if row["ci_low"] is not None]
        inside = sum(row["ci_low"] <= wanted <= row["ci_high"] for row in known)
        apart = sum(not row["ci_low"] <= 0 <= row["ci_high"] for row in known)
        said = sum(row["p"] is not None and row["p"] < 0.05 for row in known)
        effects = [row["effect_percent"] for row in known]
        middle, mean = np.median(effects), np.mean(effects)
        units = np.mean([row["treated_matched"] for row in known])
        print(
            f"{label:9}{what:15}{len(known):>7}{units:>9.0f}{wanted:>10.1f}{mean:>8.1f}"
            f"{middle:>8.1f}{inside:>8}{apart:>8}{said:>8}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=100)
    parser.add_argument("--works", type=int, default=20_000)
    parser.add_argument("--multiplier", type=float, default=1.6)
    parser.add_argument("--retention", type=float, default=0.4)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--to", type=Path, help="folder that keeps the rows of each world")
    settings = parser.parse_args()

    print(
        f"{'':9}{'experiment':15}{'worlds':>7}{'treated':>9}{'planted %':>10}{'mean':>8}"
        f"{'median':>8}{'inside':>8}{'not 0':>8}{'p<.05':>8}"
    )
    report("planted", all_rows(settings, True), settings.multiplier)
    report("placebo", all_rows(settings, False), 1.0)


if __name__ == "__main__":
    main()
