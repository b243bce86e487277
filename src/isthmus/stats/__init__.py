"""Numeric kernels: pure functions on arrays that know no tables and no files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from isthmus.stats.blocs.find import Blocs as Blocs
    from isthmus.stats.blocs.find import find_blocs as find_blocs
    from isthmus.stats.dtw.kmeans import Clusters as Clusters
    from isthmus.stats.dtw.kmeans import dtw_distance as dtw_distance
    from isthmus.stats.dtw.kmeans import dtw_kmeans as dtw_kmeans
    from isthmus.stats.event_studies import EventStudy as EventStudy
    from isthmus.stats.event_studies import event_study as event_study
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
    from isthmus.stats.three_way.sparse import SparseAffinity as SparseAffinity
    from isthmus.stats.three_way.sparse import sparse_affinity as sparse_affinity
    from isthmus.stats.trends.gls import Trend as Trend
    from isthmus.stats.trends.gls import trend as trend
    from isthmus.stats.trends.theil_sen import Trends as Trends
    from isthmus.stats.trends.theil_sen import theil_sen as theil_sen
    from isthmus.stats.trends.turning import Turn as Turn
    from isthmus.stats.trends.turning import turning_point as turning_point
    from isthmus.stats.trends.turning import turning_points as turning_points

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_loader.attach(
        __name__,
        submod_attrs={
            "blocs.find": ["Blocs", "find_blocs"],
            "dtw.kmeans": ["Clusters", "dtw_distance", "dtw_kmeans"],
            "event_studies": ["EventStudy", "event_study"],
            "matching.cem": ["Matching", "cem"],
            "matching.effects": ["Effect", "satt"],
            "matching.sensitivity": ["EValue", "RosenbaumBounds", "e_value", "rosenbaum_bounds"],
            "novelty.disruption_index": ["Disruption", "disruption"],
            "novelty.venue_pairs": ["Atypicality", "atypicality"],
            "nulls": [
                "LinkTest",
                "NullFit",
                "fit_bipartite",
                "fit_null",
                "fit_panel",
                "fit_team_counts",
                "link_test",
                "sample",
            ],
            "ppml": ["poisson_regression"],
            "resampling.bootstrap": ["BootstrapMean", "bootstrap_mean"],
            "resampling.cluster_bootstrap": ["BootstrapEffect", "cluster_bootstrap"],
            "three_way.affinities": ["Affinity", "affinity"],
            "three_way.sparse": ["SparseAffinity", "sparse_affinity"],
            "trends.gls": ["Trend", "trend"],
            "trends.theil_sen": ["Trends", "theil_sen"],
            "trends.turning": ["Turn", "turning_point", "turning_points"],
        },
    )
