"""Turning points of ties and of the polarisation index: the table ``turns``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.stats import false_discovery_control

from isthmus.poles.measures import Series
from isthmus.poles.observation import Observation
from isthmus.poles.replays import Replay, Replays, enough
from isthmus.poles.statistics import placebo_p
from isthmus.results import schema_of
from isthmus.stats import Turn, turning_point, turning_points
from isthmus.stats.trends.turning import turn_evidence
from isthmus.study.sections import Poles

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

TURNS_SCHEMA = schema_of("turns")

#: What is asked for its turns.
TIE, INDEX = "tie", "polarisation"


@dataclass(frozen=True)
class Turns:
    """Turns of the followed pairs of a layer.

    Attributes
    ----------
    rows : (m,) int
        Pairs that were asked, as rows of the followed pairs.
    first : m Turn
        What was found when one turn was looked for.
    q : (m,)
        False discovery rate at which it is one, among the pairs asked; of poles the p.
    turned : (m,) bool
        Whether q is at most the level.
    all : dict row -> tuple of Turn
        Up to three dated turns of the pairs that turned.
    """

    rows: Ints
    first: tuple[Turn, ...]
    q: NDArray[np.float64]
    turned: Flags
    all: Mapping[int, tuple[Turn, ...]]

    def marks(self, count: int) -> tuple[Flags, Flags]:
        """Whether each of `count` pairs turned, and whether it was asked: (p,) each."""
        turned, asked = np.zeros((2, count), dtype=bool)
        turned[self.rows], asked[self.rows] = self.turned, True
        return turned, asked


def turns(study: Observation, settings: Poles, seed: int) -> dict[str, Turns]:
    """Look for turns of the pairs with enough works, and of the poles, in every layer.

    Empty unless affinities are followed: of other quantities the errors are not known.
    """
    return {
        layer: _of_layer(study, layer, series, settings, seed)
        for layer, series in study.series.items()
        if study.quantity == "affinity"
    }


def _of_layer(study: Observation, layer: str, series: Series, settings: Poles, seed: int) -> Turns:
    inside = np.flatnonzero(study.frame.pairs.within[layer])
    named = study.frame.between_poles[inside]
    places = np.flatnonzero(named | _enough_works(series, settings))
    found = {place: _one(series, place, settings, seed) for place in places.tolist()}
    places = np.array([k for k, turn in found.items() if np.isfinite(turn.p)], dtype=np.int64)
    first = tuple(found[k] for k in places.tolist())
    q = np.array([turn.p for turn in first])
    many = ~named[places]
    if many.any():
        q[many] = false_discovery_control(q[many])
    turned = q <= settings.bend_level
    more = {
        int(inside[place]): turning_points(
            series.value[place], _se(series, place), noise=series.noise(place), seed=seed
        )
        for place in places[turned].tolist()
    }
    return Turns(inside[places], first, q, turned, more)


def _enough_works(series: Series, settings: Poles) -> Flags:
    """Whether errors are as small as those of so many works a year, in half of the years."""
    if series.se is None:
        return np.zeros(len(series.value), dtype=bool)
    works = np.where(np.isfinite(series.value), series.se, np.inf) ** -2.0
    return np.asarray(np.median(works, axis=1) >= settings.turn_works)


def _one(series: Series, place: int, settings: Poles, seed: int) -> Turn:
    return turning_point(
        series.value[place],
        _se(series, place),
        noise=series.noise(place),
        level=settings.bend_level,
        seed=seed,
    )


def _se(series: Series, place: int) -> NDArray[np.float64] | None:
    return None if series.se is None else series.se[place]


def turns_table(
    study: Observation, found: Mapping[str, Turns], replays: Replays, settings: Poles, seed: int
) -> pa.Table:
    """Table ``turns``: one row per layer, tie that was asked, and turn.

    A tie that does not turn has one row without a year. `placebo` stands for poles and the
    index alone: the share of replays, the study counted in, with as much evidence of a
    turn, in the family that shows it more often.
    """
    frame = study.frame
    rows: list[dict[str, Any]] = []
    for layer, of_layer in found.items():
        for k, pair in enumerate(of_layer.rows.tolist()):
            turn = of_layer.first[k]
            ends = (frame.pairs.first[pair], frame.pairs.second[pair])
            source, target = (frame.panel.countries[end] for end in ends)
            key = {"layer": layer, "what": TIE, "source": source, "target": target}
            placebo = None
            if of_layer.turned[k] and frame.between_poles[pair]:
                placebo = _tie_placebo(turn, (layer, pair), replays, settings)
            key |= {"p": turn.p, "q": of_layer.q[k], "turned": of_layer.turned[k]}
            turning = of_layer.all.get(pair) or (turn,)
            rows += _rows({**key, "placebo": placebo}, turning, study)
        rows += _index_rows(study, layer, replays, settings, seed)
    return pa.Table.from_pylist(rows, schema=TURNS_SCHEMA)


def _rows(
    key: Mapping[str, Any], turning: Iterable[Turn], study: Observation
) -> list[dict[str, Any]]:
    years = study.frame.panel.years
    made = []
    for number, turn in enumerate(turning, start=1):
        assert turn.low is not None
        assert turn.high is not None
        numbers: dict[str, Any] = {"evidence": turn.evidence}
        if key["turned"]:
            numbers |= {"year_low": int(years[turn.low]), "year_high": int(years[turn.high])}
            numbers["year"] = None if turn.at is None else int(years[turn.at])
        for name in ("slope_before", "slope_after", "change"):
            low, high = getattr(turn, f"{name}_interval")
            numbers |= {name: getattr(turn, name), f"{name}_low": low, f"{name}_high": high}
        made.append({**key, "turn": number, **numbers})
    return made


def _index_rows(
    study: Observation, layer: str, replays: Replays, settings: Poles, seed: int
) -> list[dict[str, Any]]:
    path = study.index[layer]
    turn = turning_point(path, level=settings.bend_level, seed=seed)
    if not np.isfinite(turn.p):
        return []
    turned = turn.p <= settings.bend_level
    key = {"layer": layer, "what": INDEX, "p": turn.p, "q": turn.p, "turned": turned}
    turning = (turning_points(path, seed=seed) if turned else ()) or (turn,)

    def evidence(replay: Replay) -> float:
        return turn_evidence(replay.index[layer])

    placebo = _placebo(turn, replays, evidence, settings) if turned else None
    return _rows({**key, "placebo": placebo}, turning, study)


def _tie_placebo(
    turn: Turn, at: tuple[str, int], replays: Replays, settings: Poles
) -> float | None:
    def evidence(replay: Replay) -> float:
        series = replay.series[at]
        return turn_evidence(series.value[0], _se(series, 0), series.noise(0))

    return _placebo(turn, replays, evidence, settings)


def _placebo(
    turn: Turn, replays: Replays, evidence: Callable[[Replay], float], settings: Poles
) -> float | None:
    """Largest p over the families; None where replays are too few to tell."""
    found = []
    for made in replays.values():
        drawn = np.array([evidence(replay) for replay in made])
        drawn = drawn[np.isfinite(drawn)]
        if not enough(len(drawn), settings.placebo_level):
            return None
        found.append(placebo_p(turn.evidence, drawn)[1])
    return max(found, default=None)
