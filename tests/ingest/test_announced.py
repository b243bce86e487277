"""Manifests of releases against what was read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ingest.samples import work
from isthmus.corpus.announced import read_announced
from isthmus.ingest.ingest import ingest


def entry(url: str, n_bytes: int | None, n_records: int | None) -> dict[str, object]:
    return {"url": url, "meta": {"content_length": n_bytes, "record_count": n_records}}


@pytest.mark.parametrize("layout", ["data/works", "data/jsonl/works"])
def test_files_and_records_that_were_announced_and_are_missing(tmp_path: Path, layout: str) -> None:
    folder = tmp_path / layout
    packed = []
    for n, size in enumerate((3, 4)):
        file = folder / f"updated_date=2025-01-0{n + 1}" / "part_000.gz"
        file.parent.mkdir(parents=True)
        lines = "\n".join(json.dumps(work(10 * n + k + 1)) for k in range(size))
        file.write_bytes(gzip.compress(lines.encode(), mtime=0))
        packed.append(file.stat().st_size)
    home = "s3://openalex/" + layout
    entries = [
        entry(f"{home}/updated_date=2025-01-01/part_000.gz", packed[0], 3),
        entry(f"{home}/updated_date=2025-01-02/part_000.gz", packed[1] + 1, 9),
        entry(f"{home}/updated_date=2025-01-03/part_000.gz", 5, 2),
        entry("s3://openalex/data/authors/updated_date=2025-01-03/part_000.gz", 5, 2),
        entry("elsewhere", None, None),
    ]
    (folder / "manifest").write_text(json.dumps({"entries": entries, "meta": {"more": 1}}))
    notes = ingest([tmp_path], tmp_path / "corpus", workers=1).manifest.notes
    assert notes["files_missing"] == 1
    assert notes["files_of_other_size"] == 1
    assert notes["records_missing"] == 5


@pytest.mark.parametrize("text", ["", "{", "[]", '{"entries": 3}', '{"entries": [{"url": 1}]}'])
def test_manifests_that_are_none_announce_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    assert read_announced([tmp_path]) == {}
