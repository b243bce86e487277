"""What each scientist had done and received by a year.

Papers and citations are those of the field; a career begins with the first work
in the corpus, in the field or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import ibis

from isthmus.engine import Table
from isthmus.selection.attribution import AUTHOR_YEAR

#: What a record says of an author-year.
RECORD = ("career_age", "papers_in_year", "papers_before", "citations_before")


def author_papers(scientists: Table, authorships: Table, works: Table, field: Table) -> Table:
    """List all works of the scientists, of any year.

    Grain: one row per author and work. Columns: ``author_id``, ``work_id``,
    ``year``, ``in_field`` (0 or 1).
    """
    written = authorships.select("author_id", "work_id").distinct()
    theirs = written.semi_join(scientists, "author_id")
    dated = theirs.inner_join(works.select("work_id", "year"), "work_id")
    marked = dated.left_join(field.select("work_id", inside=ibis.literal(1)), "work_id")
    return marked.select(*dated.columns, in_field=marked.inside.fill_null(0)).select(
        *AUTHOR_YEAR, "work_id", "in_field"
    )


def citations_received(papers: Table, citations: Table) -> Table:
    """Count citations to authors' papers of the field by citing year.

    Grain: one row per author and year. Columns: ``author_id``, ``year``, ``citations``.
    """
    received = citations.group_by(work_id="cited_id", year="citing_year").agg(
        citations=citations.count()
    )
    inside = papers.filter(papers.in_field == 1).select("author_id", "work_id")
    theirs = inside.inner_join(received, "work_id")
    return theirs.group_by(*AUTHOR_YEAR).agg(citations=theirs.citations.sum())


def author_records(history: Table, papers: Table, citations: Table) -> Table:
    """Describe each author in each observed year.

    Parameters
    ----------
    history
        One row per author and observed year.
    papers, citations
        As :func:`author_papers` and :func:`citations_received`.

    Returns
    -------
    Table
        One row per author and observed year: ``author_id``, ``year``,
        ``career_age`` (years since the first work), ``papers_in_year``,
        ``papers_before`` and ``citations_before`` (in earlier years).
    """
    written = papers.group_by(*AUTHOR_YEAR).agg(papers=papers.in_field.sum())
    nothing = ibis.literal(0, type="int64")
    events = ibis.union(
        written.select(*AUTHOR_YEAR, "papers", citations=nothing),
        citations.select(*AUTHOR_YEAR, papers=nothing, citations="citations"),
    )
    sums = events.group_by(*AUTHOR_YEAR).agg(
        papers=events.papers.sum().cast("int64"), citations=events.citations.sum().cast("int64")
    )
    upto = ibis.window(group_by="author_id", order_by="year", rows=(None, 0))
    first = sums.year.min().over(group_by="author_id")
    running = sums.select(
        *AUTHOR_YEAR,
        career_age=sums.year - first,
        papers_in_year="papers",
        papers_before=sums.papers.sum().over(upto).cast("int64") - sums.papers,
        citations_before=sums.citations.sum().over(upto).cast("int64") - sums.citations,
    )
    return running.semi_join(history, AUTHOR_YEAR)


def where_known(records: Table, unknown_years: Sequence[int]) -> Table:
    """Blank citations before a year where a career holds years of unknown references."""
    if not unknown_years:
        return records
    began = records.year - records.career_age
    gaps = [(began <= first) & (records.year > first) for first in unknown_years]
    broken = reduce(lambda a, b: a | b, gaps)
    return records.mutate(citations_before=ibis.ifelse(broken, None, records.citations_before))
