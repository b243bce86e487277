"""The fields of OpenAlex records that are read, whatever the release and the format.

Every scalar is read as text: what it means, and whether it can be read at all, is said
once, in :mod:`isthmus.ingest.openalex.definition`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: A scalar, read as text. A dict is a struct of fields, a list of one thing a list of those.
TEXT = "text"

#: What a field may be.
Spec = Any

_VENUE: dict[str, Spec] = dict.fromkeys(("id", "display_name", "type", "issn_l"), TEXT)
_INSTITUTION: dict[str, Spec] = dict.fromkeys(
    ("id", "display_name", "ror", "country_code", "type"), TEXT
)
_TOPIC: dict[str, Spec] = {
    "id": TEXT,
    "score": TEXT,
    "subfield": {"id": TEXT},
    "field": {"id": TEXT},
}
_WORK_TEXTS = (
    *("id", "publication_year", "publication_date", "updated_date", "type", "language", "title"),
    *("display_name", "doi", "cited_by_count", "is_retracted", "is_paratext", "is_xpac"),
    *("is_authors_truncated", "authors_count"),
)

#: Entity -> its fields. Venues became sources in 2023 and kept their numbers.
FIELDS: dict[str, dict[str, Spec]] = {
    "works": {
        **dict.fromkeys(_WORK_TEXTS, TEXT),
        "primary_location": {"source": _VENUE},
        "host_venue": _VENUE,
        "authorships": [
            {
                "author_position": TEXT,
                "author": {"id": TEXT, "orcid": TEXT},
                "institutions": [_INSTITUTION],
                "countries": [TEXT],
                "is_corresponding": TEXT,
            }
        ],
        "referenced_works": [TEXT],
        "concepts": [{"id": TEXT, "score": TEXT}],
        "topics": [_TOPIC],
        "primary_topic": _TOPIC,
    },
    "authors": dict.fromkeys(("id", "display_name", "orcid", "works_count", "updated_date"), TEXT),
    "institutions": {
        **_INSTITUTION,
        "geo": dict.fromkeys(("latitude", "longitude", "city", "geonames_city_id"), TEXT),
        "updated_date": TEXT,
    },
    "sources": {**_VENUE, "updated_date": TEXT},
}


def duckdb_type(spec: Spec) -> str:
    """DuckDB type of a field.

    Examples
    --------
    >>> duckdb_type([{"id": TEXT}])
    'STRUCT("id" VARCHAR)[]'
    """
    if isinstance(spec, list):
        return f"{duckdb_type(spec[0])}[]"
    if isinstance(spec, dict):
        inner = ", ".join(f'"{name}" {duckdb_type(field)}' for name, field in spec.items())
        return f"STRUCT({inner})"
    return "VARCHAR"


def spark_type(spec: Spec) -> str:
    """Spark type of a field.

    Examples
    --------
    >>> spark_type([{"id": TEXT}])
    'ARRAY<STRUCT<`id`: STRING>>'
    """
    if isinstance(spec, list):
        return f"ARRAY<{spark_type(spec[0])}>"
    if isinstance(spec, dict):
        inner = ", ".join(f"`{name}`: {spark_type(field)}" for name, field in spec.items())
        return f"STRUCT<{inner}>"
    return "STRING"


def leaves(spec: Spec, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of the scalars of a field; lists leave no trace in a path.

    Examples
    --------
    >>> list(leaves({"a": TEXT, "b": [{"c": TEXT}]}))
    [('a',), ('b', 'c')]
    """
    if isinstance(spec, list):
        yield from leaves(spec[0], path)
    elif isinstance(spec, dict):
        for name, field in spec.items():
            yield from leaves(field, (*path, name))
    else:
        yield path
