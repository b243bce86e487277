"""Poisson regression with absorbed categorical effects.

The estimator is Poisson pseudo maximum likelihood: consistent for any non-negative
outcome with mean exp(x b + effects), whatever its distribution. The effects are
swept out by alternating projections inside iteratively reweighted least squares
(Correia, Guimaraes and Zylkin 2020, *Stata Journal* 20: 95-115). Separated units are
dropped first (:mod:`isthmus.stats.separation`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from isthmus.errors import InputError
from isthmus.stats.cells import renumber
from isthmus.stats.separation import separated

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PoissonFit:
    """Coefficients of a Poisson regression with absorbed effects.

    Attributes
    ----------
    coefficients, se, p : arrays (k,)
        On the log scale; standard errors are robust, clustered when clusters were given;
        NaN where the effects leave a regressor nothing to vary.
    units : int
        Units that take part.
    separated : int
        Units dropped because their mean can only be zero: those of a group without a
        positive outcome, and those that a combination of groups and regressors separates.
    iterations : int
    converged : bool
        Without, coefficients, errors and p are NaN.
    note : str
        What kept the regression from being of use; empty when nothing did.
    """

    coefficients: Floats
    se: Floats
    p: Floats
    units: int
    separated: int
    iterations: int
    converged: bool
    note: str


@dataclass(frozen=True)
class _Data:
    y: Floats
    x: Floats  # (n, k)
    effects: list[Ints]
    cluster: Ints | None

    def only(self, keep: npt.NDArray[np.bool_]) -> _Data:
        """Keep some units, groups numbered anew."""
        cluster = None if self.cluster is None else renumber(self.cluster[keep])[0]
        codes = [renumber(code[keep])[0] for code in self.effects]
        return _Data(self.y[keep], self.x[keep], codes, cluster)


def poisson_regression(
    outcome: npt.ArrayLike,
    regressors: npt.ArrayLike,
    effects: Sequence[npt.ArrayLike],
    *,
    cluster: npt.ArrayLike | None = None,
    tolerance: float = 1e-9,
    max_iterations: int = 100,
) -> PoissonFit:
    """Fit E[y] = exp(x b + sum of effects) with the effects absorbed.

    Parameters
    ----------
    outcome : array (n,), not negative
    regressors : array (n,) or (n, k)
    effects : sequence of arrays (n,), int
        Categories to absorb, such as institution, year and team size. With none, a
        constant is absorbed.
    cluster : array (n,), int, optional
        Groups whose units vary together.
    tolerance : float
        The fit has converged when the deviance changes by less than this share.
    """
    given = _read(outcome, regressors, effects, cluster)
    data = _kept(given)
    k, lost = data.x.shape[1], given.y.size - data.y.size
    if data.y.size <= k:
        none = "No group of the absorbed effects has a positive outcome."
        return _nothing(k, none, data.y.size, lost)
    coefficients, x_left, mu, rounds, converged = _iterate(data, tolerance, max_iterations)
    if not converged:
        stopped = f"The regression did not converge in {max_iterations} rounds."
        return _nothing(k, stopped, data.y.size, lost, rounds)
    se = _robust_errors(x_left, mu, data)
    p = 2 * ndtr(-np.abs(coefficients / se))
    return PoissonFit(coefficients, se, p, data.y.size, lost, rounds, True, "")


def _nothing(k: int, note: str, units: int, lost: int, rounds: int = 0) -> PoissonFit:
    empty = np.full(k, math.nan)
    return PoissonFit(empty, empty.copy(), empty.copy(), units, lost, rounds, False, note)


def _read(
    outcome: npt.ArrayLike,
    regressors: npt.ArrayLike,
    effects: Sequence[npt.ArrayLike],
    cluster: npt.ArrayLike | None,
) -> _Data:
    y = np.asarray(outcome, dtype=np.float64)
    x = np.asarray(regressors, dtype=np.float64)
    x = x.reshape(-1, 1) if x.ndim == 1 else x
    given = effects or [np.zeros(y.size, dtype=np.int64)]
    codes = [renumber(np.asarray(effect))[0] for effect in given]
    groups = None if cluster is None else renumber(np.asarray(cluster))[0]
    lengths = {y.size, x.shape[0], *(code.size for code in codes)}
    lengths |= set() if groups is None else {groups.size}
    if len(lengths) > 1:
        raise InputError(f"All arrays must have one row per unit; found lengths {sorted(lengths)}.")
    if not (np.isfinite(y).all() and np.isfinite(x).all() and (y >= 0).all()):
        raise InputError("The outcome must be finite and not negative, the regressors finite.")
    return _Data(y, x, codes, groups)


def _kept(data: _Data) -> _Data:
    """Leave out units whose mean can only be 0: their effects have no finite estimate."""
    while data.y.size:
        keep = np.ones(data.y.size, dtype=np.bool_)
        for code in data.effects:
            keep &= (np.bincount(code, weights=data.y) > 0)[code]
        if keep.all():
            return data.only(~separated(data.y, data.x, data.effects))
        data = data.only(keep)
    return data


def _iterate(
    data: _Data, tolerance: float, max_iterations: int
) -> tuple[Floats, Floats, Floats, int, bool]:
    mu = (data.y + data.y.mean()) / 2
    eta, deviance = np.log(mu), math.inf
    coefficients, x_left = np.zeros(data.x.shape[1]), data.x
    for rounds in range(1, max_iterations + 1):
        z = eta + (data.y - mu) / mu
        left = sweep(np.column_stack([z, data.x]), data.effects, mu)
        z_left, x_left = left[:, 0], left[:, 1:]
        x_left = np.where(_varies(x_left, data.x, mu), x_left, 0.0)
        root = np.sqrt(mu)[:, None]
        coefficients = np.linalg.lstsq(x_left * root, z_left * root[:, 0], rcond=1e-10)[0]
        eta = np.clip(z - (z_left - x_left @ coefficients), -50, 50)
        mu = np.exp(eta)
        last, deviance = deviance, _deviance(data.y, mu)
        if abs(last - deviance) <= tolerance * max(deviance, 0.1):
            return _named(coefficients, x_left), x_left, mu, rounds, True
    return _named(coefficients, x_left), x_left, mu, max_iterations, False


def _varies(x_left: Floats, x: Floats, weight: Floats) -> npt.NDArray[np.bool_]:
    """Whether more than rounding is left of each regressor."""
    varies: npt.NDArray[np.bool_] = weight @ x_left**2 > 1e-14 * (weight @ x**2)
    return varies


def _named(coefficients: Floats, x_left: Floats) -> Floats:
    return np.where((x_left != 0).any(axis=0), coefficients, math.nan)


def _deviance(y: Floats, mu: Floats) -> float:
    log_ratio = np.log(np.where(y > 0, y, 1.0) / np.where(y > 0, mu, 1.0))
    return float(2 * (y * log_ratio - (y - mu)).sum())


def _robust_errors(x_left: Floats, mu: Floats, data: _Data) -> Floats:
    """Sandwich errors of the swept regression, with the usual factor for few clusters."""
    bread = np.linalg.pinv(x_left.T @ (x_left * mu[:, None]), rcond=1e-12)
    score = x_left * (data.y - mu)[:, None]
    n = data.y.size
    if data.cluster is not None:
        n = int(data.cluster.max()) + 1
        score = np.column_stack(
            [np.bincount(data.cluster, weights=column, minlength=n) for column in score.T]
        )
    factor = n / (n - 1) if n > 1 else math.nan
    variance = np.diag(bread @ (score.T @ score) @ bread) * factor
    return np.sqrt(np.where(variance > 0, variance, math.nan))


def sweep(
    columns: Floats, effects: Sequence[Ints], weight: Floats, tolerance: float = 1e-11
) -> Floats:
    """Residuals of columns on categorical effects, by alternating weighted group means.

    Parameters
    ----------
    columns : array (n, k)
    effects : sequence of arrays (n,), numbered from 0
    weight : array (n,), positive
    tolerance : float
        Stop when no group mean exceeds this share of the column's largest value.
    """
    left = columns.copy()
    sizes = [int(code.max()) + 1 for code in effects]
    for j in range(left.shape[1]):
        column = np.ascontiguousarray(left[:, j])
        bound = tolerance * max(1e-300, float(np.abs(column).max()))
        for _ in range(10_000):
            largest = max(
                _take_means(column, code, weight, np.zeros(size), np.zeros(size))
                for code, size in zip(effects, sizes, strict=True)
            )
            if largest <= bound or len(effects) == 1:
                break
        left[:, j] = column
    return left


@numba.njit(cache=True, nogil=True)
def _take_means(  # pragma: no cover - compiled
    column: Floats, code: Ints, weight: Floats, top: Floats, bottom: Floats
) -> float:
    """Subtract weighted group means in place; return the largest of them."""
    for i in range(column.size):
        top[code[i]] += weight[i] * column[i]
        bottom[code[i]] += weight[i]
    largest = 0.0
    for g in range(top.size):
        top[g] = top[g] / bottom[g] if bottom[g] > 0 else 0.0
        largest = max(largest, abs(top[g]))
    for i in range(column.size):
        column[i] -= top[code[i]]
    return largest
