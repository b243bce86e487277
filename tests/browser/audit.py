"""What is wrong with a page in a browser: scrolling, overlaps, digits, names, accessibility."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import axe_core_python

from browser.browsers import Browser

#: Widths in pixels, each with the theme in which it is looked at.
WIDTHS = ((1280, "light"), (768, "light"), (390, "dark"))

#: Accessibility faults that a page must not have.
GRAVE = {"serious", "critical"}

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


def faults(browser: Browser) -> list[str]:
    """Return what is wrong with the page that is open."""
    code = Path(__file__).with_name("audit.js").read_text(encoding="utf-8")
    found: Any = browser.script(code)
    return list(found)


def looked_at(browser: Browser) -> Iterator[tuple[int, str]]:
    """Show the open page in each of :data:`WIDTHS`, the last of them dark."""
    for width, theme in WIDTHS:
        browser.size(width)
        browser.prefer(theme)
        browser.wait()
        yield width, theme


def grave_faults(browser: Browser) -> list[tuple[str, str]]:
    """Return what axe finds grave on the open page: all its rules, colours in both themes."""
    axe = Path(axe_core_python.__file__).with_name("axe.min.js")
    found = []
    for theme, options in (("dark", "{runOnly: ['color-contrast']}"), ("light", "{}")):
        browser.prefer(theme)
        browser.wait()
        browser.script(FEW_ROWS, OF_A_KIND)
        browser.script(axe.read_text(encoding="utf-8"))
        ground = browser.script("return getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(22, 24, 27)") == (theme == "dark")
        found += _of_axe(browser, options)
    return found


def _of_axe(browser: Browser, options: str) -> list[tuple[str, str]]:
    code = f"const done = arguments[arguments.length - 1]; axe.run({options}).then(done, done);"
    found = browser.driver.execute_async_script(code)
    assert found["passes"], "axe checked nothing"
    return [
        (fault["id"], fault["nodes"][0]["html"])
        for fault in found["violations"]
        if fault["impact"] in GRAVE
    ]
