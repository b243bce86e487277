"""Files of records cut into chunks of whole lines, whatever form the file has.

Where a chunk ends depends on the content of the file alone, not on how it was
read, so a reader that starts again finds the same chunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.corpus.documents import Document, is_document
from isthmus.corpus.inflate import Inflater
from isthmus.corpus.tally import MAX_RECORD_BYTES
from isthmus.files import sha256

#: A chunk ends with the first line that reaches this size: some thousands of works,
#: enough that handing a chunk over costs nothing, few enough to hold several in memory.
CHUNK_BYTES = 16 << 20

#: Bytes kept of a record that is too long.
_STUB_BYTES = 1000

#: Rows of a Parquet file turned into lines at once.
_BATCH_ROWS = 512


@dataclass(frozen=True)
class Chunk:
    """Some whole lines of a file.

    Attributes
    ----------
    data
        The lines; the last may lack its newline.
    first_line
        Number of the first line in the file, from 1.
    last_fault
        What is wrong with the last line: ``"too_long"`` (only its beginning is
        here), ``"cut_off"`` (the file broke off in it), or None.
    consumed
        Bytes of the file read so far.
    last_bytes
        Bytes of the last line where it is too long, all of them counted.
    """

    data: bytes
    first_line: int
    last_fault: str | None
    consumed: int
    last_bytes: int | None = None


class Pieces(Protocol):
    """A file given as pieces of lines."""

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far."""
        ...

    @property
    def broken(self) -> bool:
        """The file broke off or was damaged; known at the end."""
        ...

    def read(self) -> bytes:
        """Give the next piece; none at the end."""
        ...

    def sha256(self) -> str:
        """Hash of the whole file."""
        ...


class ParquetPieces:
    """Rows of a Parquet file as JSON lines, with the wanted columns it has."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self.broken = False
        self._path = path
        self._size = path.stat().st_size
        self._done = 0
        self._rows = 1
        self._lines = self._encoded(columns)

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far, in proportion to its rows."""
        return self._size * self._done // self._rows

    def read(self) -> bytes:
        """Give the next rows as lines; none at the end."""
        return next(self._lines, b"")

    def sha256(self) -> str:
        """Hash of the whole file."""
        return sha256(self._path)

    def _encoded(self, columns: tuple[str, ...]) -> Iterator[bytes]:
        encoder = msgspec.json.Encoder()
        try:
            with pq.ParquetFile(self._path) as file:
                self._rows = max(file.metadata.num_rows, 1)
                wanted = [name for name in columns if name in file.schema_arrow.names]
                for batch in file.iter_batches(_BATCH_ROWS, columns=wanted, use_threads=False):
                    self._done += batch.num_rows
                    yield encoder.encode_lines(batch.to_pylist())
        except (pa.ArrowException, OSError, UnicodeDecodeError):
            self.broken = True


def open_pieces(path: Path, columns: tuple[str, ...]) -> Pieces:
    """Open a file of records in the form it has: lines, a JSON document, or Parquet."""
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return ParquetPieces(path, columns)
    with Inflater(path) as file_start:
        head = file_start.read()
    lines_only = re.search(r"\.(jsonl|ndjson)(\.gz)?$|^part", path.name) is not None
    if is_document(head, lines_only=lines_only):
        return Document(Inflater(path))
    return Inflater(path)


def cut(pieces: Pieces) -> Iterator[Chunk]:
    """Cut a file into chunks: each ends with the first line that reaches ``CHUNK_BYTES``."""
    parts: list[bytes] = []
    size, tail, line = 0, 0, 1  # bytes in parts, of them after the last newline, lines before
    rest = b""
    while piece := rest or pieces.read():
        rest = b""
        while (end := piece.find(b"\n", max(CHUNK_BYTES - size - 1, 0))) >= 0:
            chunk = _chunk(b"".join([*parts, piece[: end + 1]]), line, pieces.consumed)
            yield chunk
            line += chunk.data.count(b"\n")
            parts, size, tail, piece = [], 0, 0, piece[end + 1 :]
        parts.append(piece)
        size += len(piece)
        newline = piece.rfind(b"\n")
        tail = len(piece) - newline - 1 if newline >= 0 else tail + len(piece)
        if size >= CHUNK_BYTES and tail > MAX_RECORD_BYTES:
            rest, skipped = _after_newline(pieces)
            chunk = _chunk(b"".join(parts), line, pieces.consumed, skipped)
            yield chunk
            line += chunk.data.count(b"\n")
            parts, size, tail = [], 0, 0
    last = b"".join(parts)
    if last:
        fault = "cut_off" if pieces.broken and not last.endswith(b"\n") else None
        yield Chunk(last, line, fault, pieces.consumed)


def _chunk(data: bytes, line: int, consumed: int, skipped: int = 0) -> Chunk:
    """Make a chunk; of a last line that is too long only the beginning stays."""
    start = data.rfind(b"\n", 0, len(data) - 1) + 1
    size = len(data) - start
    if size <= MAX_RECORD_BYTES:
        return Chunk(data, line, None, consumed)
    stub = data[: start + _STUB_BYTES] + b"\n"
    return Chunk(stub, line, "too_long", consumed, size + skipped)


def _after_newline(pieces: Pieces) -> tuple[bytes, int]:
    """Skip the rest of a line; give what was read after it, and the bytes skipped."""
    skipped = 0
    while piece := pieces.read():
        end = piece.find(b"\n")
        if end >= 0:
            return piece[end + 1 :], skipped + end + 1
        skipped += len(piece)
    return b"", skipped
