"""Tables of ids of a snapshot: those merged into others, and those of deleted works.

``merged_ids/<entity>/<date>.csv`` has the columns ``id`` and ``merge_into_id``;
``works/deleted_ids.csv`` has ``work_id`` and ``deleted_date``, each list replacing the one before.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from isthmus.corpus.ids import NO_ID, Ints, number
from isthmus.errors import SourceError
from isthmus.ingest.content import ENTITY_LETTERS
from isthmus.ingest.decompress import Text
from isthmus.ingest.openalex.definition import LETTERS, PLACEHOLDERS
from isthmus.ingest.sources import Input

_LETTER = re.compile(r"(?:^|/)([A-Za-z])\d+$")


@dataclass(frozen=True)
class Identifiers:
    """Ids that stand for others, or for nothing any more.

    Attributes
    ----------
    merged : dict
        Entity -> (2, n) array: ids merged away, sorted, and what they became: another id, or
        ``NO_ID`` for those deleted: merged into one of the
        :data:`~isthmus.ingest.openalex.definition.PLACEHOLDERS` or, where a row names nothing,
        into nothing.
    deleted : (n,) array
        Works that a list of deleted ids names, sorted.
    """

    merged: dict[str, Ints] = field(default_factory=dict)
    deleted: Ints = field(default_factory=lambda: np.empty(0, np.int64))


def read_identifiers(files: Sequence[Input]) -> Identifiers:
    """Read tables of merged and deleted ids; merged ids are followed to the id left in the end."""
    found: dict[str, dict[int, int]] = {}
    deleted: set[int] = set()
    for item in sorted(files, key=lambda item: (item.path.name, item.name)):
        for row in _rows(item):
            if item.entity == "deleted_ids":
                deleted.add(number(row.get("work_id"), "W"))
                continue
            old, new = ((row.get(name) or "").strip() for name in ("id", "merge_into_id"))
            letter = _LETTER.search(old)
            entity = ENTITY_LETTERS.get(letter[1].upper()) if letter else None
            if entity is None:
                continue
            identifier, kept = (number(text, LETTERS[entity]) for text in (old, new))
            if identifier in (NO_ID, kept) or (new and kept == NO_ID):
                continue
            if identifier not in PLACEHOLDERS[entity]:
                nothing = kept in PLACEHOLDERS[entity]
                found.setdefault(entity, {})[identifier] = NO_ID if nothing else kept
    return Identifiers(
        {entity: _final(pairs) for entity, pairs in sorted(found.items())},
        np.array(sorted(deleted - {NO_ID}), np.int64),
    )


def _rows(item: Input) -> Iterator[dict[str, str | None]]:
    with Text(item.path, item.member) as source:
        content = b"".join(iter(source.read, b""))
    reader = csv.DictReader(io.StringIO(content.decode("utf-8", "replace"), newline=""))
    reader.fieldnames = [name.strip() for name in reader.fieldnames or []]
    try:
        yield from reader
    except csv.Error as error:
        raise SourceError(f"Cannot read the table of ids {item.path}: {error}.") from None


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
