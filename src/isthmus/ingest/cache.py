"""What was read, kept beside a corpus: of a newer release only changed files are read.

A file counts as unchanged when its content does, whatever its name or date. What was read
of it does not depend on merged or deleted ids, which are applied when a corpus is made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

import msgspec

from isthmus.corpus.schema import LAYOUT
from isthmus.files import remove, sha256
from isthmus.ingest.sources import Input
from isthmus.ingest.units import Batch, BatchDone, load_done

_FOLDER = "cache"


class Cache:
    """Batches that were read before, in a folder of the corpus."""

    def __init__(self, target: Path) -> None:
        self.folder = target / _FOLDER
        self._sizes = {source.bytes for _, done in self._entries() for source in done.sources}

    def find(self, inputs: Sequence[Input]) -> Batch | None:
        """Return what was read of files of the same content; None when they have to be read."""
        if not self._sizes.issuperset(item.size for item in inputs):
            return None
        path = self._place(inputs, [sha256(item.path) for item in inputs])
        done = load_done(path)
        if done is None:
            return None
        named = [
            msgspec.structs.replace(source, name=item.name)
            for source, item in zip(done.sources, inputs, strict=True)
        ]
        return Batch(path, msgspec.structs.replace(done, sources=named))

    def keep(self, inputs: Sequence[Sequence[Input]], batches: Sequence[Batch]) -> None:
        """Keep what was read of these files, and nothing else."""
        self.folder.mkdir(exist_ok=True)
        wanted = set()
        for group, batch in zip(inputs, batches, strict=True):
            path = self._place(group, [source.sha256 for source in batch.done.sources])
            if batch.folder != path and path not in wanted:
                remove(path)
                batch.folder.rename(path)
            wanted.add(path)
        for path in self.folder.iterdir():
            if path not in wanted:
                remove(path)

    def holds(self, inputs: Sequence[Sequence[Input]]) -> bool:
        """Say whether what was read of every one of these files is kept."""
        return all(self.find(group) is not None for group in inputs)

    def _place(self, inputs: Sequence[Input], digests: Sequence[str]) -> Path:
        what = [
            [LAYOUT, version("isthmus")],
            *(
                [item.entity, item.form, item.member, item.constants, digest]
                for item, digest in zip(inputs, digests, strict=True)
            ),
        ]
        digest = hashlib.sha256(json.dumps(what).encode()).hexdigest()
        return self.folder / f"{inputs[0].entity}-{digest[:32]}"

    def _entries(self) -> Iterator[tuple[Path, BatchDone]]:
        if self.folder.is_dir():
            for path in sorted(self.folder.iterdir()):
                done = load_done(path)
                if done is not None:
                    yield path, done
