"""What a chain of the analysis measures of a layer, and the series of pairs in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.stats.gls import Noise, learned_noise

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Name, in column ``null_model``, of the chain on affinities, which rest on no null model.
NONE = "none"

#: Most series from which the noise of means of two directions is learned.
LEARNED_FROM = 500


@dataclass(frozen=True)
class Measured:
    """One layer, all years, as a chain sees it.

    Attributes
    ----------
    name : str
        Layer.
    directed : bool
    quantity : str
        What trajectories follow.
    values : dict quantity -> (t, n, n)
        The followed quantity, and the others of the chain: ``affinity``, or ``z`` and
        ``log_ratio``.
    se : (t, n, n), optional
        Standard errors of the followed quantity, for trends; of affinities only.
    noise : Noise, optional
        Noise of affinities about their lines.
    """

    name: str
    directed: bool
    quantity: str
    values: Mapping[str, Floats]
    se: Floats | None = None
    noise: Noise | None = None

    @property
    def followed(self) -> Floats:
        """Values of the followed quantity, (t, n, n)."""
        return self.values[self.quantity]

    @property
    def ties(self) -> Floats:
        """Size-free strength of ties, (t, n, n): affinity, else the log ratio."""
        return self.values["affinity" if "affinity" in self.values else "log_ratio"]

    def paths(self, quantity: str, one: Ints, other: Ints) -> Floats:
        """Yearly values of pairs, both directions averaged: (p, t)."""
        values = self.values[quantity]
        forward = values[:, one, other].T
        if not self.directed:
            return np.ascontiguousarray(forward)
        return np.asarray((forward + values[:, other, one].T) / 2)

    def errors(self, one: Ints, other: Ints) -> Floats | None:
        """Standard errors of the paths of the followed quantity: (p, t)."""
        if self.se is None:
            return None
        forward = self.se[:, one, other].T
        if not self.directed:
            return np.ascontiguousarray(forward)
        return np.asarray(np.hypot(forward, self.se[:, other, one].T) / 2)

    def noise_of(self, series: Floats, se: Floats | None) -> Noise | None:
        """Noise of paths: as learned over the panel; of means of directions, learned here."""
        if self.noise is None or se is None or not self.directed:
            return self.noise
        most = np.linspace(0, len(series) - 1, min(len(series), LEARNED_FROM)).astype(np.int64)
        return learned_noise(series[most], se[most])
