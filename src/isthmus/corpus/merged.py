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


def read_merged(files: Sequence[Input]) -> dict[str, Ints]:
    """Read merged ids, followed to the id that is left in the end.

    Returns
    -------
    dict
        Entity -> (2, n) array: ids merged away, sorted, and what they became.
    """
    found: dict[str, dict[int, int]] = {}
    for item in sorted(files, key=lambda item: (item.path.name, item.name)):
        for old, new in _rows(item.path):
            entity = ENTITY_LETTERS.get(old[:1].upper())
            pair = number(old, old[:1].upper()), number(new, old[:1].upper())
            if entity is not None and NO_ID not in pair and pair[0] != pair[1]:
                found.setdefault(entity, {})[pair[0]] = pair[1]
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
