"""Expected weights when only sizes matter, found in a moment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from isthmus.errors import InputError

Floats = NDArray[np.float64]

#: Largest relative error of a strength: at the edge, where one node takes part in all
#: weight, the answer is a limit that no finite numbers reach.
LOOSEST = 1e-2
#: How far beyond its least value the total is looked for.
FARTHEST = 1e6


def size_expectation(weights: Floats) -> Floats:
    """Expected weights x_i y_j without self-loops that keep every strength.

    The means of the multi-edge null model. With sum(x) = sum(y) = S, which the scale of x
    leaves free, the two equations of a node, x (S - y) = out-strength and
    y (S - x) = in-strength, have a closed solution; what is left is one equation in S.

    Parameters
    ----------
    weights : (n, n)
        Non-negative, zero diagonal.

    Returns
    -------
    (n, n)
        Symmetric for symmetric weights.

    Raises
    ------
    InputError
        No such weights exist: one node takes part in all of the weight.
    """
    rows, columns = weights.sum(axis=1), weights.sum(axis=0)
    if not rows.any():
        return np.zeros(weights.shape)
    x, y = size_factors(rows, columns)
    expected = np.outer(x, y)
    np.fill_diagonal(expected, 0.0)
    return expected


def size_factors(rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Factors x and y of :func:`size_expectation`, from strengths that are not all 0.

    Parameters
    ----------
    rows, columns : (n,)
        Strengths by source and by target; the same where the network is undirected.

    Raises
    ------
    InputError
        No such weights exist: one node takes part in all of the weight.
    """
    x, y = _fitted(rows, columns)
    missed = max(_missed(x * (y.sum() - y), rows), _missed(y * (x.sum() - x), columns))
    if not missed <= LOOSEST:
        raise InputError(
            "No expected weights without self-loops keep these strengths: one node would need "
            f"links with itself (a strength is missed by {missed:.1%}). Leave that network out."
        )
    return x, y


def _fitted(rows: Floats, columns: Floats) -> tuple[Floats, Floats]:
    """Find the total, and with it x and y of every node."""
    least = np.sqrt(rows) + np.sqrt(columns)
    largest = int(np.argmax(least))
    start = float(least[largest])

    def excess(total: float) -> float:
        return float(_lower(rows, columns, total)[0].sum() - total)

    def shortfall(total: float) -> float:
        x, y = _lower(rows, columns, total)
        return float(x.sum() - x[largest] - y[largest])

    if excess(start) >= 0:
        return _lower(rows, columns, _root(excess, start))
    # A node with more than half of all weight has the larger solution of its equations.
    total = _root(lambda total: -shortfall(total), start)
    x, y = _lower(rows, columns, total)
    x[largest], y[largest] = total - y[largest], total - x[largest]
    return x, y


def _lower(rows: Floats, columns: Floats, total: float) -> tuple[Floats, Floats]:
    """Smaller solutions of x (S - y) = rows and y (S - x) = columns."""
    apart = (columns - rows) / total
    middle = total - (rows + columns) / total
    root = np.sqrt(np.maximum(middle**2 - 4 * rows * columns / total**2, 0.0))
    x = 2 * rows / np.maximum(total - apart + root, 1e-300)
    y = 2 * columns / np.maximum(total + apart + root, 1e-300)
    return x, y


def _root(falling, start: float) -> float:  # type: ignore[no-untyped-def]
    """Where a function that is positive at `start` becomes negative, or the farthest place."""
    low, high = start, 2 * start
    while falling(high) > 0:
        if high > FARTHEST * start:
            return high
        low, high = high, 2 * high
    if falling(low) <= 0:
        return low
    return float(brentq(falling, low, high, xtol=1e-300, rtol=1e-14))


def _missed(found: Floats, wanted: Floats) -> float:
    return float((np.abs(found - wanted) / np.where(wanted > 0, wanted, 1.0)).max())
