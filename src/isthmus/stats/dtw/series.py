"""Series of unequal lengths as one checked array, and distances from it to centroids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isthmus.errors import InputError
from isthmus.stats.dtw import lanes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Largest size of a value: sums of squares of many of them stay finite.
LARGEST = 1e100


@dataclass(frozen=True)
class Series:
    """Series of up to t points in d dimensions, values (n, t, d), each from its first point on."""

    values: Floats
    lengths: Ints
    window: int

    def __len__(self) -> int:
        return len(self.lengths)

    def some(self, rows: Ints) -> Series:
        """Some of the series."""
        return Series(self.values[rows], self.lengths[rows], self.window)

    def to(self, centroids: Floats, ends: Ints | None = None) -> Floats:
        """Squared distances (n, k) to centroids (k, t, d), each of `ends` points."""
        blocks, sizes = lanes.pack(self.values, self.lengths, np.arange(len(self)))
        if ends is None:
            ends = np.full(len(centroids), centroids.shape[1])
        return lanes.distances(blocks, sizes, centroids, ends, self.window, len(self))


def stretched(panel: Series, rows: Ints) -> Floats:
    """Chosen series at full length: shorter ones are interpolated linearly."""
    t = panel.values.shape[1]
    out = panel.values[rows].copy()
    for position, row in enumerate(rows):
        size = panel.lengths[row]
        if size < t:
            at = np.linspace(0, size - 1, t)
            for dim in range(out.shape[2]):
                out[position, :, dim] = np.interp(
                    at, np.arange(size), panel.values[row, :size, dim]
                )
    return out


def as_series(values: ArrayLike) -> Floats:
    """One series, (1, t, d)."""
    array = np.asarray(values, dtype=np.float64)
    return array[None, :, None] if array.ndim == 1 else array[None]


def series_of(series: ArrayLike, window: int | None) -> Series:
    """Check series and move those with missing ends to the front of their row."""
    values = np.array(series, dtype=np.float64)
    values = values[:, :, None] if values.ndim == 2 else values
    if values.ndim != 3 or 0 in values.shape[1:]:
        raise InputError(
            f"Series must be an array of series x times x dimensions; found shape {values.shape}."
        )
    if window is not None and window < 0:
        raise InputError(f"The window is {window}; it must be 0 or more, or None for no window.")
    present = np.asarray(~np.isnan(values).any(axis=2))
    if np.isinf(values).any():
        raise InputError("The series hold infinite values; leave them out or clip them first.")
    largest = float(np.max(np.abs(values), initial=0.0, where=~np.isnan(values)))
    if largest > LARGEST:
        raise InputError(
            f"The series hold values up to {largest:.3g}, whose squares are beyond floating-point "
            f"numbers; scale them to {LARGEST:g} or less."
        )
    lengths = present.sum(axis=1)
    first = present.argmax(axis=1)
    last = values.shape[1] - present[:, ::-1].argmax(axis=1)
    _check_missing(lengths, last - first)
    for row in np.flatnonzero(lengths < values.shape[1]):
        values[row, : lengths[row]] = values[row, first[row] : last[row]]
        values[row, lengths[row] :] = 0.0
    return Series(values, lengths.astype(np.int64), -1 if window is None else int(window))


def _check_missing(lengths: Ints, spans: Ints) -> None:
    if (lengths == 0).any():
        raise InputError(
            f"{(lengths == 0).sum()} of {len(lengths)} series have no value in all dimensions "
            f"at once, the first of them in row {(lengths == 0).argmax()}. Leave them out."
        )
    if (spans != lengths).any():
        raise InputError(
            f"{(spans != lengths).sum()} of {len(lengths)} series miss values inside, the first "
            f"of them in row {(spans != lengths).argmax()}. Values may be missing at the ends "
            "only; interpolate the rest."
        )


def centroids_for(centroids: ArrayLike, panel: Series) -> Floats:
    """Check that centroids are of the dimensions of the series."""
    array = np.array(centroids, dtype=np.float64)
    array = array[:, :, None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[2] != panel.values.shape[2]:
        raise InputError(
            f"Centroids of shape {array.shape} do not fit series of shape {panel.values.shape}."
        )
    if not np.isfinite(array).all():
        raise InputError("The centroids hold values that are missing or infinite.")
    return array
