"""Cohorts against a walk through each author's years, and planted chances to leave."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from isthmus.errors import StudyError
from isthmus.mobility.author_groups import author_groups
from isthmus.mobility.cohorts import cohort_table, people_of
from isthmus.mobility.unseen_stays import PRIOR
from isthmus.study import Cohorts, Study
from mobility_worlds import FIELD, Truth, movers_of, rows
from recount_mobility import Rules

RULES = Cohorts(min_authors=1, years=6)


def observed(careers: dict[int, dict[int, str]], cited: dict[int, float] | None = None) -> pa.Table:
    listed = [(a, y, c) for a, years in careers.items() for y, c in years.items()]
    return pa.table(
        {
            "author_id": [a for a, _, _ in listed],
            "year": pa.array([y for _, y, _ in listed], pa.int16()),
            "country": [c for _, _, c in listed],
            "cited": pa.array([(cited or {}).get(a) for a, _, _ in listed], pa.float64()),
        }
    )


def table(careers: dict[int, dict[int, str]], **options) -> dict[tuple, dict]:
    people = people_of(observed(careers, options.pop("cited", None)), RULES)
    made = cohort_table(people, RULES, options.pop("groups", None), seed=1, **options).to_pylist()
    keys = ("group", "tier", "entry_country", "entry_year", "years_since")
    return {tuple(row[k] for k in keys): row for row in made}


def pairs_of(years: dict[int, str]) -> list[tuple[int, int, int, int]]:
    """Neighbouring years with papers since the first, and states as papers show them."""
    first, state, known = min(years), 0, []
    for year in sorted(years):
        state = 1 if years[year] != years[first] else (2 if state else 0)
        known.append((year - first, state))
    return [(*one, *other) for one, other in pairwise(known)]


def yearly_chances(careers: dict[int, dict[int, str]], home: str) -> list[float]:
    """Chances to leave, come back and leave again of those from a country."""
    counts: dict[str, list[list[float]]] = defaultdict(lambda: [[0.0, 0.0] for _ in range(3)])
    for years in careers.values():
        for start, a, end, b in pairs_of(years):
            if end - start == 1:
                for who in (years[min(years)], "everyone"):
                    counts[who][a][0] += (a == 1) != (b == 1)
                    counts[who][a][1] += 1
    made = []
    for (moves, seen), (all_moves, all_seen) in zip(
        counts[home], counts["everyone"], strict=True
    ):  # fmt: skip
        made.append((moves + PRIOR * (all_moves + 0.5) / (all_seen + 1)) / (seen + PRIOR))
    return made


def ways(
    chances: list[float], begin: int, gap: int, away: bool
) -> Iterator[tuple[list[int], float]]:
    """Every way through the years between two papers, with its chance, up to a factor."""
    onward = {0: (0, 1), 1: (1, 2), 2: (2, 1)}
    for turns in product((0, 1), repeat=gap):
        path, chance = [begin], 1.0
        for turn in turns:
            chance *= chances[path[-1]] if turn else 1 - chances[path[-1]]
            path.append(onward[path[-1]][turn])
        if (path[-1] == 1) == away:
            yield path, chance


def steps_of(years: dict[int, str], chances: list[float]) -> dict[tuple[int, int, int], float]:
    """Chance of each step (year since the first, state before and after) of a career."""
    found: dict[tuple[int, int, int], float] = defaultdict(float)
    unmoved = 1.0
    for start, a, end, b in pairs_of(years):
        begins = {1: 1.0} if a == 1 else {0: unmoved, 2: 1 - unmoved}
        still = 0.0
        for begin, weight in begins.items():
            listed = list(ways(chances, begin, end - start, b == 1))
            whole = sum(chance for _, chance in listed)
            for path, chance in listed:
                part = weight * chance / whole
                still += part * (path[-1] == 0)
                for at, step in enumerate(pairwise(path)):
                    found[start + at, *step] += part
        unmoved = still
    return found


def walked(careers: dict[int, dict[int, str]], home: str, entry: int | None) -> dict:
    """Shares by a walk through the years of each author: never left, abroad, back."""
    share, found = [1.0, 0.0, 0.0], {}
    chances = yearly_chances(careers, home)
    of_all = [
        steps_of(years, chances)
        for years in careers.values()
        if years[min(years)] == home and entry in (None, min(years))
    ]
    for t in range(RULES.years):
        moves = defaultdict(float)
        for steps in of_all:
            for (at, a, b), part in steps.items():
                moves[a, b] += part * (at == t)
        there = [sum(n for (a, _), n in moves.items() if a == s) for s in range(3)]
        share = [
            sum(
                share[a] * (moves[a, b] / there[a] if there[a] else float(a == b)) for a in range(3)
            )
            for b in range(3)
        ]
        if not sum(there):
            break
        found[t + 1] = (sum(there), *share)
    return found


def random_careers(seed: int, n: int = 150) -> dict[int, dict[int, str]]:
    rng = np.random.default_rng(seed)
    made: dict[int, dict[int, str]] = {}
    for author in range(1, n + 1):
        first, here = int(rng.integers(2000, 2003)), str(rng.choice(["US", "CN"]))
        made[author] = {first: here}
        for year in range(first + 1, first + int(rng.integers(1, 9))):
            here = str(rng.choice(["US", "CN", "DE"])) if rng.random() < 0.25 else here
            if rng.random() < 0.7:
                made[author][year] = here
    return made


@pytest.mark.parametrize("entry", [None, 2001])
def test_shares_are_those_of_a_walk_through_careers(entry: int | None) -> None:
    careers = random_careers(3)
    made = table(careers)
    for home in ("US", "CN"):
        expected = walked(careers, home, entry)
        assert expected
        for since, (followed, _, away, back) in expected.items():
            row = made["all", "all", home, entry, since]
            assert row["at_risk"] == pytest.approx(followed)
            if followed < 6 - 1e-9:
                assert row["share_left"] is None
                continue
            assert row["share_left"] == pytest.approx(away)
            assert row["share_stayed"] == pytest.approx(1 - away)
            assert row["share_returned"] == pytest.approx(back)
            assert row["share_left_low"] <= away <= row["share_left_high"]


def test_cohorts_of_a_study_begin_with_first_papers_in_its_years(tmp_path: Path) -> None:
    truth = Truth(tmp_path / "truth", 1)
    (tmp_path / "who.csv").write_text("author_id,group,probability\n1,x,1\n999,x,1\n")
    named = {"file": str(tmp_path / "who.csv")}
    movers = movers_of(
        truth.corpus, tmp_path / "run", field=FIELD, cohorts={"min_authors": 1}, groups=named
    )
    placed = truth.histories(Rules())
    began: dict[int, int] = {}
    for work in truth.works.values():
        for author in {a.id for a in work.authors} - {None}:
            began[author] = min(began.get(author, 9999), work.year)
    careers = {
        a: {y: c for y, c in years.items() if c} for a, years in placed.items() if began[a] >= 2001
    }
    impact = movers.tables.field.select("work_id", "year").mutate(c_k=movers.tables.field.work_id)
    made = movers.cohorts(impact)["cohorts"].to_pylist()
    pooled = [r for r in made if r["entry_year"] is None and r["tier"] == "all"]
    pooled = [r for r in pooled if r["group"] == "all"]
    assert movers.authors_in_groups == {"named": 2, "followed": int(bool(careers.get(1)))}
    expected = defaultdict(int)
    for years in careers.values():
        if years:
            expected[years[min(years)]] += 1
    assert {r["entry_country"]: r["authors"] for r in pooled} == expected
    assert rows(movers, movers.history)


def test_small_cohorts_have_no_row_and_tiers_split_those_with_known_impact() -> None:
    careers = {a: {2000: "US", 2001: "US"} for a in range(1, 41)} | {99: {2000: "CN", 2001: "CN"}}
    people = people_of(observed(careers, {a: float(a) for a in range(1, 31)}), Cohorts())
    made = cohort_table(people, Cohorts(min_authors=5), seed=1).to_pylist()
    sizes = {(r["tier"], r["entry_country"]): r["authors"] for r in made if not r["entry_year"]}
    assert sizes == {("all", "US"): 40, ("top", "US"): 8, ("rest", "US"): 22}


def test_no_author_at_all_gives_an_empty_table() -> None:
    assert not table({})


def test_groups_hold_the_error_of_who_is_in_them() -> None:
    careers = random_careers(4, 400)
    ids = list(careers)
    known = pa.table({"author_id": ids, "group": ["x"] * 400, "probability": [1.0] * 400})
    half = pa.table({"author_id": ids, "group": ["x"] * 400, "probability": [0.5] * 400})
    key = ("x", "all", "US", None, 3)
    sure, unsure = table(careers, groups=known)[key], table(careers, groups=half)[key]
    everybody = table(careers)["all", "all", "US", None, 3]
    assert sure["share_left"] == everybody["share_left"]
    assert unsure["authors"] == pytest.approx(everybody["authors"] / 2, rel=0.15)
    width = [r["share_left_high"] - r["share_left_low"] for r in (everybody, unsure)]
    # Half the people, of whom nobody is known: at least the width of half, and more.
    assert width[1] > 1.5 * width[0]


@pytest.mark.parametrize("seen", [0.8, 0.5])
def test_planted_rates_are_covered_also_when_authors_skip_years(seen: float) -> None:
    """Leave with .08 a year, come back with .15; papers in four of five years or every other.

    Stays abroad between papers are seen by nobody; without them returns come out 1.3 points
    too low after ten years.
    """
    step = np.array([[0.92, 0.08, 0.0], [0.0, 0.85, 0.15], [0.0, 0.08, 0.92]])
    at, truth = np.array([1.0, 0.0, 0.0]), []
    for _ in range(RULES.years):
        at = at @ step
        truth.append({"stayed": at[0] + at[2], "returned": at[2], "never_left": at[0]})
    inside: dict[str, list[bool]] = defaultdict(list)
    errors: dict[str, list[float]] = defaultdict(list)
    for seed in range(40):
        people = people_of(_planted(seed, 1000, seen), RULES)
        for row in cohort_table(people, RULES, seed=1).to_pylist():
            if row["tier"] != "all" or row["entry_year"] is not None:
                continue
            for name, value in truth[row["years_since"] - 1].items():
                low, high = (row[f"share_{name}_{end}"] for end in ("low", "high"))
                inside[name].append(low <= value <= high)
                errors[name].append(row[f"share_{name}"] - value)
    for name, held in inside.items():
        assert 0.9 <= np.mean(held) <= 0.99, name
        assert abs(np.mean(errors[name])) < 0.004, name


def _planted(seed: int, n: int, often: float) -> pa.Table:
    rng = np.random.default_rng(seed)
    away, active = np.zeros(n, bool), np.ones(n, bool)
    parts = [(np.arange(n), np.full(n, 2000), away.copy())]
    for year in range(2001, 2001 + RULES.years):
        turn = rng.random(n) < np.where(away, 0.15, 0.08)
        away = away ^ turn
        active &= rng.random(n) >= 0.12
        seen = np.flatnonzero(active & (rng.random(n) < often))
        parts.append((seen, np.full(len(seen), year), away[seen]))
    author, years, where = (np.concatenate(part) for part in zip(*parts, strict=True))
    country = np.where(where, "CN", "US")
    return pa.table(
        {
            "author_id": author,
            "year": years.astype(np.int16),
            "country": country.tolist(),
            "cited": pa.nulls(len(author), pa.float64()),
        }
    )


def study_with(folder: Path, text: str, name: str = "who.csv") -> Study:
    if name.endswith(".parquet"):
        types = {"author_id": pa.string(), "probability": pa.float64()}
        options = csv.ConvertOptions(column_types=types)
        pq.write_table(
            csv.read_csv(io.BytesIO(text.encode()), convert_options=options), folder / name
        )
    else:
        (folder / name).write_text(text)
    document = {"study": {"corpus": "c", "years": [2000, 2010]}}
    return Study.parse({**document, "groups": {"file": name}}, folder=folder)


@pytest.mark.parametrize("name", ["who.csv", "who.parquet"])
def test_groups_are_read_from_the_users_table(tmp_path: Path, name: str) -> None:
    text = "author_id,group,probability\nA7,x,0.25\n7,y,0.75\nhttps://openalex.org/A9,x,1\n"
    made = author_groups(study_with(tmp_path, text, name))
    assert made is not None
    assert made.to_pydict() == {
        "author_id": [7, 7, 9],
        "group": ["x", "y", "x"],
        "probability": [0.25, 0.75, 1.0],
    }
    assert author_groups(Study.parse({"study": {"corpus": "c", "years": [2000, 2010]}})) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("who,group,probability\nA7,x,1\n", "no column `author_id`; it has who"),
        ("author_id,group,probability\nW7,x,1\n", "Line 2 .*author id"),
        ("author_id,group,probability\nA7,x,1.5\n", "Line 2 .*probability"),
        ("author_id,group,probability\nA7,x,nan\n", "Line 2 .*probability"),
        ("author_id,group,probability\nA7,x,.7\nA7,y,.7\n", "Line 3 .*over 1"),
    ],
)
def test_tables_that_would_mislead_are_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(StudyError, match=why):
        author_groups(study_with(tmp_path, text))
    with pytest.raises(StudyError, match=why.replace("Line 2", "Row 1").replace("Line 3", "Row 2")):
        author_groups(study_with(tmp_path, text, "who.parquet"))
    (tmp_path / "who.parquet").write_text(text)
    document = {"study": {"corpus": "c", "years": [2000, 2010]}, "groups": {"file": "who.parquet"}}
    with pytest.raises(StudyError, match="Cannot read"):
        author_groups(Study.parse(document, folder=tmp_path))
    with pytest.raises(StudyError, match="Cannot read"):
        author_groups(
            Study.parse(
                {
                    "study": {"corpus": "c", "years": [2000, 2010]},
                    "groups": {"file": "none.csv"},
                },
                folder=tmp_path,
            )
        )
