"""The user's own groups of authors, read from the table that a study names in ``[groups]``."""

from __future__ import annotations

import csv
import math
from collections import defaultdict

import pyarrow as pa

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
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            wanted = (asked.author, asked.group, asked.probability)
            lost = [name for name in wanted if name not in (reader.fieldnames or ())]
            if lost:
                raise StudyError(
                    f"{path} has no column {', '.join(f'`{name}`' for name in lost)}; it has "
                    f"{', '.join(reader.fieldnames or ())}. Name its columns in [groups]."
                )
            for row in reader:
                author = number(row[asked.author], "A")
                chance = _probability(row[asked.probability])
                total[author] += chance if chance is not None else 0.0
                if author == NO_ID or chance is None or not row[asked.group]:
                    why = "an author id, a group and a probability from 0 to 1 are needed"
                    raise _refused(path.name, reader.line_num, why)
                if total[author] > MOST:
                    raise _refused(
                        path.name, reader.line_num, "the author's probabilities add up to over 1"
                    )
                found[author, row[asked.group]] += chance
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"Cannot read the groups of authors in {path}: {error}.") from None
    rows = [{"author_id": a, "group": g, "probability": p} for (a, g), p in sorted(found.items())]
    return pa.Table.from_pylist(rows, SCHEMA)


def _probability(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value <= 1 else None


def _refused(name: str, line: int, why: str) -> StudyError:
    return StudyError(f"Line {line} of {name}: {why}. Correct it and run again.")
