r"""CSV that a spreadsheet shows and never runs.

A spreadsheet takes text that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, whatever
quotes stand around it; titles and names come from outside and may be such text. In CSV it is
written with an apostrophe before it (``'=1+1``), as spreadsheets mark text themselves. Numbers
are never touched, and Parquet keeps all text as it is.

Text that already has apostrophes before such a beginning gets one more, so that taking one
away, ``re.sub(rf"^'(?={RUNS})", "", text)``, always gives back what was there.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

#: How text begins that a spreadsheet would run: a sign (wide ones too, which some take for the
#: same), after blanks or not, or a tab or line end, which some drop before they look.
RUNS = r"'*(?:[ \t\r\n\f\v]*[=+\-@＝＋－＠]|[\t\r\n])"


def inert(table: pa.Table) -> pa.Table:
    """Put an apostrophe before text that a spreadsheet would run.

    Examples
    --------
    >>> table = pa.table({"title": ["=1+1", "-5", "A-B", None], "change": [-5, 1, 2, 3]})
    >>> inert(table).to_pydict()
    {'title': ["'=1+1", "'-5", 'A-B', None], 'change': [-5, 1, 2, 3]}
    """
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            marked = pc.replace_substring_regex(
                table[field.name], pattern=f"^({RUNS})", replacement=r"'\1"
            )
            table = table.set_column(place, field, marked)
    return table


def write_csv(table: pa.Table, path: Path) -> None:
    """Write a table as CSV, its text made inert."""
    pa_csv.write_csv(inert(table), path)
