"""Works of OpenAlex as tables, in DuckDB's SQL alone: no duplicates, merges or entities."""

from __future__ import annotations

from pathlib import Path

import duckdb

from isthmus.ingest.openalex.fields import FIELDS, duckdb_type

ID = "CAST(regexp_extract({}, '([0-9]+)$', 1) AS BIGINT)"
WORK = ID.format("id")
TABLES = {
    "works": f"""SELECT {WORK} AS work_id, CAST(publication_year AS SMALLINT) AS year,
        TRY_CAST(publication_date AS DATE) AS date, type, language,
        TRY_CAST(regexp_extract(primary_location.source.id, '([0-9]+)$', 1) AS BIGINT) AS venue_id,
        len(authorships) AS n_authors, CAST(is_retracted AS BOOLEAN) AS is_retracted,
        CAST(cited_by_count AS BIGINT) AS cited_by_count, title, doi FROM raw""",
    "authorships": f"""SELECT {WORK} AS work_id, generate_subscripts(authorships, 1) - 1 AS position,
        unnest(authorships) AS a FROM raw""",
    "affiliations": """SELECT work_id, position, unnest(a.institutions) AS i FROM authorships_raw""",
    "references": f"""SELECT work_id, {ID.format("cited")} AS cited_id FROM
        (SELECT {WORK} AS work_id, unnest(referenced_works) AS cited FROM raw)""",
    "subjects": f"""SELECT work_id, {ID.format("c.id")} AS subject_id, CAST(c.score AS FLOAT) AS score
        FROM (SELECT {WORK} AS work_id, unnest(concepts) AS c FROM raw)""",
}
AUTHORS = """SELECT work_id, position, a.author_position = 'last' AS is_last, a.is_corresponding,
    TRY_CAST(regexp_extract(a.author.id, '([0-9]+)$', 1) AS BIGINT) AS author_id FROM authorships_raw"""
PLACES = """SELECT work_id, position, TRY_CAST(regexp_extract(i.id, '([0-9]+)$', 1) AS BIGINT)
    AS institution_id, i.country_code AS country FROM (SELECT * FROM places_raw)"""


def read(path: Path, folder: Path, memory: str = "700MB") -> None:
    """Read, cast ids, take lists apart, write tables."""
    columns = ", ".join(f"{n}: '{duckdb_type(s)}'" for n, s in FIELDS["works"].items())
    source = (
        f"read_parquet('{path}')"
        if path.suffix == ".parquet"
        else f"read_json('{path}', format='newline_delimited', columns={{{columns}}})"
    )
    wanted = ", ".join(FIELDS["works"])
    config = {"threads": 2, "memory_limit": memory, "temp_directory": str(folder / "spill")}
    with duckdb.connect(config=config) as connection:
        present = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        wanted = ", ".join(name for name in FIELDS["works"] if name in present)
        connection.execute(f"CREATE TABLE raw AS SELECT {wanted} FROM {source}")
        connection.execute(f"CREATE VIEW authorships_raw AS {TABLES['authorships']}")
        connection.execute(f"CREATE VIEW places_raw AS {TABLES['affiliations']}")
        for name, sql in {**TABLES, "authorships": AUTHORS, "affiliations": PLACES}.items():
            connection.execute(f"COPY ({sql}) TO '{folder}/{name}.parquet' (COMPRESSION zstd)")
