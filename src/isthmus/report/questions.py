"""The findings as a list of questions: verdict, sentence, interval, what would change it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from isthmus.findings.verdict import number
from isthmus.report import html
from isthmus.report.answers import Chart, Series
from isthmus.report.cards import counts_text, verdict_badge
from isthmus.report.design import VERDICTS
from isthmus.report.glance import verdict_key
from isthmus.report.small_chart import small_chart
from isthmus.report.source import Source
from isthmus.report.words import in_words

#: Checks of a verdict -> their names, in the order they are listed.
CHECKS = {
    "placebo": "Placebo replays",
    "models": "Other null models",
    "counting": "Other counting rules",
    "dropping": "Without each of the largest countries",
    "missing_data": "Missing data",
    "as_said": "As large as the study said",
}

#: Beginnings of claims' names -> the question they belong to.
SUBJECTS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("poles-lead", "second-", "impact-", "first-loses"), "Who leads"),
    (("home-bias", "turns-inward"), "Citations at home"),
    (("origin-of", "movers-"), "Movers"),
    (("joint-papers", "premium", "teams", "top-"), "Teaming up"),
)


def questions_body(source: Source) -> str:
    """Write the page of findings: filters, then every claim, those with a verdict first."""
    table = source.table("findings")
    rows = table.to_pylist() if table is not None else []
    order = list(VERDICTS)
    rows.sort(key=lambda row: order.index(row["verdict"]))
    body = "<h1>Findings</h1>"
    body += html.tag("p", html.text(counts_text(source)), class_="lead", id="counts")
    body += verdict_key() + _filters(rows)
    return body + html.tag(
        "div", "".join(_question(row, source.settings) for row in rows), id="questions"
    )


def subject(claim: str) -> str:
    """Return the question of the menu that a claim belongs to."""
    return next((name for begins, name in SUBJECTS if claim.startswith(begins)), "Poles and ties")


def _filters(rows: list[dict[str, Any]]) -> str:
    kinds = {
        "verdict": ("Verdict", list(VERDICTS)),
        "subject": ("Question", sorted({subject(row["claim"]) for row in rows})),
    }
    made = ""
    for key, (label, names) in kinds.items():
        options = html.tag("option", "all", value="")
        options += "".join(html.tag("option", html.text(n), value=n) for n in names)
        made += html.tag("label", f"{label} " + html.tag("select", options, id=f"by-{key}"))
    shown = html.tag("span", f"{len(rows)} shown", id="shown", role="status", class_="status")
    return html.tag("div", made + shown, class_="filters")


def _question(row: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    body = html.tag("h2", html.text(row["statement"]))
    body += html.tag(
        "p", f"{verdict_badge(row['verdict'])} {html.text(in_words(row['why'], settings))}"
    )
    body += _drawn(row) + _folded(row, settings)
    return html.tag(
        "article", body, class_="question", id=row["claim"],
        data_verdict=row["verdict"], data_subject=subject(row["claim"]),
    )  # fmt: skip


def _drawn(row: Mapping[str, Any]) -> str:
    """Draw the interval against the smallest effect that matters; nothing without an interval."""
    if None in (row["estimate"], row["low"], row["high"], row["smallest"]):
        return ""
    point = Series("Estimate", "", (), [row["estimate"]], [row["low"]], [row["high"]])
    chart = Chart("rows", "", [point], reference=row["smallest"])
    text = f"{number(row['estimate'])} ({number(row['low'])} to {number(row['high'])}); the "
    text += f"dashed line is the smallest effect that matters, {number(row['smallest'])}."
    caption = html.tag("figcaption", html.text(text), class_="caption")
    return html.tag("figure", small_chart(chart, {}, text) + caption)


def _folded(row: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    items = html.tag("dt", "What is measured") + html.tag(
        "dd", html.text(in_words(row["estimand"], settings))
    )
    if row["of_sizes"]:
        items += html.tag("dt", "Sizes alone") + html.tag("dd", html.text(row["of_sizes"]))
    for name, label in CHECKS.items():
        said = in_words(str(row.get(name) or "not tested"), settings)
        if name == "missing_data":
            said = re.sub("^yes: ", "the verdict survives them: ", said)
            said = re.sub("^no: ", "the verdict does not survive them: ", said)
        if name == "placebo" and row["verdict"] != "supported" and not said.startswith("not"):
            said = "asked only where a claim is supported"
        items += html.tag("dt", label) + html.tag("dd", html.text(said))
    known = [("p", row["p"]), ("false discovery rate q", row["q"])]
    numbers = ", ".join(f"{name} {_p(value)}" for name, value in known if value is not None)
    if numbers:
        items += html.tag("dt", "Error rates") + html.tag("dd", html.text(numbers))
    if row["said"]:
        items += html.tag("dt", "What the study said") + html.tag("dd", html.text(row["said"]))
    items += html.tag("dt", "Where the claim is from") + html.tag("dd", html.text(row["source"]))
    name = html.tag("dt", "Name in the tables") + html.tag("dd", html.tag("code", row["claim"]))
    summary = html.tag("summary", "What would change this")
    return html.tag("details", summary + html.tag("dl", items + name))


def _p(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"{value:.3f}"
