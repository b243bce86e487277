"""Files appear whole or not at all; failures of the disk are sentences."""

from __future__ import annotations

import errno
import multiprocessing
from pathlib import Path

import pytest

from isthmus.errors import TargetError
from isthmus.files import atomic_path, sha256, sole_writer, target_error, write_text


def test_a_failed_write_leaves_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    write_text(target, "old")

    def fail_half_way() -> None:
        with atomic_path(target) as partial:
            partial.write_text("half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert target.read_text() == "old"
    assert [p.name for p in target.parent.iterdir()] == ["file.txt"]


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    for name in ("first", "second"):
        with atomic_path(target) as partial:
            partial.mkdir()
            (partial / name).write_text(name)
    assert [p.name for p in target.iterdir()] == ["second"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "not permitted"),
        (errno.EROFS, "not permitted"),
        (errno.EISDIR, "Is a directory"),
    ],
)
def test_faults_of_the_disk_are_sentences(tmp_path: Path, code: int, words: str) -> None:
    import os

    fault = OSError(code, os.strerror(code))
    assert words in str(target_error(tmp_path, fault))
    with pytest.raises(TargetError, match=words), atomic_path(tmp_path / "x"):
        raise fault


def test_a_target_below_a_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(TargetError, match="Cannot write"):
        write_text(tmp_path / "file" / "below", "text")


def _try_to_write(folder: Path, said: multiprocessing.Queue) -> None:
    try:
        with sole_writer(folder, "writing to"):
            said.put("wrote")
    except TargetError as error:
        said.put(str(error))


def test_the_second_writer_is_refused(tmp_path: Path) -> None:
    said: multiprocessing.Queue = multiprocessing.Queue()
    for expected in ("Another process", "wrote"):
        process = multiprocessing.Process(target=_try_to_write, args=(tmp_path, said))
        if expected == "wrote":
            process.start()
            assert said.get(timeout=30) == "wrote"
        else:
            with sole_writer(tmp_path, "writing to"):
                process.start()
                assert said.get(timeout=30).startswith(expected)
        process.join()


def test_sha256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
