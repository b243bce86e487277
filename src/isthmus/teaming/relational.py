"""Coarsened exact matching as relational steps: strata by group-by, weights by join.

What :func:`isthmus.stats.matching.cem.cem` does on arrays, on tables that stay in the
engine. The rules are those of its convention ``"cem"``: intervals closed on the
right, the lowest value included, values beyond the cut points and missing values
one category of their own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import ibis
import numpy as np

from isthmus.engine import Engine, Table

Cuts = Mapping[str, Sequence[float]]

#: Columns that hold a covariate's class are named like it, with this behind.
CLASS = "_class"


def interval(values: Any, cuts: Sequence[float]) -> Any:
    """Class of each value: 0 for the lowest interval; -1 beyond the cut points or missing."""
    breaks, values = sorted(set(cuts)), _without_nan(values)
    passed = reduce(lambda a, b: a + b, [_above(values, cut) for cut in breaks])
    inside = values.notnull()
    if math.isfinite(breaks[0]):
        inside &= values >= breaks[0]
    if math.isfinite(breaks[-1]):
        inside &= values <= breaks[-1]
    code = ibis.greatest(passed - 1, 0)
    return ibis.ifelse(inside.fill_null(False), code, -1).cast("int64")


def _without_nan(values: Any) -> Any:
    """Null in place of what is not a number, which engines sort and compare differently."""
    if not values.type().is_floating():
        return values
    return ibis.ifelse(values.isnan(), None, values)


def _above(values: Any, cut: float) -> Any:
    if math.isinf(cut):
        return ibis.literal(int(cut < 0), "int64")
    return (values > cut).cast("int64")


def coarsened(units: Table, exact: Sequence[str], cuts: Cuts) -> tuple[Table, list[str]]:
    """Add each covariate's class; give the table and the names of its stratum's columns.

    A missing value of an exact covariate is a category of its own, marked by a
    second column, because a join does not find nulls alike.
    """
    added: dict[str, Any] = {f"{n}{CLASS}": interval(units[n], c) for n, c in cuts.items()}
    for name in exact:
        values = _without_nan(units[name])
        blank = ibis.literal("" if values.type().is_string() else 0)
        added[f"{name}{CLASS}"] = values.fill_null(blank)
        added[f"{name}_known"] = values.notnull().cast("int64")
    return units.mutate(**added), sorted(added)


def strata(coarse: Table, key: Sequence[str]) -> Table:
    """Count treated and controls of each stratum.

    Grain: one row per stratum. Columns: the key, ``stratum_treated``, ``stratum_control``.
    """
    treated = coarse.treated.cast("int64")
    return coarse.group_by(*key).agg(
        stratum_treated=treated.sum().cast("int64"), stratum_control=(1 - treated).sum()
    )


def matched(units: Table, exact: Sequence[str], cuts: Cuts) -> Table:
    """Match units in the engine and weigh them (Iacus, King and Porro 2012).

    Parameters
    ----------
    units
        Covariates and ``treated`` (0 or 1, or flags); any other columns are kept.
    exact
        Covariates matched by value, numbers or text.
    cuts
        Break points of the others; infinite outer ones keep every value inside.

    Returns
    -------
    Table
        The units with their classes, ``stratum_treated``, ``stratum_control`` and
        ``weight``: 1 for matched treated, (m_T^s / m_C^s)(m_C / m_T) for matched
        controls of stratum s, 0 for the rest.
    """
    coarse, key = coarsened(units, exact, cuts)
    counted = strata(coarse, key)
    both = counted.filter((counted.stratum_treated > 0) & (counted.stratum_control > 0))
    totals = both.agg(
        all_treated=both.stratum_treated.sum().cast("float64"),
        all_control=both.stratum_control.sum().cast("float64"),
    )
    joined = coarse.inner_join(counted, key).cross_join(totals)
    own = ["stratum_treated", "stratum_control"]
    joined = joined.select(*coarse.columns, *own, "all_treated", "all_control")
    here, there = joined.stratum_treated.cast("float64"), joined.stratum_control.cast("float64")
    # Where a stratum has no control, the ratio is asked for and not used: keep it defined.
    ratio = here / ibis.greatest(there, 1.0) * (joined.all_control / joined.all_treated)
    weight = ibis.ifelse(joined.treated.cast("int64") == 1, 1.0, ratio)
    is_matched = (joined.stratum_treated > 0) & (joined.stratum_control > 0)
    weighed = joined.mutate(weight=ibis.ifelse(is_matched, weight, 0.0))
    return weighed.drop("all_treated", "all_control")


def automatic_cuts(engine: Engine, units: Table, names: Sequence[str]) -> dict[str, list[float]]:
    """Cut points by Sturges' rule, from the engine's least and largest values.

    As many equally spaced break points as R's ``cem`` takes: ceil(log2 n + 1), n counting
    the units with a missing value too. A covariate without any value has no cut points.
    """
    known = {name: _without_nan(units[name]) for name in names}
    asked = {f"{name}_low": known[name].min().cast("float64") for name in names}
    asked |= {f"{name}_high": known[name].max().cast("float64") for name in names}
    row = engine.collect(units.agg(n=units.count(), **asked)).to_pylist()[0]
    if not row["n"]:
        return {}
    count = math.ceil(math.log2(row["n"]) + 1)
    ends = {name: (row[f"{name}_low"], row[f"{name}_high"]) for name in names}
    return {
        name: np.unique(np.linspace(low, high, count)).tolist()
        for name, (low, high) in ends.items()
        if low is not None
    }
