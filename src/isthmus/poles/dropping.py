"""What the headline trends become when one country is left out and all else is fitted anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.layers import Layer
from isthmus.poles.links import Fitter, quick_quantities
from isthmus.poles.observation import Frame, followed_mask
from isthmus.poles.polarisation import polarisation
from isthmus.stats.trends import theil_sen

Floats = NDArray[np.float64]

#: One row per null model, layer, trend and country left out.
DROPPED_SCHEMA = pa.schema(
    [
        ("null_model", pa.string()),
        ("layer", pa.string()),
        ("what", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("country", pa.string()),
        ("slope", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
    ]
)

#: Trends that are followed: of two poles' log ratio, and of the polarisation index.
POLES_TREND, INDEX_TREND = "poles", "polarisation"


@dataclass(frozen=True)
class Without:
    """Leaves countries out of a frame, one at a time.

    Attributes
    ----------
    frame : Frame
    model : str
    most : int
        How many of the largest countries besides the poles are left out.
    seed : int
    """

    frame: Frame
    model: str
    most: int
    seed: int

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
        ratio = self._log_ratio(layer, keep)
        key: dict[str, Any] = {"null_model": self.model, "layer": layer.name, "country": country}
        rows = []
        for one, other in self.frame.pole_pairs:
            i, j = codes.index(one), codes.index(other)
            ends = {"what": POLES_TREND, "source": one, "target": other}
            rows.append(key | ends | _trend((ratio[:, i, j] + ratio[:, j, i]) / 2))
        poles = [codes.index(pole) for pole in self.frame.poles if pole in codes]
        mask = followed_mask(self.frame)[keep][:, keep]
        index = polarisation(ratio, mask, poles, resamples=0, seed=self.seed).index
        rows.append(key | {"what": INDEX_TREND, "source": None, "target": None} | _trend(index))
        return rows

    def _log_ratio(self, layer: Layer, keep: NDArray[np.bool_]) -> Floats:
        """Log ratio of the smaller network, every year fitted anew: (t, n - 1, n - 1)."""
        fitter = Fitter(self.model, layer.directed, self.seed)
        weights = np.ascontiguousarray(layer.weights[:, keep][:, :, keep])
        return np.array(
            [
                quick_quantities(year, fitter.quick(t, year, self.seed), "log_ratio")[2]
                for t, year in enumerate(weights)
            ]
        )


def _trend(series: Floats) -> dict[str, float | None]:
    """Theil-Sen slope a year with its interval."""
    found = theil_sen(series[None])
    ends = {"slope": found.slope[0], "low": found.low[0], "high": found.high[0]}
    return {name: float(value) if np.isfinite(value) else None for name, value in ends.items()}
