"""Pieces of HTML; every text that comes from data is escaped here and nowhere else."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

#: What a page of the explorer may load: its own files, nothing else, and no inline code.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'none'; object-src 'none'"
)


def text(value: object) -> str:
    """Escape a value for HTML text and attributes."""
    return html.escape(str(value), quote=True)


def data(value: Any) -> str:
    r"""Write a value as JSON that may stand inside an HTML element.

    Examples
    --------
    >>> print(data("</script>"))
    "\u003c/script>"
    """
    written = msgspec.json.encode(value, order="deterministic").decode()
    return written.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def tag(name: str, content: str, **attributes: str | None) -> str:
    """Write an element around HTML that is already safe; attributes are escaped."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{given}>{content}</{name}>"


def table(heads: Iterable[str], rows: Iterable[Iterable[object]], caption: str) -> str:
    """Write a plain table of escaped cells."""
    head = "".join(tag("th", text(h), scope="col") for h in heads)
    body = "".join(tag("tr", "".join(tag("td", text(c)) for c in row)) for row in rows)
    inner = tag("caption", text(caption)) + tag("thead", tag("tr", head)) + tag("tbody", body)
    return tag("div", tag("table", inner), class_="scroll", tabindex="0")


def prose(markdown: str) -> str:
    """Turn the little Markdown of the methods text into HTML.

    Headings (``## Title {#anchor}``), paragraphs, lists with ``-`` and
    ``code`` in backticks; everything is escaped first.
    """
    return "\n".join(_block(block) for block in re.split(r"\n\s*\n", markdown.strip()))


def _block(block: str) -> str:
    heading = re.fullmatch(r"(#{1,3}) (.+?)(?: \{#([\w-]+)\})?", block.strip())
    if heading:
        return tag(f"h{len(heading[1])}", inline(heading[2]), id=heading[3])
    lines = block.strip().splitlines()
    if all(line.startswith("- ") for line in lines):
        return tag("ul", "".join(tag("li", inline(line[2:])) for line in lines))
    return tag("p", inline(" ".join(lines)))


def inline(line: str) -> str:
    """Write a line of text with ``code`` in backticks; everything is escaped first."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text(line))


def attributes(values: Mapping[str, str]) -> str:
    """Write attributes, escaped, with a leading blank each."""
    return "".join(f' {name}="{text(value)}"' for name, value in values.items())
