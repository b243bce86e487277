"""Tables of merged ids: ``merged_ids/<entity>/<date>.csv[.gz]`` of a snapshot."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isthmus.corpus.ids import NO_ID, Ints, number
from isthmus.corpus.inflate import Inflater
from isthmus.corpus.sources import ENTITY_LETTERS, Input
from isthmus.errors import SourceError

#: Entity -> ids that stand for nothing: what OpenAlex deletes it merges into the first of these,
#: and A9999999999 is the author of every work whose author's profile was taken away.
PLACEHOLDERS = {
    "works": (4285719527,),
    "authors": (5317838346, 9999999999),
    "institutions": (4389424196,),
    "sources": (4317411217,),
}

#: Entities whose placeholders would pass for somebody or something. A reference to the deleted
#: work stays: it is a reference to some work that no corpus holds.
_READ_AS_NOTHING = ("authors", "institutions", "sources")


def read_merged(files: Sequence[Input]) -> dict[str, Ints]:
    """Read merged ids, followed to the id that is left in the end.

    Returns
    -------
    dict
        Entity -> (2, n) array: ids merged away, sorted, and what they became: another id, or
        ``NO_ID`` for those deleted: merged into one of the :data:`PLACEHOLDERS` or, where a
        row names nothing, into nothing.
    """
    found: dict[str, dict[int, int]] = {
        entity: dict.fromkeys(PLACEHOLDERS[entity], NO_ID) for entity in _READ_AS_NOTHING
    }
    for item in sorted(files, key=lambda item: (item.path.name, item.name)):
        for old, new in _rows(item.path):
            entity = ENTITY_LETTERS.get(old[:1].upper())
            identifier, kept = number(old, old[:1].upper()), number(new, old[:1].upper())
            if entity is None or identifier in (NO_ID, kept) or (new and kept == NO_ID):
                continue
            if identifier not in PLACEHOLDERS[entity]:
                nothing = kept in PLACEHOLDERS[entity]
                found.setdefault(entity, {})[identifier] = NO_ID if nothing else kept
    return {entity: _final(pairs) for entity, pairs in found.items()}


def _rows(path: Path) -> list[tuple[str, str]]:
    with Inflater(path) as source:
        content = b"".join(iter(source.read, b""))
    rows = csv.DictReader(content.decode("utf-8", "replace").splitlines())
    try:
        return [
            ((row.get("id") or "").strip(), (row.get("merge_into_id") or "").strip())
            for row in rows
        ]
    except csv.Error as error:
        raise SourceError(f"Cannot read the table of merged ids {path}: {error}.") from None


def _final(pairs: dict[int, int]) -> Ints:
    """Follow chains of merges to their end; an id in a ring of merges stays as it is."""
    final = {}
    for old in pairs:
        new, steps = pairs[old], 0
        while new in pairs and steps < len(pairs):
            new, steps = pairs[new], steps + 1
        if steps < len(pairs) or len(pairs) == 1:
            final[old] = new
    olds = sorted(final)
    return np.array([olds, [final[old] for old in olds]], np.int64).reshape(2, -1)


def save_merged(folder: Path, tables: dict[str, Ints]) -> None:
    """Write the tables where worker processes open them."""
    folder.mkdir(parents=True, exist_ok=True)
    for entity, pairs in tables.items():
        if pairs.size:
            np.save(folder / f"{entity}.npy", pairs)


def load_merged(folder: Path) -> dict[str, Ints] | None:
    """Read tables that :func:`save_merged` wrote; None when there is no such folder."""
    if not folder.is_dir():
        return None
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}
