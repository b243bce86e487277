"""What a network hands to a null model: checked weights, margins, classes of nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from isthmus.errors import InputError
from isthmus.stats.nulls.pairs import FREE, LAST, NONE, SURE

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Margins:
    """Degrees and strengths of a network.

    Attributes
    ----------
    k_out, k_in : array (n,)
        Number of links of each node; the same array when undirected.
    s_out, s_in : array (n,)
        Total weight of each node; the same array when undirected.
    directed : bool
    """

    k_out: Floats
    k_in: Floats
    s_out: Floats
    s_in: Floats
    directed: bool

    @property
    def n(self) -> int:
        """Number of nodes."""
        return self.k_out.size


def checked(weights: Any, *, directed: bool, integer: str | None = None) -> Any:
    """Return the weights as a float array (or CSR), or refuse them with a sentence.

    Parameters
    ----------
    weights : array (n, n) or scipy sparse array
        Non-negative, zero diagonal, symmetric when undirected.
    directed : bool
    integer : str, optional
        Name of the model when it needs whole numbers.
    """
    matrix = _as_matrix(weights)
    values = matrix.data if sparse.issparse(matrix) else matrix
    lowest, highest = (values.min(), values.max()) if values.size else (0.0, 0.0)
    if not np.isfinite(lowest + highest):
        raise InputError(
            "Weights must be finite numbers, and some are missing or infinite. "
            "Write 0 where two nodes share no weight."
        )
    if lowest < 0:
        raise InputError(
            f"Weights must not be negative, and the smallest is {lowest:g}. "
            "Null models count events or amounts."
        )
    if matrix.diagonal().any():
        raise InputError(
            "The diagonal must be zero: the null models know no self-loops. "
            "Set the diagonal to 0, or keep it apart as domestic weight."
        )
    if not directed and not _symmetric(matrix):
        raise InputError(
            "An undirected network needs a symmetric matrix, and this one is not. "
            "Pass directed=True, or add the matrix to its transpose."
        )
    if integer is not None and not np.array_equal(values, np.floor(values)):
        raise InputError(
            f"The model '{integer}' counts whole units, and some weights are fractions. "
            "Round the weights, or use the model 'crem', which takes any amounts."
        )
    return matrix


def _symmetric(matrix: Any) -> bool:
    if sparse.issparse(matrix):
        return bool((matrix != matrix.T).nnz == 0)
    return bool(np.array_equal(matrix, matrix.T))


def _as_matrix(weights: Any) -> Any:
    if sparse.issparse(weights):
        matrix = sparse.csr_array(weights, dtype=np.float64)
    else:
        try:
            matrix = np.array(weights, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError(
                "Weights must be a square matrix of numbers, and this input is none."
            ) from None
    if matrix.size == 0 and matrix.ndim <= 2:
        matrix = np.zeros((0, 0))
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(
            f"Weights must be a square matrix, one row and one column per node; "
            f"the shape found is {matrix.shape}."
        )
    return matrix


def margins(matrix: Any, *, directed: bool) -> Margins:
    """Degrees and strengths of checked weights."""
    links = matrix > 0
    k_out, s_out = _total(links, 1), _total(matrix, 1)
    if not directed:
        return Margins(k_out, k_out, s_out, s_out, directed)
    return Margins(k_out, _total(links, 0), s_out, _total(matrix, 0), directed)


def _total(matrix: Any, axis: int) -> Floats:
    return np.asarray(matrix.sum(axis=axis), dtype=np.float64).ravel()


@dataclass(frozen=True)
class Classes:
    """Nodes with equal constraints, merged.

    Attributes
    ----------
    of_node : array (n,)
        Class of each node.
    size : array (c,)
        Nodes in each class.
    first : array (c,)
        One node of each class, so that ``k_out[first]`` are class constraints.
    """

    of_node: Ints
    size: Ints
    first: Ints


def classes(*constraints: Floats) -> Classes:
    """Merge nodes that agree in every one of the given constraints (n,)."""
    order = np.lexsort(constraints[::-1])
    new = np.zeros(order.size, dtype=bool)
    new[:1] = True
    for constraint in constraints:
        ordered = constraint[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    of_node = np.empty(order.size, dtype=np.int64)
    of_node[order] = np.cumsum(new) - 1
    starts = np.flatnonzero(new)
    return Classes(of_node, np.diff(starts, append=order.size), order[starts])


@dataclass(frozen=True)
class Settled:
    """Links that the degrees alone decide (threshold reduction).

    A pair's links are decided by the node, row or column, with the lower rank:
    `SURE` (always linked), `NONE` (never) or, at rank `LAST`, `FREE`.

    Attributes
    ----------
    rank_rows, kind_rows, rank_columns, kind_columns : array (c,)
    """

    rank_rows: Ints
    kind_rows: Ints
    rank_columns: Ints
    kind_columns: Ints

    def states(self) -> Ints:
        """State of every pair of classes, array (c, c)."""
        first = self.rank_rows[:, None] < self.rank_columns[None, :]
        return np.where(first, self.kind_rows[:, None], self.kind_columns[None, :])


def all_alike(rows: int, columns: int, kind: int) -> Settled:
    """Settle every pair the same way."""
    return Settled(
        np.full(rows, LAST), np.full(rows, kind), np.full(columns, LAST), np.full(columns, kind)
    )


def settle(k: Floats, size: Ints) -> Settled:
    """Peel nodes linked to all others that are left, or to none (undirected)."""
    rank, kind = np.full(k.size, LAST), np.full(k.size, FREE)
    order = np.argsort(k, kind="stable")
    low, high, left, linked = 0, k.size - 1, int(size.sum()), 0
    for step in range(k.size):
        poorest, richest = order[low], order[high]
        if k[poorest] - linked <= 0:
            rank[poorest], kind[poorest] = step, NONE
            low, left = low + 1, left - int(size[poorest])
        elif k[richest] - linked >= left - 1:
            rank[richest], kind[richest] = step, SURE
            high, left = high - 1, left - int(size[richest])
            linked += int(size[richest])
        else:
            break
    return Settled(rank, kind, rank, kind)


def settle_directed(k_out: Floats, k_in: Floats, size: Ints) -> Settled:
    """Peel rows and columns whose links are all or none of those left (directed)."""
    count = k_out.size
    rank, kind = np.full((2, count), LAST), np.full((2, count), FREE)
    wanted = np.stack([k_out, k_in])
    open_ = np.ones((2, count), dtype=bool)
    step = 0
    while True:
        partners = (open_ * size).sum(axis=1)[::-1, None] - open_[::-1]
        full = open_ & (wanted >= partners) & (wanted > 0)
        empty = open_ & (wanted <= 0)
        if empty.any():
            rank[empty], kind[empty] = step, NONE
            open_ &= ~empty
        elif full.any():
            side, node = np.argwhere(full)[0]
            rank[side, node], kind[side, node] = step, SURE
            wanted[1 - side] -= size[node]
            wanted[1 - side, node] += 1
            open_[side, node] = False
        else:
            return Settled(rank[0], kind[0], rank[1], kind[1])
        step += 1
