"""The explorer's page on fields: the focus beside the others, one number at a time."""

from __future__ import annotations

from typing import Any

from isthmus.findings import only_here
from isthmus.findings.verdict import number
from isthmus.report import panels
from isthmus.report.answers.answer import counted
from isthmus.report.source import Source
from isthmus.report.views import Page, View

#: Columns of the page's tables.
NUMBER_COLUMNS = ("field", "estimate", "estimate_low", "estimate_high")
CONTRAST_COLUMNS = (
    "number",
    "estimate",
    "others_mean",
    "others_low",
    "others_high",
    "difference",
    "difference_low",
    "difference_high",
    "p",
    "rank",
    "only_here",
    "others",
    "explained_share",
    "why",
)
PROFILE_COLUMNS = ("field", "works", "international_share", "reference_age")
TURN_COLUMNS = ("field", "statement", "verdict_focus", "verdict", "turned", "jaccard")


def fields_page(source: Source) -> Page:
    """Is the field special: each number in all fields, and the focus against the others."""
    where = [["number", "is", "number"]]
    each = View(
        "field-numbers",
        "{number}",
        "One dot a field, with its 95 % interval.",
        "field_numbers",
        ["fields"],
        "field_numbers",
        [(name, None) for name in NUMBER_COLUMNS],
        where=where,
        sort="-estimate",
        chart={"": panels.ranked_dots("estimate", "field", "Number")},
    )
    contrasts = View(
        "contrasts",
        "This field against the others",
        "The interval of the difference counts errors of sampling and how far fields differ by "
        "themselves. A ratio of 1, or a difference of 0, is none.",
        "contrasts",
        ["fields"],
        "contrasts",
        [(name, None) for name in CONTRAST_COLUMNS],
        sort="p",
    )
    profiles = View(
        "fields",
        "The fields",
        "",
        "fields",
        ["fields"],
        "fields",
        [(name, None) for name in PROFILE_COLUMNS],
        sort="-works",
    )
    turns = View(
        "verdict-turns",
        "Claims whose verdict is another elsewhere",
        "Fields that share most works with this one are other definitions of it: what turns "
        "among them hangs on the definition.",
        "verdict_turns",
        ["fields"],
        "verdict_turns",
        [(name, None) for name in TURN_COLUMNS],
        sort="-jaccard",
    )
    intro = f"Is the field special, or would any field show it? {fields_said(source)}"
    return Page("fields", "Fields", intro, _controls(source), [each, contrasts, profiles, turns])


def _controls(source: Source) -> list[dict[str, Any]]:
    table = source.table("contrasts")
    rows = table.to_pylist() if table is not None else []
    names = list(dict.fromkeys(row["number"] for row in rows))
    options = [[name, name] for name in names] or [["", "none"]]
    made = {"key": "number", "label": "Number", "kind": "choice", "options": options}
    return [{**made, "default": _first(rows) or options[0][0]}]


def _first(rows: list[dict[str, Any]]) -> str:
    """Return the number that is shown first: the one furthest from the others by its p."""
    known = [row for row in rows if row["p"] is not None]
    return str(min(known, key=lambda row: row["p"])["number"]) if known else ""


def fields_said(source: Source) -> str:
    """Answer in one sentence whether the field is special."""
    answers = only_here(source.results)
    table = source.table("contrasts")
    rows = table.to_pylist() if table is not None else []
    alone = [claim for claim, (answer, _) in answers.items() if answer == "only here"]
    shown = [row for row in rows if row["claim"] in alone and row["only_here"] == "only here"]
    compared = {row["claim"] for row in rows if row["p"] is not None}
    if not compared:
        return "There are too few other fields with the same numbers to tell."
    asked = counted(len(compared), "claim")
    if not shown:
        return f"Of {asked} compared with other fields, none holds in this field only."
    best = min(shown, key=lambda row: row["p"])
    hold = "holds" if len(alone) == 1 else "hold"
    return (
        f"Of {asked} compared with other fields, {len(alone)} {hold} in this field only; the "
        f"clearest: {best['number']} is {number(best['estimate'])} here and "
        f"{number(best['others_mean'])} on average elsewhere."
    )
