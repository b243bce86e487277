"""Centroids of the archetypes: the course of each cluster, with the spread of its members."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.archetypes import Archetypes
from isthmus.poles.layers import Panel
from isthmus.poles.trajectories import Trajectories
from isthmus.results import schema_of

Floats = NDArray[np.float64]

#: One row per null model, cluster, layer and year of the panel.
CENTROIDS_SCHEMA = schema_of("centroids")


def centroids_table(panel: Panel, model: str, seen: Trajectories, found: Archetypes) -> pa.Table:
    """Rows of the table ``centroids`` for one null model.

    ``value`` is the barycentre of the cluster under dynamic time warping, in
    standard deviations of a pair's own series; ``low`` and ``high`` are the
    quartiles of its members in the year. Warping aligns courses, not calendars,
    so a step of the barycentre is a year on average only.
    """
    layers = [name for name in ("collaboration", "citation") if name in seen.raw]
    parts = [CENTROIDS_SCHEMA.empty_table()]
    for cluster, centroid in enumerate(found.centroids):
        members = seen.standardised[found.cluster == cluster]
        for dimension, layer in enumerate(layers):
            low, high = _quartiles(members[:, :, dimension])
            t = len(centroid)
            columns = {
                "null_model": [model] * t,
                "cluster": np.full(t, cluster, dtype=np.int16),
                "layer": [layer] * t,
                "year": panel.years[:t].astype(np.int16),
                "archetype": [str(found.cluster_codes[cluster])] * t,
                "pairs": np.full(t, len(members), dtype=np.int64),
                "value": centroid[:, dimension],
                "low": low,
                "high": high,
            }
            parts.append(pa.table(columns, schema=CENTROIDS_SCHEMA))
    return pa.concat_tables(parts)


def _quartiles(values: Floats) -> tuple[pa.Array, pa.Array]:
    """Quartiles over the members in each year, null where no member is known: (t,) each."""
    ends = np.full((2, values.shape[1]), np.nan)
    some = np.isfinite(values).any(axis=0)
    ends[:, some] = np.nanpercentile(values[:, some], [25, 75], axis=0)
    low, high = (pa.array(end, pa.float64(), from_pandas=True) for end in ends)
    return low, high
