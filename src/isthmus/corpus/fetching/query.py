"""A study as queries of the OpenAlex API.

The API joins values of one filter by "or" and different filters by "and", so a
field that is a union of several kinds takes one query a kind; works found twice
are dropped when the pages are put together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from isthmus.corpus.ids import NO_ID, number
from isthmus.errors import StudyError
from isthmus.study import Concept, Study, entity_id

#: Most values the API takes in one filter.
VALUES_PER_FILTER = 100

#: Root fields of a work that the reader uses; everything else stays at the server.
SELECTED = (
    "id,publication_year,publication_date,updated_date,type,language,title,doi,cited_by_count,"
    "is_retracted,primary_location,authorships,referenced_works,concepts,topics,primary_topic"
)


def field_filters(study: Study) -> list[str]:
    """Give the filters whose union is the field of a study.

    Works published after the last year whose citations can count are left out;
    earlier ones stay, however early, for the field has no first year.

    Raises
    ------
    StudyError
        The field is the whole corpus, or names what the API does not know.
    """
    field = study.field
    if field.is_everything:
        raise StudyError(
            "The study names nothing in [field], so its field is everything OpenAlex holds. "
            "Name subfields, topics, concepts or venues, or download the snapshot and ingest it."
        )
    if field.mag_fos:
        raise StudyError(
            "`field.mag_fos` is known to Microsoft Academic Graph dumps alone; the OpenAlex API "
            "cannot look it up. Name concepts instead: they grew out of fields of study."
        )
    concepts = [c.id if isinstance(c, Concept) else c for c in field.concepts]
    kinds = {
        "topics.subfield.id": ("", _numbers(field.subfields)),
        "topics.field.id": ("", _numbers(field.fields)),
        "topics.id": ("T", _numbers(field.topics)),
        "concepts.id": ("C", _numbers(concepts)),
        "primary_location.source.id": ("S", _numbers(field.venues)),
    }
    if field.works is not None:
        kinds["ids.openalex"] = ("W", work_ids(study.path(field.works)))
    until = last_year(study)
    return [
        f"{name}:{values},publication_year:<{until + 1}"
        for name, (letter, ids) in kinds.items()
        for values in _joined(letter, ids)
    ]


def citing_filters(study: Study, cited: Sequence[int]) -> Iterator[str]:
    """Give the filters whose union is the works that cite any of `cited`."""
    until = last_year(study)
    for values in _joined("W", cited):
        yield f"cites:{values},publication_year:<{until + 1}"


def last_year(study: Study) -> int:
    """Last publication year that can matter: the last year's citation window ends there."""
    return study.years[1] + study.impact.window


def work_ids(path: Path) -> list[int]:
    """Read a file of work ids, one a line.

    Raises
    ------
    StudyError
        The file cannot be read, or a line is no work id.
    """
    try:
        words = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"Cannot read the file of work ids {path}: {error}.") from None
    return _numbers(words)


def work_number(identifier: object) -> int | None:
    """Give the number of a work id, None when it is none."""
    found = number(identifier, "W") if isinstance(identifier, str) else NO_ID
    return None if found == NO_ID else found


def _numbers(values: Sequence[int | str]) -> list[int]:
    return sorted({entity_id(value) for value in values})


def _joined(letter: str, ids: Sequence[int]) -> Iterator[str]:
    for start in range(0, len(ids), VALUES_PER_FILTER):
        yield "|".join(f"{letter}{i}" for i in ids[start : start + VALUES_PER_FILTER])
