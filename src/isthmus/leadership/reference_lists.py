"""What the field's works refer to: venue and year of every reference that counts."""

from __future__ import annotations

import ibis

from isthmus.engine import Table


def merged_venues(venues: Table) -> Table:
    """Merge ids of one venue: those that share an ISSN-L take the smallest of them.

    Grain: one row per venue id. Columns: ``venue_id``, ``merged_id``.
    """
    known = venues.filter(venues.issn_l.notnull())
    smallest = known.group_by("issn_l").agg(merged_id=known.venue_id.min())
    joined = venues.left_join(smallest, "issn_l")
    merged = ibis.coalesce(joined.merged_id, joined.venue_id)
    return joined.select("venue_id", merged_id=merged).distinct()


def reference_lists(field: Table, references: Table, works: Table, venues: Table | None) -> Table:
    """List the references of the field's works, whether anything is known of them or not.

    Grain: one row per pair of citing and cited work. Columns: ``work_id``,
    ``year``, ``cited_id``, ``cited_year`` (null when the cited work is not in
    the corpus) and ``venue_id`` (null when unknown; merged by :func:`merged_venues`
    unless `venues` is None).
    """
    pairs = references.select(work_id="citing_id", cited_id="cited_id")
    lists = field.select("work_id", "year").inner_join(pairs, "work_id")
    cited = works.select(cited_id="work_id", cited_year="year", cited_venue="venue_id")
    dated = lists.left_join(cited, "cited_id").select(
        *lists.columns, "cited_year", venue_id="cited_venue"
    )
    if venues is None:
        return dated
    joined = dated.left_join(merged_venues(venues), "venue_id")
    return joined.select(
        *lists.columns,
        "cited_year",
        venue_id=ibis.coalesce(joined.merged_id, joined.venue_id),
    )


def counting(lists: Table) -> Table:
    """Keep references to works of the corpus, not to the work itself nor to a later year."""
    known = lists.filter(lists.cited_year.notnull())
    return known.filter(known.cited_id != known.work_id, known.cited_year <= known.year)


def losses(lists: Table, longest: int) -> Table:
    """Count references by the citing work's year and by what became of them.

    A reference counts under the first reason that holds. Those of works with more
    than `longest` usable references are ``long_list``; 0 is no limit. Grain: one
    row per year. Columns: ``year``, ``references``, ``not_in_corpus``,
    ``to_itself``, ``to_later_years``, ``without_venue``, ``long_list``, ``usable``.
    """
    reason = ibis.cases(
        (lists.cited_id == lists.work_id, "to_itself"),
        (lists.cited_year.isnull(), "not_in_corpus"),
        (lists.cited_year > lists.year, "to_later_years"),
        (lists.venue_id.isnull(), "without_venue"),
        else_="usable",
    )
    marked = lists.select("work_id", "year", reason=reason)
    names = ("not_in_corpus", "to_itself", "to_later_years", "without_venue", "usable")
    each = marked.group_by("work_id", "year").agg(
        references=marked.count(),
        **{name: (marked.reason == name).sum() for name in names},
    )
    too_long = each.usable > longest if longest else ibis.literal(False)
    parted = each.mutate(
        long_list=ibis.ifelse(too_long, each.usable, 0),
        usable=ibis.ifelse(too_long, 0, each.usable),
    )
    counted = ("references", *names[:-1], "long_list", "usable")
    return parted.group_by("year").agg(
        **{name: parted[name].sum().cast("int64") for name in counted}
    )


def reference_ages(lists: Table) -> Table:
    """Mean age in years of the references that count.

    Grain: one row per work with one at least. Columns: ``work_id``,
    ``n_references``, ``reference_age``.
    """
    dated = counting(lists)
    sums = dated.group_by("work_id").agg(
        n_references=dated.count(), years=(dated.year - dated.cited_year).sum()
    )
    return sums.select("work_id", "n_references", reference_age=sums.years / sums.n_references)
