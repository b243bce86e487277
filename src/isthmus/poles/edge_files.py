"""Files of edges, whatever wrote them, as columns of text.

Parquet is read as such; everything else is text with a separator, in the dialects that
spreadsheets and statistical offices write: separated by comma, semicolon, tab or bar,
quoted or not, in UTF-8, UTF-16 or Windows-1252, compressed or not. Every row is
accounted for.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.corpus.countries import country_named
from isthmus.errors import SourceError
from isthmus.files import decoded
from isthmus.poles.edge_values import is_aggregate, year_of

_NAMES = """
year: year publication_year pub_year py y time time_period period date ref_year
source: source c1 country1 country_1 country_a from origin i source_country origin_country \
reporter exporter citing citing_country
target: target c2 country2 country_2 country_b to destination j target_country \
destination_country partner importer cited cited_country
weight: weight works count value n w citations papers publications documents obs_value flow total
layer: layer
"""

#: Names a column may have; the first that is there is taken. Case and signs do not matter.
ALIASES: dict[str, tuple[str, ...]] = {
    wanted: tuple(names.split())
    for wanted, names in (line.split(":") for line in _NAMES.strip().splitlines())
}

#: Separators that are tried, in this order.
SEPARATORS = (",", ";", "\t", "|")

_COMPRESSED: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\x00": lzma.decompress,
    b"\x28\xb5\x2f\xfd": lambda content: _unpacked(content, "zstd"),
}

#: A weight in a row that is put together: plain, or with commas before groups of three digits.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d+)?|\d{1,3}(,\d{3})+(\.\d+)?)")

#: Rows that are put together where a name holds the separator: no more pieces than this.
_MOST_PIECES = 12


def _unpacked(content: bytes, codec: str) -> bytes:
    found: bytes = pa.CompressedInputStream(pa.BufferReader(content), codec).read()
    return found


@dataclass
class RawEdges:
    """The columns of a file of edges, as text.

    Attributes
    ----------
    columns
        ``year, source, target, weight`` and, where it is there, ``layer``.
    rows
        Rows of the file, without its header.
    set_aside
        Rows that have no place in the columns, by reason.
    notes
        What else is worth knowing, with the rows it concerns.
    """

    columns: dict[str, list[str]]
    rows: int
    set_aside: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)


def read_raw(path: Path) -> RawEdges:
    """Read a file of edges as columns of text.

    Raises
    ------
    SourceError
        The file is missing, cannot be read, or lacks a column.
    """
    if not path.is_file():
        raise SourceError(
            f"There is no file of edges at {path}. Give a CSV or Parquet file with the columns "
            "year, source, target and weight."
        )
    try:
        content = path.read_bytes()
        if content.startswith(b"PAR1") or path.suffix.lower() == ".parquet":
            return _parquet(path)
        for start, unpack in _COMPRESSED.items():
            if content.startswith(start):
                content = unpack(content)
        return _text(content, path)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, pa.ArrowException) as error:
        raise SourceError(f"{path} cannot be read as a table of edges: {error}.") from None


def _parquet(path: Path) -> RawEdges:
    file = pq.ParquetFile(path)
    names = file.schema_arrow.names
    places, twice = _places(names, path)
    table = file.read()
    columns = {wanted: _as_text(table.column(place)) for wanted, place in places.items()}
    raw = RawEdges(columns, table.num_rows)
    for wanted, name, place in twice:
        raw.notes[_twice(name, columns[wanted], _as_text(table.column(place)))] = table.num_rows
    return raw


def _as_text(column: pa.ChunkedArray) -> list[str]:
    """Write a column as text; missing values are empty."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_floating(column.type):
        return ["" if v is None else repr(v) for v in column.to_pylist()]
    return [value or "" for value in column.cast(pa.string()).to_pylist()]


def _text(content: bytes, path: Path) -> RawEdges:
    if content.startswith(b"PK\x03\x04"):
        raise SourceError(
            f"{path} is a spreadsheet or a zip archive, not text. Save the sheet as CSV, or "
            "unpack the archive, and name the file in it."
        )
    notes: Counter[str] = Counter()
    try:
        text = decoded(content)
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
        notes["read as Windows-1252: not UTF-8"] = 0
    lines = re.split("\r\n|\n|\r", text)
    if not text.strip():
        raise SourceError(f"{path} is empty. {_WANTED}")
    separator, header = _dialect(lines, path)
    # Line by line: a quote that is never closed then spoils its own line only.
    rows = (_cells(line, separator) for line in lines[header + 1 :])
    names = _cells(lines[header], separator)
    places, twice = _places(names, path)
    raw = _collected(rows, len(names), places, twice, separator)
    for note, count in notes.items():
        raw.notes[note] = count or raw.rows
    return raw


_WANTED = "Give a table with the columns year, source, target and weight, named in its first line."


def _dialect(lines: Sequence[str], path: Path) -> tuple[str, int]:
    """Find the separator and the line of the header: the first whose names are known.

    Lines before it are passed over only when they are empty, comments (``#``), or what
    spreadsheets write first (``sep=;``).
    """
    for number, line in enumerate(lines):
        told = re.fullmatch(r"sep=(.)", line, re.IGNORECASE)
        if told or not line.strip() or (line.startswith("#") and "," not in line):
            continue
        found = [(_known(line, separator), separator) for separator in SEPARATORS]
        return max(found, key=lambda one: one[0])[1], number
    raise SourceError(f"{path} has no header. {_WANTED}")


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return [line]


def _known(line: str, separator: str) -> tuple[int, int]:
    """How many of the wanted columns a header has under a separator, and columns in all."""
    names = _cells(line, separator)
    there = {_plain(name) for name in names}
    return sum(bool(there & set(aliases)) for aliases in ALIASES.values()), len(names)


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")


def _places(names: Sequence[str], path: Path) -> tuple[dict[str, int], list[tuple[str, str, int]]]:
    """Find the place of each wanted column, and columns of the same name after it."""
    plain = [_plain(name) for name in names]
    places: dict[str, int] = {}
    twice: list[tuple[str, str, int]] = []
    for wanted, aliases in ALIASES.items():
        found = next((alias for alias in aliases if alias in plain), None)
        if found is not None:
            places[wanted] = plain.index(found)
            others = [i for i, name in enumerate(plain) if name == found and i != places[wanted]]
            twice += [(wanted, found, place) for place in others]
        elif wanted != "layer":
            raise SourceError(
                f"{path} has no column for the {wanted} of an edge. It has: "
                f"{', '.join(names) or 'none'}; it may be called {', '.join(aliases)}."
            )
    return places, twice


def _twice(name: str, first: Sequence[str], second: Sequence[str]) -> str:
    same = "the same" if list(first) == list(second) else "different"
    return f"column {name} is there twice, with {same} values; the first is read"


def _collected(
    rows: Iterator[list[str]],
    width: int,
    places: Mapping[str, int],
    twice: Sequence[tuple[str, str, int]],
    separator: str,
) -> RawEdges:
    """Collect the wanted cells of each row, setting aside rows of another width."""
    kept: list[list[str]] = []
    raw = RawEdges({}, 0)
    for row in rows:
        if len(row) == width and row[0].strip():
            raw.rows += 1
            kept.append(row)
            continue
        if not any(cell.strip() for cell in row):
            continue
        raw.rows += 1
        while len(row) > width and not row[-1].strip():
            row.pop()
        if len(row) > width:
            joined = _put_together(row, width, places, separator)
            if joined is not None:
                raw.notes["name or number with a separator in it, put together"] += 1
                row = joined
        if len(row) != width:
            raw.set_aside[f"{'more' if len(row) > width else 'fewer'} cells than columns"] += 1
        else:
            kept.append(row)
    raw.columns = {name: [row[place] for row in kept] for name, place in places.items()}
    for wanted, name, place in twice:
        second = [row[place] for row in kept]
        raw.notes[_twice(name, raw.columns[wanted], second)] += len(kept)
    return raw


def _put_together(
    row: Sequence[str], width: int, places: Mapping[str, int], separator: str
) -> list[str] | None:
    """Join neighbouring cells so that a row fits its columns; None unless one way alone fits.

    A way fits when both ends of the edge are names that are known and year and weight are
    numbers: ``2010,US,Korea, Republic of,1558`` is such a row.
    """
    if len(row) > _MOST_PIECES:
        return None
    fitting = []
    for cuts in combinations(range(1, len(row)), width - 1):
        edges = [0, *cuts, len(row)]
        cells = [separator.join(row[a:b]) for a, b in pairwise(edges)]
        if _fits(cells, places):
            fitting.append(cells)
    return fitting[0] if len(fitting) == 1 else None


def _fits(cells: Sequence[str], places: Mapping[str, int]) -> bool:
    ends = [cells[places[side]] for side in ("source", "target")]
    if year_of(cells[places["year"]])[0] is None:
        return False
    if not re.fullmatch(
        r"\s*[+-]?(\d+(\.\d+)?|\d{1,3}(,\d{3})+(\.\d+)?)\s*", cells[places["weight"]]
    ):
        return False
    return all(country_named(end) is not None or is_aggregate(end) for end in ends)
