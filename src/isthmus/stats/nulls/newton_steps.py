"""Newton steps: linear systems with the Fisher information of a null model.

The information of rows and columns has node-wise blocks (1 x 1, or 2 x 2 with two
statistics) on its diagonal and a coupling between the sides; when undirected, rows
are columns and the coupling lies on top of the blocks. Small systems are
factorised, larger ones solved by conjugate gradients preconditioned with the
blocks; directed ones after the rows are eliminated, which halves the products
needed (Reid 1972, SIAM J. Numer. Anal. 9, 325).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.linalg.lapack import dposv

Floats = npt.NDArray[np.float64]
Product = Callable[[Floats], Floats]

#: Ridge on the scaled Fisher information: enough to factorise along exact gauge
#: directions, too little to slow the quadratic phase.
RIDGE = 1e-13
#: Parameters up to which factorising is cheaper than multiplying.
FACTORISE_TO = 60
#: Products with the information matrix in one iterative step.
MAX_PRODUCTS = 200
#: The same where it is stored: more would cost as much as to factorise it.
MAX_STORED_PRODUCTS = 30
#: Least share of a block's second variance that its first statistic leaves over.
DEGENERATE = 1e-14


@dataclass(frozen=True)
class Information:
    """Fisher information of a dual at one point.

    Attributes
    ----------
    var_rows, var_columns : array (k, n), (k, m)
        Per node the summed variance (k = 1) or variance, covariance, variance
        (k = 3, two statistics); `var_columns` is empty when symmetric.
    coupling : array (s n, s m), or None
        Covariances between rows and columns; None where they are too many to store.
    product : function, optional
        Information times a vector (d,); read where `coupling` is None.
    """

    var_rows: Floats
    var_columns: Floats
    coupling: Floats | None
    product: Product | None = None

    @property
    def rows(self) -> int:
        """Number of row parameters."""
        return int(self.var_rows.shape[1]) * (1 if len(self.var_rows) == 1 else 2)

    @cached_property
    def inverse_rows(self) -> Floats:
        """Inverse blocks of the rows, as `var_rows`."""
        return np.asarray(inverse_blocks(self.var_rows))

    @cached_property
    def inverse_columns(self) -> Floats:
        """Inverse blocks of the columns, as `var_columns`."""
        return np.asarray(inverse_blocks(self.var_columns))


def newton_step(info: Information, wanted: Floats, tolerance: float) -> Floats:
    """Solve information * step = wanted.

    Parameters
    ----------
    info : Information
    wanted : array (d,)
        Change of the expected statistics that the step should bring.
    tolerance : float
        Relative error allowed where the system is solved iteratively.
    """
    step = None
    symmetric = wanted.size == info.rows
    if wanted.size > FACTORISE_TO:
        step = _iterative(info, wanted, tolerance)
    if info.coupling is None:
        return step if step is not None else node_step(info, wanted)
    ridge = RIDGE
    solver = _symmetric_step if symmetric else _directed_step
    while step is None and ridge < 1.0:
        step = solver(info, info.coupling, wanted, ridge)
        ridge *= 100.0
    return node_step(info, wanted) if step is None else step


def node_step(info: Information, wanted: Floats) -> Floats:
    """Solve with the node-wise blocks alone."""
    rows = np.asarray(blocks(info.inverse_rows, wanted[: info.rows]))
    if wanted.size == info.rows:
        return rows
    return np.concatenate([rows, blocks(info.inverse_columns, wanted[info.rows :])])


@njit(cache=True, nogil=True, error_model="numpy")
def inverse_blocks(var):  # type: ignore[no-untyped-def]
    """Inverses of the node-wise blocks, stored alike; 0 for what carries no information."""
    out = np.zeros(var.shape)
    for i in range(var.shape[1]):
        first = 1.0 / var[0, i] if var[0, i] > 0.0 else 0.0
        out[0, i] = first
        if var.shape[0] == 3 and var[2, i] > 0.0:
            slope = var[1, i] * first
            rest = max(var[2, i] - var[1, i] * slope, DEGENERATE * var[2, i])
            out[0, i] += slope * slope / rest
            out[1, i] = -slope / rest
            out[2, i] = 1.0 / rest
    return out


@njit(cache=True, nogil=True)
def blocks(var, vector):  # type: ignore[no-untyped-def]
    """Node-wise blocks times a vector."""
    out = np.empty(vector.size)
    n = var.shape[1]
    for i in range(n):
        out[i] = var[0, i] * vector[i]
    if var.shape[0] == 3:
        for i in range(n):
            out[i] += var[1, i] * vector[n + i]
        for i in range(n):
            out[n + i] = var[1, i] * vector[i] + var[2, i] * vector[n + i]
    return out


@njit(cache=True, nogil=True)
def advance(step, rest, search, image, length):  # type: ignore[no-untyped-def]
    """Go along `search`, and take what that brings from the rest, in place."""
    for i in range(step.size):
        step[i] += length * search[i]
    for i in range(step.size):
        rest[i] -= length * image[i]


def _iterative(info: Information, wanted: Floats, tolerance: float) -> Floats | None:
    """Solve by conjugate gradients.

    None when stored information is better factorised than multiplied further.
    """
    coupling, rows = info.coupling, info.rows
    if coupling is None:
        assert info.product is not None

        def ready(vector: Floats) -> Floats:
            return node_step(info, vector)

        step, _ = _gradients(info.product, ready, wanted, tolerance, MAX_PRODUCTS)
        if step is None or wanted.size == rows:
            return step
        return _without_gauge(step[:rows], step[rows:], info)
    if wanted.size == rows:
        step, enough = _gradients(
            lambda v: coupling @ v + blocks(info.var_rows, v),
            lambda v: blocks(info.inverse_rows, v),
            wanted, tolerance, MAX_STORED_PRODUCTS,
        )  # fmt: skip
        return step if enough else None
    return _iterative_directed(info, coupling, wanted, tolerance)


def _iterative_directed(
    info: Information, coupling: Floats, wanted: Floats, tolerance: float
) -> Floats | None:
    """Solve for the columns with the rows eliminated, then for the rows."""
    by_row, by_column = wanted[: info.rows], wanted[info.rows :]
    columns, enough = _gradients(
        lambda v: blocks(info.var_columns, v) - blocks(info.inverse_rows, coupling @ v) @ coupling,
        lambda v: blocks(info.inverse_columns, v),
        by_column - blocks(info.inverse_rows, by_row) @ coupling,
        tolerance,
        MAX_STORED_PRODUCTS // 2,
    )
    if columns is None or not enough:
        return None
    rows = blocks(info.inverse_rows, by_row - coupling @ columns)
    return _without_gauge(rows, columns, info)


def _gradients(
    multiply: Product, ready: Product, wanted: Floats, tolerance: float, most: int
) -> tuple[Floats | None, bool]:
    """Preconditioned conjugate gradients: what was found, and whether it is exact enough."""
    step, rest = np.zeros_like(wanted), wanted.copy()
    search = ready(rest)
    power = float(rest @ search)
    goal = power * tolerance**2
    for _ in range(most):
        image = multiply(search)
        curvature = float(search @ image)
        if not curvature > 0:
            break
        advance(step, rest, search, image, power / curvature)
        conditioned = ready(rest)
        before, power = power, float(rest @ conditioned)
        if power <= goal:
            break
        search = conditioned + (power / before) * search
    if not np.any(step) or not np.all(np.isfinite(step)):
        return None, False
    return step, power <= goal


def _symmetric_step(
    info: Information, coupling: Floats, wanted: Floats, ridge: float
) -> Floats | None:
    fisher = coupling.copy()
    _add_blocks(fisher, info.var_rows)
    return _solve_scaled(fisher, wanted, ridge)


def _solve_scaled(fisher: Floats, wanted: Floats, ridge: float) -> Floats | None:
    """Cholesky of D^-1/2 F D^-1/2 + ridge; rows without information stay put."""
    diagonal = np.diagonal(fisher)
    fixed = ~(diagonal > 0)
    scale = 1.0 / np.sqrt(np.where(fixed, 1.0, diagonal))
    scaled = fisher * scale[:, None]
    scaled *= scale
    np.fill_diagonal(scaled, 1.0 + ridge)
    _, solution, info = dposv(
        scaled.T, np.where(fixed, 0.0, wanted * scale), lower=1, overwrite_a=1
    )
    if info != 0 or not np.all(np.isfinite(solution)):
        return None
    return np.asarray(solution * scale)


def _directed_step(
    info: Information, coupling: Floats, wanted: Floats, ridge: float
) -> Floats | None:
    """Eliminate the row parameters (their block is node-wise) and solve for columns."""
    rows = info.rows
    root = _row_roots(info.var_rows)
    left = _apply_inverse_root(root, coupling)
    right = _apply_inverse_root(root, wanted[:rows, None])
    schur = left.T @ left
    np.negative(schur, out=schur)
    _add_blocks(schur, info.var_columns)
    own = info.var_columns[[0, -1]].ravel() if len(info.var_columns) == 3 else info.var_columns[0]
    scale = 1.0 / np.sqrt(np.where(own > 0, own, 1.0))
    scaled = schur * scale[:, None]
    scaled *= scale
    index = np.arange(scale.size)
    scaled[index, index] += np.where(own > 0, ridge, 1.0)
    reduced = (wanted[rows:] - left.T @ right[:, 0]) * scale * (own > 0)
    _, solution, failed = dposv(scaled.T, reduced, lower=1, overwrite_a=1)
    if failed != 0 or not np.all(np.isfinite(solution)):
        return None
    columns = solution * scale
    row_steps = _apply_inverse_root_transposed(root, right[:, 0] - left @ columns)
    return _without_gauge(row_steps, columns, info)


def _without_gauge(rows: Floats, columns: Floats, info: Information) -> Floats:
    """Take out of a step what it adds to all rows and takes from all columns.

    That changes no pair, but left alone it would drift and cost digits.
    """
    statistics = [0] if len(info.var_rows) == 1 else [0, 2]
    by_row, by_column = rows.reshape(len(statistics), -1), columns.reshape(len(statistics), -1)
    row_weight, column_weight = info.var_rows[statistics], info.var_columns[statistics]
    total = row_weight.sum(axis=1) + column_weight.sum(axis=1)
    drift = (row_weight * by_row).sum(axis=1) - (column_weight * by_column).sum(axis=1)
    shift = (drift / np.where(total > 0, total, 1.0))[:, None]
    by_row = by_row - shift * (row_weight > 0)
    by_column = by_column + shift * (column_weight > 0)
    return np.concatenate([by_row.ravel(), by_column.ravel()])


def _add_blocks(matrix: Floats, var: Floats) -> None:
    """Add the node-wise blocks to a matrix, in place."""
    n = var.shape[1]
    first = np.arange(n)
    matrix[first, first] += var[0]
    if len(var) == 3:
        second = first + n
        matrix[first, second] += var[1]
        matrix[second, first] += var[1]
        matrix[second, second] += var[2]


def _row_roots(var: Floats) -> Floats:
    """Cholesky factors of the node-wise blocks: (1, n) or (3, n); 1 where there is nothing."""
    first = np.sqrt(np.where(var[0] > 0, var[0], 1.0))
    if len(var) == 1:
        return first[None]
    cross = np.where(var[0] > 0, var[1], 0.0) / first
    rest = var[2] - cross**2
    floor = np.maximum(DEGENERATE * var[2], 0.0)
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
