"""A study as queries of the OpenAlex API.

The API joins values of one filter by "or" and different filters by "and", so a
field that is a union of several kinds takes one query a kind; works found twice
are dropped when the pages are put together.

The study's publication rules are part of the queries where the API can tell them
(:func:`rule_filters`). A run applies all of them to the corpus once more, so that a
field fetched and a field ingested from a snapshot are the same works.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from isthmus.corpus.ids import NO_ID, number
from isthmus.corpus.work_lists import read_work_ids
from isthmus.errors import StudyError
from isthmus.study import CORE_LANGUAGE, CORE_TYPES, CORE_VENUES, Concept, Field, Study, entity_id

#: Most values the API takes in one filter.
VALUES_PER_FILTER = 100

#: Root fields of a work that the reader uses; everything else stays at the server.
SELECTED = (
    "id,publication_year,publication_date,updated_date,type,language,title,doi,cited_by_count,"
    "is_retracted,is_paratext,is_xpac,primary_location,authorships,referenced_works,concepts,topics,primary_topic"
)


def field_filters(study: Study) -> list[str]:
    """Return the filters whose union is the field of a study.

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
        kinds["ids.openalex"] = ("W", read_work_ids(study.path(field.works)))
    rules = "".join(f",{rule}" for rule in rule_filters(field))
    return [
        f"{name}:{values},publication_year:<{last_year(study) + 1}{rules}"
        for name, (letter, ids) in kinds.items()
        for values in _joined(letter, ids)
    ]


def citing_filters(study: Study, cited: Sequence[int]) -> Iterator[str]:
    """Return the filters whose union is the works that cite any of `cited`."""
    rules = "".join(f",{rule}" for rule in _exclusions(study.field))
    for values in _joined("W", cited):
        yield f"cites:{values},publication_year:<{last_year(study) + 1}{rules}"


def rule_filters(field: Field) -> list[str]:
    """Return the publication rules of a field as filters, those the API can tell.

    What `core` asks of authors, affiliations and references is left to the run. Records
    outside the core of OpenAlex (xpac) take an option instead: :func:`options`.
    """
    filters = []
    if field.types:
        filters.append(f"type:{'|'.join(field.types)}")
    if field.languages:
        filters.append(f"language:{'|'.join(field.languages)}")
    if field.core:
        filters.append(f"type:{'|'.join(CORE_TYPES)}")
        filters.append(f"language:{CORE_LANGUAGE}")
        filters.append(f"primary_location.source.type:{'|'.join(CORE_VENUES)}")
    return list(dict.fromkeys([*filters, *_exclusions(field)]))


def options(field: Field) -> dict[str, str]:
    """Return what is asked beside the filter: the API leaves xpac records out unless asked."""
    return {} if "xpac" in field.exclude else {"include_xpac": "true"}


def _exclusions(field: Field) -> list[str]:
    flags = {"retracted": "is_retracted", "paratext": "is_paratext"}
    return [f"{flag}:false" for name, flag in flags.items() if name in field.exclude]


def last_year(study: Study) -> int:
    """Last publication year that can matter: the last year's citation window ends there."""
    return study.years[1] + study.impact.window


def work_number(identifier: object) -> int | None:
    """Return the number of a work id, None when it is none."""
    found = number(identifier, "W") if isinstance(identifier, str) else NO_ID
    return None if found == NO_ID else found


def _numbers(values: Sequence[int | str]) -> list[int]:
    return sorted({entity_id(value) for value in values})


def _joined(letter: str, ids: Sequence[int]) -> Iterator[str]:
    for start in range(0, len(ids), VALUES_PER_FILTER):
        yield "|".join(f"{letter}{i}" for i in ids[start : start + VALUES_PER_FILTER])
