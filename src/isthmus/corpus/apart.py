"""Reading sources and writing tables by many processes, on any machines that see the folder.

Each task leaves what it makes in the folder, whole or not at all, and making it once more
gives the same bytes. So tasks may be done in any order, and again when one was lost.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import msgspec

from isthmus.corpus.manifest import Part
from isthmus.corpus.staging import Staged
from isthmus.corpus.store import TableWriter, part_rows
from isthmus.corpus.work_tables import ALONE, CountryFiller, Stretch, WorkTables
from isthmus.errors import TargetError
from isthmus.files import remove, write_once

#: Calls a task with every number below another: anywhere, in any order, some perhaps twice.
Each = Callable[[Callable[[int], None], int], None]

#: Chunks whose countries one task fills in to see how many rows stay.
CHUNKS_PER_TASK = 16

#: Seconds between two looks at how much is done.
LOOK_EVERY = 1.0

#: Folder, beside what was staged, of what tasks say.
_SAID = "said"

T = TypeVar("T")


@dataclass(frozen=True)
class _Cut:
    """Rows from `start` to `stop` of a stretch."""

    stretch: Stretch
    start: int
    stop: int


@dataclass(frozen=True)
class _Filling:
    """Counts the rows that stay of affiliations when countries are filled in."""

    tables: WorkTables
    filler: CountryFiller
    groups: list[list[Stretch]]
    said: Path

    def count(self, number: int) -> None:
        """Say the rows that stay of each stretch of a group, and the countries filled in."""
        before, stretches = self.filler.filled, self.groups[number]
        rows = [self.tables.rows("affiliations", s, self.filler).num_rows for s in stretches]
        _say(self.said, number, (rows, self.filler.filled - before))


@dataclass(frozen=True)
class _Writing:
    """Writes parts of tables about works; a task for each part."""

    tables: WorkTables
    filler: CountryFiller
    tasks: list[tuple[str, int, list[_Cut]]]
    said: Path

    def write(self, number: int) -> None:
        """Write a part in a folder that no other process knows, then put it in its place."""
        name, at, cuts = self.tasks[number]
        attempt = self.said / f"writing-{uuid4().hex}"
        filler = self.filler if name == "affiliations" else None
        try:
            with TableWriter(attempt, name, first=at) as writer:
                for cut in cuts:
                    rows = self.tables.rows(name, cut.stretch, filler)
                    writer.write(rows.slice(cut.start, cut.stop - cut.start))
                (part,) = writer.finish()
            place = self.tables.target / part.path
            place.parent.mkdir(exist_ok=True)
            (attempt / part.path).replace(place)
        finally:
            remove(attempt)
        _say(self.said, number, part)


@contextlib.contextmanager
def told(done: Callable[[], int], tell: Callable[[int], None]) -> Iterator[None]:
    """Tell how much is done, now and then, while the block runs, and once more at its end."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_EVERY):
            tell(done())

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()
    tell(done())


def write_apart(
    tables: WorkTables, staged: Staged, filler: CountryFiller, each: Each
) -> tuple[dict[str, list[Part]], int]:
    """Have the tables about works written part by part; give parts, and countries filled in."""
    names = (*ALONE, "affiliations")
    stretches = {name: list(tables.stretches(name)) for name in names}
    n_filled = 0
    if filler.knows:
        whole = stretches["affiliations"]
        stretches["affiliations"], n_filled = _filled(tables, staged, filler, whole, each)
    tasks = [
        (name, at, cuts)
        for name in names
        for at, cuts in _parts(stretches[name], tables.standing(name))
    ]
    said = _room(staged)
    each(_Writing(tables, filler, tasks, said).write, len(tasks))
    written = _heard(said, len(tasks), Part)
    parts = {name: [*tables.standing(name)] for name in names}
    for (name, _, _), part in zip(tasks, written, strict=True):
        parts[name].append(part)
    remove(said)
    return parts, n_filled


def _filled(
    tables: WorkTables,
    staged: Staged,
    filler: CountryFiller,
    stretches: Sequence[Stretch],
    each: Each,
) -> tuple[list[Stretch], int]:
    """Give the rows of affiliations that stay when countries are filled in, and how many were."""
    starts = range(0, len(stretches), CHUNKS_PER_TASK)
    groups = [list(stretches[start : start + CHUNKS_PER_TASK]) for start in starts]
    said = _room(staged)
    each(_Filling(tables, filler, groups, said).count, len(groups))
    counted = _heard(said, len(groups), tuple[list[int], int])
    remove(said)
    rows = [n for of_group, _ in counted for n in of_group]
    left = [Stretch(old.path, old.before, n) for old, n in zip(stretches, rows, strict=True) if n]
    return left, sum(filled for _, filled in counted)


def _parts(stretches: Sequence[Stretch], standing: Sequence[Part]) -> list[tuple[int, list[_Cut]]]:
    """Cut the rows of a table, but those of parts that stand, into parts: number and rows."""
    parts: list[tuple[int, list[_Cut]]] = []
    skip, room = sum(part.rows for part in standing), 0
    for stretch in stretches:
        start = min(skip, stretch.rows)
        skip -= start
        while start < stretch.rows:
            if not room:
                number = len(standing) + len(parts)
                parts.append((number, []))
                room = part_rows(number)
            stop = min(stretch.rows, start + room)
            parts[-1][1].append(_Cut(stretch, start, stop))
            room -= stop - start
            start = stop
    return parts


def _room(staged: Staged) -> Path:
    """Make an empty folder for what tasks say."""
    folder = staged.folder / _SAID
    remove(folder)
    folder.mkdir()
    return folder


def _say(folder: Path, number: int, what: Any) -> None:
    write_once(folder / f"{number:06d}.json", msgspec.json.encode(what))


def _heard(folder: Path, n: int, kind: type[T]) -> list[T]:
    """Give what tasks said, in the order of their numbers."""
    paths = [folder / f"{number:06d}.json" for number in range(n)]
    missing = sum(not path.is_file() for path in paths)
    if missing:
        raise TargetError(
            f"{missing} of {n} parts are not in {folder.parent.parent}: the processes that wrote "
            "them see another folder under that path. Choose a place that this machine and all "
            "executors share."
        )
    return [msgspec.json.decode(path.read_bytes(), type=kind) for path in paths]
