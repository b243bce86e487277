"""What the manifest of a release announces, against what was found and read.

The snapshot has, for each entity, a file ``manifest`` (or ``manifest.json``) that lists
its files with their bytes and records. A file is known by its last folders and name, for
the manifest names it by where it stood in the cloud.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from isthmus.corpus.manifest import Source
from isthmus.corpus.sources import ENTITY_FOLDERS

_NAMES = ("manifest", "manifest.json")


class _Meta(msgspec.Struct, frozen=True):
    content_length: int | None = None
    record_count: int | None = None


class _Entry(msgspec.Struct):
    url: str = ""
    meta: _Meta = _Meta()


class _Manifest(msgspec.Struct):
    entries: list[_Entry] = []


#: Where a file stands, by entity, folder and name -> its bytes and its records.
Announced = dict[tuple[str, ...], tuple[int | None, int | None]]


def read_announced(sources: Sequence[Path]) -> Announced:
    """Read the manifests in folders of a snapshot; one that cannot be read announces nothing."""
    found: Announced = {}
    for root in sources:
        for folder, _, names in os.walk(root) if root.is_dir() else ():
            for name in sorted(set(_NAMES).intersection(names)):
                found |= _entries(Path(folder, name))
    return found


def _entries(path: Path) -> Announced:
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=_Manifest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    entries = {}
    for entry in manifest.entries:
        key = _key(entry.url)
        if key is not None:
            entries[key] = (entry.meta.content_length, entry.meta.record_count)
    return entries


def _key(name: str) -> tuple[str, ...] | None:
    """Know a file by its entity and what follows it; None for entities that are not read."""
    parts = name.split("/")
    for place in range(len(parts) - 2, -1, -1):
        entity = ENTITY_FOLDERS.get(parts[place].lower())
        if entity is not None:
            return entity, *parts[place + 1 :]
    return None


def missing(announced: Announced, sources: Iterable[Source]) -> Counter[str]:
    """Count files and records that were announced and not found.

    Returns
    -------
    Counter
        ``files_missing``: files announced of an entity that was read, and not there;
        ``records_missing``: records fewer in a file than were announced for it;
        ``files_of_other_size``: files of other bytes than announced.
    """
    counts: Counter[str] = Counter()
    read = {_key(source.name) or (source.name,): source for source in sources}
    entities = {source.entity for source in read.values()}
    for key, (n_bytes, n_records) in announced.items():
        source = read.get(key)
        if source is None:
            counts["files_missing"] += key[0] in entities
            continue
        counts["files_of_other_size"] += n_bytes is not None and n_bytes != source.bytes
        counts["records_missing"] += max((n_records or 0) - source.records, 0)
    return counts
