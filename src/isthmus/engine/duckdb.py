"""Relational work in this process, on DuckDB."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from isthmus.engine.protocol import Storage, Table, stored
from isthmus.errors import IsthmusError, MissingExtraError, TargetError
from isthmus.files import atomic_path

#: How DuckDB writes what is kept. Version 2 of Parquet stores ids as differences, which is
#: smaller and half the work to read; dictionaries are for years and countries, not for ids,
#: where trying one is a third of the work to write. No step looks up single values.
_KEPT_AS: dict[str, Any] = {
    "compression": "zstd",
    "parquet_version": "V2",
    "dictionary_size_limit": 1000,
    "write_bloom_filter": False,
}

_MEMORY = "SELECT sum(memory_usage_bytes)::BIGINT FROM duckdb_memory()"


class DuckDBEngine:
    """Relational work in this process, on DuckDB.

    Parameters
    ----------
    memory
        Most memory DuckDB may use, such as ``"4GB"``; beyond it, work spills to disk.
    threads
        Threads DuckDB may use; all cores when None.
    spill
        Folder for what does not fit in memory; a temporary folder when None.
    storage
        Where a copy of the corpus is read instead: a folder or ``s3://...``.
    """

    name: str = "duckdb"

    def __init__(
        self,
        *,
        memory: str | None = None,
        threads: int | None = None,
        spill: Path | None = None,
        storage: Storage | None = None,
    ) -> None:
        import duckdb
        import ibis

        from isthmus.engine.compiling import connect

        self.versions: Mapping[str, str] = {"duckdb": duckdb.__version__, "ibis": ibis.__version__}
        self._own_spill = None if spill else tempfile.mkdtemp(prefix="isthmus-spill-")
        folder = str(spill or self._own_spill)
        options: dict[str, Any] = {"temp_directory": folder, "preserve_insertion_order": False}
        if memory is not None:
            options["memory_limit"] = memory
        if threads is not None:
            options["threads"] = threads
        try:
            self._connection = connect(**options)
        except duckdb.Error as error:
            self.close()
            raise IsthmusError(f"DuckDB refused its settings {options}: {error}.") from None
        for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
            self._connection.raw_sql(f"SET {setting} = false")
        self._storage = storage
        self._named: Counter[str] = Counter()
        if storage is not None and storage[1].startswith("s3://"):
            self._load_httpfs(storage[1])

    def read(self, parts: Sequence[Path], schema: pa.Schema) -> Table:
        """Return Parquet parts of one schema as a table; no part gives an empty table."""
        if not parts:
            return self.local(schema.empty_table())
        addresses = [stored(part, self._storage) for part in parts]
        name = self._name(parts[0].parent.name)
        return self._connection.read_parquet(addresses, table_name=name)

    def local(self, table: pa.Table) -> Table:
        """Return a small Arrow table of this process as a table of the engine."""
        name = self._name("local")
        self._connection.con.register(name, table)
        return self._connection.table(name)

    def keep(self, table: Table, path: Path) -> Table:
        """Compute a table once, write it to `path` whole, and give it back as read from there."""
        with self._faults(path), atomic_path(path) as partial:
            self._connection.to_parquet(table, str(partial), **_KEPT_AS)
        return self._kept(path)

    def kept(self, path: Path) -> Table | None:
        """Return a table kept earlier at `path`, or None."""
        return self._kept(path) if path.exists() else None

    def _kept(self, path: Path) -> Table:
        return self._connection.read_parquet(str(path), table_name=self._name(path.stem))

    def _name(self, what: str) -> str:
        """Name a table: studies of one shape have the same names in the same order."""
        self._named[what] += 1
        return f"isthmus_{what}_{self._named[what]}"

    def collect(self, table: Table) -> pa.Table:
        """Compute a table small enough for this process, as Arrow."""
        with self._faults(None):
            return self._connection.to_pyarrow(table)

    def held(self) -> int | None:
        """Bytes of memory DuckDB holds now, asked from any thread."""
        import duckdb

        try:
            with self._connection.con.cursor() as cursor:
                row = cursor.execute(_MEMORY).fetchone()
        except duckdb.Error:
            return None
        return int(row[0]) if row else None

    def close(self) -> None:
        """Return back memory and the spill folder."""
        if hasattr(self, "_connection"):
            self._connection.disconnect()
        if self._own_spill:
            shutil.rmtree(self._own_spill, ignore_errors=True)

    def _load_httpfs(self, address: str) -> None:
        import duckdb

        try:
            self._connection.raw_sql("LOAD httpfs")
        except duckdb.Error as error:
            self.close()
            raise MissingExtraError(
                f"DuckDB reads {address} with its extension httpfs, which is not installed; run "
                f"`INSTALL httpfs` in DuckDB once. It said: {_first_line(error)}"
            ) from None

    @contextlib.contextmanager
    def _faults(self, path: Path | None) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise IsthmusError(
                "DuckDB ran out of the memory it was given. Raise `memory` in [run], or give it "
                f"a `spill` folder with more space. It said: {_first_line(error)}"
            ) from None
        except duckdb.IOException as error:
            where = f"Cannot write {path}" if path else "DuckDB could not use its files"
            raise TargetError(
                f"{where}: {_first_line(error)} Check that the disk has space and the folder "
                "may be written, then run the same command again to go on."
            ) from None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") + "."
