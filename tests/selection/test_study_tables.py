"""Tables several questions share, against plain counting."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.engine import DuckDBEngine
from isthmus.selection.study_tables import StudyTables
from isthmus.study import Study
from recount import Work
from tiny import random_works, write_corpus

YEARS = (2002, 2006)


def study_tables(works: dict[int, Work], folder: Path, rule: str) -> StudyTables:
    corpus = write_corpus(works, folder / "corpus")
    asked = {
        "study": {"corpus": str(corpus.path), "years": list(YEARS)},
        "field": {"subfields": [1702]},
        "countries": {"attribution": rule},
    }
    return StudyTables(Study.parse(asked), corpus, DuckDBEngine(), folder)


@pytest.mark.parametrize("rule", ["last_author", "first_author", "corresponding"])
def test_deciding_countries_are_those_of_the_field_in_the_years(tmp_path: Path, rule: str) -> None:
    works = random_works(seed=6)
    tables = study_tables(works, tmp_path, rule)
    found = tables.engine.collect(tables.deciding).to_pylist()
    expected = {
        (w.id, country, len(w.deciding(rule)))
        for w in works.values()
        if 1702 in w.subfields and YEARS[0] <= w.year <= YEARS[1]
        for country in w.deciding(rule)
    }
    assert {(r["work_id"], r["country"], r["n_countries"]) for r in found} == expected
    assert len(found) == len(expected) > 50
    for row in found:
        assert float(row["fraction"]) == pytest.approx(1 / row["n_countries"], abs=1e-14)


def test_any_author_decides_for_every_work_of_the_corpus(tmp_path: Path) -> None:
    works = random_works(seed=6)
    tables = study_tables(works, tmp_path, "any")
    found = tables.engine.collect(tables.deciding).to_pylist()
    every = {(w.id, c) for w in works.values() for a in w.authors for c in a.countries}
    assert {(r["work_id"], r["country"]) for r in found} == every
