"""Relational work on Apache Spark: the engine past one machine.

The expressions are those that DuckDB runs. Kept tables are folders of Parquet
written by the executors; only result-sized tables come to this process.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.engine.protocol import Storage, Table, stored
from isthmus.errors import InputError, IsthmusError, MissingExtraError
from isthmus.files import atomic_path

#: Master used when the study names none: this machine, all cores.
LOCAL_MASTER = "local[*]"

#: How addresses of Spark Connect begin; its server needs Java, this process does not.
CONNECT = "sc://"

#: What pyspark leaves in the environment after Spark Connect, and then opens nothing else.
CONNECT_ONLY = "SPARK_CONNECT_MODE_ENABLED"

LOOPBACK = "127.0.0.1"

#: Parts of a shuffle on one machine; Spark's own 200 are meant for a cluster.
LOCAL_PARTITIONS = 8

#: File that says where in the store a kept table stands.
ADDRESS = "address"


class SparkEngine:
    """Relational work on Spark.

    Parameters
    ----------
    master
        A master URL such as ``local[2]`` or ``spark://host:7077``, or the address of
        Spark Connect, ``sc://host:15002``.
    memory
        Memory of the driver and of each executor, such as ``"4GB"``.
    spill
        Folder for shuffles; Spark's own choice when None.
    storage
        Where the executors find a copy of the corpus, and keep tables, when they do not
        see the folders of this machine: any address that Spark reads.
    """

    name: str = "spark"

    def __init__(
        self,
        *,
        master: str = LOCAL_MASTER,
        memory: str | None = None,
        spill: Path | None = None,
        storage: Storage | None = None,
    ) -> None:
        self._was_local = CONNECT_ONLY not in os.environ
        session = _session(master, memory, spill)
        import ibis

        self.versions: Mapping[str, str] = {"spark": session.version, "ibis": ibis.__version__}
        self._session, self._storage = session, storage
        self._kept_at = f"{storage[1].rstrip('/')}/kept/{uuid4().hex}" if storage else None
        self._connection = ibis.pyspark.connect(session)

    def read(self, parts: Sequence[Path], schema: pa.Schema) -> Table:
        """Return Parquet parts of one schema as a table; no part gives an empty table."""
        if not parts:
            return self.local(schema.empty_table())
        if self._storage and not parts[0].is_relative_to(self._storage[0]):
            return self._view(self._session.createDataFrame(_read(parts, schema)))
        addresses = [stored(part, self._storage) for part in parts]
        return self._view(self._session.read.parquet(*addresses))

    def local(self, table: pa.Table) -> Table:
        """Return a small Arrow table of this process as a table of the engine."""
        import ibis

        return ibis.memtable(table)

    def keep(self, table: Table, path: Path) -> Table:
        """Compute a table once, write it to `path` whole, and give it back as read from there."""
        with atomic_path(path) as partial:
            if self._kept_at is None:
                address = str(partial)
            else:
                address = f"{self._kept_at}/{path.name}"
                partial.mkdir()
                (partial / ADDRESS).write_text(address, encoding="utf-8")
            self._frame(table).write.parquet(address, compression="zstd")
        return self._kept(path)

    def kept(self, path: Path) -> Table | None:
        """Return a table kept earlier at `path`, or None."""
        return self._kept(path) if path.exists() else None

    def _kept(self, path: Path) -> Table:
        elsewhere = path / ADDRESS
        address = elsewhere.read_text(encoding="utf-8") if elsewhere.exists() else str(path)
        return self._view(self._session.read.parquet(address))

    def collect(self, table: Table) -> pa.Table:
        """Compute a table small enough for this process, as Arrow."""
        arrow = self._frame(table).toArrow()
        return arrow.cast(table.schema().to_pyarrow())

    def held(self) -> int | None:
        """Unknown: the executors hold it."""
        return None

    def close(self) -> None:
        """Stop the session."""
        _stop(self._session, self._was_local)

    def _frame(self, table: Table) -> Any:
        from ibis.expr.operations import InMemoryTable

        for held in table.op().find(InMemoryTable):
            frame = self._session.createDataFrame(held.data.to_pyarrow(held.schema))
            frame.createOrReplaceTempView(held.name)
        return self._session.sql(self._connection.compile(table))

    def _view(self, frame: Any) -> Table:
        import ibis

        name = ibis.util.gen_name("isthmus")
        frame.createOrReplaceTempView(name)
        return self._connection.table(name)


def refuse_memory_alone(master: str | None, memory: str | None) -> None:
    """Refuse the memory of a Spark that was not asked for.

    Raises
    ------
    InputError
        There is a memory and no master.
    """
    if master is None and memory is not None:
        raise InputError(
            "The memory is that of Spark, and no master was named. Name one, such as local[*], "
            "or leave the memory out."
        )


@contextmanager
def on_executors(
    *, master: str = LOCAL_MASTER, memory: str | None = None
) -> Iterator[Callable[[Callable[[int], None], int], None]]:
    """Open Spark; give a function that calls a task with every number below another.

    Each call is a task of Spark's, so as many run at a time as there are cores, and one
    that fails, or whose executor is lost, is done again. What a task makes it leaves on
    disk: nothing comes back.

    Parameters
    ----------
    master, memory
        As :class:`SparkEngine` takes them.

    Raises
    ------
    IsthmusError
        A task failed as often as Spark tries one.
    MissingExtraError
        Spark or Java is missing here, or isthmus where the executors are.
    """

    def each(task: Callable[[int], None], n: int) -> None:
        if not n:
            return
        numbers = session.range(0, n, 1, n)
        try:
            numbers.mapInArrow(partial(_call, task), "id bigint").collect()
        except Exception as error:
            raise _failure(error) from None

    with open_session(master, memory) as session:
        yield each


@contextmanager
def open_session(master: str, memory: str | None = None) -> Iterator[Any]:
    """Open a session of Spark, which is stopped at the end."""
    was_local = CONNECT_ONLY not in os.environ
    session = _session(master, memory, None)
    try:
        yield session
    finally:
        _stop(session, was_local)


def _call(
    task: Callable[[int], None], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for number in batch["id"].to_pylist():
            task(number)
        yield batch.slice(0, 0)


def _failure(error: Exception) -> IsthmusError:
    """Say in one sentence what an executor's traceback ends with, or else what Spark says."""
    ends = re.findall(r"^([\w.]+(?:Error|Exception)): (.+)$", str(error), re.MULTILINE)
    said = re.findall(r"^.*\b([\w.]+Exception): (.+)$", str(error), re.MULTILINE)
    kind, why = (ends[-1:] + said[:1] + [("", str(error).strip().split("\n")[0])])[0]
    if kind == "ModuleNotFoundError":
        return MissingExtraError(
            f"Spark's executors cannot do the work: {why}. Install `isthmus[spark]` where they "
            "run, and name the Python that has it in PYSPARK_PYTHON."
        )
    return IsthmusError(why if kind.startswith("isthmus.") else f"Spark's executors failed: {why}")


def _stop(session: Any, was_local: bool) -> None:
    session.stop()
    if was_local:
        os.environ.pop(CONNECT_ONLY, None)


def _read(parts: Sequence[Path], schema: pa.Schema) -> pa.Table:
    """Read parts that only this process sees."""
    return pa.concat_tables([pq.read_table(part, schema=schema) for part in parts])


def _session(master: str, memory: str | None, spill: Path | None) -> Any:
    remote = master.startswith(CONNECT)
    if not remote:
        _need_java()
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise MissingExtraError(
            "Spark is not installed; install it with `pip install 'isthmus[spark]'`."
        ) from None
    if _is_here(master):  # executors take whatever is called python3 unless they are told
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("isthmus")
    builder = builder.remote(master) if remote else builder.master(master)
    for key, value in _settings(master, memory, spill).items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise IsthmusError(
            f"Spark did not start on {master}: {str(error).splitlines()[0]}"
        ) from None


def _need_java() -> None:
    if shutil.which("java") is None:
        raise MissingExtraError(
            "Spark needs Java and there is none on this machine; install a Java runtime of "
            "version 17 or 21 (a package such as openjdk-17-jre-headless)."
        )


def _is_here(master: str) -> bool:
    """Whether the executors run on this machine."""
    return master.startswith("local") or LOOPBACK in master


def _settings(master: str, memory: str | None, spill: Path | None) -> dict[str, str]:
    settings = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}
    if master.startswith(CONNECT):  # the rest is the server's to say
        return settings
    settings |= {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        # Memory is bounded by what the driver was given, not by a count of bytes collected.
        "spark.driver.maxResultSize": "0",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
    }
    if _is_here(master):
        settings |= {"spark.driver.host": LOOPBACK, "spark.driver.bindAddress": LOOPBACK}
    if master.startswith("local"):
        settings |= {
            "spark.sql.shuffle.partitions": str(LOCAL_PARTITIONS),
            "spark.sql.adaptive.coalescePartitions.parallelismFirst": "false",
        }
    if memory is not None:
        size = memory.strip().lower().replace(" ", "").removesuffix("b")
        settings |= {"spark.driver.memory": size, "spark.executor.memory": size}
    if spill is not None:
        settings["spark.local.dir"] = str(spill)
    return settings
