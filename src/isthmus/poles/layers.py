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
    whole = [_edges(name, table, years, codes) for name, table in tables.items()]
    works = _mean_works(whole, years, codes, settings, output)
    activity = [_activity(edges, years, settings) for edges in whole]
    enters, reasons = _judged(codes, poles, activity, _few(works, years, settings))
    notes: list[Note] = [
        ("country", code, None, bool(enters[i]), reasons[i], float(works[i]))
        for i, code in enumerate(codes)
    ]
    absent = [pole for pole in poles if pole not in codes]
    notes += [("country", pole, None, False, "not in the data", None) for pole in absent]
    is_pole = np.isin(codes, list(poles))
    layers = []
    for edges, missing in zip(whole, activity, strict=True):
        active = np.array([reason is None for reason in missing], dtype=bool) | is_pole
        layers.append(Layer(edges.name, edges.directed, edges.among(enters), active[enters]))
    kept = tuple(np.array(codes)[enters].tolist())
    return Panel(years, kept, tuple(layers), works[enters], notes)


def _years(tables: dict[str, pa.Table]) -> Ints:
    ends = [pc.min_max(table["year"]).as_py() for table in tables.values()]
    return np.arange(min(e["min"] for e in ends), max(e["max"] for e in ends) + 1)


def _codes(table: pa.Table) -> set[str]:
    return set(table["source"].to_pylist()) | set(table["target"].to_pylist())


@dataclass(frozen=True)
class _Edges:
    """Links of a layer among all its countries; undirected ones stand once in each direction.

    Attributes
    ----------
    name : str
    directed : bool
    shape : tuple
        Numbers of years and of countries.
    year, source, target : (m,)
        Positions, never the same country twice.
    weight : (m,)
    """

    name: str
    directed: bool
    shape: tuple[int, int]
    year: Ints
    source: Ints
    target: Ints
    weight: Floats

    def given(self) -> Floats:
        """Weights of each year and source together, (years, n)."""
        sums = np.zeros(self.shape)
        np.add.at(sums, (self.year, self.source), self.weight)
        return sums

    def among(self, enters: Flags) -> Floats:
        """Weights among the countries that enter, (years, k, k)."""
        place = np.cumsum(enters) - 1
        inside = enters[self.source] & enters[self.target]
        n = int(enters.sum())
        weights = np.zeros((self.shape[0], n, n))
        at = (self.year[inside], place[self.source[inside]], place[self.target[inside]])
        np.add.at(weights, at, self.weight[inside])
        return weights


def _edges(name: str, table: pa.Table, years: Ints, codes: list[str]) -> _Edges:
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
    off = source != target
    year, source, target = year[off], source[off], target[off]
    weight = table[column].to_numpy().astype(np.float64)[off]
    if not directed:
        year, weight = np.concatenate([year, year]), np.concatenate([weight, weight])
        source, target = np.concatenate([source, target]), np.concatenate([target, source])
    return _Edges(name, directed, (len(years), len(codes)), year, source, target, weight)


def _mean_works(
    layers: list[_Edges],
    years: Ints,
    codes: list[str],
    settings: Poles,
    output: pa.Table | None,
) -> Floats:
    """Works a year over the last years: output where given, else the first layer's strength."""
    last = settings.average_years
    if output is None or not output.num_rows:
        recent_years = layers[0].given()[-last:]
        return np.asarray(recent_years.sum(axis=0) / len(recent_years))
    recent = output.filter(pc.greater(output["year"], int(years[-1]) - last))
    totals = recent.group_by("country").aggregate([("works", "sum")])
    found = dict(zip(totals["country"].to_pylist(), totals["works_sum"].to_pylist(), strict=True))
    return np.array([found.get(code) or 0.0 for code in codes]) / min(last, len(years))


def _few(works: Floats, years: Ints, settings: Poles) -> list[str | None]:
    """Why a country is too small, None where it is not."""
    first = max(years[-1] - settings.average_years + 1, years[0])
    why = f"fewer than {settings.min_works:g} works a year over {first}-{years[-1]}"
    beyond = f"not among the {settings.most} largest over {first}-{years[-1]}"
    largest = np.zeros(len(works), dtype=bool)
    largest[np.argsort(-works, kind="stable")[: settings.most]] = True
    return [
        why if mean < settings.min_works else None if large else beyond
        for mean, large in zip(works, largest, strict=True)
    ]


def _activity(layer: _Edges, years: Ints, settings: Poles) -> list[str | None]:
    """Why a country is not followed in a layer, None where it is active in enough years."""
    there = layer.weight != 0
    active, takes = np.zeros(layer.shape, dtype=bool), np.zeros(layer.shape, dtype=bool)
    active[layer.year[there], layer.source[there]] = True
    some_year: Flags = np.asarray(active.any(axis=1))
    if layer.directed:
        takes[layer.year[there], layer.target[there]] = True
        active &= takes
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
