"""Poles: who drifts together and apart, against what, and how sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from isthmus.poles.analysis import analyse as analyse
    from isthmus.poles.edge_layers import analyse_edges as analyse_edges
    from isthmus.poles.edge_layers import read_edges as read_edges
    from isthmus.poles.panel_statistics import PanelStatistic as PanelStatistic
    from isthmus.poles.panel_statistics import pole_statistics as pole_statistics
    from isthmus.poles.statistics import Number as Number

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_loader.attach(
        __name__,
        submod_attrs={
            "analysis": ["analyse"],
            "edge_layers": ["analyse_edges", "read_edges"],
            "panel_statistics": ["PanelStatistic", "pole_statistics"],
            "statistics": ["Number"],
        },
    )
