"""Expected weights when only sizes matter, found in a moment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import InputError

Floats = NDArray[np.float64]


#: Largest relative error of a strength that is still taken when sweeps run out: at
#: the edge, where one node takes part in all weight, the fit creeps up on its limit.
LOOSEST = 1e-2


def size_expectation(weights: Floats, *, tolerance: float = 1e-9, most: int = 2_000) -> Floats:
    """Expected weights x_i y_j without self-loops that keep every strength.

    The means of the multi-edge null model, by iterative proportional fitting:
    each sweep costs n operations, since only the sums over the other nodes are
    needed. For symmetric weights the answer is symmetric.

    Parameters
    ----------
    weights : (n, n)
        Non-negative, zero diagonal.
    tolerance : float
        Relative error of the strengths that is aimed at.
    most : int
        Sweeps after which the answer is taken as it is, or refused.

    Raises
    ------
    InputError
        No such weights exist: one node takes part in all of the weight.
    """
    rows, columns = weights.sum(axis=1), weights.sum(axis=0)
    if not rows.any():
        return np.zeros(weights.shape)
    with np.errstate(over="ignore", invalid="ignore"):
        x, y, missed = _fitted(rows, columns, tolerance, most)
    if not missed <= LOOSEST:
        raise InputError(
            "No expected weights without self-loops keep these strengths: one node would need "
            f"links with itself (a strength is missed by {missed:.1%}). Leave that network out."
        )
    expected = np.outer(x, y)
    np.fill_diagonal(expected, 0.0)
    return expected


def _fitted(
    rows: Floats, columns: Floats, tolerance: float, most: int
) -> tuple[Floats, Floats, float]:
    """Sweep over rows and columns in turn; the last element is the error that is left."""
    root = np.sqrt(rows.sum())
    x, y, missed = rows / root, columns / root, np.inf
    for _ in range(most):
        x = _divided(rows, y.sum() - y)
        gaps = np.abs(y * (x.sum() - x) - columns)
        missed = float((gaps / np.where(columns > 0, columns, 1.0)).max())
        if missed <= tolerance:
            break
        y = _divided(columns, x.sum() - x)
    return x, y, missed


def _divided(size: Floats, others: Floats) -> Floats:
    return np.divide(size, others, out=np.zeros_like(size), where=others > 0)
