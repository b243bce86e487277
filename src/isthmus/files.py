"""Files that appear whole or not at all.

A file or folder is written under a temporary name beside its target, flushed to
the disk, and renamed; whoever looks at the target sees the old content or the
new one, never a part. Failures of the operating system come back as one
sentence (:class:`~isthmus.errors.TargetError`).
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from isthmus.errors import TargetError

#: Endings of names that hold unfinished work; safe to delete when nobody writes.
PARTIAL_SUFFIX = ".partial"

#: Name of the file a writer locks in the folder it writes.
LOCK_NAME = ".lock"


@contextlib.contextmanager
def target_errors(target: Path) -> Iterator[None]:
    """Turn failures of the operating system on `target` into a sentence."""
    try:
        yield
    except OSError as error:
        raise target_error(target, error) from error


def target_error(target: Path, error: OSError) -> TargetError:
    """Say in one sentence why `target` could not be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        why = "the disk is full; free some space and run the same command again to go on"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        why = "writing is not permitted there; choose another place or change its permissions"
    else:
        why = error.strerror or str(error)
    return TargetError(f"Cannot write {target}: {why}.")


@contextlib.contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Return a temporary path; when the block ends without error it becomes `target`.

    The parent folder is made when missing. On an error the temporary file or
    folder is removed and `target` stays as it was.
    """
    partial = target.with_name(target.name + PARTIAL_SUFFIX)
    with target_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        remove(partial)
        try:
            yield partial
            if partial.is_dir():
                remove(target)
            else:
                _flush(partial)
            partial.replace(target)
            _flush(target.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                remove(partial)
            raise


@contextlib.contextmanager
def sole_writer(folder: Path, doing: str) -> Iterator[None]:
    """Hold `folder` as its only writer; a second process is refused with a sentence.

    The lock belongs to the process: it goes when the process ends, however it ends.
    """
    lock = FileLock(folder / LOCK_NAME)
    with target_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise TargetError(
                f"Another process is {doing} {folder}. Wait until it ends, or choose another place."
            ) from None
    try:
        yield
    finally:
        lock.release()


def read_text(path: Path) -> str:
    """Read a text file that a user made: see :func:`decoded`."""
    return decoded(path.read_bytes())


def decoded(content: bytes) -> str:
    """Decode UTF-8 or UTF-16, with or without a byte-order mark.

    UTF-16 without a mark is told by its zero bytes, which no text in UTF-8 holds.

    Raises
    ------
    UnicodeDecodeError
        The bytes are in some other encoding.

    Examples
    --------
    >>> [decoded("W1".encode(name)) for name in ("utf-8-sig", "utf-16", "utf-16-be")]
    ['W1', 'W1', 'W1']
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    head = content[:1000]
    if b"\0" in head:
        even, odd = head[::2].count(0), head[1::2].count(0)
        return content.decode("utf-16-le" if odd > even else "utf-16-be")
    return content.decode("utf-8-sig")


def write_text(target: Path, text: str) -> None:
    """Write `text` as UTF-8 so that `target` appears whole or not at all."""
    with atomic_path(target) as partial:
        partial.write_text(text, encoding="utf-8")


def write_once(target: Path, content: bytes) -> None:
    """Write a file that others may write at the same moment, with the same content."""
    target.parent.mkdir(parents=True, exist_ok=True)
    mine = target.with_name(f"{target.name}.{uuid4().hex}")
    with atomic_path(mine) as partial:
        partial.write_bytes(content)
    mine.replace(target)


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
