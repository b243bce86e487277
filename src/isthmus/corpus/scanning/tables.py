"""What the scanner found in a chunk as tables of the staging area."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.corpus.countries import countries, country_code
from isthmus.corpus.ids import NO_ID, Merges
from isthmus.corpus.scanning import buffers as b
from isthmus.corpus.scanning.buffers import Buffers, Bytes, Ints, Merged
from isthmus.corpus.scanning.texts import text_array
from isthmus.corpus.schema import TABLES

Number = TypeVar("Number", bound=np.generic)

#: Tables about works, in the order of their counts in the rows of works.
DETAILS = ("authorships", "affiliations", "references", "subjects")


_LETTERS = [chr(ord("A") + k) for k in range(26)]


class Found(NamedTuple):
    """Rows of one chunk: the bytes they point into, and the buffers they are in."""

    buf: Bytes
    store: Buffers

    def rows(self, kind: int) -> int:
        """Count the rows of a kind."""
        return int(self.store.counts[kind])

    def texts(self, rows: Ints, column: int) -> pa.Array:
        """Give the texts in a column of rows."""
        return text_array(self.buf, self.store.heap, rows[:, column], rows[:, column + 1])


@cache
def _sources() -> pa.Array:
    """Where a country is from, in the order of their numbers."""
    return _texts("institution", "parsed")


@cache
def _schemes() -> pa.Array:
    """Schemes of labels, in the order of their numbers."""
    return _texts(*b.SCHEMES)


def _texts(*words: str) -> pa.Array:
    """Give words as an array, without the look for other libraries that :func:`pa.array` takes."""
    encoded = [word.encode() for word in words]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(
        len(words), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))
    )


@cache
def country_names() -> pa.Array:
    """Codes of all countries, in the order of their numbers."""
    return _texts(*sorted(countries()))


@cache
def country_numbers() -> npt.NDArray[np.int64]:
    """Give the number of the country of each code of two capitals, -1 for no country."""
    number = {code: n for n, code in enumerate(country_names().to_pylist())}
    codes = [country_code(first + second) for first in _LETTERS for second in _LETTERS]
    return np.array([-1 if code is None else number[code] for code in codes], np.int64)


def works_tables(found: Found) -> dict[str, pa.Table]:
    """Give the tables about works; works with ``n_<table>`` and ``updated`` beside."""
    store = found.store
    return {
        "works": _works(found),
        "authorships": _authorships(store.authors[: found.rows(b.N_AUTHORS)]),
        "affiliations": _affiliations(store.affiliations[: found.rows(b.N_AFFILIATIONS)]),
        "references": _references(store.references[: found.rows(b.N_REFERENCES)]),
        "subjects": _subjects(found),
    }


def _works(found: Found) -> pa.Table:
    rows = found.store.works[: found.rows(b.N_WORKS)]
    title, other_title = rows[:, b.WORK_TITLE], rows[:, b.WORK_NAME]
    length, other = rows[:, b.WORK_TITLE + 1], rows[:, b.WORK_NAME + 1]
    titles = text_array(
        found.buf,
        found.store.heap,
        np.where(length >= 0, title, other_title),
        np.where(length >= 0, length, other),
    )
    day = rows[:, b.WORK_DAY]
    columns = [
        _ids(rows[:, b.WORK_ID]),
        _numbers(rows[:, b.WORK_YEAR], pa.int16()),
        _numbers(day, pa.date32(), day != b.NO_DAY),
        found.texts(rows, b.WORK_TYPE),
        found.texts(rows, b.WORK_LANGUAGE),
        _nullable(rows[:, b.WORK_VENUE]),
        _numbers(rows[:, b.WORK_AUTHORS], pa.int32()),
        _flags(rows[:, b.WORK_TRUNCATED]),
        _flags(rows[:, b.WORK_RETRACTED]),
        pa.nulls(len(rows), pa.bool_()),
        pa.nulls(len(rows), pa.bool_()),
        _nullable(rows[:, b.WORK_CITED]),
        titles,
        found.texts(rows, b.WORK_DOI),
    ]
    names = list(TABLES["works"])
    for n, name in enumerate(DETAILS):
        columns.append(_numbers(rows[:, b.WORK_AUTHORS + n], pa.int32()))
        names.append(pa.field(f"n_{name}", pa.int32()))
    columns.append(found.texts(rows, b.WORK_UPDATED))
    return pa.table(columns, schema=pa.schema([*names, pa.field("updated", pa.string())]))


def _authorships(rows: Ints) -> pa.Table:
    corresponding = rows[:, b.AUTHOR_CORRESPONDING]
    columns = [
        _ids(rows[:, b.AUTHOR_WORK]),
        _numbers(rows[:, b.AUTHOR_POSITION], pa.int32()),
        _flags(rows[:, b.AUTHOR_LAST]),
        _flags(corresponding, corresponding >= 0),
        _nullable(rows[:, b.AUTHOR_ID]),
    ]
    return pa.table(columns, schema=TABLES["authorships"])


def _affiliations(rows: Ints) -> pa.Table:
    country = rows[:, b.AFFILIATION_COUNTRY]
    known = country >= 0
    columns = [
        _ids(rows[:, b.AFFILIATION_WORK]),
        _numbers(rows[:, b.AFFILIATION_POSITION], pa.int32()),
        _nullable(rows[:, b.AFFILIATION_ID]),
        country_names().take(_numbers(country, pa.int32(), known)),
        _sources().take(_numbers(rows[:, b.AFFILIATION_PARSED], pa.int32(), known)),
    ]
    return pa.table(columns, schema=TABLES["affiliations"])


def _references(rows: Ints) -> pa.Table:
    return pa.table([_ids(rows[:, 0]), _ids(rows[:, 1])], schema=TABLES["references"])


def _subjects(found: Found) -> pa.Table:
    rows = found.store.subjects[: found.rows(b.N_SUBJECTS)]
    scores = found.store.scores[: len(rows)]
    columns = [
        _ids(rows[:, b.SUBJECT_WORK]),
        _schemes().take(_numbers(rows[:, b.SUBJECT_SCHEME], pa.int32())),
        _ids(rows[:, b.SUBJECT_ID]),
        _numbers(scores, pa.float32(), np.isfinite(scores)),
    ]
    return pa.table(columns, schema=TABLES["subjects"])


def institutions_table(found: Found, rows: Ints, merges: Merges) -> pa.Table:
    """Give institutions as works name them, with ``updated`` of the work beside."""
    nothing = pa.nulls(len(rows), pa.float64())
    code = rows[:, b.ENTITY_COUNTRY]
    country = np.where(code < 0, NO_ID, country_numbers()[code])
    columns = [
        _ids(merges.apply("institutions", rows[:, b.ENTITY_ID].copy())),
        found.texts(rows, b.ENTITY_TEXT),
        country_names().take(_numbers(country, pa.int32(), country >= 0)),
        found.texts(rows, b.ENTITY_TEXT + 2),
        found.texts(rows, b.ENTITY_TEXT + 4),
        nothing,
        nothing,
    ]
    return _with_updated(found, rows, pa.table(columns, schema=TABLES["institutions"]))


def venues_table(found: Found, rows: Ints, merges: Merges) -> pa.Table:
    """Give venues as works name them, with ``updated`` of the work beside."""
    columns = [
        _ids(merges.apply("sources", rows[:, b.ENTITY_ID] >> 1)),
        found.texts(rows, b.ENTITY_TEXT),
        found.texts(rows, b.ENTITY_TEXT + 2),
        found.texts(rows, b.ENTITY_TEXT + 4),
    ]
    return _with_updated(found, rows, pa.table(columns, schema=TABLES["venues"]))


def _with_updated(found: Found, rows: Ints, table: pa.Table) -> pa.Table:
    works = found.store.works[rows[:, b.ENTITY_WORK]]
    return table.append_column("updated", found.texts(works, b.WORK_UPDATED))


def merged_arrays(merges: Merges) -> Merged:
    """Give tables of merged ids in the form the scanner takes."""
    empty = np.empty(0, np.int64)
    arrays = []
    for entity in ("works", "authors", "institutions", "sources"):
        arrays += [read_only(np.asarray(ids)) for ids in merges.tables.get(entity, (empty, empty))]
    return Merged(*arrays)


def read_only(array: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Give an array as one that is not written to: the scanner is compiled for those alone.

    For each mix of arrays that may and may not be written it would be compiled once more.
    """
    view = array.view()
    view.flags.writeable = False
    return view


def _ids(column: Ints) -> pa.Array:
    return _numbers(column, pa.int64())


def _nullable(column: Ints) -> pa.Array:
    return _numbers(column, pa.int64(), column >= 0)


def _flags(column: Ints, valid: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    """Give a column of zeros and ones as flags, null where it is not valid."""
    bits = pa.py_buffer(np.packbits(column == 1, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(column), [_validity(valid), bits])


def _numbers(
    column: npt.NDArray[Any], kind: pa.DataType, valid: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """Give a column as an array of a kind, null where it is not valid.

    The array shares the memory of a column that has the width of the kind and lies
    together; made this way it costs no copy and no look for other kinds of array.
    """
    width = np.dtype(f"{column.dtype.kind}{kind.bit_width // 8}")
    values = pa.py_buffer(np.ascontiguousarray(column, width))
    return pa.Array.from_buffers(kind, len(column), [_validity(valid), values])


def _validity(valid: npt.NDArray[np.bool_] | None) -> pa.Buffer | None:
    if valid is None or valid.all():
        return None
    return pa.py_buffer(np.packbits(valid, bitorder="little"))
