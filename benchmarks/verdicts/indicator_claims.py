"""How often the claims on indicators are wrong: small worlds, only the tables they need.

A claim is read by itself, before false discoveries are controlled, which can only take
verdicts back. Asked is how often it is supported where the world makes it false, and how often
where the world makes it true.

    python benchmarks/verdicts/indicator_claims.py --worlds 8 --works 6000
    python benchmarks/verdicts/indicator_claims.py --worlds 8 --works 20000 --families planted
    python benchmarks/verdicts/indicator_claims.py --report

Finished worlds are kept in ``benchmarks/results/indicator_claims`` and not made again.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isthmus.files import write_text
from isthmus.findings import depending
from isthmus.findings.evidence import Evidence
from isthmus.findings.verdict import reading
from isthmus.pipeline import runner
from isthmus.pipeline.steps import STEPS
from isthmus.simulation.families import FAMILIES, family_world
from isthmus.simulation.planted_claims import planted_claims
from isthmus.simulation.settings import CountryCurve, PairCurve, WorldSettings
from isthmus.simulation.simulate import simulate
from isthmus.stats.shares import wilson
from isthmus.study import Study

KEPT = Path(__file__).resolve().parents[1] / "results" / "indicator_claims"

YEARS = (2000, 2021)

POLES = ("US", "CN")

PLANTED = "planted"


def world(family: str, seed: int, works: int) -> WorldSettings:
    """A world of a family, or one in which poles turn inward and are cited more than others.

    Planted: China and the US cite and write with all others less and less, half of it from
    the start; papers of the US are cited twice, those of China three times as often as others.
    """
    if family != PLANTED:
        return family_world(family, works, seed)
    others = [code for code in WorldSettings(works, seed).codes if code not in POLES]
    away = [*((pole, other) for pole in POLES for other in others), POLES]
    pairs = tuple(PairCurve(a, b, ((1998, -0.5), (2021, -2.0))) for a, b in away)
    impact = tuple(CountryCurve(c, ((1998, x),)) for c, x in (("US", 2.0), ("CN", 3.0)))
    return WorldSettings(
        works, seed, full_lists=True, affinity_pairs=pairs, country_impact=impact
    )  # fmt: skip


def judged(family: str, seed: int, works: int) -> list[dict[str, Any]]:
    """Every claim on indicators in one world."""
    settings = world(family, seed, works)
    standing = {claim.claim: claim.standing for claim in planted_claims(settings)}
    with tempfile.TemporaryDirectory(prefix="isthmus-indicators-") as folder:
        simulate(settings, Path(folder) / "corpus")
        about = {"corpus": f"{folder}/corpus", "years": list(YEARS)}
        study = Study.parse(
            {"study": about, "indicators": {"pairs": False, "topics": False}, "run": {"threads": 1}}
        )  # fmt: skip
        evidence = Evidence(runner.run(study, Path(folder) / "results"))
        rows = []
        for claim in depending.claims(evidence):
            found = claim.measure(evidence)
            one = {name: getattr(found[0], name) for name in ("value", "low", "high", "reason")}
            rows.append({"family": family, "seed": seed, "claim": claim.name, **one,
                         "standing": standing[claim.name], "reading": reading(found)})  # fmt: skip
    return rows


def report(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The tables as text: by claim and standing, then the families in which a claim is wrong."""
    kinds = sorted({row["claim"].rpartition("-")[0] for row in rows})
    yield f"{'claim':26} {'standing':13} {'of':>4} supported (95 %)        contradicted"
    wrong = defaultdict[tuple[str, str], int](int)
    for kind in kinds:
        own = [row for row in rows if row["claim"].rpartition("-")[0] == kind]
        for standing, n in sorted(Counter(row["standing"] for row in own).items()):
            said = Counter(row["reading"] for row in own if row["standing"] == standing)
            low, high = wilson(said["supported"], n)
            yield (f"{kind:26} {standing:13} {n:4} {said['supported'] / n:6.1%} "
                   f"({low:.1%} to {high:.1%}) {said['contradicted'] / n:8.1%}")  # fmt: skip
        for row in own:
            bad = {"false": "supported", "true": "contradicted", "sizes": "contradicted"}
            wrong[kind, row["family"]] += bad.get(row["standing"]) == row["reading"]
    yield ""
    for (kind, family), n in sorted(wrong.items()):
        if n:
            yield f"wrong: {kind} in {family}: {n}"


def main() -> None:
    """Make the worlds that are not kept, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--worlds", type=int, default=8)
    parser.add_argument("--works", type=int, default=6000)
    parser.add_argument("--families", nargs="*", default=[*FAMILIES])
    parser.add_argument("--report", action="store_true", help="print what is kept alone")
    asked = parser.parse_args()
    runner.STEPS = tuple(step for step in STEPS if step.name in ("field", "indicators"))
    KEPT.mkdir(parents=True, exist_ok=True)
    for seed in range(1, 0 if asked.report else asked.worlds + 1):
        for family in asked.families:
            path = KEPT / f"{family}-{asked.works}-{seed}.json"
            if not path.exists():
                write_text(path, json.dumps(judged(family, seed, asked.works)))
    rows = [row for path in sorted(KEPT.glob("*.json")) for row in json.loads(path.read_text())]
    print("\n".join(report(rows)))


if __name__ == "__main__":
    main()
