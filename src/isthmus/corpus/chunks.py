"""Files of records cut into chunks of whole lines, whatever form the file has.

Where a chunk ends depends on the content of the file alone, not on how it was
read, so a reader that starts again finds the same chunks.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.corpus.documents import Document, is_document
from isthmus.corpus.inflate import Filler, Inflater
from isthmus.corpus.tally import MAX_RECORD_BYTES
from isthmus.files import sha256

#: A chunk ends with the first line that reaches this size: some thousands of works,
#: enough that handing a chunk over costs nothing, few enough to hold several in memory.
CHUNK_BYTES = 32 << 20

#: Bytes within which a chunk's last line mostly ends.
_LINE_BYTES = 1 << 16

#: Bytes kept of a record that is too long.
_STUB_BYTES = 1000

#: Rows of a Parquet file turned into lines at once.
_BATCH_ROWS = 512


#: Part of a piece that was read: the piece, where the part begins, and where it ends.
Part = tuple[bytes, int, int]


class Chunk:
    """Some whole lines of a file.

    Parameters
    ----------
    parts
        The lines; the last may lack its newline.
    size
        Bytes of them.
    last_fault
        What is wrong with the last line: ``"too_long"`` (only its beginning is
        here), ``"cut_off"`` (the file broke off in it), or None.
    consumed
        Bytes of the file read so far.
    last_bytes
        Bytes of the last line where it is too long, all of them counted.
    pool
        Where memory for the lines in one piece comes from.
    data
        The lines in such memory already; then there are no parts.
    """

    def __init__(
        self,
        parts: list[Part],
        size: int,
        last_fault: str | None,
        consumed: int,
        pool: Pool,
        last_bytes: int | None = None,
        data: memoryview | None = None,
    ) -> None:
        self.last_fault = last_fault
        self.consumed = consumed
        self.last_bytes = last_bytes
        self._parts = parts
        self._size = size
        self._pool = pool
        self._data = data

    @property
    def data(self) -> memoryview:
        """The lines in one piece of memory that is used again after :meth:`release`."""
        if self._data is None:
            self._data = self._pool.join(self._parts, self._size)
            self._parts = []
        return self._data

    def release(self) -> None:
        """Give the memory of the lines back; they are gone then."""
        self._parts = []
        if self._data is not None:
            self._pool.give(self._data)


class Pool:
    """Memory for chunks of all files, used again: getting it anew takes as long as inflating."""

    def __init__(self) -> None:
        self._free: list[bytearray] = []

    def take(self) -> bytearray:
        """Give memory for a chunk and some more that nobody uses."""
        try:
            return self._free.pop()
        except IndexError:
            return bytearray(CHUNK_BYTES + (CHUNK_BYTES >> 3))

    def join(self, parts: Iterable[Part], size: int) -> memoryview:
        """Put parts of `size` bytes in all together in memory that nobody uses."""
        memory = self.take()
        if len(memory) < size:
            memory = bytearray(size)
        view = memoryview(memory)[:size]
        at = 0
        for piece, start, end in parts:
            view[at : at + end - start] = memoryview(piece)[start:end]
            at += end - start
        return view

    def give(self, view: memoryview) -> None:
        """Take memory back; what was made for a record of unusual size is let go."""
        memory = view.obj
        view.release()
        if isinstance(memory, bytearray) and len(memory) <= CHUNK_BYTES * 2:
            self._free.append(memory)


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
    return Filler(path)


def cut(pieces: Pieces, pool: Pool) -> Iterator[Chunk]:
    """Cut a file into chunks: each ends with the first line that reaches ``CHUNK_BYTES``."""
    begun = b""
    if isinstance(pieces, Filler):
        begun = yield from _fill(pieces, pool)
    yield from _cut(pieces, pool, begun)


def _fill(file: Filler, pool: Pool) -> Generator[Chunk, None, bytes]:
    """Read chunks into their memory; give what is left: the end, or a line that does not fit."""
    memory, size = pool.take(), 0
    view = memoryview(memory)
    while True:
        enough = CHUNK_BYTES + _LINE_BYTES
        while (end := memory.find(b"\n", CHUNK_BYTES - 1, size)) < 0:
            count = file.fill(view[size:enough] if size < enough else view[size:])
            size += count
            if not count:
                left = bytes(view[:size])
                pool.give(view)
                return left
        following = pool.take()
        rest = size - end - 1
        following[:rest] = view[end + 1 : size]
        yield Chunk([], end + 1, None, file.consumed, pool, data=view[: end + 1])
        memory, size, view = following, rest, memoryview(following)


def _cut(pieces: Pieces, pool: Pool, rest: bytes) -> Iterator[Chunk]:
    """Cut what follows `rest`, and it, into chunks."""
    parts: list[Part] = []
    size, tail = 0, 0  # bytes in parts, and of them after the last newline
    while piece := rest or pieces.read():
        rest, start = b"", 0
        while (end := piece.find(b"\n", start + max(CHUNK_BYTES - size - 1, 0))) >= 0:
            parts.append((piece, start, end + 1))
            yield _chunk(pool, parts, size + end + 1 - start, pieces.consumed)
            parts, size, tail, start = [], 0, 0, end + 1
        parts.append((piece, start, len(piece)))
        size += len(piece) - start
        newline = piece.rfind(b"\n", start)
        tail = len(piece) - newline - 1 if newline >= 0 else tail + len(piece) - start
        if size >= CHUNK_BYTES and tail > MAX_RECORD_BYTES:
            rest, skipped = _after_newline(pieces)
            yield _chunk(pool, parts, size, pieces.consumed, skipped)
            parts, size, tail = [], 0, 0
    if size:
        fault = "cut_off" if pieces.broken and tail else None
        yield Chunk(parts, size, fault, pieces.consumed, pool)


def _chunk(pool: Pool, parts: list[Part], size: int, consumed: int, skipped: int = 0) -> Chunk:
    """Make a chunk; of a last line that is too long only the beginning stays."""
    start = _last_line(parts, size)
    if size - start <= MAX_RECORD_BYTES:
        return Chunk(parts, size, None, consumed, pool)
    lines = b"".join(piece[begin:end] for piece, begin, end in parts)
    stub = lines[: start + _STUB_BYTES] + b"\n"
    whole = [(stub, 0, len(stub))]
    return Chunk(whole, len(stub), "too_long", consumed, pool, size - start + skipped)


def _last_line(parts: list[Part], size: int) -> int:
    """Where the last line begins; a newline that is the last byte ends that line."""
    at = size
    for piece, start, end in reversed(parts):
        at -= end - start
        newline = piece.rfind(b"\n", start, end - (at + end - start == size))
        if newline >= 0:
            return at + newline - start + 1
    return 0


def _after_newline(pieces: Pieces) -> tuple[bytes, int]:
    """Skip the rest of a line; give what was read after it, and the bytes skipped."""
    skipped = 0
    while piece := pieces.read():
        end = piece.find(b"\n")
        if end >= 0:
            return piece[end + 1 :], skipped + end + 1
        skipped += len(piece)
    return b"", skipped
