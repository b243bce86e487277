"""Numeric kernels: pure functions on arrays that know no tables and no files."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "Affinity": "three_way.affinities",
    "Atypicality": "novelty.venue_pairs",
    "Clusters": "dtw.kmeans",
    "LinkTest": "nulls",
    "Matching": "matching.cem",
    "NullFit": "nulls",
    "Trend": "trends.gls",
    "Disruption": "novelty.disruption_index",
    "affinity": "three_way.affinities",
    "atypicality": "novelty.venue_pairs",
    "cem": "matching.cem",
    "disruption": "novelty.disruption_index",
    "dtw_kmeans": "dtw.kmeans",
    "fit_null": "nulls",
    "link_test": "nulls",
    "poisson_regression": "regression.ppml",
    "trend": "trends.gls",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"isthmus.stats.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
