"""What movers keep: later papers with the country they came from, beside those who stayed.

A unit is a scientist in a year: movers in the year of their move, the others in
any year in the same country, as if they had moved then (a pseudo-year). The
outcome is the share of a unit's later papers that have a coauthor in the origin.
"""

from __future__ import annotations

import ibis

from isthmus.engine import Table
from isthmus.selection.attribution import AUTHOR_YEAR


def papers_with(papers: Table, authorships: Table, affiliations: Table, abroad: str) -> Table:
    """Count authors' papers of the field by year, and those with another author in a country.

    Parameters
    ----------
    papers
        ``author_id``, ``work_id``, ``year``, ``in_field``, one row per author and work.
    authorships, affiliations
        Tables of the corpus; affiliations after merges.
    abroad
        The country.

    Returns
    -------
    Table
        One row per author and year with a paper: ``author_id``, ``year``,
        ``papers``, ``joined``.
    """
    inside = papers.filter(papers.in_field == 1).select(*AUTHOR_YEAR, "work_id")
    there = affiliations.filter(affiliations.country == abroad).select("work_id", "position")
    there = there.distinct()
    authors = there.inner_join(authorships, ["work_id", "position"]).select(
        "work_id", "position", other="author_id"
    )
    known = inside.inner_join(authors, "work_id")
    others = known.filter(known.other.isnull() | (known.other != known.author_id))
    joined = others.select("author_id", "work_id").distinct().mutate(joined=ibis.literal(1))
    marked = inside.left_join(joined, ["author_id", "work_id"])
    marked = marked.select(*inside.columns, joined=marked.joined.fill_null(0))
    return marked.group_by(*AUTHOR_YEAR).agg(papers=marked.count(), joined=marked.joined.sum())


def movers_between(moves: Table, origin: str, destination: str) -> Table:
    """First move of each author from origin to destination: ``author_id``, ``year``."""
    between = moves.filter(moves.origin == origin, moves.destination == destination)
    return between.group_by("author_id").agg(year=between.year.min())


def others_in(history: Table, movers: Table, origin: str, destination: str) -> Table:
    """Author-years in the destination of those who had not been in the origin by then.

    Whoever is among the movers at any time is left out. Grain: one row per
    author and year. Columns: ``author_id``, ``year``.
    """
    first = history.filter(history.country == origin)
    first = first.group_by("author_id").agg(since=first.year.min())
    there = history.filter(history.country == destination).select(*AUTHOR_YEAR)
    dated = there.anti_join(movers, "author_id").left_join(first, "author_id")
    dated = dated.select(*AUTHOR_YEAR, "since")
    return dated.filter(dated.since.isnull() | (dated.since > dated.year)).select(*AUTHOR_YEAR)


def units(movers: Table, others: Table, records: Table, yearly: Table) -> Table:
    """Lay out treated units and their pseudo-year controls.

    Units without a later paper have no outcome and are left out; controls are
    those of a calendar year and career age in which someone moved.

    Parameters
    ----------
    movers, others
        As :func:`movers_between` and :func:`others_in`.
    records
        ``career_age``, ``papers_in_year`` and ``citations_before`` by author and year.
    yearly
        As :func:`papers_with`.

    Returns
    -------
    Table
        One row per author and year: ``author_id``, ``year``, ``treated`` (0 or 1),
        ``career_age``, ``papers_in_year``, ``citations_before``, ``later`` (papers
        in later years), ``joined`` (of them, with a coauthor in the origin).
    """
    columns = ["career_age", "papers_in_year", "citations_before"]
    moved = movers.mutate(treated=ibis.literal(1)).inner_join(records, AUTHOR_YEAR)
    moved = moved.select(*AUTHOR_YEAR, "treated", *columns)
    stayed = others.mutate(treated=ibis.literal(0)).inner_join(records, AUTHOR_YEAR)
    stayed = stayed.select(*AUTHOR_YEAR, "treated", *columns)
    stayed = stayed.semi_join(moved.select("year", "career_age"), ["year", "career_age"])
    everyone = moved.union(stayed.select(*moved.columns))
    after = yearly.select("author_id", "papers", "joined", paper_year="year")
    later = everyone.inner_join(after, "author_id")
    later = later.filter(later.paper_year > later.year)
    return later.group_by(*AUTHOR_YEAR, "treated", *columns).agg(
        later=later.papers.sum().cast("int64"), joined=later.joined.sum().cast("int64")
    )
