"""An experiment on more papers than fit in memory: grouped in the engine, compared from sums.

Papers alike in year, institution and team size that are on one side of the experiment
differ in citations alone, so their number and the sums of citations and of their squares
say all that counts, means, Welch's test, imbalance and the bootstrap ask for. Medians,
the largest papers, the mean logarithm, Rosenbaum bounds and the Poisson regression need
the papers themselves and are left empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.engine import Engine, Table
from isthmus.stats.matching.cem import Matching, cem
from isthmus.stats.matching.effects import satt_of_sums
from isthmus.stats.resampling.cluster_bootstrap import BootstrapEffect, bootstrap_sums
from isthmus.teaming.matched_papers import Rules, balance_rows, known, matched_row, sensitivity_row

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: What the papers of a group share.
KEY = ("year", "institution_id", "team_size", "treated", "cluster")


@dataclass(frozen=True)
class Groups:
    """Groups of papers alike; arrays over groups, -1 for an unknown institution.

    `cluster` tells papers of unknown institution apart. `count`, `total`, `squares`
    and `hits` are papers, the sums of their outcome and its square, and the hits.
    """

    year: Ints
    institution_id: Ints
    team_size: Ints
    treated: Ints
    cluster: Ints
    count: Ints
    total: Floats
    squares: Floats
    hits: Ints

    def only(self, chosen: NDArray[np.bool_]) -> Groups:
        """Keep some groups."""
        return Groups(**{name: values[chosen] for name, values in vars(self).items()})


def grouped(papers: Table) -> Table:
    """Add up the papers that are alike.

    Parameters
    ----------
    papers
        ``work_id``, ``year``, ``institution_id``, ``team_size``, ``c_k``, ``treated`` and
        ``is_hit`` (0 or 1).

    Returns
    -------
    Table
        One row per year, institution, team size and side; a paper of unknown institution
        is a row of its own.
    """
    alone = papers.institution_id.isnull()
    marked = papers.mutate(
        institution_id=papers.institution_id.fill_null(-1),
        cluster=ibis.ifelse(alone, -1 - papers.work_id, papers.institution_id),
    )
    outcome = marked.c_k.cast("int64")
    return marked.group_by(*KEY).agg(
        count=marked.count(),
        total=outcome.sum().cast("float64"),
        squares=(outcome * outcome).sum().cast("float64"),
        hits=marked.is_hit.sum().cast("int64"),
    )


def read(engine: Engine, papers: Table) -> Groups:
    """Group papers in the engine and read the groups, in the order of their key."""
    rows = engine.collect(grouped(papers)).sort_by([(name, "ascending") for name in KEY])
    kinds = dict.fromkeys(("total", "squares"), np.float64)
    columns: dict[str, Any] = {
        name: _array(rows[name]).astype(kinds.get(name, np.int64)) for name in rows.column_names
    }
    return Groups(**columns)


def _array(column: pa.ChunkedArray) -> NDArray[Any]:
    values: NDArray[Any] = column.combine_chunks().to_numpy(zero_copy_only=False)
    return values


def compare_groups(name: str, groups: Groups, rules: Rules) -> dict[str, list[dict[str, Any]]]:
    """Compare the two sides in each year and over all, as :func:`~.matched_papers.compare` does."""
    rows: dict[str, list[dict[str, Any]]] = {
        "matched": [], "balance": [], "measures": [], "unmatched": []
    }  # fmt: skip
    for year, part in _parts(groups):
        key = {"experiment": name, "year": year}
        matching = match_groups(part, rules)
        drawn = _bootstrap(part, matching, rules)
        row, measured = _rows(part, matching, drawn)
        rows["matched"].append(key | row)
        rows["balance"] += [key | covariate for covariate in balance_rows(matching)]
        rows["measures"].append(key | measured | sensitivity_row(drawn))
        if year is None:
            rows["unmatched"] = list(_unmatched(name, part, matching))
    return rows


def _parts(groups: Groups) -> Iterator[tuple[int | None, Groups]]:
    yield None, groups
    for year in np.unique(groups.year).tolist():
        yield year, groups.only(groups.year == year)


def match_groups(groups: Groups, rules: Rules) -> Matching:
    """Match as :func:`~.matched_papers.match` does, each group standing for its papers."""
    return cem(
        {
            "year": groups.year,
            "institution": groups.institution_id,
            "team_size": groups.team_size,
        },
        groups.treated,
        exact=("year", "institution"),
        cutpoints={"team_size": np.array([-np.inf, *rules.team_cuts, np.inf])},
        count=groups.count,
    )


def _bootstrap(groups: Groups, matching: Matching, rules: Rules) -> BootstrapEffect:
    treated = groups.treated == 1
    count = groups.count.astype(np.float64)
    columns = [
        np.where(side, of, 0.0) for side in (treated, ~treated) for of in (count, groups.total)
    ]
    # Papers of unknown institution come first, newest first, as their order among papers says.
    cluster = np.unique(groups.cluster, return_inverse=True)[1].astype(np.int64)
    return bootstrap_sums(
        matching.stratum,
        cluster,
        np.column_stack(columns),
        draws=rules.draws,
        seed=rules.seed,
        min_clusters=rules.min_clusters,
    )


def _rows(
    groups: Groups, matching: Matching, drawn: BootstrapEffect
) -> tuple[dict[str, Any], dict[str, Any]]:
    treated, count = groups.treated == 1, groups.count.astype(np.float64)
    effect = satt_of_sums(treated, matching.weight, count, groups.total, groups.squares)
    hits = groups.hits.astype(np.float64)
    top = satt_of_sums(treated, matching.weight, count, hits, hits)
    measured = {
        "mean_control_unweighted": effect.mean_control_unweighted,
        "hit_share_treated": top.mean_treated,
        "hit_share_control": top.mean_control,
        "common_support_before": matching.common_support_before,
        "common_support_after": matching.common_support_after,
    }
    numbers = {name: known(value) for name, value in measured.items()}
    return matched_row(matching, drawn, effect), numbers


def _unmatched(name: str, groups: Groups, matching: Matching) -> Iterator[dict[str, Any]]:
    treated = groups.treated == 1
    places = np.column_stack([groups.year, groups.institution_id])[treated]
    papers, lost = groups.count[treated], matching.weight[treated] == 0
    cells, index = np.unique(places, axis=0, return_inverse=True)
    in_all = np.bincount(index.ravel(), weights=papers, minlength=len(cells))
    unmatched = np.bincount(index.ravel(), weights=papers * lost, minlength=len(cells))
    for (year, institution), n, n_lost in zip(cells.tolist(), in_all, unmatched, strict=True):
        if n_lost:
            yield {
                "experiment": name,
                "year": year,
                "institution_id": institution if institution >= 0 else None,
                "treated": int(n),
                "unmatched": int(n_lost),
            }
