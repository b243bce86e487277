"""Where engines read: the folders of this machine, or the address of a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus.corpus.schema import TABLES
from isthmus.engine import DuckDBEngine, stored
from isthmus.errors import MissingExtraError
from isthmus.pipeline.runner import run
from isthmus.study import Study
from tiny import LIGHT, random_works, write_corpus


@pytest.mark.parametrize(
    ("part", "address"),
    [
        ("/a/corpus/works/0.parquet", "s3a://bucket/ai/works/0.parquet"),
        ("/a/results/.work/novelty/2001.parquet", "/a/results/.work/novelty/2001.parquet"),
        ("/a/corpus-2/works/0.parquet", "/a/corpus-2/works/0.parquet"),
    ],
)
def test_parts_of_the_corpus_alone_are_read_from_the_store(part: str, address: str) -> None:
    for store in ("s3a://bucket/ai", "s3a://bucket/ai/"):
        assert stored(Path(part), (Path("/a/corpus"), store)) == address
    assert stored(Path(part), None) == part


def test_duckdb_reads_a_copy_by_its_address(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=3, n=60), tmp_path / "corpus")
    shutil.copytree(corpus.path, tmp_path / "copy")
    parts = corpus.parts("works")
    for part in parts:
        part.unlink()
    for store in (str(tmp_path / "copy"), (tmp_path / "copy").as_uri()):
        engine = DuckDBEngine(storage=(corpus.path, store))
        table = engine.collect(engine.read(parts, TABLES["works"]).select("work_id"))
        assert table.num_rows == corpus.rows("works") == 60
        engine.close()


def test_a_study_names_the_copy_and_the_results_are_those_of_the_corpus(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=4, n=200), tmp_path / "corpus")
    shutil.copytree(corpus.path, tmp_path / "copy")
    study = Study.parse(
        {"study": {"corpus": str(corpus.path), "years": [2000, 2008]}, "poles": LIGHT}
    )
    elsewhere = study.with_run(storage=(tmp_path / "copy").as_uri())
    one, other = run(study, tmp_path / "one"), run(elsewhere, tmp_path / "other")
    assert one.record["identity"] == other.record["identity"]
    assert one.table("country_year").equals(other.table("country_year"))


def test_without_httpfs_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # where DuckDB keeps its extensions
    with pytest.raises(
        MissingExtraError, match=r"^DuckDB reads s3://b/c with its extension httpfs"
    ):
        DuckDBEngine(storage=(tmp_path, "s3://b/c"))


def test_ids_that_do_not_repeat_are_kept_as_differences(tmp_path: Path) -> None:
    ids = np.random.default_rng(1).permutation(50_000) + 2_000_000_000
    engine, path = DuckDBEngine(), tmp_path / "kept.parquet"
    kept = engine.keep(engine.local(pa.table({"work_id": ids})), path)
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    assert "DELTA_BINARY_PACKED" in column.encodings
    assert column.total_compressed_size < 4 * ids.size
    assert sorted(engine.collect(kept)["work_id"].to_pylist()) == sorted(ids.tolist())
    engine.close()
