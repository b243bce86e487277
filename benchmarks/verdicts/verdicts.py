"""How often verdicts are wrong: whole studies of worlds in which it is known what is true.

Every world of a family is simulated, studied and judged as a user's would be. Claims that the
world makes false must not be supported, claims that it makes true must not be contradicted,
and in planted worlds the planted claims should be supported.

    python benchmarks/verdicts/verdicts.py --worlds 60 --works 20000      # families without effect
    python benchmarks/verdicts/verdicts.py --planted --worlds 20 --works 100000
    python benchmarks/verdicts/verdicts.py --report                      # the tables again

Placebo replays can only take a verdict back, so they are run where a claim that has them would
be supported without. Finished worlds are kept in ``benchmarks/results/verdicts`` and not made
again while the claims stay what they are (``kept.py``).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import kept
from scipy.stats import norm

from isthmus.findings import decide, drifting
from isthmus.findings.verdict import Finding
from isthmus.pipeline.runner import run
from isthmus.simulation.families import FAMILIES, family_world
from isthmus.simulation.planted_claims import planted_claims
from isthmus.simulation.settings import WorldSettings
from isthmus.simulation.simulate import planted_world, simulate
from isthmus.stats.shares import wilson
from isthmus.study import Study

KEPT = Path(__file__).resolve().parents[1] / "results" / "verdicts"

#: Replays a study of the benchmark makes of each kind: the fewest that show a rate of 5 %.
REPLAYS = 78

PLANTED = "planted"


@dataclass(frozen=True)
class Judged:
    """One claim in one world."""

    family: str
    seed: int
    claim: str
    standing: str
    of_sizes: bool
    verdict: str
    estimate: float | None
    low: float | None
    high: float | None
    p: float | None
    why: str


def world(family: str, works: int, seed: int) -> WorldSettings:
    """Return the settings of a world."""
    return planted_world(works, seed) if family == PLANTED else family_world(family, works, seed)


def judged(family: str, works: int, seed: int) -> list[Judged]:
    """Simulate a world, study it and return every claim beside what is true."""
    settings = world(family, works, seed)
    truth = {claim.claim: claim.standing for claim in planted_claims(settings)}
    with tempfile.TemporaryDirectory(prefix="isthmus-verdicts-") as folder:
        simulate(settings, Path(folder) / "corpus")
        found = _studied(settings, Path(folder), 0)
        if any(needs_replays(one) for one in found):
            found = _studied(settings, Path(folder), REPLAYS)
    return [row_of(family, seed, one, truth) for one in found]


def _studied(settings: WorldSettings, folder: Path, replays: int) -> list[Finding]:
    first, last = int(settings.span[0]), int(settings.span[-1])
    study = Study.parse(
        {
            "study": {"corpus": "corpus", "years": [first, last]},
            "poles": {"null_models": ["multiedge"], "placebo_replays": replays, "dropped": 0},
            "run": {"threads": 1, "memory": "2GB"},
        },
        folder=folder,
    )
    return decide(run(study, folder / "results", overwrite=True))


def needs_replays(found: Finding) -> bool:
    """Whether replays of the placebo could change a verdict."""
    about_poles = found.claim.source == drifting.STUDY and not found.claim.of_sizes
    return about_poles and found.decision.verdict == "supported"


def row_of(family: str, seed: int, found: Finding, truth: dict[str, str]) -> Judged:
    claim, decision = found.claim, found.decision
    ends = (decision.estimate, decision.low, decision.high, decision.p)
    standing = truth.get(claim.name, "undetermined")
    return Judged(
        family, seed, claim.name, standing, bool(claim.of_sizes), decision.verdict, *ends,
        decision.why,
    )  # fmt: skip


def _made(job: tuple[str, int, int]) -> Path:
    family, works, seed = job
    path = KEPT / f"{family}-{works}-{seed}.json"
    if kept.read(path) is None:
        kept.write(path, [asdict(row) for row in judged(family, works, seed)])
    return path


def kept_rows(works: int) -> list[Judged]:
    """Return every claim of every finished world of this size."""
    paths = sorted(KEPT.glob(f"*-{works}-*.json"))
    return [Judged(**row) for rows in kept.fresh(paths) for row in rows]


def error_table(rows: list[Judged]) -> Iterator[str]:
    """Return false verdicts by claim, over all families without effect."""
    claims: dict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        claims[row.claim].append(row)
    yield f"{'claim':34} {'false in':>8} {'supported':>9} {'limit':>6} {'true in':>8} contradicted"
    for claim, found in claims.items():
        if found[0].of_sizes:
            continue
        false = [row for row in found if row.standing == "false"]
        true = [row for row in found if row.standing in ("true", "sizes")]
        wrong = sum(row.verdict == "supported" for row in false)
        lost = sum(row.verdict == "contradicted" for row in true)
        limit = f"{100 * wilson(wrong, len(false))[1]:5.1f}%" if false else "     -"
        yield f"{claim:34} {len(false):8} {wrong:9} {limit:>6} {len(true):8} {lost:12}"
    sized = sorted({row.claim for row in rows if row.of_sizes})
    yield f"Can be true of sizes alone, and say so: {', '.join(sized)}."


def world_table(rows: list[Judged]) -> Iterator[str]:
    """Return, by family, the worlds in which any claim that is false comes out supported."""
    yield f"{'family':24} {'worlds':>6} {'with any false supported':>25}  which"
    by: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        wrong = by[row.family][row.seed]
        if row.standing == "false" and not row.of_sizes and row.verdict == "supported":
            wrong.append(row.claim)
    total, all_wrong = 0, 0
    for family, worlds in by.items():
        wrong_worlds = [names for names in worlds.values() if names]
        total, all_wrong = total + len(worlds), all_wrong + len(wrong_worlds)
        which = ", ".join(sorted({name for names in wrong_worlds for name in names}))
        yield f"{family:24} {len(worlds):6} {len(wrong_worlds):25}  {which}"
    yield f"{'all':24} {total:6} {all_wrong:25}  {100 * all_wrong / max(total, 1):.1f} %"


def power_table(rows: list[Judged]) -> Iterator[str]:
    """Return how often planted claims are supported, and what more works would need."""
    claims: dict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        if row.standing == "true":
            claims[row.claim].append(row)
    yield f"{'planted claim':34} {'worlds':>6} {'supported':>9} {'contradicted':>12} works for 80 %"
    for claim, found in claims.items():
        held = sum(row.verdict == "supported" for row in found)
        lost = sum(row.verdict == "contradicted" for row in found)
        more = "" if held >= 0.8 * len(found) else _needed(found)
        yield f"{claim:34} {len(found):6} {held:9} {lost:12} {more}"


def _needed(found: list[Judged]) -> str:
    """Say by what factor more works give 80 % power: standard errors shrink with their root.

    The median world's distance from no effect, in standard errors, is read off its p; 2.8 of
    them give 80 % power at the 5 % level.
    """
    known = sorted(row.p for row in found if row.p is not None)
    if not known:
        return "no interval in most worlds"
    p = known[len(known) // 2]
    if p >= 1:
        return "not within reach: the median world lies on the other side"
    factor = (2.8 / float(norm.isf(p / 2))) ** 2
    if factor <= 1:
        return "enough: smaller than what matters, or a check stands against it"
    return f"about {factor:.1f} times as many"


def main() -> None:
    """Make the worlds that are asked for, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=60)
    parser.add_argument("--works", type=int, default=20_000)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--planted", action="store_true", help="planted worlds instead")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="make nothing, print what is kept")
    options = parser.parse_args()
    families = [PLANTED] if options.planted else options.families
    seeds = range(options.first_seed, options.first_seed + options.worlds)
    jobs = [(family, options.works, seed) for seed in seeds for family in families]
    if not options.report:
        with ProcessPoolExecutor(options.processes) as pool:
            for done, _ in enumerate(pool.map(_made, jobs), start=1):
                print(f"\r{done} of {len(jobs)} worlds", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
    rows = kept_rows(options.works)
    null = [row for row in rows if row.family != PLANTED]
    planted = [row for row in rows if row.family == PLANTED]
    for lines in (error_table(null), world_table(null)) if null else ():
        print("\n".join(lines), end="\n\n")
    if planted:
        print("\n".join(power_table(planted)))


if __name__ == "__main__":
    main()
