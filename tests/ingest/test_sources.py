"""Every layout a snapshot has had, and every form of file, gives the same corpus."""

from __future__ import annotations

import gzip
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.samples import HOME, author, work, write_lines
from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import Corpus
from isthmus.corpus.verify import verify
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
CONCEPT = {"id": f"{HOME}C5", "display_name": "Five"}
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
    write_lines(root / folder / "concepts" / "updated_date=2023-01-01" / "part_000.gz", [CONCEPT])
    corpus = ingest([root], tmp_path / "corpus")
    assert ids(corpus) == [1, 2]
    assert not corpus.manifest.rejected
    assert [source.name for source in corpus.manifest.sources] == [layout]
    (passed,) = corpus.manifest.passed
    assert "concepts/updated_date=2023-01-01" in passed.name
    assert corpus.manifest.notes["files_passed_over"] == 1


def test_of_copies_the_parquet_one_is_read_and_legacy_not(tmp_path: Path) -> None:
    write_lines(tmp_path / "s/data/jsonl/works/part_000.gz", [work(1)])
    write_lines(tmp_path / "s/data/jsonl/works/updated_date=2026-01-01/part_000.gz", [work(4)])
    write_lines(tmp_path / "s/legacy-data/works/updated_date=2021-01-01/part_000.gz", [work(2)])
    (tmp_path / "s/data/parquet/works").mkdir(parents=True)
    pq.write_table(pa.table({"id": [f"{HOME}W3"]}), tmp_path / "s/data/parquet/works/0.parquet")
    found = find_inputs([tmp_path / "s"])
    assert [item.name for item in found.records] == [
        "data/jsonl/works/updated_date=2026-01-01/part_000.gz",
        "data/parquet/works/0.parquet",
    ]
    assert [item.name for item in found.passed] == [
        "data/jsonl/works/part_000.gz",
        "legacy-data/works/updated_date=2021-01-01/part_000.gz",
    ]


def same_rows(first: Corpus, second: Corpus) -> None:
    for table in TABLES:
        rows = [sorted(map(str, corpus.read(table).to_pylist())) for corpus in (first, second)]
        assert rows[0] == rows[1], table


def as_units(unit: str) -> pa.Array:
    day = [datetime(2020, 5, 17) for _ in WORKS]
    return pa.array(day, pa.timestamp(unit))


COLUMNS: dict[str, Any] = {
    "none": {},
    "int96": {"use_deprecated_int96_timestamps": True},
    **{unit: {"version": "2.6"} for unit in ("s", "ms", "us", "ns")},
    "date": {},
    "texts": {},
    "json": {},
    "python": {},
    "bars": {},
    "dictionary": {},
    "float year": {},
    "integer id": {},
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_parquet_of_any_types_gives_the_rows_of_lines(tmp_path: Path, kind: str) -> None:
    table = pa.Table.from_pylist(WORKS)

    def put(name: str, column: Any) -> None:
        nonlocal table
        table = table.set_column(table.schema.get_field_index(name), name, column)

    lists = [record["referenced_works"] for record in WORKS]
    if kind in ("s", "ms", "us", "ns", "int96"):
        put("publication_date", as_units("ns" if kind == "int96" else kind))
        put("updated_date", as_units("ns" if kind == "int96" else kind))
    elif kind == "date":
        put("publication_date", pa.array([date(2020, 5, 17) for _ in WORKS]))
    elif kind == "texts":
        for name in ("publication_year", "cited_by_count"):
            put(name, table[name].cast(pa.string()))
    elif kind == "json":
        for name in ("authorships", "referenced_works", "concepts", "primary_location"):
            put(name, pa.array([json.dumps(record[name]) for record in WORKS]))
    elif kind == "python":
        put("referenced_works", pa.array([str(cited) for cited in lists]))
    elif kind == "bars":
        put("referenced_works", pa.array(["|".join(cited) for cited in lists]))
    elif kind == "dictionary":
        put("type", table["type"].dictionary_encode())
    elif kind == "float year":
        put("publication_year", table["publication_year"].cast(pa.float64()))
    elif kind == "integer id":
        put("id", pa.array([1, 2]))
    path = tmp_path / "works.any"
    pq.write_table(table, path, **COLUMNS[kind])
    corpus = ingest([path], tmp_path / "corpus")
    plain = ingest([write_lines(tmp_path / "works.jsonl", WORKS)], tmp_path / "plain")
    same_rows(corpus, plain)
    assert corpus.manifest.set_aside == plain.manifest.set_aside


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_folders_give_the_fields_they_are_named_for(tmp_path: Path, form: str) -> None:
    for record in WORKS:
        folder = tmp_path / "s" / f"publication_year={record['publication_year']}"
        folder.mkdir(parents=True)
        rest = {name: value for name, value in record.items() if name != "publication_year"}
        if form == "jsonl":
            write_lines(folder / "part", [rest])
        else:
            pq.write_table(pa.Table.from_pylist([rest]), folder / "part")
    corpus = ingest([tmp_path / "s"], tmp_path / "corpus")
    years = {r["work_id"]: r["year"] for r in corpus.read("works").to_pylist()}
    assert years == {1: 2020, 2: 2019}


@pytest.mark.parametrize(
    "names", ["authors/A1", "countries/US.txt", "institutions/x.csv", "README"]
)
def test_what_a_file_holds_decides_and_not_its_name(tmp_path: Path, names: str) -> None:
    write_lines(tmp_path / "s" / names, WORKS)
    assert ids(ingest([tmp_path / "s"], tmp_path / "corpus")) == [1, 2]


OTHERS: dict[str, tuple[bytes, str]] = {
    "ids.csv": (b"id,title\nW1,One\n", "id, title"),
    "error.json": (b'{"error": "Invalid", "message": "cursor"}', "error"),
    "funders.jsonl": (b'{"id": "https://openalex.org/F1"}\n', "funders"),
    "countries.jsonl": (b'{"id": "https://openalex.org/countries/US"}\n', "countries"),
    "works.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(30), "7z"),
    "works.zst": (b"\x28\xb5\x2f\xfd" + bytes(30), "zstd"),
    "notes.txt": (b"Downloaded yesterday.\n", "neither"),
    "empty": (b"", "empty"),
    "table.parquet": (b"", "other columns"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_read_is_listed_with_its_reason(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "s"
    write_lines(folder / "works.jsonl", WORKS)
    content, reason = OTHERS[name]
    (folder / name).write_bytes(content)
    if name == "table.parquet":
        pq.write_table(pa.table({"x": [1]}), folder / name)
    corpus = ingest([folder], tmp_path / "corpus")
    assert ids(corpus) == [1, 2]
    (passed,) = corpus.manifest.passed
    assert passed.name == name
    assert reason in passed.reason
    (folder / "works.jsonl").unlink()
    with pytest.raises(SourceError, match=reason):
        ingest([folder], tmp_path / "nothing")


@pytest.mark.parametrize("name", ["ids.csv", "error.json", "works.7z"])
def test_data_that_was_named_and_is_not_read_is_refused(tmp_path: Path, name: str) -> None:
    works = write_lines(tmp_path / "works.jsonl", WORKS)
    (tmp_path / name).write_bytes(OTHERS[name][0])
    with pytest.raises(SourceError, match=rf"{name}.*{OTHERS[name][1]}"):
        ingest([works, tmp_path / name], tmp_path / "corpus")


@pytest.mark.parametrize("home", ["", HOME])
def test_tables_of_ids_are_known_by_their_columns(tmp_path: Path, home: str) -> None:
    works = write_lines(tmp_path / "works.jsonl", [work(1), work(2), work(3)])
    (tmp_path / "a").write_text(f"merge_date,id,merge_into_id\n,{home}W1,{home}W9\n")
    (tmp_path / "b").write_text(f"work_id,deleted_date\n{home}W2,2026-01-01\n{home}W1003,\n")
    corpus = ingest([works, tmp_path / "a", tmp_path / "b"], tmp_path / "corpus")
    assert ids(corpus) == [3]
    notes = corpus.manifest.notes
    assert (notes["merged_away"], notes["deleted_work"]) == (1, 1)
    assert corpus.manifest.set_aside["reference_deleted"] == 1
    assert verify(corpus.path).problems == []


EXPORT = (
    "id,doi,title,publication_year,type,authorships.author.id,"
    "authorships.institutions.country_code,referenced_works,primary_topic.subfield.id\n"
    f"{HOME}W1,,One,2020,article,{HOME}A1|{HOME}A2,US|CN,{HOME}W8|{HOME}W9,1702\n"
    f"{HOME}W2,,Two,2021,article,{HOME}A3|{HOME}A4,DE|FR|US,,\n"
    f"{HOME}W3,,Three,2021,article,{HOME}A3,DE|FR,,\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_export_of_the_site_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "works.csv"
    path.write_text(EXPORT, encoding=encoding)
    corpus = ingest([path], tmp_path / "corpus")
    assert ids(corpus) == [1, 2, 3]
    rows = corpus.read("affiliations").to_pylist()
    assert [(r["work_id"], r["position"], r["country"]) for r in rows] == [
        (1, 0, "US"),
        (1, 1, "CN"),
        (3, 0, "DE"),
        (3, 0, "FR"),
    ]
    assert corpus.manifest.set_aside["author_unplaced"] == 1
    assert corpus.read("references")["cited_id"].to_pylist() == [8, 9]
    assert corpus.read("subjects").to_pylist()[0]["subject_id"] == 1702


def test_orcids_of_works_are_kept_where_no_entity_gives_one(tmp_path: Path) -> None:
    people = [author(1), author(2), author(3)]
    for n, person in enumerate(people[:2]):
        person["author"]["orcid"] = f"https://orcid.org/000{n}"
    works = write_lines(tmp_path / "w", [work(1, authorships=people)])
    entities = write_lines(tmp_path / "a", [{**AUTHOR, "orcid": None}, {**AUTHOR, "id": "A3"}])
    corpus = ingest([works, entities], tmp_path / "corpus")
    rows = {r["author_id"]: (r["name"], r["orcid"]) for r in corpus.read("authors").to_pylist()}
    assert rows == {
        1: ("One", "https://orcid.org/0000"),
        2: (None, "https://orcid.org/0001"),
        3: ("One", None),
    }


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
    assert [r["author_id"] for r in rows] == [3, 3]  # both authors became the third
    assert corpus.read("works")["n_authors"].to_pylist() == [1, 1]
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
