"""Writing and opening corpora: whole or not at all, and bytes that batches do not change."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from isthmus.corpus import store
from isthmus.corpus.schema import TABLES, may_lack
from isthmus.corpus.store import CorpusWriter, open_corpus
from isthmus.corpus.verify import verify
from isthmus.errors import CorpusError, InputError, TargetError


def references(n: int) -> pa.Table:
    return pa.table(
        {"citing_id": np.arange(n), "cited_id": np.arange(n)[::-1]}, schema=TABLES["references"]
    )


def authors(n: int) -> pa.Table:
    names = [None if i % 7 == 0 else f"name {i % 91}" for i in range(n)]
    columns = [np.arange(n), names, [None] * n, [i if i % 3 else None for i in range(n)]]
    return pa.table(columns, schema=TABLES["authors"])


@pytest.mark.parametrize("batch", [1, 37, 1000, 5000])
def test_bytes_do_not_depend_on_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(store, "ROW_GROUP_ROWS", 64)
    monkeypatch.setattr(store, "PART_ROW_GROUPS", 2)
    rows = {"references": references(1000), "authors": authors(1000)}
    for name, size in (("whole", 1000), ("batches", batch)):
        with CorpusWriter(tmp_path / name, source="simulated") as writer:
            for table, content in rows.items():
                for start in range(0, 1000, size):
                    writer.write(table, content.slice(start, size))
    whole, batches = open_corpus(tmp_path / "whole"), open_corpus(tmp_path / "batches")
    assert whole.hash == batches.hash
    sizes = [part.rows for part in whole.manifest.tables["references"]]
    assert sizes == [128] * 7 + [104]
    assert whole.read("authors").equals(rows["authors"])
    assert (tmp_path / "whole" / "manifest.json").read_bytes() == (
        tmp_path / "batches" / "manifest.json"
    ).read_bytes()


def test_every_table_exists_even_when_empty(tmp_path: Path) -> None:
    with CorpusWriter(tmp_path / "corpus", source="simulated"):
        pass
    corpus = open_corpus(tmp_path / "corpus")
    for table, schema in TABLES.items():
        assert corpus.parts(table) == []
        assert corpus.read(table).schema.equals(schema)
    assert verify(corpus.path).ok


def test_finished_corpus_is_not_overwritten(tmp_path: Path) -> None:
    for n in (3, 4):
        writer = CorpusWriter(tmp_path / "corpus", source="simulated")
        if n == 4:
            with pytest.raises(TargetError, match="already holds a finished corpus"):
                writer.__enter__()
            break
        with writer:
            writer.write("references", references(n))
    assert open_corpus(tmp_path / "corpus").rows("references") == 3


def test_folder_with_foreign_tables_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "corpus" / "works").mkdir(parents=True)
    with pytest.raises(TargetError, match="something else wrote there"):
        CorpusWriter(tmp_path / "corpus", source="simulated").__enter__()


def test_error_inside_the_block_leaves_nothing(tmp_path: Path) -> None:
    def fill() -> None:
        with CorpusWriter(tmp_path / "corpus", source="simulated") as writer:
            writer.write("references", references(10))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fill()
    assert [path.name for path in (tmp_path / "corpus").iterdir()] == [".lock"]


def test_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store.pq, "ParquetWriter", full)
    writer = CorpusWriter(tmp_path / "corpus", source="simulated")
    with pytest.raises(TargetError, match="the disk is full"), writer:
        writer.write("references", references(10))
    assert [path.name for path in (tmp_path / "corpus").iterdir()] == [".lock"]


def test_unfinished_corpus_names_the_command(tmp_path: Path) -> None:
    writer = CorpusWriter(tmp_path / "corpus", source="simulated", command="isthmus simulate --x")
    writer.__enter__()
    writer.write("references", references(10))
    with pytest.raises(CorpusError, match=r"unfinished.*isthmus simulate --x"):
        open_corpus(tmp_path / "corpus")
    writer.__exit__(None, None, None)
    assert open_corpus(tmp_path / "corpus").rows("references") == 10


NARROW = references(1).cast(pa.schema([("citing_id", pa.int32()), ("cited_id", pa.int64())]))
HOLLOW = pa.table({"citing_id": pa.array([None], pa.int64()), "cited_id": [1]})


@pytest.mark.parametrize(
    ("table", "rows", "words"),
    [
        ("nothing", references(1), "has no table 'nothing'"),
        ("references", references(1).rename_columns(["a", "b"]), "the table needs citing_id"),
        ("references", NARROW, "int32"),
        ("references", HOLLOW, "nulls in citing_id"),
    ],
)
def test_rows_of_another_form_are_refused(
    tmp_path: Path, table: str, rows: pa.Table, words: str
) -> None:
    writer = CorpusWriter(tmp_path / "corpus", source="simulated")
    with pytest.raises(InputError, match=words), writer:
        writer.write(table, rows)


def make(folder: Path) -> Path:
    with CorpusWriter(folder, source="simulated") as writer:
        writer.write("references", references(100))
    return folder / "references" / "part-00000.parquet"


def test_verify_finds_damage(tmp_path: Path) -> None:
    part = make(tmp_path / "corpus")
    assert verify(tmp_path / "corpus").ok
    sound = part.read_bytes()
    flipped = bytearray(sound)
    flipped[len(sound) // 2] ^= 1
    part.write_bytes(flipped)
    assert verify(tmp_path / "corpus").problems == [
        "references/part-00000.parquet has other bytes than when it was written."
    ]
    part.write_bytes(sound[:-1])
    assert "the manifest says" in verify(tmp_path / "corpus").problems[0]
    part.write_bytes(sound)
    (part.parent / "part-00001.parquet").write_bytes(sound)
    assert verify(tmp_path / "corpus").problems == [
        "references/part-00001.parquet is not in the manifest."
    ]


def test_verify_finds_repeated_keys(tmp_path: Path) -> None:
    with CorpusWriter(tmp_path / "corpus", source="simulated") as writer:
        writer.write("references", references(5))
        writer.write("references", references(5))
    assert verify(tmp_path / "corpus").problems == [
        "5 keys (citing_id, cited_id) occur more than once in references."
    ]


def test_verify_finds_places_repeated_on_a_work_but_allows_authors(tmp_path: Path) -> None:
    rows = [(1, 0, 5), (1, 1, 5), (1, 1, None), (1, 3, None), (2, 0, 5)]
    table = pa.Table.from_pylist(
        [
            {"work_id": work, "position": position, "author_id": author, "is_last": False}
            for work, position, author in rows
        ],
        schema=TABLES["authorships"],
    )
    with CorpusWriter(tmp_path / "corpus", source="simulated") as writer:
        writer.write("authorships", table)
    assert verify(tmp_path / "corpus").problems == [
        "1 keys (work_id, position) occur more than once in authorships."
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "has no manifest.json"),
        ("{", "is not the manifest of a corpus"),
        ('{"schema_version": 99, "source": "x", "tables": {}}', "schema version 99"),
    ],
)
def test_what_is_no_corpus_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(CorpusError, match=words):
        open_corpus(tmp_path)


def test_missing_part_is_named(tmp_path: Path) -> None:
    make(tmp_path / "corpus").unlink()
    with pytest.raises(CorpusError, match=r"1 of its parts are missing.*part-00000"):
        open_corpus(tmp_path / "corpus")
    with pytest.raises(CorpusError, match="no such folder"):
        open_corpus(tmp_path / "absent")


def test_a_table_may_lack_the_columns_that_were_added_later_and_no_others() -> None:
    names = TABLES["institutions"].names
    assert may_lack("institutions", names)
    assert may_lack("institutions", names[:-2])
    assert not may_lack("institutions", names[:-3])
    assert not may_lack("institutions", [*names, "more"])
    assert not may_lack("works", TABLES["works"].names[:-1])
