"""What a file holds, seen from its content: never from its name, its ending or its folder."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.ingest.decompress import Text, can_read, form_of
from isthmus.ingest.documents import Document, error_in, records_in

#: First letter of an id -> entity that is read. Venues became sources in 2023.
ENTITY_LETTERS = {
    "W": "works",
    "A": "authors",
    "I": "institutions",
    "S": "sources",
    "V": "sources",
}

#: First letter of an id -> entity that no table of a corpus is made of.
OTHER_LETTERS = {
    "C": "concepts",
    "D": "domains",
    "F": "funders",
    "G": "awards",
    "P": "publishers",
    "T": "topics",
}

#: Fields -> the entity that has them, where an id says nothing.
_BY_FIELDS = (
    ("publication_year", "works"),
    ("authorships", "works"),
    ("referenced_works", "works"),
    ("orcid", "authors"),
    ("issn_l", "sources"),
    ("ror", "institutions"),
)

_LETTER = re.compile(r"(?:^|/)([A-Z])-?\d+$", re.IGNORECASE)
_HEAD_LINES = 20
_HEAD_BYTES = 8 << 20
_DECODE = msgspec.json.Decoder()


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Attributes
    ----------
    kind
        An entity; ``"merged_ids"``, ``"deleted_ids"``, ``"manifest"``; None for anything
        that is not read.
    form
        ``"lines"``, ``"document"``, ``"parquet"``, or ``"table"`` of values with commas.
    reason
        Why it is not read.
    refused
        It looks like data that somebody meant to be read.
    """

    kind: str | None
    form: str = "lines"
    reason: str = ""
    refused: bool = False


def content_of(path: Path, member: str | None = None) -> Content:
    """Say what a file, or a member of an archive, holds."""
    form = "plain" if member is not None else form_of(path)
    if form == "parquet":
        return _parquet(path)
    if form != "plain" and not can_read(form):
        more = " (Python 3.14 reads it)" if form == "zstd" else ""
        return _refused(f"is packed or written as {form}, which is not read here{more}; unpack it")
    with Text(path, member) as text:
        head = _head(text)
        if not head.strip():
            damaged = "is damaged from its beginning" if text.broken else "is empty"
            return Content(None, reason=damaged, refused=text.broken)
        if head[:4] == b"PAR1":
            return _refused("is a Parquet file inside an archive; unpack it")
    return _lines(head) or _json(path, member, head) or _table(head)


def _refused(reason: str) -> Content:
    return Content(None, reason=reason, refused=True)


def _head(text: Text) -> bytes:
    """Read the first lines, or as much as a first record may take."""
    head = text.read()
    while head.count(b"\n") < 2 and len(head) < _HEAD_BYTES and (piece := text.read()):
        head += piece
    return head


def _lines(head: bytes) -> Content | None:
    """Know lines of records by the first that is one."""
    for line in head.split(b"\n")[:_HEAD_LINES]:
        record = _decoded(line)
        if isinstance(record, dict) and any(found is record for found in records_in(record)):
            if (error := error_in(record)) is not None:
                return _refused(f"is an answer of a server that is an error ({error})")
            content = _entity(record)
            if content.kind is not None or "id" in record:
                return content
    return None


def _json(path: Path, member: str | None, head: bytes) -> Content | None:
    """Know a JSON document by its first record."""
    begin = head.lstrip()[:1]
    if begin not in (b"{", b"["):
        return None
    whole = _decoded(head)
    if isinstance(whole, dict) and "id" not in whole:
        if (error := error_in(whole)) is not None:
            return _refused(f"is an answer of a server that is an error ({error})")
        if {"entries", "files", "entities"} & whole.keys():
            return Content("manifest", reason="is a manifest: what it announces is compared")
    with Text(path, member) as text:
        document = Document(text)
        for _ in range(_HEAD_LINES):
            record = _decoded(document.read(limit=1).split(b"\n")[0])
            if isinstance(record, dict):
                found = _entity(record)
                if found.kind is not None or "id" in record:
                    return Content(found.kind, "document", found.reason, found.refused)
    if isinstance(whole, dict | list) and whole in ({}, []):
        return Content(None, reason="holds no record")
    if begin == b"{" and not document.broken:
        return _refused("is JSON without OpenAlex records")
    return Content("works", "lines" if begin == b"{" else "document")


def _decoded(text: bytes) -> Any:
    try:
        return _DECODE.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _entity(record: Mapping[str, Any]) -> Content:
    """Say which entity a record is of."""
    identifier = record.get("id")
    found = _LETTER.search(identifier.strip()) if isinstance(identifier, str) else None
    letter = found[1].upper() if found else ""
    if letter in ENTITY_LETTERS:
        return Content(ENTITY_LETTERS[letter])
    if letter not in OTHER_LETTERS:
        for name, entity in _BY_FIELDS:
            if name in record:
                return Content(entity)
    words = str(identifier).rstrip("/").split("/")
    name = OTHER_LETTERS.get(letter) or (words[-2] if len(words) > 4 else "another kind")
    return Content(None, reason=f"holds records of {name}, which no table is made of")


def _parquet(path: Path) -> Content:
    try:
        with pq.ParquetFile(path) as file:
            names = set(file.schema_arrow.names)
            record: dict[str, Any] = dict.fromkeys(names)
            if "id" in names:
                for batch in file.iter_batches(1, columns=["id"]):
                    record["id"] = str(batch.column(0)[0].as_py())
                    break
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        return _refused(f"is not readable as Parquet ({str(error).splitlines()[0]})")
    for kind, columns in _ID_TABLES.items():
        if columns <= names:
            return _refused(f"holds {kind} as Parquet; give them as CSV")
    if "id" not in names and not names & {name for name, _ in _BY_FIELDS}:
        return _refused(f"is a table of other columns ({_few(sorted(names))})")
    found = _entity(record)
    return Content(found.kind, "parquet", found.reason, found.refused)


#: Kinds of tables of ids -> the columns each is known by.
_ID_TABLES = {
    "merged_ids": {"id", "merge_into_id"},
    "deleted_ids": {"work_id", "deleted_date"},
}


def _table(head: bytes) -> Content:
    """Know a table of values with commas by its columns."""
    first = head.lstrip().split(b"\n", 1)[0].strip(b"\r").decode("utf-8", "replace")
    if first.count("\t") >= 3 and not any(c in first for c in "{}"):
        return _refused(
            "is a table separated by tabs; a Microsoft Academic Graph folder is "
            "ingested alone, by the name of the folder"
        )
    try:
        names = [name.strip() for name in next(csv.reader([first]), [])]
    except csv.Error:
        names = []
    for kind, columns in _ID_TABLES.items():
        if columns <= set(names):
            return Content(kind, "table")
    if "id" in names and {"publication_year", "authorships.author.id"} & set(names):
        return Content("works", "table")
    if len(names) < 2 or not all(re.fullmatch(r"[\w.\- ]{1,60}", name) for name in names):
        return Content(None, reason="is neither JSON, Parquet nor a table of ids")
    return _refused(
        f"is a table of the columns {_few(names)}: a CSV is read where it has `id` and "
        "`merge_into_id` (merged ids), `work_id` and `deleted_date` (deleted ids), or is the "
        "export of the OpenAlex site with `id` and `publication_year`. Download works as JSON "
        "lines, from the API or a snapshot, instead"
    )


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
