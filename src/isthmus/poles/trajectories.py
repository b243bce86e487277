"""Pairs that are followed over the years, and their trajectories."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.layers import Layer, Note, Panel
from isthmus.results import schema_of
from isthmus.study.sections import Poles

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

TRAJECTORIES_SCHEMA = schema_of("trajectories")


@dataclass(frozen=True)
class Pairs:
    """Unordered pairs of countries that are followed.

    Attributes
    ----------
    first, second : (p,) int
        Positions in the panel's countries, ``first < second``.
    within : dict layer -> (p,)
        Whether a pair is followed in the layer; each is in at least one.
    """

    first: Ints
    second: Ints
    within: Mapping[str, Flags]

    def __len__(self) -> int:
        return len(self.first)

    def find(self, one: int | None, other: int | None) -> int | None:
        """Row of a pair, in either order; None when it is not followed."""
        if one is None or other is None:
            return None
        low, high = min(one, other), max(one, other)
        rows = np.flatnonzero((self.first == low) & (self.second == high))
        return int(rows[0]) if len(rows) else None


@dataclass(frozen=True)
class Trajectories:
    """What the clustering sees, per dimension.

    Attributes
    ----------
    raw : dict of (p, t)
        Followed quantity after interpolation; citation is the mean of both
        directions. NaN where a pair is not followed in the layer.
    standardised : (p, t, d)
        Each series less its mean, over its standard deviation.
    usable : (p,)
        Series of every layer without gaps inside, long enough to be clustered.
    """

    raw: dict[str, Floats]
    standardised: Floats
    usable: Flags


def choose_pairs(
    panel: Panel, expected: Mapping[str, Floats], poles: Sequence[str], settings: Poles
) -> tuple[Pairs, list[Note]]:
    """Choose the pairs to follow in each layer, and say why the others are not.

    `expected` holds the weights sizes alone would give, (t, n, n) per layer. Two poles
    are always followed: where a year is missing, so is the number.
    """
    n = len(panel.countries)
    first, second = np.triu_indices(n, 1)
    is_pole = np.isin(panel.countries, list(poles))
    both = is_pole[first] & is_pole[second]
    either = is_pole[first] | is_pole[second]
    why: dict[str, NDArray[np.object_]] = {}
    for layer in panel.layers:
        why[layer.name] = _reasons(layer, expected[layer.name], first, second, either, settings)
        why[layer.name][both] = None
    within = {
        name: np.array([reason is None for reason in reasons], dtype=bool)
        for name, reasons in why.items()
    }
    keep = np.any(list(within.values()), axis=0)
    notes: list[Note] = []
    for row in np.flatnonzero(~np.all(list(within.values()), axis=0)):
        said = "; ".join(dict.fromkeys(str(r[row]) for r in why.values() if r[row] is not None))
        ends = panel.countries[first[row]], panel.countries[second[row]]
        notes.append(("pair", *ends, bool(keep[row]), said, None))
    followed = {name: inside[keep] for name, inside in within.items()}
    return Pairs(first[keep], second[keep], followed), notes


def _reasons(
    layer: Layer, expected: Floats, first: Ints, second: Ints, pole: Flags, settings: Poles
) -> NDArray[np.object_]:
    """Why pairs are not followed in a layer, None where they are; `pole`: one is a pole."""
    reasons = np.full(len(first), None, dtype=object)
    mean = expected.mean(axis=0)
    small = ((mean + mean.T) / 2)[first, second] < settings.min_expected
    least = f"{settings.min_expected:g}"
    _say(reasons, small, f"sizes alone give fewer than {least} a year in {layer.name}")
    _say(
        reasons,
        ~(layer.active[first] & layer.active[second]),
        f"one of the two is inactive in {layer.name} in too many years",
    )
    years = layer.weights.any(axis=(1, 2))
    there = _present(layer)[:, first, second]
    few = there.sum(axis=0) < settings.min_year_share * years.sum()
    _say(reasons, few & ~pole, f"tested in too few years in {layer.name}")
    gap = _longest_gap(there[years]) > settings.max_gap
    _say(
        reasons,
        gap & ~pole,
        f"more than {settings.max_gap} years in a row missing in {layer.name}",
    )
    return reasons


def _say(reasons: NDArray[np.object_], where: Flags, what: str) -> None:
    for row in np.flatnonzero(where):
        reasons[row] = reasons[row] or what


def _present(layer: Layer) -> Flags:
    """Whether a pair has a null law in both directions, (t, n, n)."""
    rows: Flags = np.asarray(layer.weights.any(axis=2))
    columns: Flags = np.asarray(layer.weights.any(axis=1))
    one_way = rows[:, :, None] & columns[:, None, :]
    return np.asarray(one_way & one_way.transpose(0, 2, 1))


def _longest_gap(there: Flags) -> Ints:
    """Longest run of missing years between years that are there, by column."""
    longest = np.zeros(there.shape[1], dtype=np.int64)
    run, begun = longest.copy(), np.zeros(there.shape[1], dtype=bool)
    for row in there:
        longest = np.where(row & begun, np.maximum(longest, run), longest)
        run = np.where(row, 0, run + 1)
        begun |= row
    return longest


def trajectories(followed: Mapping[str, Floats], pairs: Pairs, settings: Poles) -> Trajectories:
    """Take the trajectories of pairs out of followed quantities, (t, n, n) per layer."""
    raw: dict[str, Floats] = {}
    for name, values in followed.items():
        inside = pairs.within[name]
        forward = _series(values, pairs.first, pairs.second, inside, settings.max_gap)
        if name != "citation":
            raw[name] = forward
            continue
        backward = _series(values, pairs.second, pairs.first, inside, settings.max_gap)
        raw |= {
            "citation": (forward + backward) / 2,
            "citation_forward": forward,
            "citation_backward": backward,
        }
    seen = [raw[name] for name in ("collaboration", "citation") if name in raw]
    series = np.stack([_standardised(values) for values in seen], axis=2)
    return Trajectories(raw, series, _usable(series, settings))


def _series(values: Floats, source: Ints, target: Ints, inside: Flags, max_gap: int) -> Floats:
    series = np.ascontiguousarray(values[:, source, target].T)
    series[~np.isfinite(series) | ~inside[:, None]] = np.nan
    return interpolated(series, max_gap)


def interpolated(series: Floats, max_gap: int) -> Floats:
    """Fill gaps of at most `max_gap` years between known years by straight lines: (n, t)."""
    filled = series.copy()
    for row in np.flatnonzero(np.isnan(series).any(axis=1)):
        known = np.flatnonzero(~np.isnan(series[row]))
        for before, after in itertools.pairwise(known):
            if 1 < after - before <= max_gap + 1:
                inside = np.arange(before + 1, after)
                ends = series[row, [before, after]]
                filled[row, inside] = np.interp(inside, [before, after], ends)
    return filled


def _standardised(series: Floats) -> Floats:
    """Each series less its mean over its standard deviation; constant series become 0."""
    count = np.maximum((~np.isnan(series)).sum(axis=1, keepdims=True), 1)
    away = series - np.nansum(series, axis=1, keepdims=True) / count
    spread = np.sqrt(np.nansum(away**2, axis=1, keepdims=True) / count)
    return np.asarray(away / np.where(spread > 1e-12, spread, 1.0))


def _usable(series: Floats, settings: Poles) -> Flags:
    present: Flags = np.asarray(~np.isnan(series).any(axis=2))
    t = int(present.any(axis=0).sum())
    if not t:
        return np.zeros(len(series), dtype=bool)
    years = present.shape[1]
    span = years - present[:, ::-1].argmax(axis=1) - present.argmax(axis=1)
    count = present.sum(axis=1)
    return np.asarray((count == span) & (count >= settings.min_year_share * t))


def trajectories_table(panel: Panel, pairs: Pairs, model: str, seen: Trajectories) -> pa.Table:
    """Rows of the table ``trajectories`` for one null model."""
    p, t = len(pairs), len(panel.years)
    codes = np.array(panel.countries, dtype=object)
    names = [name for name in ("collaboration", "citation") if name in seen.raw]
    columns: dict[str, object] = {
        "null_model": [model] * (p * t),
        "source": np.repeat(codes[pairs.first], t),
        "target": np.repeat(codes[pairs.second], t),
        "year": np.tile(panel.years.astype(np.int16), p),
    }
    for dimension, name in enumerate(names):
        columns[name] = _column(seen.standardised[:, :, dimension])
        columns[f"{name}_raw"] = _column(seen.raw[name])
    for direction in ("citation_forward", "citation_backward"):
        if direction in seen.raw:
            columns[direction] = _column(seen.raw[direction])
    empty = pa.nulls(p * t, pa.float64())
    return pa.table(
        {f.name: columns.get(f.name, empty) for f in TRAJECTORIES_SCHEMA},
        schema=TRAJECTORIES_SCHEMA,
    )


def _column(values: Floats) -> pa.Array:
    return pa.array(values.ravel(), pa.float64(), from_pandas=True)
