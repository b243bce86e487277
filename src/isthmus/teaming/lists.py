"""Who stands behind the counts, by name: the most cited institutions and works."""

from __future__ import annotations

from collections.abc import Mapping

import ibis

from isthmus.engine import Table
from isthmus.teaming.papers import top_institutions

#: Works listed for each year.
MOST_CITED = 10


def leading_institutions(led: Table, institutions: Table, number: int) -> Table:
    """List the institutions whose papers, as led by them, gathered most citations.

    Grain: one row per rank. Columns: ``rank``, ``institution_id``, ``institution`` (its name),
    ``country``, ``citations``, ``papers``.
    """
    top = top_institutions(led, number)
    named = top.left_join(institutions.select("institution_id", "name"), "institution_id")
    places = led.group_by("institution_id").agg(country=led.country.min())
    placed = named.select(*top.columns, institution=named.name)
    placed = placed.inner_join(places, "institution_id")
    order = [ibis.desc("citations"), "institution_id"]
    return placed.select(
        "institution_id",
        "institution",
        "country",
        "citations",
        "papers",
        rank=ibis.row_number().over(order_by=order) + 1,
    )


def cited_works(led: Table, corpus: Mapping[str, Table]) -> Table:
    """List the most cited works of each year with a country, ties by the smaller id.

    A work of several countries or institutions stands with the first country in the
    alphabet, and that country's institution.

    Grain: one row per year and rank. Columns: ``year``, ``rank``, ``work_id``, ``title``,
    ``country``, ``institution_id``, ``institution`` (its name), ``citations``.
    """
    first = ibis.row_number().over(group_by="work_id", order_by="country")
    once = led.mutate(nth=first)
    once = once.filter(once.nth == 0)
    place = ibis.row_number().over(group_by="year", order_by=[ibis.desc("c_k"), "work_id"])
    ranked = once.mutate(rank=place + 1)
    top = ranked.filter(ranked["rank"] <= MOST_CITED)
    titled = top.left_join(corpus["works"].select("work_id", "title"), "work_id")
    titled = titled.select(*top.columns, "title")
    names = corpus["institutions"].select("institution_id", institution="name")
    named = titled.left_join(names, "institution_id")
    return named.select(
        "year",
        "rank",
        "work_id",
        "title",
        "country",
        "institution_id",
        "institution",
        citations=named.c_k.cast("int64"),
    )
