"""What the headline trends become when one country is left out and all else is fitted anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.chains import Chain
from isthmus.poles.layers import Layer
from isthmus.poles.measures import Measured
from isthmus.poles.observation import Frame
from isthmus.poles.polarisation import polarisation
from isthmus.results import schema_of
from isthmus.stats import Trend, trend
from isthmus.stats.trends.theil_sen import theil_sen

Floats = NDArray[np.float64]

#: One row per null model, layer, trend and country left out.
DROPPED_SCHEMA = schema_of("dropped")

#: Trends that are followed: of two poles' tie, and of the polarisation index.
POLES_TREND, INDEX_TREND = "poles", "polarisation"


@dataclass(frozen=True)
class Without:
    """Leaves countries out of a frame, one at a time.

    Attributes
    ----------
    frame : Frame
    chain : function
        Makes a chain that has seen nothing yet.
    most : int
        How many of the largest countries besides the poles are left out.
    """

    frame: Frame
    chain: Callable[[], Chain]
    most: int

    def countries(self) -> list[str]:
        """Countries left out, by their total weight; poles stay."""
        panel = self.frame.panel
        weight = sum(layer.weights.sum(axis=(0, 1)) + layer.weights.sum(axis=(0, 2))
                     for layer in panel.layers)  # fmt: skip
        order = np.lexsort((np.array(panel.countries), -np.asarray(weight)))
        codes = [panel.countries[place] for place in order]
        return [code for code in codes if code not in self.frame.poles][: self.most]

    def table(self) -> pa.Table:
        """Rows of the table ``dropped`` for one null model."""
        rows: list[dict[str, Any]] = []
        if len(self.frame.panel.countries) > 3 and self.frame.pole_pairs:
            for country in self.countries():
                for layer in self.frame.panel.layers:
                    rows += self._rows(country, layer)
        return pa.Table.from_pylist(rows, DROPPED_SCHEMA)

    def _rows(self, country: str, layer: Layer) -> list[dict[str, Any]]:
        panel = self.frame.panel
        keep = np.array([code != country for code in panel.countries])
        codes = [code for code in panel.countries if code != country]
        chain = self.chain()
        weights = np.ascontiguousarray(layer.weights[:, keep][:, :, keep])
        rest = Layer(layer.name, layer.directed, weights, layer.active[keep])
        seen = chain.quick(rest, weights, 0)
        key: dict[str, Any] = {"null_model": chain.model, "layer": layer.name, "country": country}
        mask = self.frame.followed(layer.name)[keep][:, keep]
        rows: list[dict[str, Any]] = []
        for one, other in self.frame.pole_pairs:
            ends = {"what": POLES_TREND, "source": one, "target": other}
            places = codes.index(one), codes.index(other)
            rows.append(key | ends | _pole_trend(seen, mask, *places))
        poles = [codes.index(pole) for pole in self.frame.poles if pole in codes]
        index = polarisation(seen.ties, mask, poles).index
        none = {"what": INDEX_TREND, "source": None, "target": None}
        rows.append(key | none | _trend(index, trend(index[None]), 0))
        return rows


def _pole_trend(seen: Measured, mask: NDArray[np.bool_], i: int, j: int) -> dict[str, float | None]:
    """Trend of two poles' tie: affinity with the noise of all followed pairs, or log ratio."""
    quantity = "affinity" if "affinity" in seen.values else "log_ratio"
    path = seen.paths(quantity, np.array([i]), np.array([j]))[0]
    if quantity != seen.quantity:
        return _trend(path, trend(path[None]), 0)
    first, second = np.nonzero(np.triu(mask))
    row = np.flatnonzero((first == min(i, j)) & (second == max(i, j)))[0]
    return _trend(path, seen.trends(first, second), int(row))


def _trend(path: Floats, found: Trend, row: int) -> dict[str, float | None]:
    """Slope a year with its interval, and the Theil-Sen slope."""
    numbers = {"slope": found.slope[row], "low": found.low[row], "high": found.high[row]}
    if np.isfinite(found.slope[row]):
        numbers["slope_theil_sen"] = theil_sen(path[None]).slope[0]
    return {name: float(value) if np.isfinite(value) else None for name, value in numbers.items()}
