"""Moves and returns between countries by year, as arrays, and who could have returned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.engine import Table

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MovePanel:
    """Moves between n countries in t years.

    Attributes
    ----------
    years : (t,)
    countries : tuple of str
        Countries with a move, in alphabetical order.
    moves, returns : (t, n, n)
        Moves from a row's country to a column's, and those of scientists who had been there.
    at_risk : (t, n, n)
        Scientists in the row's country, active in the year, who had been in the column's.
    """

    years: NDArray[np.int64]
    countries: tuple[str, ...]
    moves: Floats
    returns: Floats
    at_risk: Floats


def could_return(history: Table, years: tuple[int, int]) -> Table:
    """Count those who could return: abroad in their last observed year, and active again.

    A scientist who has been in several other countries counts once for each.

    Grain: one row per year, country of the last observed year (``origin``) and country of an
    earlier one (``destination``). Columns: ``at_risk``.
    """
    along = ibis.window(group_by="author_id", order_by="year")
    steps = history.mutate(origin=history.country.lag().over(along))
    steps = steps.mutate(left=history.year.lag().over(along)).filter(
        ibis._.origin.notnull(), ibis._.year.between(*years)
    )
    placed = history.filter(history.country.notnull())
    been = placed.group_by("author_id", destination=placed.country).agg(since=placed.year.min())
    risk = steps.select("author_id", "year", "origin", "left").inner_join(been, "author_id")
    risk = risk.filter(risk.since < risk.left, risk.origin != risk.destination)
    return risk.group_by("year", "origin", "destination").agg(at_risk=risk.count())


def move_panel(flows: pa.Table, at_risk: pa.Table, years: tuple[int, int]) -> MovePanel:
    """Lay flows and those at risk out as arrays.

    Someone who returns is at risk, even where the stay abroad was so short before the return
    that the last observed year was spent elsewhere.

    Parameters
    ----------
    flows
        As :func:`isthmus.mobility.flows.flows`.
    at_risk
        As :func:`could_return`.
    """
    ends = [*flows["origin"].to_pylist(), *flows["destination"].to_pylist()]
    countries = sorted(set(ends))
    moves = _array(flows, "scientists", years, countries)
    returns = _array(flows, "returning", years, countries)
    risk = np.maximum(_array(at_risk, "at_risk", years, countries), returns)
    every = np.arange(years[0], years[1] + 1)
    return MovePanel(every, tuple(countries), moves, returns, risk)


def _array(table: pa.Table, value: str, years: tuple[int, int], countries: Sequence[str]) -> Floats:
    place = {country: at for at, country in enumerate(countries)}
    out = np.zeros((years[1] - years[0] + 1, len(countries), len(countries)))
    names = ("year", "origin", "destination", value)
    for year, origin, destination, count in zip(
        *(table[name].to_pylist() for name in names), strict=True
    ):
        inside = years[0] <= year <= years[1] and origin in place and destination in place
        if inside and origin != destination:
            out[year - years[0], place[origin], place[destination]] = count
    return out
