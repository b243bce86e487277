"""The export of the OpenAlex site: a table with a row per work and dotted names of fields.

A list stands in one cell, its entries apart by bars. Where a field of authors has as many
entries as there are authors, each is the author's; where it has not, whose they are cannot
be told, so they are set aside.
"""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec

from isthmus.ingest.decompress import Text
from isthmus.ingest.openalex.fields import FIELDS, Spec, leaves

_SEPARATOR = "|"


class Export:
    """Works of an export as lines of records.

    Attributes
    ----------
    broken : bool
        The file broke off or was damaged; known at the end.
    unplaced : int
        Cells whose entries belong to authors, but not to which.
    """

    def __init__(self, source: Text) -> None:
        self.broken = False
        self.unplaced = 0
        self._source = source
        raw = io.BufferedReader(_Raw(source))
        text = io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline="")
        self._rows = csv.DictReader(text)

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far."""
        return self._source.consumed

    def read(self, limit: int = 1 << 20) -> bytes:
        """Return the next works as lines; none at the end."""
        pieces, size = [], 0
        for row in self._rows:
            pieces.append(msgspec.json.encode(self._record(row)) + b"\n")
            size += len(pieces[-1])
            if size >= limit:
                break
        self.broken = self._source.broken
        return b"".join(pieces)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _record(self, row: dict[str, Any]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for name, spec in FIELDS["works"].items():
            if isinstance(spec, list) and isinstance(spec[0], dict):
                record[name] = self._entries(row, name, spec[0])
            elif isinstance(spec, list):
                record[name] = _split(row.get(name))
            else:
                record[name] = _nested(row, name, spec)
        return record

    def _entries(self, row: dict[str, Any], name: str, spec: dict[str, Spec]) -> list[Any]:
        """Put the cells of a list of structs together, entry by entry."""
        cells = {path: _split(row.get(".".join((name, *path)))) for path in leaves(spec)}
        whose = ("author", "id") if ("author", "id") in cells else ("id",)
        n_entries = len(cells[whose]) or max(map(len, cells.values()))
        entries: list[dict[str, Any]] = [{} for _ in range(n_entries)]
        for path, cell in cells.items():
            values: list[Any] = list(cell)
            if n_entries == 1 and cell and isinstance(spec.get(path[0]), list):
                values = [cell]
            if values and len(values) != n_entries:
                self.unplaced += 1
                continue
            for entry, value in zip(entries, values, strict=False):
                _put(entry, path, value, spec)
        return entries


class _Raw(io.RawIOBase):
    """A text as a stream of bytes."""

    def __init__(self, source: Text) -> None:
        self._source = source
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or self._source.read()
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def _split(cell: str | None) -> list[str]:
    return [word.strip() for word in cell.split(_SEPARATOR)] if cell else []


def _nested(row: dict[str, Any], name: str, spec: Spec) -> Any:
    if isinstance(spec, dict):
        found = {key: _nested(row, f"{name}.{key}", inner) for key, inner in spec.items()}
        return found if any(value is not None for value in found.values()) else None
    return row.get(name) or None


def _put(entry: dict[str, Any], path: tuple[str, ...], value: Any, spec: Any) -> None:
    """Put a value, or the values of a list, where a path of a field leads."""
    name, *rest = path
    inner = spec[name]
    values = value if isinstance(value, list) else [value]
    values = [each for each in values if each]
    if not values:
        return
    if isinstance(inner, list) and rest:
        listed = entry.setdefault(name, [])
        for number, each in enumerate(values):
            if number == len(listed):
                listed.append({})
            _put(listed[number], tuple(rest), each, inner[0])
    elif isinstance(inner, list):
        entry[name] = values
    elif rest:
        _put(entry.setdefault(name, {}), tuple(rest), values[0], inner)
    else:
        entry[name] = values[0]
