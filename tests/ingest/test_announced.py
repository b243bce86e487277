"""Manifests of releases against what was read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ingest.samples import work
from isthmus.cli.verbs import app
from isthmus.corpus.verify import verify
from isthmus.ingest.ingest import ingest

runner = CliRunner()


def entry(url: str, n_bytes: int | None, n_records: int | None) -> dict[str, object]:
    return {"url": url, "meta": {"content_length": n_bytes, "record_count": n_records}}


@pytest.mark.parametrize("form", ["entries", "files", "entities"])
@pytest.mark.parametrize("layout", ["data/works", "data/jsonl/works"])
def test_files_and_records_that_were_announced_and_are_missing(
    tmp_path: Path, layout: str, form: str
) -> None:
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
    content: dict[str, object] = {"entries": entries, "meta": {"more": 1}}
    if form != "entries":
        content = {"date": "2026-02-25", "format": "jsonl", "entity": "works", "files": entries}
    if form == "entities":
        content = {"date": "2026-02-25", "entities": [content]}
    (folder / "manifest").write_text(json.dumps(content))
    manifest = ingest([tmp_path], tmp_path / "corpus", workers=1).manifest
    assert manifest.notes["files_missing"] == 1
    assert manifest.notes["files_of_other_size"] == 1
    assert manifest.notes["records_missing"] == 5 + 2
    (warning,) = manifest.warnings
    assert "updated_date=2025-01-03/part_000.gz is announced with 2 records" in warning
    assert manifest.release == (None if form == "entries" else "2026-02-25")
    found = verify(tmp_path / "corpus")
    assert found.warnings == [warning]
    (problem,) = found.problems
    assert "lacks 7 records that its release announces (1 files" in problem
    assert runner.invoke(app, ["verify", str(tmp_path / "corpus")]).exit_code == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"entries": 3}', '{"entries": [{"url": 1}]}'])
def test_manifests_that_are_none_announce_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    (tmp_path / "works.jsonl").write_text(json.dumps(work(1)))
    manifest = ingest([tmp_path], tmp_path / "corpus", workers=1).manifest
    assert "files_missing" not in manifest.notes
    assert not manifest.warnings


@pytest.mark.parametrize(
    ("release", "warned"), [("2025-10-27", 0), ("2025-11-10", 1), ("2026-01", 1), ("2026-02-25", 0)]
)
def test_releases_that_cannot_be_compared_are_named(
    tmp_path: Path, release: str, warned: int
) -> None:
    (tmp_path / "works.jsonl").write_text(json.dumps(work(1)))
    corpus = ingest([tmp_path / "works.jsonl"], tmp_path / "corpus", release=release)
    assert len(corpus.manifest.warnings) == warned
