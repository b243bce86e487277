"""Fits of the bloc model with one to several blocs, and of a gradient in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isthmus.stats.blocs.kernels import fit_blocs, fit_gradient

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Sweeps over the nodes at most, and the step at which they end.
SWEEPS, ENOUGH = 60, 1e-3
#: Effect within blocs, and variance of the places on a line, to start from.
WITHIN_AT_FIRST, SPREAD_AT_FIRST = 0.2, 0.1
#: Fewest members of a bloc that is split to start a fit with one bloc more.
SPLITTABLE = 4


@dataclass(frozen=True)
class Data:
    """A network as the fits see it.

    Attributes
    ----------
    weights, offset : (n, n) symmetric
        Counts, and the means that sizes give, positive where `use`.
    use : (n, n) bool, symmetric, False on the diagonal
    dispersion : float
        Variance of a pair's mean, per squared mean; positive.
    """

    weights: Floats
    offset: Floats
    use: Flags
    dispersion: float


class Fit(NamedTuple):
    """Node effects (n,), blocs (n,), effect within blocs, log likelihood."""

    effects: Floats
    bloc: Ints
    within: float
    likelihood: float

    def mean(self, data: Data) -> Floats:
        """Means of all pairs, (n, n)."""
        same = self.bloc[:, None] == self.bloc
        a = self.effects
        return np.asarray(data.offset * np.exp(a[:, None] + a + self.within * same))


def bloc_fits(data: Data, most: int, random: np.random.Generator) -> list[Fit]:
    """Fit 1 to `most` blocs.

    Each number starts from the leading vectors of the standardised residuals without
    blocs and from the fit before it with one bloc split; then, from the largest number
    down, from the fit with one bloc more with two of its blocs merged. The likeliest end is
    taken.
    """
    n = len(data.weights)
    none = _fitted(data, np.zeros(n), np.zeros(n, dtype=np.int64), 1)
    values, vectors = np.linalg.eigh(residuals(data, none.mean(data)))
    points = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0))
    fits = [none]
    for k in range(2, most + 1):
        starts = [_grouped(points[:, : k - 1], k, random)]
        split = (points[:, 0] > 0).astype(np.int64) if k == 2 else _split(data, fits[-1], k - 1)
        if split is not None:
            starts.append(split)
        ends = [_fitted(data, none.effects, start, k) for start in starts]
        fits.append(max(ends, key=lambda end: end.likelihood))
    for k in range(most - 1, 1, -1):
        end = _fitted(data, none.effects, _merged(data, fits[k], k + 1), k)
        if end.likelihood > fits[k - 1].likelihood:
            fits[k - 1] = end
    return fits


def gradient_fit(data: Data, none: Fit) -> tuple[Floats, Floats]:
    """Fit places on a line in place of blocs; return places (n,) and means (n, n)."""
    a, n = none.effects.copy(), len(none.effects)
    _, vectors = np.linalg.eigh(residuals(data, none.mean(data)))
    x = vectors[:, -1] * np.sqrt(n * SPREAD_AT_FIRST)
    fit_gradient(
        data.weights, data.offset, data.use, data.dispersion, a, x, SPREAD_AT_FIRST, SWEEPS, ENOUGH
    )
    return x, np.asarray(data.offset * np.exp(a[:, None] + a + np.outer(x, x)))


def residuals(data: Data, mean: Floats) -> Floats:
    """Standardised residuals, (n, n), 0 for pairs that do not enter."""
    away = (data.weights - mean) / np.sqrt(mean * (1 + data.dispersion * mean))
    return np.where(data.use, away, 0.0)


def _fitted(data: Data, effects: Floats, bloc: Ints, k: int) -> Fit:
    a, g = effects.copy(), bloc.copy()
    within, likelihood = fit_blocs(
        data.weights, data.offset, data.use, data.dispersion, a, g, k,
        WITHIN_AT_FIRST if k > 1 else 0.0, SWEEPS, ENOUGH, True,
    )  # fmt: skip
    return Fit(a, g, within, likelihood)


def _grouped(points: Floats, k: int, random: np.random.Generator) -> Ints:
    """Group points by k-means from farthest-apart starts, (n,)."""
    centre = points[[int(random.integers(len(points)))]]
    while len(centre) < k:
        far = np.square(points[:, None] - centre).sum(axis=2).min(axis=1)
        centre = np.vstack([centre, points[far.argmax()]])
    label = np.zeros(len(points), dtype=np.int64)
    for _ in range(10):
        label = np.square(points[:, None] - centre).sum(axis=2).argmin(axis=1).astype(np.int64)
        for c in range(k):
            if (label == c).any():
                centre[c] = points[label == c].mean(axis=0)
    return label


def _split(data: Data, fit: Fit, new: int) -> Ints | None:
    """Split the bloc whose inside falls most clearly into two; None where none can be."""
    away = residuals(data, fit.mean(data))
    clearest, halves = 0.0, None
    for c in range(new):
        members = np.flatnonzero(fit.bloc == c)
        if len(members) < SPLITTABLE:
            continue
        values, vectors = np.linalg.eigh(away[np.ix_(members, members)])
        if values[-1] > clearest:
            clearest, halves = values[-1], members[vectors[:, -1] > np.median(vectors[:, -1])]
    if halves is None:
        return None
    bloc = fit.bloc.copy()
    bloc[halves] = new
    return bloc


def _merged(data: Data, fit: Fit, k: int) -> Ints:
    """Merge the two of `k` blocs whose ties with each other are most above their means."""
    away = residuals(data, fit.mean(data))
    member = np.eye(k)[fit.bloc]
    pairs = np.maximum(member.T @ data.use @ member, 1.0)
    between = (member.T @ away @ member) / np.sqrt(pairs)
    empty = member.sum(axis=0) == 0
    between[:, empty] = between[empty] = np.inf  # nothing is lost
    between[np.tril_indices(k)] = -np.inf
    one, other = divmod(int(between.argmax()), k)
    bloc = np.where(fit.bloc == other, one, fit.bloc)
    return np.where(bloc > other, bloc - 1, bloc)
