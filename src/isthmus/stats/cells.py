"""Cells: one number per distinct combination of codes.

Strata of a matching, cells of a multivariate histogram and absorbed effects are
all the same thing: units that agree on several small integers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: Product of the numbers of codes up to which a combination fits a 64-bit key.
_LARGEST_KEY = 2**62


def number_cells(codes: Sequence[Ints], sizes: Sequence[int], n: int) -> tuple[Ints, int]:
    """Number the distinct combinations of `codes` from 0, in the order of the codes.

    Parameters
    ----------
    codes : sequence of arrays (n,)
        Codes from -1 (missing) to size - 1.
    sizes : sequence of int
        Number of codes of each array, the missing one not counted.
    n : int
        Number of units; with no array at all every unit is in one cell.

    Returns
    -------
    cell : array (n,)
    count : int
        Number of cells.
    """
    key, reach = np.zeros(n, dtype=np.int64), 1
    for code, size in zip(codes, sizes, strict=True):
        if reach > _LARGEST_KEY // (size + 1):
            key, reach = renumber(key)
        key = key * (size + 1) + (code + 1)
        reach *= size + 1
    return renumber(key)


def renumber(keys: Ints) -> tuple[Ints, int]:
    """Position of each key among the sorted distinct keys, and how many these are."""
    first_seen, distinct = _first_seen(np.ascontiguousarray(keys, dtype=np.int64))
    rank = np.empty(distinct.size, dtype=np.int64)
    rank[np.argsort(distinct)] = np.arange(distinct.size)
    return rank[first_seen], distinct.size


@numba.njit(cache=True, nogil=True)
def _slot(key: np.int64, table: Ints, distinct: Ints) -> np.int64:  # pragma: no cover - compiled
    """Place of `key` in an open-addressing table: its own, or the free one it gets."""
    mask = table.size - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    at = np.int64(mixed >> np.uint64(20)) & mask
    while table[at] >= 0 and distinct[table[at]] != key:
        at = (at + 1) & mask
    return at


@numba.njit(cache=True, nogil=True)
def _first_seen(keys: Ints) -> tuple[Ints, Ints]:  # pragma: no cover - compiled
    """Number keys in the order they are first seen; also the distinct keys in that order."""
    codes = np.empty(keys.size, dtype=np.int64)
    distinct = np.empty(64, dtype=np.int64)
    table = np.full(128, -1, dtype=np.int64)
    count = 0
    for i in range(keys.size):
        at = _slot(keys[i], table, distinct)
        if table[at] < 0:
            if count == distinct.size:
                distinct = np.concatenate((distinct, np.empty(count, dtype=np.int64)))
                table = np.full(4 * count, -1, dtype=np.int64)
                for k in range(count):
                    table[_slot(distinct[k], table, distinct)] = k
                at = _slot(keys[i], table, distinct)
            distinct[count] = keys[i]
            table[at] = count
            count += 1
        codes[i] = table[at]
    return codes, distinct[:count]
