"""Coverage of every kind of interval that a verdict rests on, over simulated worlds.

Each world is another draw of the same laws, so that an interval that says 95 % should hold
the truth in 95 of 100. Where nothing is planted the truth is 0 (matched effects). Elsewhere
it is the mean over the worlds; the deviation from it is stretched by sqrt(n / (n - 1)), for a
mean that holds the world itself. What a claim looks at is asked of several pairs of
countries in the place of the poles.

In these worlds nothing is planted but many moves and many joint papers, so that small and
large numbers occur. The whole spread from world to world counts: who publishes, moves, is cited,
and how many they are (``drawn_sizes``). Ratios, shares and differences speak of the rates of the
years they sum, which are the same in every world. A trend speaks of a line from which years
depart: trends are also asked of worlds in which rates of ties, moves and impact vary from year
to year, anew in each world (kinds that end in ``years vary``).

    python benchmarks/verdicts/intervals.py --worlds 40 --works 20000
    python benchmarks/verdicts/intervals.py --report

Finished worlds are kept in ``benchmarks/results/intervals`` and not made again while the claims
stay what they are (``kept.py``).
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import kept
import numpy as np
import pyarrow as pa
from counted import counted
from covered import PEOPLE, SIMULTANEOUS, TURN, Interval, coverage, lines
from panels import Tables
from scipy.special import stdtrit

from isthmus.corpus.store import open_corpus
from isthmus.engine import DuckDBEngine
from isthmus.findings.claims import claims_of
from isthmus.findings.evidence import Evidence
from isthmus.findings.moving import EFFECT
from isthmus.findings.verdict import LEVEL, Condition
from isthmus.leadership.country_year import Leaders
from isthmus.pipeline.runner import run
from isthmus.results import Results
from isthmus.selection.study_tables import StudyTables
from isthmus.simulation.families import family_world
from isthmus.simulation.simulate import simulate
from isthmus.stats import fit_null
from isthmus.stats.ratios import ratio_of_totals
from isthmus.study import Study

KEPT = Path(__file__).resolve().parents[1] / "results" / "intervals"

#: What is changed in the family with many movers: many joint papers, few countries.
WORLD: dict[str, Any] = {"international_share": 0.6, "n_countries": 25, "drawn_seed": 1,
                         "drawn_sizes": True}  # fmt: skip

#: What varies from year to year where years vary: as real ties do, by 12 to 20 % and with a
#: memory of .6 and more. No seed is shared: each world draws its own.
VARYING: dict[str, Any] = {"pair_noise": 0.15, "move_noise": 0.15, "impact_noise": 0.15,
                           "pair_noise_memory": 0.6, "drawn_seed": None}  # fmt: skip

#: Beginning of kinds that are asked of worlds whose years vary, and what is added to them.
TREND, YEARS_VARY = "trend of", ", years vary"

#: Draws of people, in each of some worlds.
DRAWS = 30

#: Kinds of worlds, and what is looked at in them.
KINDS_OF_WORLDS = {
    "studied": "Worlds that are studied whole",
    "counted": "Worlds whose counts are taken from their generator",
    "varying": "The same, with years that vary",
    "ties": "The same, with years that vary, through the pole analysis",
    "people": "People of a world, drawn again",
}

#: Pairs of countries that stand in the place of the poles.
PAIRS = (("US", "CN"), ("GB", "DE"), ("JP", "IN"), ("FR", "CA"))

#: Countries whose totals are compared with each other.
COUNTRIES = ("US", "CN", "GB", "DE", "IN", "CA")

#: Kinds of intervals by the claims that rest on them (beginnings of names).
KINDS = {
    "poles-lead-scientists": "ratio of scientists, as claims read it",
    "second-passes-in-scientists": "ratio of scientists, as claims read it",
    "poles-lead-": "ratio of totals",
    "second-catches-up": "ratio of totals",
    "impact-rises-": "trend of relative impact",
    "second-as-novel": "ratio of shares of papers",
    "second-gains-hits": "change of a share of hits",
    "first-loses-hits": "change of a share of hits",
    "origin-of-movers-": "share of movers",
    "movers-keep-ties-": "retention",
    "beginners-stay-": "share of beginners who stay",
    "joint-papers-rare": "share of papers",
    "joint-papers-rise": "trend of counts",
    "movers-rise-": "trend of counts",
    "premium-every-year": "matched, yearly",
    "premium-grows-first": "trend of matched effects",
    "premium-is-the-poles-own": "matched less other pairs",
    "premium-": "matched, pooled",
    "control-pair-gains-nothing": "matched, pooled",
    "second-attracts-seasoned": "mover exceeds mover",
    "movers-outdo-stayers-": "movers less stayers",
    "joint-teams-larger": "joint less other papers",
    "joint-led-by-top": "joint less other papers",
    "second-gains-more": "mean of yearly differences",
    "poles-diverge-": "trend of a tie",
    "null-models-agree": "trend of a tie",
    "poles-turn": TURN,
    "poles-are-centres-of-two-blocs": "held-out gain of blocs",
    "exclusive-with-first": "trend of a tie",
    "bridges": "trend of a tie",
    "away-from-first": "trend of a tie",
    "towards-second": "trend of a tie",
    "two-poles": "trend of polarisation",
    "emergent-pole": "trend of a share of links",
    "developing-with-second-only": "share of pairs or countries",
    "first-has-more-ties": "share of pairs or countries",
    "largest-diverge": "share of pairs or countries",
    "hub-and-spoke": "share of pairs or countries",
    "europe-bridges": "share of pairs or countries",
}

#: Works of a country in a year from which it is followed: worlds are small.
MIN_WORKS = 20

#: What is below this is a ratio of 0, of which there is no logarithm.
TINY = 1e-9


def results_of(seed: int, works: int, folder: Path) -> Results:
    """Run a study on a world; without replays and bounds, on which no interval rests."""
    settings = family_world("many_movers", works, seed, **WORLD)
    simulate(settings, folder / "corpus")
    named = [list(pair) for a, b in PAIRS[1:] for pair in ((a, b), (b, a))]
    study = {
        "study": {"corpus": str(folder / "corpus"), "years": list(settings.years)},
        "poles": {"null_models": ["multiedge"], "placebo_replays": 0, "dropped": 0,
                  "bloc_windows": 0, "min_works": MIN_WORKS},
        "mobility": {"pairs": named},
        "teaming": {"pairs": named},
        "indicators": dict.fromkeys(("country", "pairs", "dependence", "topics"), False),
        "bounds": {"enabled": False},
        "run": {"seed": seed, "threads": 1, "memory": "2GB"},
    }  # fmt: skip
    return run(Study.parse(study), folder / "results")


@dataclass(frozen=True)
class OtherPoles:
    """Results read as if a study had asked about another pair of countries."""

    results: Results
    poles: tuple[str, str]

    @property
    def record(self) -> dict[str, Any]:
        """The record of the results with other poles."""
        record: dict[str, Any] = dict(self.results.record)
        countries = record["settings"]["countries"] | {"poles": list(self.poles)}
        record["settings"] = record["settings"] | {"countries": countries}
        return record

    def __getattr__(self, name: str) -> Any:
        return getattr(self.results, name)


def claimed(results: Results) -> Iterator[Interval]:
    """Every number of every claim, and the families of numbers that are claimed together."""
    seen = set()  # what does not depend on the poles is one number
    for poles in PAIRS:
        evidence = Evidence(OtherPoles(results, poles))  # type: ignore[arg-type]
        for claim in claims_of(evidence, {}):
            kind = next((k for begin, k in KINDS.items() if claim.name.startswith(begin)), "")
            if not kind:
                raise SystemExit(f"{claim.name}: no kind of interval is named for it")
            if any(not evidence.has(name) for name in claim.needs):
                continue
            conditions = claim.measure(evidence)
            for one in conditions:
                for row in _of_condition(kind, f"{claim.name} {'-'.join(poles)}", one):
                    if (kind, *row[2:]) not in seen:
                        yield row
                    seen.add((kind, *row[2:]))


def _of_condition(kind: str, claim: str, one: Condition) -> Iterator[Interval]:
    if one.value is None or not math.isfinite(one.value):
        return
    if one.log and one.value - one.origin < TINY:
        return
    # How many other pairs there are is no part of what a number is of.
    key = f"{claim}: {re.sub(r'[0-9]+ (other pairs|European|pairs)', '', one.what)}"
    low, high = one.low, one.high
    if low is None or high is None or low == high:
        yield Interval(kind, key, _scale(one, one.value), None, None)
    else:
        yield Interval(kind, key, *(_scale(one, x) for x in (one.value, low, high)))


def _scale(one: Condition, value: float) -> float:
    """Return a difference in per cent as the logarithm of its ratio, which is 0 where it is 0."""
    if not one.log:
        return value
    return math.log(value - one.origin) - (math.log(-one.origin) if one.origin else 0.0)


def together(rows: list[Interval]) -> Iterator[Interval]:
    """Limits of all years of both leads at once, at 5 % / n each, as claims apply them.

    The truth is 0, so all n hold it together if the smallest p of 0 is at least 5 % / n. That
    is written as one interval which holds 0 or does not.
    """
    for a, b in PAIRS:
        leads = tuple(f"joint:{lead}+{partner} 2" for lead, partner in ((a, b), (b, a)))
        p = [
            Condition("", 0.0, 0.0, value=row.value, low=row.low, high=row.high,
                      df=max(row.worth or 0.0, 2.0) - 1).p_against(0.0)
            for row in rows
            if row.kind == "matched, yearly (all)" and row.key.startswith(leads)
            and row.low is not None
        ]  # fmt: skip
        if len(p) > 1:
            side = 0.0 if min(p) >= LEVEL / len(p) else 1.0
            yield Interval(SIMULTANEOUS, f"{a}-{b}", side, side - 0.5, side + 0.5)


def tables(results: Results) -> Iterator[Interval]:
    """Intervals of the tables that claims read, of all countries and years."""
    for name in ("matched", "placebo_pairs"):
        for row in results.table(name).to_pylist():
            if row["effect_percent"] is None or row["effect_percent"] <= -100:
                continue
            where = row.get("experiment") or f"{row.get('lead')}+{row.get('partner')}"
            kind = "matched, pooled" if row.get("year") is None else "matched, yearly"
            ends = [None if x is None else math.log1p(x / 100)
                    for x in (row["effect_percent"], row["ci_low"], row["ci_high"])]  # fmt: skip
            kept = "retention" if where.startswith("movers") else kind
            worth = row["effective_clusters"]
            yield Interval(f"{kept} (all)", f"{where} {row.get('year')}", *ends, worth)  # type: ignore[misc]
    for row in results.table("country_year").to_pylist():
        if row["country"] in COUNTRIES and row["c2_mean"] is not None:
            ends = [row["c2_mean"], row["c2_mean_low"], row["c2_mean_high"]]
            yield Interval("mean impact", f"{row['country']} {row['year']}", *ends)
    for name in ("mover_contrasts", "team_contrasts"):
        for row in results.table(name).to_pylist():
            if row["difference"] is None:
                continue
            ends = [row["difference"], row["low"], row["high"]]
            where = " ".join(str(row.get(c)) for c in ("origin", "destination", "lead", "partner"))
            worth = row.get("n_movers", row.get("papers"))
            yield Interval(f"{name}, {row['measure']}", where, *ends, worth)


def totals(results: Results) -> Iterator[Interval]:
    """Ratios of totals of two countries, and of a country's last years to its first."""
    rows = results.table("country_totals").to_pylist()
    found = {(r["measure"], r["span"], r["country"]): (r["total"], r["se"]) for r in rows}
    for measure in sorted({key[0] for key in found}):
        for a, b in combinations(COUNTRIES, 2):
            for span in ("all", "first", "last"):
                sides = [found.get((measure, span, c), (0.0, 0.0)) for c in (a, b)]
                yield from _ratio(f"ratio of {measure}, {span}", f"{a}/{b}", sides[:1], sides[1:])
            parts = [found.get((measure, s, c), (0.0, 0.0)) for s, c in
                     (("last", a), ("first", b), ("first", a), ("last", b))]  # fmt: skip
            yield from _ratio(f"change of ratio of {measure}", f"{a}/{b}", parts[:2], parts[2:])


def _ratio(kind: str, key: str, above: Any, below: Any) -> Iterator[Interval]:
    made = ratio_of_totals(above, below)
    if not made.value > 0:
        return
    worth = min((t / e) ** 2 for t, e in [*above, *below] if e > 0)
    ends = [None if math.isnan(x) else math.log(x) for x in (made.value, made.low, made.high)]
    yield Interval(kind, key, *ends, worth)  # type: ignore[misc]


def people(seed: int, works: int, draws: int) -> Iterator[Interval]:
    """Ratios of scientists where people are drawn: those of a world, each Poisson(1) times.

    In the simulator people fill a number of posts that the works set, so that totals of
    scientists hardly vary from world to world. The intervals are meant for people who come
    and go each on their own, with all their years: so they are drawn here. Truth: the world's
    own ratio, taken off the numbers.
    """
    with tempfile.TemporaryDirectory(prefix="isthmus-people-") as folder:
        simulate(family_world("many_movers", works, seed, **WORLD), Path(folder) / "corpus")
        study = Study.parse({"study": {"corpus": f"{folder}/corpus", "years": [2000, 2021]}})
        with closing(DuckDBEngine(threads=1)) as engine:
            corpus = open_corpus(Path(folder) / "corpus")
            leaders = Leaders(StudyTables(study, corpus, engine, Path(folder) / "work"))
            rows = engine.collect(leaders.scientist_years)
    author = np.unique(rows["author_id"].to_numpy(), return_inverse=True)[1]
    n, year, weight = int(author.max()) + 1, rows["year"].to_numpy(), rows["weight"].to_numpy()
    country, rng = np.array(rows["country"].to_pylist()), np.random.default_rng(seed)
    for span, inside in (("all", year > 0), ("first", year <= 2004), ("last", year >= 2017)):
        years = {}
        for code in COUNTRIES:
            own = inside & (country == code)
            years[code] = np.bincount(author[own], weights=weight[own], minlength=n)
        for times in rng.poisson(1.0, (draws, n)):
            sums = {c: (float(times @ y), math.sqrt(times @ y**2)) for c, y in years.items()}
            for a, b in combinations(COUNTRIES, 2):
                made = _ratio("", "", [sums[a]], [sums[b]])
                truth = math.log(years[a].sum() / years[b].sum())
                for one in made:
                    ends = [None if x is None else x - truth for x in one[2:5]]
                    yield Interval(f"{PEOPLE}, {span}", f"{a}/{b}", *ends, one.worth)  # type: ignore[misc]


def polarisation_years(panels: int) -> Iterator[Interval]:
    """The yearly index in panels where events fall by size alone; its truth is 0."""
    from isthmus.poles.polarisation import polarisation

    for seed in range(panels):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(6, 24))
        size = 5 * np.exp(rng.normal(0, 1, n))
        size[:2] = 3 * size.max()
        weights = np.triu(rng.poisson(np.outer(size, size)), 1).astype(float)
        weights = weights + weights.T
        if not weights.any(axis=0).all():
            continue
        expected = fit_null(weights, "multiedge", directed=False).expected
        ratio = np.log((weights + 0.5) / (expected + 0.5))
        made = polarisation(ratio[None], (expected >= 1) & ~np.eye(n, dtype=bool), [0, 1])
        ends = [float(x[0]) for x in (made.index, made.low, made.high)]
        if all(map(math.isfinite, ends)):
            yield Interval("polarisation, yearly", "", *ends, float(made.pairs[0]))


def beyond_pairs(draws: int) -> Iterator[Interval]:
    """What the poles gain beyond other pairs, where they gain as other pairs do.

    Each pair's gain is drawn around a true one, and its error is what so many clusters say of
    theirs. Few worlds have six pairs of countries with an interval each.
    """
    rng = np.random.default_rng(5)
    settings = Study.parse({"study": {"corpus": "none", "years": [2000, 2020]}}).settings()
    columns = ("lead", "partner", "is_pole_pair", "effective_clusters", *EFFECT)
    for draw in range(draws):
        others, spread = (6, 12, 40)[draw % 3], (0.0, 0.1, 0.3)[draw // 3 % 3]
        df = np.exp(rng.uniform(np.log(6), np.log(100), others + 2)) - 1
        error = (df + 1) ** -0.5
        gain = rng.normal(0, spread, len(df)) + rng.normal(0, error)
        half = stdtrit(df, 0.975) * error * np.sqrt(rng.chisquare(df) / df)
        ends = 100 * np.expm1([gain, gain - half, gain + half])
        rows = [dict(zip(columns, ("A", "B", False, d + 1, *e), strict=True))
                for d, e in zip(df, ends.T, strict=True)]  # fmt: skip
        both = zip(("joint:US+CN", "joint:CN+US"), rows, strict=False)
        poles = [row | {"experiment": name, "year": None} for name, row in both]
        tables = {"matched": pa.Table.from_pylist(poles),
                  "placebo_pairs": pa.Table.from_pylist(rows[2:])}  # fmt: skip
        evidence = Evidence(Tables(tables, settings))  # type: ignore[arg-type]
        claim = next(c for c in claims_of(evidence, {}) if c.name == "premium-is-the-poles-own")
        for one in claim.measure(evidence)[:1]:
            kind = "matched less other pairs"
            yield from _of_condition(kind, f"{others} pairs that differ by {spread}", one)


def made(kind: str, works: int, seed: int) -> None:
    """Make the intervals of a world where they are not kept."""
    path = KEPT / f"{kind}-{works}-{seed}.json"
    if kept.read(path) is not None:
        return
    if kind == "people":
        rows = [*people(seed, works, DRAWS)]
    elif kind == "studied":
        with tempfile.TemporaryDirectory(prefix="isthmus-intervals-") as folder:
            results = results_of(seed, works, Path(folder))
            rows = [*claimed(results), *tables(results), *totals(results)]
    else:
        varying = VARYING if kind != "counted" else {}
        settings = family_world("many_movers", works, seed, **WORLD | varying)
        books = counted(settings, poles=kind == "ties")
        rows = [*claimed(books), *([] if varying else totals(books))]
        if varying:
            rows = [r._replace(kind=r.kind + YEARS_VARY) for r in rows if r.kind.startswith(TREND)]
    kept.write(path, rows)


def main() -> None:
    """Make the worlds that are asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--works", type=int, default=20_000)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="*", default=KINDS_OF_WORLDS, choices=KINDS_OF_WORLDS)
    parser.add_argument("--report", action="store_true", help="make nothing, print what is kept")
    asked = parser.parse_args()
    if not asked.report:
        for seed in range(asked.first_seed, asked.first_seed + asked.worlds):
            for kind in asked.kinds:
                made(kind, asked.works, seed)
            print(f"\rworld {seed}", end="", file=sys.stderr, flush=True)
    for kind in asked.kinds:
        paths = sorted(KEPT.glob(f"{kind}-{asked.works}-*.json"))
        worlds = [[Interval(*row) for row in rows] for rows in kept.fresh(paths)]
        found = coverage([[*world, *together(world)] for world in worlds])
        print(f"\n{KINDS_OF_WORLDS[kind]}", *lines(found), sep="\n")
    drawn = [*polarisation_years(400), *beyond_pairs(1800)]
    print("\nPanels and pairs", *lines(coverage([[one] for one in drawn])), sep="\n")


if __name__ == "__main__":
    main()
