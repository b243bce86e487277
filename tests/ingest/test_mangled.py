"""Mangled files end with every record accounted for, and no reader ends with a traceback.

A short, seeded run of what `benchmarks/fuzz` does for hours: bytes of good files are
flipped, cut, doubled and mixed. Tolerances: none.
"""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from ingest.samples import work, write_lines
from isthmus.corpus import manifest as manifests
from isthmus.corpus.verify import verify
from isthmus.errors import CorpusError, IsthmusError, StudyError
from isthmus.files import remove
from isthmus.ingest.ingest import ingest
from isthmus.ingest.openalex.id_tables import read_identifiers
from isthmus.ingest.sources import Input
from isthmus.study import Study

STUDY = b'[study]\ncorpus = "c"\nyears = [2000, 2021]\n[field]\nsubfields = [1702]\n'
MERGED = b"merge_date,id,merge_into_id\n2023-01-01,W7,W8\n2023-01-01,A9,A10\n"


def mangled(data: bytes, rng: random.Random) -> bytes:
    """Change some bytes: flip, cut, double, or put something there that files hate."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(changed) + 1)
        to = min(at + rng.randrange(1, 40), len(changed))
        piece = [
            bytes(rng.randrange(256) for _ in range(rng.randrange(1, 5))),
            b"",
            bytes(changed[at:to]) * 2,
            rng.choice([b"\r", b"\n", b"\xff", b"\0", b'"', b"{", b"]", b"\\", b"1e999", b"null"]),
        ][rng.randrange(4)]
        changed[at:to] = piece
    return bytes(changed)


@pytest.mark.parametrize("kind", ["works.jsonl", "works.jsonl.gz", "works.json"])
def test_mangled_files_of_works_are_accounted_for(tmp_path: Path, kind: str) -> None:
    """`verify` compares records read with those kept, repeated and rejected."""
    rng = random.Random(kind)
    folder = tmp_path / "in"
    good = write_lines(tmp_path / kind, [work(n) for n in range(1, 6)]).read_bytes()
    for number in range(60):
        target = folder / f"{number:03d}" / kind
        target.parent.mkdir(parents=True)
        target.write_bytes(mangled(good, rng))
    (folder / "zzz").mkdir()
    write_lines(folder / "zzz" / "works.jsonl", [work(99)])
    corpus = ingest([folder], tmp_path / "corpus", workers=1)
    assert verify(corpus.path).problems == []
    assert 99 in corpus.read("works")["work_id"].to_pylist()
    assert corpus.manifest.rejected or corpus.manifest.notes["file_cut_off"]


@pytest.mark.parametrize("seed", range(100))
def test_mangled_settings_and_manifests_are_read_or_refused(tmp_path: Path, seed: int) -> None:
    """Anything but the errors made on purpose fails the test."""
    rng = random.Random(seed)
    study = tmp_path / "study.toml"
    study.write_bytes(mangled(STUDY, rng))
    with suppress(StudyError):
        Study.load(study)
    manifest = b'{"source": "openalex", "tables": {"works": []}, "schema_version": 2}'
    (tmp_path / manifests.MANIFEST_NAME).write_bytes(mangled(manifest, rng))
    with suppress(CorpusError):
        _ = manifests.load(tmp_path).hash
    merged = tmp_path / "2024-01-01.csv"
    merged.write_bytes(mangled(MERGED, rng))
    with suppress(IsthmusError):
        read_identifiers([Input(merged, merged.name, "merged_ids", "table", 1)])
    remove(merged)


#: Inputs that once ended with a traceback.
FOUND = [
    (
        "works.jsonl",
        b'{"id": "https://openalex.org/W5", "publication_year": 2020, '
        b'"referenced_works": ["\xe5("]}\n',
    ),
    (
        "works.json",
        b'{"meta": {"count": 1}, "results": [{"id": "https://openalex.org/W5", '
        b'"publication_year": 2020, "title": "\x9f", "referenced_works": ["\xe5"]}]}',
    ),
]


@pytest.mark.parametrize(("name", "data"), FOUND)
def test_text_that_is_not_utf8_is_damage_and_no_traceback(
    tmp_path: Path, name: str, data: bytes
) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "good.jsonl").write_text('{"id": "W1", "publication_year": 2000}')
    corpus = ingest([tmp_path / name, tmp_path / "good.jsonl"], tmp_path / "corpus")
    assert verify(corpus.path).problems == []
    assert corpus.rows("works") + sum(corpus.manifest.rejected.values()) == 2


def test_tables_of_merged_ids_and_manifests_that_are_not_utf8(tmp_path: Path) -> None:
    merged = tmp_path / "2024-01-01.csv"
    merged.write_bytes(b"merge_date,id,merge_into_id\r2023-01-01,W7\r,W8\n2023-01-01,A9,A\xff\n")
    read_identifiers([Input(merged, merged.name, "merged_ids", "table", 1)])
    (tmp_path / manifests.MANIFEST_NAME).write_bytes(b'{"source": "\x9f", "tables": {}}')
    with pytest.raises(CorpusError, match="not the manifest of a corpus"):
        manifests.load(tmp_path)
