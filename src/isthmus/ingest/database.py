"""DuckDB as ingest uses it: within its memory, with the country codes at hand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from isthmus.corpus.countries import RESERVED, countries
from isthmus.corpus.store import PARQUET_OPTIONS

#: Memory of DuckDB; beyond it, it spills into the staging folder.
MEMORY = "400MB"


def connect(spill: Path, n_threads: int, memory: str = MEMORY) -> duckdb.DuckDBPyConnection:
    """Open DuckDB within its memory, and give it the country codes."""
    config: dict[str, Any] = {
        "memory_limit": memory,
        "threads": n_threads,
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(config=config)
    # Jupyter without its widgets shows no bar, and DuckDB then refuses the setting.
    with contextlib.suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar = false").fetchall()
    pairs = ", ".join(f"('{raw}', '{code}')" for raw, code in written_codes().items())
    connection.execute(f"CREATE TABLE codes AS SELECT * FROM (VALUES {pairs}) AS given(raw, code)")
    return connection


def written_codes() -> dict[str, str]:
    """Country codes as they are written, and the countries they are of."""
    return {**{code: code for code in countries()}, **RESERVED}


def quoted(text: object) -> str:
    """SQL of a text."""
    return "'" + str(text).replace("'", "''") + "'"


def copy(connection: duckdb.DuckDBPyConnection, sql: str, path: Path) -> int:
    """Write the rows of a query as Parquet; none leave no file. Give their number."""
    rows = connection.execute(f"COPY ({sql}) TO {quoted(path)} ({PARQUET_OPTIONS})").fetchall()
    n_rows = int(rows[0][0])
    if not n_rows:
        path.unlink(missing_ok=True)
    return n_rows


@contextlib.contextmanager
def registered(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """Show an Arrow table to DuckDB under a name."""
    connection.register(name, table)
    try:
        yield
    finally:
        connection.unregister(name)
