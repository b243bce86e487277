"""Pages of one query, kept on disk so that nothing is lost and nothing is asked for twice.

A page is a file that appears whole; only when it is there is the place of the next
one noted. Whoever is stopped in between asks for that page again and writes the
same file again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from isal import igzip

from isthmus.files import atomic_path, remove, write_text

_inflate: Any = igzip.decompress

#: Hidden, as the pages are: an ingest of an unfinished fetch finds nothing to read.
_STATE = ".state"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a query is.

    Attributes
    ----------
    filter
        The query.
    cursor
        Where the next page begins; ``"*"`` at the beginning.
    pages
        Pages that stand.
    announced
        Works the API said it has for the query, the last time it said so.
    done
        All announced works came, so that the query is not read again.
    passes
        Times the query was read to its end before, without finding all announced.
    distinct
        Different works among the records; known when done.
    """

    filter: str
    cursor: str = "*"
    pages: int = 0
    announced: int = 0
    done: bool = False
    passes: int = 0
    distinct: int = 0


class Pages:
    """The pages of one query, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, filter_: str) -> Place:
        """Say how far the query is; at its beginning when the folder is of another."""
        try:
            content = (self._folder / _STATE).read_bytes()
            place = msgspec.json.decode(content, type=Place)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            place = None
        if place is None or place.filter != filter_:
            remove(self._folder)
            return Place(filter=filter_)
        return place

    def add(self, records: list[bytes], after: Place) -> Place:
        """Keep a page, then note the place after it; `after` still counts without it."""
        with atomic_path(self._folder / _name(after.pages)) as partial:
            partial.write_bytes(igzip.compress(b"".join(map(_line, records)), 1, mtime=0))
        return self.note(msgspec.structs.replace(after, pages=after.pages + 1))

    def note(self, place: Place) -> Place:
        """Note a place."""
        write_text(self._folder / _STATE, msgspec.json.encode(place).decode())
        return place

    def records(self, place: Place) -> Iterator[bytes]:
        """Return the records of all pages, each a line without its end."""
        for number in range(place.pages):
            content: bytes = _inflate((self._folder / _name(number)).read_bytes())
            yield from content.splitlines()


def _name(number: int) -> str:
    return f".{number:06d}.page"


def _line(record: bytes) -> bytes:
    """Write a record on one line; line ends stand only between its values."""
    return record.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"
