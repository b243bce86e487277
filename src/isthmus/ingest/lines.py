"""Lines of several sources cut into chunks that an engine reads at once.

Where a chunk ends depends on the content of the sources alone, so a reader that starts
again finds the same chunks.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.corpus.tally import MAX_RECORD_BYTES
from isthmus.ingest.decompress import Text
from isthmus.ingest.documents import Document
from isthmus.ingest.openalex.export import Export

#: Bytes of a chunk that are read before it ends with a line.
CHUNK_BYTES = 64 << 20

_PIECE_BYTES = 1 << 20

#: Bytes kept of a record that is too long.
_STUB_BYTES = 1000


#: A source that gives lines in pieces, and says in the end whether it was damaged.
Lines = Text | Document | Export


@dataclass(frozen=True)
class Segment:
    """Lines of a chunk that are of one source.

    Attributes
    ----------
    source
        Number of the source.
    begin, end
        Where its bytes stand in the chunk; they end with a newline.
    lines
        Its lines, blank ones too.
    lines_before
        Lines of the source in chunks before.
    fault
        What is wrong with the last line: ``"too_long"`` (only its beginning is here),
        ``"cut_off"`` (the file broke off in it), or None.
    last_bytes
        Bytes of the last line where it is too long.
    """

    source: int
    begin: int
    end: int
    lines: int
    lines_before: int
    fault: str | None = None
    last_bytes: int | None = None


class Scratch:
    """A file that is written over for each chunk, so that it costs no new memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w+b")
        self._room = 0
        self.memory: mmap.mmap | None = None

    def reserve(self, size: int) -> mmap.mmap:
        """Return memory of the file of `size` bytes at least; its content stays."""
        if self.memory is None or self._room < size:
            self.release()
            self._room = max(size, min(2 * self._room, CHUNK_BYTES) + 4 * _PIECE_BYTES)
            # Writing to memory of a file for which the disk has no room would end the process.
            os.posix_fallocate(self._file.fileno(), 0, self._room)
            self.memory = mmap.mmap(self._file.fileno(), self._room)
        return self.memory

    def blank(self, size: int) -> None:
        """Make everything after `size` bytes blank lines."""
        if self.memory is not None:
            self.memory[size:] = b"\n" * (self._room - size)

    def release(self) -> None:
        """Free the memory."""
        if self.memory is not None:
            self.memory.close()
            self.memory = None

    def close(self) -> None:
        """Remove the file."""
        self.release()
        self._file.close()
        self.path.unlink(missing_ok=True)


class Chunker:
    """Cuts sources into chunks in a scratch file.

    Parameters
    ----------
    openers
        Open the sources, in order.
    scratch
        Where the lines of a chunk stand while it is read.

    Attributes
    ----------
    broken : set of int
        Sources that broke off or were damaged.
    consumed : int
        Bytes of the files read so far.
    """

    def __init__(self, openers: Sequence[Callable[[], Lines]], scratch: Scratch) -> None:
        self.broken: set[int] = set()
        self.consumed = 0
        self._openers = openers
        self._scratch = scratch
        self._segments: list[Segment] = []
        self._used = self._begin = self._newlines = self._before = 0

    def chunks(self) -> Iterator[list[Segment]]:
        """Yield the segments of each chunk; its lines are gone when the next is asked for."""
        for number, opener in enumerate(self._openers):
            self._begin, self._newlines, self._before = self._used, 0, 0
            consumed = self.consumed
            lines = opener()
            try:
                while piece := lines.read(_PIECE_BYTES):
                    self._append(piece)
                    while self._used >= CHUNK_BYTES:
                        memory = self._scratch.reserve(self._used)
                        end = memory.rfind(b"\n", self._begin, self._used) + 1
                        if end <= self._begin and not self._segments:
                            if self._used <= MAX_RECORD_BYTES:
                                break
                            self._skip(lines, number)
                            break
                        yield from self._cut(number, max(end, self._begin))
                    self.consumed = consumed + lines.consumed
                self._end(lines, number)
                self.consumed = consumed + lines.consumed
            finally:
                lines.close()
        if self._segments:
            yield from self._cut(None, self._used)

    def _append(self, piece: bytes) -> None:
        memory = self._scratch.reserve(self._used + len(piece))
        memory[self._used : self._used + len(piece)] = piece
        self._used += len(piece)
        self._newlines += piece.count(b"\n")

    def _cut(self, number: int | None, end: int) -> Iterator[list[Segment]]:
        """Yield what stands before `end`; the rest begins the next chunk."""
        memory = self._scratch.reserve(self._used)
        rest = memory[end : self._used]
        if number is not None and end > self._begin:
            self._add(number, end)
        segments, self._segments = self._segments, []
        self._scratch.blank(end)
        yield segments
        self._used = self._begin = 0
        self._newlines = 0
        self._append(rest)

    def _add(self, number: int, end: int, **fault: Any) -> None:
        segment = Segment(number, self._begin, end, self._newlines, self._before, **fault)
        self._segments.append(segment)
        self._before += self._newlines
        self._newlines, self._begin = 0, end

    def _end(self, lines: Lines, number: int) -> None:
        """Close the last line of a source."""
        if lines.broken:
            self.broken.add(number)
        if self._used == self._begin:
            return
        fault = None
        if self._scratch.reserve(self._used)[self._used - 1] != ord("\n"):
            self._append(b"\n")
            fault = "cut_off" if lines.broken else None
        self._add(number, self._used, fault=fault)

    def _skip(self, lines: Lines, number: int) -> None:
        """Keep only the beginning of a line that is too long, and read on after it."""
        size = self._used - self._begin
        self._used = self._begin + _STUB_BYTES
        rest = b""
        while piece := lines.read(_PIECE_BYTES):
            end = piece.find(b"\n") + 1
            size += end or len(piece)
            if end:
                rest = piece[end:]
                break
        self._append(b"\n")
        self._add(number, self._used, fault="too_long", last_bytes=size)
        self._append(rest)
