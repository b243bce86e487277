"""Shocks that a study names: tables ``shocks`` and ``shock_years``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from isthmus.poles.layers import Floats, Layer, Panel
from isthmus.results import schema_of
from isthmus.stats.event_studies import Judged, PairShock, event_study
from isthmus.stats.event_study_fit import UnsettledError
from isthmus.study.shocks import Shock

SHOCKS_SCHEMA = schema_of("shocks")
SHOCK_YEARS_SCHEMA = schema_of("shock_years")

#: P-value up to which an effect or a step is taken to be there.
LEVEL = 0.05

#: Why a layer has no estimates.
TOO_FEW = "too few counts in the window for effects of countries and pairs"

Row = dict[str, Any]


def shock_tables(
    panel: Panel, shocks: Mapping[str, Shock], exposures: Mapping[str, Floats] | None = None
) -> dict[str, pa.Table]:
    """Estimate every shock in every layer; no tables without shocks.

    A pair that cannot be estimated has a row that says why. In a directed layer a pair is
    treated in both directions, each with a row of its own. Layers in `exposures` are counts
    of these numbers at risk.
    """
    if not shocks:
        return {}
    rows: list[Row] = []
    years: list[Row] = []
    of = exposures or {}
    for name, shock in sorted(shocks.items()):
        for layer in panel.layers:
            for row, path in _of_layer(panel, layer, name, shock, of.get(layer.name)):
                rows.append(row)
                years += path
    return {
        "shocks": pa.Table.from_pylist(rows, schema=SHOCKS_SCHEMA),
        "shock_years": pa.Table.from_pylist(years, schema=SHOCK_YEARS_SCHEMA),
    }


def whose(shock: PairShock) -> Literal["pair", "country", "undecided"]:
    """Whether an effect is the pair's own or that of one of its countries.

    The country's: the total of one of the two steps, and the pair has no effect beside it or
    one the other way, as ties that were spared have. The pair's: it alone shows an effect.
    """
    found = min(shock.countries, key=lambda step: np.nan_to_num(step.p, nan=1.0))
    country, pair = bool(2 * found.p <= LEVEL), bool(shock.after.p <= LEVEL)
    if country and not (pair and found.estimate * shock.after.estimate > 0):
        return "country"
    return "pair" if pair and not country else "undecided"


def _of_layer(
    panel: Panel, layer: Layer, name: str, shock: Shock, exposure: Floats | None
) -> Iterator[tuple[Row, list[Row]]]:
    """Rows of a shock's pairs in one layer, each with those of its years."""
    asked = list(dict.fromkeys(shock.pairs))
    if layer.directed:
        asked = list(dict.fromkeys(way for a, b in asked for way in ((a, b), (b, a))))
    at = shock.year - int(panel.years[0])
    why = {pair: _why_not(panel, at, pair) for pair in asked}
    treated = [pair for pair in asked if why[pair] is None]
    places = [(panel.countries.index(a), panel.countries.index(b)) for a, b in treated]
    key = {"shock": name, "layer": layer.name, "year": shock.year}
    found = None
    if places:
        try:
            found = event_study(
                layer.weights,
                places,
                at,
                window=shock.window,
                directed=layer.directed,
                exposure=exposure,
                level=LEVEL,
            )
        except UnsettledError:
            why |= dict.fromkeys(treated, TOO_FEW)
    for pair in asked:
        ends = {"source": pair[0], "target": pair[1]}
        if found is None or pair not in treated:
            yield {**key, **ends, "whose": "undecided", "why_shock": why[pair]}, []
            continue
        one = found.pairs[treated.index(pair)]
        inside = panel.years[found.window].tolist()
        span = {"first_year": inside[0], "last_year": inside[-1]}
        yield {**key, **ends, **span, **_numbers(one)}, _path(one, {**key, **ends}, inside)


def _why_not(panel: Panel, at: int, pair: tuple[str, str]) -> str | None:
    absent = [country for country in pair if panel.index(country) is None]
    if absent:
        return f"{' and '.join(absent)} not in the panel"
    if not 2 <= at < len(panel.years):
        first, last = panel.years[0], panel.years[-1]
        return f"needs two years before it and one after; the years are {first}-{last}"
    return None


def _numbers(one: PairShock) -> Row:
    after, source, target = one.after, *one.countries
    why = None
    if not np.isfinite(after.estimate):
        why = "none before the shock" if np.isnan(after.estimate) else "none after the shock"
    return {
        "weight": float(one.counts.sum()),
        **_limits("effect", after),
        "pairs_p": _number(after.p),
        "placebo_pairs": after.placebos,
        "years_p": _number(one.years.p),
        "placebo_years": one.years.placebos,
        **_limits("source_step", source),
        "source_step_p": _number(source.p),
        **_limits("target_step", target),
        "target_step_p": _number(target.p),
        "placebo_countries": source.placebos,
        "whose": whose(one),
        "why_shock": why,
    }


def _path(one: PairShock, key: Row, years: list[int]) -> list[Row]:
    named = {name: value for name, value in key.items() if name != "year"}
    reference = key["year"] - 1
    return [
        {
            **named,
            "year": year,
            "before_shock": year < key["year"],
            "weight": float(count),
            **(
                {"effect": 0.0, "effect_low": None, "effect_high": None}
                if year == reference
                else _limits("effect", judged)
            ),
        }
        for year, count, judged in zip(years, one.counts, one.path, strict=True)
    ]


def _limits(name: str, found: Judged) -> Row:
    values = (found.estimate, found.low, found.high)
    ends = (name, f"{name}_low", f"{name}_high")
    return {end: _number(value) for end, value in zip(ends, values, strict=True)}


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
