"""Threads that read chunks of works with the scanner, which lets them run side by side."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import threading
import types
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from importlib import import_module
from pathlib import Path

from isthmus.corpus.chunks import Chunk
from isthmus.corpus.ids import Merges
from isthmus.corpus.reader import Task, scan_chunk

#: Chunks inflated ahead of the threads that scan them.
AHEAD = 3

#: Priority (nice) of the threads that scan.
_PATIENT = 4


class Threads:
    """Scans chunks in other threads, or in this one.

    At most `AHEAD` chunks more than there are threads are held in memory.

    Parameters
    ----------
    n_threads
        Number of threads; 0 scans in this one.
    done
        Called with the number of works of each chunk that was read.
    """

    def __init__(self, n_threads: int, done: Callable[[int], None]) -> None:
        self._done = done
        self._n_threads = n_threads
        self._pool = ThreadPoolExecutor(n_threads, initializer=_step_back) if n_threads else None
        self._busy: dict[Future[int], Path] = {}
        if self._pool is None:
            _prepare()
        else:
            self._pool.submit(_prepare)

    def __enter__(self) -> Threads:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        gc.unfreeze()

    def submit(self, task: Task, chunk: Chunk) -> None:
        """Have a chunk read, now or soon; waits while all threads are busy."""
        if self._pool is None:
            self._done(_scan(task, chunk))
            return
        while len(self._busy) >= self._n_threads + AHEAD:
            self._collect()
        self._busy[self._pool.submit(_scan, task, chunk)] = task.target.parent

    def folders(self) -> set[Path]:
        """Give the folders in which chunks are still to be staged."""
        return set(self._busy.values())

    def drain(self) -> None:
        """Wait until every chunk that was submitted is read."""
        while self._busy:
            self._collect()

    def _collect(self) -> None:
        finished, _ = wait(self._busy, return_when=FIRST_COMPLETED)
        for future in finished:
            del self._busy[future]
            self._done(future.result())


def _prepare() -> None:
    """Load the scanner, and what it calls, while the first chunks are inflated."""
    scanned = import_module("isthmus.corpus.scanned")
    scanned.read_works(memoryview(bytearray(b"\n")), None, Merges({}))
    gc.freeze()  # reading makes no cycles, so the collector need not pass over it again


def _step_back() -> None:
    """Let the thread that inflates go first: all others wait for it."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PATIENT)


def _scan(task: Task, chunk: Chunk) -> int:
    n_works = scan_chunk(task, chunk.data)
    chunk.release()
    return n_works
