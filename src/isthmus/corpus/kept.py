"""What was read, kept beside a corpus: of a newer release only changed files are read.

A file counts as unchanged when its content does, whatever its name or date. What was
read of it holds ids as the merges of its time left them, so where merges were added,
changed or taken back since, a file is read again if it names one of the ids concerned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from isthmus.corpus.ids import Ints
from isthmus.corpus.manifest import Source
from isthmus.corpus.merged import load_merged, save_merged
from isthmus.corpus.sources import Input
from isthmus.corpus.staging import Chunks, SourceDone, Staged, load_done, load_table
from isthmus.corpus.standing import NOTE_NAME
from isthmus.files import PARTIAL_SUFFIX, remove, sha256, write_text

_FOLDER, _MERGES, _READ_UNDER = "kept", "merges", "merges.txt"

_TAKEN_BACK = "taken back"

#: Entity of merged ids -> tables and columns of a chunk that hold its ids.
_HOLDERS = {
    "works": (("works", "work_id"), ("references", "cited_id")),
    "authors": (("authorships", "author_id"), ("authors_entity", "author_id")),
    "institutions": (
        ("affiliations", "institution_id"),
        ("institutions", "institution_id"),
        ("institutions_entity", "institution_id"),
        ("authors_entity", "institution_id"),
    ),
    "sources": (("works", "venue_id"), ("venues", "venue_id"), ("venues_entity", "venue_id")),
}


class Kept:
    """Staged files of releases read before, in a folder of the corpus.

    Parameters
    ----------
    target
        Folder of the corpus.
    merges
        Merged ids of the release read now.
    """

    def __init__(self, target: Path, merges: dict[str, Ints]) -> None:
        self.folder = target / _FOLDER
        self._merges = merges
        self._digest = _digest(merges)
        self._sizes = {done.bytes for _, done in self._entries()}
        self._concerned: dict[str, dict[str, Ints] | None] = {}
        self._found: dict[Path, Chunks | None] = {}

    def find(self, item: Input) -> Chunks | None:
        """Give what was read of a file of the same content; None when it has to be read."""
        if item.path not in self._found:
            self._found[item.path] = self._find(item)
        return self._found[item.path]

    def _find(self, item: Input) -> Chunks | None:
        if item.size not in self._sizes:
            return None
        path = self._place(item.entity, sha256(item.path))
        done = load_done(path)
        if done is None or self._is_concerned(path, done):
            return None
        return Chunks(path, done)

    def keep(self, staged: Staged) -> None:
        """Keep what was read of these files, and nothing else."""
        write_under = self.folder / _MERGES / self._digest
        if not write_under.exists():
            partial = write_under.with_name(write_under.name + PARTIAL_SUFFIX)
            remove(partial)
            save_merged(partial, self._merges)
            partial.rename(write_under)
        wanted = set()
        for chunks in staged.sources:
            path = self._place(chunks.done.entity, chunks.done.sha256)
            write_text(chunks.folder / _READ_UNDER, self._digest)
            if chunks.folder != path and path not in wanted:
                remove(path)
                path.parent.mkdir(parents=True, exist_ok=True)
                chunks.folder.rename(path)
            wanted.add(path)
        for path, _ in list(self._entries()):
            if path not in wanted:
                remove(path)
        for path in (self.folder / _MERGES).iterdir():
            if path != write_under:
                remove(path)
        (staged.folder / NOTE_NAME).replace(self.folder / NOTE_NAME)

    def knows_merges(self) -> bool:
        """Say whether what is kept was put together under these very merges."""
        return (self.folder / _MERGES / self._digest).exists()

    def holds(self, sources: Sequence[Source]) -> bool:
        """Say whether what was read of every one of these sources is kept."""
        there = {(done.entity, done.sha256) for _, done in self._entries()}
        return there >= {(source.entity, source.sha256) for source in sources}

    def _place(self, entity: str, digest: str) -> Path:
        return self.folder / f"{entity}-{digest}"

    def _entries(self) -> Iterator[tuple[Path, SourceDone]]:
        if not self.folder.is_dir():
            return
        for path in sorted(self.folder.iterdir()):
            done = load_done(path)
            if done is not None:
                yield path, done

    def _is_concerned(self, path: Path, done: SourceDone) -> bool:
        """Say whether a file names an id that merges treat otherwise than when it was read."""
        try:
            digest = (path / _READ_UNDER).read_text(encoding="utf-8")
        except OSError:
            return True
        if digest not in self._concerned:
            before = load_merged(self.folder / _MERGES / digest)
            self._concerned[digest] = None if before is None else _changed(before, self._merges)
        ids = self._concerned[digest]
        if ids is None:
            return True
        for chunk, receipt in Chunks(path, done).receipts():
            if _TAKEN_BACK in ids and receipt.notes.get("merged_away"):
                return True
            for entity, holders in _HOLDERS.items():
                for name, column in holders if entity in ids else ():
                    if _names(load_table(chunk, receipt, name), column, ids[entity]):
                        return True
        return False


def _names(rows: pa.Table | None, column: str, ids: Ints) -> bool:
    """Say whether a column holds one of the sorted ids."""
    if rows is None or column not in rows.column_names:
        return False
    found = rows[column].fill_null(0).to_numpy()
    at = np.minimum(np.searchsorted(ids, found), len(ids) - 1)
    return bool((ids[at] == found).any())


def _changed(before: dict[str, Ints], now: dict[str, Ints]) -> dict[str, Ints]:
    """Give the ids, by entity, whose merging differs, and what they had become.

    Records that were left out as merged away stand nowhere, so that merges were taken back
    is told apart, under :data:`_TAKEN_BACK`.
    """
    none = np.empty((2, 0), np.int64)
    changed = {}
    for entity in before.keys() | now.keys():
        old, new = before.get(entity, none), now.get(entity, none)
        old_pairs = {(a, b) for a, b in old.T.tolist()}
        new_pairs = {(a, b) for a, b in new.T.tolist()}
        gone, added = old_pairs - new_pairs, new_pairs - old_pairs
        ids = {a for a, _ in gone | added} | {b for _, b in gone}
        if ids:
            changed[entity] = np.array(sorted(ids), np.int64)
        if gone:
            changed[_TAKEN_BACK] = changed[entity]
    return changed


def _digest(merges: dict[str, Ints]) -> str:
    digest = hashlib.sha256()
    for entity in sorted(merges):
        digest.update(entity.encode())
        digest.update(np.ascontiguousarray(merges[entity]).tobytes())
    return digest.hexdigest()
