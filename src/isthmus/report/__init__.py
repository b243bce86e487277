"""Results as people open them: a page, figures and an explorer. Reads tables, computes nothing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isthmus.report.explorer import explore as explore
    from isthmus.report.figures import write_figures as write_figures
    from isthmus.report.page import write_report as write_report
    from isthmus.report.server import serve as serve
    from isthmus.report.site import build_site as build_site

_HOME = {
    "build_site": "site",
    "explore": "explorer",
    "serve": "server",
    "write_figures": "figures",
    "write_report": "page",
}

__all__ = sorted(_HOME)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _HOME:
            return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
