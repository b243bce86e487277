"""Movers beside stayers of the same year and career age.

Nobody moves at career age 0, and careers lengthen over the years of a study, so that a
plain difference between movers and stayers is one of age and year.
"""

from __future__ import annotations

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.engine import Table
from isthmus.mobility.records import RECORD
from isthmus.results import schema_of
from isthmus.selection.attribution import AUTHOR_YEAR
from isthmus.stats.matching.stratified import Difference, matched_difference

#: What is compared at equal career age.
MEASURES = ("papers_in_year", "papers_before", "citations_before")

#: One row per destination, origin and measure.
SCHEMA = schema_of("mover_contrasts")


def contrast_units(
    moves: Table, history: Table, records: Table, origin: str, destination: str
) -> Table:
    """List movers, and stayers of the years and career ages in which somebody moved.

    Stayers of a country are scientists placed there who never moved into it, from
    anywhere; each counts in every year there.

    Grain: one row per author and year. Columns: ``author_id``, ``year``, ``moved`` (0 or
    1), ``career_age`` and :data:`MEASURES`.
    """
    between = moves.filter(moves.origin == origin, moves.destination == destination)
    moved = between.select(*AUTHOR_YEAR, *RECORD, moved=ibis.literal(1))
    arrived = moves.filter(moves.destination == destination).select("author_id")
    there = history.filter(history.country == destination).select(*AUTHOR_YEAR)
    settled = there.anti_join(arrived, "author_id").inner_join(records, AUTHOR_YEAR)
    stayed = settled.select(*AUTHOR_YEAR, *RECORD, moved=ibis.literal(0))
    stayed = stayed.semi_join(moved.select("year", "career_age"), ["year", "career_age"])
    return moved.union(stayed)


def mover_contrasts(
    units: pa.Table, origin: str, destination: str, min_units: float
) -> list[dict[str, object]]:
    """Compare movers with stayers of equal career age and year, measure by measure.

    Parameters
    ----------
    units
        As :func:`contrast_units`.
    min_units
        Movers, or effective stayers, below which there is no interval.

    Returns
    -------
    list of dict
        One row of :data:`SCHEMA` per measure; none where nobody moved.
    """
    if not units.num_rows or not pc.any(pc.equal(units["moved"], 1)).as_py():
        return []
    rows: list[dict[str, object]] = []
    for measure in MEASURES:
        found = _contrast(units.filter(pc.is_valid(units[measure])), measure, min_units)
        key = {"destination": destination, "origin": origin, "measure": measure}
        rows.append(key | _row(found))
    return rows


def _contrast(units: pa.Table, measure: str, min_units: float) -> Difference:
    columns = {name: units[name].to_numpy() for name in ("author_id", "year", "career_age")}
    cell = columns["year"].astype(np.int64) * 1_000 + columns["career_age"]
    return matched_difference(
        units[measure].to_numpy().astype(np.float64),
        units["moved"].to_numpy() == 1,
        np.unique(cell, return_inverse=True)[1],
        np.unique(columns["author_id"], return_inverse=True)[1],
        min_units=min_units,
    )


def _row(found: Difference) -> dict[str, object]:
    numbers = {
        "mean_movers": found.mean_one,
        "mean_stayers": found.mean_zero,
        "difference": found.value,
        "low": found.low,
        "high": found.high,
        "p": found.p,
    }
    counts = {"n_movers": found.n_one, "n_stayers": found.n_zero, "strata": found.strata}
    known = {name: None if np.isnan(value) else value for name, value in numbers.items()}
    return {**counts, **known, "reason": found.reason}
