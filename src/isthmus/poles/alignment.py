"""With which pole each country goes, and which ties are significant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.archetypes import FLAT, UNTESTED, Archetypes
from isthmus.poles.links import Tested
from isthmus.poles.observation import Frame, Observation, recent_mean, roles
from isthmus.poles.placebo import enough
from isthmus.poles.settings import PolesSettings
from isthmus.poles.trajectories import Trajectories
from isthmus.stats.trends import theil_sen

Floats = NDArray[np.float64]

SIGNIFICANT_SCHEMA = pa.schema(
    [
        ("null_model", pa.string()),
        ("layer", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("z_mean", pa.float64()),
        ("log_ratio_mean", pa.float64()),
        ("first_year", pa.int16()),
        ("last_year", pa.int16()),
        ("significant", pa.bool_()),
    ]
)


def alignment_schema(poles: Sequence[str]) -> pa.Schema:
    """Columns of the table ``alignment`` for these poles."""
    fields = [("null_model", pa.string()), ("country", pa.string())]
    for pole in poles:
        fields += [
            (f"with_{pole}", pa.string()),
            (f"stability_{pole}", pa.float64()),
            (f"slope_{pole}", pa.float64()),
            (f"slope_low_{pole}", pa.float64()),
            (f"slope_high_{pole}", pa.float64()),
            (f"trend_{pole}", pa.string()),
            (f"placebo_{pole}", pa.float64()),
            (f"survives_{pole}", pa.bool_()),
        ]
    return pa.schema([*fields, ("role", pa.string()), ("role_slope", pa.string())])


def alignment_table(
    frame: Frame,
    model: str,
    seen: Trajectories,
    found: Archetypes,
    stability: Floats,
    study: Observation,
    replays: Sequence[Observation],
    settings: PolesSettings,
) -> pa.Table:
    """Table ``alignment``: one row per null model and country of the panel.

    `with_<pole>` is the archetype of the pair; the slopes are those of the
    first layer (collaboration where there is one), by which `trend_<pole>` and
    `role_slope` judge. `placebo_<pole>` is the share of replays without
    affinity that put the pair in the same direction; the relation survives when
    that share, the study counted in, is at most `placebo_level`.
    """
    layer = next(iter(found.signs))
    trends, signs = theil_sen(seen.raw[layer]), found.signs[layer]
    words = {1: "rising", 0: "flat", -1: "falling"}
    drawn = np.array([other.groups for other in replays])
    rows = []
    for i, country in enumerate(frame.panel.countries):
        row: dict[str, object] = {"null_model": model, "country": country}
        by_archetype: list[int | None] = []
        by_slope: list[int | None] = []
        for place, pole in enumerate(frame.poles):
            pair = frame.pairs.find(i, frame.panel.index(pole))
            if pair is None or found.codes[pair] == UNTESTED:
                by_archetype.append(None)
                by_slope.append(None)
                continue
            group = int(study.groups[place, i])
            by_archetype.append(group)
            by_slope.append(int(signs[pair]))
            row |= {
                f"with_{pole}": str(found.codes[pair]),
                f"stability_{pole}": _number(stability[pair]),
                f"slope_{pole}": _number(trends.slope[pair]),
                f"slope_low_{pole}": _number(trends.low[pair]),
                f"slope_high_{pole}": _number(trends.high[pair]),
                f"trend_{pole}": words[int(signs[pair])],
            }
            if len(drawn) and found.codes[pair] != FLAT and group:
                row |= _replayed(pole, drawn[:, place, i] == group, settings)
        is_pole = country in frame.poles
        row["role"] = "pole" if is_pole else roles(by_archetype, frame.poles)
        row["role_slope"] = "pole" if is_pole else roles(by_slope, frame.poles)
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=alignment_schema(frame.poles))


def _replayed(pole: str, same: NDArray[np.bool_], settings: PolesSettings) -> dict[str, object]:
    p = (1 + int(same.sum())) / (1 + len(same))
    telling = enough(len(same), settings.placebo_level)
    return {
        f"placebo_{pole}": float(same.mean()),
        f"survives_{pole}": p <= settings.placebo_level if telling else None,
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def significant_table(frame: Frame, tested: Tested, settings: PolesSettings) -> pa.Table:
    """Table ``significant``: links averaged over the last years, and which pass the threshold."""
    panel = frame.panel
    z = recent_mean(tested.values["z"], settings)
    ratio = recent_mean(tested.values["log_ratio"], settings)
    there = np.isfinite(z)
    if not tested.layer.directed:
        there &= np.triu(np.ones(there.shape, dtype=bool), 1)
    source, target = np.nonzero(there)
    codes = np.array(panel.countries, dtype=object)
    n, last = len(source), int(panel.years[-1])
    first = max(last - settings.average_years + 1, int(panel.years[0]))
    return pa.table(
        {
            "null_model": [tested.model] * n,
            "layer": [tested.layer.name] * n,
            "source": codes[source],
            "target": codes[target],
            "z_mean": z[there],
            "log_ratio_mean": ratio[there],
            "first_year": np.full(n, first, dtype=np.int16),
            "last_year": np.full(n, last, dtype=np.int16),
            "significant": z[there] > settings.z_threshold,
        },
        schema=SIGNIFICANT_SCHEMA,
    )
