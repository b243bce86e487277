"""The first page of the explorer, and what heads the report: the answers at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow.compute as pc

from isthmus.findings.verdict import number
from isthmus.report import html
from isthmus.report.cards import cards, counts_text, not_answered, plain
from isthmus.report.design import VERDICTS
from isthmus.report.source import Source, source_name, where
from isthmus.report.views import Page


def glance_body(source: Source, menu: Sequence[Page]) -> str:
    """Write the first page: the data in a line, cards, what cannot be said, where to go."""
    body = html.tag("h1", html.text(source.title), dir="auto")
    body += html.tag("p", html.text(data_line(source)), class_="data")
    body += cards(source)
    counts = html.text(counts_text(source))
    link = html.tag("a", "All findings", href="findings.html")
    body += html.tag("p", f"{counts} {link}.") + verdict_key()
    body += cannot_say(source)
    items = "".join(
        html.tag("li", f"{html.tag('a', html.text(p.title), href=f'{p.name}.html')}: "
                 f"{html.text(p.intro)}")
        for p in menu
    )  # fmt: skip
    body += html.tag("h2", "Where to go") + html.tag("ul", items)
    return body + citation(source)


def data_line(source: Source) -> str:
    """Say in one line what the study rests on: source, works, years, poles."""
    corpus = source.results.record.get("corpus", {})
    first, last = source.years
    parts = [f"Source: {source_name(source)}"]
    if corpus.get("release"):
        parts[0] += f", release {corpus['release']}"
    table = source.table("coverage")
    if table is not None:
        works = pc.sum(where(table, country="all")["works"]).as_py()
        parts.append(f"{number(works)} works of the field" if works else "no work of the field")
    parts += [f"{first}-{last}", f"poles: {source.words.the_poles}"]
    return "; ".join(parts) + "."


def verdict_key() -> str:
    """Explain the words of verdicts, folded."""
    from isthmus.report.cards import verdict_badge

    items = "".join(
        html.tag("li", f"{verdict_badge(name)} {html.text(style.meaning)}")
        for name, style in VERDICTS.items()
    )
    inside = html.tag("summary", "What the verdicts mean") + html.tag("ul", items, class_="key")
    return html.tag("details", inside)


def cannot_say(source: Source) -> str:
    """List what the data cannot say, and which questions the study does not answer."""
    items = "".join(html.tag("li", html.text(plain(text))) for text in _limits(source))
    return html.tag("h2", "What these data cannot say") + html.tag("ul", items) + (
        not_answered(source)
    )  # fmt: skip


def _limits(source: Source) -> Iterator[str]:
    yield from source.warnings
    for text in (source.source_end, source.references_unknown, source.why_no_poles):
        if text:
            yield text
    yield (
        "Papers, moves and citations are those that the source records: unregistered journals, "
        "missing affiliations and merged or split author records are not corrected."
    )
    yield "Matched comparisons balance what is measured; they do not show what causes what."


def citation(source: Source) -> str:
    """Say how these numbers can be cited."""
    record = source.results.record
    digest = str(record.get("corpus", {}).get("hash", ""))[:12]
    text = f"{source.title}, {source.words.span}. Computed with isthmus "
    text += f"{record['versions']['isthmus']}"
    text += f" from corpus {digest}." if digest else "."
    return html.tag("h2", "How to cite") + html.tag("p", html.text(text), dir="auto")
