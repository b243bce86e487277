"""Corpora on disk: opening a finished one, writing a new one.

A corpus is a folder with one folder of Parquet parts per table and a manifest
that is written last. Parts and row groups hold a fixed number of rows, so the bytes depend
on the rows and their order alone, never on the batches they came in.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.corpus import manifest as manifests
from isthmus.corpus.manifest import Manifest, Part, Source, Unfinished
from isthmus.corpus.schema import TABLES
from isthmus.errors import CorpusError, InputError, TargetError
from isthmus.files import PARTIAL_SUFFIX, atomic_path, remove, sha256, sole_writer, target_errors

#: Rows of a row group: what a writer holds in memory per table, and what a reader skips by.
ROW_GROUP_ROWS = 1 << 17

#: Row groups of a part.
PART_ROW_GROUPS = 8

#: Columns of whole numbers that hardly repeat in a row group, or that stand sorted: written as
#: differences they take half the time and less space than in a dictionary.
_DIFFERENCES = ("work_id", "citing_id", "cited_id", "author_id", "subject_id", "position")

#: Columns of texts that hardly repeat.
_PLAIN = ("title", "doi", "name")


#: How DuckDB writes parts: version 2 of Parquet stores ids as differences, which is smaller and
#: half the work to read; dictionaries are for countries and types, not for ids.
PARQUET_OPTIONS = (
    "FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 1000, "
    f"WRITE_BLOOM_FILTER false, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
)


class Corpus:
    """A finished corpus.

    Attributes
    ----------
    path : Path
        Its folder.
    manifest : Manifest
        What it says of itself.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    def __repr__(self) -> str:
        return f"Corpus({str(self.path)!r}, works={self.rows('works')})"

    @property
    def hash(self) -> str:
        """One digest over the parts of all tables."""
        return self.manifest.hash

    def parts(self, table: str) -> list[Path]:
        """Paths of the Parquet parts of a table; none when the table is empty."""
        return [self.path / part.path for part in self._listed(table)]

    def rows(self, table: str) -> int:
        """Number of rows of a table."""
        return sum(part.rows for part in self._listed(table))

    def read(self, table: str, columns: list[str] | None = None) -> pa.Table:
        """Read a whole table into memory; for small corpora and tests."""
        schema = TABLES[table]
        if columns is not None:
            schema = pa.schema([schema.field(name) for name in columns])
        tables = [
            # A corpus of an earlier version may lack a column; it is null then.
            pq.read_table(part, schema=TABLES[table], columns=columns, partitioning=None)
            for part in self.parts(table)
        ]
        return pa.concat_tables([schema.empty_table(), *(one.cast(schema) for one in tables)])

    def _listed(self, table: str) -> list[Part]:
        if table not in TABLES:
            raise InputError(f"A corpus has no table {table!r}; it has {', '.join(TABLES)}.")
        return self.manifest.tables.get(table, [])


def open_corpus(path: str | Path) -> Corpus:
    """Open a finished corpus.

    Raises
    ------
    CorpusError
        There is no corpus at `path`, it is unfinished, damaged, of another
        version, or a part named in its manifest is missing.
    """
    path = Path(path)
    corpus = Corpus(path, manifests.load(path))
    missing = [part for table in TABLES for part in corpus.parts(table) if not part.is_file()]
    if missing:
        raise CorpusError(
            f"The corpus {path} is damaged: {len(missing)} of its parts are missing, the first "
            f"is {missing[0]}. Restore them, or remove the folder and make the corpus again."
        )
    return corpus


class TableWriter:
    """Writes the rows of one table to parts of set numbers of rows.

    Parameters
    ----------
    folder
        Folder of the corpus; parts go to ``folder/table``.
    table
        Name of a table of the schema.
    standing
        Parts that stand there already; what is written follows them.
    name
        How names of parts begin, where several write parts of one table.
    """

    def __init__(
        self,
        folder: Path,
        table: str,
        standing: Sequence[Part] = (),
        *,
        name: str = "part",
    ) -> None:
        self.schema = TABLES[table]
        self.parts: list[Part] = list(standing)
        self._root = folder
        self._table = table
        self._name = name
        self._waiting: list[pa.Table] = []
        self._n_waiting = 0
        self._writer: pq.ParquetWriter | None = None
        self._written = 0

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        self.abandon()

    def write(self, rows: pa.Table) -> None:
        """Add rows; their schema must be the table's, nulls only where it allows them."""
        rows = _checked(rows, self._table)
        self._waiting.append(rows)
        self._n_waiting += rows.num_rows
        if self._n_waiting >= ROW_GROUP_ROWS:
            self._drain(last=False)

    def finish(self) -> list[Part]:
        """Write what waits and give the parts, in order."""
        self._drain(last=True)
        self._close_part()
        return self.parts

    def abandon(self) -> None:
        """Close the file being written, whatever state it is in."""
        if self._writer is not None:
            with contextlib.suppress(Exception):
                self._writer.close()
            self._writer = None

    def _drain(self, *, last: bool) -> None:
        waiting = pa.concat_tables([self.schema.empty_table(), *self._waiting])
        start = 0
        while waiting.num_rows - start >= (1 if last else ROW_GROUP_ROWS):
            self._write_group(waiting.slice(start, ROW_GROUP_ROWS))
            start += ROW_GROUP_ROWS
        rest = waiting.slice(start)
        self._waiting = [rest] if rest.num_rows else []
        self._n_waiting = rest.num_rows

    def _write_group(self, rows: pa.Table) -> None:
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            differences = [name for name in self.schema.names if name in _DIFFERENCES]
            apart = (*_DIFFERENCES, *_PLAIN)
            self._writer = pq.ParquetWriter(
                self._partial,
                self.schema,
                compression="zstd",
                write_page_index=True,
                use_dictionary=[name for name in self.schema.names if name not in apart],
                column_encoding=dict.fromkeys(differences, "DELTA_BINARY_PACKED"),
            )
        self._writer.write_table(rows.combine_chunks(), row_group_size=ROW_GROUP_ROWS)
        self._written += rows.num_rows
        if self._written >= ROW_GROUP_ROWS * PART_ROW_GROUPS:
            self._close_part()

    def _close_part(self) -> None:
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        path = self._path
        with atomic_path(path) as partial:
            self._partial.replace(partial)
        self.parts.append(describe(path, self._root, self._written))
        self._written = 0

    @property
    def _path(self) -> Path:
        return self._root / self._table / f"{self._name}-{len(self.parts):05d}.parquet"

    @property
    def _partial(self) -> Path:
        return self._path.with_name(self._path.name + ".writing" + PARTIAL_SUFFIX)


class CorpusWriter:
    """Writes a new corpus, table by table, in any order.

    Use it as a context manager. When the block ends well the manifest is
    written and the corpus is finished; when it ends with an error what was
    written is removed; when the process is killed the folder says that it is
    unfinished.

    Parameters
    ----------
    path
        Folder of the corpus.
    source
        Where the records come from: ``"openalex"``, ``"mag"``, ``"simulated"``.
    release
        Name of the release, when there is one.
    command
        What a user types to complete the corpus if it is interrupted.
    request
        Digest of what makes this corpus; recorded in the manifest.

    Attributes
    ----------
    rejected, set_aside, notes : dict of str to int
        Tallies that go into the manifest; the caller may add to them.
    sources : list of Source
        Files read, for the manifest.

    Raises
    ------
    TargetError
        A corpus stands there, another process writes it, or it cannot be written.

    Examples
    --------
    >>> import pyarrow as pa, tempfile
    >>> from isthmus.corpus.schema import TABLES
    >>> rows = pa.table({"citing_id": [2], "cited_id": [1]}, schema=TABLES["references"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with CorpusWriter(folder, source="simulated") as writer:
    ...         writer.write("references", rows)
    ...     open_corpus(folder).rows("references")
    1
    """

    def __init__(
        self,
        path: str | Path,
        *,
        source: str,
        release: str | None = None,
        command: str = "the same command again",
        request: str = "",
    ) -> None:
        self.path = Path(path)
        self.rejected: dict[str, int] = {}
        self.set_aside: dict[str, int] = {}
        self.notes: dict[str, int] = {}
        self.sources: list[Source] = []
        self._source = source
        self._release = release
        self._mark = Unfinished(command=command, request=request)
        self._tables: dict[str, TableWriter] = {}
        self._lock = contextlib.ExitStack()

    def __enter__(self) -> CorpusWriter:
        self._lock.enter_context(sole_writer(self.path, "writing"))
        try:
            refuse_occupied(self.path)
            clear(self.path)
            manifests.mark_unfinished(self.path, self._mark)
        except BaseException:
            self._lock.close()
            raise
        self._tables = {name: TableWriter(self.path, name) for name in TABLES}
        return self

    def write(self, table: str, rows: pa.Table) -> None:
        """Add rows to a table, in the schema's columns and types."""
        if table not in self._tables:
            raise InputError(f"A corpus has no table {table!r}; it has {', '.join(TABLES)}.")
        with target_errors(self.path):
            self._tables[table].write(rows)

    def adopt(self, table: str, parts: Sequence[Part]) -> None:
        """Take up parts that others wrote into the folder, before any row of their table."""
        self._tables[table] = TableWriter(self.path, table, parts)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except BaseException:
            kind = kind or Exception
            raise
        finally:
            if kind is not None:
                self._discard()
            self._lock.close()

    def _finish(self) -> None:
        with target_errors(self.path):
            parts = {name: writer.finish() for name, writer in self._tables.items()}
            manifest = Manifest(
                source=self._source,
                release=self._release,
                request=self._mark.request,
                tables=parts,
                sources=self.sources,
                rejected=self.rejected,
                set_aside=self.set_aside,
                notes=self.notes,
            )
            manifests.save(manifest, self.path)
            remove(self.path / manifests.UNFINISHED_NAME)

    def _discard(self) -> None:
        for writer in self._tables.values():
            writer.abandon()
        with contextlib.suppress(OSError):
            remove(self.path / manifests.MANIFEST_NAME)
            clear(self.path)
            remove(self.path / manifests.UNFINISHED_NAME)


def refuse_occupied(folder: Path) -> None:
    """Refuse to write where a finished corpus or foreign files stand.

    Raises
    ------
    TargetError
        The folder holds a finished corpus, or files no corpus writer left.
    """
    if (folder / manifests.MANIFEST_NAME).exists():
        raise TargetError(
            f"{folder} already holds a finished corpus. Choose another place, or remove the "
            "folder first."
        )
    if manifests.unfinished(folder) is not None:
        return
    taken = sorted(name for name in TABLES if (folder / name).exists())
    if taken:
        raise TargetError(
            f"{folder} holds {', '.join(taken)} but no corpus: something else wrote there. "
            "Choose another place."
        )


def clear(folder: Path, but: Collection[Path] = ()) -> None:
    """Remove the tables of an unfinished corpus `but` some of their files; other files stay."""
    with target_errors(folder):
        for table in TABLES:
            if any(path.parent == folder / table for path in but):
                for path in (folder / table).iterdir():
                    if path not in but:
                        remove(path)
            else:
                remove(folder / table)


def describe(path: Path, root: Path, rows: int) -> Part:
    """Describe a written file for the manifest."""
    return Part(
        path=path.relative_to(root).as_posix(),
        rows=rows,
        bytes=path.stat().st_size,
        sha256=sha256(path),
    )


def merge_counts(*tallies: Mapping[str, int] | Iterable[tuple[str, int]]) -> dict[str, int]:
    """Add tallies up, names sorted, zeros left out."""
    total: dict[str, int] = {}
    for tally in tallies:
        for name, count in dict(tally).items():
            total[name] = total.get(name, 0) + count
    return {name: total[name] for name in sorted(total) if total[name]}


def _checked(rows: pa.Table, table: str) -> pa.Table:
    schema = TABLES[table]
    if rows.schema.names != schema.names or rows.schema.types != schema.types:
        raise InputError(
            f"Rows of {table} have the columns {_columns(rows.schema)}; "
            f"the table needs {_columns(schema)}."
        )
    for field in schema:
        if not field.nullable and rows.column(field.name).null_count:
            raise InputError(f"Rows of {table} have nulls in {field.name}, which allows none.")
    return rows.cast(schema)


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)
