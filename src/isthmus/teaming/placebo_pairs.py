"""Placebo pairs: what joint papers of other countries gain, for the poles to stand in.

A premium of two poles may be that of any two countries far apart. Every ordered
pair outside the poles with enough joint papers, and about as far apart in time
as the poles where institutions are located, is put through the same experiment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from isthmus.results import schema_of

#: One row per ordered pair that was put through the experiment.
PLACEBO_PAIRS = schema_of("placebo_pairs")


@dataclass(frozen=True)
class Pair:
    """An ordered pair of countries and how many hours they are apart (NaN unknown)."""

    lead: str
    partner: str
    hours_apart: float


def hours_apart(longitudes: Mapping[str, float], one: str, other: str) -> float:
    """Hours of the sun between two countries, 0 to 12; NaN when one is not located."""
    if one not in longitudes or other not in longitudes:
        return math.nan
    degrees = abs(longitudes[one] - longitudes[other]) % 360
    return min(degrees, 360 - degrees) / 15


def longitudes_of(directions: pa.Table) -> dict[str, float]:
    """Longitude of each country in degrees, from the mean direction of its institutions."""
    rows = zip(
        *(directions[name].to_pylist() for name in ("country", "east", "north")), strict=True
    )
    return {country: math.degrees(math.atan2(north, east)) for country, east, north in rows}


def comparable_pairs(
    joint: pa.Table,
    poles: tuple[str, ...],
    longitudes: Mapping[str, float],
    *,
    min_papers: int,
    most: int,
    hours: float,
) -> list[Pair]:
    """Choose the pairs to replay, those with most joint papers first.

    Parameters
    ----------
    joint
        ``lead``, ``partner``, ``papers``.
    min_papers
        Joint papers a pair must have.
    most
        Pairs at most.
    hours
        How far the pair's time difference may be from one of the poles'; pairs or poles
        that are not located pass.
    """
    wanted = [hours_apart(longitudes, a, b) for a in poles for b in poles if a < b]
    wanted = [value for value in wanted if not math.isnan(value)]
    found = []
    for row in joint.to_pylist():
        lead, partner = row["lead"], row["partner"]
        if lead in poles or partner in poles or row["papers"] < min_papers:
            continue
        apart = hours_apart(longitudes, lead, partner)
        near = [abs(apart - value) <= hours for value in wanted]
        if math.isnan(apart) or not near or any(near):
            found.append((-row["papers"], lead, partner, apart))
    return [Pair(*pair) for _, *pair in sorted(found)[:most]]


def share_at_least(effect: float | None, placebos: list[float]) -> float | None:
    """Share of placebo effects at least as large; None without an effect or a placebo."""
    if effect is None or not placebos:
        return None
    return sum(value >= effect for value in placebos) / len(placebos)
