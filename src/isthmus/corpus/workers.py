"""Processes that read chunks, fed through memory they share with this one."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import types
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from isthmus.corpus.chunks import CHUNK_BYTES, Chunk
from isthmus.corpus.reader import Task, follow_parent, read_chunk, read_shared
from isthmus.errors import IsthmusError


class Workers:
    """Reads chunks in other processes, or in this one.

    At most one chunk more than there are processes is held in memory.

    Parameters
    ----------
    n_processes
        Number of processes; 0 reads in this process.
    done
        Called with the number of works of each chunk that was read.
    """

    def __init__(self, n_processes: int, done: Callable[[int], None]) -> None:
        self._done = done
        self._pool: ProcessPoolExecutor | None = None
        self._free: list[_Slot] = []
        self._busy: dict[Future[int], _Slot] = {}
        if n_processes:
            self._pool = ProcessPoolExecutor(
                n_processes,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=follow_parent,
            )
            self._free = [_Slot() for _ in range(n_processes + 1)]

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        for slot in [*self._free, *self._busy.values()]:
            slot.close()

    def submit(self, task: Task, chunk: Chunk) -> None:
        """Have a chunk read, now or soon; waits while all processes are busy."""
        if self._pool is None:
            self._done(read_chunk(task, chunk.data))
            chunk.release()
            return
        while not self._free:
            self._collect()
        slot = self._free.pop()
        slot.folder = task.target.parent
        size = len(chunk.data)
        slot.fill(chunk.data)
        chunk.release()
        self._busy[self._pool.submit(read_shared, task, slot.path, size)] = slot

    def folders(self) -> set[Path]:
        """Give the folders in which chunks are still to be staged."""
        return {slot.folder for slot in self._busy.values()}

    def drain(self) -> None:
        """Wait until every chunk that was submitted is read."""
        while self._busy:
            self._collect()

    def _collect(self) -> None:
        finished, _ = wait(self._busy, return_when=FIRST_COMPLETED)
        for future in finished:
            self._free.append(self._busy.pop(future))
            try:
                n_works = future.result()
            except BrokenProcessPool:
                raise IsthmusError(
                    "A process that parses records was ended from outside, perhaps for want of "
                    "memory. Run the same command again to go on, with fewer workers if it recurs."
                ) from None
            self._done(n_works)


class _Slot:
    """Memory that another process can open by path; it goes when this process ends."""

    def __init__(self) -> None:
        self.folder = Path()
        self._file: Any
        if hasattr(os, "memfd_create"):
            self._file = os.fdopen(os.memfd_create("chunk"), "wb", buffering=0)
            self.path = f"/proc/{os.getpid()}/fd/{self._file.fileno()}"
        else:
            self._file = tempfile.NamedTemporaryFile(buffering=0)  # noqa: SIM115
            self.path = self._file.name

    def fill(self, data: memoryview) -> None:
        """Put a chunk there."""
        self._file.seek(0)
        if len(data) < CHUNK_BYTES * 2:
            self._file.truncate(min(os.fstat(self._file.fileno()).st_size, CHUNK_BYTES * 2))
        while data:
            data = data[self._file.write(data) :]

    def close(self) -> None:
        """Give the memory back."""
        self._file.close()
