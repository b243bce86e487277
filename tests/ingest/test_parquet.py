"""Parquet files cut into pieces: the rows of lines, whatever the row groups, names and damage."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.samples import work, write_lines
from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import Corpus
from isthmus.ingest import lines, reading
from isthmus.ingest.ingest import ingest
from isthmus.ingest.openalex import parquet

# The years of two records are missing, and two works are there twice.
WORKS = [
    work(n, publication_year=None if n in (3, 17) else 2010 + n % 5, title=f"T{number}")
    for number, n in enumerate((*range(1, 19), 2, 5))
]


def content(corpus: Corpus) -> list[object]:
    """Rows, counts, and the places of rejected records."""
    rejected = (corpus.path / "rejected.jsonl").read_text().splitlines()
    places = sorted((entry["line"], entry["reason"]) for entry in map(json.loads, rejected))
    rows = [sorted(map(str, corpus.read(table).to_pylist())) for table in TABLES]
    return [rows, corpus.manifest.notes, corpus.manifest.set_aside, places]


@pytest.fixture
def plain(tmp_path: Path) -> list[object]:
    return content(ingest([write_lines(tmp_path / "works.jsonl", WORKS)], tmp_path / "plain"))


@pytest.mark.parametrize("group", [1, 3, 20], ids=lambda n: f"groups of {n}")
@pytest.mark.parametrize("name", ["works.parquet", "works[12].parquet", "it's *.parquet"])
def test_pieces_of_any_size_hold_every_row_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: list[object], group: int, name: str
) -> None:
    # Row groups of 20 are read batch by batch, those of 1 several at once.
    monkeypatch.setattr(parquet, "PIECE_ROWS", 4)
    monkeypatch.setattr(parquet, "BATCH_ROWS", 7)
    path = tmp_path / "in" / name
    path.parent.mkdir()
    pq.write_table(pa.Table.from_pylist(WORKS), path, row_group_size=group)
    # A name with signs for any text must not be taken for this file.
    pq.write_table(pa.Table.from_pylist([work(99)]), tmp_path / "in" / "works1.other")
    assert content(ingest([path], tmp_path / "corpus")) == plain


def test_rows_before_damage_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "PIECE_ROWS", 4)
    path = tmp_path / "works.parquet"
    pq.write_table(pa.Table.from_pylist(WORKS), path, row_group_size=4, compression="zstd")
    group = pq.read_metadata(path).row_group(2)
    begin = min(
        group.column(n).dictionary_page_offset or group.column(n).data_page_offset
        for n in range(group.num_columns)
    )
    damaged = bytearray(path.read_bytes())
    damaged[begin : begin + group.total_byte_size // 2] = b"\xff" * (group.total_byte_size // 2)
    path.write_bytes(damaged)
    corpus = ingest([path], tmp_path / "corpus")
    found = {row["work_id"] for row in corpus.read("works").to_pylist()}
    assert found == {1, 2, 4, 5, 6, 7, 8}
    assert corpus.manifest.notes["file_cut_off"] == 1


@pytest.mark.parametrize("portion", [0, 1 << 11, 1 << 30])
def test_how_many_chunks_are_worked_out_at_once_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    # A line that is no JSON has its chunk read one by one, between others that are not.
    records = [*WORKS[:9], b"{broken", *WORKS[9:]]
    path = write_lines(tmp_path / "works.jsonl", records)
    plain = content(ingest([path], tmp_path / "plain"))
    monkeypatch.setattr(lines, "CHUNK_BYTES", 1 << 11)
    monkeypatch.setattr(lines, "_PIECE_BYTES", 1 << 9)
    monkeypatch.setattr(reading, "PORTION_BYTES", portion)
    assert content(ingest([path], tmp_path / "corpus")) == plain
