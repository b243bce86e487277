"""Flows between countries, their totals and ranks, and rates per 1,000 scientists."""

from __future__ import annotations

import ibis

from isthmus.engine import Table

FLOW = ["origin", "destination"]

#: Rates are per this many active scientists.
PER = 1000


def flows(moves: Table) -> Table:
    """Count moves by year, origin and destination.

    Grain: one row per year, origin and destination with a move. Columns:
    ``scientists``, ``returning`` (those who had been in the destination before),
    ``origin_rank`` and ``destination_rank`` (1 for the largest flow into the
    destination, and out of the origin, that year; equals share the better rank).
    """
    return _ranked(_counted(moves, ["year", *FLOW]), ["year"])


def flow_totals(moves: Table) -> Table:
    """Count moves by origin and destination over all years; columns as :func:`flows`."""
    return _ranked(_counted(moves, FLOW), [])


def _counted(moves: Table, keys: list[str]) -> Table:
    return moves.group_by(keys).agg(
        scientists=moves.count(), returning=moves.is_return.cast("int64").sum()
    )


def _ranked(counted: Table, within: list[str]) -> Table:
    most = ibis.desc("scientists")
    return counted.mutate(
        origin_rank=ibis.rank().over(group_by=[*within, "destination"], order_by=most) + 1,
        destination_rank=ibis.rank().over(group_by=[*within, "origin"], order_by=most) + 1,
    )


def mobility_rates(history: Table, moves: Table) -> Table:
    """Relate arrivals and departures to the scientists active in a country.

    A move counts in the year of arrival, for the origin too.

    Grain: one row per year and country with an active scientist or a move.
    Columns: ``active`` (scientists placed there that year), ``arrivals``,
    ``departures``, ``returns`` (arrivals of those who had been there before),
    ``net_per_1000`` (arrivals less departures) and ``gross_per_1000`` (both
    together), null where nobody is active.
    """
    count, none = ibis.literal(1, type="int64"), ibis.literal(0, type="int64")
    names = ("active", "arrivals", "departures", "returns")
    rows = ibis.union(
        _events(history, "country", (count, none, none, none)),
        _events(moves, "destination", (none, count, none, moves.is_return.cast("int64"))),
        _events(moves, "origin", (none, none, count, none)),
    )
    rows = rows.filter(rows.country.notnull())
    sums = rows.group_by("year", "country").agg(
        **{name: rows[name].sum().cast("int64") for name in names}
    )
    active = ibis.ifelse(sums.active > 0, sums.active, None).cast("float64")
    net, gross = sums.arrivals - sums.departures, sums.arrivals + sums.departures
    return sums.mutate(net_per_1000=net * PER / active, gross_per_1000=gross * PER / active)


def _events(table: Table, country: str, values: tuple[object, ...]) -> Table:
    names = ("active", "arrivals", "departures", "returns")
    return table.select("year", country=country, **dict(zip(names, values, strict=True)))
