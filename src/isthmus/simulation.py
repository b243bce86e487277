"""A simulated world on disk: as a corpus, or as OpenAlex files, with its truth.

The folder ``truth`` inside the target holds what was planted: ``settings.json``
and one Parquet table per kind of count, from the generator's own books. Where a
world was grown in pieces, tables that list works or authors are folders of files.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from isal import igzip

from isthmus.corpus.boundaries import point_in
from isthmus.corpus.manifest import unfinished
from isthmus.corpus.store import CorpusWriter
from isthmus.errors import InputError, TargetError
from isthmus.files import LOCK_NAME, PARTIAL_SUFFIX, atomic_path, remove, target_errors
from isthmus.growing import (
    PIECES,
    TRUTH,
    Growth,
    Progress,
    corpus_rows,
    grow_in_pieces,
    grown,
    shared_rows,
    write_planted,
    write_settings,
)
from isthmus.spark import on_executors, refuse_memory_alone
from isthmus.world import openalex
from isthmus.world.families import FAMILIES, family_world
from isthmus.world.generator import World
from isthmus.world.mag import MagDump
from isthmus.world.pieces import WORKS_PER_PIECE
from isthmus.world.settings import WorldSettings, planted_world
from isthmus.world.tables import WorksLater, authors, entities, year_tables
from isthmus.world.truth import Truth

#: Records of one file of OpenAlex works or entities.
RECORDS_PER_FILE = 50_000


@dataclass(frozen=True)
class Simulation:
    """Where a simulated world stands.

    Attributes
    ----------
    settings
        What was planted.
    target
        The corpus, or the folder to ingest.
    truth
        Folder of the planted tables and ``settings.json``.
    """

    settings: WorldSettings
    target: Path
    truth: Path

    def table(self, name: str) -> pa.Table:
        """Read a planted table, like ``country_year`` or ``collaboration``."""
        return read_truth(self.target, name)


def simulate_world(
    target: str | Path,
    *,
    works: int,
    seed: int,
    as_: str = "corpus",
    placebo: bool = False,
    family: str | None = None,
    master: str | None = None,
    memory: str | None = None,
    progress: Progress | None = None,
) -> Simulation:
    """Write a world in which everything is planted, or one of a family without effect.

    Parameters
    ----------
    target, as_, master, memory, progress
        As in :func:`simulate`.
    works, seed
        Number of works; the same seed gives the same bytes.
    placebo
        Plant nothing; the same as the family ``sizes``.
    family
        A family of :mod:`isthmus.world.families`; None plants everything.

    Raises
    ------
    InputError
        No family has this name, or it is asked for together with `placebo`.
    """
    if placebo and family is not None:
        raise InputError("A placebo is the family sizes; ask for a placebo or for a family.")
    name = "sizes" if placebo else family
    settings = planted_world(works, seed) if name is None else family_world(name, works, seed)
    return simulate(settings, target, as_=as_, master=master, memory=memory, progress=progress)


def simulate(
    settings: WorldSettings,
    target: str | Path,
    *,
    as_: str = "corpus",
    master: str | None = None,
    memory: str | None = None,
    works_per_piece: int = WORKS_PER_PIECE,
    progress: Progress | None = None,
) -> Simulation:
    """Write a simulated world and its truth.

    Parameters
    ----------
    settings
        Size, seed and everything planted.
    target
        Folder to write; new, empty, or left unfinished by an earlier simulation.
    as_
        ``corpus`` for a corpus, ``openalex`` for OpenAlex files in the layout of
        the snapshot (``data/works/updated_date=*/part_*.gz`` and entities),
        ``mag`` for the tables of a Microsoft Academic Graph dump.
    master
        Where Spark runs, as in a study; the world is then grown in pieces by its
        executors, which see `target` under the same path. None grows one world here.
    memory
        Memory of Spark's driver and of each executor, such as ``"4GB"``.
    works_per_piece
        Most works of a piece; other pieces are another world.
    progress
        Called with the works done and the works in all.

    Raises
    ------
    InputError
        `as_` is something else, or cannot be had together with the other arguments.
    TargetError
        `target` is not empty, or cannot be written.
    """
    target = Path(target)
    if as_ not in ("corpus", "openalex", "mag"):
        raise InputError(f"A world can be written as corpus, openalex or mag, not as {as_!r}.")
    _refuse_half_spark(as_, master, memory)
    with target_errors(target):
        _refuse_occupied(target)
    try:
        if master is not None:
            _write_on_spark(settings, target, master, memory, works_per_piece, progress)
        else:
            write = {"corpus": _write_corpus, "openalex": _write_openalex, "mag": _write_mag}
            write[as_](settings, target, progress)
    except BaseException:
        remove(target / TRUTH)
        raise
    return Simulation(settings, target, target / TRUTH)


def read_truth(target: str | Path, name: str) -> pa.Table:
    """Read a planted table of the world at `target`.

    Raises
    ------
    InputError
        There is no such table; the message names those that exist.
    """
    folder = Path(target) / TRUTH
    path = folder / f"{name}.parquet"
    if not path.exists():
        known = ", ".join(sorted(found.stem for found in folder.glob("*.parquet"))) or "none"
        raise InputError(f"No planted table {name} is in {folder}; it holds {known}.")
    return pq.read_table(path)


def _write_corpus(settings: WorldSettings, target: Path, progress: Progress | None) -> None:
    world = World(settings)
    truth = Truth(world)
    command = _command(settings, target)
    with CorpusWriter(target, source="simulated", command=command) as writer:
        remove(target / PIECES)
        for name, rows in corpus_rows(world, truth, progress):
            writer.write(name, rows)
        for name, rows in shared_rows(world):
            writer.write(name, rows)
        _write_truth(truth, target / TRUTH)


def _write_on_spark(
    settings: WorldSettings,
    target: Path,
    master: str,
    memory: str | None,
    works_per_piece: int,
    progress: Progress | None,
) -> None:
    command = f"{_command(settings, target)} --master {shlex.quote(master)}"
    command += f" --memory {shlex.quote(memory)}" if memory is not None else ""
    growth = Growth(settings, target.resolve(), works_per_piece)
    with on_executors(master=master, memory=memory) as each:
        grow_in_pieces(growth, each, command=command, progress=progress)


def _command(settings: WorldSettings, target: Path) -> str:
    """What a user types to write this world."""
    works, seed = settings.n_works, settings.seed
    names = [name for name, family in FAMILIES.items() if family(works, seed) == settings]
    return (
        f"isthmus simulate --works {works} --seed {seed}"
        f"{''.join(f' --family {name}' for name in names)} --to {shlex.quote(str(target))}"
    )


def _write_openalex(settings: WorldSettings, target: Path, progress: Progress | None) -> None:
    """Grow the world twice: to count citations, then to write records that state them."""
    first = World(settings)
    for _ in first.grow():
        pass
    world, received = World(settings), first.received
    truth = Truth(world)
    updated = f"{settings.years[1] + 1}-01-01"

    def works() -> Iterator[bytes]:
        for year in grown(world, progress):
            truth.add(year)
            yield from openalex.work_lines(world, year, received, updated)

    with atomic_path(target / "data") as data:
        _write_lines(works(), data / "works" / f"updated_date={updated}")
        others = {
            "institutions": openalex.institution_lines(world, updated),
            "sources": openalex.source_lines(world, updated),
            "authors": openalex.author_lines(truth.works_count, updated),
        }
        for name, lines in others.items():
            _write_lines(lines, data / name / f"updated_date={updated}")
        _write_truth(truth, target / TRUTH)


def _write_mag(settings: WorldSettings, target: Path, progress: Progress | None) -> None:
    world = World(settings)
    truth, later = Truth(world), WorksLater(world)
    with atomic_path(target / "mag") as partial:
        partial.mkdir()
        with MagDump(partial, settings.codes, point_in) as dump:
            for year in grown(world, progress):
                truth.add(year)
                later.add(year)
                dump.add_year(year_tables(world, year))
            for works in later.tables():
                dump.add_works(works)
            dump.add_entities(entities(world) | {"authors": authors(world, truth.works_count)})
        _write_truth(truth, target / TRUTH)


def _write_lines(lines: Iterable[bytes], folder: Path) -> None:
    folder.mkdir(parents=True)
    rest, number = iter(lines), 0
    while first := next(rest, None):
        with (folder / f"part_{number:03d}.gz").open("wb") as raw, _packed(raw) as packed:
            for line in chain([first], islice(rest, RECORDS_PER_FILE - 1)):
                packed.write(line + b"\n")
        number += 1


def _packed(raw: IO[bytes]) -> IO[bytes]:
    """Compress to `raw`, with no name and no time, so that equal lines give equal bytes."""
    file: Any = igzip.IGzipFile
    stream: IO[bytes] = file("", "wb", fileobj=raw, mtime=0)
    return stream


def _write_truth(truth: Truth, folder: Path) -> None:
    with atomic_path(folder) as partial:
        partial.mkdir()
        write_settings(truth.world.settings.as_dict(), partial)
        for name, table in truth.tables().items():
            write_planted(table, partial / f"{name}.parquet")


def _refuse_half_spark(as_: str, master: str | None, memory: str | None) -> None:
    if master is not None and as_ != "corpus":
        raise InputError(
            f"On Spark a world can be written as a corpus alone. Leave out the master to write "
            f"it as {as_}, or write it as a corpus."
        )
    refuse_memory_alone(master, memory)


def _refuse_occupied(target: Path) -> None:
    if target.exists() and not target.is_dir():
        raise TargetError(f"{target} is a file; choose a folder to write the world to.")
    if not target.is_dir() or unfinished(target) is not None:
        return
    found = sorted(path.name for path in target.iterdir() if not _is_left_over(path.name))
    if found:
        raise TargetError(
            f"{target} is not empty: it holds {', '.join(found[:3])}. "
            "Choose another place, or empty it first."
        )


def _is_left_over(name: str) -> bool:
    """Whether a simulation that was killed leaves a file or folder of this name."""
    return name in (LOCK_NAME, TRUTH) or name.endswith(PARTIAL_SUFFIX)
