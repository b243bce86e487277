"""Who the movers are: career age, output and citations at the move, beside stayers'."""

from __future__ import annotations

import ibis

from isthmus.engine import Table
from isthmus.mobility.records import RECORD

#: Stands for all origins together.
ALL = "all"

QUANTILES = {"q10": 0.1, "q25": 0.25, "median": 0.5, "q75": 0.75, "q90": 0.9}


def mover_profiles(moves: Table, history: Table, records: Table) -> Table:
    """Describe movers at the move, and those who never moved there.

    Stayers of a country are scientists placed there who never moved into it,
    each once per year there.

    Grain: one row per destination, origin (or ``all``), group (``movers``,
    ``stayers``; stayers for ``all`` only) and measure. Columns: ``n``, ``mean``
    and the quantiles ``q10``, ``q25``, ``median``, ``q75``, ``q90``, linear
    between observations.
    """
    movers = moves.select("destination", "origin", group=ibis.literal("movers"), **_record(moves))
    everyone = movers.mutate(origin=ibis.literal(ALL))
    arrived = moves.select("author_id", country="destination").distinct()
    placed = history.filter(history.country.notnull()).select("author_id", "year", "country")
    settled = placed.anti_join(arrived, ["author_id", "country"])
    settled = settled.inner_join(records, ["author_id", "year"])
    stayers = settled.select(
        destination="country",
        origin=ibis.literal(ALL),
        group=ibis.literal("stayers"),
        **_record(settled),
    )
    return _described(ibis.union(movers, everyone, stayers))


def _record(table: Table) -> dict[str, object]:
    return {name: table[name].cast("float64") for name in RECORD}


def _described(people: Table) -> Table:
    keys = ["destination", "origin", "group"]
    parts = [
        people.select(*keys, measure=ibis.literal(name), value=people[name]) for name in RECORD
    ]
    values = ibis.union(*parts)
    return values.group_by(*keys, "measure").agg(
        n=values.count(),
        mean=values.value.cast("decimal(18, 2)").sum().cast("float64") / values.count(),
        **{name: values.value.quantile(q) for name, q in QUANTILES.items()},
    )
