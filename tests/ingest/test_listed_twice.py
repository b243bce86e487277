"""An author listed twice on a work: every place counts for places, the author once for authors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ingest.samples import author, work, write_lines
from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import Corpus
from isthmus.engine import DuckDBEngine
from isthmus.ingest.ingest import ingest
from isthmus.leadership.scientists import author_works, scientist_places
from isthmus.selection.attribution import deciding_countries, merged_affiliations, work_countries
from isthmus.study import Study


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Three works of one author, first and last of each: US, then CN between, then US and DE."""
    people = [
        author(1, (11, "US"), author_position="first", is_corresponding=False),
        author(2, (12, "CN"), author_position="middle", is_corresponding=False),
        author(1, (11, "US"), (13, "DE"), author_position="last", is_corresponding=True),
    ]
    works = [work(n, authorships=people) for n in (1, 2, 3)]
    return ingest([write_lines(tmp_path / "works.jsonl", works)], tmp_path / "corpus")


@pytest.mark.parametrize(
    ("rule", "countries"),
    [
        ("first_author", {"US"}),
        ("last_author", {"US", "DE"}),
        ("corresponding", {"US", "DE"}),
        ("any", {"US", "CN", "DE"}),
    ],
)
def test_a_paper_counts_to_the_place_that_decides(
    corpus: Corpus, rule: Any, countries: set[str]
) -> None:
    engine = DuckDBEngine()
    tables = {name: engine.read(corpus.parts(name), schema) for name, schema in TABLES.items()}
    settings = Study.parse({"study": {"corpus": "c", "years": [2000, 2021]}}).countries
    affiliations = merged_affiliations(tables, settings)
    works = tables["works"].select("work_id", "year")
    found = engine.collect(deciding_countries(tables, affiliations, rule, works))
    assert set(found["country"].to_pylist()) == countries
    assert found.num_rows == 3 * len(countries)
    assert engine.collect(work_countries(affiliations)).num_rows == 9
    engine.close()


def test_an_author_has_written_a_work_once(corpus: Corpus) -> None:
    engine = DuckDBEngine()
    tables = {name: engine.read(corpus.parts(name), schema) for name, schema in TABLES.items()}
    settings = Study.parse({"study": {"corpus": "c", "years": [2000, 2021]}}).countries
    affiliations = merged_affiliations(tables, settings)
    written = author_works(
        tables["works"].select("work_id", "year"), tables["authorships"], (2000, 2021)
    )
    rows = engine.collect(written).to_pylist()
    assert sorted((r["author_id"], r["work_id"]) for r in rows) == [
        (a, w) for a in (1, 2) for w in (1, 2, 3)
    ]
    places = scientist_places(
        written.select("author_id").distinct(), written, tables["authorships"], affiliations
    )
    named = sorted(
        (r["author_id"], r["work_id"], r["country"]) for r in engine.collect(places).to_pylist()
    )
    assert named == [(1, w, c) for w in (1, 2, 3) for c in ("DE", "US")] + [
        (2, w, "CN") for w in (1, 2, 3)
    ]
    assert corpus.read("works")["n_authors"].to_pylist() == [2, 2, 2]
    engine.close()
