"""Answers on ties: partners, the poles' drift, roles between the poles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from isthmus.poles.recent_ties import LEAST_EXPECTED, recent_ties
from isthmus.report.answers.answer import (
    Absent,
    Answer,
    Chart,
    Series,
    between,
    change,
    counted,
    ruled,
    tested,
    times,
)
from isthmus.report.answers.turning import dated_turn, turn_brief, turn_sentence
from isthmus.report.source import Source, where
from isthmus.report.words import LAYERS, roles
from isthmus.selection.wording import capital, country_name, in_sentence, joined
from isthmus.study.sections import AFFINITY

#: Partners in the chart, and those that the sentence names.
SHOWN, NAMED = 6, 3


def all_ties(source: Source) -> list[dict[str, Any]]:
    """Return the rows of :func:`recent_ties`, computed once."""
    kept: dict[str, list[dict[str, Any]]] = source.__dict__.setdefault("_ties", {})
    if "rows" not in kept:
        links = source.table("links")
        found = recent_ties(links, source.headline_null) if links is not None else None
        kept["rows"] = found.to_pylist() if found is not None else []
    return kept["rows"]


def ties_of(source: Source, country: str) -> list[dict[str, Any]]:
    """Return the ties of a country that can be judged, strongest first, with its ``partner``."""
    kept: dict[str, list[dict[str, Any]]] = source.__dict__.setdefault("_ties_of", {})
    if not kept:
        for row in all_ties(source):
            if row["ratio"] is not None:
                for one, other in (("source", "target"), ("target", "source")):
                    kept.setdefault(row[one], []).append({**row, "partner": row[other]})
    return sorted(kept.get(country, []), key=lambda row: (-row["ratio"], row["partner"]))


def partners(source: Source) -> Answer | Absent:
    """Answer with whom the first pole works more than is usual for the two."""
    first = source.poles[0]
    question = f"With whom does {in_sentence(first)} work more than usual?"
    if not source.has("links"):
        return Absent(question, source.missing("links"))
    rows = ties_of(source, first)
    if not rows:
        why = f"No partner of {in_sentence(first)} has at least {LEAST_EXPECTED:g} joint papers "
        why += "expected in the last five years and an interval that says anything."
        return Absent(question, why)
    points = [
        Series(country_name(row["partner"]), row["partner"], (), [row["ratio"]], [row["low"]],
               [row["high"]])
        for row in rows[:SHOWN]
    ]  # fmt: skip
    unit = "Times what is usual for the two"
    chart = Chart("rows", unit, points, reference=1.0, logarithmic=True)
    page = f"country.html#country={first}"
    return Answer("partners", question, partners_sentence(first, rows), page, chart)


def partners_sentence(country: str, rows: list[dict[str, Any]]) -> str:
    """Say which of a country's partners stand out; rows are those of :func:`ties_of`."""
    name = in_sentence(country)
    span = f"{rows[0]['first_year']}-{rows[0]['last_year']}"
    strong = [row for row in rows if (row["low"] or 0) > 1]
    judged = f"{counted(len(rows), 'partner')} with enough joint papers to judge, {span}"
    if not strong:
        return f"{capital(name)} works with nobody more than usual for certain, of {judged}."
    named = [
        f"{in_sentence(row['partner'])}, {times(row['ratio'])} times what is usual for the two"
        f"{between(row['low'], row['high'], times)}"
        for row in strong[:NAMED]
    ]
    most = f"{capital(name)} works with {'; '.join(named)}"
    return f"{most}. More than usual: {len(strong)} of {judged}."


def drift(source: Source) -> Answer | Absent:
    """Answer whether the poles came together or drifted apart in joint papers."""
    return _drift(source, "collaboration")


def citing(source: Source) -> Answer | Absent:
    """Answer whether the poles cite each other more or less than they did."""
    return _drift(source, "citation")


def _drift(source: Source, layer: str) -> Answer | Absent:
    words, what = source.words, LAYERS[layer]
    question = f"Do {words.the_poles} come together or drift apart in {what}?"
    row = ruled(source, f"poles-diverge-{layer}")
    if not source.has("pole_years") or row.get("estimate") is None:
        why = source.why_no_poles or (row.get("why") if source.has("pole_years") else None)
        return Absent(question, why or source.missing("pole_years"))
    a, b = source.poles[:2]
    ends = between(row["low"], row["high"], change)
    text = f"{capital(what)} of {words.the_poles} change by {change(row['estimate'])} a year{ends} "
    text += f"relative to their other partners: {_direction(row)}. "
    text = (text + turn_sentence(source, layer, a, b)).rstrip()
    turn = dated_turn(source, layer, a, b)
    unit = "Affinity (log), band: placebo" + (", upright: when it turned" if turn else "")
    chart = Chart("lines", unit, _pole_years(source, layer), 0.0, turn=turn)
    page = f"pairs.html#a={a}&b={b}"
    claim = tested(source, f"poles-diverge-{layer}")
    brief = turn_brief(source, layer, a, b)
    return Answer(f"drift-{layer}", question, text, page, chart, brief=brief, **claim)


def _direction(row: Mapping[str, Any]) -> str:
    low, high = row["low"], row["high"]
    if low is None or high is None:
        return "there is no interval"
    if low <= 0 <= high:
        return "the interval includes no change"
    way = "they drift apart" if high < 0 else "they come together"
    if high < 0 and row["verdict"] == "undecided":
        return f"{way}, but whether by as much as matters ({change(row['smallest'])}) is not known"
    return way


def _pole_years(source: Source, layer: str) -> list[Series]:
    table = source.table("pole_years")
    assert table is not None
    rows = where(table, layer=layer, null_model=source.headline_model).to_pylist()
    wanted = "affinity" if source.headline_model == AFFINITY else "log_ratio"
    a, b = sorted(source.poles[:2])
    ends = {a, b}
    rows = [r for r in rows if r["quantity"] == wanted and {r["source"], r["target"]} == ends]
    rows = [r for r in rows if r["value"] is not None]
    rows.sort(key=lambda r: (r["source"], r["year"]))
    made = []
    for start in sorted({r["source"] for r in rows}):
        mine = [r for r in rows if r["source"] == start]
        made.append(
            Series(
                f"{country_name(a)} and {country_name(b)}",
                "",
                [r["year"] for r in mine],
                [r["value"] for r in mine],
                [r["placebo_low"] for r in mine],
                [r["placebo_high"] for r in mine],
            )
        )
    return made[:1]


def between_poles(source: Source) -> Answer | Absent:
    """Answer where other countries stand between the poles."""
    question = f"Who moves towards {' or '.join(in_sentence(p) for p in source.poles[:2])}?"
    table = source.table("alignment")
    if table is None:
        return Absent(question, source.why_no_poles or source.missing("alignment"))
    rows = where(table, null_model=source.headline_model).to_pylist()
    found = Counter(row["role"] for row in rows if row["role"] not in (None, "pole"))
    if not found:
        return Absent(question, "No country besides the poles is followed with both.")
    names = roles(source)
    total = sum(found.values())
    said = [f"{n} {names.get(role, role)}" for role, n in found.most_common()]
    text = f"Of {counted(total, 'country', 'countries')} followed with the poles: {joined(said)}."
    points = [Series(names.get(role, role), "", (), [float(n)]) for role, n in found.most_common()]
    chart = Chart("rows", "Countries", points, reference=0.0)
    claim = "developing-with-second-only" if len(source.poles) > 1 else ""
    return Answer("roles", question, text, "poles.html#alignment", chart, **tested(source, claim))
