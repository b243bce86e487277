"""Results as people open them: a page, figures and an explorer. Reads tables, computes nothing."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "build_site": "site",
    "serve": "server",
    "write_figures": "figures",
    "write_report": "page",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"isthmus.report.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
