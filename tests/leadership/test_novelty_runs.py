"""Novelty at the edges, through a run's field, coverage and leadership: a result or a sentence.

The worlds are so small that what must come out is known without counting; floats
are exact where compared.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from isthmus.corpus.store import CorpusWriter
from isthmus.errors import IsthmusWarning
from isthmus.pipeline import runner
from isthmus.pipeline.runner import run
from isthmus.pipeline.steps import STEPS
from isthmus.report import build_site
from isthmus.results import Results
from isthmus.study import Study
from tiny import corpus_tables, random_works

YEARS = (2002, 2007)


def tables_of(venues: int) -> dict[str, pa.Table]:
    """Random works, each in one of so many venues."""
    tables = corpus_tables(random_works(seed=8, n=200))
    works = tables["works"].to_pylist()
    placed = [{**row, "venue_id": 1 + row["work_id"] % venues} for row in works]
    return tables | {"works": pa.Table.from_pylist(placed, schema=tables["works"].schema)}


def results_of(
    tables: dict[str, pa.Table], folder: Path, patch: pytest.MonkeyPatch, **sections: Any
) -> Results:
    kept = ("field", "coverage", "leadership")
    patch.setattr(runner, "STEPS", [step for step in STEPS if step.name in kept])
    with CorpusWriter(folder / "corpus", source="random") as writer:
        for name, table in tables.items():
            writer.write(name, table)
    about = {"corpus": str(folder / "corpus"), "years": list(YEARS)}
    return run(Study.parse({"study": about, **sections}), folder / "results")


def with_references(tables: dict[str, pa.Table], rows: list[dict]) -> dict[str, pa.Table]:
    schema = tables["references"].schema
    return tables | {"references": pa.Table.from_pylist(rows, schema=schema)}


def test_a_run_fills_the_countries_and_says_its_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = results_of(tables_of(20), tmp_path, monkeypatch, novelty={"hit_percent": 10})
    rows = results.table("country_year").to_pylist()
    for name in ("novelty_median", "novel_hits", "novel_share"):
        assert sum(row[name] is not None for row in rows) > 10, name
    assert results.record["settings"]["novelty"]["hit_percent"] == 10
    quota = {row["year"]: row["quota"] for row in results.table("novelty_thresholds").to_pylist()}
    works = results.table("novelty_works").to_pylist()
    for year, given in quota.items():
        scored = sum(row["year"] == year and row["novelty"] is not None for row in works)
        assert given == pytest.approx(scored / 10, abs=1e-9)


def test_an_empty_field_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.warns(IsthmusWarning, match=r"No work of .* is in the field"):
        results = results_of(tables_of(20), tmp_path, monkeypatch, field={"subfields": [9999]})
    assert results.table("novelty_works").num_rows == 0


def test_one_venue_is_as_expected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = results_of(tables_of(1), tmp_path, monkeypatch)
    scores = [r["novelty"] for r in results.table("novelty_works").to_pylist()]
    assert {score for score in scores if score is not None} == {0.0}
    assert len(scores) > sum(score is not None for score in scores) > 0
    for row in results.table("novelty_thresholds").to_pylist():
        assert row["threshold"] == 0
        assert row["tied"] == row["papers"]


def test_references_without_a_year_leave_nothing_to_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = tables_of(20)
    unknown = [
        {"citing_id": row["citing_id"], "cited_id": 10_000 + row["cited_id"]}
        for row in tables["references"].to_pylist()
    ]
    results = results_of(with_references(tables, unknown), tmp_path, monkeypatch)
    works = results.table("novelty_works").to_pylist()
    assert works
    assert all(row["novelty"] is None and row["reference_age"] is None for row in works)
    assert all(r["novel_hits"] is None for r in results.table("country_year").to_pylist())
    assert results.table("novelty_thresholds").num_rows == 0
    for row in results.table("reference_losses").to_pylist():
        assert row["references"] == row["not_in_corpus"] > 0
    page = build_site(results, tmp_path / "site").parent / "novelty.html"
    assert "`novelty_thresholds` is empty" in page.read_text()


def test_a_paper_that_cites_itself_is_counted_and_changes_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = tables_of(20)
    rows = tables["references"].to_pylist()
    itself = [{"citing_id": i, "cited_id": i} for i in tables["works"]["work_id"].to_pylist()]
    (tmp_path / "plain").mkdir()
    (tmp_path / "itself").mkdir()
    plain = results_of(tables, tmp_path / "plain", monkeypatch)
    other = with_references(tables, rows + itself)
    cited = results_of(other, tmp_path / "itself", monkeypatch)
    for name in ("novelty", "conventionality", "n_references", "reference_age", "disruption"):
        found = cited.table("novelty_works")[name]
        assert found.equals(plain.table("novelty_works")[name]), name
    lost = cited.table("reference_losses").to_pylist()
    works = plain.table("novelty_works")["year"].to_pylist()
    assert {r["year"]: r["to_itself"] for r in lost} == {y: works.count(y) for y in set(works)}
