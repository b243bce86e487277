"""Novelty of countries against plain-Python recounts on random corpora.

The kernel has tests of its own; here its scores are taken as they are and what
goes in and what comes out is counted again. Tolerance 1e-9: sums of a few
hundred numbers of order one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa
import pytest

from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import CorpusWriter, open_corpus
from isthmus.engine import DuckDBEngine
from isthmus.leadership.novelty import Novelty, novelty_by_country, novelty_thresholds
from isthmus.leadership.reference_lists import merged_venues
from isthmus.selection.study_tables import StudyTables
from isthmus.stats import atypicality, disruption
from isthmus.study import Study

YEARS = (2003, 2006)


def corpus_tables(seed: int, n: int = 400, venues: int = 12) -> dict[str, pa.Table]:
    """Works with a venue or none, references to works of any year, the work itself and beyond."""
    rng = np.random.default_rng(seed)
    rows: dict[str, list[dict]] = {name: [] for name in TABLES}
    for i in range(1, n + 1):
        rows["works"].append(
            {
                "work_id": i,
                "year": int(rng.integers(2000, 2011)),
                "venue_id": None if rng.random() < 0.1 else int(rng.integers(1, venues + 1)),
                "n_authors": 1,
                "authors_truncated": False,
                "is_retracted": False,
                "is_paratext": False,
                "is_xpac": False,
            }
        )
        cited = set(rng.integers(1, n + 30, rng.integers(0, 12)).tolist())
        rows["references"] += [{"citing_id": i, "cited_id": c} for c in cited]
        place = {"work_id": i, "position": 0}
        rows["authorships"].append({**place, "is_last": True, "author_id": i})
        rows["affiliations"] += [
            {**place, "country": c, "country_source": "institution"}
            for c in rng.choice(["US", "CN", "DE"], rng.integers(1, 3), replace=False).tolist()
        ]
    # Venues 1 and 2 are one; venue 12 has no record.
    rows["venues"] = [
        {"venue_id": v, "name": str(v), "issn_l": "1111-1111" if v < 3 else None}
        for v in range(1, venues)
    ]
    return {name: pa.Table.from_pylist(rows[name], schema=TABLES[name]) for name in TABLES}


@pytest.fixture(params=[1, 2])
def seen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[dict, StudyTables]]:
    tables = corpus_tables(request.param)
    with CorpusWriter(tmp_path / "corpus", source="random") as writer:
        for name, table in tables.items():
            writer.write(name, table)
    yield from opened(tables, tmp_path)


def opened(
    tables: dict[str, pa.Table], folder: Path, rules: dict | None = None
) -> Iterator[tuple[dict, StudyTables]]:
    about = {"corpus": "corpus", "years": list(YEARS)}
    run = {"threads": 3, "pair_memory_mb": 1}
    novelty = {"hit_percent": 5, **(rules or {})}
    study = Study.parse({"study": about, "novelty": novelty, "run": run})
    engine = DuckDBEngine(threads=1)
    yield (
        {name: table.to_pylist() for name, table in tables.items()},
        StudyTables(study, open_corpus(folder / "corpus"), engine, folder / "work"),
    )
    engine.close()


def usable(rows: dict) -> list[tuple[int, int, int, int]]:
    works = {row["work_id"]: row for row in rows["works"]}
    found = []
    for row in rows["references"]:
        citing, cited = works[row["citing_id"]], works.get(row["cited_id"])
        if not YEARS[0] <= citing["year"] <= YEARS[1] or cited is None or cited is citing:
            continue
        if cited["year"] <= citing["year"] and cited["venue_id"] is not None:
            venue = 1 if cited["venue_id"] == 2 else cited["venue_id"]
            found.append((citing["work_id"], citing["year"], venue, cited["year"]))
    return found


def test_scores_are_the_kernel_s_on_the_references_that_count(
    seen: tuple[dict, StudyTables],
) -> None:
    rows, tables = seen
    found = {
        row["work_id"]: row for row in tables.engine.collect(Novelty(tables).works()).to_pylist()
    }
    inside = {r["work_id"] for r in rows["works"] if YEARS[0] <= r["year"] <= YEARS[1]}
    assert set(found) == inside
    paper, year, venue, cited = (list(column) for column in zip(*usable(rows), strict=True))
    expected = atypicality(paper, year, venue, cited)
    scored = dict(zip(expected.paper_id.tolist(), range(expected.paper_id.size), strict=True))
    for work, row in found.items():
        at = scored.get(work)
        if at is None or np.isnan(expected.tail[at]):
            assert row["novelty"] is None
            assert row["conventionality"] is None
            assert row["n_pairs"] == 0
        else:
            assert row["novelty"] == expected.tail[at]
            assert row["conventionality"] == expected.median[at]
            assert row["n_pairs"] == expected.n_pairs[at]


def test_disruption_and_age_of_references(seen: tuple[dict, StudyTables]) -> None:
    rows, tables = seen
    years = {row["work_id"]: row["year"] for row in rows["works"]}
    citing = [row["citing_id"] for row in rows["references"]]
    cited = [row["cited_id"] for row in rows["references"]]
    whole = disruption(citing, cited, list(years), list(years.values()))
    expected = dict(zip(whole.paper_id.tolist(), whole.index.tolist(), strict=True))
    for row in tables.engine.collect(Novelty(tables).works()).to_pylist():
        ages = [
            row["year"] - years[d]
            for c, d in zip(citing, cited, strict=True)
            if c == row["work_id"] != d and years.get(d, 9999) <= row["year"]
        ]
        assert row["n_references"] == len(ages)
        assert row["reference_age"] == (pytest.approx(sum(ages) / len(ages)) if ages else None)
        index = expected[row["work_id"]]
        inside = row["year"] + 5 <= tables.corpus_end and not np.isnan(index)
        assert row["disruption"] == (index if inside else None)


def test_countries_are_recounted(seen: tuple[dict, StudyTables]) -> None:
    rows, tables = seen
    novelty = Novelty(tables)
    works = novelty.works()
    scores = [r for r in tables.engine.collect(works).to_pylist() if r["novelty"] is not None]
    places = defaultdict(set)
    for row in rows["affiliations"]:
        places[row["work_id"]].add(row["country"])
    expected: dict[tuple[int, str], dict] = {}
    for year in range(YEARS[0], YEARS[1] + 1):
        mine = sorted((r for r in scores if r["year"] == year), key=lambda r: r["novelty"])
        quota = Fraction(5, 100) * len(mine)
        for row in mine:
            below = sum(r["novelty"] < row["novelty"] for r in mine)
            tied = sum(r["novelty"] == row["novelty"] for r in mine)
            row["hit"] = min(max((quota - below) / tied, Fraction(0)), Fraction(1))
        for country in ("US", "CN", "DE"):
            theirs = [r for r in mine if country in places[r["work_id"]]]
            if theirs:
                hits = sum(r["hit"] for r in theirs)
                expected[year, country] = {
                    "novelty_papers": len(theirs),
                    "novelty_median": median(r["novelty"] for r in theirs),
                    "novel_hits": float(hits),
                    "novel_share": float(hits / quota),
                }
    found = tables.engine.collect(novelty.by_country(works, tables.deciding)).to_pylist()
    assert {(row["year"], row["country"]) for row in found} == set(expected)
    for row in found:
        for name, value in expected[row["year"], row["country"]].items():
            assert row[name] == pytest.approx(value, abs=1e-9), (row, name)


def test_every_reference_is_accounted_for(seen: tuple[dict, StudyTables]) -> None:
    rows, tables = seen
    years = {row["work_id"]: row["year"] for row in rows["works"]}
    used = usable(rows)
    for row in tables.engine.collect(Novelty(tables).losses()).to_pylist():
        year = row.pop("year")
        assert row["usable"] == sum(one[1] == year for one in used)
        mine = [r for r in rows["references"] if years[r["citing_id"]] == year]
        assert row.pop("references") == len(mine) == sum(row.values())
        assert row["not_in_corpus"] == sum(r["cited_id"] not in years for r in mine)
        assert row["to_itself"] == sum(r["cited_id"] == r["citing_id"] for r in mine)


def test_ties_share_the_hits() -> None:
    engine = DuckDBEngine(threads=1)
    works = engine.local(
        pa.table(
            {
                "work_id": [1, 2, 3, 4, 5],
                "year": [2000] * 5,
                "novelty": [-3.0, -3.0, -3.0, 1.0, None],
                "conventionality": [0.0] * 5,
                "disruption": pa.nulls(5, pa.float64()),
                "reference_age": [1.0] * 5,
            }
        )
    )
    countries = engine.local(
        pa.table({"work_id": [1, 2, 3, 4, 5], "country": ["US", "US", "CN", "CN", "CN"]})
    )
    thresholds = novelty_thresholds(works, 25)
    assert engine.collect(thresholds)["threshold"].to_pylist() == [-3.0]
    rows = engine.collect(novelty_by_country(works, thresholds, countries)).to_pylist()
    shares = {row["country"]: row["novel_share"] for row in rows}
    assert shares == {"US": pytest.approx(2 / 3), "CN": pytest.approx(1 / 3)}
    engine.close()


def test_venues_of_one_issn_are_one() -> None:
    engine = DuckDBEngine(threads=1)
    venues = pa.table({"venue_id": [9, 4, 7, 5], "issn_l": ["1234-5678", "1234-5678", None, None]})
    rows = engine.collect(merged_venues(engine.local(venues))).to_pylist()
    assert {r["venue_id"]: r["merged_id"] for r in rows} == {9: 4, 4: 4, 7: 7, 5: 5}
    engine.close()


def test_works_without_references_give_nulls(tmp_path: Path) -> None:
    tables = corpus_tables(3, n=40)
    tables["references"] = tables["references"].slice(0, 0)
    with CorpusWriter(tmp_path / "corpus", source="random") as writer:
        for name, table in tables.items():
            writer.write(name, table)
    for _, study_tables in opened(tables, tmp_path):
        novelty = Novelty(study_tables)
        works = novelty.works()
        rows = study_tables.engine.collect(works).to_pylist()
        assert rows
        assert all(row["novelty"] is None and row["n_references"] is None for row in rows)
        countries = novelty.by_country(works, study_tables.deciding)
        assert study_tables.engine.collect(countries).num_rows == 0


def seen_with(rules: dict, folder: Path) -> Iterator[tuple[dict, StudyTables]]:
    tables = corpus_tables(4)
    with CorpusWriter(folder / "corpus", source="random") as writer:
        for name, table in tables.items():
            writer.write(name, table)
    return opened(tables, folder, rules)


def scores_of(tables: StudyTables) -> dict[int, dict]:
    return {r["work_id"]: r for r in tables.engine.collect(Novelty(tables).works()).to_pylist()}


def test_settings_reach_the_kernel(tmp_path: Path) -> None:
    rules = {"percentile": 25, "min_references": 4, "max_references": 6}
    for rows, tables in seen_with(rules, tmp_path):
        found = scores_of(tables)
        columns = [list(column) for column in zip(*usable(rows), strict=True)]
        expected = atypicality(*columns, quantile=0.25, max_references=6)
        lists = dict(zip(*np.unique(columns[0], return_counts=True), strict=True))
        assert {min(n, 7) for n in lists.values()} == set(range(1, 8))
        for work, tail in zip(expected.paper_id.tolist(), expected.tail.tolist(), strict=True):
            known = 4 <= lists[work] <= 6
            assert found[work]["novelty"] == (tail if known else None)


def test_long_lists_are_counted_apart(tmp_path: Path) -> None:
    for rows, tables in seen_with({"max_references": 5}, tmp_path):
        used = usable(rows)
        works, sizes = np.unique([one[0] for one in used], return_counts=True)
        long = dict(zip(works.tolist(), (sizes > 5).tolist(), strict=True))
        assert 0 < sum(long.values()) < len(long)
        for row in tables.engine.collect(Novelty(tables).losses()).to_pylist():
            year = row.pop("year")
            assert row["long_list"] == sum(one[1] == year and long[one[0]] for one in used)
            assert row["usable"] == sum(one[1] == year and not long[one[0]] for one in used)
            assert row.pop("references") == sum(row.values())


def test_venues_stay_apart_when_not_merged(tmp_path: Path) -> None:
    (tmp_path / "apart").mkdir()
    (tmp_path / "merged").mkdir()
    for _, tables in seen_with({"merge_issn_l": False}, tmp_path / "apart"):
        apart = scores_of(tables)
        venues = tables.engine.collect(Novelty(tables).lists)["venue_id"].to_pylist()
    for rows, tables in seen_with({}, tmp_path / "merged"):
        merged = scores_of(tables)
        of_work = {row["work_id"]: row["venue_id"] for row in rows["works"]}
    assert {1, 2} <= set(venues) <= set(of_work.values())
    assert apart.keys() == merged.keys()
    assert apart != merged


def test_threads_and_memory_change_nothing(tmp_path: Path) -> None:
    for rows, tables in seen_with({}, tmp_path):
        many = scores_of(tables)
        study = tables.study.with_run(threads=1, pair_memory_mb=1024)
        corpus = open_corpus(tmp_path / "corpus")
        alone = StudyTables(study, corpus, tables.engine, tmp_path / "again")
        assert scores_of(alone) == many
        assert len(many) == sum(YEARS[0] <= r["year"] <= YEARS[1] for r in rows["works"])
