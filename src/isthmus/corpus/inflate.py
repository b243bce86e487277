"""Bytes of a file, inflated when it is gzip, in bounded pieces.

A file that breaks off or is damaged gives everything before that place and says
so in :attr:`Inflater.broken`; it raises nothing. Whole files are inflated straight
into memory that is there (:class:`Filler`), which saves copies and page faults.
"""

from __future__ import annotations

import gzip
import hashlib
import types
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from isal import isal_zlib

_MAGIC = b"\x1f\x8b"
_GZIP = 31  # window bits that mean a gzip header
_DAMAGE: Any = isal_zlib.error

#: What the reader that fills memory raises: a cut, damage, or a header of half a megabyte.
_FAULTS: Any = (EOFError, gzip.BadGzipFile, OverflowError, _DAMAGE)

#: Bytes read from the disk at once, and most bytes inflated at once.
READ_BYTES, PIECE_BYTES = 1 << 19, 1 << 20


class _Hashed:
    """A file whose bytes are hashed as they are read, beside the reading once it proves long."""

    def __init__(self, path: Path) -> None:
        self.consumed = 0
        self._file: IO[bytes] = path.open("rb")
        self._digest = hashlib.sha256()
        self._hasher: ThreadPoolExecutor | None = None
        self._hashing: Future[None] | None = None

    def read(self, limit: int = READ_BYTES) -> bytes:
        """Give the next bytes; none at the end."""
        piece = self._file.read(limit)
        self.consumed += len(piece)
        if len(piece) < READ_BYTES and self._hasher is None:
            self._digest.update(piece)
            return piece
        if self._hashing is not None:
            self._hashing.result()
        self._hasher = self._hasher or ThreadPoolExecutor(1)
        self._hashing = self._hasher.submit(self._digest.update, piece)
        return piece

    def readinto(self, view: memoryview) -> int:
        """Put the next bytes there and count them."""
        piece = self.read(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def sha256(self) -> str:
        """Hash of the whole file; reads what was not read yet."""
        while self.read():
            pass
        if self._hashing is not None:
            self._hashing.result()
        return self._digest.hexdigest()

    def close(self) -> None:
        self._file.close()
        if self._hasher is not None:
            self._hasher.shutdown()


class Inflater:
    """Reads a file, plain or gzip with any number of members.

    Attributes
    ----------
    consumed
        Bytes of the file read so far.
    broken
        The gzip stream broke off or was damaged.
    """

    def __init__(self, path: Path) -> None:
        self.broken = False
        self._file = _Hashed(path)
        self._input = b""
        self._ended = False
        self._fill()
        self._stream: Any = (
            isal_zlib.decompressobj(wbits=_GZIP) if self._input[:2] == _MAGIC else None
        )

    def __enter__(self) -> Inflater:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far."""
        return self._file.consumed

    def read(self, limit: int = PIECE_BYTES) -> bytes:
        """Give some bytes, at most `limit`; none at the end."""
        if self._stream is None:
            piece, self._input = self._input, b""
            self._fill()
            return piece
        while not self.broken:
            if self._stream.eof and not self._next_member():
                return b""
            more = bool(self._input) or self._fill()
            piece = self._inflate(limit)
            if piece:
                return piece
            if not more and not self._stream.eof:
                self.broken = True
        return b""

    def sha256(self) -> str:
        """Hash of the whole file; reads what was not read yet."""
        return self._file.sha256()

    def _inflate(self, limit: int) -> bytes:
        try:
            piece: bytes = self._stream.decompress(self._input, limit)
        except _DAMAGE:
            self.broken = True
            return b""
        self._input = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
        return piece

    def _next_member(self) -> bool:
        """Begin the next gzip member; False at the end, where zeros may pad the file."""
        while not self._input.lstrip(b"\0"):
            if not self._fill():
                return False
        if len(self._input) < 2:
            self._fill(keep=True)
        if self._input[:2] != _MAGIC:
            self.broken = True
            return False
        self._stream = isal_zlib.decompressobj(wbits=_GZIP)
        return True

    def _fill(self, *, keep: bool = False) -> bool:
        piece = self._file.read()
        self._input = self._input + piece if keep else piece
        return bool(piece)


class Filler:
    """Reads a file as :class:`Inflater` does, into memory that is there.

    Where the file breaks off or is damaged an :class:`Inflater` takes over, which gives
    what there is before that place.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._given = 0
        self._careful: Inflater | None = None
        self._file = _Hashed(path)
        with path.open("rb") as file:
            packed = file.read(2) == _MAGIC
        self._stream: Any = self._file
        if packed:
            source: Any = self._file
            self._stream = isal_zlib._GzipReader(source, READ_BYTES)

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far."""
        return (self._careful or self._file).consumed

    @property
    def broken(self) -> bool:
        """The gzip stream broke off or was damaged."""
        return self._careful is not None and self._careful.broken

    def fill(self, view: memoryview) -> int:
        """Put the next bytes there and count them; 0 at the end."""
        if self._careful is None:
            try:
                count: int = self._stream.readinto(view)
            except _FAULTS:
                self._take_care()
            else:
                self._given += count
                return count
        piece = self.read(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def read(self, limit: int = PIECE_BYTES) -> bytes:
        """Give some bytes, at most `limit`; none at the end."""
        if self._careful is None:
            view = memoryview(bytearray(limit))
            return bytes(view[: self.fill(view)])
        return self._careful.read(limit)

    def sha256(self) -> str:
        """Hash of the whole file; reads what was not read yet."""
        return (self._careful or self._file).sha256()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _take_care(self) -> None:
        self._careful = Inflater(self._path)
        while self._given and (piece := self._careful.read(min(self._given, PIECE_BYTES))):
            self._given -= len(piece)
