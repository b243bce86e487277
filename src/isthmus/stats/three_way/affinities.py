"""Affinity: how much more two countries work together than either does with others.

``log E w_ijt = a_it + a_jt + A_ijt``: the effects `a` hold whatever changes a country
with all its partners (size, openness), the affinity `A` what is left to the pair. A null
model that keeps totals counts a pair into its own expectation; these effects are fitted
so that a few strong ties cannot move them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from isthmus.errors import InputError
from isthmus.stats.blas import one_blas_thread
from isthmus.stats.three_way.algebra import centre, variances
from isthmus.stats.three_way.count_logs import LIMITS_BELOW, log_limits
from isthmus.stats.three_way.fit import Fit, Pairs, fitted, pairs_of
from isthmus.stats.trends.gls import MIN_YEARS, Noise, Trend, learned_noise, noise_sd, trend

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

#: Countries with links from which a year has affinities: of three, effects of countries
#: explain every tie, and affinities are 0 whatever was counted.
FEWEST_COUNTRIES = 4
#: Least variance of an affinity, as a share of its counting variance: a pair that decides
#: its own effects says nothing of its affinity.
LEAST_SHARE = 0.25
#: Probability beyond each limit of a single year.
TAIL = 0.025
#: Mean works a year from which a pair takes part in learning the noise, and most pairs
#: of a class that do.
LEARN_FROM, LEARN_PAIRS = 3.0, 300
#: Pairs of a class that shares its noise, and the number of classes: noise falls with size.
CLASS_PAIRS, MOST_CLASSES = 150, 5


@dataclass(frozen=True)
class Affinity:
    """Affinities of a panel of t years and n countries, relative to their other partners.

    Attributes
    ----------
    value : (t, n, n)
        Log of how much more the two work together than either does with its typical
        partner; NaN where a country is absent (no works that year) and on the diagonal.
        Cells expected below 10 works hold the working response of a Poisson
        regression: right on average over years, skewed in a single one.
    low, high : (t, n, n)
        95 % limits of a single year's lasting affinity, with every source of error:
        counting, the noise of ties, the effects and the reference level. A year
        without works has no lower limit (-inf).
    se : (t, n, n)
        Standard error from counting and from the effects only, to be passed to
        `isthmus.stats.trend`, which estimates the noise of ties itself.
    se_total : (t, n, n)
        Standard error that `low` and `high` rest on from 10 works on.
    effects : (t, n) or (t, 2, n)
        Effects of countries; directed: of sources and of targets, the latter with
        mean 0 in every year. NaN where absent.
    expected : (t, n, n)
        Mean counts if every tie were constant: the effects of both and the pair's own
        level, with the pair's total over the years as observed. 0 where absent.
    noise : tuple of Noise
        Noise of ties about their lines, learned over the panel's pairs, from the
        smallest to the largest class of pairs.
    noise_class : (n, n)
        Which of them a pair has; -1 where it has none.
    sigma, rho, dispersion : (k,)
        Summary of each class: standard deviation and correlation from year to year of
        the AR(1) part, and the variance (of logs) of the part without memory.
    tau : float
        Standard deviation of lasting affinities between pairs.
    """

    value: Floats
    low: Floats
    high: Floats
    se: Floats
    se_total: Floats
    effects: Floats
    expected: Floats
    noise: tuple[Noise, ...]
    noise_class: Ints
    sigma: Floats
    rho: Floats
    dispersion: Floats
    tau: float

    def trends(self, source: ArrayLike, target: ArrayLike, *, level: float = 0.95) -> Trend:
        """Return trends of pairs, with the noise learned over the panel.

        Parameters
        ----------
        source, target : (m,)
            Positions of the two countries of each pair.
        """
        rows, columns = np.asarray(source, np.int64), np.asarray(target, np.int64)
        value, error = self.value[:, rows, columns].T, self.se[:, rows, columns].T
        out = np.full((len(fields(Trend)), len(rows)), np.nan)
        for place, noise in enumerate(self.noise):
            members = self.noise_class[rows, columns] == place
            found = trend(value[members], error[members], noise=noise, level=level)
            out[:, members] = [getattr(found, field.name) for field in fields(Trend)]
        return Trend(*out)


def affinity(panel: ArrayLike, *, directed: bool) -> Affinity:
    """Estimate affinities by a robust three-way fit of log counts.

    Effects of countries by year and a constant of each pair, with one weight per pair
    for all years, so that a lasting tie never leaks into effects as countries grow.
    Pairs whose own slope or path is unusual lose their weight (Huber, then bisquare):
    the reference is the bulk of a country's ties, each by its information up to a cap.

    Parameters
    ----------
    panel : (t, n, n)
        Counts (fractions allowed), zero diagonal; symmetric unless directed. A
        country without any count in a year is absent; countries may come and go. Years with
        fewer than four countries have no affinities: there effects of countries explain
        every tie.
    directed : bool
        Whether entry (i, j) counts from i to j: sources and targets have effects.

    Raises
    ------
    InputError
        Another shape; negative, missing or infinite counts; a diagonal that is not
        zero; an undirected panel that is not symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> size = np.array([9.0, 8.0, 7.0, 6.0, 5.0])
    >>> counts = np.outer(size, size) * ~np.eye(5, dtype=bool)
    >>> found = affinity(np.array([counts] * 6), directed=False)
    >>> bool(np.nanmax(np.abs(found.value)) < 0.05)
    True
    """
    counts = _checked(panel, directed)
    pairs = pairs_of(counts, directed)
    if not len(pairs.count):
        return _nothing(counts.shape, directed)
    with one_blas_thread():
        return _with_limits(pairs, _core(pairs, fitted(pairs, counts)), counts.shape, directed)


@dataclass(frozen=True)
class AffinityPaths:
    """What trends of affinities need: `value`, `se`, `noise`, `noise_class` of `Affinity`."""

    value: Floats
    se: Floats
    noise: tuple[Noise, ...]
    noise_class: Ints


def affinity_paths(panel: ArrayLike, *, directed: bool) -> AffinityPaths:
    """Estimate affinities as :func:`affinity` does, without limits of single years.

    Parameters
    ----------
    panel, directed
        As in :func:`affinity`.
    """
    counts = _checked(panel, directed)
    pairs = pairs_of(counts, directed)
    if not len(pairs.count):
        empty = _nothing(counts.shape, directed)
        return AffinityPaths(empty.value, empty.se, (), empty.noise_class)
    with one_blas_thread():
        core = _core(pairs, fitted(pairs, counts))
    place = _Placing(counts.shape, pairs, directed)
    return AffinityPaths(
        place(core.value), place(np.sqrt(core.error)), core.noise, place.once(core.kind)
    )


def _checked(panel: ArrayLike, directed: bool) -> Floats:
    counts = np.asarray(panel, dtype=np.float64)
    if counts.ndim != 3 or counts.shape[1] != counts.shape[2]:
        raise InputError(f"Affinity needs counts of shape (t, n, n); found {counts.shape}.")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise InputError("Affinity needs counts that are finite and not negative; 0 is no work.")
    if np.diagonal(counts, axis1=1, axis2=2).any():
        raise InputError("Affinity needs a diagonal of 0: a country is no partner of itself.")
    if not directed and not np.allclose(counts, counts.transpose(0, 2, 1), rtol=1e-9):
        raise InputError("The counts are not symmetric; pass directed=True or add both directions.")
    linked = (counts.any(axis=1) | counts.any(axis=2)).sum(axis=1)
    known: Floats = np.where((linked >= FEWEST_COUNTRIES)[:, None, None], counts, 0.0)
    return known


@dataclass(frozen=True)
class _Core:
    """A fit as affinities of pairs, (p, t), and what their limits are made of.

    Attributes
    ----------
    value, error, spread : (p, t)
        Affinities; their variances for trends, and those of the effects alone.
    effects : (e, t)
    reference : (p,)
        Variance of the reference level.
    tau : float
    noise, kind : tuple of Noise, (p,)
        Noises by class, and each pair's class.
    """

    value: Floats
    error: Floats
    spread: Floats
    effects: Floats
    reference: Floats
    tau: float
    noise: tuple[Noise, ...]
    kind: Ints


def _core(pairs: Pairs, fit: Fit) -> _Core:
    """Turn a fit into affinities with their errors for trends."""
    present, design = pairs.present, pairs.design
    total = fit.variance + fit.extra**2
    spread, rest, own_share = variances(design, fit.weight, fit.variance, fit.extra**2)
    error = np.maximum(rest, LEAST_SHARE * fit.variance)
    weight = present / total
    inside = fit.value - design.of_pairs(fit.effects)
    constant = (weight * inside).sum(axis=1) / weight.sum(axis=1)
    alpha, reference, tau = centre(design, constant, 1 / weight.sum(axis=1))
    effects = fit.effects + alpha[:, None]
    # What a pair does in a year is compared with effects that are fitted without it.
    level = constant - design.of_pairs(alpha)
    value = level[:, None] + (inside - constant[:, None]) / (1 - own_share)
    noise, kind = _noises(np.where(present, value, np.nan), np.sqrt(error), pairs)
    return _Core(value, error, spread, effects, reference, tau, noise, kind)


def _with_limits(pairs: Pairs, core: _Core, shape: tuple[int, ...], directed: bool) -> Affinity:
    """Add the limits of single years, and the means of constant ties."""
    design, deviation = pairs.design, np.sqrt(core.error)
    series = np.where(pairs.present, core.value, np.nan)
    own = np.empty(len(core.kind))
    for number, each in enumerate(core.noise):
        rows = core.kind == number
        own[rows] = noise_sd(series[rows], deviation[rows], each)
    other = (own**2 + core.reference)[:, None]
    effects = design.of_pairs(core.effects)
    whole, wider = core.error + other, core.spread + other
    low, high = limits(pairs.count, pairs.present, core.value, whole, wider, effects)
    place = _Placing(shape, pairs, directed)
    mean = np.exp(np.clip(effects, -60, 60)) * pairs.present
    constant_mean = mean * (pairs.count.sum(axis=1) / mean.sum(axis=1))[:, None]
    return Affinity(
        value=place(core.value),
        low=place(low),
        high=place(high),
        se=place(deviation),
        se_total=place(np.sqrt(whole)),
        effects=_effects(core.effects, pairs, directed),
        expected=place(constant_mean, 0.0),
        noise=core.noise,
        noise_class=place.once(core.kind),
        sigma=np.array([each.ar_sd for each in core.noise]),
        rho=np.array([each.ar_rho for each in core.noise]),
        dispersion=np.array([each.variance - each.ar_sd**2 for each in core.noise]),
        tau=core.tau,
    )


def _noises(value: Floats, error: Floats, pairs: Pairs) -> tuple[tuple[Noise, ...], Ints]:
    """Noise of ties about their lines by size of pair, and each pair's class."""
    years = pairs.present.sum(axis=1)
    size = pairs.count.sum(axis=1) / years
    rows = np.flatnonzero((size >= LEARN_FROM) & (years >= MIN_YEARS))
    rows = rows[np.argsort(size[rows], kind="stable")]
    classes = np.array_split(rows, int(np.clip(len(rows) // CLASS_PAIRS, 1, MOST_CLASSES)))
    noises = []
    for members in classes:
        some = members[:: max(1, -(-len(members) // LEARN_PAIRS))]
        noises.append(learned_noise(value[some], error[some]))
    bounds = [size[members[0]] for members in classes[1:]]
    return tuple(noises), np.searchsorted(bounds, size, side="right").astype(np.int64)


def limits(
    count: Floats, present: Bools, value: Floats, whole: Floats, wider: Floats, effects: Floats
) -> tuple[Floats, Floats]:
    """95 % limits: normal from 10 works on, mid-P of a negative binomial below.

    A year without works has an upper limit only, which then leaves 5 % beyond.

    Parameters
    ----------
    count, present, value : same shape
        Works, whether both ends are there, and affinities.
    whole, wider : same shape
        Variances of the affinities, with that of counting and without.
    effects : same shape
        Sum of the effects of both ends.
    """
    reach = -ndtri(TAIL) * np.sqrt(whole)
    low, high = value - reach, value + reach
    for tail, some in ((TAIL, count > 0), (2 * TAIL, count == 0)):
        small = present & some & (count < LIMITS_BELOW)
        dispersion = np.expm1(np.minimum(wider[small], 5.0))
        lowest, highest = (x - effects[small] for x in log_limits(count[small], dispersion, tail))
        low[small] = np.minimum(lowest, value[small])
        high[small] = np.maximum(highest, value[small])
    return low, high


@dataclass(frozen=True)
class _Placing:
    """Puts values of pairs, (p, t) or (p,), into (t, n, n) or (n, n)."""

    shape: tuple[int, ...]
    pairs: Pairs
    directed: bool

    def __call__(self, values: Floats, absent: float = np.nan) -> Floats:
        out = np.full(self.shape, absent)
        there = np.where(self.pairs.present, values, absent).T
        out[:, self.pairs.source, self.pairs.target] = there
        if not self.directed:
            out[:, self.pairs.target, self.pairs.source] = there
        return out

    def once(self, values: Ints) -> Ints:
        """Classes of pairs, -1 where there is no pair."""
        out = np.full(self.shape[1:], -1)
        out[self.pairs.source, self.pairs.target] = values
        if not self.directed:
            out[self.pairs.target, self.pairs.source] = values
        return out


def _effects(effects: Floats, pairs: Pairs, directed: bool) -> Floats:
    """Effects by year with NaN where absent: (t, n) or (t, 2, n)."""
    there = (pairs.design.sums(pairs.present.astype(np.float64))) > 0
    found = np.where(there, effects, np.nan).T
    if not directed:
        return found
    sides = found.reshape(len(found), 2, -1)
    with np.errstate(invalid="ignore"):
        count = np.isfinite(sides[:, 1]).sum(axis=1)
        shift = np.nansum(sides[:, 1], axis=1) / np.maximum(count, 1)
    return np.stack([sides[:, 0] + shift[:, None], sides[:, 1] - shift[:, None]], axis=1)


def _nothing(shape: tuple[int, ...], directed: bool) -> Affinity:
    """Affinity of a panel without any pair."""
    empty = np.full(shape, np.nan)
    t, n = shape[:2]
    effects = np.full((t, 2, n) if directed else (t, n), np.nan)
    zero = np.zeros(shape)
    kinds = np.full(shape[1:], -1)
    none = np.empty(0)
    return Affinity(
        empty, empty, empty, empty, empty, effects, zero, (), kinds, none, none, none, np.nan
    )
