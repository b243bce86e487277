"""Event study of counts of pairs: what a shock did to a tie, judged by ties without one.

``log E w_ijt = a_it + a_jt + c_ij + b [t >= s]`` for a treated pair, without the last term
for the others. Errors of a regression fail with one treated pair (clustered by pair they
reject a true null in a third of the cases or more), so a distribution of placebos decides:
the same estimate of pairs as large, of other years, and a step in the totals of countries.
Placebos stand for the noise of one treated unit (Conley and Taber 2011, *Review of Economics and
Statistics* 93: 113-125), each by its own variance (Ferman and Pinto 2019, the same, 101: 452-467).

A dummy of one cell equals leaving that cell out of the fit, and a dummy of a pair's cells
after the shock equals a second level of the pair. Both are proportional fits that change
effects of country-years and levels of pairs in turn (:mod:`isthmus.stats.event_study_fit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from isthmus.errors import InputError
from isthmus.stats.event_study_fit import ONE, OUT, SPLIT, UnsettledError, fit_levels

Floats = NDArray[np.float64]
Kinds = NDArray[np.int8]

#: Pairs nearest in size that an estimate is compared with.
PLACEBOS = 60

#: Least share of a country's total that is left beside the pair.
LEAST_REST = 0.1


@dataclass(frozen=True)
class Judged:
    """An estimate beside placebos.

    Attributes
    ----------
    estimate : float
        Logarithm of a ratio; NaN without counts before, -inf without counts after.
    low, high : float
        95 % interval; infinite where the placebos are fewer than 19.
    p : float
        Share of the placebos, the estimate counted in, that are as far from 0 by their
        error; NaN without placebos.
    placebos : int
    """

    estimate: float
    low: float
    high: float
    p: float
    placebos: int


@dataclass(frozen=True)
class PairShock:
    """What a shock did to one treated pair.

    Attributes
    ----------
    after : Judged
        Effect over the years after the shock, beside pairs nearest in size.
    years : Judged
        The same beside the same pair's effects at other years.
    path : (w,) Judged
        Effect in each year of the window, relative to the year before the shock, whose
        own is 0.
    counts : (w,)
        Counts of the pair.
    countries : (2,) Judged
        Step, beside a trend, in the total of the source and of the target without treated
        pairs, relative to all ties without them, beside other countries.
    """

    after: Judged
    years: Judged
    path: tuple[Judged, ...]
    counts: Floats
    countries: tuple[Judged, Judged]


@dataclass(frozen=True)
class EventStudy:
    """A shock in one layer.

    Attributes
    ----------
    window : slice
        Years of the panel that enter.
    pairs : (m,) PairShock
        In the order of the treated pairs.
    """

    window: slice
    pairs: tuple[PairShock, ...]


def event_study(
    panel: ArrayLike,
    treated: Sequence[tuple[int, int]],
    at: int,
    *,
    window: int = 5,
    directed: bool = False,
    exposure: ArrayLike | None = None,
    level: float = 0.05,
) -> EventStudy:
    """Estimate what a shock did to the ties of treated pairs.

    Parameters
    ----------
    panel : (t, n, n)
        Counts, zero diagonal; symmetric unless directed.
    treated : sequence of (int, int)
        Pairs that the shock is said to have hit; directed: both of source and target.
        Each has a level of its own after the shock in every fit.
    at : int
        First year after the shock, as a position on the first axis.
    window : int
        Years before and years after that enter; fewer at the ends of the panel.
    exposure : (t, n, n), optional
        Number at risk, so that effects are those on rates: those who can return, where
        returns are counted. Symmetric unless directed; 1 without.
    level : float
        Share of placebos beyond the interval.

    Raises
    ------
    InputError
        Another shape, negative or missing counts, counts of nobody at risk, a pair outside
        of the panel, fewer than two years before the shock or none after.
    """
    counts = _checked(panel, treated, at, directed)
    risk = None if exposure is None else _checked_exposure(exposure, counts, directed)
    before, after = min(window, at), min(window, len(counts) - at)
    if before < 2 or after < 1:
        raise InputError(
            "An event study needs two years before the shock and one after it; the panel has "
            f"{at} and {len(counts) - at}."
        )
    here = _Window.of(counts, risk, at, before, after, treated, directed)
    elsewhere = []
    for year in range(before, len(counts) - after + 1):
        with suppress(UnsettledError):
            if year != at:
                elsewhere.append(_Window.of(counts, risk, year, before, after, (), directed))
    found = tuple(_of_pair(here, elsewhere, pair, level) for pair in treated)
    return EventStudy(slice(at - before, at + after), found)


def _of_pair(
    here: _Window, elsewhere: Sequence[_Window], pair: tuple[int, int], level: float
) -> PairShock:
    near = here.nearest(pair)
    own = here.step_of(pair)
    beside = np.array([here.step_of(other) for other in near]).reshape(-1, 2)
    years = np.array([other.step_of(pair) for other in elsewhere]).reshape(-1, 2)
    path = here.path_of(pair)
    paths = np.array([here.path_of(other) for other in near]).reshape(-1, *path.shape)
    return PairShock(
        after=judged(own, beside, level),
        years=judged(own, years, level),
        path=tuple(judged(path[k], paths[:, k], level) for k in range(len(path))),
        counts=here.counts[:, pair[0], pair[1]],
        countries=(here.country_step(pair[0], level), here.country_step(pair[1], level)),
    )


def judged(own: Floats, placebos: Floats, level: float = 0.05) -> Judged:
    """Set an estimate beside placebos.

    Parameters
    ----------
    own : (2,)
        Estimate and its counting variance.
    placebos : (m, 2)
        The same of the placebos, whose true effect is 0. Estimates that are not finite
        count as far from 0; those without a variance are left out.
    level : float
        Share of placebos beyond the interval.

    Notes
    -----
    ``b +- q sqrt(v + tau^2)``: q is the order statistic of ``|b_k| / sqrt(v_k + tau^2)``
    that excludes 0 exactly where p is at most `level`. Variance tau^2, by moments, is what
    ties vary beside counting, so that a large pair is not held to the precision of its counts.

    Examples
    --------
    >>> placebos = np.column_stack([np.linspace(-0.2, 0.2, 40), np.full(40, 0.01)])
    >>> round(judged(np.array([-0.5, 0.01]), placebos).p, 3)
    0.024
    """
    b, v = placebos[np.isfinite(placebos[:, 1])].T
    estimate, variance = own
    if not np.isfinite(variance) or not len(b):
        return Judged(estimate, -np.inf, np.inf, np.nan, len(b))
    extra = _between(b, v)
    far = np.sort(np.abs(b) / np.sqrt(v + extra))
    error = np.sqrt(variance + extra)
    p = (1 + np.sum(far >= abs(estimate) / error)) / (1 + len(far))
    rank = int(np.ceil((1 - level) * (len(far) + 1) - 1e-9))
    shown = rank <= len(far) and np.isfinite(estimate)
    reach = error * far[rank - 1] if shown else np.inf
    low, high = (estimate - reach, estimate + reach) if shown else (-reach, reach)
    return Judged(float(estimate), float(low), float(high), float(p), len(far))


def _between(b: Floats, v: Floats) -> float:
    """Variance beside counting, at which squared placebos are what their variance says."""
    finite = np.isfinite(b)
    squared, v = b[finite] ** 2, v[finite]

    def excess(extra: float) -> float:
        return float(np.sum(squared / (v + extra)) - len(v))

    if not len(v) or excess(0.0) <= 0:
        return 0.0
    return float(brentq(excess, 0.0, float(squared.sum()) + 1.0, xtol=1e-12))


@dataclass(frozen=True)
class _Window:
    """Years around a shock, with the fit in which treated pairs have two levels.

    Attributes
    ----------
    counts : (w, n, n)
    risk : (w, n, n) or None
        Number at risk.
    before : int
        Years before the shock.
    treated : tuple of (int, int)
    directed : bool
    kind : (n, n)
        Pairs that are `SPLIT`.
    effects : (2, n, w)
        Effects of sources and targets by year.
    """

    counts: Floats
    risk: Floats | None
    before: int
    treated: tuple[tuple[int, int], ...]
    directed: bool
    kind: Kinds
    effects: Floats

    @classmethod
    def of(
        cls,
        counts: Floats,
        risk: Floats | None,
        at: int,
        before: int,
        after: int,
        treated: Sequence[tuple[int, int]],
        directed: bool,
    ) -> _Window:
        inside = counts[at - before : at + after]
        exposure = None if risk is None else risk[at - before : at + after]
        kind = np.zeros(inside.shape[1:], dtype=np.int8)
        for pair in treated:
            _mark(kind, pair, SPLIT, directed)
        effects = fit_levels(inside, kind, before, directed=directed, exposure=exposure)
        return cls(inside, exposure, before, tuple(treated), directed, kind, effects)

    def _exposure(self, pair: tuple[int, int], how: int) -> Floats:
        """Product of the effects of both countries by year, in a fit with the pair so."""
        effects = self.effects
        if self.kind[pair] != how:
            kind = self.kind.copy()
            _mark(kind, pair, how, self.directed)
            effects = fit_levels(
                self.counts,
                kind,
                self.before,
                directed=self.directed,
                start=self.effects,
                exposure=self.risk,
            )
        risk = 1.0 if self.risk is None else self.risk[:, *pair]
        return np.asarray(effects[0, pair[0]] * effects[1, pair[1]] * risk)

    def step_of(self, pair: tuple[int, int]) -> Floats:
        """Effect of the years after the shock on a pair, and its counting variance."""
        count, exposure = self.counts[:, *pair], self._exposure(pair, SPLIT)
        rate = [(x[: self.before].sum(), x[self.before :].sum()) for x in (count, exposure)]
        return self._contrast(pair, rate[0][1], rate[1][1], rate[0][0], rate[1][0])

    def path_of(self, pair: tuple[int, int]) -> Floats:
        """Effect of each year relative to the last one before the shock: (w, 2)."""
        count, exposure = self.counts[:, *pair], self._exposure(pair, OUT)
        last = self.before - 1
        return np.array(
            [
                self._contrast(pair, count[k], exposure[k], count[last], exposure[last])
                for k in range(len(count))
            ]
        )

    def _contrast(
        self,
        pair: tuple[int, int],
        count: float,
        exposure: float,
        base: float,
        base_exposure: float,
    ) -> Floats:
        """Log of a ratio of two rates, with the variance that counts have without an effect."""
        total = count + base
        if base <= 0 or exposure <= 0 or base_exposure <= 0:
            return np.array([np.nan, np.nan])
        share = exposure / (exposure + base_exposure)
        variance = (1 / share + 1 / (1 - share)) / total / self._rest(pair)
        with np.errstate(divide="ignore"):
            return np.array([np.log(count / exposure) - np.log(base / base_exposure), variance])

    def _rest(self, pair: tuple[int, int]) -> float:
        """Part of the totals of both countries that is not the pair's own."""
        i, j = pair
        own = self.counts[:, i, j].sum()
        shares = own / self.counts[:, i].sum() + own / self.counts[:, :, j].sum()
        return max(1.0 - float(shares), LEAST_REST)

    def nearest(self, pair: tuple[int, int]) -> list[tuple[int, int]]:
        """Untreated pairs nearest in the logarithm of their counts over the window."""
        size = self.counts.sum(axis=0)
        use = (size > 0) & (self.kind == ONE)
        use[pair] = False
        rows, columns = np.nonzero(use if self.directed else np.triu(use))
        distance = np.abs(np.log(size[rows, columns]) - np.log(max(size[pair], 1.0)))
        order = np.argsort(distance, kind="stable")[:PLACEBOS]
        return [(int(rows[k]), int(columns[k])) for k in order]

    def country_step(self, country: int, level: float) -> Judged:
        """Step in a country's total beside a trend, among other countries."""
        steps = self._country_steps()
        size = self.counts.sum(axis=(0, 2)) + self.counts.sum(axis=(0, 1))
        others = np.setdiff1d(np.flatnonzero(size), np.ravel(self.treated))
        distance = np.abs(np.log(size[others]) - np.log(max(size[country], 1.0)))
        near = others[np.argsort(distance, kind="stable")[:PLACEBOS]]
        return judged(steps[country], steps[near], level)

    def _country_steps(self) -> Floats:
        """Step and counting variance of each country's total: (n, 2).

        Weighted least squares of the log of the total's ratio to the ties of all others,
        both without treated pairs, on a constant, the year and the years after the shock.
        """
        total, rest = self._totals(self.counts)
        with np.errstate(divide="ignore", invalid="ignore"):
            log = np.log(total / rest)
            if self.risk is not None:
                log -= np.log(np.divide(*self._totals(self.risk)))
        year = np.arange(len(total))
        design = np.column_stack([np.ones(len(year)), year - year.mean(), year >= self.before])
        found = np.full((total.shape[1], 2), np.nan)
        for k in np.flatnonzero(np.isfinite(log).all(axis=0)):
            weighted = design * total[:, k, None]
            inverse = np.linalg.inv(design.T @ weighted)
            found[k] = inverse[2] @ weighted.T @ log[:, k], inverse[2, 2]
        return found

    def _totals(self, panel: Floats) -> tuple[Floats, Floats]:
        """Total of each country without treated pairs, and of all pairs without it: (w, n)."""
        untreated = np.where(self.kind == ONE, panel, 0.0)
        total = untreated.sum(axis=2) + (untreated.sum(axis=1) if self.directed else 0.0)
        everything = untreated.sum(axis=(1, 2)) / (1 if self.directed else 2)
        return total, everything[:, None] - total


def _mark(kind: Kinds, pair: tuple[int, int], how: int, directed: bool) -> None:
    kind[pair] = how
    if not directed:
        kind[pair[::-1]] = how


def _checked(
    panel: ArrayLike, treated: Sequence[tuple[int, int]], at: int, directed: bool
) -> Floats:
    counts = np.asarray(panel, dtype=np.float64)
    if counts.ndim != 3 or counts.shape[1] != counts.shape[2]:
        raise InputError(f"An event study needs counts of shape (t, n, n); found {counts.shape}.")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise InputError("An event study needs counts that are finite and not negative.")
    if np.diagonal(counts, axis1=1, axis2=2).any():
        raise InputError("An event study needs a diagonal of 0: a country is no partner of itself.")
    if not directed and not np.allclose(counts, counts.transpose(0, 2, 1), rtol=1e-9):
        raise InputError("The counts are not symmetric; pass directed=True or add both directions.")
    if not 0 <= at <= len(counts):
        raise InputError(f"The shock is at year {at} of a panel of {len(counts)} years.")
    n = counts.shape[1]
    wrong = [pair for pair in treated if not all(0 <= k < n for k in pair) or pair[0] == pair[1]]
    if wrong or not treated:
        raise InputError(
            f"Treated pairs must be two different countries of {n}; found {wrong or 'none'}."
        )
    return counts


def _checked_exposure(exposure: ArrayLike, counts: Floats, directed: bool) -> Floats:
    risk = np.asarray(exposure, dtype=np.float64)
    if risk.shape != counts.shape or not np.isfinite(risk).all() or (risk < 0).any():
        raise InputError(
            f"Exposure must have the shape of the counts, {counts.shape}, and be finite and not "
            f"negative; found shape {risk.shape}."
        )
    if ((risk == 0) & (counts > 0)).any():
        raise InputError("There are counts where nobody is at risk: the exposure is 0.")
    if not directed and not np.allclose(risk, risk.transpose(0, 2, 1), rtol=1e-9):
        raise InputError("The exposure is not symmetric; pass directed=True.")
    return risk
