"""What one chain sees in one world: the study's own, or a replay's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from isthmus.poles.archetypes import APART, TOGETHER, named_by_trends
from isthmus.poles.layers import Panel
from isthmus.poles.measures import Measured, Series
from isthmus.poles.polarisation import polarisation
from isthmus.poles.trajectories import Pairs
from isthmus.poles.trend_lines import Lines, least_slope, line, lines
from isthmus.study.sections import Poles

Floats = NDArray[np.float64]
Names = NDArray[np.str_]

#: Least change of the polarisation index over the study that is called a trend.
INDEX_CHANGE = 0.01

#: Layer, quantity, and two poles in alphabetical order.
PathKey = tuple[str, str, str, str]


@dataclass(frozen=True)
class Frame:
    """What stays the same in the study and all its replays.

    Attributes
    ----------
    panel : Panel
    pairs : Pairs
    poles : tuple of str
        Poles as the study names them, in the panel or not.
    """

    panel: Panel
    pairs: Pairs
    poles: tuple[str, ...]

    @property
    def pole_pairs(self) -> list[tuple[str, str]]:
        """Every two poles of the panel, in alphabetical order within a pair."""
        inside = [pole for pole in self.poles if pole in self.panel.countries]
        return [(min(two), max(two)) for two in combinations(inside, 2)]

    @cached_property
    def between_poles(self) -> NDArray[np.bool_]:
        """Followed pairs of two poles, (p,)."""
        is_pole = np.isin(self.panel.countries, list(self.poles))
        return np.asarray(is_pole[self.pairs.first] & is_pole[self.pairs.second])

    def row(self, one: str, other: str) -> int | None:
        """Row of the pair of two countries, None when it is not followed."""
        return self.pairs.find(self.panel.index(one), self.panel.index(other))

    def followed(self, layer: str) -> NDArray[np.bool_]:
        """Pairs that are followed in a layer as a symmetric (n, n) mask."""
        n = len(self.panel.countries)
        mask = np.zeros((n, n), dtype=bool)
        inside = self.pairs.within[layer]
        mask[self.pairs.first[inside], self.pairs.second[inside]] = True
        return mask | mask.T


@dataclass(frozen=True)
class Observation:
    """What a chain sees in a world.

    Attributes
    ----------
    frame : Frame
    settings : Poles
    model, quantity : str
        Null model, or ``none``, and what is followed.
    trends : dict layer -> Lines of the followed pairs
    codes : (p,) str
        Archetypes of the pairs by their own trends.
    paths : dict PathKey -> (t,) values between poles, both directions averaged
    pole_lines : dict PathKey -> Lines of that one path
    series : dict layer -> Series of the followed pairs of the layer
    index : dict layer -> (t,) polarisation index
    recent_z : dict layer -> (n, n) mean z over the last years; empty without a null model
    """

    frame: Frame
    settings: Poles
    model: str
    quantity: str
    trends: Mapping[str, Lines]
    codes: Names
    paths: Mapping[PathKey, Floats]
    pole_lines: Mapping[PathKey, Lines]
    series: Mapping[str, Series]
    index: Mapping[str, Floats]
    recent_z: Mapping[str, Floats]

    @cached_property
    def pole_series(self) -> dict[tuple[str, int], Series]:
        """Paths of the followed pairs of poles, by layer and row of the pair."""
        found = {}
        for layer, series in self.series.items():
            inside = np.flatnonzero(self.frame.pairs.within[layer])
            for place in np.flatnonzero(self.frame.between_poles[inside]):
                found[layer, int(inside[place])] = series.only(np.array([place]))
        return found

    @cached_property
    def index_lines(self) -> dict[str, Lines]:
        """Trends of the polarisation index."""
        return {layer: index_line(path, self.settings) for layer, path in self.index.items()}

    @cached_property
    def directions(self) -> NDArray[np.int8]:
        """1 where the two of a followed pair come closer, -1 apart, 0 neither: (p,)."""
        return np.isin(self.codes, TOGETHER).astype(np.int8) - np.isin(self.codes, APART)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Followed pairs with a trend in any layer, (p,)."""
        return np.asarray(np.any([found.known for found in self.trends.values()], axis=0))


def observe(frame: Frame, model: str, measured: Sequence[Measured], settings: Poles) -> Observation:
    """Read off the layers of a world what statistics need."""
    series = {one.name: _series(frame, one) for one in measured}
    trends = {one.name: _trends(frame, one, series[one.name], settings) for one in measured}
    paths = _pole_paths(frame, measured)
    places = [frame.panel.index(pole) for pole in frame.poles]
    inside = [place for place in places if place is not None]
    return Observation(
        frame,
        settings,
        model,
        measured[0].quantity,
        trends,
        named_by_trends(trends),
        paths,
        {key: _pole_line(frame, key, path, trends, settings, measured[0].quantity)
         for key, path in paths.items()},
        series,
        {
            one.name: polarisation(
                one.ties, frame.followed(one.name), inside
            ).index
            for one in measured
        },
        {
            one.name: recent_mean(one.values["z"], settings.average_years)
            for one in measured
            if "z" in one.values
        },
    )  # fmt: skip


def _series(frame: Frame, measured: Measured) -> Series:
    inside = np.flatnonzero(frame.pairs.within[measured.name])
    return measured.series(frame.pairs.first[inside], frame.pairs.second[inside])


def _trends(frame: Frame, measured: Measured, series: Series, settings: Poles) -> Lines:
    """Trends of the pairs followed in a layer; NaN of the others."""
    inside = np.flatnonzero(frame.pairs.within[measured.name])
    found = series.trends()
    least = least_slope(measured.quantity, len(frame.panel.years), settings)
    return lines(found, least, settings, alone=frame.between_poles[inside]).placed(
        inside, len(frame.pairs)
    )


def _pole_paths(frame: Frame, measured: Sequence[Measured]) -> dict[PathKey, Floats]:
    """Yearly values between poles of every quantity of the chain."""
    paths = {}
    for one, other in frame.pole_pairs:
        i, j = (np.array([frame.panel.countries.index(code)]) for code in (one, other))
        for layer in measured:
            for quantity in layer.values:
                paths[layer.name, quantity, one, other] = layer.paths(quantity, i, j)[0]
    return paths


def _pole_line(
    frame: Frame,
    key: PathKey,
    path: Floats,
    trends: Mapping[str, Lines],
    settings: Poles,
    followed: str,
) -> Lines:
    layer, quantity, one, other = key
    row = frame.row(one, other)
    if quantity == followed and row is not None:
        return trends[layer].only(row)
    return line(path, least_slope(quantity, len(path), settings), settings)


def index_line(path: Floats, settings: Poles) -> Lines:
    """Trend of the polarisation index."""
    return line(path, INDEX_CHANGE / max(len(path) - 1, 1), settings)


def recent_mean(z: Floats, years: int) -> Floats:
    """Mean over the last years, (n, n); NaN where no year was tested."""
    last = z[-years:]
    count = np.isfinite(last).sum(axis=0)
    total = np.where(np.isfinite(last), last, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def significant_partners(observation: Observation, layer: str, pole: str) -> NDArray[np.bool_]:
    """Partners of a pole whose mean z over the last years passes the threshold, (n,).

    In a directed layer a partner counts when the mean of both directions does.
    """
    mean, place = observation.recent_z[layer], observation.frame.panel.index(pole)
    if place is None:
        return np.zeros(len(mean), dtype=bool)
    both = (mean[place] + mean[:, place]) / 2
    return np.asarray(both > observation.settings.z_threshold)


def roles(groups: Sequence[int | None], poles: Sequence[str]) -> str | None:
    """Role of a country from its relations to the poles (1, 0, -1; None unknown).

    Closer to one pole: "with" it; to several: "bridge"; to none and apart from
    at least one: "apart"; no trend with any: "unmoved"; None when nothing is known.

    Examples
    --------
    >>> roles([1, -1], ["US", "CN"]), roles([1, 1], ["US", "CN"]), roles([0, -1], ["US", "CN"])
    ('with US', 'bridge', 'apart')
    """
    near = [pole for pole, group in zip(poles, groups, strict=True) if group == 1]
    if all(group is None for group in groups):
        return None
    if near:
        return f"with {near[0]}" if len(near) == 1 else "bridge"
    return "apart" if -1 in groups else "unmoved"
