"""Numeric kernels: pure functions on arrays that know no tables and no files."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isthmus.stats.dtw.kmeans import Clusters as Clusters
    from isthmus.stats.dtw.kmeans import dtw_kmeans as dtw_kmeans
    from isthmus.stats.matching.cem import Matching as Matching
    from isthmus.stats.matching.cem import cem as cem
    from isthmus.stats.matching.effects import Effect as Effect
    from isthmus.stats.matching.effects import satt as satt
    from isthmus.stats.matching.sensitivity import EValue as EValue
    from isthmus.stats.matching.sensitivity import RosenbaumBounds as RosenbaumBounds
    from isthmus.stats.matching.sensitivity import e_value as e_value
    from isthmus.stats.matching.sensitivity import rosenbaum_bounds as rosenbaum_bounds
    from isthmus.stats.novelty.disruption_index import Disruption as Disruption
    from isthmus.stats.novelty.disruption_index import disruption as disruption
    from isthmus.stats.novelty.venue_pairs import Atypicality as Atypicality
    from isthmus.stats.novelty.venue_pairs import atypicality as atypicality
    from isthmus.stats.nulls import LinkTest as LinkTest
    from isthmus.stats.nulls import NullFit as NullFit
    from isthmus.stats.nulls import fit_bipartite as fit_bipartite
    from isthmus.stats.nulls import fit_null as fit_null
    from isthmus.stats.nulls import fit_panel as fit_panel
    from isthmus.stats.nulls import fit_team_counts as fit_team_counts
    from isthmus.stats.nulls import link_test as link_test
    from isthmus.stats.nulls import sample as sample
    from isthmus.stats.ppml import poisson_regression as poisson_regression
    from isthmus.stats.resampling.bootstrap import BootstrapMean as BootstrapMean
    from isthmus.stats.resampling.bootstrap import bootstrap_mean as bootstrap_mean
    from isthmus.stats.resampling.cluster_bootstrap import BootstrapEffect as BootstrapEffect
    from isthmus.stats.resampling.cluster_bootstrap import cluster_bootstrap as cluster_bootstrap
    from isthmus.stats.three_way.affinities import Affinity as Affinity
    from isthmus.stats.three_way.affinities import affinity as affinity
    from isthmus.stats.trends.gls import Trend as Trend
    from isthmus.stats.trends.gls import trend as trend
    from isthmus.stats.trends.theil_sen import Trends as Trends
    from isthmus.stats.trends.theil_sen import theil_sen as theil_sen
    from isthmus.stats.trends.turning import Turn as Turn
    from isthmus.stats.trends.turning import turning_point as turning_point
    from isthmus.stats.trends.turning import turning_points as turning_points

_HOME = {
    "Affinity": "three_way.affinities",
    "Atypicality": "novelty.venue_pairs",
    "BootstrapEffect": "resampling.cluster_bootstrap",
    "BootstrapMean": "resampling.bootstrap",
    "Clusters": "dtw.kmeans",
    "Disruption": "novelty.disruption_index",
    "EValue": "matching.sensitivity",
    "Effect": "matching.effects",
    "LinkTest": "nulls",
    "Matching": "matching.cem",
    "NullFit": "nulls",
    "RosenbaumBounds": "matching.sensitivity",
    "Trend": "trends.gls",
    "Trends": "trends.theil_sen",
    "Turn": "trends.turning",
    "affinity": "three_way.affinities",
    "atypicality": "novelty.venue_pairs",
    "bootstrap_mean": "resampling.bootstrap",
    "cem": "matching.cem",
    "cluster_bootstrap": "resampling.cluster_bootstrap",
    "disruption": "novelty.disruption_index",
    "dtw_kmeans": "dtw.kmeans",
    "e_value": "matching.sensitivity",
    "fit_bipartite": "nulls",
    "fit_null": "nulls",
    "fit_panel": "nulls",
    "fit_team_counts": "nulls",
    "link_test": "nulls",
    "poisson_regression": "ppml",
    "rosenbaum_bounds": "matching.sensitivity",
    "sample": "nulls",
    "satt": "matching.effects",
    "theil_sen": "trends.theil_sen",
    "trend": "trends.gls",
    "turning_point": "trends.turning",
    "turning_points": "trends.turning",
}

__all__ = sorted(_HOME)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _HOME:
            return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
