"""What relational work may ask of the place it runs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

#: An Ibis table expression. Ibis ships no types, so this names the intent.
Table = Any


class Engine(Protocol):
    """What a relational step may ask of the place it runs on."""

    name: str
    versions: Mapping[str, str]

    def read(self, parts: Sequence[Path], schema: pa.Schema) -> Table:
        """Return Parquet parts of one schema as a table; no part is an empty table."""
        ...

    def local(self, table: pa.Table) -> Table:
        """Return a small Arrow table of this process as a table of the engine."""
        ...

    def keep(self, table: Table, path: Path) -> Table:
        """Compute a table once, write it to `path` whole, and give it back as read from there."""
        ...

    def kept(self, path: Path) -> Table | None:
        """Return a table kept earlier at `path`, or None."""
        ...

    def collect(self, table: Table) -> pa.Table:
        """Compute a table small enough for this process, as Arrow."""
        ...

    def held(self) -> int | None:
        """Bytes of memory the engine holds now, asked from any thread; None where it is unknown."""
        ...

    def close(self) -> None:
        """Release memory, files and processes."""
        ...


#: A folder of this machine, and the address at which engines find a copy of it.
Storage = tuple[Path, str]


def stored(part: Path, storage: Storage | None) -> str:
    """Return the address of a file: in the store where it is in the folder copied there.

    Examples
    --------
    >>> stored(Path("/corpus/works/0.parquet"), (Path("/corpus"), "s3a://bucket/ai/"))
    's3a://bucket/ai/works/0.parquet'
    """
    if storage is None or not part.is_relative_to(storage[0]):
        return str(part)
    return f"{storage[1].rstrip('/')}/{part.relative_to(storage[0]).as_posix()}"
