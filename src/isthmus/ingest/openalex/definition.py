"""What OpenAlex records mean: the one definition of reading, in SQL for DuckDB and Spark.

``records`` has a row per record: ``record``, its place in the order of reading, the fields
of :mod:`isthmus.ingest.openalex.fields` with every scalar as text, ``number``, its id, and
``fault``, the reason why it is no record of its entity. From it follow, by the queries here
alone, the tables about works, what works say of institutions, venues and authors, and how
many values were set aside for which reason.
"""

from __future__ import annotations

from typing import NamedTuple

from isthmus.ingest.dialect import Dialect
from isthmus.study.field import EARLIEST_YEAR, LATEST_YEAR

#: Letters that ids of an entity may begin with.
LETTERS = {"works": "W", "authors": "A", "institutions": "I", "sources": "SV"}

#: Entity -> ids that stand for nothing: what OpenAlex deletes it merges into the first of these,
#: and A9999999999 is the author of every work whose author's profile was taken away.
PLACEHOLDERS = {
    "works": (4285719527,),
    "authors": (5317838346, 9999999999),
    "institutions": (4389424196,),
    "sources": (4317411217,),
}

_ADDRESS = "(?:https?://[A-Za-z0-9_.]+/(?:[a-z]+/)?)?"


class Query(NamedTuple):
    """A relation of the definition: its name, and its SQL over the relations before it."""

    name: str
    sql: str


def id_of(text: str, letters: str, home: str | None = None, nothing: tuple[int, ...] = ()) -> str:
    """SQL of the number behind an id, with or without its address; null for anything else.

    `home` is the address with which it mostly begins; the ids in `nothing` are null too.
    """
    # The usual form is looked for first: engines find it several times as fast. There is no
    # `nullif` around it: DuckDB works out twice what stands in one.
    usual = home or f"https://openalex.org/{letters[0]}"
    number = f"try_cast(substr({text}, {len(usual) + 1}) AS BIGINT)"
    any_form = f"^[ \t]*{_ADDRESS}[{letters}{letters.lower()}]?([0-9]+)[ \t]*$"
    found = f"try_cast(regexp_extract({text}, '{any_form}', 1) AS BIGINT)"
    unless = f" AND {{}} NOT IN ({', '.join(map(str, nothing))})" if nothing else ""
    return f"""CASE WHEN {text} = concat('{usual}', {number}) AND {number} > 0
        {unless.format(number)} THEN {number}
        WHEN {found} > 0{unless.format(found)} THEN {found} END"""


def somebody(text: str, letters: str, entity: str) -> str:
    """SQL of an id, null also where OpenAlex means nobody and nothing by it."""
    return id_of(text, letters, nothing=PLACEHOLDERS[entity])


def flag(text: str) -> str:
    """SQL of a truth value."""
    return f"CASE lower({text}) WHEN 'true' THEN true WHEN 'false' THEN false END"


def whole(text: str) -> str:
    """SQL of a whole number of up to 18 digits; null for anything else."""
    number, most = f"try_cast({text} AS BIGINT)", "9" * 18
    digits = f"regexp_extract({text}, '^(-?[0-9]{{1,18}})(?:[.]0*)?$', 1)"
    return f"""CASE WHEN {text} = concat('', {number}) AND {number} BETWEEN -{most} AND {most}
        THEN {number} ELSE try_cast({digits} AS BIGINT) END"""


def judged(entity: str) -> str:
    """SQL of the columns that say which record it is, or what is wrong with it.

    Works have the id of their ``venue`` beside: one text is read faster than two structures.
    """
    number = f"{id_of('id', LETTERS[entity])} AS number"
    if entity != "works":
        return (
            f"{number}, CASE WHEN {id_of('id', LETTERS[entity])} IS NULL THEN 'no_id' END AS fault"
        )
    return f"""{number}, coalesce(primary_location.source.id, host_venue.id) AS venue,
        CASE WHEN {id_of("id", "W")} IS NULL THEN 'no_id'
        WHEN {_YEAR} IS NULL OR {_YEAR} <> floor({_YEAR}) THEN 'no_year'
        WHEN NOT {_YEAR} BETWEEN {EARLIEST_YEAR} AND {LATEST_YEAR} THEN 'year_impossible'
        END AS fault"""


_YEAR = "try_cast(publication_year AS DOUBLE)"
_DAY = """try_cast(CASE WHEN length(publication_date) >= 10
    THEN substr(publication_date, 1, 10) END AS DATE)"""
_UPDATED = "replace(updated_date, ' ', 'T')"
_WORK = "record, number AS work_id"


def work_queries(d: Dialect) -> list[Query]:
    """Return the relations about works; ``codes`` maps written country codes to countries."""
    truncated = f"""(coalesce({flag("is_authors_truncated")}, false) OR
        (coalesce({whole("authors_count")}, 0) > {d.size("authorships")}
        AND {d.size("authorships")} > 0))"""
    people = f"""{_WORK}, {_UPDATED} AS updated, {truncated} AS truncated,
        {d.size("authorships")} AS n_listed"""
    return [
        Query("good", "SELECT * FROM records WHERE fault IS NULL"),
        Query(
            "listed",
            f"""SELECT record, work_id, updated, truncated, n_listed, CAST(place AS INTEGER)
            AS position, entry IS NULL AS is_null, entry.author_position = 'last' AS said_last,
            {flag("entry.is_corresponding")} AS is_corresponding,
            {somebody("entry.author.id", "A", "authors")} AS author_id,
            entry.author.orcid AS orcid, entry.institutions AS institutions,
            entry.countries AS countries FROM {d.explode("good", "authorships", people)} AS e""",
        ),
        Query(
            "teams",
            """SELECT record, max(CASE WHEN said_last THEN position END) AS last_position,
            count(DISTINCT author_id) + count(CASE WHEN author_id IS NULL THEN 1 END) AS n_authors
            FROM listed GROUP BY record""",
        ),
        Query(
            "works",
            f"""SELECT record, number AS work_id, CAST({_YEAR} AS SMALLINT) AS year,
            {_DAY} AS date, type, language, {somebody("venue", "SV", "sources")} AS venue_id,
            CAST(coalesce(n_authors, 0) AS INTEGER) AS n_authors,
            {truncated} AS authors_truncated, coalesce({flag("is_retracted")}, false)
            AS is_retracted, {flag("is_paratext")} AS is_paratext, {flag("is_xpac")} AS is_xpac,
            nullif(greatest({whole("cited_by_count")}, -1), -1) AS cited_by_count,
            coalesce(title, display_name) AS title, doi, {_UPDATED} AS updated
            FROM good LEFT JOIN teams USING (record)""",
        ),
        Query(
            "authorships",
            """SELECT record, work_id, position, NOT truncated
            AND position = coalesce(last_position, n_listed - 1) AS is_last,
            is_corresponding, author_id FROM listed LEFT JOIN teams USING (record)""",
        ),
        *_affiliation_queries(d),
        Query(
            "cites",
            f"""SELECT record, work_id, {id_of("entry", "W")} AS cited_id
            FROM {d.explode("good", "referenced_works", _WORK)} AS e""",
        ),
        Query(
            "cited",
            """SELECT DISTINCT record, work_id AS citing_id, cited_id FROM cites
            WHERE cited_id <> work_id""",
        ),
        *_subject_queries(d),
    ]


def _affiliation_queries(d: Dialect) -> list[Query]:
    """Affiliations: institutions once each, then parsed countries that none of them has."""
    place = "record, work_id, position"
    return [
        Query(
            "signed",
            f"""SELECT {place}, updated, place, entry IS NULL AS is_null,
            {somebody("entry.id", "I", "institutions")} AS institution_id,
            CASE WHEN instr(entry.id, '-') > 0 THEN
            regexp_extract(entry.id, '[A-Za-z]-[0-9]+$', 0) <> '' ELSE false END AS is_placeholder,
            entry.display_name AS name, nullif(trim(entry.country_code), '') AS written,
            code AS country, entry.type AS type, entry.ror AS ror
            FROM {d.explode("listed", "institutions", f"{place}, updated")} AS e
            LEFT JOIN codes ON upper(trim(entry.country_code)) = codes.raw""",
        ),
        Query(
            "placed",
            f"""SELECT {place}, institution_id, country, place FROM (
                SELECT *, row_number() OVER (PARTITION BY record, position,
                coalesce(institution_id, -place - 1) ORDER BY place) AS occurrence
                FROM signed WHERE NOT is_null) AS numbered WHERE occurrence = 1""",
        ),
        Query(
            "parsed",
            f"""SELECT {place}, nullif(trim(entry), '') AS written, code AS country
            FROM {d.explode("listed", "countries", place)} AS e
            LEFT JOIN codes ON upper(trim(entry)) = codes.raw""",
        ),
        Query(
            "affiliations",
            f"""SELECT {place}, institution_id, country,
            CASE WHEN country IS NOT NULL THEN 'institution' END AS country_source, place
            FROM placed UNION ALL
            SELECT DISTINCT {place}, CAST(NULL AS BIGINT), country, 'parsed', 1000000
            FROM parsed ANTI JOIN placed USING (record, position, country)
            WHERE country IS NOT NULL""",
        ),
    ]


def _subject_queries(d: Dialect) -> list[Query]:
    """Labels: concepts, and topics with the subfield and field that each belongs to."""
    levels = "".join(
        f""" UNION ALL SELECT record, work_id, '{level}',
        {id_of(level, "T", f"https://openalex.org/{level}s/")}, NULL FROM topics_of
        WHERE {level} IS NOT NULL"""
        for level in ("subfield", "field")
    )
    return [
        Query(
            "topics_of",
            f"""SELECT record, work_id, entry.id AS id, entry.score AS score,
            entry.subfield.id AS subfield, entry.field.id AS field
            FROM {d.explode("good", "topics", _WORK)} AS e WHERE entry IS NOT NULL
            UNION ALL SELECT record, number, primary_topic.id, primary_topic.score,
            primary_topic.subfield.id, primary_topic.field.id FROM good
            WHERE primary_topic IS NOT NULL""",
        ),
        Query(
            "labels",
            f"""SELECT record, work_id, 'concept' AS scheme, {id_of("entry.id", "C")}
            AS subject_id, entry.score AS score
            FROM {d.explode("good", "concepts", _WORK)} AS e WHERE entry IS NOT NULL
            UNION ALL SELECT record, work_id, 'topic', {id_of("id", "T")}, score FROM topics_of
            {levels}""",
        ),
        Query(
            "subjects",
            """SELECT record, work_id, scheme, subject_id, max(score) AS score FROM (
                SELECT record, work_id, scheme, subject_id, CASE WHEN abs(try_cast(score AS FLOAT))
                < 1e38 THEN try_cast(score AS FLOAT) END AS score FROM labels
                WHERE subject_id IS NOT NULL) AS scored
            GROUP BY record, work_id, scheme, subject_id""",
        ),
    ]


def entity_query(entity: str) -> str:
    """SQL of the rows of an entity's table, with ``updated`` beside; over ``good``, ``codes``."""
    columns = {
        "institutions": f"""number AS institution_id, display_name AS name, code AS country, type,
            ror, try_cast(geo.latitude AS DOUBLE) AS lat, try_cast(geo.longitude AS DOUBLE)
            AS lon, geo.city AS city, {whole("geo.geonames_city_id")} AS city_id""",
        "sources": "number AS venue_id, display_name AS name, type, issn_l",
        "authors": f"""number AS author_id, display_name AS name, orcid,
            {whole("works_count")} AS works_count""",
    }[entity]
    codes = "LEFT JOIN codes ON upper(trim(country_code)) = codes.raw"
    joined = f"good {codes if entity == 'institutions' else ''}"
    return f"SELECT record, {columns}, {_UPDATED} AS updated FROM {joined}"


def named_queries(d: Dialect) -> list[Query]:
    """Return what works say of institutions, venues and authors: of each the newest, with its date.

    Between works of one date the one read last decides, and in it the first place.
    """
    said = d.struct("name", "country", "type", "ror", "updated")
    names = ("display_name", "type", "issn_l")
    fields = ", ".join(
        f"""CASE WHEN primary_location.source.id IS NOT NULL THEN primary_location.source.{name}
        ELSE host_venue.{name} END AS {name}"""
        for name in names
    )
    return [
        Query(
            "named_institutions",
            f"""SELECT institution_id, said.name AS name, said.country AS country,
            said.type AS type, said.ror AS ror, said.updated AS updated FROM (
                SELECT institution_id, max_by({said},
                (coalesce(updated, ''), record, -position, -place)) AS said
                FROM signed WHERE institution_id IS NOT NULL GROUP BY institution_id) AS newest""",
        ),
        Query(
            "named_sources",
            f"""SELECT venue_id, said.display_name AS name, said.type AS type,
            said.issn_l AS issn_l, updated FROM (
                SELECT venue_id, max(updated) AS updated,
                max_by({d.struct(*names)}, (coalesce(updated, ''), record)) AS said FROM (
                    SELECT {somebody("venue", "SV", "sources")} AS venue_id, * FROM (
                        SELECT venue, {fields}, {_UPDATED} AS updated, max(record) AS record
                        FROM good WHERE venue IS NOT NULL GROUP BY 1, 2, 3, 4, 5) AS sayings
                    ) AS read
                WHERE venue_id IS NOT NULL GROUP BY venue_id) AS newest""",
        ),
        Query(
            "named_authors",
            """SELECT author_id, max_by(orcid, (coalesce(updated, ''), record, -position)) AS orcid,
            max(updated) AS updated FROM listed WHERE author_id IS NOT NULL AND orcid IS NOT NULL
            GROUP BY author_id""",
        ),
    ]


_ODD_FLAGS = " + ".join(
    f"CASE WHEN lower({name}) NOT IN ('true', 'false') THEN 1 ELSE 0 END"
    for name in ("is_retracted", "is_paratext", "is_xpac", "is_authors_truncated")
)

#: Reason -> relation, and what is added up over its rows: values set aside, and notes.
_TALLIES: dict[str, tuple[str, str]] = {
    "author_null": ("listed", "CAST(author_id IS NULL AND NOT is_null AS INTEGER)"),
    "authorship_null": ("listed", "CAST(is_null AS INTEGER)"),
    "authors_truncated": ("works", "CAST(authors_truncated AS INTEGER)"),
    "country_empty": ("signed", "CAST(NOT is_null AND written IS NULL AS INTEGER)"),
    "date_unreadable": (
        "good",
        f"CAST(coalesce(publication_date, '') <> '' AND {_DAY} IS NULL AS INTEGER)",
    ),
    "institution_null": ("signed", "CAST(is_null AS INTEGER)"),
    "institution_placeholder": ("signed", "CAST(is_placeholder AS INTEGER)"),
    "institution_without_id": (
        "signed",
        "CAST(NOT is_null AND institution_id IS NULL AND NOT is_placeholder AS INTEGER)",
    ),
    "reference_unreadable": ("cites", "CAST(cited_id IS NULL AS INTEGER)"),
    "self_reference": ("cites", "CAST(cited_id = work_id AS INTEGER)"),
    "subject_unreadable": ("labels", "CAST(subject_id IS NULL AS INTEGER)"),
    "value_unreadable": (
        "good",
        f"""CASE WHEN cited_by_count IS NOT NULL AND {whole("cited_by_count")} IS NULL
        THEN 1 ELSE 0 END + {_ODD_FLAGS}""",
    ),
    "venue_unreadable": (
        "good",
        f"CAST(venue IS NOT NULL AND {id_of('venue', 'SV')} IS NULL AS INTEGER)",
    ),
}

#: Reason -> relations whose difference in rows it is.
_DIFFERENCES = {
    "affiliation_repeated": (
        "SELECT count(*) AS n FROM signed WHERE NOT is_null",
        "SELECT count(*) AS n FROM placed",
    ),
    "reference_repeated": (
        "SELECT count(*) AS n FROM cites WHERE cited_id <> work_id",
        "SELECT count(*) AS n FROM cited",
    ),
    "author_listed_again": (
        "SELECT count(*) AS n FROM listed",
        "SELECT sum(n_authors) AS n FROM works",
    ),
}


def tally_query() -> str:
    """SQL of how many values were set aside or noted: one row, a column per reason."""
    by_relation: dict[str, list[str]] = {}
    for reason, (relation, amount) in _TALLIES.items():
        by_relation.setdefault(relation, []).append(f"sum({amount}) AS {reason}")
    parts = [
        f"(SELECT {', '.join(sums)} FROM {name}) AS t_{name}" for name, sums in by_relation.items()
    ]
    parts += [
        f"""(SELECT coalesce(more.n, 0) - coalesce(less.n, 0) AS {reason}
            FROM ({more}) AS more CROSS JOIN ({less}) AS less) AS d_{reason}"""
        for reason, (more, less) in _DIFFERENCES.items()
    ]
    return f"SELECT * FROM {' CROSS JOIN '.join(parts)}"


def unknown_countries_query() -> str:
    """SQL of the country codes that are no country: columns ``written`` and ``n``."""
    return """SELECT written, count(*) AS n FROM (
        SELECT written, country FROM signed UNION ALL SELECT written, country FROM parsed) AS codes
        WHERE written IS NOT NULL AND country IS NULL GROUP BY written"""
