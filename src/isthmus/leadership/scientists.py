"""Scientists of the field: who they are and where they work.

A scientist has at least `min_works` works in the study's years, more than
`min_share` of them in the field (AlShebli et al. 2023: at least three papers,
the majority AI). A scientist counts in every year with a work, in the country
of that year.
"""

from __future__ import annotations

import ibis

from isthmus.engine import Table
from isthmus.selection.attribution import AUTHOR_YEAR, author_year_countries, exact_sum


def marked_works(works: Table, field: Table) -> Table:
    """Mark which works are in the field.

    Grain: one row per work. Columns: ``work_id``, ``year``, ``in_field`` (0 or 1).
    """
    marked = works.left_join(field.select("work_id", found=ibis.literal(1)), "work_id")
    return marked.select("work_id", "year", in_field=marked.found.fill_null(0))


def author_works(works: Table, authorships: Table, years: tuple[int, int]) -> Table:
    """List works of known authors in the study's years, in the field or not.

    Parameters
    ----------
    works
        One row per work: ``work_id``, ``year``, and ``in_field`` where that is wanted.
    authorships
        Those of the corpus. An author listed twice on a work has written it once.
    years
        First and last year of publication.

    Returns
    -------
    Table
        One row per author and work: ``author_id`` and the columns of `works`.
    """
    in_years = works.filter(works.year.between(*years))
    known = authorships.filter(authorships.author_id.notnull())
    return known.select("author_id", "work_id").distinct().inner_join(in_years, "work_id")


def scientists(written: Table, min_works: int, min_share: float, totals: Table | None) -> Table:
    """Find the scientists of the field.

    Parameters
    ----------
    written
        As :func:`author_works` of :func:`marked_works`.
    min_works, min_share
        Least number of works, and the share in the field that must be exceeded.
    totals
        ``author_id`` and ``works_count`` over all fields, where the corpus holds
        the field alone and author entities were read; otherwise None.

    Returns
    -------
    Table
        One row per scientist: ``author_id``, ``n_works``, ``n_field``.
    """
    counts = written.group_by("author_id").agg(
        n_works=written.count(), n_field=written.in_field.sum()
    )
    if totals is not None:
        known = counts.left_join(totals.select("author_id", "works_count"), "author_id")
        everything = ibis.greatest(known.n_works, known.works_count.fill_null(0))
        counts = known.select("author_id", "n_field", n_works=everything)
    return counts.filter(
        counts.n_works >= min_works, counts.n_field > counts.n_works * min_share
    ).select("author_id", "n_works", "n_field")


def scientist_places(who: Table, written: Table, authorships: Table, affiliations: Table) -> Table:
    """List where each scientist wrote each work.

    An institution named at several places of one author on a work counts once.
    Grain: one row per affiliation of a scientist on a work. Columns:
    ``author_id``, ``work_id``, ``year``, ``country``.
    """
    theirs = written.semi_join(who, "author_id")
    positions = authorships.select("author_id", "work_id", "position")
    placed = theirs.inner_join(positions, ["author_id", "work_id"]).inner_join(
        affiliations.select("work_id", "position", "institution_id", "country"),
        ["work_id", "position"],
    )
    placed = placed.select("author_id", "work_id", "year", "institution_id", "country")
    known = placed.filter(placed.institution_id.notnull()).distinct()
    unknown = placed.filter(placed.institution_id.isnull())
    return known.union(unknown).select("author_id", "work_id", "year", "country")


def scientist_years(places: Table) -> Table:
    """Place each scientist in a country for every year with an affiliation.

    Grain: one row per scientist, year and country, as
    :func:`~isthmus.selection.attribution.author_year_countries`.
    """
    counted = places.group_by(*AUTHOR_YEAR, "country").agg(n=places.count())
    return author_year_countries(counted)


def scientists_by_country(placed: Table) -> Table:
    """Count scientists by year and country; a year shared by m countries counts 1/m in each.

    Grain: one row per year and country. Columns: ``year``, ``country``, ``scientists``
    and ``scientists_se``, their number taken as Poisson.
    """
    squares = placed.weight * placed.weight
    return placed.group_by("year", "country").agg(
        scientists=exact_sum(placed.weight), scientists_se=exact_sum(squares).sqrt()
    )


def scientist_years_of_countries(placed: Table, years: tuple[int, int]) -> Table:
    """Sum scientists over years, with an error that knows that one person counts in many years.

    A scientist is there for several years, so yearly numbers go together; the variance of
    their sum is the sum over scientists of the square of their years (people are Poisson).
    Where a fixed number of posts decides how many people there are, totals vary less than this.

    Grain: one row per country. Columns: ``country``, ``total``, ``se``.
    """
    inside = placed.filter(placed.year.between(*years))
    each = inside.group_by("country", "author_id").agg(years=exact_sum(inside.weight))
    squares = each.years * each.years
    return each.group_by("country").agg(total=exact_sum(each.years), se=exact_sum(squares).sqrt())
