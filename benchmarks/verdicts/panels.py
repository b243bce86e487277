"""How often claims on poles are wrong: panels of yearly networks without effect.

Joint works and citations of 25 countries over the years of the simulator, drawn from the
families of worlds in which no tie changes, go through the pole analysis and the claims.

    python benchmarks/verdicts/panels.py --panels 1000
    python benchmarks/verdicts/panels.py --turns 1000         # the claim poles-turn alone
    python benchmarks/verdicts/panels.py --report

Placebo replays can only take a verdict back, so they are run where a claim would be supported
without. Finished panels are kept in ``benchmarks/results/panels`` (``kept.py``). With
``--turns`` the claim that the poles' tie turned is asked alone, and neither other claims nor
replays can take it back, so that its rate is that or less.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import kept
import msgspec
import pyarrow as pa

from isthmus.findings import decide
from isthmus.findings.claims import claims_of
from isthmus.findings.evidence import Evidence
from isthmus.findings.verdict import Finding
from isthmus.poles.analysis import analyse
from isthmus.simulation.families import family_world
from isthmus.simulation.panels import edges, world_panel
from isthmus.simulation.planted_claims import planted_claims
from isthmus.simulation.settings import WorldSettings
from isthmus.stats import affinity, turning_point
from isthmus.stats.shares import wilson
from isthmus.study import Study
from verdicts import REPLAYS, Judged, error_table, needs_replays, row_of, world_table

KEPT = Path(__file__).resolve().parents[1] / "results" / "panels"

#: Families in which ties are what they are: constant, of every strength or none, noisy or not.
FAMILIES = ("sizes", "constant_ties", "overdispersed")

COUNTRIES, WORKS = 25, 20_000

#: Level at which a pole's tie is said to turn: `poles.bend_level`.
TURN_LEVEL = 0.05


@dataclass(frozen=True)
class Tables:
    """Result tables in memory, as findings read them."""

    tables: dict[str, pa.Table]
    settings: dict[str, Any]
    title: str = "A panel"
    path: Path = field(default_factory=Path)

    @property
    def record(self) -> dict[str, Any]:
        """Settings and numbers of rows, as ``run.json`` has them."""
        rows = {name: table.num_rows for name, table in self.tables.items()}
        return {"settings": self.settings, "tables": rows, "title": self.title}

    def table(self, name: str) -> pa.Table:
        """Return a table."""
        return self.tables[name]


def studied(settings: WorldSettings, replays: int) -> list[Finding]:
    """Analyse the networks of a world and decide every claim."""
    first, last = int(settings.span[0]), int(settings.span[-1])
    study = Study.parse(
        {
            "study": {"corpus": "none", "years": [first, last]},
            "poles": {"null_models": ["multiedge"], "min_works": 5, "dropped": 0},
        }
    )
    collaboration, citation = (
        edges(world_panel(settings, what), column)
        for what, column in (("works", "works_whole"), ("citations", "citations_whole"))
    )
    tables = analyse(
        collaboration,
        citation,
        settings=msgspec.structs.replace(study.poles, placebo_replays=replays),
        poles=study.countries.poles,
        seed=settings.seed,
    )
    joint = collaboration.append_column("works_fractional", collaboration["works_whole"])
    found = {**tables, "collaboration": joint, "citation": citation}
    return decide(Tables(found, study.settings()))  # type: ignore[arg-type]


def _made(job: tuple[str, int]) -> Path:
    family, seed = job
    path = KEPT / f"{family}-{seed}.json"
    if kept.read(path) is None:
        settings = family_world(family, WORKS, seed, n_countries=COUNTRIES)
        truth = {claim.claim: claim.standing for claim in planted_claims(settings)}
        found = studied(settings, 0)
        if any(needs_replays(one) for one in found):
            found = studied(settings, REPLAYS)
        kept.write(path, [asdict(row_of(family, seed, one, truth)) for one in found])
    return path


def turned(settings: WorldSettings) -> bool:
    """Whether the poles' tie in joint works is said to turn, by the claim's own statistic."""
    panel = world_panel(settings, "works")
    found = affinity(panel.weights, directed=False)
    poles = sorted(("US", "CN"))
    i, j = (list(panel.countries).index(code) for code in poles)
    noise = found.noise[found.noise_class[i, j]]
    turn = turning_point(found.value[:, i, j], found.se[:, i, j], noise=noise, seed=settings.seed)
    low, high = turn.change_interval
    row = {"layer": "collaboration", "what": "tie", "source": poles[0], "target": poles[1],
           "p": turn.p, "turned": turn.p <= TURN_LEVEL, "change": turn.change,
           "change_low": low, "change_high": high, "placebo": None}  # fmt: skip
    study = Study.parse({"study": {"corpus": "none", "years": [2000, 2020]}})
    evidence = Evidence(Tables({"turns": pa.Table.from_pylist([row])}, study.settings()))  # type: ignore[arg-type]
    claim = next(one for one in claims_of(evidence, {}) if one.name == "poles-turn")
    return all(one.supports for one in claim.measure(evidence))


def turn_rates(panels: int) -> None:
    """Print how often ties that never turn are said to, by family."""
    said: dict[str, list[bool]] = {family: [] for family in FAMILIES}
    for n in range(panels):
        family, seed = FAMILIES[n % len(FAMILIES)], 1 + n // len(FAMILIES)
        settings = family_world(family, WORKS, seed, n_countries=COUNTRIES)
        said[family].append(turned(settings))
    for family, found in [*said.items(), ("all", [*chain.from_iterable(said.values())])]:
        wrong, limit = sum(found), wilson(sum(found), len(found))[1]
        print(f"{family:20} {len(found):6} panels, {wrong:4} said to turn, limit {limit:.1%}")


def main() -> None:
    """Make the panels that are asked for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--panels", type=int, default=1000, help="over all families")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--turns", type=int, help="panels that are asked for a turn alone")
    parser.add_argument("--report", action="store_true", help="make nothing, print what is kept")
    options = parser.parse_args()
    if options.turns:
        return turn_rates(options.turns)
    jobs = [(FAMILIES[n % len(FAMILIES)], 1 + n // len(FAMILIES)) for n in range(options.panels)]
    if not options.report:
        with ProcessPoolExecutor(options.processes) as pool:
            for done, _ in enumerate(pool.map(_made, jobs), start=1):
                print(f"\r{done} of {len(jobs)} panels", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    rows = [Judged(**row) for world in kept.fresh(sorted(KEPT.glob("*.json"))) for row in world]
    about = [row for row in rows if row.verdict != "not testable here"]
    for lines in (error_table(about), world_table(about)):
        print("\n".join(lines), end="\n\n")


if __name__ == "__main__":
    main()
