"""What a real browser makes of the explorer's own server and of the CSV that pages give."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from browser.browsers import Browser, served
from isthmus.report.server import LOOPBACK, server_of
from isthmus.results.csv_files import inert

TEXTS = ["=1+1", "+1", "-5", "@A", "\t=1", "\r=1", " \n=1", "＝1", "'=1", "A-B", "5", "", "'q'"]


@pytest.fixture
def own_server(site: Path) -> Iterator[str]:
    with server_of(site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{LOOPBACK}:{server.server_port}"
        server.shutdown()


def test_pages_work_under_the_headers_of_the_server(browser: Browser, own_server: str) -> None:
    browser.open(f"{own_server}/countries.html")
    assert browser.complaints() == []
    assert browser.script("return document.querySelectorAll('svg, canvas').length") > 0


def test_a_page_from_elsewhere_cannot_load_the_data(
    browser: Browser, own_server: str, tmp_path: Path
) -> None:
    """The data are scripts, which pages may load from anywhere unless the server says no."""
    page = '<script>isthmus={{meta:"none"}}</script><script src="{}/data/meta.js"></script>'
    (tmp_path / "thief.html").write_text(page.format(own_server))
    with served(tmp_path) as elsewhere:
        browser.driver.get(f"{elsewhere}/thief.html")
        assert browser.script("return isthmus.meta") == "none"
        assert any("meta.js" in complaint for complaint in browser.complaints())


def test_a_page_gives_the_csv_that_the_results_have(browser: Browser, own_server: str) -> None:
    browser.open(f"{own_server}/countries.html")
    code = "return isthmus.csv([{key: 'text'}, {key: 'number'}], arguments[0])"
    saved = browser.script(code, [{"text": text, "number": -5} for text in TEXTS])
    rows = list(csv.DictReader(io.StringIO(saved, newline="")))
    assert [row["text"] for row in rows] == inert(pa.table({"t": TEXTS}))["t"].to_pylist()
    assert {row["number"] for row in rows} == {"-5"}
