"""Coarsened exact matching (Iacus, King and Porro 2011, 2012).

Covariates are coarsened, units that agree on all coarsened covariates form a
stratum, and strata without both treated and controls are dropped. Within the
rest every treated unit weighs 1 and the controls of stratum s weigh
``(m_T^s / m_C^s) (m_C / m_T)`` each, so that a weighted difference of means
estimates the effect on the matched treated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from isthmus.errors import InputError
from isthmus.stats.cells import number_cells
from isthmus.stats.matching.binning import Floats, Ints, Rule, as_breaks
from isthmus.stats.matching.coarsening import (
    Coarse,
    Column,
    Convention,
    Cut,
    Groups,
    Rules,
    coarsen,
    coarsen_at,
    histogram_breaks,
    read_columns,
)
from isthmus.stats.matching.imbalance import (
    CovariateBalance,
    Imbalance,
    covariate_balance,
    multivariate_l1,
)

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Counts:
    """Numbers of units and strata, before and after."""

    treated: int
    control: int
    treated_matched: int
    control_matched: int
    strata: int
    strata_matched: int


@dataclass(frozen=True)
class Matching:
    """What coarsened exact matching found.

    Attributes
    ----------
    stratum : array (n,), int
        Stratum of each unit, matched or not, numbered from 0.
    weight : array (n,), float
        0 for unmatched units, 1 for matched treated ones.
    l1_before, l1_after : float
        Multivariate L1 of all units, and of the matched ones with their weights, both on
        the same bins (`l1_breaks`); NaN when a group is empty.
    counts : Counts
    common_support_before, common_support_after : float
        Share of non-empty cells of that histogram with treated and controls.
    balance : tuple of CovariateBalance
        Standardised differences and variance ratios, one entry per covariate.
    breaks, l1_breaks : mapping name -> array
        Break points of the numeric covariates: matched on, and of the L1 histogram.
    note : str
        What kept the matching from being of use, in sentences; empty when nothing did.
    """

    stratum: Ints
    weight: Floats
    l1_before: float
    l1_after: float
    counts: Counts
    common_support_before: float
    common_support_after: float
    balance: tuple[CovariateBalance, ...]
    breaks: Mapping[str, Floats]
    l1_breaks: Mapping[str, Floats]
    note: str


def cem(
    covariates: Mapping[str, npt.ArrayLike],
    treated: npt.ArrayLike,
    *,
    cutpoints: Mapping[str, Cut] | None = None,
    convention: Convention = "cem",
    coarsening: Rule = "sturges",
    groupings: Mapping[str, Groups] | None = None,
    exact: Sequence[str] = (),
    k2k: bool = False,
    l1_breaks: Mapping[str, Sequence[float] | Floats] | None = None,
    seed: int | None = None,
    count: npt.ArrayLike | None = None,
) -> Matching:
    """Match treated and control units exactly on coarsened covariates.

    Parameters
    ----------
    covariates : mapping name -> array (n,)
        Numbers are cut into intervals; text, flags and other objects are matched by
        value. None and NaN are a category of their own.
    treated : array (n,)
        Flags, or 0 and 1.
    cutpoints : mapping, optional
        Name -> break points (intervals closed on the right, the lowest included; with
        ``convention="matchit"`` closed on the left, ends open), or a number of classes,
        or the name of a rule. Values beyond given break points count as missing under
        ``"cem"``; use infinite outer break points to keep them apart.
    convention : {"cem", "matchit"}
        What a number of classes and an interval mean; see :mod:`isthmus.stats.matching.coarsening`.
    coarsening : {"sturges", "scott", "fd"}
        Rule for the number of classes of numeric covariates without cut points.
    groupings : mapping, optional
        Name -> groups of categories, each treated as one category.
    exact : sequence of str
        Numeric covariates to be matched value by value.
    k2k : bool
        Keep as many controls as treated in each stratum, picked at random by row.
    l1_breaks : mapping, optional
        Bins of the L1 histogram for numeric covariates; by default round break points,
        about as many as Scott's rule says, over all units.
    seed : int, optional
        For `k2k`; None means 0, so that the pick is the same every time.
    count : array (n,), int, optional
        Units that each row stands for, at least 1: rows are then groups of units alike in
        covariates and treatment, and the result is that of the units. Not with `k2k`, nor
        with automatic cut points by another rule than Sturges'.

    Returns
    -------
    Matching

    Raises
    ------
    InputError
        Shapes that differ, `treated` that is not two-valued, or unknown names and rules.

    References
    ----------
    Iacus, King, Porro (2012), Causal inference without balance checking: coarsened
    exact matching, *Political Analysis* 20: 1-24 (weights, section 3).
    Iacus, King, Porro (2011), Multivariate matching methods that are monotonic imbalance
    bounding, *JASA* 106: 345-361 (L1, equation 5).

    Examples
    --------
    >>> sizes = {"team": [2, 2, 2, 5, 5, 9]}
    >>> matching = cem(sizes, [1, 0, 0, 1, 0, 1], cutpoints={"team": [1, 3, 6]})
    >>> matching.weight.tolist()
    [1.0, 0.75, 0.75, 1.0, 1.5, 0.0]
    """
    flags = as_flags(treated)
    rules = Rules(convention, coarsening, cutpoints or {}, groupings or {}, frozenset(exact))
    columns = read_columns(covariates, rules, flags.size)
    times = _times(count, flags.size, k2k)
    coarse = coarsen(columns, rules, int(times.sum()))
    stratum, strata = number_cells(coarse.codes, coarse.sizes, flags.size)
    taken = _keep_equal(stratum, strata, flags, seed or 0) if k2k else np.ones_like(flags)
    weight, matched = _weights(stratum, strata, flags, times * taken)
    counts = _count(flags, weight, strata, matched, times)
    breaks = histogram_breaks(columns, None if count is None else times)
    breaks |= {name: as_breaks(name, given) for name, given in (l1_breaks or {}).items()}
    return _describe(columns, flags, stratum, weight, counts, coarse, breaks, times)


def _times(count: npt.ArrayLike | None, n: int, k2k: bool) -> Ints:
    if count is None:
        return np.ones(n, dtype=np.int64)
    times = np.asarray(count)
    if times.shape != (n,) or times.dtype.kind not in "iu" or (times < 1).any():
        raise InputError(
            f"count must hold one whole number of at least 1 per row, shape ({n},); found "
            f"shape {times.shape} of {times.dtype}."
        )
    if k2k:
        raise InputError("k2k drops single units; give units instead of a count of them.")
    return times.astype(np.int64)


def as_flags(treated: npt.ArrayLike) -> Flags:
    """Treatment as booleans; anything but two values 0 and 1 is refused."""
    values = np.asarray(treated)
    if values.ndim != 1:
        raise InputError(f"treated must be one-dimensional; found shape {values.shape}.")
    if values.dtype == np.bool_:
        return values
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        numbers = np.full(values.shape, np.nan)
    if not np.isin(numbers, (0, 1)).all():
        found = sorted({str(value) for value in values.tolist()})[:5]
        raise InputError(
            f"treated must hold only 0 and 1, or flags; found {', '.join(found)}. "
            "Code units of unknown treatment one way or leave them out."
        )
    flags: Flags = numbers == 1
    return flags


def att_weights(stratum: Ints, treated: Flags) -> Floats:
    """Weights of Iacus, King and Porro for strata already numbered.

    Parameters
    ----------
    stratum : array (n,)
        Stratum of each unit, numbered from 0.
    treated : array (n,)
    """
    strata = int(stratum.max(initial=-1)) + 1
    return _weights(stratum, strata, treated, np.ones(treated.size, dtype=np.int64))[0]


def _weights(stratum: Ints, strata: int, treated: Flags, times: Ints) -> tuple[Floats, Flags]:
    """Weight per unit, and whether each stratum holds both treated and controls.

    Rows that stand for no unit weigh nothing.
    """
    n_treated, n_control = _both(stratum, strata, treated, times)
    matched = (n_treated > 0) & (n_control > 0)
    total_treated, total_control = n_treated[matched].sum(), n_control[matched].sum()
    of_control = np.zeros(strata)
    if total_treated:
        ratio = n_treated[matched] / n_control[matched]
        of_control[matched] = ratio * (total_control / total_treated)
    weight = np.where(treated, matched[stratum], of_control[stratum])
    return np.where(times > 0, weight, 0.0), matched


def _both(stratum: Ints, strata: int, treated: Flags, times: Ints) -> tuple[Ints, Ints]:
    table = np.zeros((strata, 2), dtype=np.int64)
    _add_times(stratum, treated, times, table)
    return table[:, 1], table[:, 0]


@numba.njit(cache=True, nogil=True)
def _add_times(  # pragma: no cover - compiled
    stratum: Ints, treated: Flags, times: Ints, table: Ints
) -> None:
    for i in range(stratum.size):
        table[stratum[i], 1 if treated[i] else 0] += times[i]


def _keep_equal(stratum: Ints, strata: int, treated: Flags, seed: int) -> Flags:
    """As many treated as controls per stratum, the surplus dropped at random."""
    n_treated, n_control = _both(stratum, strata, treated, np.ones(treated.size, dtype=np.int64))
    least = np.minimum(n_treated, n_control)
    group = stratum * 2 + treated
    shuffled = np.random.default_rng(seed).permutation(group.size)
    order = shuffled[np.argsort(group[shuffled], kind="stable")]
    sizes = np.bincount(group, minlength=2 * strata)
    starts = np.cumsum(sizes) - sizes
    rank = np.empty(group.size, dtype=np.int64)
    rank[order] = np.arange(group.size) - starts[group[order]]
    return rank < least[stratum]


def _count(treated: Flags, weight: Floats, strata: int, matched: Flags, times: Ints) -> Counts:
    kept = weight > 0
    n_treated, kept_treated = int(times[treated].sum()), int(times[kept & treated].sum())
    return Counts(
        treated=n_treated,
        control=int(times.sum()) - n_treated,
        treated_matched=kept_treated,
        control_matched=int(times[kept].sum()) - kept_treated,
        strata=strata,
        strata_matched=int(np.count_nonzero(matched)),
    )


def _describe(
    columns: list[Column],
    treated: Flags,
    stratum: Ints,
    weight: Floats,
    counts: Counts,
    coarse: Coarse,
    l1_breaks: Mapping[str, Floats],
    times: Ints,
) -> Matching:
    before, after = _imbalances(columns, l1_breaks, treated, weight, times)
    return Matching(
        stratum=stratum,
        weight=weight,
        l1_before=before.l1,
        l1_after=after.l1,
        counts=counts,
        common_support_before=before.common_support,
        common_support_after=after.common_support,
        balance=covariate_balance(columns, treated, weight, times),
        breaks=coarse.breaks,
        l1_breaks=l1_breaks,
        note=" ".join([*_emptiness(counts), *_oddities(columns, coarse, times)]),
    )


def _imbalances(
    columns: list[Column],
    breaks: Mapping[str, Floats],
    treated: Flags,
    weight: Floats,
    times: Ints,
) -> tuple[Imbalance, Imbalance]:
    histogram = coarsen_at(columns, breaks)
    cell, cells = number_cells(histogram.codes, histogram.sizes, treated.size)
    everyone = multivariate_l1(cell, cells, treated, times.astype(np.float64))
    return everyone, multivariate_l1(cell, cells, treated, weight * times)


def _emptiness(counts: Counts) -> list[str]:
    said = []
    if not counts.treated:
        said.append("There is no treated unit, so nothing could be matched.")
    if not counts.control:
        said.append("There is no control unit, so nothing could be matched.")
    if counts.treated and counts.control and not counts.treated_matched:
        said.append(
            "No stratum holds both treated and control units; coarsen the covariates "
            "further or match on fewer."
        )
    if counts.strata == 1:
        said.append("All units fall into one stratum, so matching changes nothing.")
    return said


def _oddities(columns: list[Column], coarse: Coarse, times: Ints) -> list[str]:
    said = []
    for column, codes in zip(columns, coarse.codes, strict=True):
        if codes.size and column.all_missing:
            said.append(f"Covariate {column.name!r} is missing for every unit.")
        elif column.numbers is not None:
            beyond = int(times[(codes < 0) & ~np.isnan(column.numbers)].sum())
            if beyond:
                said.append(
                    f"{beyond} values of {column.name!r} lie beyond its cut points and count "
                    "as missing; add infinite outer cut points to keep them apart."
                )
    return said
