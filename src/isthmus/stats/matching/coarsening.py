"""From covariates to codes, by the rules that coarsened exact matching is told.

R's ``cem`` and ``MatchIt`` cut the same number differently on purpose. Both ways
are here under the names of the packages:

========== ============================== =====================================
rule       ``"cem"``                      ``"matchit"``
========== ============================== =====================================
k classes  k break points, k - 1 bins     k bins
intervals  (low, high], lowest included   [low, high)
given cuts beyond the outer ones: missing beyond the outer ones: a bin each side
========== ============================== =====================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from isthmus.errors import InputError
from isthmus.stats.matching import binning
from isthmus.stats.matching.binning import Floats, Ints, Rule

Convention = Literal["cem", "matchit"]
Cut = Sequence[float] | Floats | int | Rule
Groups = Sequence[Sequence[object]]


@dataclass(frozen=True)
class Rules:
    """How covariates become bins.

    Attributes
    ----------
    convention : {"cem", "matchit"}
        Whose meaning of classes and intervals.
    coarsening : {"sturges", "scott", "fd"}
        Rule for the number of classes of numeric covariates without cut points.
    cutpoints : mapping name -> break points, number of classes, or the name of a rule
    groupings : mapping name -> groups of categories treated as one
    exact : names of covariates matched value by value though they are numbers
    """

    convention: Convention = "cem"
    coarsening: Rule = "sturges"
    cutpoints: Mapping[str, Cut] = field(default_factory=dict)
    groupings: Mapping[str, Groups] = field(default_factory=dict)
    exact: frozenset[str] = frozenset()

    def check(self, names: Sequence[str]) -> None:
        """Refuse unknown conventions, rules and covariates."""
        _allowed("convention", self.convention, get_args(Convention))
        _allowed("coarsening", self.coarsening, binning.RULES)
        for what, named in (
            ("cutpoints", self.cutpoints),
            ("groupings", self.groupings),
            ("exact", self.exact),
        ):
            unknown = sorted(set(named) - set(names))
            if unknown:
                raise InputError(
                    f"{what} names {', '.join(unknown)}, which is no covariate; "
                    f"the covariates are {', '.join(names)}."
                )


#: Largest size of a value that can be put into classes: squares of it stay finite.
LARGEST = 1e100


@dataclass(frozen=True)
class Column:
    """A covariate read: numbers, or codes of its categories.

    Attributes
    ----------
    name : str
    numbers : array (n,) or None
        Values of a numeric covariate, NaN where missing.
    codes : array (n,) or None
        Category of each unit, -1 where missing.
    size : int
        Number of categories.
    """

    name: str
    numbers: Floats | None
    codes: Ints | None = None
    size: int = 0

    @property
    def all_missing(self) -> bool:
        """Whether no unit has a value."""
        if self.numbers is not None:
            return bool(np.isnan(self.numbers).all())
        return self.size == 0


@dataclass(frozen=True)
class Coarse:
    """Covariates as codes.

    Attributes
    ----------
    codes : list of arrays (n,)
        Bin of each unit, -1 where missing.
    sizes : list of int
        Number of bins of each covariate, the missing one not counted.
    breaks : mapping name -> array
        Break points used for the numeric covariates.
    """

    codes: list[Ints]
    sizes: list[int]
    breaks: dict[str, Floats]


def read_columns(covariates: Mapping[str, npt.ArrayLike], rules: Rules, n: int) -> list[Column]:
    """Read each covariate once as numbers or categories; lengths must equal `n`."""
    rules.check(list(covariates))
    return [_column(name, given, rules, n) for name, given in covariates.items()]


def _column(name: str, given: npt.ArrayLike, rules: Rules, n: int) -> Column:
    values = _one_dimension(name, given, n)
    groups = rules.groupings.get(name, ())
    exact = name in rules.exact or bool(groups)
    if not exact and not binning.is_categorical(values):
        return Column(name, _finite(name, binning.as_floats(values)))
    if name in rules.cutpoints:
        raise InputError(
            f"Covariate {name!r} is matched by category, so cut points cannot apply to it; "
            "give them for numeric covariates only."
        )
    codes, size = binning.category_codes(values, groups)
    return Column(name, None, codes, size)


def _finite(name: str, values: Floats) -> Floats:
    """Refuse values that have no place among equally wide classes; NaN is missing."""
    beyond = int((np.abs(values) > LARGEST).sum())
    if beyond:
        raise InputError(
            f"Covariate {name!r} holds {beyond} values that are infinite or beyond {LARGEST:g}; "
            "leave these units out, clip them, or write NaN for a missing value."
        )
    return values


def _one_dimension(name: str, given: npt.ArrayLike, n: int) -> npt.NDArray[Any]:
    values: npt.NDArray[Any] = np.asarray(given)
    if isinstance(given, np.ma.MaskedArray):
        values = values.astype(object)
        values[np.ma.getmaskarray(given)] = None
    if values.shape != (n,):
        raise InputError(
            f"Covariate {name!r} must have one value per unit, shape ({n},); "
            f"found shape {values.shape}."
        )
    return values


def coarsen(columns: Sequence[Column], rules: Rules, units: int) -> Coarse:
    """Cut numeric covariates at their break points; categories stay as they are.

    `units` is the number of units in all, which Sturges' rule asks for.
    """
    coarse = Coarse([], [], {})
    for column in columns:
        if column.codes is not None:
            _append(coarse, column.codes, column.size)
            continue
        breaks, open_ends = matching_breaks(column, rules, units)
        _cut(coarse, column, breaks, right=rules.convention == "cem", open_ends=open_ends)
    return coarse


def coarsen_at(columns: Sequence[Column], breaks: Mapping[str, Floats]) -> Coarse:
    """Cut numeric covariates at given break points into (low, high], lowest included."""
    coarse = Coarse([], [], {})
    for column in columns:
        if column.codes is not None:
            _append(coarse, column.codes, column.size)
        else:
            _cut(coarse, column, breaks[column.name], right=True, open_ends=False)
    return coarse


def _append(coarse: Coarse, codes: Ints, size: int) -> None:
    coarse.codes.append(codes)
    coarse.sizes.append(size)


def _cut(coarse: Coarse, column: Column, breaks: Floats, *, right: bool, open_ends: bool) -> None:
    assert column.numbers is not None
    coarse.breaks[column.name] = breaks
    if breaks.size < 2 and not open_ends:  # a constant: known or missing
        _append(coarse, np.where(np.isnan(column.numbers), -1, 0), 1)
        return
    codes = binning.interval_codes(column.numbers, breaks, right_closed=right, open_ends=open_ends)
    _append(coarse, codes, breaks.size + 1)


def matching_breaks(column: Column, rules: Rules, units: int) -> tuple[Floats, bool]:
    """Break points to match a numeric covariate on, and whether the ends are open."""
    cut = rules.cutpoints.get(column.name, rules.coarsening)
    matchit = rules.convention == "matchit"
    if not isinstance(cut, (str, int, np.integer)):
        return binning.as_breaks(column.name, cut), matchit
    assert column.numbers is not None
    known = column.numbers[~np.isnan(column.numbers)]
    if known.size == 0:
        return np.empty(0), False
    if isinstance(cut, str):
        _allowed(f"cutpoints[{column.name!r}]", cut, binning.RULES)
        if cut != "sturges" and units != column.numbers.size:
            raise InputError(
                f"The rule {cut!r} needs units, not a count of them; give cut points for "
                f"{column.name!r} or use 'sturges'."
            )
        count = binning.number_of_classes(known, cut, units)
    else:
        count = int(cut)
    if not matchit:
        return binning.equal_breaks(known, count), False
    return binning.equal_breaks(known, count + 1)[1:-1], True


def histogram_breaks(columns: Sequence[Column], times: Ints | None = None) -> dict[str, Floats]:
    """Default bins of the multivariate L1: round break points, about Scott's number.

    They depend on all units (`times` for each row) and stay the same before and after
    matching.
    """
    found: dict[str, Floats] = {}
    for column in columns:
        if column.numbers is None:
            continue
        there = ~np.isnan(column.numbers)
        known = column.numbers[there]
        if known.size == 0:
            found[column.name] = np.empty(0)
            continue
        count = binning.scott_classes(known, None if times is None else times[there])
        found[column.name] = binning.pretty(float(known.min()), float(known.max()), count)
    return found


def _allowed(what: str, found: object, allowed: Sequence[str]) -> None:
    if found not in allowed:
        raise InputError(f"{what} is {found!r}; allowed are {', '.join(allowed)}.")
