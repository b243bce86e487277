"""With which pole each country goes, and which ties are significant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.poles.archetypes import UNTESTED, Archetypes
from isthmus.poles.groups import APART_FROM, CLOSER
from isthmus.poles.layers import Panel
from isthmus.poles.links import Tested
from isthmus.poles.observation import Observation, recent_mean, roles
from isthmus.poles.replays import Replays, enough, worst_p
from isthmus.poles.statistics import Key, relation
from isthmus.poles.trajectories import Trajectories
from isthmus.poles.trend_lines import Lines
from isthmus.results import schema_of
from isthmus.stats.trends.theil_sen import theil_sen
from isthmus.study.sections import Poles

Floats = NDArray[np.float64]

SIGNIFICANT_SCHEMA = schema_of("significant")


def alignment_schema(poles: Sequence[str]) -> pa.Schema:
    """Columns of the table ``alignment`` for these poles."""
    return schema_of("alignment", poles)


def alignment_table(
    study: Observation, seen: Trajectories, found: Archetypes, stability: Floats, replays: Replays
) -> pa.Table:
    """Table ``alignment``: one row per null model and country of the panel.

    `with_<pole>` is the archetype of the pair by its own trends; the slopes are those of
    the first layer (collaboration where there is one), by which `trend_<pole>` and
    `role_slope` judge. `placebo_<pole>` is the share of replays in which the slope, over
    its standard error, is at least as large in the direction of the study's, in the
    family that shows it more often; the relation survives when that share, the study
    counted in, is at most `placebo_level`.
    """
    layer = next(iter(study.trends))
    robust = theil_sen(seen.raw[layer]).slope
    rows = []
    for country in study.frame.panel.countries:
        row: dict[str, object] = {"null_model": study.model, "country": country}
        by_archetype: list[int | None] = []
        by_slope: list[int | None] = []
        for pole in study.frame.poles:
            pair = study.frame.row(country, pole)
            if pair is None or found.codes[pair] == UNTESTED:
                by_archetype.append(None)
                by_slope.append(None)
                continue
            lines = study.trends[layer]
            by_archetype.append(int(study.directions[pair]))
            by_slope.append(int(lines.sign[pair]) if lines.known[pair] else None)
            row |= {
                f"with_{pole}": str(found.codes[pair]),
                f"stability_{pole}": _number(stability[pair]),
                f"slope_theil_sen_{pole}": _number(robust[pair]) if lines.known[pair] else None,
                **_columns(pole, lines, pair),
            }
            if country not in study.frame.poles and lines.sign[pair]:
                row |= _replayed(study, country, pole, layer, replays)
        is_pole = country in study.frame.poles
        row["role"] = "pole" if is_pole else roles(by_archetype, study.frame.poles)
        row["role_slope"] = "pole" if is_pole else roles(by_slope, study.frame.poles)
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=alignment_schema(study.frame.poles))


def _columns(pole: str, lines: Lines, pair: int) -> dict[str, object]:
    return {
        f"slope_{pole}": lines.number("slope", pair),
        f"slope_low_{pole}": lines.number("low", pair),
        f"slope_high_{pole}": lines.number("high", pair),
        f"p_{pole}": lines.number("p", pair),
        f"bend_p_{pole}": lines.number("bend_p", pair),
        f"trend_{pole}": lines.word(pair),
    }


def _replayed(
    study: Observation, country: str, pole: str, layer: str, replays: Replays
) -> dict[str, object]:
    how = CLOSER if study.trends[layer].sign[study.frame.row(country, pole)] == 1 else APART_FROM
    key = Key(f"relation:{country}:{pole}:{how}", layer, study.quantity, country, pole)
    p, fewest = worst_p(key, relation(layer, (country, pole, how), study).value, replays)
    if not fewest:
        return {}
    level = study.settings.placebo_level
    return {
        f"placebo_{pole}": (p * (1 + fewest) - 1) / fewest,
        f"survives_{pole}": p <= level if enough(fewest, level) else None,
    }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def significant_table(panel: Panel, tested: Tested, settings: Poles) -> pa.Table:
    """Table ``significant``: links averaged over the last years, and which pass the threshold."""
    z = recent_mean(tested.values["z"], settings.average_years)
    ratio = recent_mean(tested.values["log_ratio"], settings.average_years)
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
