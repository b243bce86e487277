"""Movers matched with those who stayed, and what the comparison gives.

Calendar year and career age match exactly, output in the year and citations so
far on cut points (coarsened exact matching, Iacus, King & Porro 2012). Two
designs: all others, weighted; and for each mover one other of the same year and
career age drawn at random, which is what the numbers of units in AlShebli et
al. (2023, table S1) suggest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.results import schema_of
from isthmus.stats.matching.cem import Matching, cem
from isthmus.stats.matching.effects import satt
from isthmus.stats.resampling.cluster_bootstrap import MIN_CLUSTERS, cluster_bootstrap

Ints = NDArray[np.int64]

#: Columns of the rows about an experiment.
MATCHED = schema_of("retention")

#: Columns of the rows about a covariate of an experiment.
BALANCE = schema_of("retention_balance")

#: Stands for citations that are not known; those of one year and career age, which match
#: exactly, are all known or all unknown.
UNKNOWN = -1

COVARIATES = ("year", "career_age", "papers_in_year", "citations_before")


@dataclass(frozen=True)
class Rules:
    """How units are matched and effects bootstrapped.

    Attributes
    ----------
    output_cuts, citation_cuts
        Cut points between the outermost; intervals are closed on the right.
    draws, seed
        Of the bootstrap over strata; the seed also draws the sample of others.
    min_clusters
        Effective number of strata each side needs for an interval.
    """

    output_cuts: tuple[int, ...]
    citation_cuts: tuple[int, ...]
    draws: int
    seed: int
    min_clusters: float = MIN_CLUSTERS


def compare(name: str, units: pa.Table, rules: Rules) -> tuple[pa.Table, pa.Table]:
    """Compare movers with others, all of them and one drawn for each mover.

    Parameters
    ----------
    name
        Of the experiment; the sampled one has ``:sampled`` behind it.
    units
        As :func:`isthmus.mobility.retention.units`, in any order.

    Returns
    -------
    tuple of pa.Table
        One row per design (:data:`MATCHED`; means are percentages of later
        papers), and one per design and covariate (:data:`BALANCE`).
    """
    ordered = units.sort_by([(key, "ascending") for key in ("author_id", "year", "treated")])
    columns = {
        c: pc.fill_null(ordered[c], UNKNOWN).to_numpy().astype(np.int64)
        for c in ordered.column_names
    }
    rows, balance = [], []
    drawn = sampled(columns, rules.seed)
    for label, chosen in ((name, np.arange(len(ordered))), (f"{name}:sampled", drawn)):
        row, covariates = _experiment(label, {c: v[chosen] for c, v in columns.items()}, rules)
        rows.append(row)
        balance += covariates
    return pa.Table.from_pylist(rows, MATCHED), pa.Table.from_pylist(balance, BALANCE)


def sampled(columns: dict[str, Ints], seed: int) -> Ints:
    """Draw one other of the same year and career age for each mover, nobody twice.

    Cells of year and career age are served in order, movers of a cell that has
    too few others going without.

    Returns
    -------
    array of int
        Places of all movers and of the drawn others, in order.
    """
    rng = np.random.default_rng(seed)
    cell = columns["year"] * 10_000 + columns["career_age"]
    treated = columns["treated"] == 1
    movers, others = np.flatnonzero(treated), np.flatnonzero(~treated)
    by_cell = others[np.argsort(cell[others], kind="stable")]
    wanted, number = np.unique(cell[movers], return_counts=True)
    first = np.searchsorted(cell[by_cell], wanted)
    last = np.searchsorted(cell[by_cell], wanted, side="right")
    used: set[int] = set()
    drawn: list[int] = []
    for low, high, count in np.column_stack([first, last, number]).tolist():
        shuffled = by_cell[low:high][rng.permutation(high - low)]
        free = [i for i in shuffled.tolist() if int(columns["author_id"][i]) not in used][:count]
        used.update(columns["author_id"][free].tolist())
        drawn += free
    return np.sort(np.concatenate([movers, np.array(drawn, np.int64)]))


def _experiment(
    label: str, columns: dict[str, Ints], rules: Rules
) -> tuple[dict[str, object], list[dict[str, object]]]:
    treated = columns["treated"] == 1
    share = 100 * columns["joined"] / np.maximum(columns["later"], 1)
    matching = _match(columns, treated, rules)
    effect = satt(share, treated, matching.weight)
    # Strata are drawn whole: a mover's difference from its controls holds their spread
    # already, which drawing controls one by one would count a second time.
    drawn = cluster_bootstrap(
        share,
        treated,
        matching.stratum,
        matching.stratum,
        draws=rules.draws,
        seed=rules.seed,
        widen=stretch(share, treated, matching, columns["author_id"]),
        min_clusters=rules.min_clusters,
    )
    counts = matching.counts
    row: dict[str, object] = {
        "experiment": label,
        "year": None,
        "treated": counts.treated,
        "control": counts.control,
        "treated_matched": counts.treated_matched,
        "control_matched": counts.control_matched,
        "l1_before": _known(matching.l1_before),
        "l1_after": _known(matching.l1_after),
        "mean_treated": _known(effect.mean_treated),
        "mean_control": _known(effect.mean_control),
        "effect_percent": _known(effect.percent),
        "ci_low": _known(drawn.percent_low),
        "ci_high": _known(drawn.percent_high),
        "p": _known(drawn.p),
        "effective_clusters": _known(drawn.effective),
        "reason": drawn.note,
        "note": matching.note,
    }
    return row, [
        {
            "experiment": label,
            "year": None,
            "covariate": covariate.name,
            "before": _known(covariate.before),
            "after": _known(covariate.after),
        }
        for covariate in matching.balance
    ]


def stretch(
    share: NDArray[np.float64], treated: NDArray[np.bool_], matching: Matching, author: Ints
) -> float:
    """How much longer the effect's error is because scientists are controls in several strata.

    The variance of the log ratio of means, clustered by strata, plus what control means of
    different strata share through the same scientists (two-way clustering, Cameron, Gelbach
    and Miller 2011), as a ratio of errors; 1 where there is nothing to share.
    """
    stratum, kept = matching.stratum, matching.weight > 0
    one, zero = kept & treated, kept & ~treated
    strata = int(stratum.max(initial=-1)) + 1
    n_one, n_zero = (np.bincount(stratum[side], minlength=strata) for side in (one, zero))
    sums = [np.bincount(stratum[s], weights=share[s], minlength=strata) for s in (one, zero)]
    expected = n_one * sums[1] / np.maximum(n_zero, 1)
    if not (expected.sum() > 0 and sums[0].sum() > 0):
        return 1.0
    mean_one, mean_zero = sums[0].sum() / n_one.sum(), expected.sum() / n_one.sum()
    own = np.square(sums[0] / mean_one - expected / mean_zero).sum()
    place = stratum[zero]
    part = n_one[place] / n_zero[place] * (share[zero] / mean_zero - 1)
    who = np.unique(author[zero], return_inverse=True)[1]
    shared = np.square(np.bincount(who, weights=part)).sum() - np.square(part).sum()
    return math.sqrt(max(1.0, 1 + shared / own)) if own > 0 else 1.0


def _match(columns: dict[str, Ints], treated: NDArray[np.bool_], rules: Rules) -> Matching:
    cuts = {"papers_in_year": rules.output_cuts, "citations_before": rules.citation_cuts}
    return cem(
        {name: columns[name] for name in COVARIATES},
        treated,
        exact=("year", "career_age"),
        cutpoints={name: np.array([-np.inf, *inner, np.inf]) for name, inner in cuts.items()},
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
