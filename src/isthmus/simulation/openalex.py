"""A simulated world as OpenAlex records: one JSON object per work or entity."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

from isthmus.simulation import corpus_tables as tables
from isthmus.simulation import ids
from isthmus.simulation.draws import Ints
from isthmus.simulation.generator import World, WorldYear

#: Start of every OpenAlex id.
SITE = "https://openalex.org/"
#: Works turned into records at a time; memory holds one such block.
BLOCK = 2_000

Record = dict[str, Any]


def work_records(world: World, year: WorldYear, received: Ints, updated: str) -> Iterator[Record]:
    """Make the records of a year's works, in order.

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
    days = np.datetime_as_string(tables.dates(year.year, year.day.astype(np.int16)))
    kinds = list(tables.WORK_TYPES)
    for low in range(0, len(days), BLOCK):
        block = slice(low, min(low + BLOCK, len(days)))
        columns = zip(
            range(year.first + block.start, year.first + block.stop),
            days[block].tolist(),
            given.kind[block].tolist(),
            year.venue[block].tolist(),
            received[year.first + block.start : year.first + block.stop].tolist(),
            _subject_records(given, block),
            _authorships(world, year, block),
            _references(year, block),
            strict=True,
        )
        for number, day, kind, venue, cited_by, subjects, signed, cites in columns:
            title = tables.work_title(number)
            yield {
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
                "is_paratext": False,
                "is_xpac": False,
                **subjects,
                "referenced_works_count": len(cites),
                "referenced_works": cites,
                "updated_date": updated,
            }


def institution_records(world: World, updated: str) -> Iterator[Record]:
    """Make records of all institutions."""
    codes = world.settings.codes
    for number, country in enumerate(world.institutions.country.tolist()):
        yield _institution(number, codes[country]) | {"updated_date": updated}


def source_records(world: World, updated: str) -> Iterator[Record]:
    """Make records of all venues."""
    for number in range(2 * world.settings.communities * world.settings.venues_per_community):
        yield _source_stub(number) | {"updated_date": updated}


def author_records(works_count: Ints, updated: str) -> Iterator[Record]:
    """Make records of all authors with at least one work; `works_count` is by number."""
    for number in np.flatnonzero(works_count).tolist():
        count = int(works_count[number])
        yield _author(number) | {"works_count": count, "updated_date": updated}


def _authorships(world: World, year: WorldYear, block: slice) -> list[list[Record]]:
    """Return the authorships of each work of a block of the year's works."""
    signed = year.signed
    low, high = np.searchsorted(signed.work, [block.start, block.stop]).tolist()
    works: list[list[Record]] = [[] for _ in range(block.start, block.stop)]
    columns = zip(
        (signed.work[low:high] - block.start).tolist(),
        signed.position[low:high].tolist(),
        signed.is_last[low:high].tolist(),
        signed.is_corresponding[low:high].tolist(),
        signed.author[low:high].tolist(),
        _affiliations(world, year, low, high),
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


def _affiliations(
    world: World, year: WorldYear, low: int, high: int
) -> list[tuple[list[Record], list[str]]]:
    """Return institutions and distinct countries of authorships ``low..high-1``."""
    codes, written = world.settings.codes, year.written
    places: list[tuple[list[Record], list[str]]] = [([], []) for _ in range(low, high)]
    start, end = np.searchsorted(written.authorship, [low, high]).tolist()
    columns = zip(
        (written.authorship[start:end] - low).tolist(),
        written.institution[start:end].tolist(),
        written.country[start:end].tolist(),
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


def _references(year: WorldYear, block: slice) -> list[list[str]]:
    """Return the references of each work of a block."""
    numbers = np.arange(year.first + block.start, year.first + block.stop + 1)
    edges = np.searchsorted(year.citing, numbers).tolist()
    cited = ids.work_ids(year.cited[edges[0] : edges[-1]]).tolist()
    names = [f"{SITE}W{number}" for number in cited]
    return [names[low - edges[0] : high - edges[0]] for low, high in pairwise(edges)]


def _subject_records(given: tables.Labels, block: slice) -> Iterator[Record]:
    """Return topics and concepts of each work of a block."""
    columns = zip(
        given.topic[block].tolist(),
        given.subfield[block].tolist(),
        given.topic_score[block].tolist(),
        given.field_score[block].tolist(),
        given.neighbour_score[block].tolist(),
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


@cache
def _institution(number: int, code: str) -> Record:
    return {
        "id": f"{SITE}I{number + ids.FIRST_INSTITUTION}",
        "display_name": tables.institution_name(number),
        "ror": None,
        "country_code": code,
        "type": "education",
    }


@cache
def _source_stub(number: int) -> Record:
    return {
        "id": f"{SITE}S{number + ids.FIRST_VENUE}",
        "display_name": tables.venue_name(number),
        "issn_l": tables.issn(number),
        "type": "journal",
    }
