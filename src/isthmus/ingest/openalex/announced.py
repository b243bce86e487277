"""What the manifests of a release announce, against what was found and read.

A snapshot has a file ``manifest`` or ``manifest.json`` for each entity, and one over all.
They list files with their bytes and records, under ``entries``, ``files`` or, over all,
``entities[].files``. A file is known by its last folders and name, for the manifest names it
by where it stood in the cloud.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import msgspec

from isthmus.corpus.manifest import Source
from isthmus.ingest.decompress import Text
from isthmus.ingest.sources import Input

#: Folder of a release -> entity that is read.
FOLDERS = {
    "works": "works",
    "authors": "authors",
    "institutions": "institutions",
    "sources": "sources",
    "venues": "sources",
}


class _Meta(msgspec.Struct, frozen=True):
    content_length: int | None = None
    record_count: int | None = None


class _File(msgspec.Struct):
    url: str = ""
    meta: _Meta = _Meta()


class _Entity(msgspec.Struct):
    files: list[_File] = []


class _Manifest(msgspec.Struct):
    date: str | None = None
    entries: list[_File] = []
    files: list[_File] = []
    entities: list[_Entity] = []


@dataclass
class Announced:
    """Files that manifests announce: address -> bytes and records; and the date of the release."""

    date: str | None = None
    files: dict[str, tuple[int | None, int | None]] = field(default_factory=dict)


def read_announced(manifests: Sequence[Input]) -> Announced:
    """Read manifests; one that cannot be read announces nothing."""
    found = Announced()
    for item in manifests:
        with Text(item.path, item.member) as text:
            content = b"".join(iter(text.read, b""))
        try:
            manifest = msgspec.json.decode(content, type=_Manifest)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        found.date = max(filter(None, (found.date, manifest.date)), default=None)
        for entry in _files(manifest):
            found.files[entry.url] = (entry.meta.content_length, entry.meta.record_count)
    return found


def _files(manifest: _Manifest) -> Iterator[_File]:
    yield from manifest.entries
    yield from manifest.files
    for entity in manifest.entities:
        yield from entity.files


@dataclass
class Missing:
    """What was announced and not found.

    Attributes
    ----------
    counts
        ``files_missing``: files announced of an entity that was read, and not there;
        ``records_missing``: records fewer than announced, in files that are there or not;
        ``files_of_other_size``: files of other bytes than announced.
    files
        Files that are not there, with the records announced for each.
    """

    counts: Counter[str] = field(default_factory=Counter)
    files: dict[str, int] = field(default_factory=dict)


def missing(announced: Announced, sources: Sequence[Source]) -> Missing:
    """Compare what was announced with the files that were read."""
    found = Missing()
    read = {PurePosixPath(source.name).parts: source for source in sources}
    kinds = {(source.entity, _is_parquet(parts)) for parts, source in read.items()}
    for address, (n_bytes, n_records) in announced.files.items():
        parts = PurePosixPath(address).parts
        source = next((read[parts[i:]] for i in range(len(parts) - 1) if parts[i:] in read), None)
        if source is not None:
            found.counts["files_of_other_size"] += n_bytes not in (None, source.bytes)
            found.counts["records_missing"] += max((n_records or 0) - source.records, 0)
        elif (_entity(parts), _is_parquet(parts)) in kinds:
            found.counts["files_missing"] += 1
            found.counts["records_missing"] += n_records or 0
            found.files[address] = n_records or 0
    return found


def _entity(parts: Sequence[str]) -> str | None:
    return next((FOLDERS[part] for part in reversed(parts[:-1]) if part in FOLDERS), None)


def _is_parquet(parts: Sequence[str]) -> bool:
    return "parquet" in parts or parts[-1].endswith(".parquet")
