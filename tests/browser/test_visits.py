"""Every page of the demonstration's own site, over HTTP and from the disk, in a real browser."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import axe_core_python
import pytest

from browser.browsers import Browser

PAGES = (
    "index",
    "country",
    "novelty",
    "pairs",
    "poles",
    "teaming",
    "movers",
    "findings",
    "coverage",
    "methods",
)

#: Pictures of every page are left here for whoever wants to look; git ignores the folder.
PICTURES = Path(__file__).resolve().parents[2] / "artifacts" / "screenshots"

#: Accessibility faults that a page must not have.
GRAVE = {"serious", "critical"}

#: Rows a table shows before more are asked for; these are compared cell by cell.
COMPARED = 100

#: Rows of a kind that axe looks at; it takes long over thousands of cells that are alike.
OF_A_KIND = 10

#: Remove further rows of a table whose rows and cells bear the same classes.
FEW_ROWS = """
    for (const body of document.querySelectorAll('tbody')) {
      const seen = {};
      for (const row of [...body.rows]) {
        const kind = [row, ...row.querySelectorAll('*')].map((e) => e.tagName + e.className).join();
        seen[kind] = (seen[kind] || 0) + 1;
        if (seen[kind] > arguments[0]) row.remove();
      }
    }
"""

EVERY = pytest.mark.parametrize("page", PAGES)
BOTH = pytest.mark.parametrize("how", ["http", "file"])


@EVERY
@BOTH
def test_page_is_calm_and_asks_nobody_else(
    browser: Browser, demo: dict[str, str], how: str, page: str
) -> None:
    browser.open(f"{demo[how]}/{page}.html")
    assert browser.complaints() == []
    asked = [url for url in browser.requests() if not url.startswith(("data:", "blob:", "about:"))]
    assert asked
    assert [url for url in asked if not url.startswith(demo[how])] == []
    if how == "http" and page != "methods":
        tables_sort_filter_and_save(browser)
        selection_survives(browser)
        assert browser.complaints() == []


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
        saved_is_shown(browser, name, keys)
        browser.type(f"#{name}-find", "")
        assert len(browser.table(name)) == len(everything)


def saved_is_shown(browser: Browser, name: str, keys: list[str]) -> None:
    saved = list(csv.reader(io.StringIO(browser.download(f"#{name}-view .csv"), newline="")))
    assert saved[0] == keys
    written = browser.script(
        "const [rows, keys, name] = arguments;"
        "const view = JSON.parse(document.getElementById('page').textContent).views"
        "  .find((v) => v.id === name);"
        "const kinds = Object.fromEntries(view.columns.map((c) => [c.key, c.kind]));"
        "const read = (text, kind) => text === '' ? null : kind === 'text' ? text"
        "  : kind === 'flag' ? text === 'true' : isNaN(text) ? text : Number(text);"
        "return rows.map((row) => row.map((text, at) =>"
        "  isthmus.format(read(text, kinds[keys[at]]), kinds[keys[at]])));",
        saved[1 : COMPARED + 1],
        keys,
        name,
    )
    shown_rows = browser.table(name)[:COMPARED]
    assert len(written) == len(shown_rows)
    for one, other in zip(written, shown_rows, strict=True):
        assert [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]] == []
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
    """Axe finds no grave fault, in light and dark; pictures of both are left behind."""
    browser.open(f"{demo['file']}/{page}.html")
    picture(browser, page)
    browser.script(FEW_ROWS, OF_A_KIND)
    axe = Path(axe_core_python.__file__).with_name("axe.min.js")
    browser.script(axe.read_text(encoding="utf-8"))
    assert grave_faults(browser, "{}") == []
    browser.prefer("dark")
    browser.wait()
    browser.script(FEW_ROWS, OF_A_KIND)
    ground = browser.script("return getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(22, 24, 27)"
    assert grave_faults(browser, "{runOnly: ['color-contrast']}") == []
    assert browser.script("return document.documentElement.scrollWidth") <= 1200
    picture(browser, f"{page}-dark")


def grave_faults(browser: Browser, options: str) -> list[tuple[str, str]]:
    code = f"const done = arguments[arguments.length - 1]; axe.run({options}).then(done, done);"
    found = browser.driver.execute_async_script(code)
    assert found["passes"], "axe checked nothing"
    return [
        (fault["id"], fault["nodes"][0]["html"])
        for fault in found["violations"]
        if fault["impact"] in GRAVE
    ]


@EVERY
def test_page_fits_a_phone(browser: Browser, demo: dict[str, str], page: str) -> None:
    browser.size(390, 844)
    browser.open(f"{demo['file']}/{page}.html")
    wide = """
        return [...document.querySelectorAll('body *')].filter((e) => !e.closest('.scroll, .chart')
          && !e.matches('.skip') && e.getBoundingClientRect().right > innerWidth + 1)
          .map((e) => e.outerHTML.slice(0, 120));
    """
    assert browser.script("return document.documentElement.scrollWidth") <= 390
    assert browser.script(wide) == []
    picture(browser, f"{page}-phone")
    browser.prefer("dark")
    browser.wait()
    assert browser.script("return document.documentElement.scrollWidth") <= 390


def picture(browser: Browser, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    browser.driver.save_screenshot(str(PICTURES / f"{name}.png"))


def test_china_its_partners_and_their_csv_in_three_clicks(
    browser: Browser, demo: dict[str, str]
) -> None:
    browser.open(f"{demo['http']}/index.html")
    browser.click('#leaders-table a[href="country.html#country=CN"]')  # one
    assert "China" in browser.script("return document.querySelector('#partners h2').textContent")
    drawn = browser.script("return document.getElementById('partners-chart').hidden")
    assert drawn is False
    saved = list(csv.DictReader(io.StringIO(browser.download("#partners-view .csv"))))  # two
    assert {row["partner"] for row in saved} >= {"US"}
    against = [row for row in saved if row["log_ratio"]]
    assert against
    assert all(float(row["z"]) * float(row["log_ratio"]) >= -0.5 for row in against)
