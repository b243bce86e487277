"""Robust three-way fit of log counts: sides' effects by year, and a constant of each pair.

``y_pt = a_{i(p)t} + a_{j(p)t} + c_p + e_pt`` over p pairs and t years. Each pair has
one weight for all years: with weights that change, a lasting tie would leak into the
effects of its countries as these grow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Efficient at 95 % under normal noise (Huber 1964; Beaton and Tukey 1974).
HUBER, BISQUARE = 1.345, 4.685
#: Change of an effect that ends the sweeps over effects and constants.
SETTLED = 1e-7
SWEEPS = 200
#: Median of the absolute value of a standard normal, and the largest deviation between pairs.
MEDIAN, MOST_BETWEEN = 0.6745, 5.0
#: Largest share of a pair in its own effects that can be taken out again.
MOST_OWN = 0.9


@dataclass(frozen=True)
class Design:
    """Which two effects each pair has.

    Attributes
    ----------
    first, second : (p,)
        Effect of the pair's source and of its target (n + target when directed).
    matrix : (e, p) sparse
        Two ones a column.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    matrix: csr_array

    @classmethod
    def of(cls, first: NDArray[np.int64], second: NDArray[np.int64], effects: int) -> Design:
        """Build the design of pairs with these effects."""
        rows = np.arange(len(first))
        at = (np.concatenate([first, second]), np.concatenate([rows, rows]))
        shape = (effects, len(first))
        return cls(first, second, csr_array((np.ones(2 * len(first)), at), shape=shape))

    def normal(self, weight: Floats) -> Floats:
        """Normal matrix of pairs weighted so: (p,) to (e, e), or (t, p) to (t, e, e)."""
        size = self.matrix.shape[0]
        cells = np.zeros((*weight.shape[:-1], size * size))
        cells[..., self.first * size + self.second] = weight
        cells[..., self.second * size + self.first] = weight
        cells = cells.reshape(*weight.shape[:-1], size, size)
        own = np.arange(size)
        cells[..., own, own] = cells.sum(axis=-1)
        return cells

    def sums(self, values: Floats) -> Floats:
        """Sum of the pairs of each effect: (p, ...) to (e, ...)."""
        return np.asarray(self.matrix @ values)

    def of_pairs(self, effects: Floats) -> Floats:
        """Sum of each pair's two effects: (e, ...) to (p, ...)."""
        return np.asarray(effects[self.first] + effects[self.second])

    def quadratic(self, covariance: Floats) -> Floats:
        """Variance of each pair's two effects together: (e, e) to (p,)."""
        own = np.diag(covariance)
        return np.asarray(
            own[self.first] + own[self.second] + 2 * covariance[self.first, self.second]
        )


def inverse(normal: Floats) -> Floats:
    """Inverse of a normal matrix, on what it determines: absent effects get 0."""
    return np.asarray(np.linalg.pinv(normal, rcond=1e-10, hermitian=True))


def _factor(normal: Floats) -> Floats:
    """Lower Cholesky factor of a normal matrix with a slight ridge."""
    ridged = normal.copy()
    own = np.diag(normal)
    ridged[np.diag_indices(len(own))] += np.where(own > 0, 1e-9 * own, 1.0)
    factor, failed = dpotrf(ridged, lower=1, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError("A normal matrix is not positive definite.")
    return np.asarray(factor)


def solved(normal: Floats, right: Floats) -> Floats:
    """Solve a normal matrix with a slight ridge: faster, and as good for sums over pairs."""
    return np.asarray(dpotrs(_factor(normal), right, lower=1)[0])


def ridge_inverse(normal: Floats) -> Floats:
    """Inverse of the same matrix, where one serves many right-hand sides."""
    lower = dpotri(_factor(normal), lower=1, overwrite_c=1)[0]
    whole = lower + lower.T
    whole[np.diag_indices(len(whole))] = np.diag(lower)
    return np.asarray(whole)


def solve(
    design: Design, weight: Floats, y: Floats, effects: Floats, settled: float = SETTLED
) -> Floats:
    """Effects (e, t) of least weighted squares, from these; constants are solved for too.

    Parameters
    ----------
    weight, y : (p, t)
        Weights (0 where a pair is absent) and log counts.
    """
    inverses = np.array([ridge_inverse(normal) for normal in design.normal(weight.T)])
    share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    rest = y - design.of_pairs(effects)
    constant = (share * rest).sum(axis=1)
    for _ in range(SWEEPS):
        # The step, not the effects, is solved for: the ridge then leaves no trace.
        right = design.sums(weight * (rest - constant[:, None]))
        effects = effects + (inverses @ right.T[:, :, None])[:, :, 0].T
        rest, before = y - design.of_pairs(effects), constant
        constant = (share * rest).sum(axis=1)
        if np.abs(constant - before).max(initial=0.0) < settled:
            break
    return effects


def variances(
    design: Design, weight: Floats, variance: Floats, noise: float
) -> tuple[Floats, Floats, Floats]:
    """Variances of pairs' effects, and how much of them rests on the pair itself.

    Parameters
    ----------
    weight, variance : (p, t)
        Weights of the fit, and variances of the responses given their means.
    noise : float
        Variance of ties about their lines. It is part of the effects' errors; that of
        the pair's own tie is left out.

    Returns
    -------
    effects : (p, t)
        Variance of the sum of a pair's two effects.
    rest : (p, t)
        Variance of the pair's response less effects that are fitted without the pair.
    own : (p, t)
        Share of the pair's response in its own effects (leverage).
    """
    effects, own = np.empty(variance.shape), np.empty(variance.shape)
    for t in range(variance.shape[1]):
        matrix = inverse(design.normal(weight[:, t]))
        spread = design.normal(weight[:, t] ** 2 * (variance[:, t] + noise))
        effects[:, t] = design.quadratic(matrix @ spread @ matrix)
        own[:, t] = np.minimum(weight[:, t] * design.quadratic(matrix), MOST_OWN)
    return effects, (variance * (1 - 2 * own) + effects) / (1 - own) ** 2, own


def centre(design: Design, constant: Floats, variance: Floats) -> tuple[Floats, Floats, float]:
    """Typical level of each side: c_p = alpha_i + alpha_j + A_p, by Huber, then bisquare.

    Parameters
    ----------
    constant, variance : (p,)
        Constants of the pairs and their variances.

    Returns
    -------
    alpha : (e,)
        Levels; what they leave of the constants is affinity.
    spread : (p,)
        Variance of the sum of a pair's two levels.
    tau : float
        Standard deviation of lasting affinities between pairs.
    """
    alpha, tau = np.zeros(design.matrix.shape[0]), 1.0
    for step in range(40):
        total = variance + tau**2
        rest = constant - design.of_pairs(alpha)
        robust = rest / np.sqrt(total)
        weight = (huber(robust) if step < 15 else bisquare(robust)) / total
        new = solved(design.normal(weight), design.sums(weight * constant))
        change = np.abs(design.of_pairs(new - alpha)).max(initial=0.0)
        alpha = new
        tau = between(constant - design.of_pairs(alpha), variance)
        if step > 15 and change < SETTLED:
            break
    matrix = inverse(design.normal(weight))
    spread = matrix @ design.normal(weight**2 * (variance + tau**2)) @ matrix
    return alpha, design.quadratic(spread), tau


def between(rest: Floats, variance: Floats) -> float:
    """Standard deviation between pairs that makes the median |rest| / sd normal."""
    # |rest| exceeds MEDIAN of its sd where rest^2 / MEDIAN^2 less its variance exceeds theirs.
    beyond = float(np.median((rest / MEDIAN) ** 2 - variance))
    return float(np.sqrt(np.clip(beyond, 0.0, MOST_BETWEEN**2)))


def huber(z: Floats) -> Floats:
    """Weights of Huber's M-estimator."""
    return np.asarray(HUBER / np.maximum(np.abs(z), HUBER))


def bisquare(z: Floats) -> Floats:
    """Weights of Tukey's bisquare."""
    return np.asarray(np.maximum(1 - (z / BISQUARE) ** 2, 0.0) ** 2)
