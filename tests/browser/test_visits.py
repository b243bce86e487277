"""Every page of the demonstration's own site, over HTTP and from the disk, in a real browser."""

from __future__ import annotations

import base64
import csv
import io
from pathlib import Path

import pytest

from browser.audit import faults, grave_faults, looked_at
from browser.browsers import Browser

#: Pages with tables, and those without.
TABLES = ("countries", "country", "novelty", "pairs", "poles", "topics", "teaming", "movers",
          "coverage")  # fmt: skip
PAGES = ("index", "findings", *TABLES, "methods")

#: Bytes that a page may load, and a site may hold.
MOST_BYTES, MOST_OF_SITE = 2_500_000, 10_000_000

#: Pictures of every page are left here for whoever wants to look; git ignores the folder.
PICTURES = Path(__file__).resolve().parents[2] / "artifacts" / "screenshots"

#: Pixels of a page that its picture shows.
TALLEST = 8000

#: Rows a table shows before more are asked for; these are compared cell by cell.
COMPARED = 100

EVERY = pytest.mark.parametrize("page", PAGES)


@pytest.mark.parametrize("page", ["index", "findings", "countries", "pairs", "poles"])
def test_page_is_calm_and_asks_nobody_else(
    browser: Browser, demo: dict[str, str], page: str
) -> None:
    browser.open(f"{demo['http']}/{page}.html")
    assert browser.complaints() == []
    asked = [url for url in browser.requests() if not url.startswith(("data:", "blob:", "about:"))]
    assert asked
    assert [url for url in asked if not url.startswith(demo["http"])] == []
    code = (
        "return performance.getEntriesByType('resource').reduce((n, e) => n + e.decodedBodySize, 0)"
    )
    assert browser.script(code) < MOST_BYTES
    if page in ("countries", "pairs"):
        tables_sort_filter_and_save(browser)
        selection_survives(browser)
        assert browser.complaints() == []


def test_the_site_is_small(demonstration: Path) -> None:
    files = (demonstration / "site").rglob("*")
    assert sum(path.stat().st_size for path in files if path.is_file()) < MOST_OF_SITE


def tables_sort_filter_and_save(browser: Browser) -> None:
    """Sort by each table's last column, filter by its first row, compare its CSV cell by cell."""
    assert browser.views()
    for view in browser.views():
        name, keys = view["id"], browser.keys(view["id"])
        everything = browser.table(name)
        if not everything:
            continue
        head = f'#{name}-table th[data-key="{keys[-1]}"]'
        sort = f"return document.querySelector('{head}').ariaSort"
        browser.click(f"{head} .sort")
        assert browser.script(sort) in ("ascending", "descending")
        first = browser.script(sort)
        browser.click(f"{head} .sort")
        assert {first, browser.script(sort)} == {"ascending", "descending"}
        word = browser.table(name)[0][1 if len(keys) > 1 else 0].split()[0]
        browser.type(f"#{name}-find", word)
        found = browser.table(name)
        assert 0 < len(found) <= len(everything)
        assert all(word.lower() in " ".join(row).lower() or len(word) == 2 for row in found), name
        saved = browser.download(f"#{name}-view .csv")
        saved_is_shown(browser, name, list(csv.reader(io.StringIO(saved, newline=""))))
        browser.type(f"#{name}-find", "")
        assert len(browser.table(name)) == len(everything)


def saved_is_shown(browser: Browser, name: str, saved: list[list[str]]) -> None:
    """Compare a saved CSV with the columns of the view, and its rows with the cells shown."""
    written = browser.script(
        "const [[keys, ...rows], name] = arguments;"
        "const view = JSON.parse(document.querySelector('script#page').textContent).views"
        "  .find((v) => v.id === name);"
        "const kinds = Object.fromEntries(view.columns.flatMap((c) =>"
        "  [c.key, ...(c.ends || [])].map((key) => [key, c.kind])));"
        "const read = (text, kind) => text === '' ? null"
        "  : ['text', 'word', 'country'].includes(kind) ? text"
        "  : kind === 'flag' ? text === 'true' : isNaN(text) ? text : Number(text);"
        "const shown = [...document.querySelectorAll(`#${name}-table th`)]"
        "  .map((th) => view.columns.find((c) => c.key === th.dataset.key));"
        "return [isthmus.csvKeys(view.columns), rows.map((row) => {"
        "  const made = Object.fromEntries(keys.map((key, at) =>"
        "    [key, read(row[at], kinds[key])]));"
        "  return shown.map((column) => isthmus.shown(made, column).join(''));"
        "})];",
        saved[: COMPARED + 1],
        name,
    )
    assert saved[0] == written[0]
    assert written[1]
    assert written[1] == browser.table(name)[:COMPARED]
    shown = browser.script(f"return document.querySelector('#{name}-view .status').textContent")
    assert len(saved) - 1 == int(shown.split()[0].replace(",", ""))


def selection_survives(browser: Browser) -> None:
    """Choose another option of the page's first control; reload; go back."""
    code = """
        const select = document.querySelector('#controls select');
        return select && select.options.length > 1
          ? [select.id, select.value, [...select.options].map((o) => o.value)] : null;
    """
    found = browser.script(code)
    if found is None:
        return
    control, before, options = found
    other = next(value for value in options if value not in (before, ""))
    browser.choose(f"#{control}", other)
    address = browser.driver.current_url
    chosen = [browser.table(view["id"]) for view in browser.views()]
    browser.driver.refresh()
    browser.wait()
    assert browser.driver.current_url == address
    assert [browser.table(view["id"]) for view in browser.views()] == chosen
    browser.driver.back()
    browser.wait()
    kept = f"return document.getElementById('{control}').value"
    if before:
        assert browser.script(kept) == before


@EVERY
def test_page_is_within_everybodys_reach(browser: Browser, demo: dict[str, str], page: str) -> None:
    """In three widths nothing scrolls sideways, is cut or overlaps; axe finds no grave fault.

    Pictures in both themes are left behind.
    """
    browser.size(1280)
    browser.open(f"{demo['file']}/{page}.html")
    for width, theme in looked_at(browser):
        assert faults(browser) == []
        picture(browser, f"{page}-{width}-{theme}")
        other = "dark" if theme == "light" else "light"
        browser.prefer(other)
        browser.wait()
        picture(browser, f"{page}-{width}-{other}")
    assert grave_faults(browser) == []


def picture(browser: Browser, name: str) -> None:
    """Leave a picture of the whole page, of its first :data:`TALLEST` pixels at most."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    width, height = browser.script("return [innerWidth, document.documentElement.scrollHeight]")
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST), "scale": 1}
    taken = browser.do("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
    (PICTURES / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))
