"""Archetypes: what the trends of two countries say, and clusters of whole trajectories.

The archetype of a pair is named by its own trends. Beside it stands its cluster, as in
Gallo et al.: pairs with a trend are clustered by dynamic time warping, and a cluster is
named by the slopes of its centroid, which need not be those of each member.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.layers import Panel
from isthmus.poles.trajectories import Pairs, Trajectories
from isthmus.poles.trend_lines import TURNED, Lines
from isthmus.results import schema_of
from isthmus.stats.dtw.kmeans import Clusters, Rules, dtw_assign, dtw_kmeans
from isthmus.stats.partitions import matched_labels
from isthmus.stats.trends.theil_sen import theil_sen
from isthmus.study.sections import Poles

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Names = NDArray[np.str_]
Flags = NDArray[np.bool_]

#: Archetypes that mean two countries come closer, and that they drift apart.
TOGETHER, APART = ("SC", "KI"), ("SD", "KD")

#: Most pairs in a resample for stability: centroids of a thousand series stand firm.
RESAMPLED = 1000

FLAT, UNTESTED = "flat", "untested"

#: What the codes stand for; the second column where only one layer is known.
MEANINGS = {
    "SC": ("scientific convergence", "convergence"),
    "SD": ("scientific divergence", "divergence"),
    "KI": ("knowledge integration", "knowledge integration"),
    "KD": ("knowledge divergence", "knowledge divergence"),
    FLAT: ("no trend", "no trend"),
    UNTESTED: ("too few tested years", "too few tested years"),
}

ARCHETYPES_SCHEMA = schema_of("archetypes")


@dataclass(frozen=True)
class Archetypes:
    """Archetype of every followed pair under one null model.

    Attributes
    ----------
    codes : (p,) str
        SC, SD, KI, KD, flat or untested, by the pair's own trends.
    cluster : (p,) int
        Cluster of a pair with a trend, -1 of the others.
    centroids : (k, t, d)
    cluster_codes : (k,) str
    clusters : Clusters or None
        None when no pair has a trend.
    """

    codes: Names
    cluster: Ints
    centroids: Floats
    cluster_codes: Names
    clusters: Clusters | None


def name_archetype(collaboration: int | None, citation: int | None) -> str:
    """Name a pattern by the directions of collaboration and citation (1, 0, -1; None unknown).

    Both rise, or one rises while the other is flat or unknown: SC, except that
    citation rising without collaboration is KI. Both fall, or collaboration falls
    while citation is flat or unknown: SD. Citation falling without collaboration
    falling is KD. With citation alone rising is SC and falling SD.

    Examples
    --------
    >>> [name_archetype(1, 1), name_archetype(-1, 1), name_archetype(0, -1)]
    ['SC', 'KI', 'KD']
    >>> [name_archetype(-1, None), name_archetype(None, 1), name_archetype(0, 0)]
    ['SD', 'SC', 'flat']
    """
    if collaboration is None or citation is None or citation == 0:
        known = citation if collaboration is None else collaboration
        return {1: "SC", -1: "SD"}.get(known or 0, FLAT)
    if citation == 1:
        return "SC" if collaboration == 1 else "KI"
    return "SD" if collaboration == -1 else "KD"


def named_by_trends(trends: Mapping[str, Lines]) -> Names:
    """Name the archetype of each pair by its own trends, (p,)."""
    codes = []
    columns = {layer: np.where(found.known, found.sign, UNSEEN) for layer, found in trends.items()}
    p = len(next(iter(columns.values())))
    none = np.full(p, UNSEEN)
    both = zip(columns.get("collaboration", none), columns.get("citation", none), strict=True)
    for one, other in both:
        codes.append(_CODES[int(one), int(other)])
    return np.array(codes, dtype="<U8")


#: Stands for a trend that is not known.
UNSEEN = 9

_CODES = {
    (one, other): UNTESTED
    if one == other == UNSEEN
    else name_archetype(None if one == UNSEEN else one, None if other == UNSEEN else other)
    for one in (-1, 0, 1, UNSEEN)
    for other in (-1, 0, 1, UNSEEN)
}


def archetypes(
    seen: Trajectories, trends: Mapping[str, Lines], settings: Poles, seed: int
) -> Archetypes:
    """Name the pairs by their trends, and cluster those that have one.

    A pair none of whose series has a trend takes no part in the clustering:
    standardised noise would pass for a trajectory; neither do pairs with gaps.
    """
    layers = [name for name in ("collaboration", "citation") if name in trends]
    moving = seen.usable & np.any([trends[name].sign != 0 for name in layers], axis=0)
    clusters = _clustered(seen.standardised[moving], settings, seed)
    centroids = clusters.centroids if clusters is not None else seen.standardised[:0]
    named = _cluster_codes(centroids, layers, settings)
    cluster = np.full(len(moving), -1)
    if clusters is not None:
        cluster[moving] = clusters.labels
    return Archetypes(named_by_trends(trends), cluster, centroids, named, clusters)


def _clustered(series: Floats, settings: Poles, seed: int) -> Clusters | None:
    k = min(settings.archetypes, len(series))
    if not k:
        return None
    return dtw_kmeans(
        series, k, n_init=settings.n_init, seed=seed, window=settings.dtw_window, polish=1
    )


def _cluster_codes(centroids: Floats, names: list[str], settings: Poles) -> Names:
    """Name each centroid by the signs of its Theil-Sen changes over the whole span."""
    codes = []
    for centroid in centroids:
        change = theil_sen(centroid.T).slope * (len(centroid) - 1)
        sign = np.where(np.abs(change) >= settings.centroid_change, np.sign(change), 0)
        of = dict(zip(names, sign.astype(int).tolist(), strict=True))
        codes.append(name_archetype(of.get("collaboration"), of.get("citation")))
    return np.array(codes, dtype="<U8")


def stability(found: Archetypes, seen: Trajectories, settings: Poles, seed: int) -> Floats:
    """Share of restarts and of resamples of pairs that put a pair in a cluster so named.

    NaN for pairs outside the clustering. A resample holds as many pairs as there
    are, at most `RESAMPLED`; all pairs then go to the nearest of its centroids.
    """
    share = np.full(len(found.codes), np.nan)
    if found.clusters is None:
        return share
    moving = found.cluster >= 0
    series, labels, k = seen.standardised[moving], found.cluster[moving], len(found.centroids)
    votes = [*found.clusters.restart_labels]
    random = np.random.default_rng(seed)
    quick = Rules(max_barycentre_iter=3, refresh=0, swaps=0)
    size = min(len(series), RESAMPLED)
    for _ in range(settings.n_resamples):
        rows, own = np.sort(random.integers(len(series), size=size)), int(random.integers(2**31))
        other = dtw_kmeans(
            series[rows], k, n_init=2, seed=own, window=settings.dtw_window, polish=1, rules=quick
        )
        assigned = dtw_assign(series, other.centroids, settings.dtw_window)
        votes.append(matched_labels(assigned, labels, k))
    agree = found.cluster_codes[np.array(votes)] == found.cluster_codes[labels]
    share[moving] = agree.mean(axis=0)
    return share


def archetypes_table(
    panel: Panel,
    pairs: Pairs,
    model: str,
    seen: Trajectories,
    trends: Mapping[str, Lines],
    found: Archetypes,
    share: Floats,
    turns: Mapping[str, tuple[Flags, Flags]],
) -> pa.Table:
    """Rows of the table ``archetypes`` for one null model.

    `turns` says by layer whether a pair turned, and whether it was asked.
    """
    codes = np.array(panel.countries, dtype=object)
    alone = int(len(trends) == 1)
    inside = found.cluster >= 0
    named = np.append(found.cluster_codes, "")[found.cluster]
    columns: dict[str, object] = {
        "null_model": [model] * len(pairs),
        "source": codes[pairs.first],
        "target": codes[pairs.second],
        "archetype": found.codes.tolist(),
        "meaning": [MEANINGS[code][alone] for code in found.codes],
        "cluster": pa.array(found.cluster, pa.int16(), mask=~inside),
        "cluster_archetype": pa.array(named.tolist(), pa.string(), mask=~inside),
        "stability": pa.array(share, pa.float64(), from_pandas=True),
    }
    for layer, found_lines in trends.items():
        columns |= _trend_columns(layer, found_lines, theil_sen(seen.raw[layer]).slope)
        turned, asked = turns.get(layer, np.zeros((2, len(pairs)), dtype=bool))
        columns[f"turned_{layer}"] = pa.array(turned, pa.bool_(), mask=~asked)
        columns[f"trend_{layer}"] = [
            TURNED if turned[row] else found_lines.word(row) for row in range(len(pairs))
        ]
    absent = {f.name: pa.nulls(len(pairs), f.type) for f in ARCHETYPES_SCHEMA}
    return pa.table(
        {name: columns.get(name, absent[name]) for name in ARCHETYPES_SCHEMA.names},
        schema=ARCHETYPES_SCHEMA,
    )


def _trend_columns(layer: str, found: Lines, robust: Floats) -> dict[str, object]:
    numbers = {
        "slope": found.slope,
        "slope_low": found.low,
        "slope_high": found.high,
        "slope_theil_sen": np.where(found.known, robust, np.nan),
        "p": found.p,
        "bend_p": found.bend_p,
    }
    return {
        f"{what}_{layer}": pa.array(values, pa.float64(), from_pandas=True)
        for what, values in numbers.items()
    }
