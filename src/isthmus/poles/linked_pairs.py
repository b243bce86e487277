"""Which of very many places work together more than their sizes give: no pair is left out."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.results import schema_of
from isthmus.stats.nulls.linked_pairs import linked_pair_test
from isthmus.study import Places

SCHEMA = schema_of("linked_pairs")

_MEASURES = ["expected", "z", "p_more", "q", "log_ratio", "log_ratio_low", "log_ratio_high"]


def linked_pairs(collaboration: pa.Table, rules: Places) -> pa.Table:
    """Test the joint works of every year against the multi-edge null model.

    The null model is fitted to all places of a year, and false discoveries are counted among
    all their pairs; listed are pairs with ``places.pair_works`` joint works in the year.

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
    parts = [SCHEMA.empty_table()]
    for year in sorted(pc.unique(collaboration["year"]).to_pylist()):
        rows = collaboration.filter(pc.equal(collaboration["year"], year))
        codes = pc.unique(pa.chunked_array([*rows["source"].chunks, *rows["target"].chunks]))
        ends = [
            pc.index_in(rows[e], codes).to_numpy().astype(np.int64) for e in ("source", "target")
        ]
        weight = rows["works_whole"].to_numpy().astype(np.float64)
        test = linked_pair_test(ends[0], ends[1], weight, len(codes))
        made = rows.select(["year", "source", "target"]).append_column("observed", [weight])
        for name in _MEASURES:
            made = made.append_column(name, [getattr(test, name)])
        parts.append(made.filter(weight >= rules.pair_works).cast(SCHEMA))
    return pa.concat_tables(parts)
