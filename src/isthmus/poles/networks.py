"""Who works with whom, and who cites whom, by year and pair of countries."""

from __future__ import annotations

from isthmus.attribution import FRACTION, exact_sum
from isthmus.engine import Table


def collaboration(field: Table, countries: Table, works: Table) -> Table:
    """Count works of the field shared by two countries.

    Grain: one row per year and unordered pair, ``source`` before ``target`` in
    the alphabet. Columns: ``works_whole`` (works with both countries),
    ``works_fractional`` (each work counts one over its number of pairs),
    ``works_single_author`` (those carried by one author with affiliations in
    both).
    """
    several = countries.filter(countries.n_countries > 1)
    left = several.select("work_id", "n_countries", source="country")
    right = several.select("work_id", target="country")
    pairs = left.inner_join(right, "work_id")
    pairs = pairs.filter(pairs.source < pairs.target)
    placed = pairs.inner_join(field, "work_id").inner_join(
        works.select("work_id", "n_authors"), "work_id"
    )
    of_work = placed.n_countries * (placed.n_countries - 1)
    return placed.group_by("year", "source", "target").agg(
        works_whole=placed.count(),
        works_fractional=exact_sum((2 / of_work).cast(FRACTION)),
        works_single_author=(placed.n_authors == 1).sum(),
    )


def citation(citations: Table, countries: Table) -> Table:
    """Count references from works of one country to works of another, or its own.

    A reference counts once for every pair of a citing and a cited country
    (``citations_whole``), and one over the number of those pairs
    (``citations_fractional``).

    Grain: one row per citing year and ordered pair, the diagonal included.
    """
    citing = countries.select(citing_id="work_id", source="country", from_n="n_countries")
    cited = countries.select(cited_id="work_id", target="country", to_n="n_countries")
    placed = citations.inner_join(citing, "citing_id").inner_join(cited, "cited_id")
    share = 1 / (placed.from_n * placed.to_n)
    return placed.group_by("source", "target", year=placed.citing_year).agg(
        citations_whole=placed.count(), citations_fractional=exact_sum(share)
    )
