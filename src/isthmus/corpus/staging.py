"""Chunks that were read, kept until the corpus is put together.

Each chunk is one file that appears whole or not at all: its tables as Arrow
streams, a receipt of what was read and refused, and a trailer that proves it is
complete. An interrupted reader goes on from the files that are there.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import msgspec
import pyarrow as pa
import pyarrow.ipc as ipc

from isthmus.errors import TargetError
from isthmus.files import write_text

_TRAILER = struct.Struct("<Q8s")
_MAGIC = b"isthmus1"


class Refused(msgspec.Struct, frozen=True):
    """A rejected record: its line in the chunk, why, how it begins, its bytes where too many."""

    line: int
    reason: str
    head: str
    bytes: int | None = None


class Segment(msgspec.Struct, frozen=True):
    """Where a table stands in a chunk file, and its rows."""

    offset: int
    size: int
    rows: int


class Receipt(msgspec.Struct, kw_only=True):
    """What reading a chunk gave."""

    refused: list[Refused] = []
    set_aside: dict[str, int] = {}
    notes: dict[str, int] = {}
    works: int = 0
    lines: int = 0
    consumed: int = 0
    segments: dict[str, Segment] = {}


class SourceDone(msgspec.Struct, frozen=True, kw_only=True):
    """A source that is staged completely: what it was, its chunks, whether it was damaged."""

    name: str
    entity: str
    bytes: int
    sha256: str
    chunks: int
    broken: bool


@dataclass(frozen=True)
class Chunks:
    """What was read of one source: the folder of its chunk files, and what it was."""

    folder: Path
    done: SourceDone

    def receipts(self) -> Iterator[tuple[Path, Receipt]]:
        """Give the chunk files with their receipts, in the order of reading."""
        for number in range(self.done.chunks):
            path = chunk_path(self.folder, number)
            receipt = load_receipt(path)
            if receipt is None:
                raise TargetError(
                    f"A staged chunk, {path}, is gone or damaged: something else changed the "
                    f"folder. Remove {self.folder} and run the same command again; it is read anew."
                )
            yield path, receipt


@dataclass(frozen=True)
class Staged:
    """Everything that was read: the staging folder and its sources in order."""

    folder: Path
    sources: list[Chunks]

    def receipts(self) -> Iterator[tuple[SourceDone, Path, Receipt]]:
        """Give the chunk files with source and receipt."""
        for chunks in self.sources:
            for path, receipt in chunks.receipts():
                yield chunks.done, path, receipt


def chunk_path(folder: Path, number: int) -> Path:
    """Where a chunk of a source is staged."""
    return folder / f"{number:06d}.chunk"


def load_done(folder: Path) -> SourceDone | None:
    """Read that a source is staged completely; None when it is not."""
    try:
        return msgspec.json.decode((folder / "done.json").read_bytes(), type=SourceDone)
    except (OSError, msgspec.MsgspecError):
        return None


def save_done(folder: Path, done: SourceDone) -> None:
    """Note that a source is staged completely."""
    write_text(folder / "done.json", msgspec.json.encode(done).decode())


def save_chunk(path: Path, tables: dict[str, pa.Table], receipt: Receipt) -> None:
    """Write a chunk so that it appears whole or not at all."""
    partial = path.with_name(f"{path.name}.{uuid4().hex}.partial")
    with pa.OSFile(str(partial), "wb") as file:
        for name, table in tables.items():
            begin = file.tell()
            with ipc.new_stream(file, table.schema) as stream:
                stream.write_table(table)
            receipt.segments[name] = Segment(begin, file.tell() - begin, table.num_rows)
        text = msgspec.json.encode(receipt)
        file.write(text)
        file.write(_TRAILER.pack(len(text), _MAGIC))
    partial.replace(path)


def load_receipt(path: Path) -> Receipt | None:
    """Read the receipt of a chunk; None when the chunk is absent or not complete."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END) - _TRAILER.size
            file.seek(max(end, 0))
            size, magic = _TRAILER.unpack(file.read(_TRAILER.size))
            if magic != _MAGIC or size > end:
                return None
            file.seek(end - size)
            return msgspec.json.decode(file.read(size), type=Receipt)
    except (OSError, struct.error, msgspec.MsgspecError):
        return None


def load_table(path: Path, receipt: Receipt, name: str) -> pa.Table | None:
    """Read one table of a chunk; None when the chunk has no such table."""
    segment = receipt.segments.get(name)
    if segment is None or not segment.rows:
        return None
    with pa.memory_map(str(path)) as file:
        file.seek(segment.offset)
        return ipc.open_stream(file.read_buffer(segment.size)).read_all()
