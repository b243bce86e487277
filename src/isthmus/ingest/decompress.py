"""The text of a file whatever it is packed in, as UTF-8, in bounded pieces.

What the standard library unpacks is unpacked. A file that breaks off or is damaged gives
everything before that place and says so in :attr:`Text.broken`; it raises nothing.
"""

from __future__ import annotations

import bz2
import codecs
import importlib
import lzma
import tarfile
import types
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from isal import isal_zlib

#: Bytes asked for at once.
PIECE_BYTES = 1 << 20

_GZIP = b"\x1f\x8b"
_GZIP_BITS = 31  # window bits that mean a gzip header
_INPUT_BYTES = 1 << 19

#: How a packed file begins -> the form it is packed in.
_BEGINNINGS = {
    _GZIP: "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"]\x00\x00": "lzma",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PAR1": "parquet",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar",
    b"\x04\x22\x4d\x18": "lz4",
    b"\x1f\x9d": "compress",
    b"ORC": "orc",
    b"Obj\x01": "avro",
    b"SQLite format 3": "SQLite",
}

#: Forms whose content is read as text.
TEXT_FORMS = frozenset({"plain", "gzip", "bzip2", "xz", "lzma", "zstd"})

#: Forms that hold files.
ARCHIVES = frozenset({"zip", "tar"})

_ISAL_ERROR: Any = isal_zlib.error
_DAMAGE: tuple[type[BaseException], ...] = (
    *(EOFError, OSError, zlib.error, _ISAL_ERROR, lzma.LZMAError, ValueError),
    *(zipfile.BadZipFile, tarfile.TarError, NotImplementedError, RuntimeError),
)

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Text:
    """The text of a file, or of a member of an archive, as UTF-8 without a byte-order mark.

    Parameters
    ----------
    path
        The file.
    member
        Name of a member, where the file is an archive.

    Attributes
    ----------
    broken : bool
        The file broke off or was damaged; known at the end.
    encoding : str
        Encoding of the text in the file.
    """

    def __init__(self, path: Path, member: str | None = None) -> None:
        self.broken = False
        self._path = path
        self._raw: IO[bytes] = path.open("rb")
        try:
            self._stream: Any = _open(self._raw, path, member)
            self._begin = self._piece(PIECE_BYTES)
        except BaseException:
            self._raw.close()
            raise
        self.encoding, skipped = _encoding(self._begin)
        self._begin = self._begin[skipped:]
        self._decoder: Any = None
        if self.encoding != "utf-8":
            self._decoder = codecs.getincrementaldecoder(self.encoding)("replace")

    def __enter__(self) -> Text:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.close()

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far."""
        return self._raw.tell() if not self._raw.closed else self._path.stat().st_size

    def read(self, limit: int = PIECE_BYTES) -> bytes:
        """Return some bytes, `limit` at most where the text is UTF-8; none at the end."""
        while True:
            piece, self._begin = self._begin[:limit], self._begin[limit:]
            piece = piece or self._piece(limit)
            if self._decoder is None:
                return piece
            text = self._decoder.decode(piece, final=not piece)
            if text or not piece:
                return str(text).encode("utf-8", "replace")

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def _piece(self, limit: int) -> bytes:
        if self.broken:
            return b""
        try:
            piece: bytes = self._stream.read1(limit)
        except _DAMAGE as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            self.broken = True
            return b""
        return piece


class _Gzip:
    """Inflates gzip with any number of members; gives all there is before damage."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._input = b""
        self._stream: Any = None

    def read1(self, limit: int) -> bytes:
        """Return some bytes, at most `limit`; none at the end."""
        while True:
            if self._stream is None or self._stream.eof:
                if not self._next_member():
                    return b""
            elif not self._input:
                self._input = self._raw.read(_INPUT_BYTES)
                if not self._input:
                    raise EOFError
            piece: bytes = self._stream.decompress(self._input, limit)
            self._input = b"" if self._stream.eof else self._stream.unconsumed_tail
            if piece:
                return piece

    def _next_member(self) -> bool:
        """Begin a member; False at the end, where zeros may pad the file."""
        rest = self._stream.unused_data if self._stream is not None else b""
        while len(rest := rest.lstrip(b"\0")) < len(_GZIP):
            piece = self._raw.read(_INPUT_BYTES)
            if not piece:
                break
            rest += piece
        if rest and not rest.startswith(_GZIP):
            raise EOFError
        self._stream = isal_zlib.decompressobj(wbits=_GZIP_BITS)
        self._input = rest
        return bool(rest)


def form_of(path: Path) -> str:
    """Form of a file by its first bytes: a compression, an archive, a format, or ``"plain"``."""
    with path.open("rb") as file:
        head = file.read(512)
    if head[257:262] == b"ustar":
        return "tar"
    form = next((form for begin, form in _BEGINNINGS.items() if head.startswith(begin)), "plain")
    if form in TEXT_FORMS - {"plain"} and can_read(form):
        with Text(path) as text:
            if text.read(512)[257:262] == b"ustar":
                return "tar"
    return form


def can_read(form: str) -> bool:
    """Whether this Python reads files of a form."""
    if form == "zstd":
        return _zstd() is not None
    return form in TEXT_FORMS | ARCHIVES


def members(path: Path, form: str) -> Iterator[tuple[str, int]]:
    """Names and sizes of the files in an archive.

    Raises
    ------
    OSError
        The archive cannot be read.
    """
    try:
        if form == "zip":
            with zipfile.ZipFile(path) as archive:
                yield from ((i.filename, i.file_size) for i in archive.infolist() if not i.is_dir())
        else:
            with tarfile.open(path) as archive:
                yield from ((item.name, item.size) for item in archive if item.isfile())
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise OSError(None, f"the archive is damaged ({error})") from None


def _open(raw: IO[bytes], path: Path, member: str | None) -> Any:
    """Open what is packed, as a stream with ``read1``."""
    head = raw.read(16)
    raw.seek(0)
    form = next((form for begin, form in _BEGINNINGS.items() if head.startswith(begin)), "plain")
    if member is not None:
        if form == "zip":
            return _unpacked(zipfile.ZipFile(raw).open(member))
        return _unpacked(tarfile.open(path).extractfile(member))
    return _unpacked(raw, form)


def _unpacked(stream: Any, form: str | None = None) -> Any:
    """Unpack a stream; what a member of an archive is packed in is seen from its beginning."""
    if form is None:
        head = stream.peek(16)[:16]
        form = next((form for begin, form in _BEGINNINGS.items() if head.startswith(begin)), "")
    if form == "gzip":
        return _Gzip(stream)
    if form == "bzip2":
        return bz2.BZ2File(stream)
    if form in ("xz", "lzma"):
        return lzma.LZMAFile(stream)
    if form == "zstd":
        return _zstd().open(stream, "rb")
    return stream


def _zstd() -> Any:
    """Return the standard library's module for zstd, which Python has from 3.14 on, or None."""
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return None


def _encoding(begin: bytes) -> tuple[str, int]:
    """Encoding of a text by its first bytes, and the length of its byte-order mark."""
    for mark, encoding in _MARKS:
        if begin.startswith(mark):
            return encoding, len(mark)
    if begin[1:2] == b"\0" and begin[:1].isascii() and begin[3:4] == b"\0":
        return "utf-16-le", 0
    if begin[:1] == b"\0" and begin[2:3] == b"\0" and begin[1:2] != b"\0":
        return "utf-16-be", 0
    return "utf-8", 0
