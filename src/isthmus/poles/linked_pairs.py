"""Which of very many places work together more than their sizes give: no pair is left out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.results import schema_of
from isthmus.stats import sparse_affinity
from isthmus.stats.nulls.linked_pairs import linked_pair_test
from isthmus.study import Places

SCHEMA = schema_of("linked_pairs")

_MEASURES = ["expected", "z", "p_more", "q", "log_ratio", "log_ratio_low", "log_ratio_high"]


def linked_pairs(collaboration: pa.Table, rules: Places) -> pa.Table:
    """Test the joint works of every year against the multi-edge null model.

    The null model is fitted to all places of a year, and false discoveries are counted among
    all their pairs; listed are pairs with ``places.pair_works`` joint works in the year.
    Affinities are those of :func:`isthmus.stats.sparse_affinity` over all years.

    Parameters
    ----------
    collaboration
        ``year, source, target, works_whole``: one row per year and unordered pair.
    rules
        The least joint works of a pair that is listed.

    Returns
    -------
    pa.Table
        One row per year and listed pair.
    """
    listed = pc.greater_equal(collaboration["works_whole"], rules.pair_works)
    collaboration = _with_affinities(collaboration, listed.to_numpy())
    parts = [SCHEMA.empty_table()]
    for year in sorted(pc.unique(collaboration["year"]).to_pylist()):
        rows = collaboration.filter(pc.equal(collaboration["year"], year))
        codes = pc.unique(pa.chunked_array([*rows["source"].chunks, *rows["target"].chunks]))
        ends = [
            pc.index_in(rows[e], codes).to_numpy().astype(np.int64) for e in ("source", "target")
        ]
        weight = rows["works_whole"].to_numpy().astype(np.float64)
        test = linked_pair_test(ends[0], ends[1], weight, len(codes))
        made = rows.drop_columns("works_whole").append_column("observed", [weight])
        for name in _MEASURES:
            made = made.append_column(name, [getattr(test, name)])
        parts.append(made.filter(weight >= rules.pair_works).select(SCHEMA.names).cast(SCHEMA))
    return pa.concat_tables(parts)


def _with_affinities(collaboration: pa.Table, listed: NDArray[np.bool_]) -> pa.Table:
    """Add `affinity` and its limits to the rows; null where not listed or not known."""
    made = collaboration.select(["year", "source", "target", "works_whole"])
    codes = pc.unique(pa.chunked_array([*made["source"].chunks, *made["target"].chunks]))
    source, target = (pc.index_in(made[end], codes).to_numpy() for end in ("source", "target"))
    years, works = made["year"].to_numpy(), made["works_whole"].to_numpy()
    found = sparse_affinity(years, source, target, works, len(codes), asked=listed)
    parts = {"affinity": found.value, "affinity_low": found.low, "affinity_high": found.high}
    for name, values in parts.items():
        made = made.append_column(name, pa.array(values, from_pandas=True))
    return made
