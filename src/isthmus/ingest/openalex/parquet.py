"""Rows of a Parquet file with the fields that are read, and of those alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.ingest.openalex.fields import FIELDS, Spec, duckdb_type, leaves

#: Rows read at once.
BATCH_ROWS = 16_384

#: What writers call the levels of a list in the path of a column.
_LEVELS = frozenset({"list", "element", "item", "array", "bag", "array_element"})

_WORDS = """list_transform(list_filter(regexp_split_to_array(trim(trim({text}), '[](){{}}'),
    '[|;, \t\n]+'), lambda word: word <> ''), lambda word: trim(word, '"'''))"""


class UnfitError(ValueError):
    """A column has another structure than the fields that are read."""


class ParquetRows:
    """Reads the rows of a file, batch by batch.

    Attributes
    ----------
    broken : bool
        The file is damaged; known at the end.
    """

    def __init__(self, path: Path, entity: str) -> None:
        self.broken = False
        self._file = pq.ParquetFile(path)
        self._size = path.stat().st_size
        self._done = 0
        self._columns = list(_wanted(self._file, entity))

    @property
    def consumed(self) -> int:
        """Bytes of the file read so far, in proportion to its rows."""
        return int(self._size * self._done // max(self._file.metadata.num_rows, 1))

    def batches(self) -> Iterator[pa.Table]:
        """Yield the rows; what cannot be read ends them."""
        try:
            for batch in self._file.iter_batches(BATCH_ROWS, columns=self._columns):
                self._done += batch.num_rows
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


def select(schema: pa.Schema, entity: str) -> str:
    """SQL of the fields, every scalar as text, from the relation ``given`` of a schema.

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
    return f"SELECT {', '.join(columns)} FROM given"


def _field(name: str, kind: pa.DataType, spec: Spec) -> str:
    if pa.types.is_null(kind):
        return f"CAST(NULL AS {duckdb_type(spec)})"
    if spec == ["text"] and _is_text(kind):
        return _WORDS.format(text=name)
    if not _fits(kind, spec):
        raise UnfitError(f"{name} is {kind}")
    return name if _is_text(kind) else f"CAST({name} AS {duckdb_type(spec)})"


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
