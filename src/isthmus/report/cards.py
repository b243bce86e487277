"""Answers as people see them: cards on a page, lines on a terminal."""

from __future__ import annotations

import re
import textwrap

from isthmus.report import html
from isthmus.report.answers import Answer, absent, answers, verdict_counts
from isthmus.report.design import VERDICTS, colour_places
from isthmus.report.small_chart import is_cut, small_chart
from isthmus.report.source import Source

#: Lines and columns of the terminal that the answers take at most.
LINES, COLUMNS = 20, 80


def verdict_badge(verdict: str) -> str:
    """Draw a verdict as its shape and its word."""
    style = VERDICTS[verdict]
    mark = f'<path d="{style.shape}"/>'
    shape = html.tag("svg", mark, viewBox="0 0 16 16", aria_hidden="true", class_="shape")
    name = verdict.split()[0]
    return html.tag("span", shape + html.text(style.word), class_=f"verdict {name}")


def cards(source: Source, *, site: str = "") -> str:
    """Write the answers as cards; links lead into the explorer, none where `site` is None.

    Parameters
    ----------
    source
        The results.
    site
        What stands before the names of the explorer's pages. ``#`` makes the links anchors of
        the same page.
    """
    places = colour_places(source)
    made = "".join(_card(answer, places, site) for answer in answers(source))
    return html.tag("div", made, class_="cards")


def _card(answer: Answer, places: dict[str, int], site: str) -> str:
    body = html.tag("h2", html.text(answer.question))
    body += html.tag("p", html.text(answer.sentence), class_="answer")
    if answer.chart is not None:
        drawn = small_chart(answer.chart, places, f"{answer.chart.unit}. {answer.sentence}")
        cut = ". What lies beyond the edge is cut" if is_cut(answer.chart) else ""
        unit = html.tag("figcaption", html.text(answer.chart.unit + cut))
        body += html.tag("figure", unit + drawn)
    if answer.verdict:
        claim = f"Claim: {answer.statement}"
        said = html.tag("span", html.text(claim), class_="claim")
        if site != "#":
            address = f"{site}findings.html#{answer.claim}"
            said = html.tag("a", html.text(claim), href=address, class_="claim")
        body += html.tag("p", f"{verdict_badge(answer.verdict)} {said}", class_="said")
    if site != "#":
        label = f"Details: {answer.question}"
        link = html.tag("a", "Details", href=site + answer.page, aria_label=label, class_="details")
        body += html.tag("p", link)
    return html.tag("article", body, class_="card", id=answer.name)


#: Said of results that come from a table of links alone.
LINKS_ONLY = (
    "These results come from a table of links between countries. It tells who is tied to whom; "
    "papers, impact, movers, matched comparisons and coverage are not in it."
)


def not_answered(source: Source) -> str:
    """Write the list of what is not in this study, and why; empty where all is."""
    missing = absent(source)
    items = "".join(
        html.tag("li", f"{html.text(one.question)} {html.inline(one.why)}") for one in missing
    )
    if source.has("edges"):
        items = html.tag("li", LINKS_ONLY)
    if not items:
        return ""
    return html.tag("h2", "What is not in this study") + html.tag("ul", items)


def plain(sentence: str) -> str:
    """Return a sentence without the backticks that mark names of tables."""
    return sentence.replace("`", "")


def counts_text(source: Source) -> str:
    """Say how many claims have each verdict."""
    counts = verdict_counts(source)
    total = sum(counts.values())
    said = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    return f"{total} claims: {said}."


def terminal(source: Source, most: int = LINES) -> list[str]:
    """Return the answers as lines of the terminal, so many at most, of 80 columns.

    The last line says how many claims have each verdict.
    """
    blocks = []
    for answer in answers(source):
        style = VERDICTS.get(answer.verdict)
        sign = f"[{style.sign}] " if style else "    "
        blocks.append(_block(sign, answer.brief or answer.sentence, 2))
    at = len(blocks) - 1
    while sum(map(len, blocks)) >= most and at >= 0:
        blocks[at] = _block(blocks[at][0][:4], " ".join(line[4:] for line in blocks[at]), 1)
        at -= 1
    found = verdict_counts(source)
    said = [f"[{VERDICTS[v].sign}] {n} {v.removesuffix(' here')}" for v, n in found.items()]
    counts = f"Claims: {' '.join(said)}"
    return [line for block in blocks for line in block] + [counts]


def _block(sign: str, text: str, most: int) -> list[str]:
    """Break a text into lines behind its verdict's sign; drop sentences before cutting one.

    Examples
    --------
    >>> _block("[+] ", "Long enough. " + "word " * 40, 1)
    ['[+] Long enough.']
    """
    width = COLUMNS - len(sign)
    sentences = re.split(r"(?<=[.;]) ", text)
    while len(sentences) > 1 and len(textwrap.wrap(" ".join(sentences), width)) > most:
        sentences.pop()
    ended = re.sub(r";$", ".", " ".join(sentences))
    lines = textwrap.wrap(ended, width, max_lines=most, placeholder=" ...")
    return [(sign if at == 0 else "    ") + line for at, line in enumerate(lines)]
