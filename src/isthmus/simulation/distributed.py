"""Growing a world into a corpus: here, or in pieces by whoever takes one.

A piece is grown under a name of its own and put beside the finished ones when it
is whole, its mark last; growing it once more gives the same bytes. So neither a
killed process, nor two that grow the same piece, nor the order in which pieces
end changes the corpus, and what is finished is not grown again.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.corpus.manifest import Part
from isthmus.corpus.schema import LAYOUT, TABLES
from isthmus.corpus.store import PART_ROW_GROUPS, ROW_GROUP_ROWS, CorpusWriter, TableWriter
from isthmus.errors import TargetError
from isthmus.files import PARTIAL_SUFFIX, atomic_path, remove, target_errors, write_once, write_text
from isthmus.simulation.corpus_tables import WorksLater, authors, entities, year_tables
from isthmus.simulation.generator import World, WorldYear
from isthmus.simulation.pieces import (
    ADDED,
    LISTED,
    SHARED,
    WORKS_PER_PIECE,
    Piece,
    added_up,
    pieces_of,
    refuse_too_many_authors,
)
from isthmus.simulation.settings import WorldSettings
from isthmus.simulation.truth import Truth

#: Folder inside the target that holds what was planted.
TRUTH = "truth"

#: Folder inside the target that holds pieces until all are finished.
PIECES = "pieces" + PARTIAL_SUFFIX

#: Tables that are the same for all pieces, written once.
_OF_ALL = ("institutions", "venues")

#: Called with the works done and the works in all.
Progress = Callable[[int, int], None]

#: Calls a task with every number below another: anywhere, in any order, some perhaps twice.
Each = Callable[[Callable[[int], None], int], None]

#: Seconds between two looks at how much is done.
LOOK_EVERY = 1.0


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


def grown(world: World, progress: Progress | None) -> Iterator[WorldYear]:
    """Yield the years of a world and tell how far it is."""
    for year in world.grow():
        yield year
        if progress is not None:
            progress(int(year.first + np.size(year.venue)), world.settings.n_works)


def corpus_rows(
    world: World, truth: Truth, progress: Progress | None = None
) -> Iterator[tuple[str, pa.Table]]:
    """Grow a world; yield rows for all tables but the shared ones, each with its table's name."""
    later = WorksLater(world)
    for year in grown(world, progress):
        truth.add(year)
        later.add(year)
        for name, rows in year_tables(world, year).items():
            yield name, typed(name, rows)
    for rows in later.tables():
        yield "works", typed("works", rows)
    yield "authors", typed("authors", authors(world, truth.works_count))


def shared_rows(world: World) -> Iterator[tuple[str, pa.Table]]:
    """Yield the institutions and venues, which are the same in all pieces of a world."""
    for name, rows in entities(world).items():
        yield name, typed(name, rows)


def typed(table: str, rows: pa.Table) -> pa.Table:
    """Return rows the columns and types of a corpus table."""
    return rows.select(TABLES[table].names).cast(TABLES[table])


def write_settings(settings: dict[str, Any], folder: Path) -> None:
    """Write what was asked for beside the planted tables."""
    text = msgspec.json.format(msgspec.json.encode(settings)).decode()
    write_text(folder / "settings.json", text + "\n")


def write_planted(table: pa.Table, path: Path) -> None:
    """Write a planted table."""
    pq.write_table(table, path, compression="zstd")


@dataclass(frozen=True)
class Growth:
    """A world that is grown in pieces: what any process needs to grow one of them.

    Attributes
    ----------
    settings
        The whole world.
    target
        Folder of the corpus, absolute: every process sees it under this path.
    works_per_piece
        Most works of a piece.
    """

    settings: WorldSettings
    target: Path
    works_per_piece: int = WORKS_PER_PIECE

    @cached_property
    def pieces(self) -> list[Piece]:
        """All pieces, in order."""
        return pieces_of(self.settings, self.works_per_piece)

    @cached_property
    def folder(self) -> Path:
        """Where finished pieces wait: of this world alone, written by this version."""
        bytes_depend_on = [version("isthmus"), pa.__version__, ROW_GROUP_ROWS, PART_ROW_GROUPS]
        what = [self.settings.as_dict(), self.works_per_piece, LAYOUT, bytes_depend_on]
        return self.target / PIECES / hashlib.sha256(msgspec.json.encode(what)).hexdigest()[:16]

    def part(self, number: int) -> str:
        """How names of a piece's files begin; those of an only piece are the plain ones."""
        return "part" if len(self.pieces) == 1 else f"part-{number:05d}"

    def planted(self, name: str, number: int) -> str:
        """Path of a piece's planted table, inside the folder of pieces."""
        return f"{TRUTH}/{name}.parquet/{self.part(number)}.parquet"

    def mark(self, number: int) -> Path:
        """File that says that a piece is finished; it lists the parts."""
        return self.folder / "finished" / f"{number:05d}.json"

    def finished(self) -> list[int]:
        """Numbers of the pieces that are finished."""
        return [number for number in range(len(self.pieces)) if self.mark(number).is_file()]

    def grow(self, number: int) -> None:
        """Grow a piece and leave it, whole, beside the others; do nothing where it stands."""
        if self.mark(number).is_file():
            return
        attempt = self.folder / f"growing-{number:05d}-{uuid4().hex}"
        with target_errors(self.target):
            try:
                parts = self._write(number, attempt)
                for file in [path for path in attempt.rglob("*") if path.is_file()]:
                    place = self.folder / file.relative_to(attempt)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    file.replace(place)
                write_once(self.mark(number), msgspec.json.encode(parts))
            finally:
                with contextlib.suppress(OSError):
                    remove(attempt)

    def _write(self, number: int, attempt: Path) -> dict[str, list[Part]]:
        """Write a piece's parts and planted tables into a folder that no other process knows."""
        world = self.pieces[number].world()
        truth = Truth(world)
        names, part = [name for name in TABLES if name not in _OF_ALL], self.part(number)
        tables = {name: TableWriter(attempt, name, name=part) for name in names}
        for name, rows in corpus_rows(world, truth):
            tables[name].write(rows)
        parts = {name: table.finish() for name, table in tables.items()}
        if len(self.pieces) > 1:
            refuse_too_many_authors(world)
        for name, table in truth.tables().items():
            with atomic_path(attempt / self.planted(name, number)) as partial:
                write_planted(table, partial)
        return parts


def grow_in_pieces(
    growth: Growth, each: Each, *, command: str, progress: Progress | None = None
) -> None:
    """Write a world that others grow piece by piece as one corpus, its truth inside.

    Pieces that an earlier, interrupted call finished are taken as they are.

    Parameters
    ----------
    growth
        The world and where it goes.
    each
        Has the pieces grown.
    command
        What a user types to complete the corpus if this is interrupted.
    progress
        Called with the works done and the works in all, from a thread of its own.

    Raises
    ------
    TargetError
        The target cannot be written, or this process does not see what others wrote there.
    """
    with CorpusWriter(growth.target, source="simulated", command=command) as writer:
        _forget_others(growth)
        with _telling(growth, progress):
            each(growth.grow, len(growth.pieces))
        _refuse_unseen(growth)
        with target_errors(growth.target):
            _put_together(growth, writer)
        with contextlib.suppress(OSError):  # a process that was given up may still write there
            remove(growth.target / PIECES)


def _put_together(growth: Growth, writer: CorpusWriter) -> None:
    """Make one corpus and one truth of the finished pieces."""
    numbers = range(len(growth.pieces))
    marks = [growth.mark(number).read_bytes() for number in numbers]
    written = [msgspec.json.decode(mark, type=dict[str, list[Part]]) for mark in marks]
    with atomic_path(growth.target / TRUTH) as truth:
        truth.mkdir()
        _sum_truth(growth, truth)
        # What follows takes files from the pieces; killed then, all have to be grown again.
        remove(growth.mark(0).parent)
        _move_truth(growth, truth)
        for name in written[0]:
            if any(parts[name] for parts in written):
                (growth.folder / name).replace(growth.target / name)
            writer.adopt(name, [part for parts in written for part in parts[name]])
    for name, rows in shared_rows(growth.pieces[0].world()):
        writer.write(name, rows)


def _sum_truth(growth: Growth, truth: Path) -> None:
    """Write what was asked for, and the sums of planted tables of several pieces."""
    pieces = growth.pieces
    if len(pieces) == 1:
        write_settings(growth.settings.as_dict(), truth)
        return
    described = {"pieces": [piece.as_dict() for piece in pieces]}
    write_settings(growth.settings.as_dict() | described, truth)
    for name in ADDED:
        paths = [growth.folder / growth.planted(name, number) for number in range(len(pieces))]
        table = added_up(name, (pq.ParquetFile(path).read() for path in paths))
        write_planted(table, truth / f"{name}.parquet")


def _move_truth(growth: Growth, truth: Path) -> None:
    """Move the other planted tables: those that list works or authors as a folder of files."""
    for name in (*ADDED, *SHARED, *LISTED):
        first = growth.folder / growth.planted(name, 0)
        place = truth / f"{name}.parquet"
        if len(growth.pieces) > 1 and name in LISTED:
            first.parent.replace(place)
        elif not place.exists():
            first.replace(place)


def _forget_others(growth: Growth) -> None:
    """Remove pieces of another world that was begun in the target and never finished."""
    with contextlib.suppress(OSError):
        for folder in (growth.target / PIECES).iterdir():
            if folder != growth.folder:
                remove(folder)


def _refuse_unseen(growth: Growth) -> None:
    missing = len(growth.pieces) - len(growth.finished())
    if missing:
        raise TargetError(
            f"{missing} of the {len(growth.pieces)} pieces of the world are not in "
            f"{growth.target}: the processes that grew them see another folder under that path. "
            "Choose a place that this machine and all executors share."
        )


def _telling(growth: Growth, progress: Progress | None) -> AbstractContextManager[None]:
    """Tell how many works the finished pieces have while the block runs."""
    if progress is None:
        return contextlib.nullcontext()
    tell = progress

    def done() -> int:
        return sum(growth.pieces[number].settings.n_works for number in growth.finished())

    return told(done, lambda works: tell(works, growth.settings.n_works))
