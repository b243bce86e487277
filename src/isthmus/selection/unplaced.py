"""Authors of the field's works without any country, and where their own other papers put them."""

from __future__ import annotations

import ibis

from isthmus.engine import Table
from isthmus.selection.attribution import AUTHOR_YEAR, decides, most_frequent
from isthmus.study import Attribution


def unplaced_authors(
    field: Table, authorships: Table, affiliations: Table, attribution: Attribution
) -> Table:
    """List the authors of the field's works who have no affiliation with a country.

    Grain: one row per work and place. Columns: ``work_id``, ``author_id`` (null where
    unknown), ``year``, ``decides`` (1 where the work's country hangs on this author).
    """
    marked = authorships.mutate(decides=decides(authorships, attribution).cast("int8"))
    inside = marked.inner_join(field.select("work_id", "year"), "work_id")
    without = inside.anti_join(affiliations, ["work_id", "position"])
    return without.select("work_id", "author_id", "year", "decides")


def neighbouring_countries(
    unplaced: Table, authorships: Table, affiliations: Table, works: Table, most_years: int
) -> Table:
    """Place authors without a country where their papers of the nearest year put them.

    That is the country of most of the author's papers in the same year, else in the nearest
    year with a country, up to `most_years` away; the earlier of two equally near. Countries
    that tie in that year are all taken, since they mostly are employers held together.

    Parameters
    ----------
    unplaced
        As :func:`unplaced_authors`.
    authorships, affiliations, works
        Tables of the corpus, whatever the field; affiliations after merges.

    Returns
    -------
    Table
        One row per work and country: ``work_id``, ``country``, ``decides`` (1 where the work's
        country hangs on an author placed there).
    """
    known = unplaced.filter(unplaced.author_id.notnull())
    wanted = known.select(*AUTHOR_YEAR).distinct()
    theirs = authorships.semi_join(wanted, "author_id").select("work_id", "position", "author_id")
    placed = theirs.inner_join(affiliations, ["work_id", "position"])
    placed = placed.select("author_id", "work_id", "country").distinct()
    dated = placed.inner_join(works.select("work_id", "year"), "work_id")
    top = most_frequent(dated.group_by(*AUTHOR_YEAR, "country").agg(n=dated.count()))
    near = wanted.inner_join(top.select("author_id", "country", near="year"), "author_id")
    near = near.mutate(away=(near.near - near.year).abs())
    near = near.filter(near.away <= most_years)
    nearest = ibis.window(group_by=AUTHOR_YEAR, order_by=["away", "near"])
    near = near.mutate(place=ibis.rank().over(nearest)).filter(ibis._.place == 0)
    filled = known.inner_join(near.select(*AUTHOR_YEAR, "country"), AUTHOR_YEAR)
    return filled.group_by("work_id", "country").agg(decides=filled.decides.max())
