"""What a piece of work takes of a machine: time, memory, spilled and transferred bytes.

Memory and spill are watched by a thread that looks every :data:`PERIOD` seconds.
Where the system keeps its own high-water mark and the work raised it, that mark is
used, so that a short peak between two looks counts too.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

#: Seconds between two looks at memory and spill: a look costs well under a millisecond.
PERIOD = 0.1


@dataclass(frozen=True)
class Usage:
    """What a piece of work took.

    Attributes
    ----------
    seconds, cpu_seconds
        Wall time, and processor time of all threads and of child processes that ended.
    peak_rss_bytes
        Most memory the process had resident while the work ran.
    engine_bytes, own_bytes
        Most memory the engine held, and most the process had resident beside it;
        the engine can be held to a bound and spills beyond it, the rest cannot.
    spilled_bytes
        Most bytes the spill folder held at a time.
    bytes_read, bytes_written
        Bytes the process asked the system to read and write, from the page cache
        too; None where the system does not count them.
    """

    seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    engine_bytes: int
    own_bytes: int
    spilled_bytes: int
    bytes_read: int | None
    bytes_written: int | None

    def record(self) -> dict[str, float | int | None]:
        """Return the numbers by name, seconds to the millisecond."""
        seconds = {"seconds": round(self.seconds, 3), "cpu_seconds": round(self.cpu_seconds, 3)}
        whole = {name: value for name, value in vars(self).items() if name not in seconds}
        return {**seconds, **whole}


class Meter:
    """Measure what the block takes; afterwards :attr:`usage` holds it.

    Parameters
    ----------
    spill
        Folder that work too large for memory spills to, if there is one.
    held
        Tells how many bytes an engine inside this process holds now, if there is one.
    """

    usage: Usage

    def __init__(
        self, spill: Path | None = None, held: Callable[[], int | None] | None = None
    ) -> None:
        self._spill, self._held = spill, held
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="isthmus-meter", daemon=True)
        self._rss = self._own = self._engine = self._spilled = 0

    def __enter__(self) -> Meter:
        self._began, self._cpu = time.perf_counter(), cpu_seconds()
        self._mark, self._moved = high_water(), transferred()
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._look()
        self._stop.set()
        self._thread.join()
        mark = high_water()
        moved = [
            now - before if now is not None and before is not None else None
            for now, before in zip(transferred(), self._moved, strict=True)
        ]
        self.usage = Usage(
            seconds=time.perf_counter() - self._began,
            cpu_seconds=cpu_seconds() - self._cpu,
            peak_rss_bytes=mark if mark > self._mark else self._rss,
            engine_bytes=self._engine,
            own_bytes=self._own,
            spilled_bytes=self._spilled,
            bytes_read=moved[0],
            bytes_written=moved[1],
        )

    def _watch(self) -> None:
        while not self._stop.wait(PERIOD):
            self._look()

    def _look(self) -> None:
        engine = (self._held() or 0) if self._held is not None else 0
        rss = resident()
        self._rss, self._engine = max(self._rss, rss), max(self._engine, engine)
        self._own = max(self._own, rss - engine)
        if self._spill is not None:
            self._spilled = max(self._spilled, folder_bytes(self._spill))


def cpu_seconds() -> float:
    """Processor seconds of this process and of its children that ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def resident() -> int:
    """Bytes this process has in memory now."""
    return int(psutil.Process().memory_info().rss)


def high_water() -> int:
    """Most bytes this process ever had in memory."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def machine_memory() -> int:
    """Bytes of memory of this machine."""
    return int(psutil.virtual_memory().total)


def folder_bytes(folder: Path) -> int:
    """Bytes of the files in a folder and below it; files that vanish meanwhile do not count."""
    total, waiting = 0, [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


def transferred() -> tuple[int | None, int | None]:
    """Bytes this process read and wrote so far; None where the system does not count."""
    try:
        counted = psutil.Process().io_counters()
        return counted.read_chars, counted.write_chars
    except (AttributeError, psutil.Error):
        return None, None
