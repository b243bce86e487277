"""Views of the page on poles: what is said of blocs, and who is in them."""

from __future__ import annotations

from typing import Any

from isthmus.report import charts, panels
from isthmus.report.excerpts import BLOC_COLUMNS, MEMBER_COLUMNS, bloc_windows
from isthmus.report.source import Source
from isthmus.report.views import TO_COUNTRY, View
from isthmus.report.words import BLOC_ANSWERS, LAYERS

#: What explains ties -> its words.
EXPLAINED = [("gradient_explained", "Places on a line"), ("explained", "Two blocs")]

_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def bloc_views() -> list[View]:
    """Show what is said of blocs in each window of years, and the members in one."""
    found = View(
        "blocs",
        "How many blocs",
        "The search names no pole. Shares explained are those of pairs that were not fitted to: by "
        "places on a line, and by two blocs; below 0 they mislead, which the chart draws as 0. No "
        "blocs means none with a strong effect.",
        "blocs",
        ["poles"],
        "blocs",
        [(name, None) for name in BLOC_COLUMNS],
        chart={"": panels.explained(EXPLAINED, "Share of ties explained")},
        says="blocs_said",
        rule="Links of a window of years, added up; each pair once.",
    )
    members = View(
        "bloc_members",
        "Members of the blocs",
        "Of the number of blocs that is said, and of two where none is: these are the best "
        "guess then, and no finding.",
        "bloc_members",
        ["poles"],
        "bloc_members",
        [(name, TO_COUNTRY if name == "country" else None) for name in MEMBER_COLUMNS],
        where=[["window", "is", "window"]],
        sort="bloc",
        map={"": charts.world("bloc", "Bloc", nominal=True)},
    )
    return [found, members]


def window_control(source: Source) -> list[dict[str, Any]]:
    """Return a choice of the layer and years whose members are shown; none without blocs."""
    rows = _rows(source)
    if not rows or not source.has("bloc_members"):
        return []
    options = [
        [
            f"{row['layer']}/{row['first_year']}",
            f"{LAYERS[row['layer']]}, {row['first_year']}-{row['last_year']}",
        ]
        for row in rows
    ]
    choice = {"key": "window", "label": "Blocs by", "kind": "choice", "options": options}
    return [{**choice, "default": options[0][0]}]


def blocs_said(source: Source) -> str:
    """Say of the last window of each layer how many blocs there are, and why."""
    last: dict[str, dict[str, Any]] = {}
    for row in _rows(source):
        last.setdefault(row["layer"], row)
    return " ".join(_said(row) for row in last.values())


def _rows(source: Source) -> list[dict[str, Any]]:
    """Return the windows, joint papers before citations and the last before the others."""
    table = bloc_windows(source)
    rows = table.to_pylist() if table is not None else []
    return sorted(rows, key=lambda row: (list(LAYERS).index(row["layer"]), -row["first_year"]))


def _said(row: dict[str, Any]) -> str:
    answer = BLOC_ANSWERS.get(row["answer"], str(row["answer"]))
    if row["answer"] == "blocs":
        answer = f"{_COUNTS.get(row['answer_blocs'], row['answer_blocs'])} blocs"
    text = f"In {LAYERS[row['layer']]} of {row['first_year']}-{row['last_year']}: {answer}"
    return f"{text} ({row['why_blocs']})." if row["why_blocs"] else f"{text}."
