"""JSON documents as lines: arrays of records, and pages of the OpenAlex API.

A document is cut into its records without being held in memory: only the record
being read is. Pages may follow each other in one file.
"""

from __future__ import annotations

import re

import msgspec

from isthmus.corpus.inflate import Inflater
from isthmus.corpus.tally import MAX_RECORD_BYTES

# A whole string, a quote whose string does not end here, or a bracket.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|"|[\[\]{}]', re.DOTALL)
_PAGE = re.compile(rb'\s*\{\s*"(?:meta|results|group_by)"\s*:')


class _Page(msgspec.Struct):
    results: list[msgspec.Raw] | None = None
    id: msgspec.Raw | None = None


def is_document(head: bytes, *, lines_only: bool) -> bool:
    """Say whether a file that begins with `head` is a JSON document rather than lines.

    Parameters
    ----------
    head
        The first megabytes of the file.
    lines_only
        The file's name says that it holds lines; only a page of results is
        believed over it.
    """
    begin = head.lstrip()
    if begin[:1] == b"[":
        return not lines_only
    if begin[:1] != b"{":
        return False
    first, newline, _ = begin.partition(b"\n")
    try:
        page = msgspec.json.decode(first, type=_Page)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pretty = first.strip() == b"{" or not newline
        return not lines_only and (pretty or _PAGE.match(begin) is not None)
    return page.results is not None and page.id is None


class Document:
    """Records of a JSON document as lines.

    Top-level objects, elements of top-level arrays, and elements of the
    ``results`` of top-level objects are records; an object with ``results`` is not.
    """

    def __init__(self, source: Inflater) -> None:
        self._source = source
        self._buffer = b""
        self._at = 0  # first byte not scanned yet
        self._start: int | None = None  # where the record or top-level object being read begins
        self._depth = 0
        self._record_depth: int | None = None  # depth at which records stand, once it is known
        self._key = b""
        self._given_up = False

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far."""
        return self._source.consumed

    @property
    def broken(self) -> bool:
        """The file broke off, was damaged, or stopped being JSON; known at the end."""
        return self._source.broken or self._given_up or self._depth > 0

    def sha256(self) -> str:
        """Hash of the whole file."""
        return self._source.sha256()

    def read(self) -> bytes:
        """Give the next records as lines; none at the end."""
        while not self._given_up:
            piece = self._source.read()
            if not piece:
                return self._rest()
            self._buffer += piece
            records = self._scan()
            if len(self._buffer) > MAX_RECORD_BYTES:
                self._given_up = True
                return b"".join(records) + self._rest()
            if records:
                return b"".join(records)
        return b""

    def _scan(self) -> list[bytes]:
        records: list[bytes] = []
        for token in _TOKEN.finditer(self._buffer, self._at):
            word = token[0]
            if word == b'"':
                self._at = token.start()
                break
            self._at = token.end()
            if word[:1] == b'"':
                if self._depth == 1:
                    self._key = word
            elif word in b"[{":
                self._open(word, token.start())
            elif self._close() and self._start is not None:
                records.append(_one_line(self._buffer[self._start : token.end()]))
                self._start = None
        else:
            self._at = len(self._buffer)
        self._forget()
        return records

    def _open(self, word: bytes, place: int) -> None:
        if word == b"[" and self._depth == 0:
            self._record_depth = 1
        elif word == b"[" and self._depth == 1 and self._key == b'"results"':
            if self._record_depth is None:
                self._record_depth, self._start = 2, None
        elif word == b"{" and self._start is None and self._depth == (self._record_depth or 0):
            self._start = place
        self._depth += 1

    def _close(self) -> bool:
        """Go one level up; say whether a record ends here."""
        self._depth = max(self._depth - 1, 0)
        if self._record_depth is None:
            return self._depth == 0
        if self._depth == self._record_depth:
            return True
        if self._depth < self._record_depth:
            self._record_depth = None
        return False

    def _forget(self) -> None:
        """Drop what was scanned and is no part of a record being read."""
        keep = self._at if self._start is None else self._start
        self._buffer = self._buffer[keep:]
        self._at -= keep
        if self._start is not None:
            self._start = 0

    def _rest(self) -> bytes:
        rest = self._buffer if self._start is not None else b""
        self._buffer, self._start = b"", None
        return _one_line(rest)[:-1]


def _one_line(text: bytes) -> bytes:
    """Write JSON on one line; newlines stand only between its values."""
    return text.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n"
