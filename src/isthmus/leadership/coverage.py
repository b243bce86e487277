"""What the data cannot say: missing countries, references and authors, by year."""

from __future__ import annotations

import ibis

from isthmus.engine import Table

#: Name of the row that stands for all works, with or without a country.
ALL = "all"


def coverage(field: Table, countries: Table, works: Table, references: Table) -> Table:
    """Count the field's works and what is known of them.

    Grain: one row per year and country, and one per year for ``all`` works.
    Columns: ``works``, ``share_with_country``, ``share_with_references``,
    ``authors_truncated`` (works whose list of authors was cut by the source).
    """
    referring = field.semi_join(references.select(work_id="citing_id"), "work_id")
    located = field.semi_join(countries.select("work_id"), "work_id")
    details = field.inner_join(works.select("work_id", "authors_truncated"), "work_id")
    details = _marked(details, referring, "has_references")
    details = _marked(details, located, "has_country")
    everyone = details.mutate(country=ibis.literal(ALL))
    columns = ["year", "country", "authors_truncated", "has_references", "has_country"]
    placed = details.inner_join(countries.select("work_id", "country"), "work_id")
    rows = everyone.select(*columns).union(placed.select(*columns))
    return rows.group_by("year", "country").agg(
        works=rows.count(),
        share_with_country=rows.has_country.mean(),
        share_with_references=rows.has_references.mean(),
        authors_truncated=rows.authors_truncated.sum(),
    )


def _marked(table: Table, ids: Table, name: str) -> Table:
    marked = table.left_join(ids.select("work_id", found=ibis.literal(1)), "work_id")
    return marked.select(*table.columns, **{name: marked.found.fill_null(0)})
