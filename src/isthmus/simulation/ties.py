"""Panels of joint works with planted affinities: the truth a measure of ties must find.

Counts have the log mean ``a_it + a_jt + A_ijt``, with two giants of which one falls
from 30 % and one rises from 5 %, planted slopes between some pairs, and, as asked for,
lasting affinities between all pairs, serially correlated noise and over-dispersion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: The first countries of a panel; the others are called C04, C05 ...
NAMED = ("US", "CN", "GB", "JP")
#: Planted change of affinity a year, undirected and directed.
SLOPES = {("US", "CN"): -0.05, ("US", "GB"): 0.04, ("CN", "GB"): -0.04}
DIRECTED_SLOPES = {("US", "CN"): -0.04, ("CN", "US"): -0.02, ("GB", "US"): 0.03}
#: The tie that is strong and never changes.
CONSTANT = (("CN", "JP"), 1.0)
#: Growth of the world's works a year.
GROWTH = 1.08


@dataclass(frozen=True)
class TiePanel:
    """Counts of a world and the law they were drawn from.

    Attributes
    ----------
    countries
        n codes.
    counts : (t, n, n)
        Counts with zero diagonal; symmetric unless directed.
    affinity : (t, n, n)
        Planted log affinities: lasting part and slope, without noise.
    drawn : (t, n, n)
        The same with the noise that was drawn: what the counts are Poisson around.
    slope : (n, n)
        Planted change of affinity a year.
    sizes : (t, n)
        Shares of countries.
    """

    countries: tuple[str, ...]
    counts: Floats
    affinity: Floats
    drawn: Floats
    slope: Floats
    sizes: Floats

    def pair(self, source: str, target: str) -> tuple[int, int]:
        """Positions of two countries."""
        return self.countries.index(source), self.countries.index(target)


def tie_panel(
    works: float,
    years: int,
    seed: int,
    *,
    n: int = 40,
    directed: bool = False,
    lasting: float = 0.0,
    noise: float = 0.0,
    rho: float = 0.6,
    dispersion: float = 0.0,
    slopes: dict[tuple[str, str], float] | None = None,
    turns: dict[tuple[int, int], tuple[int, float]] | None = None,
) -> TiePanel:
    """Draw a panel.

    Parameters
    ----------
    works
        Total of the matrix in the first year (undirected: twice the joint works); it
        grows by 8 % a year, before affinities.
    lasting
        Standard deviation of constant affinities between pairs.
    noise, rho
        Standard deviation and correlation of AR(1) noise of the log means.
    dispersion
        Over-dispersion d of counts: variance m + d m^2.
    slopes
        Planted slopes by pair; None: `SLOPES` or `DIRECTED_SLOPES`.
    turns
        Year (from 0) and size of a change of slope, by positions of an undirected pair.
    """
    random = np.random.default_rng(seed)
    countries = NAMED + tuple(f"C{i:02d}" for i in range(len(NAMED), n))
    sizes = _sizes(n, years)
    slope = _slopes(countries, directed, slopes)
    level = lasting * _symmetric(random.normal(size=(n, n)), directed)
    (first, second), strength = CONSTANT
    i, j = countries.index(first), countries.index(second)
    level[i, j] = strength
    level[j, i] = level[j, i] if directed else strength
    time = np.arange(years) - (years - 1) / 2
    affinity = level + slope * time[:, None, None]
    for (i, j), (at, change) in (turns or {}).items():
        affinity[:, [i, j], [j, i]] += change * np.maximum(np.arange(years) - at, 0)[:, None]
    drawn = affinity + [_symmetric(x, directed) for x in _ar(random, (years, n, n), noise, rho)]
    if dispersion:
        gamma = random.gamma(1 / dispersion, dispersion, size=drawn.shape)
        drawn += [_symmetric(x, directed) for x in np.log(gamma)]
    mean = sizes[:, :, None] * sizes[:, None, :] * ~np.eye(n, dtype=bool)
    mean *= (works * GROWTH ** np.arange(years) / mean.sum(axis=(1, 2)))[:, None, None]
    counts = random.poisson(mean * np.exp(drawn)).astype(np.float64)
    counts = np.array([_symmetric(x, directed) for x in counts])
    return TiePanel(countries, counts, affinity, drawn, slope, sizes)


def _sizes(n: int, years: int) -> Floats:
    """Shares (t, n): US from 30 to 18 %, CN from 5 to 22 %, the others by rank."""
    done = np.linspace(0.0, 1.0, years)
    giants = np.array([0.30 - 0.12 * done, 0.05 + 0.17 * done]).T
    ranks = (np.arange(n - 2) + 3.0) ** -0.9
    rest = (1 - giants.sum(axis=1))[:, None] * (ranks / ranks.sum())
    return np.hstack([giants, rest])


def _slopes(
    countries: tuple[str, ...], directed: bool, slopes: dict[tuple[str, str], float] | None
) -> Floats:
    planted = (DIRECTED_SLOPES if directed else SLOPES) if slopes is None else slopes
    out = np.zeros((len(countries), len(countries)))
    for (first, second), change in planted.items():
        i, j = countries.index(first), countries.index(second)
        out[i, j] = change
        out[j, i] = out[j, i] if directed else change
    return out


def _symmetric(matrix: Floats, directed: bool) -> Floats:
    """Upper triangle copied to the lower unless directed; the diagonal is 0."""
    if directed:
        return matrix * ~np.eye(len(matrix), dtype=bool)
    upper = np.triu(matrix, 1)
    return upper + upper.T


def _ar(random: np.random.Generator, shape: tuple[int, ...], sd: float, rho: float) -> Floats:
    """Stationary AR(1) paths along the first axis."""
    path = sd * random.normal(size=shape)
    for t in range(1, shape[0]):
        path[t] = rho * path[t - 1] + np.sqrt(1 - rho**2) * path[t]
    return path
