"""Corrections beside a study: applied to what the study sees, counted, refused when wrong.

Tolerances: none; a plain Python filter over the corpus tables is the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.corpus.store import Corpus
from isthmus.engine import DuckDBEngine
from isthmus.errors import StudyError
from isthmus.selection.corrections import read_countries
from isthmus.selection.study_tables import StudyTables
from isthmus.study import Study
from tiny import COUNTRIES, random_works, write_corpus

EXCLUDED = {3, 7, 11}


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """A small corpus in which the institution of an affiliation is known by its country."""
    works = random_works(5, 60)
    return write_corpus(works, tmp_path / "corpus", lambda _, code: 100 + COUNTRIES.index(code))


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    engine = DuckDBEngine()
    yield engine
    engine.close()


def seen(tmp_path: Path, corpus: Corpus, engine: DuckDBEngine, **files: str) -> StudyTables:
    names = {}
    for key, text in files.items():
        (tmp_path / f"{key}.txt").write_text(text)
        names[key] = f"{key}.txt"
    study = Study.parse(
        {"study": {"corpus": "corpus", "years": [2000, 2008]}, "corrections": names},
        folder=tmp_path,
    )
    return StudyTables(study, corpus, engine, tmp_path / "work")


def rows(tables: StudyTables, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tables.engine.collect(tables.corpus[name]).to_pylist()
    return sorted(found, key=str)


def test_excluded_works_are_gone_from_every_table(
    tmp_path: Path, corpus: Corpus, engine: DuckDBEngine
) -> None:
    text = "3\nW7\nhttps://openalex.org/W11\n999\n"
    tables = seen(tmp_path, corpus, engine, exclude_works=text)
    for name in ("works", "authorships", "affiliations", "subjects"):
        kept = [row for row in corpus.read(name).to_pylist() if row["work_id"] not in EXCLUDED]
        assert rows(tables, name) == sorted(kept, key=str)
    kept = [
        row
        for row in corpus.read("references").to_pylist()
        if not EXCLUDED & {row["citing_id"], row["cited_id"]}
    ]
    assert rows(tables, "references") == sorted(kept, key=str)
    assert tables.correction_counts() == {"works_listed": 4, "works_excluded": 3}
    assert tables.holds_only_the_field


def test_institutions_take_their_country_wherever_they_stand(
    tmp_path: Path, corpus: Corpus, engine: DuckDBEngine
) -> None:
    text = "institution,country\nI100,jp\n101,CN\n555,FR\n"
    tables = seen(tmp_path, corpus, engine, affiliations=text)
    given = {100: "JP", 101: "CN"}
    wanted, changed = [], 0
    for row in corpus.read("affiliations").to_pylist():
        code = given.get(row["institution_id"], row["country"])
        changed += code != row["country"]
        wanted.append(row | {"country": code})
    found = rows(tables, "affiliations")
    for row, other in zip(found, sorted(wanted, key=str), strict=True):
        assert {**row, "country_source": None} == {**other, "country_source": None}
        assert (
            row["country"] is None
            or row["institution_id"] not in given
            or (row["country_source"] == "institution")
        )
    assert changed > 0
    assert tables.correction_counts() == {"institutions_listed": 3, "affiliations_changed": changed}


def test_without_corrections_nothing_is_counted(
    tmp_path: Path, corpus: Corpus, engine: DuckDBEngine
) -> None:
    tables = seen(tmp_path, corpus, engine)
    assert tables.correction_counts() == {}
    assert rows(tables, "works") == sorted(corpus.read("works").to_pylist(), key=str)


def test_the_content_of_the_files_is_part_of_the_study(
    tmp_path: Path, corpus: Corpus, engine: DuckDBEngine
) -> None:
    prints = {
        seen(tmp_path, corpus, engine, exclude_works=text).study.fingerprint()
        for text in ("1\n", "2\n", "1\n")
    }
    assert len(prints | {seen(tmp_path, corpus, engine).study.fingerprint()}) == 3
    gone = seen(tmp_path, corpus, engine, exclude_works="1\n").study
    (tmp_path / "exclude_works.txt").unlink()
    with pytest.raises(StudyError, match=r"names as `corrections\.exclude_works`"):
        gone.fingerprint()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,land\n1,US\n", "lacks `institution` or `country`"),
        ("institution,country\n1,XX\n", "Line 2 .*'XX', which is no ISO"),
        ("institution,country\nx!,US\n", "not an identifier"),
        ("institution,country\n1,US\n1,CN\n", "Line 3 .*earlier line puts it into US"),
        ("institution,country\n1\n", "lacks"),
    ],
)
def test_wrong_corrections_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(StudyError, match=message):
        read_countries(tmp_path / "c.csv")
    with pytest.raises(StudyError, match="Cannot read the corrections"):
        read_countries(tmp_path / "none.csv")


def test_an_empty_file_corrects_nothing(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("institution,country\n")
    assert read_countries(tmp_path / "c.csv").num_rows == 0
