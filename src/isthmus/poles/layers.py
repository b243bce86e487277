"""The panel: which countries and pairs enter, and their yearly networks as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.errors import InputError
from isthmus.poles.settings import PolesSettings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Layer -> column with its weights, and whether it is directed.
LAYERS: dict[str, tuple[str, bool]] = {
    "collaboration": ("works_whole", False),
    "citation": ("citations_whole", True),
}

PANEL_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("enters", pa.bool_()),
        ("reason", pa.string()),
        ("mean_works", pa.float64()),
    ]
)


#: A row of the table ``panel``.
Note = tuple[str, str | None, str | None, bool, str | None, float | None]


@dataclass(frozen=True)
class Layer:
    """Yearly networks of one kind among the panel's countries.

    Attributes
    ----------
    name : str
        ``collaboration`` or ``citation``.
    directed : bool
    weights : (years, n, n)
        Zero diagonal; symmetric when undirected.
    """

    name: str
    directed: bool
    weights: Floats


@dataclass(frozen=True)
class Panel:
    """Countries that enter, their networks, and what became of the others.

    Attributes
    ----------
    years : (t,)
        Every year from the first to the last of the data.
    countries : tuple of str
        Codes in alphabetical order.
    layers : tuple of Layer
        One or two; none when there is no data.
    notes : list of tuple
        Rows for the table ``panel``: kind, source, target, enters, reason, works.
    """

    years: Ints
    countries: tuple[str, ...]
    layers: tuple[Layer, ...]
    notes: list[Note]

    def index(self, country: str) -> int | None:
        """Position of a country, None when it is not in the panel."""
        return self.countries.index(country) if country in self.countries else None


def build_panel(
    collaboration: pa.Table | None,
    citation: pa.Table | None,
    settings: PolesSettings,
    poles: Sequence[str],
    output: pa.Table | None = None,
) -> Panel:
    """Choose the countries of the panel and lay their networks out as arrays.

    The country rules: enough works a year over the last years, and activity in
    enough of the years in every layer.
    """
    tables = {
        name: table
        for name, table in {"collaboration": collaboration, "citation": citation}.items()
        if table is not None and table.num_rows
    }
    if not tables:
        return Panel(np.zeros(0, dtype=np.int64), (), (), [])
    years = _years(tables)
    codes = sorted(set().union(*(_codes(table) for table in tables.values())))
    whole = [_layer(name, table, years, codes) for name, table in tables.items()]
    works = _mean_works(whole, years, codes, settings, output)
    reasons = _country_reasons(whole, works, years, settings)
    kept = np.array([reason is None for reason in reasons], dtype=bool)
    notes: list[Note] = [
        ("country", code, None, bool(kept[i]), reasons[i], float(works[i]))
        for i, code in enumerate(codes)
    ]
    absent = [pole for pole in poles if pole not in codes]
    notes += [("country", pole, None, False, "not in the data", None) for pole in absent]
    layers = [Layer(x.name, x.directed, x.weights[:, kept][:, :, kept]) for x in whole]
    return Panel(years, tuple(np.array(codes)[kept].tolist()), tuple(layers), notes)


def _years(tables: dict[str, pa.Table]) -> Ints:
    ends = [pc.min_max(table["year"]).as_py() for table in tables.values()]
    return np.arange(min(e["min"] for e in ends), max(e["max"] for e in ends) + 1)


def _codes(table: pa.Table) -> set[str]:
    return set(table["source"].to_pylist()) | set(table["target"].to_pylist())


def _layer(name: str, table: pa.Table, years: Ints, codes: list[str]) -> Layer:
    column, directed = LAYERS[name]
    if column not in table.column_names:
        raise InputError(
            f"The {name} table has no column `{column}`; it has {', '.join(table.column_names)}."
        )
    place = pa.array(codes, pa.string())
    source, target = (
        pc.index_in(table[side].cast(pa.string()), value_set=place).to_numpy()
        for side in ("source", "target")
    )
    year = table["year"].to_numpy().astype(np.int64) - years[0]
    weights = np.zeros((len(years), len(codes), len(codes)))
    off = source != target
    values = table[column].to_numpy().astype(np.float64)[off]
    np.add.at(weights, (year[off], source[off], target[off]), values)
    if not directed:
        weights = weights + weights.transpose(0, 2, 1)
    return Layer(name, directed, weights)


def _mean_works(
    layers: list[Layer],
    years: Ints,
    codes: list[str],
    settings: PolesSettings,
    output: pa.Table | None,
) -> Floats:
    """Works a year over the last years: output where given, else the first layer's strength."""
    last = settings.average_years
    if output is None or not output.num_rows:
        weights = layers[0].weights[-last:]
        return np.asarray(weights.sum(axis=(0, 2)) / len(weights))
    recent = output.filter(pc.greater(output["year"], int(years[-1]) - last))
    totals = recent.group_by("country").aggregate([("works", "sum")])
    found = dict(zip(totals["country"].to_pylist(), totals["works_sum"].to_pylist(), strict=True))
    return np.array([found.get(code) or 0.0 for code in codes]) / min(last, len(years))


def _country_reasons(
    layers: list[Layer], works: Floats, years: Ints, settings: PolesSettings
) -> list[str | None]:
    first = max(years[-1] - settings.average_years + 1, years[0])
    reasons: list[str | None] = [
        None
        if mean >= settings.min_works
        else f"fewer than {settings.min_works:g} works a year over {first}-{years[-1]}"
        for mean in works
    ]
    for layer in layers:
        some_year = layer.weights.any(axis=(1, 2))
        active: Flags = np.asarray(layer.weights.any(axis=2))
        if layer.directed:
            active &= layer.weights.any(axis=1)
        seen = active[some_year].sum(axis=0)
        for i in np.flatnonzero(seen < settings.min_year_share * some_year.sum()):
            missing = some_year.sum() - seen[i]
            reasons[i] = reasons[i] or f"inactive in {layer.name} in {missing} years"
    return reasons


def panel_table(panel: Panel) -> pa.Table:
    """Table ``panel``: one row per country, and per pair that is not followed."""
    rows = [dict(zip(PANEL_SCHEMA.names, note, strict=True)) for note in panel.notes]
    return pa.Table.from_pylist(rows, schema=PANEL_SCHEMA)
