"""Affinities of very many places: a dense fit of the largest, the others against these.

The three-way fit weighs every pair, linked or not, so its cost grows with the square of the
places. Here it sees the largest places only (the core). Every other place has its own yearly
effects, from its ties with the core alone: places times core numbers, all from products of
small matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.errors import InputError
from isthmus.stats.blas import one_blas_thread
from isthmus.stats.three_way.affinities import Affinity, affinity, limits
from isthmus.stats.three_way.count_logs import response
from isthmus.stats.three_way.fit import LEAST_MEAN, LEAST_NOISE, TYPICAL_SLOPE
from isthmus.stats.three_way.place_effects import Core, Others, Rows, fitted_places

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Pairs whose affinities are computed at a time.
PAIRS = 50_000
#: Typical growth of a place a year, to which the lines of small ones are shrunk.
TYPICAL_GROWTH = 0.15
#: Least works with other places of the core, over all years, of a place with affinities.
LEAST_OTHERS = 5.0
#: Least variance of a place's effects about their line.
LEAST_CHANGE = 0.0025


@dataclass(frozen=True)
class SparseAffinity:
    """Affinities of the m given rows of years and pairs, relative to ties with the core.

    Attributes
    ----------
    value : (m,)
        As in :class:`isthmus.stats.Affinity`. NaN where it was not asked for, where an end has
        fewer than `LEAST_OTHERS` works with other places of the core, and where an end of the
        core has none in that year.
    low, high : (m,)
        95 % limits of a single year's lasting affinity.
    se : (m,)
        Standard error with every source of error, as `se_total` of `Affinity`. Errors of a
        small place's years are not independent: its effects follow a line more or less closely.
    core : (k,)
        Positions of the places of the dense fit.
    tau : float
        Standard deviation of lasting affinities between the core and the other places; of the
        dense fit if there are no others.
    """

    value: Floats
    low: Floats
    high: Floats
    se: Floats
    core: Ints
    tau: float


def sparse_affinity(
    year: ArrayLike,
    source: ArrayLike,
    target: ArrayLike,
    count: ArrayLike,
    n: int,
    *,
    core: int = 300,
    asked: ArrayLike | None = None,
) -> SparseAffinity:
    """Estimate affinities in an undirected network of very many places.

    The `core` largest places are fitted by :func:`isthmus.stats.affinity`. The yearly effect of
    any other place is that of a Poisson regression on its ties with the core: each has a
    constant, shrunk by the law of lasting affinities, and one weight for all years, less
    where its level or slope is unlike the others'. Effects of years with few works are shrunk to
    the place's own line. A tie with the core is compared with effects that are fitted without it.
    With at most `core` places the numbers are those of :func:`isthmus.stats.affinity`.

    Parameters
    ----------
    year, source, target : (m,)
        Each pair of places (positions below `n`) once a year, in any order.
    count : (m,)
        Works, 0 or more. A pair without a row in a year has none. A row of 0 asks for the
        affinity of a year without works.
    n : int
        Number of places.
    core : int
        Number of places in the dense fit, 3 or more.
    asked : (m,) of bool, optional
        Rows whose affinities are computed; all by default. Every row counts in the fit.

    Raises
    ------
    InputError
        Arrays of different lengths; positions that are not below `n`; a place with itself; a
        pair twice in a year; a count that is negative or not finite; a core below 3.

    Examples
    --------
    >>> import numpy as np
    >>> size = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 1.0])
    >>> i, j = np.triu_indices(6, 1)
    >>> year = np.repeat(np.arange(2010, 2018), len(i))
    >>> i, j = np.tile(i, 8), np.tile(j, 8)
    >>> found = sparse_affinity(year, i, j, size[i] * size[j], 6, core=5)
    >>> bool(np.abs(found.value).max() < 0.15)
    True
    """
    rows = _checked(year, source, target, count, n, core)
    wanted = np.ones(len(rows.count), np.bool_) if asked is None else np.asarray(asked, np.bool_)
    size = np.bincount(rows.source, rows.count, n) + np.bincount(rows.target, rows.count, n)
    order = np.argsort(-size, kind="stable")
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    ends = rank[rows.source], rank[rows.target]
    rows = Rows(rows.year, np.minimum(*ends), np.maximum(*ends), rows.count, rows.years)
    most = min(core, n)
    dense = affinity(_panel(rows, most), directed=False)
    out = np.full((4, len(rows.count)), np.nan)
    inside = wanted & (rows.target < most)
    at = rows.year[inside], rows.source[inside], rows.target[inside]
    out[:, inside] = [each[at] for each in (dense.value, dense.low, dense.high, dense.se_total)]
    tau = dense.tau
    if n > most and np.isfinite(dense.effects).any():
        with one_blas_thread():
            base = _core_of(dense)
            others, tau = fitted_places(rows, base, n, tau)
            _fill(out, rows, np.flatnonzero(wanted & ~inside), base, others)
    value, low, high, error = out
    return SparseAffinity(value, low, high, error, order[:most], tau)


def _checked(
    year: ArrayLike, source: ArrayLike, target: ArrayLike, count: ArrayLike, n: int, core: int
) -> Rows:
    years, first, second = (np.asarray(each, np.int64) for each in (year, source, target))
    works = np.asarray(count, np.float64)
    if len({each.shape for each in (years, first, second, works)}) > 1 or works.ndim != 1:
        raise InputError("Years, sources, targets and counts must be arrays of one length.")
    if core < 3:
        raise InputError(f"The dense fit needs 3 or more places; found core={core}.")
    if not np.isfinite(works).all() or (works < 0).any():
        raise InputError("Affinity needs counts that are finite and not negative; 0 is no work.")
    if not len(works):
        return Rows(years, first, second, works, 0)
    low, high = np.minimum(first, second), np.maximum(first, second)
    if low.min() < 0 or high.max() >= n or (low == high).any():
        raise InputError(f"Sources and targets must be two different positions below n={n}.")
    years = years - years.min()
    code = np.sort((years * n + low) * n + high)
    if (code[1:] == code[:-1]).any():
        raise InputError("Each pair must be there once a year. Add its counts up.")
    return Rows(years, first, second, works, int(years.max()) + 1)


def _panel(rows: Rows, most: int) -> Floats:
    """Counts (t, k, k) among the largest places."""
    panel = np.zeros((rows.years, most, most))
    inside = rows.target < most
    at = rows.year[inside], rows.source[inside], rows.target[inside]
    panel[at] = rows.count[inside]
    return panel + panel.transpose(0, 2, 1)


def _core_of(dense: Affinity) -> Core:
    """Effects of the core and their variances, from its constant ties."""
    expected = dense.expected
    noise = dense.sigma**2 + dense.dispersion
    wide, tie = (float(noise[-1]), float(noise[0])) if len(noise) else (0.0, 0.0)
    total = np.maximum(expected.sum(axis=2), 1e-9)
    variance = 1 / total + max(wide, LEAST_NOISE**2) * (expected**2).sum(axis=2) / total**2
    pair = expected.sum(axis=0)
    information = (pair / (1 + pair * dense.tau**2)).sum(axis=1)
    level = 1 / np.maximum(information, 1e-9) - 1 / np.maximum(pair.sum(axis=1), 1e-9)
    return Core(dense.effects.T, variance.T, np.maximum(level, 0), max(wide, LEAST_NOISE**2), tie)


def _fill(out: Floats, rows: Rows, asked: Ints, core: Core, others: Others) -> None:
    """Write value, low, high and se of rows with an end outside the core."""
    if not len(asked):
        return
    change = _change(others, core.wide)
    top = int(rows.target.max(initial=0)) + 1
    code = rows.source * top + rows.target
    pairs, which = np.unique(code[asked], return_inverse=True)
    by_pair = np.argsort(which, kind="stable")
    bounds = np.searchsorted(which[by_pair], np.arange(0, len(pairs) + PAIRS, PAIRS))
    found = np.searchsorted(pairs, code)
    given = np.flatnonzero(pairs[np.minimum(found, len(pairs) - 1)] == code)
    for part, first in enumerate(range(0, len(pairs), PAIRS)):
        some = pairs[first : first + PAIRS]
        mine = given[(found[given] >= first) & (found[given] < first + PAIRS)]
        count = np.zeros((len(some), rows.years))
        count[found[mine] - first, rows.year[mine]] = rows.count[mine]
        made = _pairs(some // top, some % top, count, core, others, change)
        at = by_pair[bounds[part] : bounds[part + 1]]
        out[:, asked[at]] = made[:, which[at] - first, rows.year[asked[at]]]


def _change(others: Others, noise: float) -> float:
    """Variance of places' effects about their lines, beyond counting and the noise of ties."""
    mean, _ = _line(*_scaled(others.count, others.exposure), TYPICAL_GROWTH)
    beyond = (others.count - mean) ** 2 - mean - noise * _own_noise(others) * mean**2
    change = LEAST_CHANGE
    for _ in range(10):
        weight = 1 / (1 + change * mean) ** 2
        change = max(float((weight * beyond).sum() / (weight * mean**2).sum()), LEAST_CHANGE)
    return change


def _own_noise(others: Others) -> Floats:
    """Sum of squared shares of ties in the means of their places and years."""
    return np.asarray(others.squares / np.maximum(others.exposure, 1e-100) ** 2)


def _scaled(count: Floats, exposure: Floats) -> tuple[Floats, Floats]:
    """Counts, and exposures with the same sum: as they are where there is no count."""
    total = count.sum(axis=1)
    share = np.where(total > 0, total / np.maximum(exposure.sum(axis=1), 1e-100), 1.0)
    return count, exposure * share[:, None]


def _line(count: Floats, exposure: Floats, typical: float) -> tuple[Floats, Floats]:
    """Poisson means (p, t) that follow a line in logs, and the variance of the line.

    Parameters
    ----------
    count, exposure : (p, t)
        Counts, and means that they would have but for the line; 0 where absent.
    typical : float
        Standard deviation of slopes, to which they are shrunk.
    """
    times = np.arange(count.shape[1]) - (count.shape[1] - 1) / 2
    works, slope = count.sum(axis=1), np.zeros(len(count))
    for step in range(9):
        shape = exposure * np.exp(slope[:, None] * times)
        mean = shape * ((works + 0.5) / (shape.sum(axis=1) + 0.5))[:, None]
        total = np.maximum(mean.sum(axis=1), 1e-12)
        apart = times - ((mean @ times) / total)[:, None]
        information = (mean * apart**2).sum(axis=1) + 1 / typical**2
        if step < 8:
            toward = ((count - mean) * apart).sum(axis=1) - slope / typical**2
            slope = slope + np.clip(toward / information, -0.2, 0.2)
    return mean, 1 / (works + 0.5)[:, None] + apart**2 / information[:, None]


def _side(
    count: Floats, exposure: Floats, squares: Floats, noise: float, change: float
) -> tuple[Floats, Floats]:
    """Effects (p, t) of places and their variances; NaN where too few works speak."""
    some = (exposure > 0) & (count.sum(axis=1) >= LEAST_OTHERS)[:, None]
    mean, line = _line(*_scaled(count, exposure), TYPICAL_GROWTH)
    mean, within = np.where(some, mean, 1.0), np.where(some, exposure, 1.0)
    told, variance = response(count, np.maximum(mean, 1e-9))
    variance = variance + noise * squares / within**2
    trust = change / (change + variance)
    effects = np.log(mean / within) + trust * (told - np.log(mean))
    spread = trust * variance + (1 - trust) ** 2 * line
    return np.where(some, effects, np.nan), np.where(some, spread, np.nan)


def _pairs(
    source: Ints, target: Ints, count: Floats, core: Core, others: Others, change: float
) -> Floats:
    """Value, low, high and se (4, p, t) of pairs whose target is outside the core."""
    k = len(core.effects)
    crossing = source < k
    near, far = np.where(crossing, source, 0), target - k
    weight = np.where(crossing, others.weight[far, near], 0.0)[:, None]
    own = np.where(crossing, others.mean[far, near], 0.0)[:, None]
    own = own * np.nan_to_num(np.exp(core.effects[near])) * (others.exposure[far] > 0)
    effects, spread = _side(
        np.maximum(others.count[far] - weight * count, 0.0),
        np.where(others.exposure[far] > own * (1 + 1e-5), others.exposure[far] - own, 0.0),
        np.maximum(others.squares[far] - own**2, 0.0),
        core.wide,
        change,
    )
    reference = others.reference[far] + np.where(crossing, core.reference[near], 0.0)
    first, variance = core.effects[near], core.variance[near]
    both = np.flatnonzero(~crossing)
    place = source[both] - k
    parts = others.count[place], others.exposure[place], others.squares[place]
    first[both], variance[both] = _side(*parts, core.wide, change)
    reference[both] += others.reference[place]
    return _measured(count, effects + first, spread + variance, reference[:, None], core.tie)


def _measured(
    count: Floats, effects: Floats, spread: Floats, reference: Floats, noise: float
) -> Floats:
    """Value, low, high and se (4, p, t) of counts against effects."""
    there = np.isfinite(effects) & np.isfinite(spread)
    base = np.where(there, effects, 0.0)
    exposure = np.exp(np.clip(base, -60, 60)) * there
    mean, _ = _line(*_scaled(count * there, exposure), TYPICAL_SLOPE)
    told, variance = response(count, np.maximum(mean, 1e-12), least=LEAST_MEAN)
    value, wider = told - base, np.where(there, spread, 0.0) + reference + noise
    low, high = limits(count, there, value, variance + wider, wider, base)
    return np.where(there, np.array([value, low, high, np.sqrt(variance + wider)]), np.nan)
