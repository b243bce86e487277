"""What the data cannot say: missing countries, references and authors, by year."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis

from isthmus.engine import Table
from isthmus.selection.attribution import numbered

#: More than there are countries or other places, so that two numbers of them make one.
_NUMBERS = 10_000_000

#: Name of the row that stands for all works, with or without a country.
ALL = "all"


def coverage(
    field: Table,
    countries: Table,
    works: Table,
    references: Table,
    unknown_years: Sequence[int] = (),
) -> Table:
    """Count the field's works and what is known of them.

    `unknown_years` are those in which references are absent or break off, as
    :func:`~isthmus.selection.reference_years.references_known` finds them.

    Grain: one row per year and country, and one per year for ``all`` works.
    Columns: ``works``, ``share_with_country``, ``share_with_references``,
    ``references_known`` (false where references of the year are absent or break off),
    ``authors_truncated`` (works whose list of authors was cut by the source).
    """
    referring = field.semi_join(references.select(work_id="citing_id"), "work_id")
    details = field.inner_join(works.select("work_id", "authors_truncated"), "work_id")
    details = _marked(details, referring, "has_references")
    keys, members = _combinations(countries)
    placed = details.left_join(keys, "work_id").select(
        "year", "key", "has_references", "authors_truncated"
    )
    counted = _counted(placed, ["year", "key"], works=placed.count())
    everyone = _counted(
        counted,
        ["year"],
        works=counted.works.sum(),
        located=ibis.ifelse(counted.key.isnull(), 0, counted.works).sum(),
    ).mutate(country=ibis.literal(ALL))
    spread = counted.inner_join(members, "key")
    each = _counted(spread, ["year", "country"], works=spread.works.sum())
    each = each.mutate(located=each.works)
    columns = ["year", "country", "works", "located", "has_references", "authors_truncated"]
    rows = everyone.select(*columns).union(each.select(*columns))
    return rows.select(
        "year",
        "country",
        works=rows.works.cast("int64"),
        share_with_country=rows.located / rows.works,
        share_with_references=rows.has_references / rows.works,
        references_known=~rows.year.isin(list(unknown_years))
        if unknown_years
        else ibis.literal(True),
        authors_truncated=rows.authors_truncated.cast("int64"),
    )


def _combinations(countries: Table) -> tuple[Table, Table]:
    """Return works with the same countries the same key, so that they are counted together.

    What is counted by key first and spread over countries afterwards is far fewer
    rows. Most works have one or two countries; a work of more has its own key.

    Gives ``work_id`` and ``key``; and ``key`` and each ``country`` behind it.
    """
    _, placed = numbered(countries)
    works = placed.group_by("work_id").agg(
        n=placed.count(), low=placed.number.min(), high=placed.number.max()
    )
    pair = works.low.cast("int64") * _NUMBERS + works.high
    keys = works.select("work_id", key=ibis.ifelse(works.n <= 2, pair, -works.work_id - 1))
    one_of_each = keys.group_by("key").agg(work_id=keys.work_id.min())
    members = one_of_each.inner_join(countries, "work_id").select("key", "country")
    return keys, members


def _counted(rows: Table, by: list[str], **counts: Any) -> Table:
    """Sum what is known of works by some columns."""
    known = {name: rows[name].sum() for name in ("has_references", "authors_truncated")}
    return rows.group_by(*by).agg(**counts, **known)


def _marked(table: Table, ids: Table, name: str) -> Table:
    marked = table.left_join(ids.select("work_id", found=ibis.literal(1)), "work_id")
    return marked.select(*table.columns, **{name: marked.found.fill_null(0)})
