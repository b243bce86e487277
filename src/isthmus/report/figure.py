"""What a figure is: rows of one result table, how they are drawn, and what must be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.report import charts
from isthmus.report.charts import Spec
from isthmus.report.glossary import metric
from isthmus.report.source import Source

#: Columns of a map's rows that name countries.
ENDS = ("country", "source", "target")


@dataclass(frozen=True)
class Figure:
    """A figure: what it shows, from which rows, and how it is drawn.

    Parameters
    ----------
    name, title
        File name without ending, and title.
    table
        Result table the rows come from.
    rows
        The rows drawn: columns of the table, unchanged.
    spec
        Vega-Lite specification without rows.
    notes
        Lines under the title: the rule of counting, the interval, n.
    """

    name: str
    title: str
    table: str
    rows: pa.Table
    spec: Spec
    notes: Sequence[str]

    def vega_lite(self) -> Spec:
        """Return the figure as one self-contained specification."""
        spec = charts.titled(self.spec, self.title, self.notes)
        if "projection" in spec:
            ends = [name for name in self.rows.column_names if name in ENDS]
            codes = {code for name in ends for code in self.rows[name].to_pylist()}
            spec = charts.with_shapes(spec, codes)
        return charts.with_rows(spec, self.rows.to_pylist())


@dataclass(frozen=True)
class Absent:
    """A figure that cannot be drawn, and the sentence that says why.

    `lost` is whether an error is the reason, not that there is nothing to draw.
    """

    name: str
    why: str
    lost: bool = False


Drawn = Figure | Absent


def rows_of(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Keep some columns, those that are there."""
    return table.select([c for c in columns if c in table.column_names])


def rule_of(source: Source, column: str) -> str:
    """Say by which rule a column counts."""
    return f"Counting: {metric(column, source.settings).rule}"


def total_of(table: pa.Table, column: str) -> int:
    """Sum a column."""
    return int(pc.sum(table[column]).as_py() or 0)
