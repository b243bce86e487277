"""What a table of results holds, as a person reads it in a terminal or a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from isthmus.results.registry import Column


@dataclass(frozen=True)
class Description:
    """A table of results: its grain, its number of rows, and what its columns mean.

    Attributes
    ----------
    table
        Name of the table.
    rows
        Number of rows.
    grain
        Columns that identify a row.
    columns
        Name, type, unit, meaning and counting rule of each column, in the table's order.
    """

    table: str
    rows: int
    grain: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def title(self) -> str:
        """The table in one line."""
        return f"{self.table}: {self.rows:,} rows, one per {', '.join(self.grain) or 'row'}"

    def __repr__(self) -> str:
        width = max((len(column.name) for column in self.columns), default=0)
        lines = [
            f"  {c.name:<{width}}  {c.term.label} [{c.term.unit}]. {c.term.meaning}"
            for c in self.columns
        ]
        return "\n".join([self.title, *lines])

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{h}</th>" for h in ("column", "type", "unit", "meaning", "counting"))
        rows = "".join(_html_row(column) for column in self.columns)
        return (
            f"<p><b>{escape(self.title)}</b></p><table><thead><tr>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def _html_row(column: Column) -> str:
    meant = column.term
    texts = (str(column.type), meant.unit, f"{meant.label}. {meant.meaning}", meant.rule)
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    return f"<tr><td><code>{escape(column.name)}</code></td>{cells}</tr>"
