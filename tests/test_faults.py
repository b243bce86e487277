"""What users really have: missing files, empty corpora, full and read-only disks.

Each gives one sentence on standard error, an exit code that is not 0, no
traceback, and leaves nothing half-written.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import isthmus
from tiny import LIGHT_TOML, random_works, write_corpus


def assert_one_sentence(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert words in " ".join(done.stderr.split()), done.stderr
    assert done.stderr.strip().startswith("Error: ")
    assert done.stderr.strip().endswith(".")


def study_file(folder: Path, corpus: Path, more: str = "") -> Path:
    path = folder / "study.toml"
    path.write_text(f'[study]\ncorpus = "{corpus}"\nyears = [2001, 2007]\n{more}{LIGHT_TOML}')
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(random_works(seed=1, n=2000), tmp_path_factory.mktemp("c") / "corpus").path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 96 MB of its own, where this process may mount one (CI may)."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        assert not os.environ.get("CI"), "CI must be able to mount a small disk"
        pytest.skip("mounting a small disk needs root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_missing_files(tmp_path: Path, corpus: Path) -> None:
    done = isthmus("ingest", tmp_path / "absent.jsonl", "--to", tmp_path / "c")
    assert_one_sentence(done, "absent.jsonl")
    assert not (tmp_path / "c").exists()
    done = isthmus("run", tmp_path / "absent.toml", "--to", tmp_path / "r")
    assert_one_sentence(done, "There is no study file")
    done = isthmus("run", study_file(tmp_path, tmp_path / "nowhere"), "--to", tmp_path / "r")
    assert_one_sentence(done, "nowhere")
    done = isthmus("plan", study_file(tmp_path, tmp_path / "nowhere"))
    assert_one_sentence(done, "nowhere")
    done = isthmus("verify", tmp_path / "nowhere")
    assert_one_sentence(done, "nowhere")
    assert not (tmp_path / "r").exists()


def test_an_empty_corpus(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("")
    done = isthmus("ingest", tmp_path / "empty.jsonl", "--to", tmp_path / "c")
    assert_one_sentence(done, "empty.jsonl is empty")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("[feild]\nsubfields = [1702]\n", "did you mean `field`"),
        ("[impact]\nwindow = -1\n", "impact.window"),
    ],
)
def test_studies_that_cannot_be(tmp_path: Path, corpus: Path, more: str, words: str) -> None:
    done = isthmus("run", study_file(tmp_path, corpus, more), "--to", tmp_path / "r")
    assert_one_sentence(done, words)
    assert not (tmp_path / "r").exists()


def test_a_corpus_of_one_country(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "works.jsonl.gz", "wt") as stream:
        for i in range(1, 20):
            institution = {"id": f"https://openalex.org/I{i}", "country_code": "FR"}
            author = {"author": {"id": "https://openalex.org/A1"}, "institutions": [institution]}
            work = {"id": f"https://openalex.org/W{i}", "publication_year": 2003}
            stream.write(json.dumps({**work, "authorships": [author]}) + "\n")
    done = isthmus("ingest", tmp_path / "works.jsonl.gz", "--to", tmp_path / "c")
    assert done.returncode == 0, done.stderr
    done = isthmus("run", study_file(tmp_path, tmp_path / "c"), "--to", tmp_path / "r")
    assert done.returncode == 0, done.stderr
    assert "Most works have France" in " ".join(done.stderr.split())
    assert (tmp_path / "r" / "index.html").is_file()


def whole_files(folder: Path) -> bool:
    import pyarrow.parquet as pq

    for path in folder.glob("*.parquet"):
        pq.read_table(path)
    return not list(folder.glob("*.partial"))


def test_a_full_disk(tmp_path: Path, corpus: Path, small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (96 * 1024 - 124) * 1024)
    study = study_file(tmp_path, corpus)
    done = isthmus("run", study, "--to", small_disk / "r")
    assert_one_sentence(done, "disk")
    assert whole_files(small_disk / "r")
    assert not (small_disk / "r" / "run.json").exists()
    filler.unlink()
    done = isthmus("run", study, "--to", small_disk / "r")
    assert done.returncode == 0, done.stderr


def test_a_read_only_target(tmp_path: Path, corpus: Path, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = isthmus("run", study_file(tmp_path, corpus), "--to", small_disk / "r")
    assert_one_sentence(done, "not permitted")
    done = isthmus("simulate", "--works", 1000, "--to", small_disk / "w")
    assert_one_sentence(done, "not permitted")
    (tmp_path / "empty.jsonl").write_text("")
    done = isthmus("ingest", tmp_path / "empty.jsonl", "--to", small_disk / "c")
    assert_one_sentence(done, "not permitted")
    assert not list(small_disk.iterdir())
