"""Counts of works by country with what is missing beside them: as known, filled in, weighted."""

from __future__ import annotations

from typing import Any

import ibis

from isthmus.engine import Table

#: Whose countries are counted: the deciding authors' or all authors'.
DECIDING, WHOLE = "deciding", "whole"

#: Stands for all countries together.
ALL = "all"

#: Works that have the same of these are alike in what is missing.
CELL = ["year", "venue_id", "type"]


def placed_works(countries: Table, filled: Table, authors: str) -> Table:
    """List countries of works, as known and with those filled in, and all works that have one.

    Grain: one row per work, `imputed` and country or :data:`ALL`. Columns: ``authors``,
    ``imputed`` (0 or 1), ``work_id``, ``country``, ``several`` (1 with two countries or more).
    """
    known = countries.select("work_id", "country")
    both = known.union(filled.select("work_id", "country")).distinct()
    parts = []
    for imputed, table in enumerate((known, both)):
        sizes = table.group_by("work_id").agg(several=(table.count() > 1).cast("int8"))
        each = table.inner_join(sizes, "work_id").select("work_id", "country", "several")
        everyone = sizes.select("work_id", "several", country=ibis.literal(ALL))
        rows = each.union(everyone.select(*each.columns))
        parts.append(rows.mutate(authors=ibis.literal(authors), imputed=ibis.literal(imputed)))
    return parts[0].union(parts[1])


def described_works(
    field: Table, works: Table, unplaced: Table, sets: dict[str, Table], hits: Table, least: int
) -> Table:
    """Describe each work of the field: whether a country may be missing, and its weight.

    Parameters
    ----------
    field
        Works that count: ``work_id``, ``year``.
    works
        Works of the corpus, for venue and type.
    unplaced
        As :func:`isthmus.selection.unplaced.unplaced_authors`.
    sets
        Countries of works by whose they are (:data:`DECIDING`, :data:`WHOLE`).
    hits
        ``work_id`` and ``hit``, the hits a work counts, above 0.
    least
        Fewest works with a country from which a cell of equal year, venue and type is weighted
        by itself; smaller ones of a year are put together.

    Returns
    -------
    Table
        One row per work: ``work_id``, ``year``, ``hit`` (0 for none), and for either set
        ``open_<set>`` (1 where a country may be missing) and ``weight_<set>`` (works that it
        represents, null without a country).
    """
    table = field.inner_join(works.select("work_id", "venue_id", "type"), "work_id")
    table = table.left_join(hits.select("work_id", "hit"), "work_id").select(
        "work_id", *CELL, hit=ibis._.hit.fill_null(0.0)
    )
    lacking = unplaced.group_by("work_id").agg(
        lacks_deciding=unplaced.decides.max(),
        lacks_whole=(unplaced.decides >= 0).cast("int8").max(),
    )
    joined = table.left_join(lacking, "work_id").select(
        *table.columns,
        **{f"lacks_{name}": ibis._[f"lacks_{name}"].fill_null(0) for name in sets},
    )
    for name, countries in sets.items():
        here = countries.select("work_id").distinct().mutate(found=ibis.literal(1, type="int8"))
        columns = joined.columns
        joined = joined.left_join(here, "work_id").select(
            *columns, **{f"placed_{name}": ibis._.found.fill_null(0)}
        )
    cell = ibis.window(group_by=CELL)
    small = {f"small_{n}": joined[f"placed_{n}"].sum().over(cell) < least for n in sets}
    joined = joined.mutate(**small)
    return joined.select(
        "work_id",
        "year",
        "hit",
        **{
            f"open_{n}": ibis.greatest(joined[f"lacks_{n}"], 1 - joined[f"placed_{n}"])
            for n in sets
        },
        **{f"weight_{n}": stands_for(joined, n) for n in sets},
    )


def stands_for(works: Table, name: str) -> Any:
    """Works of a cell over those with a country; the small cells of a year are one cell."""
    placed, small = works[f"placed_{name}"], works[f"small_{name}"]
    alone, pooled = ibis.window(group_by=CELL), ibis.window(group_by=["year", f"small_{name}"])
    sizes = [placed.count().over(cell) / placed.sum().over(cell) for cell in (alone, pooled)]
    return ibis.ifelse(placed == 1, ibis.ifelse(small, sizes[1], sizes[0]), None)
