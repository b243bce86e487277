"""A simulated world on disk: as a corpus, or as OpenAlex files, with its truth.

The folder ``truth`` inside the target holds what was planted: ``settings.json``
and one Parquet table per kind of count, from the generator's own books. Where a
world was grown in pieces, tables that list works or authors are folders of files.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from isal import igzip

from isthmus.corpus.boundaries import point_in
from isthmus.corpus.manifest import unfinished
from isthmus.corpus.store import CorpusWriter
from isthmus.engine.spark import on_executors, refuse_memory_alone
from isthmus.errors import InputError, TargetError
from isthmus.files import LOCK_NAME, PARTIAL_SUFFIX, atomic_path, remove, target_errors
from isthmus.simulation import openalex, release
from isthmus.simulation.corpus_tables import WorksLater, authors, entities, year_tables
from isthmus.simulation.distributed import (
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
from isthmus.simulation.families import FAMILIES, family_world
from isthmus.simulation.generator import World, WorldYear
from isthmus.simulation.mag import MagDump
from isthmus.simulation.pieces import WORKS_PER_PIECE
from isthmus.simulation.settings import WorldSettings, planted_world
from isthmus.simulation.truth import Truth

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
        A family of :mod:`isthmus.simulation.families`; None plants everything.

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
        ``openalex-2026`` for a release as of June 2026 (:mod:`isthmus.simulation.release`),
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
    if as_ not in FORMS:
        raise InputError(f"A world can be written as {', '.join(FORMS)}, not as {as_!r}.")
    _refuse_half_spark(as_, master, memory)
    with target_errors(target):
        _refuse_occupied(target)
    try:
        if master is not None:
            _write_on_spark(settings, target, master, memory, works_per_piece, progress)
        else:
            FORMS[as_](settings, target, progress)
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
    updated = f"{settings.years[1] + 1}-01-01"
    grown_twice = _GrownTwice(settings, progress)

    def works() -> Iterator[openalex.Record]:
        for year in grown_twice.years():
            yield from grown_twice.works(year, updated)

    with atomic_path(target / "data") as data:
        _write_lines(works(), data / "works" / f"updated_date={updated}")
        for name, records in grown_twice.entities(updated).items():
            _write_lines(records, data / name / f"updated_date={updated}")
        _write_truth(grown_twice.truth, target / TRUTH)


def _write_release(settings: WorldSettings, target: Path, progress: Progress | None) -> None:
    """Write a release: works of the earlier half of the years were updated before the others."""
    first, last = settings.years
    updates = (f"{last + 1}-01-01", f"{last + 1}-06-01")
    grown_twice = _GrownTwice(settings, progress)
    numbers: list[int] = []

    def works(year: WorldYear, updated: str) -> Iterator[openalex.Record]:
        for record in grown_twice.works(year, updated):
            numbers.append(release.work_number(record))
            yield record

    with atomic_path(target / "data") as data:
        written = release.Release(data, updates[1])
        half = (first + last) // 2
        for late, years in groupby(grown_twice.years(), lambda year: year.year > half):
            records = chain.from_iterable(works(year, updates[late]) for year in years)
            written.add("works", updates[late], release.as_released(records))
        for name, entity in grown_twice.entities(updates[1]).items():
            named = map(release.with_orcid, entity) if name == "authors" else entity
            written.add(name, updates[1], named)
        written.finish(release.deleted_works(numbers))
        _write_truth(grown_twice.truth, target / TRUTH)


class _GrownTwice:
    """A world grown twice: to count citations, then to write records that state them."""

    def __init__(self, settings: WorldSettings, progress: Progress | None) -> None:
        first = World(settings)
        for _ in first.grow():
            pass
        self.world = World(settings)
        self.truth = Truth(self.world)
        self._received, self._progress = first.received, progress

    def years(self) -> Iterator[WorldYear]:
        """Grow the world; the truth is complete after the last year."""
        for year in grown(self.world, self._progress):
            self.truth.add(year)
            yield year

    def works(self, year: WorldYear, updated: str) -> Iterator[openalex.Record]:
        """Make the records of a year's works."""
        return openalex.work_records(self.world, year, self._received, updated)

    def entities(self, updated: str) -> dict[str, Iterator[openalex.Record]]:
        """Make the records of institutions, sources and, after the last year, authors."""
        return {
            "institutions": openalex.institution_records(self.world, updated),
            "sources": openalex.source_records(self.world, updated),
            "authors": openalex.author_records(self.truth.works_count, updated),
        }


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


def _write_lines(records: Iterable[openalex.Record], folder: Path) -> None:
    folder.mkdir(parents=True)
    rest, number = map(msgspec.json.encode, records), 0
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


#: Forms in which a world can be written -> what writes them.
FORMS: dict[str, Callable[[WorldSettings, Path, Progress | None], None]] = {
    "corpus": _write_corpus,
    "openalex": _write_openalex,
    "openalex-2026": _write_release,
    "mag": _write_mag,
}
