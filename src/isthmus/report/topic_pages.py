"""The explorer's page on topics: who leads each, and the countries of one."""

from __future__ import annotations

from collections import Counter
from typing import Any

from isthmus.report import panels
from isthmus.report.answers.answer import counted
from isthmus.report.excerpts import IN_TOPIC_COLUMNS, TOPIC_COLUMNS, topic_leaders
from isthmus.report.glossary import metric
from isthmus.report.source import Source
from isthmus.report.views import TO_COUNTRY, Page, View
from isthmus.selection.wording import in_sentence, joined

#: Spans of years -> their words, the one shown first before the others.
SPANS = {"last": "the last years", "all": "all years", "first": "the first years"}

#: Papers of a topic from which a country is drawn; the table has the others.
LEAST = 5

#: Countries that the sentence names.
NAMED = 3


def topics_page(source: Source) -> Page:
    """Who leads each topic, and who is specialised in one."""
    leaders = View(
        "topic-leaders",
        "Who leads each topic",
        "By highly cited papers. The lead is over the next country; the risk of a monopoly rests "
        "on leading institutions and on the lead. Choose a topic to see its countries.",
        "topics",
        ["topics"],
        "leaders",
        [(n, _LINKS.get(n)) for n in TOPIC_COLUMNS if n != "span"],
        where=[["span", "is", "span"]],
        chart={"": panels.counted_bars("country", "Topics led")},
    )
    least = f"The chart shows countries with {LEAST} papers of the topic or more."
    label = metric("specialisation", source.settings, "topics").label
    drawn = panels.ranked_dots("specialisation", "country", label, reference=1.0)
    drawn["usermeta"] = {**drawn["usermeta"], "least": ["papers", LEAST]}
    one = View(
        "topic",
        "Countries in topic {topic}",
        "Specialisation above 1: the topic has a larger share of the country's papers than of the "
        f"world's. Grey: the interval includes 1. {least}",
        "topics",
        ["topic/{topic}"],
        "rows",
        [(n, TO_COUNTRY if n == "country" else None) for n in IN_TOPIC_COLUMNS if n != "span"],
        where=[["span", "is", "span"]],
        sort="rank",
        chart={"": drawn},
    )
    intro = "Topics are those of the source, by its identifiers: 10001 is T10001 of OpenAlex. "
    intro += "Papers count to countries by the study's attribution."
    sentences = {"data": ["topics"], "set": "leaders_said", "where": [["span", "is", "span"]]}
    return Page("topics", "Topics", intro, _controls(source), [leaders, one], sentences=sentences)


_LINKS = {"topic": "topics.html#topic={topic}", "country": TO_COUNTRY}


def _controls(source: Source) -> list[dict[str, Any]]:
    table = topic_leaders(source)
    rows = table.to_pylist() if table is not None else []
    years = {row["span"]: (row["first_year"], row["last_year"]) for row in rows}
    spans = [
        [name, f"{text} ({years[name][0]}-{years[name][1]})"]
        for name, text in SPANS.items()
        if name in years
    ]
    topics = [[name, name] for name in sorted({str(row["topic"]) for row in rows})]
    made = []
    for key, label, options in (("span", "Years", spans), ("topic", "Topic", topics)):
        options = options or [["", "none"]]
        choice = {"key": key, "label": label, "kind": "choice", "options": options}
        made.append({**choice, "default": options[0][0]})
    return made


def leaders_said(source: Source) -> dict[str, list[str]]:
    """Say of each span of years who leads how many topics: ``span``, ``text``."""
    table = topic_leaders(source)
    rows = table.to_pylist() if table is not None else []
    made: dict[str, list[str]] = {"span": [], "text": []}
    for span in sorted({row["span"] for row in rows}):
        mine = [row for row in rows if row["span"] == span]
        total = len({row["topic"] for row in mine})
        led = Counter(row["country"] for row in mine).most_common(NAMED)
        firsts = joined([f"{in_sentence(code)} in {n:,}" for code, n in led])
        text = f"Of {counted(total, 'topic')} in {mine[0]['first_year']}-{mine[0]['last_year']}, "
        text += f"most highly cited papers come from {firsts}"
        high = len({row["topic"] for row in mine if row["monopoly_risk"] == "high"})
        made["span"].append(span)
        risk = f"is high in {high:,}" if high else "is high in none"
        made["text"].append(f"{text}; the risk of a monopoly {risk}.")
    return made
