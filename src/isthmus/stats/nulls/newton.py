"""Guarded Newton on the convex dual of a null model.

The dual of an exponential-family model is convex; its gradient is expected
minus observed statistics, its Hessian the Fisher information. Steps are scaled
by the diagonal, shortened to stay where every pair has a law, and accepted by
the approximate Wolfe condition (Hager and Zhang 2005, SIAM J. Optim. 16, 170),
which looks at slopes only and so stays exact where the likelihood itself is
flat to rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dposv

Floats = npt.NDArray[np.float64]

#: A fit is called converged when every constraint holds to this relative error.
CONVERGED = 1e-8
#: Newton goes on to this relative error, so that warm and cold starts agree.
GOAL = 1e-13
MAX_STEPS = 200
#: Ridge on the scaled Fisher information: enough to factorise along exact gauge
#: directions, too little to slow the quadratic phase.
RIDGE = 1e-13
#: Share of the way to the edge of the feasible region that one step may go.
TO_EDGE = 0.95
MAX_HALVINGS = 40
#: Parameters up to which factorising is cheaper than multiplying.
FACTORISE_TO = 200
#: Products with the information matrix in one iterative step.
MAX_PRODUCTS = 200
#: The same where it is stored: more would cost as much as to factorise it.
MAX_STORED_PRODUCTS = 30
#: Goal where steps are iterative: sums over very many nodes round more.
LARGE_GOAL = 1e-10


@dataclass(frozen=True)
class Sums:
    """Expected statistics and Fisher information of a dual at one point.

    Attributes
    ----------
    mean : array (d,)
        Expected statistics, rows' first (then columns' when directed).
    var_rows, var_columns : array (k, n), (k, m)
        Per node the summed variance (k = 1) or variance, covariance, variance
        (k = 3, two statistics); `var_columns` is empty when symmetric.
    coupling : array (s n, s m), or None
        Covariances between rows and columns; None where they are too many to store.
    product : function, optional
        Information times a vector (d,); read where `coupling` is None.
    """

    mean: Floats
    var_rows: Floats
    var_columns: Floats
    coupling: Floats | None
    product: Callable[[Floats], Floats] | None = None

    @property
    def rows(self) -> int:
        """Number of row parameters."""
        return int(self.var_rows.shape[1]) * (1 if len(self.var_rows) == 1 else 2)


class Dual(Protocol):
    """A model on the side of its parameters."""

    @property
    def symmetric(self) -> bool:
        """Whether rows are columns."""
        ...

    @property
    def target(self) -> Floats:
        """Constraints (d,)."""
        ...

    def sums(self, theta: Floats) -> Sums:
        """Expected statistics and information at `theta`."""
        ...

    def longest_step(self, theta: Floats, step: Floats) -> float:
        """Longest feasible multiple of `step`."""
        ...

    def error(self, mean: Floats) -> float:
        """Largest relative error over the constraints."""
        ...


@dataclass(frozen=True)
class Solution:
    """Parameters (d,), largest relative error of a constraint, Newton steps taken."""

    theta: Floats
    residual: float
    steps: int


def solve(dual: Dual, start: Floats) -> Solution:
    """Find the parameters at which expected statistics equal `dual.target`.

    Stops at `GOAL`, or when two steps in a row no longer help a fit that is
    already `CONVERGED`; the best parameters seen are returned with their honest
    residual.
    """
    theta, sums = start, dual.sums(start)
    best = Solution(theta, dual.error(sums.mean), 0)
    stalled = 0
    goal = LARGE_GOAL if sums.coupling is None else GOAL
    for taken in range(1, MAX_STEPS + 1):
        if best.residual <= goal or stalled == 2:
            break
        gradient = sums.mean - dual.target
        step = _direction(dual, sums, gradient)
        moved = _search(dual, theta, step, float(gradient @ step))
        if moved is None:
            break
        theta, sums = moved
        residual = dual.error(sums.mean)
        stalled = stalled + 1 if best.residual <= CONVERGED and residual > best.residual / 2 else 0
        if residual < best.residual:
            best = Solution(theta, residual, taken)
    return best


def relative_error(mean: Floats, target: Floats) -> float:
    """Largest |mean - target| over target; a target of zero must be met exactly."""
    if target.size == 0:
        return 0.0
    error = np.abs(mean - target)
    scale = np.where(target > 0, target, 1.0)
    worst = float(np.max(error / scale))
    return worst if np.isfinite(worst) else float("inf")


def _search(dual: Dual, theta: Floats, step: Floats, slope: float) -> tuple[Floats, Sums] | None:
    """Shorten `step` until the slope along it has not turned steeply upwards."""
    if not slope < 0:  # rounding has taken over; there is nothing left to gain
        return None
    length = min(1.0, TO_EDGE * dual.longest_step(theta, step))
    for _ in range(MAX_HALVINGS):
        trial = theta + length * step
        sums = dual.sums(trial)
        ahead = float((sums.mean - dual.target) @ step)
        if np.isfinite(ahead) and ahead <= 0.8 * abs(slope) and np.all(np.isfinite(sums.mean)):
            return trial, sums
        length *= max(0.1, min(0.5, slope / (slope - ahead))) if np.isfinite(ahead) else 0.1
    return None


def _direction(dual: Dual, sums: Sums, gradient: Floats) -> Floats:
    """Newton step: iterative where few products are enough, else factorised."""
    step = None
    if gradient.size > FACTORISE_TO:
        step = _iterative_step(sums, gradient, dual.error(sums.mean))
    if sums.coupling is None:
        return step if step is not None else -_precondition(sums, gradient)
    ridge = RIDGE
    solver = _symmetric_step if dual.symmetric else _directed_step
    while step is None and ridge < 1.0:
        step = solver(sums, sums.coupling, -gradient, ridge)
        ridge *= 100.0
    return -_precondition(sums, gradient) if step is None else step


def _iterative_step(sums: Sums, gradient: Floats, error: float) -> Floats | None:
    """Conjugate gradients, preconditioned node by node, as exactly as is worth it.

    The tolerance follows the distance to the solution, which keeps Newton's
    convergence superlinear (Eisenstat and Walker 1996, SIAM J. Sci. Comput. 17, 16).
    None when stored information is better factorised than multiplied further.
    """
    stored = sums.coupling is not None
    multiply = partial(_stored_product, sums) if sums.product is None else sums.product
    step = np.zeros_like(gradient)
    rest = -gradient
    ready = _precondition(sums, rest)
    search, power = ready, float(rest @ ready)
    enough = power * max(min(0.01, error), 1e-8) ** 2
    for _ in range(MAX_STORED_PRODUCTS if stored else MAX_PRODUCTS):
        image = multiply(search)
        curvature = float(search @ image)
        if not curvature > 0:
            break
        step += (power / curvature) * search
        rest -= (power / curvature) * image
        ready = _precondition(sums, rest)
        before, power = power, float(rest @ ready)
        if power <= enough:
            break
        search = ready + (power / before) * search
    if not np.any(step) or not np.all(np.isfinite(step)) or (stored and power > enough):
        return None
    if step.size == sums.rows:
        return step
    return _without_gauge(step[: sums.rows], step[sums.rows :], sums)


def _stored_product(sums: Sums, vector: Floats) -> Floats:
    """Information times a vector, from the stored couplings."""
    assert sums.coupling is not None
    if vector.size == sums.rows:
        return np.asarray(sums.coupling @ vector + _blocks(sums.var_rows, vector))
    rows, columns = vector[: sums.rows], vector[sums.rows :]
    return np.concatenate(
        [
            sums.coupling @ columns + _blocks(sums.var_rows, rows),
            rows @ sums.coupling + _blocks(sums.var_columns, columns),
        ]
    )


def _blocks(var: Floats, vector: Floats) -> Floats:
    """Node-wise blocks of the information times a vector."""
    if len(var) == 1:
        return np.asarray(var[0] * vector)
    first, second = vector.reshape(2, -1)
    return np.concatenate([var[0] * first + var[1] * second, var[1] * first + var[2] * second])


def _precondition(sums: Sums, vector: Floats) -> Floats:
    """Solve with the node-wise blocks of the information alone."""
    sides = [(sums.var_rows, vector[: sums.rows])]
    if vector.size > sums.rows:
        sides.append((sums.var_columns, vector[sums.rows :]))
    solved = []
    for var, part in sides:
        root = _row_roots(var)
        half = _apply_inverse_root(root, part[:, None])[:, 0]
        informed = (var[[0, -1]] > 0).ravel() if len(var) == 3 else var[0] > 0
        solved.append(np.where(informed, _apply_inverse_root_transposed(root, half), 0.0))
    return np.concatenate(solved)


def _symmetric_step(sums: Sums, coupling: Floats, rhs: Floats, ridge: float) -> Floats | None:
    fisher = coupling.copy()
    n = sums.var_rows.shape[1]
    own = np.arange(n)
    fisher[own, own] += sums.var_rows[0]
    if len(sums.var_rows) == 3:
        fisher[own, n + own] += sums.var_rows[1]
        fisher[n + own, own] += sums.var_rows[1]
        fisher[n + own, n + own] += sums.var_rows[2]
    return _solve_scaled(fisher, rhs, ridge)


def _solve_scaled(fisher: Floats, rhs: Floats, ridge: float) -> Floats | None:
    """Cholesky of D^-1/2 F D^-1/2 + ridge; rows without information stay put."""
    diagonal = np.diagonal(fisher)
    fixed = ~(diagonal > 0)
    scale = 1.0 / np.sqrt(np.where(fixed, 1.0, diagonal))
    scaled = fisher * scale[:, None]
    scaled *= scale
    np.fill_diagonal(scaled, 1.0 + ridge)
    _, solution, info = dposv(scaled.T, np.where(fixed, 0.0, rhs * scale), lower=1, overwrite_a=1)
    if info != 0 or not np.all(np.isfinite(solution)):
        return None
    return np.asarray(solution * scale)


def _directed_step(sums: Sums, coupling: Floats, rhs: Floats, ridge: float) -> Floats | None:
    """Eliminate the row parameters (their block is node-wise) and solve for columns."""
    rows = coupling.shape[0]
    root = _row_roots(sums.var_rows)
    left = _apply_inverse_root(root, coupling)
    right = _apply_inverse_root(root, rhs[:rows, None])
    fisher = _column_block(sums.var_columns)
    schur = fisher - left.T @ left
    own = np.diagonal(fisher)
    scale = 1.0 / np.sqrt(np.where(own > 0, own, 1.0))
    scaled = schur * scale[:, None] * scale
    index = np.arange(scale.size)
    scaled[index, index] += np.where(own > 0, ridge, 1.0)
    reduced = (rhs[rows:] - left.T @ right[:, 0]) * scale * (own > 0)
    _, solution, info = dposv(scaled.T, reduced, lower=1, overwrite_a=1)
    if info != 0 or not np.all(np.isfinite(solution)):
        return None
    columns = solution * scale
    row_steps = _apply_inverse_root_transposed(root, right[:, 0] - left @ columns)
    return _without_gauge(row_steps, columns, sums)


def _without_gauge(rows: Floats, columns: Floats, sums: Sums) -> Floats:
    """Take out of a step what it adds to all rows and takes from all columns.

    That changes no pair, but left alone it would drift and cost digits.
    """
    statistics = [0] if len(sums.var_rows) == 1 else [0, 2]
    by_row, by_column = rows.reshape(len(statistics), -1), columns.reshape(len(statistics), -1)
    row_weight, column_weight = sums.var_rows[statistics], sums.var_columns[statistics]
    total = row_weight.sum(axis=1) + column_weight.sum(axis=1)
    drift = (row_weight * by_row).sum(axis=1) - (column_weight * by_column).sum(axis=1)
    shift = (drift / np.where(total > 0, total, 1.0))[:, None]
    return np.concatenate([(by_row - shift).ravel(), (by_column + shift).ravel()])


def _column_block(var: Floats) -> Floats:
    if len(var) == 1:
        return np.diag(var[0])
    return np.block([[np.diag(var[0]), np.diag(var[1])], [np.diag(var[1]), np.diag(var[2])]])


def _row_roots(var: Floats) -> Floats:
    """Cholesky factors of the node-wise blocks: (1, n) or (3, n); 1 where there is nothing."""
    first = np.sqrt(np.where(var[0] > 0, var[0], 1.0))
    if len(var) == 1:
        return first[None]
    cross = np.where(var[0] > 0, var[1], 0.0) / first
    rest = var[2] - cross**2
    floor = np.maximum(1e-14 * var[2], 0.0)
    return np.stack([first, cross, np.sqrt(np.where(var[2] > 0, np.maximum(rest, floor), 1.0))])


def _apply_inverse_root(root: Floats, matrix: Floats) -> Floats:
    if len(root) == 1:
        return np.asarray(matrix / root[0][:, None])
    n = root.shape[1]
    out = np.empty_like(matrix)
    out[:n] = matrix[:n] / root[0][:, None]
    out[n:] = (matrix[n:] - root[1][:, None] * out[:n]) / root[2][:, None]
    return out


def _apply_inverse_root_transposed(root: Floats, vector: Floats) -> Floats:
    if len(root) == 1:
        return np.asarray(vector / root[0])
    n = root.shape[1]
    second = vector[n:] / root[2]
    return np.concatenate([(vector[:n] - root[1] * second) / root[0], second])
