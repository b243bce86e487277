"""Bounds under missing references: a plain recount, every way to fill in, and planted losses."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import recount
from isthmus.leadership.missing_references import Gap, cited_bounds
from isthmus.pipeline import runner
from isthmus.pipeline.runner import run
from isthmus.pipeline.steps import STEPS
from isthmus.study import Study
from recount import Work
from tiny import random_works, write_corpus

YEARS = (2001, 2006)

WINDOW, PERCENT, LEAST = 2, 20, 5

Key = tuple[str, int | None, str | None]


@pytest.fixture(autouse=True)
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    few = tuple(step for step in STEPS if step.name in ("field", "indicators"))
    monkeypatch.setattr(runner, "STEPS", few)


def bounds_of(works: dict[int, Work], folder: Path, **sections: dict) -> dict[Key, dict]:
    corpus = write_corpus(works, folder / "corpus")
    # Without it years with few references would be left out.
    end = max(work.year for work in works.values())
    study = {
        "study": {"corpus": str(corpus.path), "years": list(YEARS)},
        "impact": {"hit_percent": PERCENT, "corpus_end": end},
        "indicators": {"pairs": False, "country": False, "topics": False},
        "bounds": {"least_known": LEAST},
    }
    results = run(Study.parse({**study, **sections}), folder / "results")
    rows = results.table("reference_bounds").to_pylist()
    found = {(r["number"], r["year"], r["country"]): r for r in rows}
    assert len(found) == len(rows)
    return found


def recounted(works: dict[int, Work], weight: dict[int, Fraction]) -> dict[Key, Fraction]:
    """Numbers with citing works weighted, by year and for all years."""
    known = recount.citation_windows(works, set(works), YEARS, WINDOW)
    cited: dict[int, Fraction] = dict.fromkeys(known, Fraction(0))
    parts: dict[Key, Fraction] = defaultdict(Fraction)
    wholes: dict[Key, Fraction] = defaultdict(Fraction)
    for citing, target in recount.counting_citations(works, set(works)):
        if target.id not in known or citing.year > target.year + WINDOW:
            continue
        cited[target.id] += weight[citing.id]
        for a in citing.countries:
            for b in target.countries:
                share = weight[citing.id] / (len(citing.countries) * len(target.countries))
                for year in (target.year, None):
                    wholes["home_share", year, b] += share
                    parts["home_share", year, b] += share if a == b else 0
    hits = recount.hits(cited, works, Fraction(PERCENT))  # type: ignore[arg-type]
    for i in known:
        for country in (None, *works[i].deciding("last_author")):
            for year in (works[i].year, None):
                parts["citations_mean", year, country] += cited[i]
                wholes["citations_mean", year, country] += 1
                parts["hit_share", year, country] += hits.get(i, Fraction(0))
    for number, year, country in list(parts):
        if number == "hit_share":
            wholes[number, year, country] = sum(
                (hits.get(i, Fraction(0)) for i in known if year in (works[i].year, None)),
                Fraction(0),
            )
    return {key: parts[key] / whole for key, whole in wholes.items() if whole}


def test_measured_and_weighted_are_those_of_a_recount(tmp_path: Path) -> None:
    works = random_works(12, 250, (2001, 2008))
    made = bounds_of(works, tmp_path)
    listed = {i: bool(work.references) for i, work in works.items()}
    cells: dict[int, list[bool]] = defaultdict(list)
    for i, work in works.items():
        cells[work.year].append(listed[i])
    assert all(sum(cell) >= LEAST and not all(cell) for cell in cells.values())
    plain = {i: Fraction(1) for i in works}
    stands = {i: Fraction(len(cells[w.year]), sum(cells[w.year])) for i, w in works.items()}
    for column, weight in (("measured", plain), ("weighted", stands)):
        wanted = recounted(works, weight)
        compared = 0
        for key, value in wanted.items():
            if key[:1] == ("hit_share",) and key[2] is None:
                continue
            compared += 1
            assert made[key][column] == pytest.approx(float(value), abs=1e-9), (column, key)
        assert compared > 100
    for (number, year, _), row in made.items():
        assert row["lowest"] <= row["measured"] + 1e-12
        assert row["highest"] >= row["measured"] - 1e-12
        if year is not None:
            span = [y for y in cells if year <= y <= year + WINDOW]
            assert row["works"] == sum(len(cells[y]) for y in span)
            assert row["missing"] == sum(cells[y].count(False) for y in span), number


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lists_removed_from_a_third_of_the_works_leave_the_truth_inside(
    tmp_path: Path, seed: int
) -> None:
    """The truth of a number is what the same works give with all their lists."""
    works = random_works(seed, 280, (2001, 2008))
    works = {i: work for i, work in works.items() if work.references}
    true = recounted(works, {i: Fraction(1) for i in works})
    lost = np.random.default_rng(seed).random(len(works)) < 1 / 3
    for (_, work), gone in zip(sorted(works.items()), lost, strict=True):
        if gone:
            work.references.clear()
    made = bounds_of(works, tmp_path)
    assert {key[0] for key in made} == {"citations_mean", "hit_share", "home_share"}
    for key, row in made.items():
        truth = float(true[key])
        if row["lowest"] is not None:
            assert row["lowest"] - 1e-9 <= truth <= row["highest"] + 1e-9, key
    world = "citations_mean", None, None
    errors = [abs(made[world][name] - float(true[world])) for name in ("weighted", "measured")]
    assert errors[0] < errors[1] / 2


def test_no_missing_list_leaves_no_room(tmp_path: Path) -> None:
    works = random_works(5, 120, (2001, 2008))
    for work in works.values():
        work.references.add(1 if work.id != 1 else 2)
    for key, row in bounds_of(works, tmp_path).items():
        assert row["missing"] == 0
        values = [row[name] for name in ("weighted", "lowest", "highest")]
        assert values == pytest.approx([row["measured"]] * 3), key


def counts(cited: dict[str, list[int]]) -> pa.Table:
    """Papers by country and citations, and of all together."""
    rows = []
    for country, values in {**cited, "all": [c for v in cited.values() for c in v]}.items():
        for value in sorted(set(values)):
            n = values.count(value)
            row = {"year": 2000, "country": country, "c_k": value, "papers": n}
            rows.append(row | {"weighted": float(value * n), "hits": 0.0})
    return pa.Table.from_pylist(rows)


def share_of_hits(cited: dict[str, list[int]], country: str, quota: float) -> tuple[float, dict]:
    every = sorted((c for values in cited.values() for c in values), reverse=True)
    threshold = every[int(np.ceil(quota)) - 1]
    above, tied = sum(c > threshold for c in every), every.count(threshold)
    weight = (quota - above) / tied
    own = sum((c > threshold) + (c == threshold) * weight for c in cited[country])
    return own / quota, {"threshold": threshold, "tie_weight": weight, "quota": quota}


@pytest.mark.parametrize("cited", [[[3, 1, 0], [2, 2]], [[4, 0], [4, 1, 1]], [[0, 0], [0, 5, 2]]])
@pytest.mark.parametrize(("unlisted", "longest"), [(0, 2), (1, 1), (1, 2), (2, 2)])
def test_hits_are_inside_every_way_to_fill_in(
    cited: list[list[int]], unlisted: int, longest: int
) -> None:
    """Every missing list cites any papers, up to the longest list; all ways are tried."""
    quota = 1.5
    named = dict(zip(("US", "CN"), cited, strict=True))
    papers = [(country, at) for country, values in named.items() for at in range(len(values))]
    lists = [c for n in range(longest + 1) for c in combinations(papers, n)]
    begins = share_of_hits(named, "US", quota)[1] | {"year": 2000}
    gap = Gap(10.0, float(unlisted), float(unlisted * longest))
    made = cited_bounds(counts(named), [begins], {2000: gap})
    for country in named:
        low, high, means = 1.0, 0.0, []
        for chosen in product(lists, repeat=unlisted):
            filled = {name: list(values) for name, values in named.items()}
            for name, at in (paper for one in chosen for paper in one):
                filled[name][at] += 1
            share = share_of_hits(filled, country, quota)[0]
            low, high = min(low, share), max(high, share)
            means.append(sum(filled[country]))
        ((_, ends),) = made["hit_share", country]
        lowest, highest = (part / whole for part, whole in ends[2:])
        assert lowest <= low + 1e-9
        assert highest >= high - 1e-9
        if not unlisted:
            assert (lowest, highest) == pytest.approx((low, high))
        ((_, ends),) = made["citations_mean", country]
        assert [ends[2][0], ends[3][0]] == [min(means), max(means)]


def test_without_dependence_there_are_no_home_shares(tmp_path: Path) -> None:
    off = {"pairs": False, "country": False, "topics": False, "dependence": False}
    made = bounds_of(random_works(3, 80, (2001, 2008)), tmp_path, indicators=off)
    assert {key[0] for key in made} == {"citations_mean", "hit_share"}
