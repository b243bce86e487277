"""What the command line shows while it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@contextmanager
def one_by_one(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """Show jobs that follow one another, each with its own length."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(job: str, done: int, total: int) -> None:
            if job not in tasks:
                for task in tasks.values():
                    bar.update(task, visible=False)
                tasks[job] = bar.add_task(job, total=total)
            bar.update(tasks[job], completed=done, total=total)

        yield show


@contextmanager
def steps(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """Show a run's steps: which one is at work, how many are done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def show(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total)

        yield show


@contextmanager
def working(console: Console, doing: str) -> Iterator[Callable[[int, int], None]]:
    """Show how much of a job of known length is done, and the time left."""
    columns = (SpinnerColumn(), TextColumn(doing), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(doing, total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show


@contextmanager
def when_begun(console: Console, doing: str) -> Iterator[Callable[[int, int], None]]:
    """Show a job as :func:`working` does, from its first news on; before, one may ask."""
    with ExitStack() as stack:
        shown: list[Callable[[int, int], None]] = []

        def show(done: int, total: int) -> None:
            if not shown:
                shown.append(stack.enter_context(working(console, doing)))
            shown[0](done, total)

        yield show


@contextmanager
def reading(console: Console) -> Iterator[Callable[[int, int, int], None]]:
    """Show an ingest: share of bytes read, works a second, time left."""
    columns = (
        SpinnerColumn(),
        TextColumn("Reading"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[works]:,} works, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, works=0, rate=0.0)

        def show(works: int, done: int, total: int) -> None:
            elapsed = bar.tasks[0].elapsed or 0.0
            rate = works / elapsed if elapsed else 0.0
            bar.update(task, completed=done, total=total, works=works, rate=rate)

        yield show
