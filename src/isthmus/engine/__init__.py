"""Where relational work runs.

Steps are written once as Ibis expressions and know only :class:`Engine`: read
Parquet, keep an intermediate table, collect a small one. DuckDB is the embedded
default. An expression is lazy until it is kept or collected.
"""

from __future__ import annotations

from pathlib import Path

from isthmus.engine.duckdb import DuckDBEngine
from isthmus.engine.protocol import Engine, Storage, Table, stored

__all__ = ["DuckDBEngine", "Engine", "Storage", "Table", "open_engine", "stored"]


def open_engine(
    name: str = "duckdb",
    *,
    memory: str | None = None,
    threads: int | None = None,
    spill: Path | None = None,
    master: str | None = None,
    storage: Storage | None = None,
) -> Engine:
    """Open the engine a study names; `threads` are DuckDB's, `master` is Spark's.

    Raises
    ------
    MissingExtraError
        The engine is not available in this installation.
    """
    if name == "duckdb":
        return DuckDBEngine(memory=memory, threads=threads, spill=spill, storage=storage)
    from isthmus.engine.spark import LOCAL_MASTER, SparkEngine

    return SparkEngine(master=master or LOCAL_MASTER, memory=memory, spill=spill, storage=storage)
