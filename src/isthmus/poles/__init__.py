"""Poles: who drifts together and apart, against what, and how sure."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isthmus.poles.analysis import analyse as analyse
    from isthmus.poles.edge_layers import analyse_edges as analyse_edges
    from isthmus.poles.edge_layers import read_edges as read_edges
    from isthmus.poles.panel_statistics import PanelStatistic as PanelStatistic
    from isthmus.poles.panel_statistics import pole_statistics as pole_statistics
    from isthmus.poles.statistics import Number as Number

_HOME = {
    "Number": "statistics",
    "PanelStatistic": "panel_statistics",
    "analyse": "analysis",
    "analyse_edges": "edge_layers",
    "pole_statistics": "panel_statistics",
    "read_edges": "edge_layers",
}

__all__ = sorted(_HOME)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _HOME:
            return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
