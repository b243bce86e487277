"""Country indicators against plain recounts, and their intervals against resampled works.

Tolerance: sums have 12 decimals, so means of a few hundred works are off by less than 1e-10.
"""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import recount
import recount_indicators
from isthmus.leadership.indicators import SCHEMA, indicators
from isthmus.leadership.normalised import cell_scores
from isthmus.pipeline import runner
from isthmus.pipeline.runner import run
from isthmus.pipeline.steps import STEPS
from isthmus.results import Results
from isthmus.stats import bootstrap_mean
from isthmus.study import Study
from tiny import random_works, write_corpus

YEARS = (2001, 2007)


@pytest.fixture
def only_country(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [step for step in STEPS if step.name in ("field", "indicators")]
    monkeypatch.setattr(runner, "STEPS", few)


def made(corpus: Path, to: Path, years: tuple[int, int], **sections: dict) -> Results:
    groups = {"pairs": False, "dependence": years != YEARS, "topics": False}
    study = {"study": {"corpus": str(corpus), "years": list(years)}, "indicators": groups}
    return run(Study.parse({**study, **sections}), to)


def assert_rows(results: Results, expected: dict) -> None:
    keys = ("year", "years", "country", "counting")
    rows = {tuple(row[k] for k in keys): row for row in results.table("indicators").to_pylist()}
    assert set(rows) == set(expected)
    for key, wanted in expected.items():
        found = {name: rows[key][name] for name in wanted}
        assert found == pytest.approx(wanted, abs=1e-8), key
        for name in wanted:
            low, high = rows[key].get(f"{name}_low"), rows[key].get(f"{name}_high")
            assert low is None or low <= rows[key][name] <= high, (key, name)


@pytest.mark.usefixtures("only_country")
@pytest.mark.parametrize("rule", ["last_author", "corresponding"])
def test_indicators_equal_a_recount(tmp_path: Path, rule: str) -> None:
    works = random_works(seed=21)
    for work in works.values():  # several subfields, none, and countries in empty years
        work.subfields |= {1705} if work.id % 3 == 0 else set()
        work.subfields = set() if work.id % 11 == 0 else work.subfields
        for author in work.authors:
            if work.year in (2002, 2005):
                author.countries = [c for c in author.countries if c != "BR"]
    corpus = write_corpus(works, tmp_path / "corpus")
    results = made(corpus.path, tmp_path / "r", YEARS, countries={"attribution": rule})
    assert_rows(results, recount_indicators.indicators(works, set(works), YEARS, rule=rule))
    rows = results.table("indicators").to_pylist()
    world = [r for r in rows if r["counting"] == "whole"]
    assert {r["years"] for r in world} == {1, 4}
    assert not any(r["country"] == "BR" and (r["year"], r["years"]) == (2005, 1) for r in world)


@pytest.mark.shared_data
@pytest.mark.usefixtures("only_country")
def test_indicators_of_real_works_equal_a_recount(tmp_path: Path, shared_data: Path) -> None:
    from isthmus.corpus.countries import countries
    from isthmus.ingest.ingest import ingest

    source = tmp_path / "some.jsonl.gz"
    whole = shared_data / "openalex-works" / "works.jsonl.gz"
    with gzip.open(whole, "rt") as lines, gzip.open(source, "wt", compresslevel=1) as some:
        some.writelines(itertools.islice(lines, 0, None, 5))
    corpus = ingest([source], tmp_path / "corpus")
    years = (2014, 2022)
    results = made(corpus.path, tmp_path / "r", years)
    works = recount.read_openalex(source, set(countries()))
    out = recount.excluded(source)
    works = {i: w for i, w in works.items() if i not in out}
    records = [pq.read_table(part, columns=["work_id", "type"]) for part in corpus.parts("works")]
    types = {row["work_id"]: row["type"] for part in records for row in part.to_pylist()}
    works = {i: w for i, w in works.items() if i in types}
    assert len({t for t in types.values() if t}) > 3
    assert_rows(results, recount_indicators.indicators(works, set(works), years, types=types))
    wanted = recount_indicators.dependence(works, set(works), years, ("US", "CN"))
    rows = {(r["year"], r["country"]): r for r in results.table("dependence").to_pylist()}
    assert set(rows) == set(wanted)
    for key, row in wanted.items():
        assert {name: rows[key][name] for name in row} == pytest.approx(row, abs=1e-9), key


def test_tied_papers_share_what_is_left() -> None:
    """Ten papers, of which two are tied over the threshold of 10 %, as in Waltman's example."""
    cited = np.array([9, 4, 1, 0])
    papers = np.array([1.0, 2.0, 3.0, 14.0])
    ncs, top10, top5, top1 = cell_scores(np.zeros(4, int), cited, papers)
    np.testing.assert_allclose(ncs, cited / 1.0)
    np.testing.assert_allclose(top10, [1, 0.5, 0, 0])
    np.testing.assert_allclose(top5, [1, 0, 0, 0])
    np.testing.assert_allclose(top1, [0.2, 0, 0, 0])


def test_a_cell_that_nobody_cites_is_at_its_mean_and_keeps_its_quota() -> None:
    ncs, top10, *_ = cell_scores(np.array([1, 0]), np.array([0, 3]), np.array([4.0, 1.0]))
    assert ncs.tolist() == [1.0, 1.0]
    np.testing.assert_allclose(top10 * [4, 1], [0.4, 0.1])
    assert cell_scores(np.zeros(0, int), np.zeros(0, int), np.zeros(0)).shape == (4, 0)


def summed(scores: np.ndarray, weights: np.ndarray) -> pa.Table:
    """The sums of one country and year, as the engine gives them."""
    cells = {"year": [2000], "country": ["US"]}
    for counting, w in {"whole": np.ones_like(weights), "fractional": weights}.items():
        one = (scores > 1).astype(float)
        parts = {"w": w, "d": w * one, "l": w * one, "k": w, "n": w * scores}
        parts |= dict.fromkeys(("top10", "top5", "top1"), w * one)
        parts |= {f"{name}2": w * parts[name] for name in ("w", "d", "l", "k", "n")}
        parts["nn"] = w * w * scores**2
        cells |= {f"{counting}_{name}": [float(values.sum())] for name, values in parts.items()}
    cells |= {n.replace("whole", "authors"): v for n, v in cells.items() if "whole" in n}
    return pa.table(cells)


def test_intervals_are_those_of_resampled_works() -> None:
    """Against a Poisson bootstrap of 200 works; 4,000 draws leave its ends 3 % of the width."""
    rng = np.random.default_rng(2)
    scores, weights = rng.lognormal(0, 0.7, 200), 1 / rng.integers(1, 4, 200)
    rows = {r["counting"]: r for r in indicators(summed(scores, weights), 4).to_pylist()}
    for counting, w in {"whole": np.ones(200), "fractional": weights}.items():
        for name, values in {"mncs": scores, "domestic_share": (scores > 1).astype(float)}.items():
            drawn = bootstrap_mean(values, w, draws=4000, seed=1, method="poisson")
            row, width = rows[counting], drawn.high - drawn.low
            assert row[name] == pytest.approx(drawn.mean, abs=1e-9)
            assert row[f"{name}_low"] == pytest.approx(drawn.low, abs=0.1 * width)
            assert row[f"{name}_high"] == pytest.approx(drawn.high, abs=0.1 * width)


def test_few_works_have_no_interval_and_no_work_gives_no_row() -> None:
    few = indicators(summed(np.array([0.5, 1.5, 3.0]), np.ones(3)), 4).to_pylist()
    assert all(row["mncs"] and row["mncs_low"] is None for row in few)
    none = indicators(summed(np.ones(8), np.ones(8)), 4, led=False).to_pylist()
    assert all(row["led_share"] is None for row in none)
    assert none[0]["domestic_share"] == 0.0
    assert none[0]["domestic_share_high"] > 0.1
    empty = indicators(summed(np.ones(1), np.ones(1)).slice(0, 0), 4)
    assert empty.equals(SCHEMA.empty_table())
