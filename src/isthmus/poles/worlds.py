"""Worlds in which nothing changes between countries but their sizes, drawn like the study's.

Two families. ``sizes``: every weight is Poisson around what sizes alone give; no two
countries prefer each other. ``constant_ties``: every pair keeps the tie it has, strong
or weak, for all years, and wanders about it with the noise found in the study's ties.
Under the team null model whole teams are drawn, so that it has the first family only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.poles.layers import Layer, Panel
from isthmus.poles.team_counts import TeamFits
from isthmus.stats import Affinity
from isthmus.stats.trends.gls import Noise

Floats = NDArray[np.float64]

SIZES, CONSTANT_TIES = "sizes", "constant_ties"
FAMILIES = (SIZES, CONSTANT_TIES)


@dataclass(frozen=True)
class Worlds:
    """What worlds are drawn from.

    Attributes
    ----------
    panel : Panel
    expected : dict layer -> (t, n, n) weights sizes alone would give
    affinities : dict layer -> Affinity of the study
    seed : int
    """

    panel: Panel
    expected: Mapping[str, Floats]
    affinities: Mapping[str, Affinity]
    seed: int

    def draw(self, family: str, number: int, teams: TeamFits | None = None) -> dict[str, Floats]:
        """Draw one world: the weights of every layer, (t, n, n).

        The same family and number give the same world, whatever is drawn beside it.
        """
        stream = [self.seed, FAMILIES.index(family), number]
        random = np.random.default_rng(np.random.SeedSequence(stream))
        if teams is not None:
            return {layer.name: teams.draw(random) for layer in self.panel.layers}
        return {layer.name: self._layer(layer, family, random) for layer in self.panel.layers}

    def _layer(self, layer: Layer, family: str, random: np.random.Generator) -> Floats:
        if family == SIZES:
            return drawn(self.expected[layer.name], layer.directed, random)
        found = self.affinities[layer.name]
        return drawn(wandering(found, layer.directed, random), layer.directed, random)


def drawn(mean: Floats, directed: bool, random: np.random.Generator) -> Floats:
    """Draw Poisson counts around means, (t, n, n); symmetric unless directed."""
    if directed:
        return random.poisson(mean).astype(np.float64)
    upper = np.triu_indices(mean.shape[1], 1)
    counts = np.zeros(mean.shape)
    counts[:, upper[0], upper[1]] = random.poisson(mean[:, upper[0], upper[1]])
    return np.asarray(counts + counts.transpose(0, 2, 1))


def wandering(found: Affinity, directed: bool, random: np.random.Generator) -> Floats:
    """Means of constant ties times the noise of ties, which has mean 1: (t, n, n)."""
    years, n = found.expected.shape[:2]
    rows, columns = np.nonzero(~np.eye(n, dtype=bool)) if directed else np.triu_indices(n, 1)
    kind = found.noise_class[rows, columns]
    noise = np.zeros((years, len(rows)))
    for place, each in enumerate(found.noise):
        mine = np.flatnonzero(kind == place)
        noise[:, mine] = noise_paths(each, len(mine), years, random)
    means = np.zeros(found.expected.shape)
    means[:, rows, columns] = found.expected[:, rows, columns] * np.exp(noise)
    if not directed:
        means[:, columns, rows] = means[:, rows, columns]
    return means


def noise_paths(noise: Noise, pairs: int, years: int, random: np.random.Generator) -> Floats:
    """Logs of noise of mean 1, each pair with one of the possible noises: (years, pairs)."""
    kind = random.choice(len(noise.weight), size=pairs, p=noise.weight)
    sigma, rho, white = noise.sigma[kind], noise.rho[kind], noise.white[kind]
    steps = random.normal(size=(years, pairs))
    path = np.empty((years, pairs))
    path[0] = steps[0]
    for t in range(1, years):
        path[t] = rho * path[t - 1] + np.sqrt(1 - rho**2) * steps[t]
    whole = sigma * path + white * random.normal(size=(years, pairs))
    return np.asarray(whole - (sigma**2 + white**2) / 2)
