"""What is wrong with a page in a browser: scrolling, overlaps, digits, internal names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browser.browsers import Browser


def faults(browser: Browser) -> list[str]:
    """Return what is wrong with the page that is open."""
    code = Path(__file__).with_name("audit.js").read_text(encoding="utf-8")
    found: Any = browser.script(code)
    return list(found)
