"""Joint papers beside the other papers of the same lead and year: team size, institutions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.results import schema_of
from isthmus.stats.matching.stratified import Difference, Sums, difference_of_sums
from isthmus.teaming.matched_papers import known

#: One row per ordered pair of poles and measure.
SCHEMA = schema_of("team_contrasts")

#: Papers, sum and sum of squares by year.
Yearly = Mapping[int, Sequence[float]]


def team_contrasts(
    joint_sizes: pa.Table,
    all_sizes: pa.Table,
    top: pa.Table,
    poles: Sequence[str],
    min_units: float,
) -> pa.Table:
    """Compare joint papers with the other papers of the lead within each year.

    Papers are the units: the interval does not hold what papers of one institution have in
    common.

    Parameters
    ----------
    joint_sizes
        ``lead``, ``group``, ``year``, ``team_size``, ``papers``.
    all_sizes
        ``lead``, ``year``, ``team_size``, ``papers`` of everything a pole leads.
    top
        ``lead``, ``group``, ``year``, ``papers``, ``papers_top_institution``, ``others``,
        ``others_top_institution``.
    poles
        Codes; each ordered pair that has joint papers is compared.

    Returns
    -------
    pa.Table
        One row per pair and measure: ``team_size`` (mean authors) and ``top_institution``
        (share led by one of the most cited institutions). Years weigh as their
        Mantel-Haenszel weights.
    """
    rows = []
    for lead, partner in permutations(poles, 2):
        mine = [r for r in joint_sizes.to_pylist() if (r["lead"], r["group"]) == (lead, partner)]
        if not mine:
            continue
        joint = _sizes(mine)
        everything = _sizes(r for r in all_sizes.to_pylist() if r["lead"] == lead)
        rest = {
            year: [a - b for a, b in zip(sums, joint.get(year, (0, 0, 0)), strict=True)]
            for year, sums in everything.items()
        }
        led = [r for r in top.to_pylist() if (r["lead"], r["group"]) == (lead, partner)]
        measures = {
            "team_size": (joint, rest),
            "top_institution": (
                _shares(led, "papers", "papers_top_institution"),
                _shares(led, "others", "others_top_institution"),
            ),
        }
        for measure, (one, zero) in measures.items():
            years = sorted(one)
            found = difference_of_sums(_sums(one, years), _sums(zero, years), min_units=min_units)
            rows.append({"lead": lead, "partner": partner, "measure": measure} | _row(found))
    return pa.Table.from_pylist(rows, SCHEMA)


def _sizes(rows: Iterable[Mapping[str, Any]]) -> dict[int, list[float]]:
    sums: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for row in rows:
        for power in range(3):
            sums[row["year"]][power] += row["papers"] * row["team_size"] ** power
    return dict(sums)


def _shares(rows: Iterable[Mapping[str, Any]], papers: str, top: str) -> dict[int, list[float]]:
    return {row["year"]: [row[papers], row[top], row[top]] for row in rows}


def _sums(yearly: Yearly, years: Sequence[int]) -> Sums:
    table = np.array([yearly.get(year, (0, 0, 0)) for year in years], dtype=np.float64)
    return Sums(*table.reshape(-1, 3).T)


def _row(found: Difference) -> dict[str, Any]:
    return {
        "papers": found.n_one,
        "others": found.n_zero,
        "years": found.strata,
        "mean_joint": known(found.mean_one),
        "mean_others": known(found.mean_zero),
        "difference": known(found.value),
        "low": known(found.low),
        "high": known(found.high),
        "p": known(found.p),
        "reason": found.reason,
    }
