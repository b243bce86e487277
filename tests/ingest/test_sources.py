"""Every layout a snapshot has had, and every form of file, gives the same corpus."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.samples import HOME, author, work, write_lines
from isthmus.corpus.store import Corpus
from isthmus.errors import SourceError
from isthmus.ingest.ingest import ingest
from isthmus.ingest.sources import find_inputs

WORKS = [work(1), work(2, publication_year=2019)]
INSTITUTION = {
    "id": f"{HOME}I11",
    "display_name": "Eleven",
    "country_code": "US",
    "type": "company",
}
VENUE = {"id": f"{HOME}S9", "display_name": "The Journal", "type": "journal", "issn_l": "1-2"}
AUTHOR = {"id": f"{HOME}A1", "display_name": "One", "works_count": 7}


def ids(corpus: Corpus) -> list[int]:
    return sorted(corpus.read("works")["work_id"].to_pylist())


@pytest.mark.parametrize(
    "layout",
    [
        "data/works/updated_date=2023-01-01/part_000.gz",
        "works/updated_date=2023-01-01/part_000",
        "data/jsonl/works/updated_date=2026-01-01/part_0000.gz",
        "legacy-data/works/updated_date=2022-01-01/part_000.gz",
        "works.jsonl.gz",
        "anything.jsonl",
    ],
)
def test_layouts_of_a_snapshot(tmp_path: Path, layout: str) -> None:
    root = tmp_path / "snapshot"
    write_lines(root / layout, WORKS)
    (root / "manifest.json").write_text('{"entries": []}')
    folder = "/".join(layout.split("/")[:-3])
    write_lines(root / folder / "concepts" / "updated_date=2023-01-01" / "part_000.gz", [{"id": 1}])
    corpus = ingest([root], tmp_path / "corpus")
    assert ids(corpus) == [1, 2]
    assert not corpus.manifest.rejected
    assert [source.name for source in corpus.manifest.sources] == [layout]


def test_jsonl_is_preferred_to_its_parquet_copy_and_to_legacy(tmp_path: Path) -> None:
    write_lines(tmp_path / "s/data/jsonl/works/part_000.gz", [work(1)])
    write_lines(tmp_path / "s/legacy-data/works/part_000.gz", [work(2)])
    (tmp_path / "s/data/parquet/works").mkdir(parents=True)
    pq.write_table(pa.table({"id": [f"{HOME}W3"]}), tmp_path / "s/data/parquet/works/0.parquet")
    names = [item.name for item in find_inputs([tmp_path / "s"]).records]
    assert names == ["data/jsonl/works/part_000.gz"]


def test_parquet_works(tmp_path: Path) -> None:
    path = tmp_path / "data" / "parquet" / "works" / "part_000.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(WORKS), path)
    corpus = ingest([tmp_path / "data"], tmp_path / "corpus")
    plain = ingest([write_lines(tmp_path / "works.jsonl", WORKS)], tmp_path / "plain")
    assert corpus.hash == plain.hash


FORMS: dict[str, Any] = {
    "array": json.dumps(WORKS),
    "pretty array": json.dumps(WORKS, indent=2),
    "page": json.dumps({"meta": {"count": 2}, "results": WORKS, "group_by": [{"key": "x"}]}),
    "pretty page": json.dumps({"results": WORKS, "meta": {"count": 2}}, indent=1),
    "pages": "\n".join(json.dumps({"meta": {}, "results": [record]}) for record in WORKS),
    "lines": "\n".join(json.dumps(record) for record in WORKS),
    "pretty records": "\n".join(json.dumps(record, indent=2) for record in WORKS),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_forms_of_json(tmp_path: Path, form: str, packed: bool) -> None:
    path = tmp_path / ("works.json.gz" if packed else "works.json")
    text = FORMS[form].encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    corpus = ingest([path], tmp_path / "corpus")
    plain = ingest([write_lines(tmp_path / "works.jsonl", WORKS)], tmp_path / "plain")
    assert corpus.hash == plain.hash
    assert not corpus.manifest.rejected


def test_document_that_breaks_off_keeps_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "works.json"
    path.write_text(json.dumps([*WORKS, work(3)])[:-40])
    corpus = ingest([path], tmp_path / "corpus")
    assert ids(corpus) == [1, 2]
    assert corpus.manifest.rejected == {"cut_off": 1}


def test_entities_are_read_and_outrank_what_works_say(tmp_path: Path) -> None:
    root = tmp_path / "snapshot"
    place = {"geo": {"latitude": 1.5, "longitude": 2.5}}
    old = {**INSTITUTION, "display_name": "Old", "updated_date": "2020-01-01"}
    new = {**INSTITUTION, **place, "updated_date": "2023-01-01"}
    write_lines(root / "institutions/updated_date=2023-01-01/part_000.gz", [new, old])
    write_lines(root / "venues/updated_date=2022-01-01/part_000.gz", [{**VENUE, "id": f"{HOME}V9"}])
    write_lines(root / "authors/updated_date=2023-01-01/part_000.gz", [AUTHOR])
    people = [author(1, (11, None), countries=["US", "FR"])]
    write_lines(root / "works/updated_date=2023-01-01/part_000.gz", [work(1, authorships=people)])
    corpus = ingest([root], tmp_path / "corpus")
    (institution,) = corpus.read("institutions").to_pylist()
    assert (institution["name"], institution["lat"], institution["lon"]) == ("Eleven", 1.5, 2.5)
    assert corpus.read("venues").to_pylist()[0]["issn_l"] == "1-2"
    assert corpus.read("authors").to_pylist() == [
        {"author_id": 1, "name": "One", "orcid": None, "works_count": 7}
    ]
    rows = corpus.read("affiliations").to_pylist()
    assert [(r["institution_id"], r["country"], r["country_source"]) for r in rows] == [
        (11, "US", "institution"),
        (None, "FR", "parsed"),
    ]
    assert corpus.manifest.notes["country_from_entity"] == 1
    assert corpus.manifest.notes["duplicate_entity"] == 1


def test_merged_ids_are_applied_everywhere(tmp_path: Path) -> None:
    root = tmp_path / "snapshot"
    for entity, pairs in {
        "authors": "A1,A2\n2023-01-01,A2,A3",  # a chain
        "works": "W7,W8",
        "institutions": "I11,I12",
        "sources": "S9,S10",
    }.items():
        path = root / "merged_ids" / entity / "2023-01-01.csv.gz"
        path.parent.mkdir(parents=True)
        path.write_bytes(
            gzip.compress(f"merge_date,id,merge_into_id\n2023-01-01,{pairs}\n".encode())
        )
    cited = [f"{HOME}W7", f"{HOME}W8"]
    write_lines(root / "works/part_000.gz", [work(5, referenced_works=cited), work(7), work(8)])
    corpus = ingest([root], tmp_path / "corpus")
    assert ids(corpus) == [5, 8]
    assert corpus.manifest.notes["merged_away"] == 1
    assert {
        r["cited_id"] for r in corpus.read("references").to_pylist() if r["citing_id"] == 5
    } == {8}
    rows = [r for r in corpus.read("authorships").to_pylist() if r["work_id"] == 5]
    assert [r["author_id"] for r in rows] == [3]  # both authors became the third
    assert set(corpus.read("affiliations")["institution_id"].to_pylist()) == {12}
    assert set(corpus.read("works")["venue_id"].to_pylist()) == {10}


def test_newest_version_of_a_work_wins_across_files(tmp_path: Path) -> None:
    first = write_lines(
        tmp_path / "a.jsonl",
        [work(1, title="newest", updated_date="2024-03-01"), work(2, title="tie, earlier")],
    )
    second = write_lines(
        tmp_path / "b.jsonl",
        [
            work(1, title="older", updated_date="2024-02-01T10:00:00"),
            work(2, title="tie, later", referenced_works=[]),
            work(1, title="undated", updated_date=None),
        ],
    )
    corpus = ingest([first, second], tmp_path / "corpus")
    titles = {r["work_id"]: r["title"] for r in corpus.read("works").to_pylist()}
    assert titles == {1: "newest", 2: "tie, later"}
    assert corpus.manifest.notes["duplicate_work"] == 3
    assert set(corpus.read("references")["citing_id"].to_pylist()) == {1}
    assert corpus.rows("authorships") == 4


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = write_lines(tmp_path / "outside" / "part_001.gz", [work(2)])
    write_lines(tmp_path / "s" / "works" / "part_000.gz", [work(1)])
    (tmp_path / "s" / "works" / "part_001.gz").symlink_to(outside)
    (tmp_path / "s" / "more").symlink_to(tmp_path / "outside")
    (tmp_path / "s" / "works" / "loop").symlink_to(tmp_path / "s")
    assert ids(ingest([tmp_path / "s"], tmp_path / "corpus")) == [1]


@pytest.mark.parametrize("below", ["", "world"])
def test_truth_of_a_simulated_world_is_no_source(tmp_path: Path, below: str) -> None:
    root = tmp_path / "in"
    write_lines(root / below / "works" / "part_000.gz", WORKS)
    truth = root / below / "truth"
    truth.mkdir()
    pq.write_table(pa.table({"id": [f"{HOME}W3"], "publication_year": [2000]}), truth / "x.parquet")
    names = {item.path.name for item in find_inputs([root]).records}
    assert names == {"part_000.gz", "x.parquet"}  # any folder may have that name
    (truth / "settings.json").write_text("{}")
    assert [item.path.name for item in find_inputs([root]).records] == ["part_000.gz"]


def test_missing_and_empty_sources_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    for source, words in ((tmp_path / "absent", "no such file"), (tmp_path / "nothing", "Nothing")):
        with pytest.raises(SourceError, match=words) as caught:
            ingest([source], tmp_path / "corpus")
        assert "\n" not in str(caught.value)
    with pytest.raises(SourceError, match="No source"):
        ingest([], tmp_path / "corpus")
    assert not (tmp_path / "corpus").exists()


def test_progress_adds_up(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "works.jsonl.gz", WORKS)
    calls: list[tuple[int, int, int]] = []
    ingest([path], tmp_path / "corpus", progress=lambda *numbers: calls.append(numbers))
    size = path.stat().st_size
    assert calls[-1] == (2, size, size)
    assert [call[1] for call in calls] == sorted(call[1] for call in calls)
