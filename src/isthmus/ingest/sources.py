"""Finding what to read in the files and folders a user names, and saying what is passed over."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from isthmus.corpus.manifest import Passed
from isthmus.errors import SourceError
from isthmus.ingest.content import Content, content_of
from isthmus.ingest.decompress import ARCHIVES, form_of, members
from isthmus.ingest.openalex.fields import FIELDS, TEXT

#: What a simulated world keeps of its truth beside its works: not records.
TRUTH_MARK = Path("truth", "settings.json")

_HIDDEN = re.compile(r"^[._]|\.(partial|tmp)$|~$")
_PARTITION = re.compile(r"^([a-z_]+)=(.+)$")

#: Fields that every record says itself.
_NOT_FROM_FOLDERS = ("id", "updated_date")

#: Folders that tell copies of one release apart, the best to read first.
_COPIES = ("parquet", "jsonl", "data", "legacy-data")


@dataclass(frozen=True)
class Input:
    """A file to read.

    Attributes
    ----------
    path, name
        Where it is, and its name inside what the user named.
    entity, form
        What it holds, as :class:`~isthmus.ingest.content.Content` says.
    size
        Its bytes.
    member
        Name of a member, where the file is an archive.
    constants
        Fields that the names of its folders give (``publication_year=2020``).
    """

    path: Path
    name: str
    entity: str
    form: str
    size: int
    member: str | None = None
    constants: tuple[tuple[str, str], ...] = ()


@dataclass
class Inputs:
    """All that was found: records to read, tables of ids, manifests, and what is passed over."""

    records: list[Input] = field(default_factory=list)
    ids: list[Input] = field(default_factory=list)
    manifests: list[Input] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all record files."""
        return sum({item.path: item.path.stat().st_size for item in self.records}.values())


def find_inputs(sources: Sequence[Path]) -> Inputs:
    """Find the files to read in the files and folders a user named.

    The folder ``truth`` of a simulated world, known by its ``settings.json``, is
    passed over: its tables say what was planted and are no records.

    Raises
    ------
    SourceError
        A source does not exist, cannot be read, or holds nothing to read; or a file that
        was named is data that is not read.
    """
    if not sources:
        raise SourceError("No source was named. Name files of OpenAlex works or snapshot folders.")
    inputs = Inputs()
    seen: set[Path] = set()
    for source in sources:
        if not source.exists():
            raise SourceError(f"Cannot find {source}: no such file or folder. Check the path.")
        n_before = len(inputs.records) + len(inputs.ids)
        files = _files(source, inputs) if source.is_dir() else [(source, source.name)]
        new = [(path, name) for path, name in files if path.resolve() not in seen]
        seen.update(path.resolve() for path, _ in new)
        _sort(
            [i for path, name in new for i in _read(path, name, inputs, named=path == source)],
            inputs,
        )
        if source.is_dir() and len(inputs.records) + len(inputs.ids) == n_before:
            raise SourceError(_nothing(source, inputs))
    return inputs


def _nothing(source: Path, inputs: Inputs) -> str:
    why = "".join(f" {item.name} {item.reason}." for item in inputs.passed[:3])
    return (
        f"Nothing to read in {source}: no file in it holds OpenAlex records.{why} Name the folder "
        "that holds `works`, or the files themselves."
    )


def _read(path: Path, name: str, inputs: Inputs, *, named: bool) -> Iterator[Input]:
    """Look into a file, and into the members of an archive."""
    try:
        size = path.stat().st_size
        form = form_of(path) if size else "plain"
        if form not in ARCHIVES:
            yield from _judged(path, name, None, size, inputs, named=named)
            return
        for member, n_bytes in members(path, form):
            if not _HIDDEN.search(Path(member).name) and n_bytes:
                yield from _judged(path, f"{name}/{member}", member, n_bytes, inputs, named=named)
    except OSError as error:
        why = error.strerror or str(error)
        raise SourceError(f"Cannot read {path}: {why}. Check the file.") from error


def _judged(
    path: Path, name: str, member: str | None, size: int, inputs: Inputs, *, named: bool
) -> Iterator[Input]:
    content = content_of(path, member) if size else Content(None, reason="is empty")
    if content.kind is None:
        if named and content.refused:
            raise SourceError(f"{path} {content.reason}.")
        inputs.passed.append(Passed(name=name, bytes=size, reason=content.reason))
        return
    constants = _constants(name, content.kind)
    yield Input(path, name, content.kind, content.form, size, member, constants)


def _constants(name: str, kind: str) -> tuple[tuple[str, str], ...]:
    """Return fields that the names of folders say."""
    found = {}
    for part in name.split("/")[:-1]:
        match = _PARTITION.match(part)
        if (
            match
            and FIELDS.get(kind, {}).get(match[1]) == TEXT
            and match[1] not in _NOT_FROM_FOLDERS
        ):
            value = unquote(match[2])
            if not value.startswith("__"):
                found[match[1]] = value
    return tuple(sorted(found.items()))


def _sort(found: Iterable[Input], inputs: Inputs) -> None:
    records = []
    for item in found:
        if item.entity == "manifest":
            inputs.manifests.append(item)
        elif item.entity in ("merged_ids", "deleted_ids"):
            inputs.ids.append(item)
        else:
            records.append(item)
    best: dict[tuple[str, ...], int] = {}
    newer = {item.entity for item in records if not _is_legacy(item)}
    for item in records:
        key, rank = _copy(item)
        best[key] = min(best.get(key, rank), rank)
    for item in records:
        key, rank = _copy(item)
        if rank == best[key] and not (_is_legacy(item) and item.entity in newer):
            inputs.records.append(item)
        else:
            reason = f"is a copy of what {_COPIES[best[key]]} holds"
            inputs.passed.append(Passed(name=item.name, bytes=item.size, reason=reason))


def _is_legacy(item: Input) -> bool:
    return _COPIES[-1] in item.name.lower().split("/")[:-1]


def _copy(item: Input) -> tuple[tuple[str, ...], int]:
    """Say of which release and folder a file is, whatever copy, and which copy that is."""
    folders = item.name.lower().split("/")[:-1]
    ranks = [_COPIES.index(folder) for folder in folders if folder in _COPIES]
    key = (item.entity, *(folder for folder in folders if folder not in _COPIES))
    return key, min(ranks, default=_COPIES.index("data"))


def _files(root: Path, inputs: Inputs) -> list[tuple[Path, str]]:
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
    kept = []
    twins = {path.with_suffix("") for path in found if path.suffix in (".gz", ".bz2", ".xz")}
    for path in sorted(found):
        name = path.relative_to(root).as_posix()
        reason = ""
        if _HIDDEN.search(path.name):
            reason = "is hidden or unfinished"
        elif path in twins:
            reason = "stands beside its packed copy"
        if reason:
            inputs.passed.append(Passed(name=name, bytes=path.stat().st_size, reason=reason))
        else:
            kept.append((path, name))
    return kept
