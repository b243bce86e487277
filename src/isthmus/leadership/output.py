"""How much a country publishes in the field."""

from __future__ import annotations

from isthmus.engine import Table
from isthmus.selection.attribution import exact_sum


def papers_by_country(field: Table, countries: Table, names: tuple[str, str]) -> Table:
    """Count works of the field by year and country, whole and fractional.

    Parameters
    ----------
    field
        One row per work, with ``work_id`` and ``year``.
    countries
        One row per work and country, with ``fraction``.
    names
        Names of the whole and of the fractional count; they say the counting rule.

    Returns
    -------
    Table
        One row per year and country.
    """
    whole, fractional = names
    placed = field.inner_join(countries, "work_id")
    return placed.group_by("year", "country").agg(
        **{whole: placed.count(), fractional: exact_sum(placed.fraction)}
    )


def papers_of_world(field: Table, countries: Table, name: str) -> Table:
    """Count works of the field by year that have any of these countries.

    Grain: one row per year. Columns: ``year`` and `name`.
    """
    placed = field.semi_join(countries, "work_id")
    return placed.group_by("year").agg(**{name: placed.count()})
