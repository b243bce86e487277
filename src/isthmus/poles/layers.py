"""The panel: which countries and pairs enter, and their yearly networks as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.errors import InputError
from isthmus.results import schema_of
from isthmus.study.sections import Poles

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: Layer -> column with its weights, and whether it is directed.
LAYERS: dict[str, tuple[str, bool]] = {
    "collaboration": ("works_whole", False),
    "citation": ("citations_whole", True),
}

PANEL_SCHEMA = schema_of("panel")


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
    active : (n,)
        Countries active in enough years of this layer for their pairs to be followed
        in it; the others' weights count all the same.
    """

    name: str
    directed: bool
    weights: Floats
    active: Flags


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
    works : (n,)
        Works a year over the last years.
    notes : list of tuple
        Rows for the table ``panel``: kind, source, target, enters, reason, works.
    """

    years: Ints
    countries: tuple[str, ...]
    layers: tuple[Layer, ...]
    works: Floats
    notes: list[Note]

    def index(self, country: str) -> int | None:
        """Position of a country, None when it is not in the panel."""
        return self.countries.index(country) if country in self.countries else None


def build_panel(
    collaboration: pa.Table | None,
    citation: pa.Table | None,
    settings: Poles,
    poles: Sequence[str],
    output: pa.Table | None = None,
) -> Panel:
    """Choose the countries of the panel and lay their networks out as arrays.

    A country enters with enough works a year over the last years and activity in
    enough years of at least one layer. Poles that are in the data always enter; the
    reason says what they lack.
    """
    tables = {
        name: table
        for name, table in {"collaboration": collaboration, "citation": citation}.items()
        if table is not None and table.num_rows
    }
    if not tables:
        return Panel(np.zeros(0, dtype=np.int64), (), (), np.zeros(0), [])
    years = _years(tables)
    codes = sorted(set().union(*(_codes(table) for table in tables.values())))
    whole = [_layer(name, table, years, codes) for name, table in tables.items()]
    works = _mean_works(whole, years, codes, settings, output)
    activity = [_activity(layer, years, settings) for layer in whole]
    enters, reasons = _judged(codes, poles, activity, _few(works, years, settings))
    notes: list[Note] = [
        ("country", code, None, bool(enters[i]), reasons[i], float(works[i]))
        for i, code in enumerate(codes)
    ]
    absent = [pole for pole in poles if pole not in codes]
    notes += [("country", pole, None, False, "not in the data", None) for pole in absent]
    is_pole = np.isin(codes, list(poles))
    layers = []
    for layer, missing in zip(whole, activity, strict=True):
        active = np.array([reason is None for reason in missing], dtype=bool) | is_pole
        weights = np.ascontiguousarray(layer.weights[:, enters][:, :, enters])
        layers.append(Layer(layer.name, layer.directed, weights, active[enters]))
    kept = tuple(np.array(codes)[enters].tolist())
    return Panel(years, kept, tuple(layers), works[enters], notes)


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
    return Layer(name, directed, weights, np.ones(len(codes), dtype=bool))


def _mean_works(
    layers: list[Layer],
    years: Ints,
    codes: list[str],
    settings: Poles,
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


def _few(works: Floats, years: Ints, settings: Poles) -> list[str | None]:
    """Why a country is too small, None where it is not."""
    first = max(years[-1] - settings.average_years + 1, years[0])
    why = f"fewer than {settings.min_works:g} works a year over {first}-{years[-1]}"
    return [None if mean >= settings.min_works else why for mean in works]


def _activity(layer: Layer, years: Ints, settings: Poles) -> list[str | None]:
    """Why a country is not followed in a layer, None where it is active in enough years."""
    some_year: Flags = np.asarray(layer.weights.any(axis=(1, 2)))
    active: Flags = np.asarray(layer.weights.any(axis=2))
    if layer.directed:
        active &= layer.weights.any(axis=1)
    missing: Flags = np.asarray(some_year[:, None] & ~active)
    most = (1 - settings.min_year_share) * some_year.sum()
    return [
        f"inactive in {layer.name} in {gone.sum()} years ({years[gone][0]} the first)"
        if gone.sum() > most + 1e-9
        else None
        for gone in np.transpose(missing)
    ]


def _judged(
    codes: list[str],
    poles: Sequence[str],
    activity: list[list[str | None]],
    few: list[str | None],
) -> tuple[Flags, list[str | None]]:
    """Return which countries enter, and what is to be said of each."""
    enters = np.ones(len(codes), dtype=bool)
    reasons: list[str | None] = []
    for i, code in enumerate(codes):
        gone = [layer[i] for layer in activity if layer[i] is not None]
        said = "; ".join(why for why in (few[i], *gone) if why is not None)
        enters[i] = code in poles or (few[i] is None and len(gone) < len(activity))
        if said and code in poles:
            said = f"stays as a pole, though {said}"
        elif said and enters[i]:
            said = f"followed in the other layer only: {said}"
        reasons.append(said or None)
    return enters, reasons


def panel_table(panel: Panel) -> pa.Table:
    """Table ``panel``: one row per country, and per pair that is not followed."""
    rows = [dict(zip(PANEL_SCHEMA.names, note, strict=True)) for note in panel.notes]
    return pa.Table.from_pylist(rows, schema=PANEL_SCHEMA)
