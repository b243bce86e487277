"""Names, titles and a study's title that would run or mangle what shows them stay text.

They go through everything that shows them: report, figures, explorer, CSV, terminal, package.
"""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import isthmus.cli
from isthmus.cli import terminal
from isthmus.cli.verbs import app
from isthmus.report import build_site
from isthmus.report.share import share
from isthmus.results import Results
from isthmus.study import Study
from report.synthetic import codes, finish, leadership

MARKUP = '<img src=x onerror="window.hacked=1">'
ESCAPES = "\x1b]0;hacked\x07\x1b[31mred\x9b2J\b\b\b\x7f"
NAMES = [
    MARKUP,
    "</script><script>window.hacked=1</script>",
    '=HYPERLINK("http://evil.example","click")',
    "-2+3",
    "\t=1+1",
    f"name {ESCAPES}",
    "[red]markup[/] [/nothing] :smile:",
    "long " * 2000,
    "\u202egnp.exe\u2066 مرحبا",
    "a\nb\r\n## c {#data}\0d",
    "| --- | `code` {0} {title} %s",
]

#: A title with all of them.
TITLE = " ".join(NAMES)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    span, rng = np.arange(2000, 2003), np.random.default_rng(1)
    places = [
        {"rank": n + 1, "institution_id": 10 + n, "institution": name, "country": "CN"}
        | {"citations": 90 - n, "papers": 9}
        for n, name in enumerate(NAMES)
    ]
    works = [
        {"year": 2000, "rank": n + 1, "work_id": n, "title": name, "country": "US"}
        | {"institution_id": 10, "institution": name, "citations": -n}
        for n, name in enumerate(NAMES)
    ]
    tables = {
        **leadership(rng, codes(4), span),
        "leading_institutions": pa.Table.from_pylist(places),
        "cited_works": pa.Table.from_pylist(works),
    }
    claims = {
        f"own{n}": {"statement": name, "table": "coverage", "column": "works", "above": 0}
        for n, name in enumerate(NAMES)
    }
    study = Study.parse(
        {
            "study": {"corpus": "c", "years": [2000, 2002], "title": TITLE},
            "countries": {"blocs": {name: ["US", "CN"] for name in NAMES}},
            "claims": claims,
        }
    )
    folder = tmp_path_factory.mktemp("hostile") / "results"
    folder.mkdir()
    return finish(folder, tables, study)


@pytest.fixture(scope="module")
def package(results: Results) -> Path:
    share(results, results.path.parent / "package.zip", authors=[MARKUP, "[x](javascript:1)"])
    with zipfile.ZipFile(results.path.parent / "package.zip") as file:
        file.extractall(results.path.parent / "package")
    return results.path.parent / "package"


@pytest.fixture(scope="module")
def site(results: Results) -> Path:
    return build_site(results, results.path.parent / "site").parent


def obeyed(text: str) -> list[str]:
    """Characters that a terminal obeys, or that turn the direction of text."""
    turns = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return [
        c
        for c in text
        if (unicodedata.category(c) == "Cc" and c != "\n") or unicodedata.bidirectional(c) in turns
    ]


class Elements(HTMLParser):
    """What a page would make a browser do."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.acting: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        runs = tag == "script" and "src" not in given and given.get("type") != "application/json"
        if runs or tag == "iframe" or any(name.startswith("on") for name in given):
            self.acting.append(self.get_starttag_text() or tag)
        for name in ("src", "href"):
            value = given.get(name) or ""
            if re.match(r"\s*(javascript|https?):|x$", value):
                self.acting.append(value)


def test_pages_and_report_hold_nothing_that_acts(package: Path, site: Path) -> None:
    pages = [package / "index.html", *site.glob("*.html")]
    assert len(pages) > 5
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "Content-Security-Policy" in text
        assert Elements(text).acting == [], page


def test_names_are_readable_in_the_site(site: Path) -> None:
    shards = "".join(path.read_text(encoding="utf-8") for path in site.glob("data/**/*.js"))
    for name in NAMES:
        assert json.dumps(name, ensure_ascii=False)[1:20] in shards


def test_figures_are_drawn_and_act_on_nothing(package: Path) -> None:
    figures = list((package / "figures").glob("*.svg"))
    assert figures
    for figure in figures:
        text = figure.read_text(encoding="utf-8")
        assert not re.search(r"<script|<foreignObject|\son\w+=|(href|src)=[\"']?(http|java)", text)


@pytest.mark.parametrize("table", ["leading_institutions", "cited_works", "findings"])
def test_a_spreadsheet_shows_the_tables(package: Path, table: str) -> None:
    text = (package / f"{table}.csv").read_bytes().decode()
    kept = pq.read_table(package / f"{table}.parquet")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == kept.num_rows
    for field in kept.schema:
        for row, value in zip(rows, kept[field.name].to_pylist(), strict=True):
            if isinstance(value, str):
                assert not re.match(r"\s*[=+@-]|[\t\r]", row[field.name])
                assert row[field.name].removeprefix("'") == value.removeprefix("'")
            elif isinstance(value, int) and not isinstance(value, bool):
                assert row[field.name] == str(value)


def test_the_package_says_who_made_what_and_nothing_acts(results: Results, package: Path) -> None:
    crate = json.loads((package / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert next(one for one in crate["@graph"] if one["@id"] == "./")["name"] == TITLE
    readme = (package / "README.md").read_text(encoding="utf-8")
    assert not re.search(r"(?<!\\)<(img|script)|(?<!\\)\]\(javascript", readme)
    assert obeyed(readme) == []
    assert max(map(len, readme.splitlines())) < 1000
    assert Study.load(package / "study.toml").study.title == TITLE


@pytest.mark.parametrize("verb", ["findings", "diff"])
def test_the_terminal_shows_names_and_obeys_none(results: Results, verb: str) -> None:
    others = [str(results.path)] if verb == "diff" else []
    done = CliRunner().invoke(app, [verb, str(results.path), *others], env={"COLUMNS": "80"})
    assert done.exception is None
    assert obeyed(done.output) == []
    if verb == "findings":
        assert MARKUP in done.output
        assert "[red]markup[/] [/nothing] :smile:" in done.output


def test_the_end_of_a_run_obeys_no_title(
    results: Results, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from isthmus.cli import console

    monkeypatch.setattr(console, "field_summary", lambda _: "2000-2006: 5 works")
    for line in console.run_end(results, "report", "explorer"):
        terminal.say(line)
    shown = capsys.readouterr().out
    assert obeyed(shown) == []
    assert "led with" in shown
    assert len(shown.splitlines()) <= 20


def test_an_error_about_a_hostile_file_obeys_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["isthmus", "verify", f"no [red]{ESCAPES}"])
    with pytest.raises(SystemExit, match="1"):
        isthmus.cli.main()
    said = capsys.readouterr().err
    assert "no [red]" in said
    assert obeyed(said) == []
