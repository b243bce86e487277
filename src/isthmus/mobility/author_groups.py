"""The user's own groups of authors, read from the table that a study names in ``[groups]``."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.corpus.ids import NO_ID, number
from isthmus.errors import StudyError
from isthmus.study import Study

SCHEMA = pa.schema(
    [("author_id", pa.int64()), ("group", pa.string()), ("probability", pa.float64())]
)

#: Probabilities of one author may add up to this, for they are rounded.
MOST = 1.01


def author_groups(study: Study) -> pa.Table | None:
    """Read the groups of authors; None where the study names none.

    Returns
    -------
    pa.Table
        One row per author and group: ``author_id``, ``group``, ``probability``.

    Raises
    ------
    StudyError
        The file cannot be read, lacks a column, or a row is no author, no probability, or brings
        an author's probabilities above 1. Wrong probabilities would change a result unseen, so
        no row is passed over.
    """
    asked = study.groups
    if asked.file is None:
        return None
    path = study.path(asked.file)
    found: dict[tuple[int, str], float] = defaultdict(float)
    total: dict[int, float] = defaultdict(float)
    try:
        names, records = _records(path)
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowInvalid) as error:
        raise StudyError(f"Cannot read the groups of authors in {path}: {error}.") from None
    wanted = (asked.author, asked.group, asked.probability)
    lost = [name for name in wanted if name not in names]
    if lost:
        raise StudyError(
            f"{path} has no column {', '.join(f'`{name}`' for name in lost)}; it has "
            f"{', '.join(names)}. Name its columns in [groups]."
        )
    for place, row in records:
        author = number(row[asked.author], "A")
        chance = _probability(row[asked.probability])
        total[author] += chance if chance is not None else 0.0
        if author == NO_ID or chance is None or not row[asked.group]:
            why = "an author id, a group and a probability from 0 to 1 are needed"
            raise _refused(path.name, place, why)
        if total[author] > MOST:
            raise _refused(path.name, place, "the author's probabilities add up to over 1")
        found[author, row[asked.group]] += chance
    rows = [{"author_id": a, "group": g, "probability": p} for (a, g), p in sorted(found.items())]
    return pa.Table.from_pylist(rows, SCHEMA)


def _records(path: Path) -> tuple[list[str], list[tuple[str, dict[str, str]]]]:
    """Return the names of a table's columns and its rows as text, each with its place."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        rows = enumerate(table.to_pylist(), 1)
        return table.column_names, [
            (f"Row {at}", {k: "" if v is None else str(v) for k, v in row.items()})
            for at, row in rows
        ]
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        return list(reader.fieldnames or ()), [(f"Line {reader.line_num}", row) for row in reader]


def _probability(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 1 else None


def _refused(name: str, place: str, why: str) -> StudyError:
    return StudyError(f"{place} of {name}: {why}. Correct it and run again.")
