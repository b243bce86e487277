"""Poles: who drifts together and apart, against what, and how sure."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Number": "statistics",
    "PanelStatistic": "panel_statistics",
    "analyse": "analysis",
    "analyse_edges": "edge_layers",
    "pole_statistics": "panel_statistics",
    "read_edges": "edge_layers",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"isthmus.poles.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
