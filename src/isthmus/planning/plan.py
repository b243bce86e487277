"""What a study would read, write and need, from the manifest and a calibration."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from msgspec import structs

from isthmus.corpus.store import Corpus, open_corpus
from isthmus.errors import StudyError
from isthmus.leadership.published_counts import read_published
from isthmus.pipeline.fields import studies_of
from isthmus.pipeline.steps import STEPS
from isthmus.pipeline.usage import machine_memory
from isthmus.planning.calibration import (
    TIMES,
    Calibration,
    Cost,
    corpus_rows,
    predict,
    rules_digest,
)
from isthmus.results import CSV_MOST_ROWS, TABLES
from isthmus.study import Study

#: Share of the machine's memory DuckDB takes when the study names no bound.
ENGINE_SHARE = 0.8

#: Least memory DuckDB is planned with; below it joins of large tables fail rather than spill.
ENGINE_LEAST = 1 << 30

#: Hours a run may take before a cluster is advised: overnight and the day after.
HOURS = 24.0

#: Cores and memory of one executor of the cluster advised.
EXECUTOR_CORES, EXECUTOR_MEMORY = 8, 32 << 30

#: Part of an executor's cores that does what DuckDB's cores do; the rest goes to shuffles,
#: skew and start-up. An assumption, on the safe side.
EXECUTOR_EFFICIENCY = 0.5

_UNITS = {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
_UNITS |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40, "b": 1}


@dataclass(frozen=True)
class Machine:
    """What there is to run on: cores used, bytes of memory, and free bytes of disk."""

    cores: int
    memory: int
    disk: int


@dataclass(frozen=True)
class Cluster:
    """A cluster that ends in time: executors and the memory of the process that leads them.

    `executors` is 0 where no number ends in time, because `alone` seconds, which no
    cluster shares, are too long by themselves.
    """

    executors: int
    driver_memory: float
    alone: float
    seconds: float


@dataclass(frozen=True)
class Forecast:
    """What a run is predicted to take.

    Attributes
    ----------
    steps
        Predicted cost by step, engine memory within its bound.
    machine
        What it would run on.
    bound
        Bytes the engine may hold.
    """

    steps: dict[str, Cost]
    machine: Machine
    bound: float

    @property
    def seconds(self) -> float:
        """Wall time of all steps."""
        return sum(step.seconds for step in self.steps.values())

    @property
    def own_bytes(self) -> float:
        """Most memory beside the engine's."""
        return max(step.own_bytes for step in self.steps.values())

    @property
    def memory(self) -> float:
        """Most memory at a time, the engine within its bound."""
        return max(self.memory_of(name) for name in self.steps)

    def memory_of(self, name: str) -> float:
        """Memory of a step, the engine within its bound."""
        return self.steps[name].own_bytes + min(self.steps[name].engine_bytes, self.bound)

    def disk_of(self, name: str) -> float:
        """Disk of a step: intermediate tables, and what the engine cannot hold."""
        step = self.steps[name]
        return step.work_bytes + max(step.spilled_bytes, step.engine_bytes - self.bound)

    @property
    def disk(self) -> float:
        """Most disk at a time, beside the corpus."""
        return max(self.disk_of(name) for name in self.steps)

    @property
    def best_bound(self) -> float:
        """Memory the engine can have beside what the rest of the run needs."""
        return min(ENGINE_SHARE * self.machine.memory, self.machine.memory - self.own_bytes)

    def obstacles(self, hours: float = HOURS) -> list[str]:
        """Say why one machine will not do; nothing when it will."""
        found, machine = [], self.machine
        if self.best_bound < ENGINE_LEAST:
            found.append(
                f"{_gb(self.own_bytes + ENGINE_LEAST)} of memory are needed and it has "
                f"{_gb(machine.memory)}"
            )
        if self.disk > machine.disk:
            found.append(f"{_gb(self.disk)} of disk are needed and {_gb(machine.disk)} are free")
        if self.seconds > hours * 3600:
            found.append(f"it would take {_time(self.seconds)}, longer than {hours:g} hours")
        return found

    def cluster(self, hours: float = HOURS) -> Cluster:
        """Return the smallest cluster whose run ends within `hours`."""
        shared = sum(step.engine_seconds for step in self.steps.values())
        alone = max(self.seconds - shared, 0.0)
        left = hours * 3600 - alone
        rate = EXECUTOR_CORES * EXECUTOR_EFFICIENCY / self.machine.cores
        number = max(1, ceil(shared / (left * rate))) if left > 0 else 0
        seconds = alone + (shared / (number * rate) if number else 0.0)
        return Cluster(number, self.own_bytes + ENGINE_LEAST, alone, seconds)

    def describe(self, hours: float = HOURS) -> Iterator[str]:
        """Say it in plain sentences, one a line."""
        yield (
            f"Predicted for {self.machine.cores} cores on which nothing else runs, and a field "
            "that is as large a part of the corpus as in the calibration (with --calibrate: all):"
        )
        for name, step in self.steps.items():
            yield (
                f"  {name}: {_time(step.seconds)}, {_gb(self.memory_of(name))} of memory, "
                f"{_gb(self.disk_of(name))} of disk"
            )
        yield (
            f"  all: {_time(self.seconds)}, {_gb(self.memory)} of memory, {_gb(self.disk)} of disk"
        )
        yield from self._verdict(hours)

    def _verdict(self, hours: float) -> Iterator[str]:
        obstacles = self.obstacles(hours)
        if not obstacles:
            yield "This machine will do."
            if self.memory > self.machine.memory:
                yield (
                    f'Set `memory = "{int(self.best_bound / 1e9)}GB"` in [run]: the rest of the '
                    f"run needs {_gb(self.own_bytes)} beside it."
                )
            return
        yield f"This machine will not do: {'; '.join(obstacles)}."
        yield _advice(self.cluster(hours), hours)


def _times(cost: Cost, fields: int) -> Cost:
    """Return the cost of a step for fields one after another; memory and disk are used again."""
    return structs.replace(cost, **{name: fields * getattr(cost, name) for name in TIMES})


def _advice(cluster: Cluster, hours: float) -> str:
    if not cluster.executors:
        return (
            f"A Spark cluster does not bring it under {hours:g} hours: {_time(cluster.alone)} are "
            "spent in work that runs in one process. Narrow the field or its years, or give it "
            "more hours (--hours)."
        )
    return (
        f'A Spark cluster will (`engine = "spark"` in [run]): {cluster.executors} executors of '
        f"{EXECUTOR_CORES} cores and {_gb(EXECUTOR_MEMORY)} each, led by a process with "
        f"{_gb(cluster.driver_memory)}, would take about {_time(cluster.seconds)}, of which "
        f"{_time(cluster.alone)} in that process."
    )


@dataclass(frozen=True)
class Plan:
    """What a run of a study reads and writes.

    Parameters
    ----------
    study, corpus
        The study and its corpus.
    reads
        Rows and bytes of Parquet by corpus table.
    free
        Free bytes of the disk the corpus is on.
    calibration
        What steps cost on this machine, if it was measured.
    hours
        Hours a run may take before a cluster is advised.
    fields
        Fields that are answered one after another.
    """

    study: Study
    corpus: Corpus
    reads: dict[str, tuple[int, int]]
    free: int
    calibration: Calibration | None = None
    hours: float = HOURS
    fields: int = 1

    @property
    def bytes_read(self) -> int:
        """Bytes of Parquet the run reads at least once."""
        return sum(size for _, size in self.reads.values())

    @property
    def forecast(self) -> Forecast | None:
        """What the run is predicted to take; None without a calibration."""
        if self.calibration is None:
            return None
        rows = corpus_rows({name: count for name, (count, _) in self.reads.items()})
        machine = Machine(self.calibration.cores, machine_memory(), self.free)
        wish = self.study.run.memory
        bound = bytes_of(wish) if wish else ENGINE_SHARE * machine.memory
        one = predict(self.calibration.samples, rows)
        return Forecast(
            {name: _times(cost, self.fields) for name, cost in one.items()}, machine, bound
        )

    def describe(self) -> Iterator[str]:
        """Say it in plain sentences, one a line."""
        first, last = self.study.years
        yield f"{self.study.study.title}: {first}-{last}, corpus {self.corpus.path}"
        yield f"Reads {self.bytes_read / 1e6:,.1f} MB of Parquet:"
        for name, (rows, size) in self.reads.items():
            yield f"  {name}: {rows:,} rows, {size / 1e6:,.1f} MB"
        if self.study.fields:
            yield (
                f"Answers {self.fields} fields one after another, each into a folder of its own; "
                "time is that of one field, as many times."
            )
        made = [table for step in STEPS for table in step.makes]
        yield f"Takes {len(STEPS)} steps ({', '.join(step.name for step in STEPS)})."
        alone = [f"{name}: Parquet" for name in made if not TABLES[name].csv]
        if not self.study.run.csv:
            alone.append(f"above {CSV_MOST_ROWS:,} rows: Parquet")
        forms = f"each as Parquet and CSV ({'; '.join(alone)})"
        yield f"Writes {', '.join(made)}, {forms}, and run.json."
        memory = self.study.run.memory or "80 % of the machine's memory (set `memory` in [run])"
        yield f"Memory: at most {memory} for the engine; what does not fit spills to disk."
        yield f"Disk: {self.free / 1e9:,.1f} GB are free. Network: none. API cost: none."
        yield from self._foretold()

    def _foretold(self) -> Iterator[str]:
        forecast = self.forecast
        if forecast is None or self.calibration is None:
            yield (
                "Time, memory and disk of each step are predicted once this machine is "
                "calibrated: add `--calibrate 100000`, which takes some minutes."
            )
            return
        if self.calibration.settings != rules_digest(self.study.settings()):
            yield "The calibration was made under other rules; add --calibrate to make it anew."
        yield from forecast.describe(self.hours)


def plan_of(study: Study, calibration: Calibration | None = None, hours: float = HOURS) -> Plan:
    """Work out what a run of `study` would read, and what it would take.

    Raises
    ------
    CorpusError
        The corpus is missing or unfinished.
    StudyError
        A table that the study names in ``[comparisons]`` cannot be used.
    """
    corpus = open_corpus(study.path(study.study.corpus))
    read_published(study)
    reads = {
        name: (corpus.rows(name), _size(corpus.parts(name)))
        for name in sorted(corpus.manifest.tables)
    }
    free = shutil.disk_usage(corpus.path).free
    fields = len(studies_of(study, corpus)) if study.fields else 1
    return Plan(study, corpus, reads, free, calibration, hours, fields)


def bytes_of(memory: str) -> float:
    """Read an amount of memory as DuckDB writes it.

    Examples
    --------
    >>> bytes_of("4GB"), bytes_of("512 MiB")
    (4000000000.0, 536870912.0)
    """
    found = re.fullmatch(r"([\d.]+)\s*([a-z]+)", memory.strip().lower())
    if found is None or found[2] not in _UNITS:
        raise StudyError(f"`run.memory` is {memory!r}; write a number and a unit, like 4GB.")
    return float(found[1]) * _UNITS[found[2]]


def _size(parts: list[Path]) -> int:
    return sum(part.stat().st_size for part in parts)


def _gb(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
