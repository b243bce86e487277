"""What a chain of the analysis measures of a layer, and the series of pairs in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from isthmus.stats.trends.gls import Noise, Trend, learned_noise, trend

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Most series of a class from which the noise of means of two directions is learned.
LEARNED_FROM = 300


@dataclass(frozen=True)
class Series:
    """Yearly paths of m pairs, and what is known of their noise.

    Attributes
    ----------
    value : (m, t)
    se : (m, t), optional
        Standard errors; of affinities only.
    noises : tuple of Noise
        Noise about lines, by class.
    kind : (m,), optional
        Class of each pair.
    """

    value: Floats
    se: Floats | None = None
    noises: tuple[Noise, ...] = ()
    kind: Ints | None = None

    def noise(self, row: int) -> Noise | None:
        """Return the noise of one path, None where none was learned."""
        place = -1 if self.kind is None else int(self.kind[row])
        return self.noises[place] if 0 <= place < len(self.noises) else None

    def only(self, rows: Ints) -> Series:
        """Return some of the paths."""
        se = None if self.se is None else self.se[rows]
        kind = None if self.kind is None else self.kind[rows]
        return Series(self.value[rows], se, self.noises, kind)

    def trends(self) -> Trend:
        """Trends of the paths, each with the noise of its class."""
        if self.se is None or self.kind is None:
            return trend(self.value)
        out = np.full((len(fields(Trend)), len(self.value)), np.nan)
        for place, noise in enumerate(self.noises):
            rows = np.flatnonzero(self.kind == place)
            if len(rows):
                found = trend(self.value[rows], self.se[rows], noise=noise)
                out[:, rows] = [getattr(found, field.name) for field in fields(Trend)]
        return Trend(*out)


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
    noise : tuple of Noise
        Noise of affinities about their lines, by class of pairs; none of other quantities.
    kind : (n, n), optional
        Class of each pair.
    """

    name: str
    directed: bool
    quantity: str
    values: Mapping[str, Floats]
    se: Floats | None = None
    noise: tuple[Noise, ...] = ()
    kind: Ints | None = None

    @property
    def quantities(self) -> list[str]:
        """Quantities of the chain, the followed one first."""
        return [self.quantity, *(name for name in self.values if name != self.quantity)]

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

    def series(self, one: Ints, other: Ints) -> Series:
        """Paths of the followed quantity with their errors, each with the noise of its class.

        The noise of means of two directions is learned from these means.
        """
        value, se = self.paths(self.quantity, one, other), self.errors(one, other)
        if se is None or self.kind is None:
            return Series(value)
        kind = self.kind[one, other]
        if self.directed:
            kind = np.maximum(kind, self.kind[other, one])
        noises = []
        for place, noise in enumerate(self.noise):
            rows = np.flatnonzero(kind == place)
            if self.directed and len(rows):
                some = rows[:: max(1, -(-len(rows) // LEARNED_FROM))]
                noise = learned_noise(value[some], se[some])
            noises.append(noise)
        return Series(value, se, tuple(noises), kind)

    def trends(self, one: Ints, other: Ints) -> Trend:
        """Trends of the paths of the followed quantity, as :meth:`Series.trends`."""
        return self.series(one, other).trends()
