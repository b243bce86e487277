"""What is fuzzed: every reader, as a function of bytes that must end well or with a sentence."""

from __future__ import annotations

import gzip
import io
import json
import shutil
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.corpus import manifest as manifests
from isthmus.corpus.verify import verify
from isthmus.errors import IsthmusError
from isthmus.fetch.answers import Answer
from isthmus.ingest.ingest import ingest
from isthmus.ingest.mag.dump import read_mag
from isthmus.ingest.mag.dump_files import LAYOUTS, OPTIONAL, REQUIRED
from isthmus.ingest.openalex.id_tables import read_identifiers
from isthmus.ingest.sources import Input
from isthmus.study import Study

Target = Callable[[Path, bytes], None]

#: Tables of a dump in the order they stand in an input, and what stands between them.
MAG_TABLES = (*REQUIRED, *OPTIONAL)
BETWEEN_TABLES = b"\x1e"


def records(name: str) -> Target:
    """Read bytes as a file of works of this name; every record found is accounted for."""

    def target(folder: Path, data: bytes) -> None:
        (folder / name).write_bytes(data)
        try:
            corpus = ingest([folder / name], folder / "corpus", workers=1)
        except IsthmusError:
            return
        finally:
            problems = verify(folder / "corpus").problems if _made(folder) else []
            shutil.rmtree(folder / "corpus", ignore_errors=True)
        if problems:
            raise AssertionError(f"{corpus}: {problems}")

    return target


def _made(folder: Path) -> bool:
    return (folder / "corpus" / manifests.MANIFEST_NAME).exists()


def merged_ids(folder: Path, data: bytes) -> None:
    """Read bytes as a table of merged ids."""
    path = folder / "2024-01-01.csv"
    path.write_bytes(data)
    read_identifiers([Input(path, path.name, "merged_ids", "table", len(data))])


def mag(folder: Path, data: bytes) -> None:
    """Read bytes as the tables of a dump, one after another."""
    pieces = data.split(BETWEEN_TABLES)
    for name, piece in zip_longest(MAG_TABLES, pieces[: len(MAG_TABLES)], fillvalue=b""):
        (folder / f"{name}.txt").write_bytes(piece)
    try:
        corpus = read_mag(folder, folder / "corpus")
    except IsthmusError:
        return
    notes, refused = corpus.manifest.notes, corpus.manifest.rejected
    works = corpus.rows("works") + notes.get("duplicate_work", 0)
    found = works + notes.get("entities_kept", 0) + sum(refused.values())
    shutil.rmtree(folder / "corpus")
    if found != notes.get("records_read", 0):
        raise AssertionError(f"{notes.get('records_read', 0)} read, {found} accounted for")


def study(folder: Path, data: bytes) -> None:
    """Read bytes as a study."""
    path = folder / "study.toml"
    path.write_bytes(data)
    try:
        Study.load(path).settings()
    except IsthmusError:
        return


def manifest(folder: Path, data: bytes) -> None:
    """Read bytes as a manifest."""
    (folder / manifests.MANIFEST_NAME).write_bytes(data)
    try:
        _ = manifests.load(folder).hash
    except IsthmusError:
        return


def answer(folder: Path, data: bytes) -> None:
    """Read bytes as an answer of the API."""
    for status in (200, 429, 503):
        found = Answer(status, {"Retry-After": data[:9].decode("latin-1")}, data)
        _ = found.fault, found.budget_spent, found.too_large, found.wait


TARGETS: dict[str, Target] = {
    "lines": records("works.jsonl"),
    "gzip": records("works.jsonl.gz"),
    "document": records("works.json"),
    "parquet": records("works.parquet"),
    "merged_ids": merged_ids,
    "mag": mag,
    "study": study,
    "manifest": manifest,
    "answer": answer,
}


def seeds() -> dict[str, list[bytes]]:
    """Give well-formed inputs to begin from."""
    works = [_work(1), _work(2)]
    lines = b"\n".join(json.dumps(work).encode() for work in works) + b"\n"
    page = json.dumps({"meta": {"count": 2, "next_cursor": None}, "results": works}).encode()
    dump = [_mag_table(name) for name in MAG_TABLES]
    table = io.BytesIO()
    plain = {"id": [w["id"] for w in works], "publication_year": [2020, 2021]}
    pq.write_table(pa.table(plain), table)
    return {
        "lines": [lines],
        "gzip": [gzip.compress(lines, mtime=0), gzip.compress(lines, mtime=0) * 2],
        "document": [page, json.dumps(works, indent=1).encode()],
        "parquet": [table.getvalue()],
        "merged_ids": [b"merge_date,id,merge_into_id\n2023-01-01,W7,W8\n2023-01-01,A9,A10\n"],
        "mag": [BETWEEN_TABLES.join(dump), dump[0]],
        "study": [b'[study]\ncorpus = "c"\nyears = [2000, 2021]\n[field]\nsubfields = [1702]\n'],
        "manifest": [b'{"source": "openalex", "tables": {"works": []}, "schema_version": 2}'],
        "answer": [page, b'{"error": "Insufficient budget"}'],
    }


def _mag_table(name: str) -> bytes:
    """Give a table of a dump: one row of its newest layout."""
    used = {
        "Papers": {"PaperId": "1", "Year": "2010", "Date": "2010-05-17", "PaperTitle": "title"},
        "PaperAuthorAffiliations": {"PaperId": "1", "AuthorId": "5", "AuthorSequenceNumber": "1"},
        "PaperReferences": {"PaperId": "1", "PaperReferenceId": "2"},
        "PaperFieldsOfStudy": {"PaperId": "1", "FieldOfStudyId": "8", "Score": "0.5"},
        "Journals": {"JournalId": "7", "DisplayName": "Journal", "Issn": "1234-5678"},
        "ConferenceInstances": {"ConferenceInstanceId": "9", "ConferenceSeriesId": "3"},
        "Authors": {"AuthorId": "5", "DisplayName": "A", "PaperCount": "1"},
        "Affiliations": {"AffiliationId": "4", "GridId": "grid.1", "Iso3166Code": "FR"},
    }[name]
    used |= {"AffiliationId": "4", "Latitude": "48.8", "Longitude": "2.3", "CitationCount": "3"}
    used |= {"JournalId": "7", "DocType": "Journal", "CreatedDate": "2016-06-24"}
    newest = LAYOUTS[name][max(LAYOUTS[name])]
    return "\t".join(used.get(key or "", "") for key in newest).encode() + b"\r\n"


def _work(number: int) -> dict[str, object]:
    home = "https://openalex.org/"
    person = {
        "author": {"id": f"{home}A1"},
        "institutions": [{"id": f"{home}I1", "country_code": "US", "display_name": "I"}],
        "countries": ["US", "DE"],
        "is_corresponding": True,
    }
    topic = {"id": f"{home}T1", "score": 0.9, "subfield": {"id": f"{home}subfields/1702"}}
    return {
        "id": f"{home}W{number}",
        "publication_year": 2020,
        "publication_date": "2020-05-17",
        "title": "Title \u00e9 \\ud800",
        "authorships": [person, None],
        "referenced_works": [f"{home}W3"],
        "topics": [topic],
        "primary_location": {"source": {"id": f"{home}S1", "issn_l": "1234-5678"}},
        "cited_by_count": 3,
        "updated_date": "2024-01-01",
    }
