"""Headline numbers of one panel under one null model: the study's own, or a replay's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from isthmus.poles.archetypes import APART, TOGETHER, UNTESTED, Archetypes
from isthmus.poles.layers import Panel
from isthmus.poles.settings import PolesSettings
from isthmus.poles.trajectories import Pairs, Trajectories, interpolated
from isthmus.stats.trends import theil_sen, trend_signs

Floats = NDArray[np.float64]

#: Codes whose share of the followed pairs is a headline.
SHARED = ("SC", "SD", "KI", "KD", "flat")


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


@dataclass(frozen=True)
class Scores:
    """z and log ratio of one layer, (t, n, n) each."""

    z: Floats
    log_ratio: Floats


@dataclass(frozen=True)
class Observation:
    """Headline numbers.

    Attributes
    ----------
    rise, decline : dict layer -> share of followed pairs
    ties : dict (layer, pole) -> number of significant partners
    shares : dict archetype -> share of followed pairs
    poles_path : dict (layer, quantity, pole, pole) -> (t,) values
    poles_slope : dict, same keys -> slope and direction
    groups : (poles, n) int8
        1 where a country comes closer to a pole, -1 apart, 0 neither or unknown.
    index : dict layer -> (t,) polarisation index
    """

    rise: dict[str, float]
    decline: dict[str, float]
    ties: dict[tuple[str, str], int]
    shares: dict[str, float]
    poles_path: dict[tuple[str, str, str, str], Floats]
    poles_slope: dict[tuple[str, str, str, str], tuple[float, int]]
    groups: NDArray[np.int8]
    index: dict[str, Floats]


def observe(
    frame: Frame,
    scores: dict[str, Scores],
    seen: Trajectories,
    found: Archetypes,
    index: dict[str, Floats],
    settings: PolesSettings,
) -> Observation:
    """Read the headline numbers off a panel that went through the whole chain."""
    paths = _pole_paths(frame, scores)
    tested = found.codes != UNTESTED
    n = max(int(tested.sum()), 1)
    return Observation(
        rise={layer: float((signs[tested] == 1).sum() / n) for layer, signs in found.signs.items()},
        decline={
            layer: float((signs[tested] == -1).sum() / n) for layer, signs in found.signs.items()
        },
        ties={
            (layer, pole): significant_ties(frame.panel, score.z, pole, settings)
            for layer, score in scores.items()
            for pole in frame.poles
        },
        shares={code: float((found.codes == code).sum() / n) for code in SHARED},
        poles_path=paths,
        poles_slope={key: _slope(path, key[1], settings) for key, path in paths.items()},
        groups=_groups(frame, found),
        index=index,
    )


def recent_mean(z: Floats, settings: PolesSettings) -> Floats:
    """Mean over the last years, (n, n); NaN where no year was tested."""
    last = z[-settings.average_years :]
    count = np.isfinite(last).sum(axis=0)
    total = np.where(np.isfinite(last), last, 0.0).sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def significant_ties(panel: Panel, z: Floats, pole: str, settings: PolesSettings) -> int:
    """Partners of a pole whose mean z over the last years passes the threshold.

    In a directed layer a partner counts when the mean of both directions does.
    """
    row = panel.index(pole)
    if row is None:
        return 0
    mean = recent_mean(z, settings)
    return int(((mean[row] + mean[:, row]) / 2 > settings.z_threshold).sum())


def _pole_paths(frame: Frame, scores: dict[str, Scores]) -> dict[tuple[str, str, str, str], Floats]:
    """Yearly z and log ratio between poles; both directions averaged."""
    paths = {}
    for one, other in frame.pole_pairs:
        i, j = frame.panel.countries.index(one), frame.panel.countries.index(other)
        for layer, score in scores.items():
            for quantity, values in (("log_ratio", score.log_ratio), ("z", score.z)):
                paths[layer, quantity, one, other] = (values[:, i, j] + values[:, j, i]) / 2
    return paths


def _slope(path: Floats, quantity: str, settings: PolesSettings) -> tuple[float, int]:
    series = interpolated(path[None], settings.max_gap)
    flat = settings.flat_change[quantity]
    sign = trend_signs(series, level=settings.trend_level, flat_change=flat)
    return float(theil_sen(series).slope[0]), int(sign[0])


def _groups(frame: Frame, found: Archetypes) -> NDArray[np.int8]:
    groups = np.zeros((len(frame.poles), len(frame.panel.countries)), dtype=np.int8)
    direction = np.isin(found.codes, TOGETHER).astype(np.int8) - np.isin(found.codes, APART)
    for row, pole in enumerate(frame.poles):
        place = frame.panel.index(pole)
        for near, far in (
            (frame.pairs.first, frame.pairs.second),
            (frame.pairs.second, frame.pairs.first),
        ):
            mine = near == (-1 if place is None else place)
            groups[row, far[mine]] = direction[mine]
    return groups


def followed_mask(frame: Frame) -> NDArray[np.bool_]:
    """Pairs that are followed as a symmetric (n, n) mask."""
    n = len(frame.panel.countries)
    mask = np.zeros((n, n), dtype=bool)
    mask[frame.pairs.first, frame.pairs.second] = True
    return mask | mask.T


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
