"""An ingest killed at any moment is completed by the same command, to the same bytes."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ingest.samples import HOME, author, work, write_lines
from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import Corpus, open_corpus
from isthmus.corpus.verify import verify
from isthmus.errors import CorpusError, TargetError
from isthmus.files import sole_writer
from isthmus.ingest import assemble, lines, reading, stage
from isthmus.ingest import ingest as module
from isthmus.ingest.ingest import ingest

# Small chunks and units, so that a small input has many.
SCRIPT = """
import sys
from pathlib import Path
from isthmus.ingest import ingest, lines, reading, stage
lines.CHUNK_BYTES, lines._PIECE_BYTES = 1 << 15, 1 << 13
stage.SMALL_BYTES = 0
reading.UNIT_WORKS = 60
target, workers, *sources = sys.argv[1:]
ingest.ingest([Path(s) for s in sources], target, workers=int(workers))
"""


def small(patch: pytest.MonkeyPatch) -> None:
    """Small chunks and units, so that a small input has many."""
    patch.setattr(lines, "CHUNK_BYTES", 1 << 16)
    patch.setattr(lines, "_PIECE_BYTES", 1 << 13)
    patch.setattr(stage, "SMALL_BYTES", 0)
    patch.setattr(reading, "UNIT_WORKS", 60)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], Corpus]:
    """Inputs of small units, and the corpus that an undisturbed reading makes of them."""
    folder = tmp_path_factory.mktemp("calm")
    sources = inputs(folder / "in")
    with pytest.MonkeyPatch.context() as patch:
        small(patch)
        return sources, ingest(sources, folder / "calm", workers=1)


def inputs(folder: Path) -> list[Path]:
    """Two files with repeats within and between them, bad lines, and merged ids."""
    rng = random.Random(4)

    def many(n: int, updated: str) -> list[object]:
        records: list[object] = []
        for _ in range(n):
            identifier = rng.randrange(1, 320)
            cited = [f"{HOME}W{rng.randrange(1, 320)}" for _ in range(rng.randrange(9))]
            people = [author(rng.randrange(1, 99), (rng.randrange(1, 50), "US")) for _ in range(3)]
            records.append(
                work(
                    identifier,
                    updated_date=updated,
                    referenced_works=cited,
                    authorships=people,
                    title="t" * rng.randrange(300),
                )
            )
        return [*records, b"{broken"]

    merged = folder / "merged_ids" / "authors" / "2023-01-01.csv"
    merged.parent.mkdir(parents=True)
    merged.write_text("merge_date,id,merge_into_id\n2023-01-01,A7,A8\n2023-01-01,A9,A10\n")
    return [
        write_lines(folder / "a.jsonl.gz", many(240, "2024-01-01")),
        write_lines(folder / "b.jsonl", many(240, "2024-02-01")),
        merged,
    ]


def command(script: Path, target: Path, workers: int, sources: list[Path]) -> list[str]:
    return [sys.executable, str(script), str(target), str(workers), *map(str, sources)]


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    sources = inputs(tmp_path / "in")
    calm = tmp_path / "calm"
    begin = time.monotonic()
    subprocess.run(command(script, calm, 1, sources), check=True)
    whole = time.monotonic() - begin
    expected = content(calm)
    assert verify(calm).problems == []
    rng = random.Random(1)
    killed = 0
    for attempt in range(2):
        target = tmp_path / f"killed-{attempt}"
        for _ in range(3):
            process = subprocess.Popen(command(script, target, 1 + attempt % 2, sources))
            time.sleep(rng.uniform(0.2, 0.9) * whole)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() != 0
            finished = (target / "manifest.json").exists()
            if finished:
                assert open_corpus(target).hash == open_corpus(calm).hash
            else:
                with pytest.raises(CorpusError, match=r"unfinished|no such folder|has no manifest"):
                    open_corpus(target)
        subprocess.run(command(script, target, 2, sources), check=True)
        assert content(target) == expected
    assert killed > 0


@pytest.mark.parametrize("after", [1, 3, 7, 12, 18])
def test_stopped_after_any_write_it_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calm: tuple[list[Path], Corpus], after: int
) -> None:
    """Renaming is how everything appears; stop at a given one, then run again."""
    small(monkeypatch)
    sources, undisturbed = calm
    renames = 0
    rename = Path.replace

    def failing(self: Path, target: Path) -> Path:
        nonlocal renames
        renames += 1
        if renames == after:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", failing)
        with pytest.raises(KeyboardInterrupt):
            ingest(sources, tmp_path / "stopped", workers=1)
    with pytest.raises(CorpusError, match=r"isthmus ingest .* --to|has no manifest"):
        open_corpus(tmp_path / "stopped")
    assert ingest(sources, tmp_path / "stopped", workers=1).hash == undisturbed.hash
    assert content(tmp_path / "stopped") == content(undisturbed.path)


def test_workers_do_not_change_a_byte_and_units_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = inputs(tmp_path / "in")
    alone = ingest(sources, tmp_path / "alone", workers=1)
    assert ingest(sources, tmp_path / "two", workers=2).hash == alone.hash
    assert content(tmp_path / "two") == content(tmp_path / "alone")
    monkeypatch.setattr(reading, "UNIT_WORKS", 60)
    monkeypatch.setattr(lines, "CHUNK_BYTES", 1 << 16)
    other = ingest(sources, tmp_path / "units", workers=1)
    for table in TABLES:
        rows = [sorted(map(str, c.read(table).to_pylist())) for c in (alone, other)]
        assert rows[0] == rows[1], table
    left, right = alone.manifest, other.manifest
    assert (left.rejected, left.set_aside, left.notes) == (
        right.rejected,
        right.set_aside,
        right.notes,
    )


def test_finished_corpus_is_not_made_again(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "works.jsonl", [work(1)])
    ingest([path], tmp_path / "corpus")
    before = (tmp_path / "corpus" / "manifest.json").stat().st_mtime_ns
    assert ingest([path], tmp_path / "corpus").rows("works") == 1
    assert (tmp_path / "corpus" / "manifest.json").stat().st_mtime_ns == before
    other = write_lines(tmp_path / "other.jsonl", [work(2)])
    with pytest.raises(TargetError, match="already holds a finished corpus"):
        ingest([other], tmp_path / "corpus")
    assert open_corpus(tmp_path / "corpus").read("works")["work_id"].to_pylist() == [1]


def test_unfinished_corpus_of_another_command_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    first = write_lines(tmp_path / "first.jsonl", [work(1)])
    with monkeypatch.context() as patch:
        patch.setattr(module, "Assembly", stop)
        with pytest.raises(KeyboardInterrupt):
            ingest([first], tmp_path / "corpus")
    second = write_lines(tmp_path / "second.jsonl", [work(2)])
    with pytest.raises(TargetError, match=r"another command.*first\.jsonl"):
        ingest([second], tmp_path / "corpus")


def test_source_that_changed_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    path = write_lines(tmp_path / "works.jsonl", [work(1, title="old")])
    with monkeypatch.context() as patch:
        patch.setattr(module, "Assembly", stop)
        with pytest.raises(KeyboardInterrupt):
            ingest([path], tmp_path / "corpus")
    write_lines(path, [work(1, title="new")])
    os.utime(path, ns=(1, 1))
    assert ingest([path], tmp_path / "corpus").read("works")["title"].to_pylist() == ["new"]


def test_second_process_on_the_same_target_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "works.jsonl", [work(1)])
    with (
        sole_writer(tmp_path / "corpus", "ingesting into"),
        pytest.raises(TargetError, match="Another process is ingesting into"),
    ):
        ingest([path], tmp_path / "corpus")


@pytest.mark.parametrize(
    ("where", "name"), [(lines.os, "posix_fallocate"), (reading, "copy"), (assemble, "copy")]
)
def test_full_disk_gives_one_sentence_and_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = write_lines(tmp_path / "works.jsonl", [work(1)])
    with monkeypatch.context() as patch:
        patch.setattr(where, name, full)
        with pytest.raises(TargetError, match="the disk is full") as caught:
            ingest([path], tmp_path / "corpus", workers=1)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "corpus" / "manifest.json").exists()
    assert ingest([path], tmp_path / "corpus").rows("works") == 1


def test_read_only_target_gives_one_sentence(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "works.jsonl", [work(1)])
    with pytest.raises(TargetError, match="Cannot write"):
        ingest([path], Path("/proc/isthmus-corpus"))


@pytest.mark.skipif(
    os.geteuid() != 0 if hasattr(os, "geteuid") else True, reason="mounting needs root"
)
def test_really_full_disk(tmp_path: Path) -> None:
    mount = tmp_path / "tiny"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(mount)], capture_output=True
    )
    if done.returncode:
        pytest.skip("this system does not let the test mount a small file system")
    try:
        sources = inputs(tmp_path / "in")
        with pytest.raises(TargetError, match="the disk is full") as caught:
            ingest(sources, mount / "corpus", workers=1)
        assert "\n" not in str(caught.value)
        assert not (mount / "corpus" / "manifest.json").exists()
    finally:
        subprocess.run(["umount", "--lazy", str(mount)], check=True)
