"""Every kind of bad record is found in the tally, and the good ones beside it stay."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from ingest.samples import HOME, author, work, write_lines
from isthmus.corpus.store import Corpus
from isthmus.corpus.tally import REJECTED, SET_ASIDE
from isthmus.corpus.verify import verify
from isthmus.errors import SourceError
from isthmus.ingest import lines as chunks
from isthmus.ingest.ingest import ingest
from isthmus.study.field import EARLIEST_YEAR, LATEST_YEAR


def read(tmp_path: Path, *records: Any, name: str = "works.jsonl") -> Corpus:
    """Ingest records between two good works, which must both stay."""
    path = write_lines(tmp_path / name, [work(1), *records, work(2)])
    corpus = ingest([path], tmp_path / "corpus")
    kept = corpus.read("works")["work_id"].to_pylist()
    assert kept[0] == 1
    assert kept[-1] == 2
    assert verify(corpus.path).problems == []
    return corpus


BAD_RECORDS = [
    ("not_json", b'{"id": "https://openalex.org/W5", "publication_year": 2'),
    ("not_json", b"\xff\xfe\x00 nonsense"),
    ("not_json", b"[1, 2]"),
    ("not_json", b"null"),
    ("not_json", b"[" * 100_000),
    ("no_id", work(5, id=None)),
    ("no_id", work(5, id="https://openalex.org/A5")),
    ("no_id", work(5, id="")),
    ("no_id", {}),
    ("no_year", work(5, publication_year=None)),
    ("no_year", work(5, publication_year="soon")),
    ("year_impossible", work(5, publication_year=EARLIEST_YEAR - 1)),
    ("year_impossible", work(5, publication_year=LATEST_YEAR + 1)),
    ("year_impossible", work(5, publication_year=10**30)),
    ("year_impossible", work(5, publication_year=0)),
]


@pytest.mark.parametrize(("reason", "record"), BAD_RECORDS)
def test_bad_record_is_rejected_counted_and_quarantined(
    tmp_path: Path, reason: str, record: Any
) -> None:
    corpus = read(tmp_path, record)
    assert corpus.rows("works") == 2
    assert corpus.manifest.rejected == {reason: 1}
    (line,) = (corpus.path / "rejected.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert entry["source"] == "works.jsonl"
    assert entry["line"] == 2
    assert entry["reason"] == reason
    assert len(entry["begins"]) <= 200


BAD_VALUES = [
    ("author_null", {"authorships": [author(None, (11, "US"))]}),
    ("author_null", {"authorships": [{"author": None, "institutions": []}]}),
    ("author_null", {"authorships": [{"author": {"id": "https://openalex.org/W1"}}]}),
    ("authorship_null", {"authorships": [None, author(1)]}),
    ("institution_null", {"authorships": [{**author(1), "institutions": [None]}]}),
    ("institution_without_id", {"authorships": [author(1, (None, "US"))]}),
    ("country_empty", {"authorships": [author(1, (11, None))]}),
    ("country_empty", {"authorships": [author(1, (11, ""))]}),
    ("country_empty", {"authorships": [author(1, (11, "  "))]}),
    ("country_unknown", {"authorships": [author(1, (11, "ZZ"))]}),
    ("country_unknown", {"authorships": [author(1, countries=["QQ"])]}),
    ("self_reference", {"referenced_works": [f"{HOME}W5", f"{HOME}W7"]}),
    ("reference_repeated", {"referenced_works": [f"{HOME}W7", f"{HOME}W8", f"{HOME}W7"]}),
    ("reference_unreadable", {"referenced_works": [None, f"{HOME}W7"]}),
    ("reference_unreadable", {"referenced_works": [f"{HOME}A7"]}),
    ("institution_placeholder", {"authorships": [author(1, (-1, "US"))]}),
    ("affiliation_repeated", {"authorships": [author(1, (11, "US"), (11, "US"))]}),
    ("authors_truncated", {"is_authors_truncated": True}),
    ("authors_truncated", {"authors_count": 101}),
    ("date_unreadable", {"publication_date": "2020-02-31"}),
    ("subject_unreadable", {"concepts": [{"id": None, "score": 0.1}]}),
    ("value_unreadable", {"cited_by_count": "many"}),
    ("value_unreadable", {"authorships": "nobody"}),
    ("venue_unreadable", {"primary_location": {"source": {"id": "https://openalex.org/P1"}}}),
]


@pytest.mark.parametrize(("reason", "changes"), BAD_VALUES)
def test_bad_value_is_set_aside_and_counted(
    tmp_path: Path, reason: str, changes: dict[str, Any]
) -> None:
    corpus = read(tmp_path, work(5, **changes))
    assert corpus.rows("works") == 3
    assert corpus.manifest.rejected == {}
    assert corpus.manifest.set_aside.get(reason) == 1


def test_every_reason_is_tested() -> None:
    tested = {reason for reason, _ in BAD_RECORDS} | {reason for reason, _ in BAD_VALUES}
    tested |= {"reference_deleted", "author_unplaced"}  # below, and in test_sources
    of_dumps = {"line_unreadable", "patent"}  # in test_mag
    assert tested | of_dumps | {"too_long", "cut_off"} == REJECTED.keys() | SET_ASIDE.keys()


def test_deleted_works_and_placeholders_are_no_works_and_nobody(tmp_path: Path) -> None:
    merged = tmp_path / "merged_ids" / "works" / "2025-01-01.csv"
    merged.parent.mkdir(parents=True)
    merged.write_text("merge_date,id,merge_into_id\n2025-01-01,W7,W4285719527\n")
    people = [author(9999999999), author(2, (4389424196, "US")), author(5317838346)]
    listed = [f"{HOME}W{n}" for n in (7, 8, 4285719527)]
    records = [work(5, authorships=people, referenced_works=listed), work(7)]
    path = write_lines(tmp_path / "works.jsonl", records)
    corpus = ingest([path, merged], tmp_path / "corpus", workers=1)
    assert corpus.read("works")["work_id"].to_pylist() == [5]
    assert corpus.read("authorships")["author_id"].to_pylist() == [None, 2, None]
    assert corpus.read("affiliations")["institution_id"].to_pylist() == [None]
    assert corpus.read("references")["cited_id"].to_pylist() == [8, 4285719527]
    assert corpus.manifest.set_aside["reference_deleted"] == 1
    assert corpus.manifest.set_aside["author_null"] == 2


def test_author_listed_twice_keeps_every_place(tmp_path: Path) -> None:
    people = [author(1, (11, "US")), author(2, (12, "CN")), author(1, (13, "DE"), (11, "US"))]
    people[2] |= {"author_position": "last", "is_corresponding": True}
    corpus = read(tmp_path, work(5, authorships=people))
    rows = [r for r in corpus.read("authorships").to_pylist() if r["work_id"] == 5]
    assert [(r["position"], r["author_id"], r["is_last"], r["is_corresponding"]) for r in rows] == [
        (0, 1, False, None),
        (1, 2, False, None),
        (2, 1, True, True),
    ]
    rows = [r for r in corpus.read("affiliations").to_pylist() if r["work_id"] == 5]
    assert [(r["position"], r["institution_id"], r["country"]) for r in rows] == [
        (0, 11, "US"),
        (1, 12, "CN"),
        (2, 13, "DE"),
        (2, 11, "US"),
    ]
    assert corpus.read("works")["n_authors"].to_pylist()[1] == 2
    assert corpus.manifest.notes["author_listed_again"] == 1


def test_the_last_author_is_the_one_the_record_calls_last(tmp_path: Path) -> None:
    people = [author(1), author(2, author_position="last"), author(3)]
    corpus = read(tmp_path, work(5, authorships=people))
    last = [r["author_id"] for r in corpus.read("authorships").to_pylist() if r["is_last"]]
    assert last == [2, 2, 2]  # of the two good works around it the last one listed


def test_truncated_work_is_flagged_and_has_no_last_author(tmp_path: Path) -> None:
    people = [author(number) for number in range(1, 101)]
    corpus = read(tmp_path, work(5, authorships=people, is_authors_truncated=True))
    assert corpus.read("works")["authors_truncated"].to_pylist() == [False, True, False]
    last = [r["is_last"] for r in corpus.read("authorships").to_pylist() if r["work_id"] == 5]
    assert len(last) == 100
    assert not any(last)


def test_hundred_authors_without_the_flag_are_all_of_them(tmp_path: Path) -> None:
    people = [author(number) for number in range(1, 101)]
    corpus = read(tmp_path, work(5, authorships=people))
    assert corpus.read("works")["authors_truncated"].to_pylist() == [False, False, False]


def test_parsed_countries_stand_beside_institutions(tmp_path: Path) -> None:
    people = [author(1, (11, "US"), countries=["US", "FR", "fr"]), author(2, countries=["JP"])]
    corpus = read(tmp_path, work(5, authorships=people))
    rows = [r for r in corpus.read("affiliations").to_pylist() if r["work_id"] == 5]
    assert [
        (r["position"], r["institution_id"], r["country"], r["country_source"]) for r in rows
    ] == [
        (0, 11, "US", "institution"),
        (0, None, "FR", "parsed"),
        (1, None, "JP", "parsed"),
    ]


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.999])
def test_truncated_gzip_keeps_every_whole_record_before_the_cut(
    tmp_path: Path, keep: float
) -> None:
    lines = b"".join(
        json.dumps(work(n, title="x" * (n % 50))).encode() + b"\n" for n in range(1, 3000)
    )
    packed = gzip.compress(lines)
    cut = packed[: int(len(packed) * keep)]
    path = tmp_path / "works.jsonl.gz"
    path.write_bytes(cut)
    whole = zlib.decompressobj(31).decompress(cut).count(b"\n")
    corpus = ingest([path], tmp_path / "corpus")
    assert whole <= corpus.rows("works") <= whole + 1
    assert corpus.manifest.notes["file_cut_off"] == 1
    assert set(corpus.manifest.rejected) <= {"cut_off"}
    assert verify(corpus.path).ok


def test_damaged_gzip_keeps_what_comes_before(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "works.jsonl.gz", [work(n) for n in range(1, 50)])
    path.write_bytes(path.read_bytes() + b"trailing bytes that are no gzip")
    corpus = ingest([path], tmp_path / "corpus")
    assert corpus.rows("works") == 49
    assert corpus.manifest.notes["file_cut_off"] == 1


def test_line_beyond_the_limit_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 1 << 16)
    monkeypatch.setattr(chunks, "MAX_RECORD_BYTES", 1 << 18)
    monkeypatch.setattr(chunks, "_PIECE_BYTES", 1 << 14)
    good = [work(n) for n in range(1, 300)]
    path = write_lines(
        tmp_path / "works.jsonl", [*good, work(998, title="x" * (1 << 19)), work(999)]
    )
    corpus = ingest([path], tmp_path / "corpus")
    assert corpus.rows("works") == 300
    assert corpus.manifest.rejected == {"too_long": 1}
    entry = json.loads((corpus.path / "rejected.jsonl").read_text())
    assert entry["line"] == 300
    assert entry["bytes"] == len(json.dumps(work(998, title="x" * (1 << 19)))) + 1


def test_a_gzip_bomb_of_one_line_is_rejected_with_its_size(tmp_path: Path) -> None:
    """A quarter of a megabyte that would be 256 MiB: skipped in pieces, counted to the byte."""
    begin = json.dumps(work(5)).encode()[:-1] + b', "bomb": "'
    size = 256 << 20
    lines = [json.dumps(work(1)).encode() + b"\n", begin + b"0" * (size - len(begin) - 1) + b"\n"]
    lines.append(json.dumps(work(2)).encode() + b"\n")
    path = tmp_path / "works.jsonl.gz"
    path.write_bytes(b"".join(gzip.compress(line, 9, mtime=0) for line in lines))
    assert path.stat().st_size < size / 500
    corpus = ingest([path], tmp_path / "corpus", workers=1)
    assert corpus.read("works")["work_id"].to_pylist() == [1, 2]
    assert corpus.manifest.rejected == {"too_long": 1}
    entry = json.loads((corpus.path / "rejected.jsonl").read_text())
    assert (entry["line"], entry["bytes"]) == (2, size)


def test_text_of_any_kind_survives(tmp_path: Path) -> None:
    titles = ["", "a\x00b", "née 中文 𝔘", "<i>x</i>\n\ttab", "‮right to left"]
    corpus = read(tmp_path, *[work(10 + n, title=title) for n, title in enumerate(titles)])
    assert corpus.read("works")["title"].to_pylist()[1:-1] == titles


def test_lone_surrogate_does_not_lose_the_record(tmp_path: Path) -> None:
    line = json.dumps(work(5)).replace("Work 5", "bad \\ud800 end").encode()
    corpus = read(tmp_path, line)
    assert corpus.read("works")["title"].to_pylist()[1] == "bad ? end"


@pytest.mark.parametrize("content", [b"", b"\n\n", b'{"id": "https://openalex.org/W1"}\n'])
def test_an_ingest_that_keeps_nothing_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "works.jsonl").write_bytes(content)
    with pytest.raises(SourceError, match=r"[Nn]othing") as caught:
        ingest([tmp_path / "works.jsonl"], tmp_path / "corpus")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "corpus" / "manifest.json").exists()
    write_lines(tmp_path / "works.jsonl", [work(1)])
    assert ingest([tmp_path / "works.jsonl"], tmp_path / "corpus").rows("works") == 1


def test_records_of_institutions_say_their_city(tmp_path: Path) -> None:
    """A GeoNames id that is no number is none; works alone say nothing of cities."""
    home = {"ror": "https://ror.org/1", "type": "education", "country_code": "US"}
    geo = {"city": "Herndon", "geonames_city_id": "4763793", "latitude": 39.0, "longitude": -77.4}
    records = [
        {"id": "https://openalex.org/I11", "display_name": "A", **home, "geo": geo},
        {"id": "https://openalex.org/I12", "display_name": "B", **home}
        | {"geo": {"city": "Nowhere", "geonames_city_id": "x"}},
    ]
    works = write_lines(tmp_path / "works.jsonl", [work(5)])
    entities = write_lines(tmp_path / "institutions.jsonl", records)
    corpus = ingest([works, entities], tmp_path / "corpus", workers=1)
    rows = corpus.read("institutions").to_pylist()
    assert [(r["institution_id"], r["city"], r["city_id"], r["lat"]) for r in rows] == [
        (11, "Herndon", 4763793, 39.0),
        (12, "Nowhere", None, None),
    ]
    alone = ingest([works], tmp_path / "alone", workers=1).read("institutions")
    assert alone["city_id"].null_count == alone.num_rows == 2
