"""Which country a paper, an author-year or a citation counts to.

Countries are those of affiliations, after the study's merges, or the places that the study
counts instead (:mod:`isthmus.selection.places`). A paper whose
deciding authors have affiliations in several countries counts once in each;
its fractional count is split evenly among them. Fractions are summed as fixed
point numbers of 15 decimals, so that totals do not depend on the order in which
an engine adds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis

from isthmus.engine import Table
from isthmus.study import Attribution, Countries

#: Fixed-point type of one fraction of a paper; sums of it are exact in any order.
FRACTION = "decimal(18, 15)"

#: Key of an author-year.
AUTHOR_YEAR = ["author_id", "year"]


def exact_sum(fraction: Any) -> Any:
    """Sum fractions exactly, whatever the order of rows, and give a float."""
    return fraction.cast(FRACTION).sum().cast("float64")


def merged_affiliations(
    corpus: Mapping[str, Table], countries: Countries, *, located: bool = True
) -> Table:
    """Affiliations with a country, after merges; all of them where they need not be `located`.

    Grain: one row per affiliation with a country. Columns: ``work_id``,
    ``position``, ``institution_id``, ``country``.
    """
    affiliations = corpus["affiliations"]
    if located:
        affiliations = affiliations.filter(affiliations.country.notnull())
    into = {member: name for name, group in countries.merge.items() for member in group}
    country = affiliations.country.substitute(into) if into else affiliations.country
    return affiliations.select("work_id", "position", "institution_id", country=country)


def work_countries(affiliations: Table) -> Table:
    """Countries on a work, over all its authors.

    Grain: one row per work and country. Columns: ``work_id``, ``country``,
    ``n_countries`` (distinct countries on the work), ``fraction`` (one over it).
    """
    return _with_count(affiliations.select("work_id", "country").distinct())


def numbered(countries: Table) -> tuple[Table, Table]:
    """Number the countries, since engines join and count by small numbers faster than by names.

    Gives ``country`` and ``number``; and ``work_id``, ``number`` and ``n_countries``
    of `countries`.
    """
    names = countries.select("country").distinct()
    names = names.mutate(number=ibis.row_number().over(order_by="country").cast("int32"))
    joined = countries.inner_join(names, "country")
    n_countries = joined.n_countries.cast("int16")
    table = joined.select("work_id", "number", n_countries=n_countries)
    return names, table.filter(table.number >= 0)


def deciding_countries(
    corpus: Mapping[str, Table], affiliations: Table, attribution: Attribution, field: Table
) -> Table:
    """Countries that works of `field` count to under the study's attribution.

    Grain: one row per work and country. Columns: ``work_id``, ``country``,
    ``n_countries`` (distinct countries of the deciding authors), ``fraction``.
    """
    if attribution == "any":
        return work_countries(affiliations.semi_join(field, "work_id"))
    authorships = corpus["authorships"]
    deciding = authorships.filter(decides(authorships, attribution)).select("work_id", "position")
    deciding = deciding.semi_join(field, "work_id")
    return work_countries(affiliations.semi_join(deciding, ["work_id", "position"]))


def decides(authorships: Table, attribution: Attribution) -> Any:
    """Return whether an author is one by whom a work's countries are decided."""
    return {
        "last_author": authorships.is_last,
        "first_author": authorships.position == 0,
        "corresponding": authorships.is_corresponding.fill_null(False),
        "any": authorships.position >= 0,
    }[attribution]


def in_blocs(table: Table, blocs: Mapping[str, tuple[str, ...]]) -> Table:
    """Replace ``country`` by the blocs it is a member of, one row per bloc.

    Rows of countries in no bloc drop out; a country of two blocs gives two rows.
    """
    parts = [
        table.filter(table.country.isin(list(members))).mutate(country=ibis.literal(name))
        for name, members in blocs.items()
    ]
    return parts[0] if len(parts) == 1 else ibis.union(*parts)


def bloc_works(countries: Table, blocs: Mapping[str, tuple[str, ...]]) -> Table:
    """Blocs on a work, each with the share of the work its members have together.

    Grain: one row per work and bloc. Columns: ``work_id``, ``country`` (the
    bloc's name), ``fraction``.
    """
    members = in_blocs(countries, blocs)
    return members.group_by("work_id", "country").agg(
        fraction=members.fraction.sum().cast(FRACTION)
    )


def most_frequent(author_years: Table) -> Table:
    """Keep the countries with the most affiliations of each author-year.

    Grain: one row per author, year and country. Columns: ``author_id``,
    ``year``, ``country``, ``tied`` (how many countries have the most).
    """
    most = author_years.mutate(most=author_years.n.max().over(group_by=AUTHOR_YEAR))
    top = most.filter(most.n == most.most).select("author_id", "year", "country")
    return top.mutate(tied=top.count().over(group_by=AUTHOR_YEAR))


def author_year_countries(author_years: Table) -> Table:
    """Country of an author in a year: that of most of the year's affiliations.

    A tie goes to the country of the author's previous observed year where that
    is among the tied; otherwise the year is shared evenly by the tied.

    Parameters
    ----------
    author_years
        One row per author, year and country, with ``n`` affiliations.

    Returns
    -------
    Table
        One row per author, year and country the year counts to. Columns:
        ``author_id``, ``year``, ``country``, ``weight`` (1, or 1/m when shared
        by m countries), ``shared_by`` (m).
    """
    top = most_frequent(author_years)
    top = top.mutate(clear=ibis.ifelse(top.tied == 1, top.country, ibis.null("string")))
    anchored = _last_clear_country(top)
    kept = _still_among_tied(anchored)
    chosen = kept.filter(~kept.carried | (kept.country == kept.anchor))
    shared_by = ibis.ifelse(chosen.carried, 1, chosen.tied)
    return chosen.select("author_id", "year", "country", shared_by=shared_by).mutate(
        weight=1 / ibis._.shared_by
    )


def _last_clear_country(top: Table) -> Table:
    """Add ``stretch``, counting clear years so far, and ``anchor``, the stretch's clear country."""
    years = top.group_by("author_id", "year").agg(is_clear=top.clear.count(), clear=top.clear.max())
    years = years.mutate(
        stretch=years.is_clear.sum().over(group_by="author_id", order_by="year", rows=(None, 0))
    )
    years = years.mutate(anchor=years.clear.max().over(group_by=["author_id", "stretch"]))
    return top.inner_join(years.select("author_id", "year", "stretch", "anchor"), AUTHOR_YEAR)


def _still_among_tied(anchored: Table) -> Table:
    """Add ``carried``: the anchor has been among the tied in every year since it was clear."""
    years = anchored.group_by("author_id", "year", "stretch").agg(
        holds=(anchored.country == anchored.anchor).cast("int8").max()
    )
    held = (
        years.holds.fill_null(0)
        .min()
        .over(group_by=["author_id", "stretch"], order_by="year", rows=(None, 0))
    )
    years = years.mutate(carried=held == 1)
    return anchored.inner_join(years.select("author_id", "year", "carried"), AUTHOR_YEAR)


def _with_count(pairs: Table) -> Table:
    counts = pairs.group_by("work_id").agg(n_countries=pairs.count())
    table = pairs.inner_join(counts, "work_id").select("work_id", "country", "n_countries")
    return table.mutate(fraction=(1 / table.n_countries).cast(FRACTION))
