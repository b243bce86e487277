"""Bins: how a covariate becomes a small integer per unit.

A covariate is either *categorical* (strings, booleans, objects, or declared
exact), where every distinct value is a bin of its own, or *numeric*, where break
points cut it into intervals. A missing value is one more bin.

The numbers of classes follow Sturges (1926), Scott (1979) and Freedman and
Diaconis (1981) in the variants that R's ``grDevices`` documents, because bins in
the literature on coarsened exact matching were made there; "round" break points
follow the rule of Becker, Chambers and Wilks (1988) that R calls ``pretty``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numba
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.errors import InputError
from isthmus.stats.cells import renumber

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Rule = Literal["sturges", "scott", "fd"]

RULES: tuple[Rule, ...] = ("sturges", "scott", "fd")

#: How strongly the rounding of a step prefers the larger of two candidates, and the same for 5.
_STEP_BIAS, _FIVE_BIAS = 1.5, 2.75

#: By how much of a step the outer break points may miss the range, for rounding's sake.
_ROUNDING = 1e-10


def pretty(low: float, high: float, n: int, *, min_n: int = 1) -> Floats:
    """Round break points that cover a range: multiples of 1, 2 or 5 times a power of ten.

    Parameters
    ----------
    low, high : float
        The range to cover, finite.
    n : int
        Wanted number of intervals; the result has about as many.
    min_n : int
        Least number of intervals.

    Returns
    -------
    array (m + 1,)
        Equally spaced break points; the first is at most `low`, the last at least `high`.

    Notes
    -----
    The rule of Becker, Chambers and Wilks, *The New S Language* (1988), with the
    biases and tolerances that R documents for ``pretty``.

    Examples
    --------
    >>> pretty(17, 55, 11).tolist()
    [15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0]
    """
    step = _round_step(_raw_step(low, high, n, min_n))
    first = math.floor(low / step + _ROUNDING)
    last = math.ceil(high / step - _ROUNDING)
    lacking = max(0, min_n - (last - first))
    below = (lacking + 1) // 2 if first >= 0 else lacking // 2
    first, last = first - below, last + lacking - below
    return np.linspace(first * step, last * step, last - first + 1)


def _raw_step(low: float, high: float, n: int, min_n: int) -> float:
    width, size = high - low, max(abs(low), abs(high))
    tolerance = 3 * size * max(1, n) * np.finfo(float).eps * (1 + 1 / (1 + _STEP_BIAS))
    if width > tolerance:
        return width / max(1, n)
    cell = size if size > 0 else 1.0
    return (9 + cell / 10 if cell > 10 else cell) * 0.75 / max(1, min_n)


def _round_step(raw: float) -> float:
    base = 10.0 ** math.floor(math.log10(raw))
    step = base
    for factor, bias in ((2, _STEP_BIAS), (5, _FIVE_BIAS), (10, _STEP_BIAS)):
        if factor * base - raw < bias * (raw - step):
            step = factor * base
    return step


def number_of_classes(values: Floats, rule: Rule, n_all: int | None = None) -> int:
    """Number of histogram classes of `values` (no missing ones among them).

    Parameters
    ----------
    values : array (n,)
        Known values; at least one.
    rule : {"sturges", "scott", "fd"}
        Sturges: ceil(log2 n + 1). Scott: range / (3.5 s n^(-1/3)). Freedman-Diaconis:
        range / (2 IQR n^(-1/3)), the quartiles of values rounded to five digits; when
        these coincide, ever wider quantiles, and at last Scott's width.
    n_all : int, optional
        Number of units, the missing included; Sturges' rule counts these, as R does.
    """
    if rule == "sturges":
        return math.ceil(math.log2(n_all or values.size) + 1)
    if rule == "scott":
        return scott_classes(values)
    width = _quartile_width(values)
    return _classes(values, width, values.size) if width else scott_classes(values)


def scott_classes(values: Floats, times: Ints | None = None) -> int:
    """Scott's number of classes of `values`, each standing for `times` units (one if None)."""
    if times is None:
        n, deviation = values.size, float(np.std(values, ddof=1)) if values.size > 1 else 0.0
    else:
        n = int(times.sum())
        squares = float((times * np.square(values - np.average(values, weights=times))).sum())
        deviation = math.sqrt(squares / (n - 1)) if n > 1 else 0.0
    return _classes(values, 3.5 * deviation, n)


def _classes(values: Floats, width: float, n: int) -> int:
    if width <= 0:
        return 1
    return max(1, math.ceil(float(np.ptp(values)) / width * float(n ** (1 / 3))))


def _quartile_width(values: Floats) -> float:
    rounded = _five_digits(values)
    share = 0.25
    width = 2 * float(np.subtract(*np.quantile(rounded, [0.75, 0.25])))
    while width == 0 and share / 2 >= 1 / 512:
        share /= 2
        inner = np.subtract(*np.quantile(rounded, [1 - share, share]))
        width = float(inner) / (1 - 2 * share)
    return width


def _five_digits(values: Floats) -> Floats:
    size = np.abs(values)
    exponent = np.floor(np.log10(np.where(size > 0, size, 1.0)))
    scale = 10.0 ** (4 - exponent)
    return np.round(values * scale) / scale


def equal_breaks(values: Floats, count: int) -> Floats:
    """`count` equally spaced break points from the least to the largest of `values`."""
    return np.unique(np.linspace(values.min(), values.max(), max(1, count)))


def as_breaks(name: str, given: Iterable[float]) -> Floats:
    """Sorted distinct break points from what a caller gave for covariate `name`."""
    breaks = np.unique(np.asarray(list(given), dtype=np.float64))
    if breaks.size == 0 or np.isnan(breaks).any():
        raise InputError(
            f"The cut points of {name!r} must be numbers without a missing one; "
            f"found {breaks.tolist()}."
        )
    return breaks


def interval_codes(
    values: Floats, breaks: Floats, *, right_closed: bool = True, open_ends: bool = False
) -> Ints:
    """Index of the interval that holds each value, -1 where missing.

    Parameters
    ----------
    values : array (n,)
    breaks : array (m,), sorted and distinct, m >= 2 unless the ends are open
    right_closed : bool
        Intervals are (low, high] with the lowest value included; else [low, high) with
        the highest value included.
    open_ends : bool
        Values beyond the outer breaks belong to the outermost intervals, which are
        numbered 0 and m; otherwise such values count as missing and the m - 1 intervals
        are numbered from 0.

    Examples
    --------
    >>> interval_codes(np.array([1, 2, 3, 9.0]), np.array([1, 2, 4.0])).tolist()
    [0, 0, 1, -1]
    """
    ends = breaks[np.isfinite(breaks)][[0, -1]] if np.isfinite(breaks).any() else np.zeros(2)
    buckets = 4 * breaks.size
    scale = buckets / (ends[1] - ends[0]) if ends[1] > ends[0] else 0.0
    # One bucket early, so that rounding can never start the walk beyond the answer.
    starts = ends[0] + (np.arange(buckets) - 1) / (scale or np.inf)
    hints = np.searchsorted(breaks, starts, side="left").astype(np.int64)
    hints[0] = 0
    out = np.empty(values.size, dtype=np.int64)
    bounds = (float(ends[0]), float(scale))
    _walk(values, breaks, hints, *bounds, right_closed, open_ends, out)
    return out


@numba.njit(cache=True, nogil=True)
def _walk(  # pragma: no cover - compiled
    values: Floats,
    breaks: Floats,
    hints: Ints,
    origin: float,
    scale: float,
    right_closed: bool,
    open_ends: bool,
    out: Ints,
) -> None:
    """Number of breaks below each value (or at it, if not right-closed), from a hint on.

    With closed ends this becomes the number of the interval, and the outermost break
    that no interval holds on its own belongs to the nearest one.
    """
    last, top = hints.size - 1, breaks.size - 1
    for i in range(values.size):
        x = values[i]
        if np.isnan(x):
            out[i] = -1
            continue
        bucket = min(max((x - origin) * scale, 0.0), float(last)) if scale > 0 else 0.0
        at = hints[int(bucket)]
        while at < breaks.size and (breaks[at] < x or (breaks[at] == x and not right_closed)):
            at += 1
        if open_ends:
            out[i] = at
        elif 0 < at <= top:
            out[i] = at - 1
        elif right_closed and at == 0 and x == breaks[0]:
            out[i] = 0
        elif not right_closed and at > top and x == breaks[top]:
            out[i] = top - 1
        else:
            out[i] = -1


def is_categorical(values: npt.NDArray[Any]) -> bool:
    """Whether an array has no order to cut along: text, flags or objects not all numbers."""
    if values.dtype.kind in "iuf":
        return False
    if values.dtype.kind != "O":
        return True
    return not all(
        value is None or (isinstance(value, (int, float, np.number)) and not _is_flag(value))
        for value in values
    )


def _is_flag(value: object) -> bool:
    return isinstance(value, (bool, np.bool_))


def as_floats(values: npt.NDArray[Any]) -> Floats:
    """Numbers as float64, None as NaN."""
    return values.astype(np.float64)


def category_codes(
    values: npt.NDArray[Any], groups: Sequence[Sequence[object]] = ()
) -> tuple[Ints, int]:
    """Code of each value's category, and how many there are; missing is -1.

    Codes follow the sorted order of the categories, so that the order of rows does
    not matter. `groups` lists categories to be treated as one; those it does not
    name stay on their own.
    """
    raw, categories = _dictionary(values)
    merged = _merge(categories, groups)
    rank = {label: position for position, label in enumerate(sorted(set(merged)))}
    lookup = np.array([rank[label] for label in merged] + [-1], dtype=np.int64)
    return lookup[raw], len(rank)


def _dictionary(values: npt.NDArray[Any]) -> tuple[Ints, list[object]]:
    """Code per value (-1 missing) and the distinct values, in no particular order."""
    if values.dtype.kind in "iub":
        codes, _ = renumber(values)
        distinct = np.empty(codes.max(initial=-1) + 1, dtype=values.dtype)
        distinct[codes] = values
        return codes, distinct.tolist()
    if values.dtype.kind == "f":
        distinct, codes = np.unique(values, return_inverse=True)
        if distinct.size and np.isnan(distinct[-1]):
            distinct = distinct[:-1]
            codes = np.where(codes == distinct.size, -1, codes)
        return codes.astype(np.int64), distinct.tolist()
    try:
        coded = pa.array(values, from_pandas=True).dictionary_encode()
        codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return codes.astype(np.int64), coded.dictionary.to_pylist()
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return _dictionary_of_objects(values)


def _dictionary_of_objects(values: npt.NDArray[Any]) -> tuple[Ints, list[object]]:
    seen: dict[object, int] = {}
    codes = np.empty(values.size, dtype=np.int64)
    for i, value in enumerate(values):
        missing = value is None or value != value
        codes[i] = -1 if missing else seen.setdefault(value, len(seen))
    return codes, list(seen)


def _merge(
    categories: Sequence[object], groups: Sequence[Sequence[object]]
) -> list[tuple[str, str]]:
    """A sortable label per category; members of one group share the label of its first."""
    first = {member: group[0] for group in groups for member in group}
    leaders = [first.get(category, category) for category in categories]
    return [(type(leader).__name__, _sortable(leader)) for leader in leaders]


def _sortable(value: object) -> str:
    return str(value)
