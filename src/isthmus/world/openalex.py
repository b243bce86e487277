"""A simulated world as OpenAlex records: one JSON object per work or entity."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np

from isthmus.world import identifiers as ids
from isthmus.world import tables
from isthmus.world.draws import Ints
from isthmus.world.generator import World, WorldYear

#: Start of every OpenAlex id.
SITE = "https://openalex.org/"

Record = dict[str, Any]

_encode = msgspec.json.Encoder().encode


def work_lines(world: World, year: WorldYear, received: Ints, updated: str) -> Iterator[bytes]:
    """Encode the works of a year, in order, as lines without line ends.

    Parameters
    ----------
    world, year
        The world and one of its years.
    received
        Citations of every work over the whole world, by number.
    updated
        What ``updated_date`` says.
    """
    given = tables.labels(world.settings, year)
    authors = _authorships(world, year)
    references = _references(year)
    days = np.datetime_as_string(tables.dates(year.year, year.day.astype(np.int16)))
    kinds = list(tables.WORK_TYPES)
    columns = zip(
        days.tolist(),
        given.kind.tolist(),
        year.venue.tolist(),
        received[year.first : year.first + len(days)].tolist(),
        _subject_records(given),
        authors,
        references,
        strict=True,
    )
    for number, (day, kind, venue, cited_by, subjects, signed, cites) in enumerate(
        columns, year.first
    ):
        title = tables.work_title(number)
        record = {
            "id": f"{SITE}W{number + ids.FIRST_WORK}",
            "doi": None,
            "title": title,
            "display_name": title,
            "publication_year": year.year,
            "publication_date": day,
            "language": "en",
            "type": kinds[kind],
            "primary_location": {"is_oa": False, "source": _source_stub(venue)},
            "authorships": signed,
            "is_authors_truncated": False,
            "cited_by_count": cited_by,
            "is_retracted": False,
            **subjects,
            "referenced_works_count": len(cites),
            "referenced_works": cites,
            "updated_date": updated,
        }
        yield _encode(record)


def institution_lines(world: World, updated: str) -> Iterator[bytes]:
    """Encode all institutions."""
    codes = world.settings.codes
    for number, country in enumerate(world.institutions.country.tolist()):
        yield _encode(_institution(number, codes[country]) | {"updated_date": updated})


def source_lines(world: World, updated: str) -> Iterator[bytes]:
    """Encode all venues."""
    for number in range(2 * world.settings.communities * world.settings.venues_per_community):
        yield _encode(_source_stub(number) | {"updated_date": updated})


def author_lines(works_count: Ints, updated: str) -> Iterator[bytes]:
    """Encode all authors with at least one work; `works_count` is by number."""
    for number in np.flatnonzero(works_count).tolist():
        yield _encode(
            _author(number) | {"works_count": int(works_count[number]), "updated_date": updated}
        )


def _authorships(world: World, year: WorldYear) -> list[list[Record]]:
    """Give the authorships of each work of a year."""
    signed, places = year.signed, _affiliations(world, year)
    works: list[list[Record]] = [[] for _ in range(len(year.venue))]
    columns = zip(
        signed.work.tolist(),
        signed.position.tolist(),
        signed.is_last.tolist(),
        signed.is_corresponding.tolist(),
        signed.author.tolist(),
        places,
        strict=True,
    )
    for work, position, is_last, corresponds, author, (institutions, countries) in columns:
        works[work].append(
            {
                "author_position": _position(position, is_last),
                "author": _author(author),
                "institutions": institutions,
                "countries": countries,
                "is_corresponding": corresponds,
            }
        )
    return works


def _position(position: int, is_last: bool) -> str:
    """Name a position as the API does: a single author is first."""
    return "first" if position == 0 else "last" if is_last else "middle"


def _affiliations(world: World, year: WorldYear) -> list[tuple[list[Record], list[str]]]:
    """Give institutions and distinct countries of each authorship."""
    codes, written = world.settings.codes, year.written
    places: list[tuple[list[Record], list[str]]] = [([], []) for _ in range(len(year.signed.work))]
    columns = zip(
        written.authorship.tolist(),
        written.institution.tolist(),
        written.country.tolist(),
        strict=True,
    )
    for authorship, institution, country in columns:
        institutions, countries = places[authorship]
        code = codes[country]
        if institution >= 0:
            institutions.append(_institution(institution, code))
        if code not in countries:
            countries.append(code)
    return places


def _references(year: WorldYear) -> list[list[str]]:
    """Give the references of each work of a year."""
    cited = [f"{SITE}W{number}" for number in ids.work_ids(year.cited).tolist()]
    numbers = np.arange(year.first, year.first + len(year.venue) + 1)
    edges = np.searchsorted(year.citing, numbers).tolist()
    return [cited[low:high] for low, high in pairwise(edges)]


def _subject_records(given: tables.Labels) -> Iterator[Record]:
    """Give topics and concepts of each work."""
    columns = zip(
        given.topic.tolist(),
        given.subfield.tolist(),
        given.topic_score.tolist(),
        given.field_score.tolist(),
        given.neighbour_score.tolist(),
        strict=True,
    )
    for community, subfield, score, ai, neighbour in columns:
        topic = _topic(community, subfield, score)
        concepts = ((ids.FIELD_CONCEPT, ai), (ids.NEIGHBOUR_CONCEPT, neighbour))
        yield {
            "primary_topic": topic,
            "topics": [topic],
            "concepts": [
                {"id": f"{SITE}C{concept}", "level": 1, "score": value}
                for concept, value in concepts
                if value > 0
            ],
        }


def _topic(community: int, subfield: int, score: float) -> Record:
    return {
        "id": f"{SITE}T{community + ids.FIRST_TOPIC}",
        "display_name": f"Topic {community}",
        "score": score,
        "subfield": {"id": f"{SITE}subfields/{subfield}", "display_name": f"Subfield {subfield}"},
        "field": {"id": f"{SITE}fields/{ids.PARENT_FIELD}", "display_name": "Computer Science"},
        "domain": {"id": f"{SITE}domains/3", "display_name": "Physical Sciences"},
    }


def _author(number: int) -> Record:
    return {
        "id": f"{SITE}A{number + ids.FIRST_AUTHOR}",
        "display_name": tables.author_name(number),
        "orcid": None,
    }


def _institution(number: int, code: str) -> Record:
    return {
        "id": f"{SITE}I{number + ids.FIRST_INSTITUTION}",
        "display_name": tables.institution_name(number),
        "ror": None,
        "country_code": code,
        "type": "education",
    }


def _source_stub(number: int) -> Record:
    return {
        "id": f"{SITE}S{number + ids.FIRST_VENUE}",
        "display_name": tables.venue_name(number),
        "issn_l": tables.issn(number),
        "type": "journal",
    }
