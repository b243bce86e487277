"""What a finished corpus says about itself: ``manifest.json``.

The manifest is written last, so a folder that has one is finished. It holds no
time of day and no path of the machine: the same input gives the same bytes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from isthmus.corpus.schema import SCHEMA_VERSION
from isthmus.errors import CorpusError
from isthmus.files import write_text

#: Name of the file that says a corpus is finished.
MANIFEST_NAME = "manifest.json"

#: Name of the file that says a corpus is being written, and by which command.
UNFINISHED_NAME = "unfinished.json"

#: Name of the file of records that could not be used, beside the tables.
REJECTED_NAME = "rejected.jsonl"


#: Microsoft Academic Graph was closed on 31 December 2021; its last dumps are of that month.
LAST_YEAR = 2021


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file of a table: its path inside the corpus, rows, bytes and hash."""

    path: str
    rows: int
    bytes: int
    sha256: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was read: its name inside what the user named, bytes, hash, records."""

    name: str
    entity: str
    bytes: int
    sha256: str
    records: int


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was given and not read: its name, bytes, and why."""

    name: str
    bytes: int
    reason: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a finished corpus.

    Attributes
    ----------
    request
        Digest of the request that made the corpus; the same request is not done twice.
    rejected
        Records that are not in the corpus, by reason.
    set_aside
        Values inside kept records that were dropped or replaced, by reason.
    notes
        Other counts worth knowing, such as works read and duplicates resolved.
    passed
        Files that were given and not read.
    unknown_countries
        Country codes that are no country, the most frequent ones, and how often each was met.
    warnings
        What a user of the corpus should know, a sentence each.
    """

    format: str = "isthmus corpus"
    schema_version: int = SCHEMA_VERSION
    source: str
    release: str | None = None
    request: str = ""
    tables: dict[str, list[Part]]
    sources: list[Source] = []
    rejected: dict[str, int] = {}
    set_aside: dict[str, int] = {}
    notes: dict[str, int] = {}
    quarantine: Part | None = None
    passed: list[Passed] = []
    unknown_countries: dict[str, int] = {}
    warnings: list[str] = []

    @property
    def hash(self) -> str:
        """One digest over the content of all tables, whatever the names of their parts."""
        lines = [
            f"{table} {part.rows} {part.sha256}"
            for table, parts in sorted(self.tables.items())
            for part in parts
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """What an interrupted writer leaves: the command that completes it, and its digest."""

    command: str
    request: str = ""


def save(manifest: Manifest, folder: Path) -> None:
    """Write the manifest; from now on the corpus is finished."""
    text = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1)
    write_text(folder / MANIFEST_NAME, text.decode() + "\n")


def load(folder: Path) -> Manifest:
    """Read the manifest of a finished corpus.

    Raises
    ------
    CorpusError
        There is no corpus, it is unfinished, damaged, or of another schema version.
    """
    path = folder / MANIFEST_NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise CorpusError(_absence(folder)) from None
    except OSError as error:
        raise CorpusError(f"Cannot read {path}: {error.strerror}.") from None
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorpusError(
            f"{path} is not the manifest of a corpus: {error}. "
            "Remove the folder and make the corpus again."
        ) from None
    if manifest.schema_version != SCHEMA_VERSION:
        raise CorpusError(
            f"The corpus {folder} has schema version {manifest.schema_version}; this isthmus "
            f"reads version {SCHEMA_VERSION}. To bring it there, run "
            f"`isthmus ingest SOURCE... --to {folder} --update` with its sources: "
            f"{_named(manifest.sources)}."
        )
    return manifest


def unfinished(folder: Path) -> Unfinished | None:
    """Say what is being written in `folder`, or None when nothing is."""
    try:
        return msgspec.json.decode((folder / UNFINISHED_NAME).read_bytes(), type=Unfinished)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def mark_unfinished(folder: Path, mark: Unfinished) -> None:
    """Note in `folder` that it is being written, and by which command."""
    write_text(folder / UNFINISHED_NAME, msgspec.json.encode(mark).decode() + "\n")


def _named(sources: list[Source]) -> str:
    """Name the first few sources."""
    names = [source.name for source in sources]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more if names else "not named in it"


def is_manifest(folder: Path) -> bool:
    """Say whether the folder holds a manifest of a corpus of any version."""
    try:
        content = msgspec.json.decode((folder / MANIFEST_NAME).read_bytes())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("format") == Manifest.__struct_defaults__[0]


def _absence(folder: Path) -> str:
    mark = unfinished(folder)
    if mark is not None:
        return (
            f"The corpus {folder} is unfinished: its writer was interrupted or still runs. "
            f"Run `{mark.command}` to complete it."
        )
    found = "no such folder exists" if not folder.is_dir() else f"it has no {MANIFEST_NAME}"
    return (
        f"No corpus at {folder}: {found}. Make one with `isthmus ingest SOURCE... --to {folder}` "
        f"or `isthmus simulate --to {folder}`."
    )


def last_year(manifest: Manifest) -> int | None:
    """Return the last year that a corpus's source covers; None where it goes on.

    For Microsoft Academic Graph the year in which the dump's last papers were added,
    :data:`LAST_YEAR` at most.
    """
    return manifest.notes.get("last_year", LAST_YEAR) if manifest.source == "mag" else None
