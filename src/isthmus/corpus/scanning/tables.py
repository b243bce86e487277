"""What the scanner found in a chunk as tables of the staging area."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.corpus.countries import countries, country_code
from isthmus.corpus.ids import NO_ID, Merges
from isthmus.corpus.scanning import buffers as b
from isthmus.corpus.scanning.buffers import Buffers, Bytes, Ints, Merged
from isthmus.corpus.scanning.texts import text_array
from isthmus.corpus.schema import TABLES

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
def country_names() -> pa.Array:
    """Codes of all countries, in the order of their numbers."""
    return pa.array(sorted(countries()), pa.string())


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
    day, cited = rows[:, b.WORK_DAY], rows[:, b.WORK_CITED]
    columns = [
        _ids(rows[:, b.WORK_ID]),
        pa.array(rows[:, b.WORK_YEAR].astype(np.int16)),
        pa.array(day.astype(np.int32), mask=day == b.NO_DAY).cast(pa.date32()),
        found.texts(rows, b.WORK_TYPE),
        found.texts(rows, b.WORK_LANGUAGE),
        _nullable(rows[:, b.WORK_VENUE]),
        pa.array(rows[:, b.WORK_AUTHORS].astype(np.int32)),
        pa.array(rows[:, b.WORK_TRUNCATED] == 1),
        pa.array(rows[:, b.WORK_RETRACTED] == 1),
        _nullable(cited),
        titles,
        found.texts(rows, b.WORK_DOI),
    ]
    table = pa.table(columns, schema=TABLES["works"])
    for n, name in enumerate(DETAILS):
        counts = rows[:, b.WORK_AUTHORS + n].astype(np.int32)
        table = table.append_column(f"n_{name}", pa.array(counts))
    return table.append_column("updated", found.texts(rows, b.WORK_UPDATED))


def _authorships(rows: Ints) -> pa.Table:
    corresponding = rows[:, b.AUTHOR_CORRESPONDING]
    columns = [
        _ids(rows[:, b.AUTHOR_WORK]),
        pa.array(rows[:, b.AUTHOR_POSITION].astype(np.int32)),
        pa.array(rows[:, b.AUTHOR_LAST] == 1),
        pa.array(corresponding == 1, mask=corresponding < 0),
        _nullable(rows[:, b.AUTHOR_ID]),
    ]
    return pa.table(columns, schema=TABLES["authorships"])


def _affiliations(rows: Ints) -> pa.Table:
    names = country_names()
    country = rows[:, b.AFFILIATION_COUNTRY]
    sources = pa.array(["institution", "parsed"], pa.string())
    unknown = country < 0
    parsed = rows[:, b.AFFILIATION_PARSED]
    columns = [
        _ids(rows[:, b.AFFILIATION_WORK]),
        pa.array(rows[:, b.AFFILIATION_POSITION].astype(np.int32)),
        _nullable(rows[:, b.AFFILIATION_ID]),
        names.take(pa.array(country.astype(np.int32), mask=unknown)),
        sources.take(pa.array(parsed.astype(np.int32), mask=unknown)),
    ]
    return pa.table(columns, schema=TABLES["affiliations"])


def _references(rows: Ints) -> pa.Table:
    return pa.table([_ids(rows[:, 0]), _ids(rows[:, 1])], schema=TABLES["references"])


def _subjects(found: Found) -> pa.Table:
    rows = found.store.subjects[: found.rows(b.N_SUBJECTS)]
    scores = found.store.scores[: len(rows)].copy()
    schemes = pa.array(b.SCHEMES, pa.string())
    columns = [
        _ids(rows[:, b.SUBJECT_WORK]),
        schemes.take(pa.array(rows[:, b.SUBJECT_SCHEME].astype(np.int32))),
        _ids(rows[:, b.SUBJECT_ID]),
        pa.array(scores, mask=~np.isfinite(scores)),
    ]
    return pa.table(columns, schema=TABLES["subjects"])


def institutions_table(found: Found, rows: Ints, merges: Merges) -> pa.Table:
    """Give institutions as works name them, with ``updated`` of the work beside."""
    nothing = pa.nulls(len(rows), pa.float64())
    code = rows[:, b.ENTITY_COUNTRY]
    country = np.where(code < 0, NO_ID, country_numbers()[code])
    columns = [
        pa.array(merges.apply("institutions", rows[:, b.ENTITY_ID].copy())),
        found.texts(rows, b.ENTITY_TEXT),
        country_names().take(pa.array(country.astype(np.int32), mask=country < 0)),
        found.texts(rows, b.ENTITY_TEXT + 2),
        found.texts(rows, b.ENTITY_TEXT + 4),
        nothing,
        nothing,
    ]
    return _with_updated(found, rows, pa.table(columns, schema=TABLES["institutions"]))


def venues_table(found: Found, rows: Ints, merges: Merges) -> pa.Table:
    """Give venues as works name them, with ``updated`` of the work beside."""
    columns = [
        pa.array(merges.apply("sources", rows[:, b.ENTITY_ID] >> 1)),
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
    empty.flags.writeable = False
    arrays = []
    for entity in ("works", "authors", "institutions", "sources"):
        arrays += [np.asarray(ids) for ids in merges.tables.get(entity, (empty, empty))]
    return Merged(*arrays)


def _ids(column: Ints) -> pa.Array:
    return pa.array(np.ascontiguousarray(column))


def _nullable(column: Ints) -> pa.Array:
    return pa.array(np.ascontiguousarray(column), mask=column < 0)
