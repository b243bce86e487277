"""The meter against work of known size.

Tolerance: an array of 120 MB must show as at least 100 MB of resident memory; at
most 60 MB more covers what the interpreter and the allocator add.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pytest

from isthmus.engine import DuckDBEngine
from isthmus.pipeline.usage import (
    Meter,
    cpu_seconds,
    folder_bytes,
    machine_memory,
    resident,
    transferred,
)

MB = 1 << 20


def test_memory_of_a_moment_is_seen_though_it_was_given_back() -> None:
    before = resident()
    with Meter() as meter:
        held = np.ones(120 * MB, np.uint8)
        time.sleep(0.3)
        del held
    assert 100 * MB < meter.usage.peak_rss_bytes - before < 180 * MB


def test_an_earlier_peak_is_not_counted_to_later_work() -> None:
    held = np.ones(200 * MB, np.uint8)
    high = resident()
    del held
    with Meter() as meter:
        time.sleep(0.05)
    assert meter.usage.peak_rss_bytes < high - 100 * MB


def test_processor_time_counts_threads_and_sleep_does_not() -> None:
    def work() -> None:
        until = time.thread_time() + 0.2
        while time.thread_time() < until:
            pass

    with Meter() as meter:
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert meter.usage.cpu_seconds >= 0.38
    with Meter() as idle:
        time.sleep(0.4)
    assert idle.usage.seconds >= 0.4
    assert idle.usage.cpu_seconds < 0.2
    assert cpu_seconds() >= meter.usage.cpu_seconds


def test_spilled_bytes_are_the_most_held_at_a_time(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    with Meter(spill) as meter:
        (spill / "deep").mkdir(parents=True)
        (spill / "deep" / "a").write_bytes(bytes(5000))
        (spill / "b").write_bytes(bytes(700))
        time.sleep(0.3)
        (spill / "b").unlink()
        (spill / "deep" / "a").unlink()
    assert meter.usage.spilled_bytes == 5700
    assert folder_bytes(spill) == 0
    assert folder_bytes(tmp_path / "nowhere") == 0


def test_bytes_written_and_read_are_counted(tmp_path: Path) -> None:
    if transferred()[0] is None:
        pytest.skip("the system does not count what a process reads")
    with Meter() as meter:
        (tmp_path / "a").write_bytes(bytes(3 * MB))
        (tmp_path / "a").read_bytes()
    assert 3 * MB <= meter.usage.bytes_written < 3.2 * MB
    assert 3 * MB <= meter.usage.bytes_read < 3.2 * MB
    assert set(meter.usage.record()) >= {"seconds", "cpu_seconds", "bytes_read", "spilled_bytes"}


def test_the_machine_has_more_memory_than_this_process() -> None:
    assert machine_memory() > resident()


def test_memory_of_an_engine_is_told_apart() -> None:
    held = iter([0, *[70 * MB] * 1000])
    with Meter(held=lambda: next(held)) as meter:
        time.sleep(0.3)
    assert meter.usage.engine_bytes == 70 * MB
    assert meter.usage.own_bytes <= meter.usage.peak_rss_bytes


def test_duckdb_tells_what_it_holds(tmp_path: Path) -> None:
    engine = DuckDBEngine(memory="1GB", spill=tmp_path)
    assert engine.held() is not None
    numbers = pa.table({"n": np.random.default_rng(1).integers(0, 1 << 60, 4_000_000)})
    table = engine.local(numbers)
    with Meter(held=engine.held) as meter:
        engine.collect(table.group_by("n").agg(c=table.count()).agg(m=ibis._.c.max()))
        time.sleep(0.01)
    engine.close()
    assert meter.usage.engine_bytes > 0
