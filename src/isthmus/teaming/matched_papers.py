"""Matched joint papers with papers alike in year, institution and team size.

Year and institution match exactly, team size on cut points (coarsened exact
matching, Iacus, King and Porro 2012). Intervals come from a bootstrap over
institutions, the units that vary: papers of one institution share it, its
people and its venues.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import stdtr, stdtrit

from isthmus.results import schema_of
from isthmus.stats.matching.cem import Matching, cem
from isthmus.stats.matching.effects import Effect, Measures, measures
from isthmus.stats.matching.sensitivity import e_value, rosenbaum_bounds
from isthmus.stats.ppml import poisson_regression
from isthmus.stats.resampling.cluster_bootstrap import (
    MIN_CLUSTERS,
    BootstrapEffect,
    cluster_bootstrap,
    effective_number,
)
from isthmus.teaming.experiments import Flags, Floats, Ints, Papers

#: One row per experiment and year; the row without a year pools all, matched within years.
MATCHED = schema_of("matched")

#: One row per experiment, year and covariate.
BALANCE = schema_of("balance")

#: The same effect by measures that heavy tails leave alone, and how bias could explain it.
MEASURES = schema_of("matched_measures")

#: Treated papers without a match, by year and institution (null when unknown).
UNMATCHED = schema_of("unmatched")


@dataclass(frozen=True)
class Rules:
    """How papers are matched and effects bootstrapped.

    Attributes
    ----------
    team_cuts
        Cut points of team size between the outermost; intervals are closed on the right.
    draws, seed
        Of the bootstrap over institutions.
    min_clusters
        Effective number of institutions each side needs for an interval.
    largest
        How many of the most cited matched papers `carried_by_largest` leaves out.
    """

    team_cuts: tuple[int, ...]
    draws: int
    seed: int
    min_clusters: float = MIN_CLUSTERS
    largest: int = 10


@dataclass(frozen=True)
class Units:
    """The papers of one experiment, treated and controls together.

    Attributes
    ----------
    year, institution, team_size : arrays (n,), int
    outcome : array (n,)
    is_hit, treated : arrays (n,), bool
    cluster : array (n,), int
        Institution; a paper of unknown institution is a cluster of its own.
    """

    year: Ints
    institution: Ints
    team_size: Ints
    outcome: Floats
    is_hit: Flags
    treated: Flags
    cluster: Ints

    def only(self, chosen: Flags) -> Units:
        """Keep some units."""
        return Units(**{name: values[chosen] for name, values in vars(self).items()})


def units_of(papers: Papers, treated: Flags, control: Flags, outcome: Floats) -> Units:
    """Take an experiment's two sides from the papers of the leading country."""
    alone = -1 - np.arange(papers.work_id.size)
    cluster = np.where(papers.institution >= 0, papers.institution, alone)
    everyone = Units(
        year=papers.year,
        institution=papers.institution,
        team_size=papers.team_size,
        outcome=outcome,
        is_hit=papers.is_hit,
        treated=treated,
        cluster=np.unique(cluster, return_inverse=True)[1],
    )
    return everyone.only(treated | control)


def compare(name: str, units: Units, rules: Rules) -> dict[str, list[dict[str, Any]]]:
    """Compare the two sides of an experiment, in each year and over all.

    Returns
    -------
    dict
        Rows of the tables ``matched``, ``balance``, ``measures`` and ``unmatched``.
    """
    rows: dict[str, list[dict[str, Any]]] = {
        "matched": [], "balance": [], "measures": [], "unmatched": []
    }  # fmt: skip
    for year, part in _parts(units):
        key = {"experiment": name, "year": year}
        matching = match(part, rules)
        drawn = bootstrap(part, matching, rules)
        seen = measures(
            part.outcome, part.treated, matching.weight, part.is_hit, largest=rules.largest
        )
        rows["matched"].append(key | matched_row(matching, drawn, seen.mean))
        rows["balance"] += [key | covariate for covariate in balance_rows(matching)]
        poisson = _poisson(part, rules) if year is None else {}
        rows["measures"].append(
            key
            | _measured(part, matching, seen)
            | sensitivity_row(drawn)
            | _rosenbaum(part, matching)
            | poisson
        )
        if year is None:
            rows["unmatched"] = list(_unmatched(name, part, matching))
    return rows


def _parts(units: Units) -> Iterator[tuple[int | None, Units]]:
    yield None, units
    for year in np.unique(units.year).tolist():
        yield year, units.only(units.year == year)


def match(units: Units, rules: Rules) -> Matching:
    """Match exactly on year and institution, and on classes of team size."""
    return cem(
        {
            "year": units.year,
            "institution": np.where(units.institution >= 0, units.institution, -1),
            "team_size": units.team_size,
        },
        units.treated,
        exact=("year", "institution"),
        cutpoints={"team_size": np.array([-np.inf, *rules.team_cuts, np.inf])},
    )


def bootstrap(units: Units, matching: Matching, rules: Rules) -> BootstrapEffect:
    """Bootstrap the matched effect over institutions."""
    return cluster_bootstrap(
        units.outcome,
        units.treated,
        matching.stratum,
        units.cluster,
        draws=rules.draws,
        seed=rules.seed,
        min_clusters=rules.min_clusters,
    )


def matched_row(matching: Matching, drawn: BootstrapEffect, effect: Effect) -> dict[str, Any]:
    """One row of ``matched`` without its key; ``reason`` says why there is no interval."""
    counts = matching.counts
    return {
        "treated": counts.treated,
        "control": counts.control,
        "treated_matched": counts.treated_matched,
        "control_matched": counts.control_matched,
        "l1_before": known(matching.l1_before),
        "l1_after": known(matching.l1_after),
        "mean_treated": known(effect.mean_treated),
        "mean_control": known(effect.mean_control),
        "effect_percent": known(effect.percent),
        "ci_low": known(drawn.percent_low),
        "ci_high": known(drawn.percent_high),
        "p": known(drawn.p),
        "effective_clusters": known(drawn.effective),
        "reason": drawn.note,
        "note": matching.note,
    }


def balance_rows(matching: Matching) -> Iterator[dict[str, Any]]:
    """Rows of ``balance`` without their experiment and year."""
    for covariate in matching.balance:
        yield {
            "covariate": covariate.name,
            "before": known(covariate.before),
            "after": known(covariate.after),
        }


def _measured(units: Units, matching: Matching, seen: Measures) -> dict[str, Any]:
    numbers = {
        "mean_control_unweighted": seen.mean.mean_control_unweighted,
        "log_mean_difference": seen.log_mean.difference,
        "log_mean_p": seen.log_mean.p,
        "median_treated": seen.median_treated,
        "median_control": seen.median_control,
        "hit_share_treated": seen.top_treated,
        "hit_share_control": seen.top_control,
        "hit_p": seen.top_p,
        "carried_by_largest": seen.carried_by_largest,
        "common_support_before": matching.common_support_before,
        "common_support_after": matching.common_support_after,
    }
    return {name: known(value) for name, value in numbers.items()}


def sensitivity_row(drawn: BootstrapEffect) -> dict[str, Any]:
    """E-values of the ratio of means: what an unseen cause would have to do."""
    ratio = 1 + drawn.percent / 100
    if not ratio > 0:
        return {}
    value = e_value(ratio, 1 + drawn.percent_low / 100, 1 + drawn.percent_high / 100)
    return {"e_value": known(value.estimate), "e_value_interval": known(value.interval)}


def _rosenbaum(units: Units, matching: Matching) -> dict[str, Any]:
    """Rosenbaum's gamma of exceeding the year's median."""
    bounds = rosenbaum_bounds(_above_median(units), units.treated, matching.stratum)
    return {"rosenbaum_gamma": known(bounds.critical_gamma)}


def _above_median(units: Units) -> Flags:
    above = np.zeros(units.year.size, dtype=np.bool_)
    for year in np.unique(units.year):
        here = units.year == year
        above[here] = units.outcome[here] > np.median(units.outcome[here])
    return above


def _poisson(units: Units, rules: Rules) -> dict[str, Any]:
    """Relative effect from a Poisson regression on all papers, matched or not.

    Null with a reason where the regression does not converge, or where too few institutions
    hold the treated papers for an interval (Student's t with as many as count, less one).
    """
    size = np.searchsorted(np.array(rules.team_cuts), units.team_size)
    fit = poisson_regression(
        units.outcome,
        units.treated.astype(np.float64),
        [units.cluster, units.year, size],
        cluster=units.cluster,
    )
    slope, error = float(fit.coefficients[0]), float(fit.se[0])
    held = np.bincount(units.cluster, weights=units.treated).astype(np.float64)
    worth = effective_number(held)
    found: dict[str, Any] = {
        "poisson_separated": fit.separated,
        "poisson_percent": known(_percent_of_log(slope)),
        "poisson_reason": fit.note,
    }
    if fit.note or not error > 0:
        return found
    if worth < rules.min_clusters:
        few = f"too few: {worth:.1f} effective clusters, {rules.min_clusters:g} needed"
        return found | {"poisson_reason": few}
    reach = float(stdtrit(worth - 1, 0.975)) * error
    return found | {
        "poisson_low": known(_percent_of_log(slope - reach)),
        "poisson_high": known(_percent_of_log(slope + reach)),
        "poisson_p": known(float(2 * stdtr(worth - 1, -abs(slope) / error))),
    }


def _percent_of_log(value: float) -> float:
    """Difference in per cent of a log ratio; infinite where it is beyond all numbers."""
    return 100 * math.expm1(value) if not value > math.log(1e300) else math.inf


def _unmatched(name: str, units: Units, matching: Matching) -> Iterator[dict[str, Any]]:
    places = np.column_stack([units.year, units.institution])[units.treated]
    lost = matching.weight[units.treated] == 0
    cells, index = np.unique(places, axis=0, return_inverse=True)
    treated = np.bincount(index.ravel(), minlength=len(cells))
    unmatched = np.bincount(index.ravel(), weights=lost, minlength=len(cells))
    for (year, institution), n, n_lost in zip(cells.tolist(), treated, unmatched, strict=True):
        if n_lost:
            yield {
                "experiment": name,
                "year": year,
                "institution_id": institution if institution >= 0 else None,
                "treated": int(n),
                "unmatched": int(n_lost),
            }


def known(value: float) -> float | None:
    """Return None for a number that is not defined, or has no end."""
    return float(value) if math.isfinite(value) else None
