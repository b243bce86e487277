"""Numeric kernels: pure functions on arrays that know no tables and no files."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Affinity": "affinities",
    "Atypicality": "venue_pairs",
    "Clusters": "dtw",
    "LinkTest": "nulls",
    "Matching": "matching",
    "NullFit": "nulls",
    "Trend": "gls",
    "Disruption": "disruption_index",
    "affinity": "affinities",
    "atypicality": "venue_pairs",
    "cem": "matching",
    "disruption": "disruption_index",
    "dtw_kmeans": "dtw",
    "fit_null": "nulls",
    "link_test": "nulls",
    "poisson_regression": "ppml",
    "trend": "gls",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"isthmus.stats.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
