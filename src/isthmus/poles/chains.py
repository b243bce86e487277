"""The two kinds of chains: on affinities, and under a null model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from isthmus.poles.layers import Layer
from isthmus.poles.links import Fitter, Tested, followed, quick_quantities
from isthmus.poles.measures import Measured
from isthmus.poles.team_counts import TeamFits
from isthmus.poles.worlds import CONSTANT_TIES, SIZES
from isthmus.stats import Affinity
from isthmus.stats.three_way.affinities import AffinityPaths, affinity_paths
from isthmus.study.sections import AFFINITY, Poles, Quantity

Floats = NDArray[np.float64]

#: Null models that are simulated themselves, so that replays are dear.
SIMULATED = ("rewiring",)


class Chain(Protocol):
    """How a chain measures the layers of a world."""

    @property
    def model(self) -> str:
        """Name in column ``null_model``."""

    @property
    def quantity(self) -> Quantity:
        """What trajectories follow."""

    @property
    def families(self) -> tuple[str, ...]:
        """Families of worlds that the chain is replayed on."""

    @property
    def teams(self) -> TeamFits | None:
        """Teams to draw instead of weights."""

    def replays(self, settings: Poles) -> int:
        """Replays of each family."""

    def rehearse(self, weights: Mapping[str, Floats]) -> None:
        """See one world, so that later ones may be measured in any order."""

    def quick(self, layer: Layer, weights: Floats, number: int) -> Measured:
        """Measure weights, (t, n, n), of a layer."""


@dataclass(frozen=True)
class AffinityChain:
    """Affinities, which rest on no null model."""

    model: str = AFFINITY
    quantity: Quantity = "affinity"
    families: tuple[str, ...] = (SIZES, CONSTANT_TIES)
    teams: TeamFits | None = None

    def replays(self, settings: Poles) -> int:
        """Replays of each family: half of all."""
        return settings.placebo_replays // len(self.families)

    def rehearse(self, weights: Mapping[str, Floats]) -> None:
        """Nothing to see: affinities start from the world's own weights."""

    def quick(self, layer: Layer, weights: Floats, number: int) -> Measured:
        """Measure the affinities of weights, (t, n, n), without limits of single years."""
        return measured(layer, affinity_paths(weights, directed=layer.directed))


def measured(layer: Layer, found: Affinity | AffinityPaths) -> Measured:
    """Return affinities as a chain sees them."""
    values = {"affinity": found.value}
    return Measured(
        layer.name, layer.directed, "affinity", values, found.se, found.noise, found.noise_class
    )


@dataclass(frozen=True)
class NullChain:
    """Distances from one null model, fitted to every year.

    Attributes
    ----------
    model : str
    quantity : str
    fitters : dict layer -> Fitter
    teams : TeamFits or None
    """

    model: str
    quantity: Quantity
    fitters: Mapping[str, Fitter]
    teams: TeamFits | None = None

    @property
    def families(self) -> tuple[str, ...]:
        """Families of worlds; teams are drawn around sizes alone."""
        return (SIZES,) if self.teams is not None else (SIZES, CONSTANT_TIES)

    def replays(self, settings: Poles) -> int:
        """Replays of each family: its part of all, fewer of simulated models."""
        total = settings.placebo_replays
        if self.model in SIMULATED:
            total = min(total, settings.simulated_replays * len(self.families))
        return total // len(self.families)

    def rehearse(self, weights: Mapping[str, Floats]) -> None:
        """Fit one draw beforehand: replays are closer to each other than to the study."""
        for name, fitter in self.fitters.items():
            fitter.rehearse(weights[name])

    def quick(self, layer: Layer, weights: Floats, number: int) -> Measured:
        """Fit every year of weights, (t, n, n)."""
        follow, z, ratio = (np.empty(weights.shape) for _ in range(3))
        for year, network in enumerate(weights):
            fit = self.fitters[layer.name].quick(year, network, number)
            follow[year], z[year], ratio[year] = quick_quantities(network, fit, self.quantity)
        values = {"log_ratio": ratio, "z": z} | {self.quantity: follow}
        return Measured(layer.name, layer.directed, self.quantity, values)

    def of_study(self, tested: Tested) -> Measured:
        """Return the study's own links, tested in full, as the chain sees them."""
        values = {name: tested.values[name] for name in ("log_ratio", "z")}
        layer, quantity = tested.layer, self.quantity
        values |= {quantity: followed(tested, quantity)}
        return Measured(layer.name, layer.directed, quantity, values)
