"""Moves: changes of country between consecutive stays.

A stay is a series of consecutive observed years in one country; a year that
belongs to no country ends it. A stay shorter than `min_stay_years`, counted from
its first to its last observed year, is a visit and is passed over, unless it is
an author's first. A move leads from one kept stay to the next in another country
and is dated by the first year there.
"""

from __future__ import annotations

import ibis

from isthmus.engine import Table


def stays(history: Table) -> Table:
    """Group a country history into stays.

    Grain: one row per author and stay. Columns: ``author_id``, ``stay`` (its
    number), ``country`` (null where years belong to none), ``first``, ``last``.
    """
    along = ibis.window(group_by="author_id", order_by="year")
    before = history.country.lag().over(along)
    same = (history.country == before).fill_null(False)
    marked = history.mutate(begins=ibis.ifelse(same, 0, 1))
    upto = ibis.window(group_by="author_id", order_by="year", rows=(None, 0))
    marked = marked.mutate(stay=marked.begins.sum().over(upto).cast("int32"))
    return marked.group_by("author_id", "stay").agg(
        country=marked.country.max(), first=marked.year.min(), last=marked.year.max()
    )


def all_moves(history: Table, min_stay_years: int) -> Table:
    """Find every move, whatever the gap.

    Grain: one row per author and year of a move. Columns: ``author_id``,
    ``year``, ``origin``, ``destination``, ``gap_years`` (from the last year in
    the origin), ``is_return`` (the author had a kept stay in the destination before).
    """
    spent = stays(history)
    lasting = spent["last"] - spent["first"] + 1 >= min_stay_years
    kept = spent.filter(lasting | (spent.stay == 1) | spent.country.isnull())
    along = ibis.window(group_by="author_id", order_by="stay")
    earlier = ibis.window(group_by=["author_id", "country"], order_by="stay")
    steps = kept.mutate(
        origin=kept.country.lag().over(along),
        left=kept["last"].lag().over(along),
        visit=ibis.row_number().over(earlier),
    )
    changed = steps.filter(steps.origin != steps.country)
    return changed.select(
        "author_id",
        "origin",
        year="first",
        destination="country",
        gap_years=changed["first"] - changed.left,
        is_return=changed.visit > 0,
    )


def counted_moves(
    found: Table, authors: Table, max_gap_years: int | None, first_move_only: bool
) -> Table:
    """Keep the moves of `authors` that a study counts; columns as :func:`all_moves`."""
    moves = found.semi_join(authors, "author_id")
    if max_gap_years is not None:
        moves = moves.filter(moves.gap_years <= max_gap_years)
    if first_move_only:
        number = ibis.row_number().over(group_by="author_id", order_by="year")
        moves = moves.mutate(number=number).filter(ibis._.number == 0)
    return moves.select(found.columns)


def most_countries(author_years: Table) -> Table:
    """Return the most countries an author names within one year.

    Grain: one row per author. Columns: ``author_id``, ``most_countries``,
    ``in_year`` (the first such year).
    """
    years = author_years.group_by("author_id", "year").agg(named=author_years.count())
    order = [ibis.desc("named"), "year"]
    number = ibis.row_number().over(group_by="author_id", order_by=order)
    first = years.mutate(number=number).filter(ibis._.number == 0)
    return first.select("author_id", most_countries="named", in_year="year")


def with_orcid(authors: Table) -> Table:
    """List authors with an ORCID: ``author_id``."""
    return authors.filter(authors.orcid.notnull()).select("author_id").distinct()
