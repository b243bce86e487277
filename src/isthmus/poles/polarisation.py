"""Polarisation: how much better two blocs explain the links than none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.layers import Panel

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

POLARISATION_SCHEMA = pa.schema(
    [
        ("null_model", pa.string()),
        ("layer", pa.string()),
        ("year", pa.int16()),
        ("index", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("same_bloc", pa.float64()),
        ("other_bloc", pa.float64()),
        ("pairs", pa.int64()),
        ("placebo_mean", pa.float64()),
        ("placebo_low", pa.float64()),
        ("placebo_high", pa.float64()),
    ]
)

#: Fewest countries besides the poles for which an index is given: below it no two
#: pairs can lie in each bloc.
FEWEST = 4


@dataclass(frozen=True)
class Polarisation:
    """Index of one layer, per year; NaN where it is undefined.

    Attributes
    ----------
    index : (t,)
        Share of the variance of log ratios, over pairs of countries that are no
        poles, explained by whether the two lean to the same pole; negative when
        pairs across blocs are the closer ones.
    low, high : (t,)
        95 % percentile interval over resampled countries.
    same, other : (t,)
        Mean log ratio within and across blocs.
    pairs : (t,) int
        Pairs it rests on.
    """

    index: Floats
    low: Floats
    high: Floats
    same: Floats
    other: Floats
    pairs: NDArray[np.int64]


def polarisation(
    log_ratio: Floats, followed: Flags, poles: Sequence[int], *, resamples: int, seed: int
) -> Polarisation:
    """Measure polarisation in every year.

    Each year a country joins the bloc of the pole with which its log ratio is
    highest; the index looks at the links among the other countries only, which
    played no part in the choice. Countries, not pairs, are resampled.

    Parameters
    ----------
    log_ratio : (t, n, n)
        Log of observed over expected weights; both directions are averaged.
    followed : (n, n)
        Pairs that enter.
    poles : positions of the poles; with fewer than two there are no blocs.
    """
    t, n = log_ratio.shape[:2]
    out = np.full((5, t), np.nan)
    pairs = np.zeros(t, dtype=np.int64)
    others = np.setdiff1d(np.arange(n), list(poles))
    if len(poles) < 2 or len(others) < FEWEST:
        return Polarisation(out[0], out[1], out[2], out[3], out[4], pairs)
    random = np.random.default_rng(seed)
    times = random.multinomial(len(others), np.full(len(others), 1 / len(others)), size=resamples)
    for year in range(t):
        ratio = (log_ratio[year] + log_ratio[year].T) / 2
        same, valid, values = _blocs(ratio, followed, list(poles), others)
        pairs[year] = valid.sum() // 2
        out[[0, 3, 4], year] = _index(same, valid, values, np.ones((1, len(others))))[:, 0]
        if resamples:
            drawn = _index(same, valid, values, times.astype(np.float64))[0]
            drawn = drawn[np.isfinite(drawn)]
            if len(drawn):
                out[1:3, year] = np.percentile(drawn, [2.5, 97.5])
    return Polarisation(out[0], out[1], out[2], out[3], out[4], pairs)


def _blocs(
    ratio: Floats, followed: Flags, poles: list[int], others: NDArray[np.int64]
) -> tuple[Flags, Flags, Floats]:
    """Whether two countries are of one bloc, which pairs count, and their log ratios."""
    to_poles = ratio[others][:, poles]
    leaning: Flags = np.asarray(np.isfinite(to_poles).all(axis=1))
    bloc = np.where(leaning, np.nan_to_num(to_poles, nan=-np.inf).argmax(axis=1), -1)
    ratio = ratio[others][:, others]
    valid = followed[others][:, others] & np.isfinite(ratio)
    valid &= leaning[:, None] & leaning[None, :]
    np.fill_diagonal(valid, False)
    return bloc[:, None] == bloc[None, :], valid, np.where(valid, ratio, 0.0)


def _index(same: Flags, valid: Flags, values: Floats, times: Floats) -> Floats:
    """Signed share of variance between, mean within and across blocs, (3, resamples)."""

    def total(matrix: Floats) -> Floats:
        return np.asarray(((times @ matrix) * times).sum(axis=1))

    counts = {bloc: total((valid & mask).astype(float)) for bloc, mask in _masks(same)}
    sums = {bloc: total(np.where(mask, values, 0.0)) for bloc, mask in _masks(same)}
    squares = total(values**2)
    n, s = counts["same"] + counts["other"], sums["same"] + sums["other"]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = {bloc: sums[bloc] / counts[bloc] for bloc in sums}
        between = sum(sums[bloc] ** 2 / counts[bloc] for bloc in sums) - s**2 / n
        share = np.clip(between / (squares - s**2 / n), 0, 1)
    return np.array([share * np.sign(mean["same"] - mean["other"]), mean["same"], mean["other"]])


def _masks(same: Flags) -> list[tuple[str, Flags]]:
    return [("same", same), ("other", ~same)]


def polarisation_table(
    panel: Panel, model: str, layer: str, found: Polarisation, replayed: Floats
) -> pa.Table:
    """Rows of the table ``polarisation``; `replayed` holds placebo indices, (replays, t)."""
    defined = np.isfinite(found.index)
    bands = np.full((3, len(panel.years)), np.nan)
    if len(replayed):
        some = np.isfinite(replayed).any(axis=0)
        bands[0, some] = np.nanmean(replayed[:, some], axis=0)
        bands[1:, some] = np.nanpercentile(replayed[:, some], [2.5, 97.5], axis=0)
    measures = [found.index, found.low, found.high, found.same, found.other]
    arrays = [pa.array(m[defined], pa.float64(), from_pandas=True) for m in measures]
    return pa.table(
        [
            pa.array([model] * defined.sum(), pa.string()),
            pa.array([layer] * defined.sum(), pa.string()),
            pa.array(panel.years[defined].astype(np.int16)),
            *arrays,
            pa.array(found.pairs[defined]),
            *(pa.array(band[defined], pa.float64(), from_pandas=True) for band in bands),
        ],
        schema=POLARISATION_SCHEMA,
    )
