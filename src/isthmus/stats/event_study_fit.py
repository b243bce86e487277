"""Effects of country-years and levels of pairs, fitted to counts of pairs by year.

``E w_ijt = e_ijt a_it b_jt c_ij``, by Poisson likelihood, with ``a = b`` unless directed; the
exposure ``e`` is known, and 1 unless counts are of those at risk. Each
round gives every pair and then every country-year its total (iterative proportional
fitting). A pair can have two levels, one before and one after a year, or be left out.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from isthmus.errors import InputError

Floats = NDArray[np.float64]
Kinds = NDArray[np.int8]

#: How a pair takes part in a fit: one level, one before and one after, or not at all.
ONE, SPLIT, OUT = 0, 1, 2

#: Largest relative change of a country-year effect that ends a fit, and most sweeps.
SETTLED, SWEEPS = 1e-9, 5_000


class UnsettledError(InputError):
    """A fit without an end: counts are so few that some effects have no finite value."""


def fit_levels(
    counts: Floats,
    kind: Kinds,
    before: int,
    *,
    directed: bool,
    start: Floats | None = None,
    exposure: Floats | None = None,
) -> Floats:
    """Fit effects of country-years and levels of pairs to counts by Poisson likelihood.

    Parameters
    ----------
    counts : (t, n, n)
        Zero diagonal; symmetric unless directed.
    kind : (n, n) int8
        `ONE` level of a pair, one before and one after (`SPLIT`), or left `OUT`.
    before : int
        Years of the first level of pairs that are split.
    start : (2, n, t), optional
        Effects to start from.
    exposure : (t, n, n), optional
        Number at risk that counts are proportional to; symmetric unless directed.

    Returns
    -------
    (2, n, t)
        Factors of sources and of targets by year; both the same unless directed. Levels
        follow from them: the sum of a pair's counts over that of its products.

    Raises
    ------
    UnsettledError
        The fit does not settle.
    """
    used = np.where(kind == OUT, 0.0, counts)
    source, target = used.sum(axis=2).T.copy(), used.sum(axis=1).T.copy()
    sums = np.stack([used[:before].sum(axis=0), used[before:].sum(axis=0)])
    sums[:, kind == ONE] = sums[:, kind == ONE].sum(axis=0)
    if start is None:
        everything = np.sqrt(np.maximum(source.sum(axis=0), 1.0))
        start = np.stack([source / everything, target / everything])
    a = start[0].copy()
    b = start[1].copy() if directed else a
    at_risk = None if exposure is None else np.ascontiguousarray(exposure.transpose(1, 2, 0))
    if not _settle(sums, kind, before, source, target, directed, a, b, at_risk, SETTLED, SWEEPS):
        raise UnsettledError(f"Effects of countries and pairs did not settle in {SWEEPS} sweeps.")
    return np.stack([a, b])


@njit(cache=True, nogil=True)
def _settle(sums, kind, before, source, target, directed, a, b, at_risk, settled, sweeps):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Change levels and effects in turn, in place, until effects stand; return whether they do.

    `sums` (2, n, n): counts of the years of each level; `source`, `target`, `a`, `b`
    (n, t); `b` is `a` unless directed; `at_risk` (n, n, t) or None, and then 1.
    """
    n, t = a.shape
    level = np.zeros((2, n, n))
    fitted = np.zeros((n, t))
    for _ in range(sweeps):
        for i in range(n):
            for j in range(0 if directed else i + 1, n):
                if i == j or kind[i, j] == 2:
                    continue
                first, second = 0.0, 0.0
                for k in range(before):
                    first += a[i, k] * b[j, k] * _at_risk(at_risk, i, j, k)
                for k in range(before, t):
                    second += a[i, k] * b[j, k] * _at_risk(at_risk, i, j, k)
                if kind[i, j] == 0:
                    first += second
                    second = first
                level[0, i, j] = sums[0, i, j] / first if first > 0 else 0.0
                level[1, i, j] = sums[1, i, j] / second if second > 0 else 0.0
                if not directed:
                    level[0, j, i], level[1, j, i] = level[0, i, j], level[1, i, j]
        largest = 0.0
        for i in range(n):
            row = fitted[0]
            row[:] = 0.0
            for j in range(n):
                for k in range(before):
                    row[k] += level[0, i, j] * b[j, k] * _at_risk(at_risk, i, j, k)
                for k in range(before, t):
                    row[k] += level[1, i, j] * b[j, k] * _at_risk(at_risk, i, j, k)
            largest = max(largest, _scale(a[i], source[i], row))
        if directed:
            fitted[:] = 0.0
            for i in range(n):
                for j in range(n):
                    for k in range(before):
                        fitted[j, k] += level[0, i, j] * a[i, k] * _at_risk(at_risk, i, j, k)
                    for k in range(before, t):
                        fitted[j, k] += level[1, i, j] * a[i, k] * _at_risk(at_risk, i, j, k)
            for j in range(n):
                largest = max(largest, _scale(b[j], target[j], fitted[j]))
        if largest <= settled:
            return True
    return False


@njit(cache=True, nogil=True)
def _at_risk(at_risk, i, j, k):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Exposure of a pair in a year; the branch is chosen when the kernel is compiled."""
    if at_risk is None:
        return 1.0
    return at_risk[i, j, k]


@njit(cache=True, nogil=True)
def _scale(effect, total, fitted):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Return effects their totals, in place; return the largest relative change."""
    largest = 0.0
    for k in range(effect.size):
        new = total[k] / fitted[k] if fitted[k] > 0 else 0.0
        if effect[k] > 0:
            largest = max(largest, abs(new / effect[k] - 1.0))
        effect[k] = new
    return largest
