"""What a run did, told while it does it: a log of events, and tables read and kept.

The log is one event a line in logfmt, ``key=value`` separated by blanks: a person
reads it, :func:`parse_line` and common log tools take it apart. Texts with blanks,
quotes or equals signs stand in double quotes as in JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.engine import Engine, Table
from isthmus.files import target_errors

#: Name of the log in a folder of results.
LOG_FILE = "run.log"

_PLAIN = re.compile(r"[^\s\"=]+")
_PAIR = re.compile(r'([A-Za-z_][\w.]*)=("(?:[^"\\]|\\.)*"|\S*)')


class Journal:
    """A log that grows by one line an event; each line is on the disk when it is said.

    Parameters
    ----------
    path
        The file; lines are added to what stands there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def say(self, event: str, **values: object) -> None:
        """Add a line: the time, the event, and values by name; None is left out."""
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = line_of({"time": stamp, "event": event, **values})
        with target_errors(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def line_of(values: Mapping[str, object]) -> str:
    """Write values by name as one line of logfmt.

    Examples
    --------
    >>> line_of({"event": "step ends", "step": "poles", "rows": 12, "note": None})
    'event="step ends" step=poles rows=12'
    """
    told = {name: value for name, value in values.items() if value is not None}
    return " ".join(f"{name}={_text(value)}" for name, value in told.items())


def parse_line(line: str) -> dict[str, str]:
    """Read a line of the log back as texts by name.

    Examples
    --------
    >>> parse_line('event="step ends" step=poles rows=12')
    {'event': 'step ends', 'step': 'poles', 'rows': '12'}
    """
    return {
        name: json.loads(value) if value.startswith('"') else value
        for name, value in _PAIR.findall(line)
    }


def _text(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    if text.isprintable() and _PLAIN.fullmatch(text):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())


class ObservedEngine:
    """An engine that notes which tables its work reads and keeps, and how long it takes.

    Parameters
    ----------
    engine
        The engine that does the work.
    journal
        Told of each table kept.
    """

    def __init__(self, engine: Engine, journal: Journal) -> None:
        self._engine, self._journal = engine, journal
        self._known: dict[str, tuple[str, list[Path]]] = {}
        self._rows: dict[str, int] = {}
        self.name, self.versions = engine.name, engine.versions
        self.begin()

    def begin(self) -> None:
        """Forget what was read and how long it took: a new step begins."""
        self._read: set[str] = set()
        self.seconds = 0.0

    @property
    def rows_read(self) -> dict[str, int]:
        """Rows of the tables read since the step began, each counted once, by name."""
        return {label: self._rows_of(name) for label, name in sorted(self._labels().items())}

    def read(self, parts: Sequence[Path], schema: pa.Schema) -> Table:
        """Return Parquet parts of one schema as a table; no part gives an empty table."""
        table = self._engine.read(parts, schema)
        return self._know(table, parts[0].parent.name, list(parts)) if parts else table

    def local(self, table: pa.Table) -> Table:
        """Return a small Arrow table of this process as a table of the engine."""
        return self._engine.local(table)

    def keep(self, table: Table, path: Path) -> Table:
        """Compute a table once, write it to `path` whole, and give it back as read from there."""
        began = perf_counter()
        with self._timed(table):
            kept = self._engine.keep(table, path)
        self._know(kept, f"kept.{path.stem}", [path])
        rows, size = self._rows_of(_names(kept)[0]), _bytes(path)
        seconds = perf_counter() - began
        self._journal.say("kept", table=path.stem, rows=rows, bytes=size, seconds=seconds)
        return kept

    def kept(self, path: Path) -> Table | None:
        """Return a table kept earlier at `path`, or None."""
        found = self._engine.kept(path)
        return None if found is None else self._know(found, f"kept.{path.stem}", [path])

    def collect(self, table: Table) -> pa.Table:
        """Compute a table small enough for this process, as Arrow."""
        with self._timed(table):
            return self._engine.collect(table)

    def held(self) -> int | None:
        """Bytes of memory the engine holds now; None where it is unknown."""
        return self._engine.held()

    def close(self) -> None:
        """Return back memory, files and processes."""
        self._engine.close()

    @contextmanager
    def _timed(self, table: Table) -> Iterator[None]:
        self._read.update(name for name in _names(table) if name in self._known)
        began = perf_counter()
        try:
            yield
        finally:
            self.seconds += perf_counter() - began

    def _know(self, table: Table, label: str, parts: list[Path]) -> Table:
        for name in _names(table):
            self._known[name] = (label, parts)
        return table

    def _labels(self) -> dict[str, str]:
        return {self._known[name][0]: name for name in self._read}

    def _rows_of(self, name: str) -> int:
        if name not in self._rows:
            files = [file for part in self._known[name][1] for file in _files(part)]
            self._rows[name] = sum(pq.read_metadata(file).num_rows for file in files)
        return self._rows[name]


def _names(table: Table) -> list[str]:
    """Names of the stored tables an expression reads."""
    import ibis.expr.operations as ops

    return [found.name for found in table.op().find(ops.DatabaseTable)]


def _files(part: Path) -> list[Path]:
    return sorted(part.glob("*.parquet")) if part.is_dir() else [part]


def _bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path))
