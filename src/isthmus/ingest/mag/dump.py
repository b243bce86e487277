"""A Microsoft Academic Graph folder as a corpus.

Tables are read once into a database beside the corpus, checked and counted
there, and written sorted, so that the order of lines does not matter and memory
stays bounded. Patents are left out: no other source of works has them, and they
would count as papers. A paper's venue is its journal, otherwise its conference
series, which lasts over the years, otherwise its conference.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from isthmus.corpus.boundaries import countries_at
from isthmus.corpus.countries import country_code
from isthmus.corpus.manifest import LAST_YEAR, MANIFEST_NAME, Source
from isthmus.corpus.schema import LAYOUT, TABLES
from isthmus.corpus.store import Corpus, CorpusWriter, merge_counts, open_corpus, refuse_occupied
from isthmus.errors import SourceError, TargetError
from isthmus.files import remove, sha256, target_errors
from isthmus.ingest.mag.dump_files import MagTable, find_tables
from isthmus.ingest.mag.queries import (
    COLUMNS,
    ENTITIES,
    PAPER_FAULTS,
    PREPARE,
    QUERIES,
    SET_ASIDE_COUNTS,
    id_of,
)

#: Called with tables written and tables in all.
Progress = Callable[[int, int], None]

#: Memory the database may use; beyond it, it spills to the disk of the corpus.
MEMORY = "2GB"

#: Bytes of the longest line read; the longest titles and names have some thousands.
_LONGEST_LINE = 1 << 22


def read_mag(
    folder: str | Path,
    target: str | Path,
    *,
    release: str | None = None,
    institutions: str | Path | None = None,
    progress: Progress | None = None,
) -> Corpus:
    """Read a Microsoft Academic Graph folder into a corpus.

    Parameters
    ----------
    folder
        Holds ``Papers.txt`` and its fellows, or ``mag`` and ``advanced`` that do.
    target
        Folder of the corpus. While it is written it also holds a database of
        about the size of the tables that are used.
    release
        Name of the release; when None, "until" the newest date a paper was added.
    institutions
        A CSV file with the columns ``grid`` and ``country``, for example made
        from a dump of ROR. Institutions not in it take the code the dump gives,
        and those without one the country their latitude and longitude lie in.
    progress
        Called with tables written and tables in all.

    Raises
    ------
    SourceError
        A table is missing, unreadable, or of a layout never published.
    TargetError
        The target holds another corpus, is being written, or cannot be written.
    """
    folder, target = Path(folder), Path(target)
    tables = find_tables(folder)
    grid = _grid_table(Path(institutions)) if institutions is not None else None
    request = _request(tables, release, institutions)
    if (target / MANIFEST_NAME).exists():
        corpus = open_corpus(target)
        if corpus.manifest.request != request:
            refuse_occupied(target)
        return corpus
    command = ["isthmus", "ingest", str(folder), "--to", str(target)]
    command += ["--institutions", str(institutions)] if institutions is not None else []
    with target_errors(target), _database(target / "staging") as connection:
        dump = _Dump(connection, tables)
        dump.load()
        dump.locate(grid)
        with CorpusWriter(
            target,
            source="mag",
            release=release or dump.release(),
            command=shlex.join(command),
            request=request,
        ) as writer:
            for done, (name, query) in enumerate(QUERIES.items(), 1):
                for rows in dump.rows(name, query):
                    writer.write(name, rows)
                if progress is not None:
                    progress(done, len(QUERIES))
            writer.rejected.update(merge_counts(dump.rejected))
            writer.set_aside.update(merge_counts(dump.set_aside()))
            writer.notes.update(merge_counts(dump.notes))
            writer.sources += [_source(table, dump.lines) for table in tables.values()]
    return open_corpus(target)


class _Dump:
    """The tables of a dump in a database, with what was refused on the way."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: dict[str, MagTable]) -> None:
        self.rejected: dict[str, int] = {}
        self.notes: dict[str, int] = {}
        self.lines: dict[str, int] = {}
        self._connection = connection
        self._tables = tables

    def load(self) -> None:
        """Read every table, then check papers and the entities they name."""
        for name in COLUMNS:
            self._read(name)
        for statement in PREPARE:
            self._connection.execute(statement)
        self._count_papers()
        self._count_entities()

    def release(self) -> str | None:
        """Say until when papers were added."""
        newest = self._one("SELECT max(TRY_CAST(CreatedDate AS DATE)) FROM Papers")
        return None if newest is None else f"until {newest}"

    def locate(self, grid: dict[str, str] | None) -> None:
        """Return every institution its country: by table, by code, by place."""
        found = self._connection.execute(
            "SELECT id, GridId, Iso3166Code, TRY_CAST(Latitude AS DOUBLE), "
            "TRY_CAST(Longitude AS DOUBLE) FROM institutions ORDER BY id"
        ).fetchall()
        nan = float("nan")
        places = countries_at(
            [nan if row[3] is None else row[3] for row in found],
            [nan if row[4] is None else row[4] for row in found],
        )
        ways = ("country_from_table", "country_from_code", "country_from_place")
        counts = dict.fromkeys((*ways, "institution_without_country"), 0)
        codes: list[str | None] = []
        for (_, grid_id, raw, _, _), place in zip(found, places, strict=True):
            listed = (grid or {}).get((grid_id or "").strip().lower())
            choices = dict(zip(ways, (listed, country_code(raw), place), strict=True))
            chosen = next((name for name, code in choices.items() if code), None)
            codes.append(choices[chosen] if chosen else None)
            counts[chosen or "institution_without_country"] += 1
        self.notes |= counts
        located = pa.table(
            {
                "id": pa.array([row[0] for row in found], pa.int64()),
                "country": pa.array(codes, pa.string()),
            }
        )
        self._connection.register("given", located)
        self._connection.execute("CREATE TABLE located AS SELECT * FROM given")
        self._connection.unregister("given")

    def rows(self, name: str, query: str) -> Iterator[pa.Table]:
        """Return the rows of a table of the corpus, sorted."""
        schema = TABLES[name]
        reader = pa.RecordBatchReader.from_stream(self._connection.sql(query))
        for batch in reader:
            columns = [c.cast(f.type) for c, f in zip(batch.columns, schema, strict=True)]
            yield pa.table(columns, schema=schema)

    def set_aside(self) -> dict[str, int]:
        """Count values dropped from papers that are kept."""
        return {reason: self._one(query) for reason, query in SET_ASIDE_COUNTS.items()}

    def _read(self, name: str) -> None:
        """Read the used columns of a table as text; empty when the dump lacks it."""
        wanted = COLUMNS[name]
        table = self._tables.get(name)
        if table is None:
            empty = ", ".join(f"{column} VARCHAR" for column in wanted)
            self._connection.execute(f"CREATE TABLE {name} ({empty})")
            self.lines[name] = 0
            return
        present = [column or f"unused_{at}" for at, column in enumerate(table.columns)]
        types = ", ".join(f"'{column}': 'VARCHAR'" for column in present)
        select = ", ".join(c if c in present else f"NULL::VARCHAR AS {c}" for c in wanted)
        try:
            self._connection.execute(
                f"CREATE TABLE {name} AS SELECT {select} FROM read_csv(?, delim='\\t', "
                f"header=false, quote='', escape='', auto_detect=false, columns={{{types}}}, "
                "nullstr='', strict_mode=false, null_padding=true, ignore_errors=true, "
                f"max_line_size={_LONGEST_LINE}, store_rejects=true, rejects_table='bad_{name}', "
                f"rejects_scan='scan_{name}')",
                [str(table.path)],
            )
        except (duckdb.InvalidInputException, duckdb.IOException) as error:
            why = str(error).strip().splitlines()[0]
            raise SourceError(f"Cannot read {table.path}: {why}") from None
        bad = self._one(f"SELECT count(DISTINCT line) FROM bad_{name}")
        self.lines[name] = self._one(f"SELECT count(*) FROM {name}") + bad
        if name in ENTITIES:
            self._reject("line_unreadable", bad)
        elif bad:
            self.notes["rows_unreadable"] = self.notes.get("rows_unreadable", 0) + bad

    def _reject(self, reason: str, count: int) -> None:
        if count:
            self.rejected[reason] = self.rejected.get(reason, 0) + count

    def _count_papers(self) -> None:
        for reason in PAPER_FAULTS:
            faulty = f"SELECT count(*) FROM judged WHERE fault = '{reason}'"
            self._reject(reason, self._one(faulty))
        good = self._one("SELECT count(*) FROM judged WHERE fault IS NULL")
        self.notes["duplicate_work"] = good - self._one("SELECT count(*) FROM works")
        newest = self._one("SELECT max(year) FROM works")
        if newest is not None:
            self.notes["newest_year"] = newest
        added = self._one("SELECT year(max(TRY_CAST(CreatedDate AS DATE))) FROM Papers")
        self.notes["last_year"] = min(added or LAST_YEAR, LAST_YEAR)

    def _count_entities(self) -> None:
        kept = repeated = 0
        for name, key in ENTITIES.items():
            if name == "Papers":
                continue
            good = self._one(f"SELECT count(*) FROM {name} WHERE {id_of(key)} IS NOT NULL")
            self._reject("no_id", self._one(f"SELECT count(*) FROM {name}") - good)
            kept += good
            repeated += good - self._one(f"SELECT count(DISTINCT {id_of(key)}) FROM {name}")
        self.notes["entities_kept"] = kept
        self.notes["duplicate_entity"] = repeated
        self.notes["records_read"] = sum(self.lines[name] for name in ENTITIES)

    def _one(self, query: str) -> Any:
        return self._connection.execute(query).fetchall()[0][0]


@contextlib.contextmanager
def _database(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database of its own, which is gone afterwards."""
    remove(folder)
    folder.mkdir(parents=True)
    settings: dict[str, Any] = {
        "memory_limit": MEMORY,
        "temp_directory": str(folder / "spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        with duckdb.connect(str(folder / "mag.duckdb"), config=settings) as connection:
            yield connection
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        why = str(error).strip().splitlines()[0]
        raise TargetError(
            f"Cannot write {folder.parent}: {why} Check that the disk has space, then run the same "
            "command again."
        ) from None
    finally:
        remove(folder)


def _grid_table(path: Path) -> dict[str, str]:
    """Read a table of GRID ids and countries; unknown countries are left out."""
    import csv

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"Cannot read the table of institutions {path}: {error}.") from None
    if rows and not {"grid", "country"} <= rows[0].keys():
        raise SourceError(
            f"The table of institutions {path} has the columns {', '.join(map(str, rows[0]))}; it "
            "needs `grid` and `country`, separated by commas."
        )
    pairs = ((row["grid"], country_code(row["country"])) for row in rows)
    return {grid.strip().lower(): code for grid, code in pairs if grid and code}


def _request(
    tables: dict[str, MagTable], release: str | None, institutions: str | Path | None
) -> str:
    files = [(name, table.path.stat().st_size) for name, table in sorted(tables.items())]
    grid = sha256(Path(institutions)) if institutions is not None else None
    text = json.dumps([LAYOUT, "mag", release, grid, files])
    return hashlib.sha256(text.encode()).hexdigest()


def _source(table: MagTable, lines: dict[str, int]) -> Source:
    return Source(
        name=table.path.name,
        entity=table.name,
        bytes=table.path.stat().st_size,
        sha256=sha256(table.path),
        records=lines.get(table.name, 0),
    )
