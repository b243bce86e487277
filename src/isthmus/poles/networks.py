"""Who works with whom, and who cites whom, by year and pair of countries."""

from __future__ import annotations

from isthmus.engine import Table
from isthmus.selection.attribution import FRACTION, exact_sum, numbered


def collaboration(field: Table, countries: Table, works: Table) -> Table:
    """Count works of the field shared by two countries.

    Grain: one row per year and unordered pair, ``source`` before ``target`` in
    the alphabet. Columns: ``works_whole`` (works with both countries),
    ``works_fractional`` (each work counts one over its number of pairs),
    ``works_single_author`` (those carried by one author with affiliations in
    both).
    """
    dated = countries.inner_join(field, "work_id")
    # A filter on the join, not below it, keeps the join whole, so that it is made only once.
    several = dated.filter(dated.n_countries > 1)
    left = several.select("work_id", "year", "n_countries", source="country")
    right = several.select("work_id", target="country")
    pairs = left.inner_join(right, "work_id")
    pairs = pairs.filter(pairs.source < pairs.target)
    alone = works.filter(works.n_authors == 1).select("work_id", alone=1)
    placed = pairs.left_join(alone, "work_id")
    of_work = placed.n_countries * (placed.n_countries - 1)
    return placed.group_by("year", "source", "target").agg(
        works_whole=placed.count(),
        works_fractional=exact_sum((2 / of_work).cast(FRACTION)),
        works_single_author=placed.alone.fill_null(0).sum(),
    )


def citation(citations: Table, countries: Table) -> Table:
    """Count references from works of one country to works of another, or its own.

    A reference counts once for every pair of a citing and a cited country
    (``citations_whole``), and one over the number of those pairs
    (``citations_fractional``).

    Grain: one row per citing year and ordered pair, the diagonal included.
    """
    names, works = numbered(countries)
    citing = works.select(citing_id="work_id", from_number="number", from_n="n_countries")
    cited = works.select(cited_id="work_id", to_number="number", to_n="n_countries")
    placed = citations.inner_join(citing, "citing_id").inner_join(cited, "cited_id")
    share = 1 / (placed.from_n.cast("int32") * placed.to_n)
    counted = placed.group_by("from_number", "to_number", year=placed.citing_year).agg(
        citations_whole=placed.count(), citations_fractional=exact_sum(share)
    )
    sources = names.select(from_number="number", source="country")
    targets = names.select(to_number="number", target="country")
    named = counted.inner_join(sources, "from_number").inner_join(targets, "to_number")
    return named.select("source", "target", "year", "citations_whole", "citations_fractional")
