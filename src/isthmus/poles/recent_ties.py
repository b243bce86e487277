"""How strongly countries are tied now: the last years of `links` in one number a pair."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.study.sections import AFFINITY

#: Years of the window, and events that sizes alone must give in it for a ratio to be shown.
WINDOW, LEAST_EXPECTED = 5, 5.0

#: Upper over lower limit from which a ratio says nothing and is not shown.
WIDEST = 100.0


def recent_ties(
    links: pa.Table, null_model: str, *, layer: str = "collaboration", window: int = WINDOW
) -> pa.Table:
    """Return how many times more than usual two countries work together, over the last years.

    The ratio is the geometric mean of the yearly ``exp(affinity)``. Its limits are those of
    the yearly limits: years share the effects of countries, so that averaging is not taken to
    make the interval narrower.

    Parameters
    ----------
    links
        Result table ``links``.
    null_model
        Null model whose expectation decides whether there is enough to say.
    layer
        Layer of links.
    window
        Years, counted back from the last year of the layer.

    Returns
    -------
    pyarrow.Table
        One row per pair as it stands in `links`: ``source``, ``target``, ``first_year``,
        ``last_year``, ``observed``, ``expected`` (events, summed), ``ratio``, ``low``, ``high``
        (times what is usual for the two). The last three are null where ``expected`` is below
        :data:`LEAST_EXPECTED`, no year has an affinity, or the limits are further apart than
        :data:`WIDEST`. Without affinities there is no row.
    """
    rows = links.filter(pc.equal(links["layer"], layer))
    if not rows.num_rows or "affinity" not in links.column_names:
        return _SCHEMA.empty_table()
    last = int(pc.max(rows["year"]).as_py())
    first = max(last - window + 1, int(pc.min(rows["year"]).as_py()))
    rows = rows.filter(pc.greater_equal(rows["year"], first))
    keys = ["source", "target"]
    tied = rows.filter(pc.equal(rows["null_model"], AFFINITY)).group_by(keys, use_threads=False)
    means = tied.aggregate([(f"affinity{end}", "mean") for end in ("", "_low", "_high")])
    counted = rows.filter(pc.equal(rows["null_model"], null_model))
    sums = counted.group_by(keys, use_threads=False).aggregate(
        [("observed", "sum"), ("expected", "sum")]
    )
    both = means.join(sums, keys, join_type="inner", use_threads=False)
    both = both.sort_by([(key, "ascending") for key in keys])
    enough = np.nan_to_num(both["expected_sum"].to_numpy().astype(float)) >= LEAST_EXPECTED
    spread = both["affinity_high_mean"].to_numpy() - both["affinity_low_mean"].to_numpy()
    enough &= np.nan_to_num(spread, nan=np.inf) <= np.log(WIDEST)
    ratios = [
        pa.array(np.where(enough, np.exp(both[name].to_numpy()), np.nan), from_pandas=True)
        for name in ("affinity_mean", "affinity_low_mean", "affinity_high_mean")
    ]
    years = [pa.array(np.full(both.num_rows, year), pa.int64()) for year in (first, last)]
    counts = [both[name].cast(pa.float64()) for name in ("observed_sum", "expected_sum")]
    return pa.Table.from_arrays(
        [both["source"], both["target"], *years, *counts, *ratios], schema=_SCHEMA
    )


_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("source", "target")]
    + [(name, pa.int64()) for name in ("first_year", "last_year")]
    + [(name, pa.float64()) for name in ("observed", "expected", "ratio", "low", "high")]
)
