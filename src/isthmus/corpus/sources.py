"""Finding what to read: OpenAlex files and snapshot folders of every layout.

A folder is searched for the entities works, authors, institutions and sources
(earlier: venues) and for ``merged_ids``; whatever else a snapshot holds is left
alone. Files in a folder named after an entity belong to it; of any other file
the first record says what it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from isthmus.corpus.inflate import Inflater
from isthmus.errors import SourceError

#: Folder names of a snapshot -> entity. Venues became sources in 2023.
ENTITY_FOLDERS = {
    "works": "works",
    "authors": "authors",
    "institutions": "institutions",
    "sources": "sources",
    "venues": "sources",
}

#: First letter of an id -> entity.
ENTITY_LETTERS = {
    "W": "works",
    "A": "authors",
    "I": "institutions",
    "S": "sources",
    "V": "sources",
}

#: Entities a snapshot has and a corpus has no table for.
UNUSED_FOLDERS = frozenset(
    {"awards", "concepts", "continents", "countries", "domains", "fields", "funders"}
    | {"institution-types", "keywords", "languages", "licenses", "publishers", "sdgs"}
    | {"source-types", "subfields", "topics", "work-types"}
)

#: What a simulated world keeps of its truth beside its works: not records.
TRUTH_MARK = Path("truth", "settings.json")

_MERGED = "merged_ids"
_SKIPPED = re.compile(r"^[._]|manifest|\.(csv|csv\.gz|md|txt|partial|tmp|html)$|^(LICENSE|README)")
_PART = re.compile(r"^(part[_-]?\d+\w*|[WASVI]\d+)$", re.IGNORECASE)
_RECORDS = re.compile(r"\.(jsonl|ndjson|json|parquet|gz)$", re.IGNORECASE)


@dataclass(frozen=True)
class Input:
    """A file to read: where it is, its name inside what the user named, and its entity."""

    path: Path
    name: str
    entity: str
    size: int


@dataclass(frozen=True)
class Inputs:
    """All that is to be read, in order: records, and tables of merged ids."""

    records: list[Input]
    merged: list[Input]

    @property
    def size(self) -> int:
        """Bytes of all record files."""
        return sum(item.size for item in self.records)


def find_inputs(sources: Sequence[Path]) -> Inputs:
    """Find the files to read in the files and folders a user named.

    The folder ``truth`` of a simulated world, known by its ``settings.json``, is
    passed over: its tables say what was planted and are no records.

    Raises
    ------
    SourceError
        A source does not exist, cannot be read, or holds nothing to read.
    """
    if not sources:
        raise SourceError("No source was named. Name files of OpenAlex works or snapshot folders.")
    records: list[Input] = []
    merged: list[Input] = []
    for source in sources:
        found = _in_folder(source) if source.is_dir() else [_single(source)]
        kept = [item for item in found if item is not None]
        if not kept:
            raise SourceError(
                f"Nothing to read in {source}: no file of OpenAlex records (.jsonl, .jsonl.gz, "
                ".json, .parquet, part_000.gz) was found in it. Name the folder that holds "
                "`works`, or the files themselves."
            )
        for item in kept:
            (merged if item.entity == _MERGED else records).append(item)
    return Inputs(_distinct(records), _distinct(merged))


def _distinct(items: Iterable[Input]) -> list[Input]:
    """Leave out a file that was named twice."""
    by_path = {item.path.resolve(): item for item in reversed(list(items))}
    return list(reversed(by_path.values()))


def _single(path: Path) -> Input | None:
    if not path.is_file():
        raise SourceError(f"Cannot find {path}: no such file or folder. Check the path.")
    if re.search(r"\.csv(\.gz)?$", path.name):
        return Input(path, path.name, _MERGED, path.stat().st_size)
    return Input(path, path.name, _sniff(path), path.stat().st_size)


def _in_folder(root: Path) -> list[Input | None]:
    files = _files(root)
    twins = {path.with_suffix("") for path in files if path.suffix == ".gz"}
    found = []
    for path in files:
        relative = path.relative_to(root)
        folders = [part.lower() for part in relative.parts[:-1]]
        if _MERGED in folders or (root.name == _MERGED and path.name.endswith((".csv", ".csv.gz"))):
            entity: str | None = _MERGED
        elif path in twins or _SKIPPED.search(path.name) or not _looks_like_records(path.name):
            entity = None
        else:
            entity = _entity(folders, path)
        if path in twins or entity is None:
            continue
        found.append(Input(path, relative.as_posix(), entity, path.stat().st_size))
    return list(_one_layout(found))


def _one_layout(found: list[Input]) -> Iterable[Input]:
    """Of an entity present in several complete copies keep one: JSON lines, Parquet, legacy."""
    best: dict[str, int] = {}
    for item in found:
        best[item.entity] = min(best.get(item.entity, 9), _rank(item))
    return [item for item in found if _rank(item) == best[item.entity]]


def _rank(item: Input) -> int:
    folders = item.name.lower().split("/")[:-1]
    if item.entity == _MERGED:
        return 0
    if "legacy-data" in folders:
        return 2
    return 1 if "parquet" in folders else 0


def _files(root: Path) -> list[Path]:
    """List the files under `root`, sorted, never following a link that leads out of it."""
    home = root.resolve()
    found = []
    for folder, subfolders, names in os.walk(root, followlinks=False):
        subfolders.sort()
        if Path(folder, TRUTH_MARK).is_file():
            subfolders.remove(TRUTH_MARK.parent.name)
        for name in names:
            path = Path(folder, name)
            if path.is_file() and (not path.is_symlink() or path.resolve().is_relative_to(home)):
                found.append(path)
    return sorted(found)


def _looks_like_records(name: str) -> bool:
    return bool(_PART.match(name) or _RECORDS.search(name))


def _entity(folders: Sequence[str], path: Path) -> str | None:
    for folder in reversed(folders):
        if folder in ENTITY_FOLDERS:
            return ENTITY_FOLDERS[folder]
        if folder in UNUSED_FOLDERS:
            return None
    return _sniff(path)


class _Head(msgspec.Struct):
    id: str | None = None


def _sniff(path: Path) -> str:
    """Say what the first readable record of a file is; works when nothing says otherwise."""
    if path.suffix.lower() == ".parquet":
        return _sniff_parquet(path)
    try:
        with Inflater(path) as source:
            head = source.read(1 << 20)
    except OSError as error:
        raise SourceError(f"Cannot read {path}: {error.strerror}.") from error
    for line in head.split(b"\n")[:20]:
        try:
            record = msgspec.json.decode(line, type=_Head)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        letter = re.match(r"(?:https?://[\w.]+/)?([WASVI])\d+$", record.id or "")
        if letter:
            return ENTITY_LETTERS[letter[1]]
    return "works"


def _sniff_parquet(path: Path) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        names = set(pq.read_schema(path).names)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise SourceError(f"Cannot read {path}: it is not a Parquet file. {error}") from None
    if "publication_year" in names or "authorships" in names:
        return "works"
    if "orcid" in names:
        return "authors"
    return "sources" if "issn_l" in names else "institutions" if "ror" in names else "works"
