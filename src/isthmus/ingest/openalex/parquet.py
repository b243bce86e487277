"""Rows of a Parquet file with the fields that are read, and of those alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.ingest.openalex.fields import FIELDS, Spec, duckdb_type, leaves

#: Rows, and unpacked bytes, of the row groups that are read at once.
PIECE_ROWS, PIECE_BYTES = 32_768, 128 << 20

#: Rows read at once of a row group that is larger.
BATCH_ROWS = 16_384

#: What writers call the levels of a list in the path of a column.
_LEVELS = frozenset({"list", "element", "item", "array", "bag", "array_element"})

_WORDS = """list_transform(list_filter(regexp_split_to_array(trim(trim({text}), '[](){{}}'),
    '[|;, \t\n]+'), lambda word: word <> ''), lambda word: trim(word, '"'''))"""


#: Signs that stand for any text in the names of files that DuckDB is given.
_PATTERN = re.compile(r"[*?\[]")


class UnfitError(ValueError):
    """A column has another structure than the fields that are read."""


@dataclass(frozen=True)
class Piece:
    """Rows of a file that are read at once.

    Attributes
    ----------
    groups
        Numbers of the row groups they are in.
    first, rows
        The first of them in the file, and how many there are.
    bytes
        Bytes of these row groups, unpacked.
    table
        The rows, where a row group is too large to be read at once.
    """

    groups: tuple[int, ...]
    first: int
    rows: int
    bytes: int
    table: pa.Table | None = None


class ParquetRows:
    """Reads the rows of a file, piece by piece.

    Attributes
    ----------
    broken : bool
        The file is damaged; known at the end.
    schema : pyarrow.Schema
        Columns of the file.
    """

    def __init__(self, path: Path, entity: str) -> None:
        self.broken = False
        self._path = path
        self._file = pq.ParquetFile(path)
        self.schema = self._file.schema_arrow
        self._size = path.stat().st_size
        self._done = 0
        self._columns = list(_wanted(self._file, entity))

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far, in proportion to its rows."""
        return int(self._size * self._done // max(self._file.metadata.num_rows, 1))

    def pieces(self) -> Iterator[Piece]:
        """Yield all pieces; the same for the same file, until what cannot be read ends them."""
        for piece in self._whole_groups():
            if piece.rows <= 2 * PIECE_ROWS:
                self._done += piece.rows
                yield piece
                continue
            first = piece.first
            for table in self._tables(piece.groups):
                self._done += table.num_rows
                yield Piece(piece.groups, first, table.num_rows, table.nbytes, table)
                first += table.num_rows
            if self.broken:
                return

    def _whole_groups(self) -> Iterator[Piece]:
        """Yield row groups that follow one another, several where they are small."""
        metadata = self._file.metadata
        piece = Piece((), 0, 0, 0)
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            n_bytes = group.total_byte_size
            fits = (
                piece.rows + group.num_rows <= PIECE_ROWS and piece.bytes + n_bytes <= PIECE_BYTES
            )
            if piece.rows and not fits:
                yield piece
                piece = Piece((), piece.first + piece.rows, 0, 0)
            groups = (*piece.groups, number)
            piece = Piece(groups, piece.first, piece.rows + group.num_rows, piece.bytes + n_bytes)
        if piece.rows:
            yield piece

    def relation(self, piece: Piece) -> str | None:
        """SQL of a piece for DuckDB; None where it cannot be told to read it."""
        if piece.table is not None or _PATTERN.search(str(self._path)):
            return None
        path = str(self._path).replace("'", "''")
        return (
            f"(SELECT * FROM read_parquet('{path}', hive_partitioning=false, file_row_number=true) "
            f"WHERE file_row_number BETWEEN {piece.first} AND {piece.first + piece.rows - 1})"
        )

    def table(self, piece: Piece) -> pa.Table:
        """Return the rows of a piece, or those before damage."""
        if piece.table is not None:
            return piece.table
        tables = list(self._tables(piece.groups))
        return pa.concat_tables(tables) if tables else self.schema.empty_table()

    def _tables(self, groups: Sequence[int]) -> Iterator[pa.Table]:
        try:
            for batch in self._file.iter_batches(
                BATCH_ROWS, row_groups=list(groups), columns=self._columns
            ):
                yield pa.Table.from_batches([batch])
        except (pa.ArrowException, OSError, UnicodeDecodeError):
            self.broken = True

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _wanted(file: pq.ParquetFile, entity: str) -> Iterator[str]:
    """Return the paths of the columns that are read, in lists and structs too."""
    fields = set(leaves(FIELDS[entity]))
    for number in range(len(file.schema)):
        path = file.schema.column(number).path
        names = tuple(name for name in path.split(".") if name not in _LEVELS)
        if any(field[: len(names)] == names for field in fields):
            yield path


def select(schema: pa.Schema, entity: str, relation: str) -> str:
    """SQL of the fields, every scalar as text, from a relation of a schema.

    Raises
    ------
    UnfitError
        A column has another structure.
    """
    columns = []
    for name, spec in FIELDS[entity].items():
        at = schema.get_field_index(name)
        kind = pa.null() if at < 0 else schema.field(at).type
        columns.append(f'{_field(name, kind, spec)} AS "{name}"')
    return f"SELECT {', '.join(columns)} FROM {relation}"


def _field(name: str, kind: pa.DataType, spec: Spec) -> str:
    if pa.types.is_null(kind):
        return f"CAST(NULL AS {duckdb_type(spec)})"
    if spec == ["text"] and _is_text(kind):
        return _WORDS.format(text=f"CAST({name} AS VARCHAR)")
    if not _fits(kind, spec):
        raise UnfitError(f"{name} is {kind}")
    return f"CAST({name} AS {duckdb_type(spec)})"


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _fits(kind: pa.DataType, spec: Spec) -> bool:
    """Whether values of a type can be cast to a field."""
    if pa.types.is_null(kind):
        return True
    if isinstance(spec, list):
        is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
        return (is_list or pa.types.is_fixed_size_list(kind)) and _fits(kind.value_type, spec[0])
    if isinstance(spec, dict):
        return pa.types.is_struct(kind) and all(
            _fits(field.type, spec[field.name]) for field in kind if field.name in spec
        )
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return not (pa.types.is_nested(kind) or binary or isinstance(kind, pa.BaseExtensionType))
