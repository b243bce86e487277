"""Works of OpenAlex as tables, in DuckDB's SQL alone: no duplicates, merges or entities."""

from __future__ import annotations

from pathlib import Path

import duckdb

from isthmus.ingest.openalex.fields import FIELDS, duckdb_type


def number(text: str) -> str:
    """SQL of the number at the end of an id."""
    return f"TRY_CAST(regexp_extract({text}, '([0-9]+)$', 1) AS BIGINT)"


WORK = f"{number('id')} AS work_id"
VIEWS = {
    "people": f"""SELECT {WORK}, generate_subscripts(authorships, 1) - 1 AS position,
        unnest(authorships) AS a FROM raw""",
    "places": "SELECT work_id, position, unnest(a.institutions) AS i FROM people",
}
TABLES = {
    "works": f"""SELECT {WORK}, CAST(publication_year AS SMALLINT) AS year,
        TRY_CAST(publication_date AS DATE) AS date, type, language,
        {number("primary_location.source.id")} AS venue_id, len(authorships) AS n_authors,
        CAST(is_retracted AS BOOLEAN) AS is_retracted,
        CAST(cited_by_count AS BIGINT) AS cited_by_count, title, doi FROM raw""",
    "authorships": f"""SELECT work_id, position, a.author_position = 'last' AS is_last,
        a.is_corresponding, {number("a.author.id")} AS author_id FROM people""",
    "affiliations": f"""SELECT work_id, position, {number("i.id")} AS institution_id,
        i.country_code AS country FROM places""",
    "references": f"""SELECT work_id, {number("cited")} AS cited_id FROM
        (SELECT {WORK}, unnest(referenced_works) AS cited FROM raw)""",
    "subjects": f"""SELECT work_id, {number("c.id")} AS subject_id, CAST(c.score AS FLOAT)
        AS score FROM (SELECT {WORK}, unnest(concepts) AS c FROM raw)""",
}


def read(path: Path, folder: Path) -> None:
    """Read, cast ids, take lists apart, write tables."""
    columns = ", ".join(f"{n}: '{duckdb_type(s)}'" for n, s in FIELDS["works"].items())
    parquet = path.suffix == ".parquet" or any(path.rglob("*.parquet"))
    files = f"{path}/**/*.{'parquet' if parquet else 'gz'}" if path.is_dir() else path
    source = f"read_json('{files}', format='newline_delimited', columns={{{columns}}})"
    if parquet:
        source = f"read_parquet('{files}')"
    config = {"threads": 2, "memory_limit": "700MB", "temp_directory": str(folder / "spill")}
    with duckdb.connect(config=config) as connection:
        connection.execute("SET enable_progress_bar = false")
        found = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        wanted = ", ".join(row[0] for row in found if row[0] in FIELDS["works"])
        connection.execute(f"CREATE TABLE raw AS SELECT {wanted} FROM {source}")
        for name, sql in VIEWS.items():
            connection.execute(f"CREATE VIEW {name} AS {sql}")
        for name, sql in TABLES.items():
            connection.execute(f"COPY ({sql}) TO '{folder}/{name}.parquet' (COMPRESSION zstd)")
