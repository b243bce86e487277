from __future__ import annotations

import json
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from isthmus.report import html
from report.synthetic import HOSTILE, TITLE

anything = st.text() | st.sampled_from([HOSTILE, TITLE, "</script>", "<!--", "]]>", "\u2028"])


class Reader(HTMLParser):
    """Collects text, attributes and elements as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.values: list[str | None] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.values += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    return reader


@given(anything)
def test_text_stays_text(value: str) -> None:
    found = read(html.tag("p", html.text(value), title=value))
    assert found.tags == ["p"]
    assert "".join(found.texts) == value
    assert found.values == [value]


@given(st.recursive(anything | st.integers(-(2**53), 2**53), st.lists, max_leaves=5))
def test_data_is_json_that_no_element_ends(value: object) -> None:
    written = html.data(value)
    assert json.loads(written) == value
    assert "<" not in written
    assert "\u2028" not in written


@given(anything)
def test_prose_has_no_elements_of_its_own_making_but_ours(value: str) -> None:
    allowed = {"p", "ul", "li", "code", "h1", "h2", "h3"}
    assert set(read(html.prose(f"{value}\n\n- {value}")).tags) <= allowed


def test_prose_reads_headings_lists_and_code() -> None:
    made = html.prose("## A b {#c}\n\n- one\n- `two`\n\nthree\nfour")
    assert made == (
        '<h2 id="c">A b</h2>\n<ul><li>one</li><li><code>two</code></li></ul>\n<p>three four</p>'
    )


@given(st.lists(st.lists(anything, min_size=2, max_size=2), max_size=4))
def test_table_cells_are_text(rows: list[list[str]]) -> None:
    found = read(html.table(["a", "b"], rows, "c"))
    assert found.tags.count("td") == sum(map(len, rows))
    assert set(found.tags) <= {"div", "table", "caption", "thead", "tbody", "tr", "th", "td"}
