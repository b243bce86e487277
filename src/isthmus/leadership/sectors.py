"""Which sectors publish, alone and together: companies, universities, governments, hospitals.

A sector is the type that the record of an institution says, in the words of ROR: education,
company, government, healthcare, nonprofit, facility, archive, funder, other.
"""

from __future__ import annotations

import ibis

from isthmus.engine import Table
from isthmus.selection.attribution import FRACTION, exact_sum

#: Sector of affiliations whose institution, or whose institution's type, is not known.
UNKNOWN = "unknown"
#: Stands in ``country`` for works of all countries.
ALL = "all"

_KEY = ["year", "country"]


def work_sectors(field: Table, affiliations: Table, institutions: Table) -> Table:
    """Sectors on works of the field, by country.

    Grain: one row per work, country and sector. Columns: ``work_id``, ``year``, ``country``,
    ``sector``, ``fraction`` (one over the rows of the work).
    """
    types = institutions.select("institution_id", "type")
    inside = affiliations.inner_join(field.select("work_id", "year"), "work_id")
    typed = inside.left_join(types, "institution_id")
    rows = typed.select("work_id", *_KEY, sector=typed.type.fill_null(UNKNOWN)).distinct()
    counts = rows.group_by("work_id").agg(n=rows.count())
    joined = rows.inner_join(counts, "work_id")
    return joined.select(*rows.columns, fraction=(1 / joined.n).cast(FRACTION))


def sectors(works: Table) -> Table:
    """Count works by year, country and sector.

    Grain: one row per year, country and sector. Columns: ``papers_whole`` (a work counts once
    for every sector of a country) and ``papers_fractional`` (split evenly over them).

    Parameters
    ----------
    works
        As :func:`work_sectors`.
    """
    return works.group_by(*_KEY, "sector").agg(
        papers_whole=works.count(), papers_fractional=exact_sum(works.fraction)
    )


def sector_pairs(works: Table) -> Table:
    """Count works of two sectors of the same country, and of any countries under ``all``.

    Grain: one row per year, country and unordered pair, ``sector`` before ``with_sector`` in
    the alphabet. Column: ``papers_whole``. Unknown sectors are left out.
    """
    known = works.filter(works.sector != UNKNOWN).select("work_id", *_KEY, "sector")
    everywhere = known.mutate(country=ibis.literal(ALL)).distinct()
    rows = known.union(everywhere)
    others = rows.select("work_id", "country", with_sector="sector")
    pairs = rows.inner_join(others, ["work_id", "country"])
    pairs = pairs.filter(pairs.sector < pairs.with_sector)
    return pairs.group_by(*_KEY, "sector", "with_sector").agg(papers_whole=pairs.count())
