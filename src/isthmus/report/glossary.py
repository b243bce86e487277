"""What every column means, as a page explains it in a study: from the registry of tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from isthmus.results import Kind, Term, in_study, term
from isthmus.selection.wording import in_sentence

_USUAL = (
    "How many times more the two work together than is usual for them: the geometric mean of "
    "the yearly affinities (as ratios) of the last five years. 1 is as with a typical partner."
)
_USUAL_RULE = "Whole counts. The interval is that of one year: years are not independent."

#: Columns that a page makes of a table's rows.
MADE_BY_PAGES = {
    "times_usual": Term("Times what is usual for the two", "number", "ratio", "nulls", _USUAL,
                        _USUAL_RULE),
    "expected_recent": Term("Joint papers expected, last 5 years", "number", "papers", "nulls",
                            "What sizes alone would give. Summed over the last five years.",
                            "Whole counts, under the first null model."),
    "observed_recent": Term("Joint papers, last 5 years", "count", "papers", "nulls",
                            "Papers with authors of both. Summed over the last five years.",
                            "Whole counts."),
}  # fmt: skip


def metric(name: str, settings: Mapping[str, Any], table: str | None = None) -> Term:
    """Explain a column of a result table.

    Parameters
    ----------
    name
        Name of the column.
    settings
        Every setting of the study, for its rule of attribution and its poles.
    table
        The table, where columns of several have the name.

    Examples
    --------
    >>> metric("c2_mean", {"countries": {"attribution": "any"}}).label
    'Citations per paper (2 years)'
    """
    made = MADE_BY_PAGES.get(re.sub("(?<=usual)_(low|high)$", "", name))
    if made is not None:
        return made
    found = term(name, table)
    if found is None:
        what = f"Column `{name}` of the result table."
        return Term(_words(name), _kind(name), "unknown", "tables", what, "See methods.")
    return in_study(found, settings, in_sentence)


def _words(name: str) -> str:
    """Write a column's name in words; the code of a pole keeps its capitals."""
    first, *rest = name.split("_")
    return " ".join([first.capitalize(), *(w if w.isupper() else w.lower() for w in rest)])


def _kind(name: str) -> Kind:
    """Return how a column without an entry is written; numbers that name things, as years are."""
    if name in ("source", "target", "origin", "destination", "country"):
        return "country"
    if name.endswith("_id") or name == "variant":
        return "year"
    if name == "p" or name.startswith("p_"):
        return "p"
    if name.startswith(("share", "rate")) or name.endswith(("_share", "_rate")):
        return "share"
    return "number"
