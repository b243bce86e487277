"""Rows and columns of result tables that pages show, where they do not show the table whole."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.report.source import Source, where

#: Columns of ``turns`` that a page shows.
TURN_COLUMNS = (
    "layer",
    "source",
    "target",
    "turned",
    "year",
    "year_low",
    "year_high",
    "slope_before",
    "slope_before_low",
    "slope_before_high",
    "slope_after",
    "slope_after_low",
    "slope_after_high",
    "change",
    "change_low",
    "change_high",
    "q",
)


def tie_turns(source: Source) -> pa.Table | None:
    """Return the turns of ties, without the slopes of those that show no turn: they mean little."""
    table = source.table("turns")
    if table is None:
        return None
    rows = where(table, what="tie").select(TURN_COLUMNS)
    for at, name in enumerate(TURN_COLUMNS):
        if name.startswith(("slope", "change")):
            rows = rows.set_column(at, name, pc.if_else(rows["turned"], rows[name], None))
    return rows
