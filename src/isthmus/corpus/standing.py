"""Parts of the corpus before that an update leaves standing.

Where the works read first are those that the corpus before began with, its first parts
hold the rows that would be written again, so they stay. Which works of the corpus before
gave way to newer versions is noted with what is kept of its files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from isthmus.corpus import store
from isthmus.corpus.ids import Ints
from isthmus.corpus.manifest import Manifest, Part
from isthmus.corpus.staging import Staged
from isthmus.files import atomic_path, sha256

#: Name of the note, beside what was read.
NOTE_NAME = "superseded.json"


class _Note(msgspec.Struct, frozen=True, kw_only=True):
    """Which works of a corpus gave way, by place of reading, and who wrote the corpus."""

    corpus: str
    writer: list[str | int]
    superseded: list[int]


def _writer() -> list[str | int]:
    """What the bytes of a part depend on beside its rows."""
    return [version("isthmus"), pa.__version__, store.ROW_GROUP_ROWS, store.PARTS_OF_A_SIZE]


def _digest(manifest: Manifest) -> str:
    """Tell a corpus, and the files it was made of, from every other."""
    return hashlib.sha256(msgspec.json.encode(manifest, order="deterministic")).hexdigest()


def note(folder: Path, manifest: Manifest, superseded: Ints) -> None:
    """Note in a folder which works of a corpus gave way."""
    content = _Note(corpus=_digest(manifest), writer=_writer(), superseded=superseded.tolist())
    with atomic_path(folder / NOTE_NAME) as partial:
        partial.write_bytes(msgspec.json.encode(content))


@dataclass(frozen=True)
class Standing:
    """The corpus before, whose first parts may stay.

    Attributes
    ----------
    folder
        Folder of the corpus.
    kept
        Folder of what was read of its files.
    manifest
        Its manifest.
    superseded
        Its works, by place of reading, that gave way to newer versions.
    """

    folder: Path
    kept: Path
    manifest: Manifest
    superseded: Ints

    @classmethod
    def find(cls, folder: Path, kept: Path, manifest: Manifest) -> Standing | None:
        """Find the note of this very corpus; None where it has none, or others wrote it."""
        try:
            found = msgspec.json.decode((kept / NOTE_NAME).read_bytes(), type=_Note)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if found.corpus != _digest(manifest) or found.writer != _writer():
            return None
        return cls(folder, kept, manifest, np.array(found.superseded, np.int64))

    def unchanged(self, staged: Staged, superseded: Ints) -> int:
        """Count the works, in the order of reading, before the first that differs."""
        before = [source.sha256 for source in self.manifest.sources if source.entity == "works"]
        works = [chunks for chunks in staged.sources if chunks.done.entity == "works"]
        n_works = 0
        for digest, chunks in zip(before, works, strict=False):
            if chunks.folder.parent != self.kept or chunks.done.sha256 != digest:
                break
            n_works += sum(receipt.works for _, receipt in chunks.receipts())
        differing = np.setxor1d(self.superseded, superseded, assume_unique=True)
        return int(min([n_works, *differing[:1]]))

    def parts(self, table: str, rows: int) -> list[Part]:
        """Give the first parts of a table that hold no more than its first `rows` rows."""
        stay: list[Part] = []
        for number, part in enumerate(self.manifest.tables.get(table, [])):
            path = self.folder / part.path
            rows -= store.part_rows(number)
            if rows < 0 or not path.is_file() or sha256(path) != part.sha256:
                break
            stay.append(part)
        return stay
