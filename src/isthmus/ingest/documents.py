"""JSON documents as lines: lists of records, API pages, lists of pages, and what wraps them.

Of a document only the record or page being read is held in memory. Documents may follow
each other in one file.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any

from isthmus.corpus.tally import MAX_RECORD_BYTES
from isthmus.ingest.decompress import Text

#: Fields by which an object without an id is a record all the same.
_OF_RECORDS = frozenset({"publication_year", "authorships", "display_name", "title", "doi"})

#: Fields of a page beside its records.
_OF_PAGES = frozenset({"meta", "group_by", "count", "db_response_time_ms", "next_cursor"})

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n,"

#: What may stand after a list inside an object that was too long to be decoded whole.
_AFTER_LIST = _SPACE + ":}"


def records_in(value: Any) -> Iterator[Any]:
    """Find records in a list, a page, or anything that wraps them.

    Examples
    --------
    >>> list(records_in([{"meta": {}, "results": [{"id": 1}, {"id": 2}]}]))
    [{'id': 1}, {'id': 2}]
    """
    if isinstance(value, list):
        for entry in value:
            yield from records_in(entry)
    elif not isinstance(value, dict) or "id" in value or not _OF_RECORDS.isdisjoint(value):
        yield value
    else:
        inner = [v for k, v in value.items() if k not in _OF_PAGES and isinstance(v, dict | list)]
        for entry in inner:
            yield from records_in(entry)
        if not inner and not _OF_PAGES.issuperset(value):
            yield value


def error_in(value: Any) -> str | None:
    """Message of an answer that is an error; None where it is none.

    Examples
    --------
    >>> error_in({"error": "Invalid query", "message": "no such filter"})
    'Invalid query: no such filter'
    """
    if not isinstance(value, dict) or "id" in value or "results" in value or "error" not in value:
        return None
    words = [str(value[key]) for key in ("error", "message") if value.get(key)]
    return ": ".join(words) or "an error"


class Document:
    """Records of a JSON document, a line each.

    Attributes
    ----------
    broken : bool
        The file broke off, was damaged, or stopped being JSON; known at the end.
    """

    def __init__(self, source: Text) -> None:
        self.broken = False
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._at = 0
        self._ended = False
        self._space = _SPACE
        self._lines = self._read()

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far."""
        return self._source.consumed

    def read(self, limit: int = 1 << 20) -> bytes:
        """Return the next records as lines; none at the end."""
        pieces, size = [], 0
        for line in self._lines:
            pieces.append(line)
            size += len(line)
            if size >= limit:
                break
        return b"".join(pieces)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _read(self) -> Iterator[bytes]:
        depth = 0
        while (sign := self._next()) is not None:
            if sign in "[]":
                depth = max(depth + (1 if sign == "[" else -1), 0)
                self._at += 1
                continue
            found = self._value()
            start = self._at  # reading on moves the text under it
            if found is None:
                if not self._opened():
                    yield self._rest()
                    return
                continue
            value, end = found
            self._at = end
            if self._space is _AFTER_LIST and isinstance(value, str):
                continue  # the name of another field of the long object
            if isinstance(value, dict) and "id" in value:
                yield _one_line(self._text[start:end])
            else:
                for record in records_in(value):
                    yield json.dumps(record).encode() + b"\n"
        self.broken = self._source.broken or depth > 0

    def _next(self) -> str | None:
        """Return the character that the next value, or the end of a list, begins with."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in self._space:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return None

    def _value(self) -> tuple[Any, int] | None:
        """Decode the value that begins here; None where it cannot be, or is too long."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                return None
            except ValueError:
                if len(self._text) - self._at > MAX_RECORD_BYTES or not self._more():
                    return None
                continue
            if end < len(self._text) or isinstance(value, dict | str) or not self._more():
                return value, end

    def _opened(self) -> bool:
        """Go into a long object that wraps a list; say whether there is one."""
        text = self._text[self._at : self._at + 100_000]
        if len(self._text) - self._at <= MAX_RECORD_BYTES or not text.startswith("{"):
            return False
        at = text.find("[")
        if at < 0 or '"id"' in text[:at]:
            return False
        self._at += at
        self._space = _AFTER_LIST
        return True

    def _more(self) -> bool:
        """Read on: as much again as is waiting, so that no value is tried too often."""
        wanted = max(len(self._text) - self._at, 1 << 20)
        pieces = [self._text[self._at :]]
        self._at = 0
        while wanted > 0 and not self._ended:
            piece = self._source.read()
            self._ended = not piece
            pieces.append(self._decoder.decode(piece, final=self._ended))
            wanted -= len(piece)
        grown = sum(map(len, pieces)) > len(pieces[0])
        self._text = "".join(pieces)
        return grown

    def _rest(self) -> bytes:
        """Return the beginning of what is no record any more."""
        self.broken = True
        rest = self._text[self._at : self._at + 1000]
        return _one_line(rest)[:-1]


def _one_line(text: str) -> bytes:
    """Write JSON on one line; newlines stand only between its values."""
    line = text.replace("\n", " ").replace("\r", " ")
    return line.encode("utf-8", "surrogateescape") + b"\n"
