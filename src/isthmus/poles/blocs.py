"""Blocs of the panel's countries in windows of years, found without naming any pole.

Tables ``blocs`` (how many), ``bloc_members`` (who) and ``triangles`` (statistical balance).
Surrogates keep the sizes of countries and the noise of ties, and hold no blocs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.layers import Layer, Panel
from isthmus.results import schema_of
from isthmus.stats.blocs.find import FEWEST, Blocs, find_blocs
from isthmus.stats.blocs.surrogates import Surrogates, surrogates
from isthmus.stats.partitions import adjusted_rand

Floats = NDArray[np.float64]

BLOCS_SCHEMA = schema_of("blocs")
MEMBERS_SCHEMA = schema_of("bloc_members")
TRIANGLES_SCHEMA = schema_of("triangles")

#: Most blocs that are tried.
MOST_BLOCS = 6


@dataclass(frozen=True)
class Window:
    """Blocs of one layer in the years from `first` to `last`."""

    layer: str
    first: int
    last: int
    blocs: Blocs
    against: Surrogates

    @property
    def key(self) -> dict[str, Any]:
        """Columns that say what a row is about."""
        return {"layer": self.layer, "first_year": self.first, "last_year": self.last}


def bloc_tables(
    panel: Panel, poles: Sequence[str], years: int, most: int, seed: int
) -> dict[str, pa.Table]:
    """Find blocs in at most `most` windows of `years` years, from the first to the last.

    Counts of a window are added up. A layer with fewer than ten active countries has none.
    """
    windows = list(_windows(panel, years, most, seed))
    places = {pole: at for pole in poles if (at := panel.index(pole)) is not None}
    rows: list[dict[str, Any]] = []
    before: dict[str, Blocs] = {}
    for window in windows:
        rows += _numbers(window, panel, places, before.get(window.layer))
        before[window.layer] = window.blocs
    members = [row for window in windows for row in _members(window, panel)]
    triangles = [_triangles(window) for window in windows]
    return {
        "blocs": pa.Table.from_pylist(rows, schema=BLOCS_SCHEMA),
        "bloc_members": pa.Table.from_pylist(members, schema=MEMBERS_SCHEMA),
        "triangles": pa.Table.from_pylist(triangles, schema=TRIANGLES_SCHEMA),
    }


def spans(count: int, years: int, most: int) -> list[slice]:
    """Windows among `count` years: whole ones that do not overlap, the last one always.

    Examples
    --------
    >>> [(s.start, s.stop) for s in spans(24, 5, 3)]
    [(0, 5), (10, 15), (19, 24)]
    """
    number = min(most, max(1, count // years))
    starts = np.linspace(max(count - years, 0), 0, number).round().astype(int)[::-1]
    return [slice(int(start), int(start) + min(years, count)) for start in starts]


def _windows(panel: Panel, years: int, most: int, seed: int) -> Iterator[Window]:
    for layer in panel.layers:
        for span in spans(len(panel.years), years, most):
            weights = _summed(layer, span)
            if (weights.any(axis=0) | weights.any(axis=1)).sum() < FEWEST:
                continue
            found = find_blocs(weights, directed=layer.directed, max_blocs=MOST_BLOCS, seed=seed)
            against = surrogates(weights, directed=layer.directed, seed=seed)
            inside = panel.years[span]
            yield Window(layer.name, int(inside[0]), int(inside[-1]), found, against)


def _summed(layer: Layer, span: slice) -> Floats:
    return np.asarray(np.round(layer.weights[span].sum(axis=0)))


def _numbers(
    window: Window, panel: Panel, poles: dict[str, int], before: Blocs | None
) -> list[dict[str, Any]]:
    """One row per number of blocs tried."""
    found = window.blocs
    rows = []
    for number in range(1, len(found.score) + 1):
        at = number - 1
        centres = found.centres(number).tolist() if number > 1 else []
        named = [panel.countries[place] for place in centres if place >= 0]
        rows.append(
            {
                **window.key,
                "blocs": number,
                "answer": found.answer,
                "answer_blocs": found.number,
                "likeliest": number == found.likeliest,
                "why_blocs": found.why,
                "held_out_gain": found.score[at],
                "held_out_gain_se": found.score_se[at],
                "gain_over_line": found.over_line[at],
                "gain_over_line_se": found.over_line_se[at],
                "explained": found.explained[at],
                "within_bloc": found.within[at] if number > 1 else None,
                "surrogate_p": window.against.p if number == 2 else None,
                "refit_agreement": found.stable[at] if number > 1 else None,
                "window_agreement": _agreement(found, before, at) if number > 1 else None,
                "centres": ", ".join(named) if number > 1 else None,
                "poles_are_centres": (
                    all(place in centres for place in poles.values())
                    if number > 1 and len(poles) > 1
                    else None
                ),
                "gradient_gain": found.gradient,
                "gradient_gain_se": found.gradient_se,
                "gradient_explained": found.gradient_explained,
            }
        )
    return rows


def _agreement(found: Blocs, before: Blocs | None, at: int) -> float | None:
    """Adjusted Rand index with the blocs of the window before, of countries in both."""
    if before is None:
        return None
    both = (found.member[at] >= 0) & (before.member[at] >= 0)
    return adjusted_rand(found.member[at][both], before.member[at][both]) if both.any() else None


def _members(window: Window, panel: Panel) -> Iterator[dict[str, Any]]:
    """One row per country, for two blocs and for the likeliest number."""
    found = window.blocs
    for number in sorted({2, max(found.likeliest, 2)}):
        centres = set(found.centres(number).tolist())
        for place, country in enumerate(panel.countries):
            bloc = int(found.member[number - 1, place])
            if bloc < 0:
                continue
            strength = float(found.strength[number - 1, place])
            yield {
                **window.key,
                "blocs": number,
                "country": country,
                "bloc": bloc + 1,
                "refit_share": float(found.steady[number - 1, place]),
                "bloc_strength": strength if np.isfinite(strength) else None,
                "centre": place in centres,
                "line_place": float(found.place[place]),
            }


def _triangles(window: Window) -> dict[str, Any]:
    """Share of balanced triangles beside that of the surrogates."""
    drawn = window.against.balanced_drawn
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        **window.key,
        "triangles": window.against.triangles,
        "balanced": window.against.balanced,
        "placebo_mean": float(drawn.mean()),
        "placebo_low": float(low),
        "placebo_high": float(high),
        "placebo_p": window.against.balanced_p,
    }
