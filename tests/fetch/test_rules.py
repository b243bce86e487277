"""A field fetched from the API and one ingested from files are the same works.

The API and the files hold the same simulated works: of several types and languages, some
retracted, some paratext, a third of the expansion (xpac), some without a venue or references.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fetch.api_server import Record, serving
from ingest.samples import write_lines
from isthmus import ingest
from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import Corpus
from isthmus.engine import DuckDBEngine
from isthmus.fetch.client import Client
from isthmus.fetch.works import fetch
from isthmus.selection.field import citations_of_field, counted_works, dated_references, field_works
from isthmus.simulation import openalex, release
from isthmus.simulation.generator import World
from isthmus.simulation.settings import planted_world
from isthmus.study import Study

SUBFIELDS = [1702]


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """Works of a small world with their twins, varied by number so that every rule bites."""
    settings = planted_world(300, 4, n_countries=12)
    first, world = World(settings), World(settings)
    for _ in first.grow():
        pass
    plain = (
        record
        for year in world.grow()
        for record in openalex.work_records(world, year, first.received, "2022-01-01")
    )
    return [_varied(record) for record in release.as_released(plain) if not _is_deleted(record)]


def _is_deleted(record: Record) -> bool:
    return release.work_number(record) > openalex.ids.FIRST_WORK + release.OFFSETS["deleted"]


def _varied(record: Record) -> Record:
    number = release.work_number(record)
    changes: Record = {}
    changes["type"] = ["article", "review", "book-chapter", "preprint", "dataset"][number % 5]
    changes["language"] = ["en", "en", "de", None][number % 4]
    changes["is_retracted"] = number % 11 == 0
    if number % 7 == 0:
        changes["referenced_works"] = []
    if number % 6 == 0:
        changes["authorships"] = []
    source = record["primary_location"]["source"]
    kind = ["journal", "book series", "repository"][int(source["id"][-1]) % 3]
    changes["primary_location"] = {"source": source | {"type": kind}}
    if number % 13 == 0:
        changes["primary_location"] = None
    return record | changes


FIELDS: dict[str, dict[str, Any]] = {
    "as it is by default": {},
    "with everything": {"exclude": []},
    "with the expansion": {"exclude": ["retracted"]},
    "types and languages": {"types": ["article", "dataset"], "languages": ["en", "de"]},
    "core": {"core": True},
    "core, nothing else excluded": {"core": True, "exclude": []},
    "without what cites it": {"include_citing": False, "types": ["review"]},
}


@pytest.mark.parametrize("rules", FIELDS)
def test_fetched_and_ingested_are_the_same_works(
    tmp_path: Path, records: list[Record], monkeypatch: pytest.MonkeyPatch, rules: str
) -> None:
    about = {"corpus": "c", "years": [1996, 2019]}
    study = Study.parse({"study": about, "field": {"subfields": SUBFIELDS, **FIELDS[rules]}})
    with serving(records) as server:
        monkeypatch.setenv("OPENALEX_API_URL", server.address)
        fetch(study, tmp_path / "works", client=Client())
    fetched = _field(ingest([tmp_path / "works"], tmp_path / "fetched"), study)
    files = write_lines(tmp_path / "whole.jsonl", records)
    ingested = _field(ingest([files], tmp_path / "ingested"), study)
    assert fetched[0] == ingested[0] != set()
    if study.field.include_citing:
        assert fetched[1] == ingested[1] != set()


def _field(corpus: Corpus, study: Study) -> tuple[set[int], set[tuple[int, int]]]:
    """Works of the field, and the citations to it that count, up to the last year fetched."""
    engine = DuckDBEngine()
    last = study.years[1] + study.impact.window
    tables = {name: engine.read(corpus.parts(name), schema) for name, schema in TABLES.items()}
    field = field_works(tables, study, engine)
    field = field.filter(field.year <= last)
    seen = tables | {"works": counted_works(tables["works"], study.field)}
    cited = citations_of_field(dated_references(seen, field))
    cited = engine.collect(cited.filter(cited.citing_year <= last))
    pairs = zip(cited["citing_id"].to_pylist(), cited["cited_id"].to_pylist(), strict=True)
    return set(engine.collect(field)["work_id"].to_pylist()), set(pairs)


def test_every_rule_leaves_something_out(tmp_path: Path, records: list[Record]) -> None:
    """So that a rule which the queries or the run forget would be seen above."""
    corpus = ingest([write_lines(tmp_path / "whole.jsonl", records)], tmp_path / "corpus")
    about = {"corpus": "c", "years": [1996, 2019]}
    found = {
        name: len(_field(corpus, Study.parse({"study": about, "field": field}))[0])
        for name, field in FIELDS.items()
    }
    assert len(set(found.values())) == len(found), found
