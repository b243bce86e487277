"""Bytes of a file, inflated when it is gzip, in bounded pieces.

A file that breaks off or is damaged gives everything before that place and says
so in :attr:`Inflater.broken`; it raises nothing.
"""

from __future__ import annotations

import hashlib
import types
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from isal import isal_zlib

_MAGIC = b"\x1f\x8b"
_GZIP = 31  # window bits that mean a gzip header
_DAMAGE: Any = isal_zlib.error

#: Bytes read from the disk at once, and most bytes inflated at once.
READ_BYTES, PIECE_BYTES = 1 << 19, 1 << 20


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
        self.consumed = 0
        self.broken = False
        self._digest = hashlib.sha256()
        self._hasher: ThreadPoolExecutor | None = None
        self._hashing: Future[None] | None = None
        self._file: IO[bytes] = path.open("rb")
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
        if self._hasher is not None:
            self._hasher.shutdown()

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
        while self._fill():
            pass
        if self._hashing is not None:
            self._hashing.result()
        return self._digest.hexdigest()

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
        piece = self._file.read(READ_BYTES)
        self.consumed += len(piece)
        self._hash(piece)
        self._input = self._input + piece if keep else piece
        return bool(piece)

    def _hash(self, piece: bytes) -> None:
        """Hash what was read, beside the inflating once the file proves to be long."""
        if len(piece) < READ_BYTES and self._hasher is None:
            self._digest.update(piece)
            return
        if self._hashing is not None:
            self._hashing.result()
        self._hasher = self._hasher or ThreadPoolExecutor(1)
        self._hashing = self._hasher.submit(self._digest.update, piece)
