"""What is asked of the tables of a Microsoft Academic Graph dump, in SQL.

All columns come as text; an id is a whole number above 0, anything else is null
and counted. Whatever has several rows where the corpus has one is settled by an
order over columns, never by the order of lines.
"""

from __future__ import annotations

from isthmus.study.field import EARLIEST_YEAR, LATEST_YEAR

#: Type of a paper -> type of a work, in the words of OpenAlex; nothing said gives null.
DOC_TYPES = {
    "Journal": "article",
    "Conference": "article",
    "Repository": "preprint",
    "Book": "book",
    "BookChapter": "book-chapter",
    "Thesis": "dissertation",
    "Dataset": "dataset",
}


def id_of(column: str) -> str:
    """SQL for an id: a whole number above 0 that fits, otherwise null."""
    return f"CASE WHEN TRY_CAST({column} AS BIGINT) > 0 THEN TRY_CAST({column} AS BIGINT) END"


#: Table -> columns that are used.
COLUMNS: dict[str, tuple[str, ...]] = {
    "Papers": (
        *("PaperId", "Doi", "DocType", "PaperTitle", "OriginalTitle", "Year", "Date", "JournalId"),
        *("ConferenceSeriesId", "ConferenceInstanceId", "CitationCount", "CreatedDate"),
    ),
    "PaperAuthorAffiliations": ("PaperId", "AuthorId", "AffiliationId", "AuthorSequenceNumber"),
    "PaperReferences": ("PaperId", "PaperReferenceId"),
    "PaperFieldsOfStudy": ("PaperId", "FieldOfStudyId", "Score"),
    "Affiliations": (
        *("AffiliationId", "DisplayName", "GridId", "Iso3166Code", "Latitude", "Longitude"),
    ),
    "Journals": ("JournalId", "DisplayName", "Issn"),
    "ConferenceInstances": ("ConferenceInstanceId", "DisplayName", "ConferenceSeriesId"),
    "Authors": ("AuthorId", "DisplayName", "PaperCount"),
}

#: Tables whose lines are records, each kept or refused -> their key.
ENTITIES = {
    "Papers": "PaperId",
    "Affiliations": "AffiliationId",
    "Journals": "JournalId",
    "ConferenceInstances": "ConferenceInstanceId",
    "Authors": "AuthorId",
}

#: Reasons a paper is refused.
PAPER_FAULTS = ("no_id", "no_year", "year_impossible", "patent")

_YEAR = "TRY_CAST(Year AS INTEGER)"

#: What is worked out once all tables are read. Of a paper that occurs several times,
#: the one added last is kept; of an institution any, by its own columns.
PREPARE = [
    f"""CREATE TABLE judged AS SELECT *, CASE
        WHEN {id_of("PaperId")} IS NULL THEN 'no_id'
        WHEN {_YEAR} IS NULL THEN 'no_year'
        WHEN {_YEAR} NOT BETWEEN {EARLIEST_YEAR} AND {LATEST_YEAR} THEN 'year_impossible'
        WHEN DocType = 'Patent' THEN 'patent' END AS fault
        FROM Papers""",
    f"""CREATE TABLE works AS SELECT {id_of("PaperId")} AS id, {_YEAR} AS year,
        TRY_CAST(Date AS DATE) AS date, DocType, coalesce(OriginalTitle, PaperTitle) AS title,
        'https://doi.org/' || lower(Doi) AS doi, coalesce({id_of("JournalId")},
        {id_of("ConferenceSeriesId")}, {id_of("ConferenceInstanceId")}) AS venue_id,
        TRY_CAST(CitationCount AS BIGINT) AS cited_by_count
        FROM judged WHERE fault IS NULL QUALIFY row_number() OVER (PARTITION BY id ORDER BY
        CreatedDate DESC NULLS LAST, title, doi, year, date, venue_id, cited_by_count) = 1""",
    f"""CREATE TABLE signed AS SELECT p.id, author_id, institution_id, place
        FROM (SELECT {id_of("PaperId")} AS id, {id_of("AuthorId")} AS author_id,
            {id_of("AffiliationId")} AS institution_id,
            TRY_CAST(AuthorSequenceNumber AS INTEGER) AS place
            FROM PaperAuthorAffiliations) p SEMI JOIN works USING (id) WHERE place > 0""",
    """CREATE TABLE people AS SELECT *, (row_number() OVER (PARTITION BY id
        ORDER BY place, author_id))::INTEGER - 1 AS position,
        count(*) OVER (PARTITION BY id) AS n_places
        FROM (SELECT DISTINCT id, place, author_id FROM signed)""",
    f"""CREATE TABLE institutions AS SELECT * FROM
        (SELECT {id_of("AffiliationId")} AS id, * FROM Affiliations) WHERE id IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY
        DisplayName, GridId, Iso3166Code, Latitude, Longitude) = 1""",
    f"""CREATE TABLE cites AS SELECT {id_of("PaperId")} AS id, {id_of("PaperReferenceId")} AS cited
        FROM PaperReferences""",
    f"""CREATE TABLE labels AS SELECT {id_of("PaperId")} AS id,
        {id_of("FieldOfStudyId")} AS subject, TRY_CAST(Score AS FLOAT) AS score
        FROM PaperFieldsOfStudy""",
]


_DOC_TYPE = " ".join(f"WHEN '{mag}' THEN '{ours}'" for mag, ours in DOC_TYPES.items())

#: Table of the corpus -> its rows, sorted.
QUERIES = {
    "works": f"""SELECT w.id, w.year::SMALLINT, w.date, CASE w.DocType {_DOC_TYPE} END,
        NULL::VARCHAR, w.venue_id, coalesce(n.n_authors, 0)::INTEGER, false, false,
        NULL::BOOLEAN, NULL::BOOLEAN, w.cited_by_count, w.title, w.doi
        FROM works w LEFT JOIN (SELECT id, count(DISTINCT author_id)
        + count(*) FILTER (author_id IS NULL) AS n_authors FROM people GROUP BY id) n
        USING (id) ORDER BY w.id""",
    "authorships": """SELECT id, position, position = n_places - 1, NULL::BOOLEAN, author_id
        FROM people ORDER BY id, position""",
    "affiliations": """SELECT id, position, institution_id, country,
        CASE WHEN country IS NOT NULL THEN 'institution' END FROM (
            SELECT DISTINCT s.id, p.position, s.institution_id, l.country
            FROM signed s JOIN people p ON p.id = s.id AND p.place = s.place
                AND p.author_id IS NOT DISTINCT FROM s.author_id
            LEFT JOIN located l ON l.id = s.institution_id WHERE s.institution_id IS NOT NULL)
        ORDER BY id, position, institution_id""",
    "references": """SELECT DISTINCT id, cited FROM cites SEMI JOIN works USING (id)
        WHERE cited IS NOT NULL AND cited <> id ORDER BY id, cited""",
    "subjects": """SELECT id, 'mag_fos', subject, max(score) FROM labels SEMI JOIN works USING (id)
        WHERE subject IS NOT NULL GROUP BY id, subject ORDER BY id, subject""",
    "institutions": """SELECT id, DisplayName, country, NULL::VARCHAR, NULL::VARCHAR,
        TRY_CAST(Latitude AS DOUBLE), TRY_CAST(Longitude AS DOUBLE), NULL::VARCHAR, NULL::BIGINT
        FROM institutions LEFT JOIN located USING (id) ORDER BY id""",
    "venues": f"""SELECT id, min(name), min(type), min(issn) FROM (
        SELECT {id_of("JournalId")} AS id, DisplayName AS name, 'journal' AS type, Issn AS issn
        FROM Journals UNION ALL
        SELECT coalesce({id_of("ConferenceSeriesId")}, {id_of("ConferenceInstanceId")}),
        DisplayName, 'conference', NULL
        FROM ConferenceInstances WHERE {id_of("ConferenceInstanceId")} IS NOT NULL)
        WHERE id IS NOT NULL GROUP BY id ORDER BY id""",
    "authors": f"""SELECT {id_of("AuthorId")} AS id, min(DisplayName), NULL::VARCHAR,
        max(TRY_CAST(PaperCount AS BIGINT)) FROM Authors GROUP BY id HAVING id IS NOT NULL
        ORDER BY id""",
}

#: Reason -> how often a value was dropped from a paper that is kept.
SET_ASIDE_COUNTS = {
    "author_null": "SELECT count(*) FROM people WHERE author_id IS NULL",
    "date_unreadable": """SELECT count(*) FROM judged WHERE fault IS NULL AND Date IS NOT NULL
        AND TRY_CAST(Date AS DATE) IS NULL""",
    "reference_unreadable": "SELECT count(*) FROM cites WHERE id IS NULL OR cited IS NULL",
    "self_reference": "SELECT count(*) FROM cites SEMI JOIN works USING (id) WHERE cited = id",
    "reference_repeated": """SELECT count(*) - count(DISTINCT (id, cited)) FROM cites
        SEMI JOIN works USING (id) WHERE cited IS NOT NULL AND cited <> id""",
    "subject_unreadable": "SELECT count(*) FROM labels WHERE id IS NULL OR subject IS NULL",
}
