"""Any table of yearly edges, read as layers of the pole analysis.

A file has the columns year, source, target and weight, and optionally layer
(``collaboration`` or ``citation``). Rows that cannot be used are set aside and
counted by reason; they never stop the reading.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.corpus.countries import PARTS, country_named
from isthmus.errors import InputError, SourceError
from isthmus.poles.analysis import Progress, Tables, analyse
from isthmus.poles.edge_files import RawEdges, read_raw
from isthmus.poles.edge_values import codes_of, is_aggregate, read_numbers, year_of
from isthmus.poles.layers import LAYERS
from isthmus.poles.pair_indicators import pair_indicators
from isthmus.results import schema_of
from isthmus.study.sections import Poles
from isthmus.study.shocks import Shock

#: Share of pairs listed both ways that must agree for a layer to be undirected. Files
#: of joint works made year by year differ in a handful of rows; in a file of citations
#: the two directions agree by chance only.
SYMMETRIC_SHARE = 0.99

REPORT_SCHEMA = schema_of("edges")

_SCHEMA = pa.schema(
    [
        ("layer", pa.string()),
        ("year", pa.int64()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("weight", pa.float64()),
    ]
)


#: Names that a message lists at most.
_LISTED = 20

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Edges:
    """Layers read from a file of edges.

    Attributes
    ----------
    collaboration, citation : table or None
        As :func:`isthmus.poles.analysis.analyse` takes them.
    report : table
        ``reason, rows, set_aside``: rows read, set aside by reason, and kept; the others
        say what was made of rows that are kept.
    codes : dict
        Name in the file -> code, where the names were read as countries.
    """

    collaboration: pa.Table | None
    citation: pa.Table | None
    report: pa.Table
    codes: dict[str, str]

    @property
    def names(self) -> list[str]:
        """Every name with an edge, those with the largest weights first."""
        sums: Counter[str] = Counter()
        for table in (t for t in (self.collaboration, self.citation) if t is not None):
            weights = table[table.column_names[-1]].to_pylist()
            for side in ("source", "target"):
                for name, weight in zip(table[side].to_pylist(), weights, strict=True):
                    sums[name] += weight
        return [name for name, _ in sums.most_common()]

    def poles(self, asked: Sequence[str]) -> tuple[str, ...]:
        """Return poles under the names they have among the edges.

        Raises
        ------
        InputError
            One is not there; the message names those that are.
        """
        there = self.names
        folded = {name.casefold(): name for name in there}
        found = {
            pole: next((n for n in (pole, country_named(pole)) if n in there), None)
            or folded.get(pole.casefold())
            for pole in asked
        }
        absent = [pole for pole, name in found.items() if name is None]
        if absent:
            raise InputError(_absent(absent, there))
        return tuple(name for name in found.values() if name is not None)


def _absent(absent: Sequence[str], there: Sequence[str]) -> str:
    if not there:
        return "The file has no edges, so that no pole is among them."
    near = [name for pole in absent for name in get_close_matches(pole, there, n=2)]
    hint = f" Did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""
    more = f" and {len(there) - _LISTED:,} more" if len(there) > _LISTED else ""
    return (
        f"No edge of the file has the pole {' or '.join(absent)}.{hint} It has edges of "
        f"{', '.join(there[:_LISTED])}{more}. Name poles among them with --pole."
    )


def read_edges(
    path: str | Path,
    *,
    directed: bool | None = None,
    years: tuple[int, int] | None = None,
    decimal: str | None = None,
) -> Edges:
    """Read yearly edges from a text table (plain or compressed) or Parquet.

    Countries may be written by code of two or three letters or by name; the tables
    have their ISO 3166-1 alpha-2 codes. Names of something else stay as they are.

    A layer is undirected when no pair is listed in both directions with a weight, or
    when of those that are `SYMMETRIC_SHARE` have the same weight in both; otherwise it
    is directed. An undirected layer is read as collaboration, a directed one as
    citation, unless a column ``layer`` says which is which. Where the two
    directions of an undirected pair differ, the larger weight is taken.

    Parameters
    ----------
    path
        The file.
    directed : bool, optional
        Say whether edges without a layer are directed, instead of looking.
    years : pair, optional
        First and last year to read.
    decimal : {".", ","}, optional
        The sign of the decimals, instead of inferring it from the weights.

    Raises
    ------
    SourceError
        The file is missing, cannot be read, lacks a column, or has rows and none of
        them can be used.
    InputError
        `decimal` is no such sign.
    """
    if decimal not in (None, ".", ","):
        raise InputError(f"The sign of the decimals is {decimal!r}; it must be . or ,.")
    path = Path(path)
    raw = read_raw(path)
    tally = _Tally(raw)
    table, codes = _clean(raw, tally, years, decimal)
    if raw.rows and not table.num_rows:
        raise SourceError(
            f"None of the {raw.rows:,} rows of {path} can be used: "
            f"{'; '.join(f'{reason} {n:,}' for reason, n in tally.set_aside.items())}."
        )
    layers = _layers(table, directed, tally.notes)
    return Edges(
        layers.get("collaboration"), layers.get("citation"), tally.table(table.num_rows), codes
    )


def analyse_edges(
    edges: Edges | str | Path,
    *,
    settings: Poles | None = None,
    poles: tuple[str, ...] = ("US", "CN"),
    directed: bool | None = None,
    shocks: Mapping[str, Shock] | None = None,
    seed: int,
    threads: int = 1,
    progress: Progress | None = None,
) -> Tables:
    """Analyse edges, or a file of them; the report on its rows is the table ``edges``.

    ``pair_indicators`` has the indices of every pair, also outside the panel.
    """
    if not isinstance(edges, Edges):
        edges = read_edges(edges, directed=directed)
    tables = analyse(
        edges.collaboration,
        edges.citation,
        settings=settings,
        poles=poles,
        shocks=shocks,
        seed=seed,
        threads=threads,
        progress=progress,
    )
    pairs = pair_indicators(edges.collaboration, tables["links"])
    return {**tables, "pair_indicators": pairs, "edges": edges.report}


class _Tally:
    """Rows by what became of them."""

    def __init__(self, raw: RawEdges) -> None:
        self.rows = raw.rows
        self.set_aside: Counter[str] = Counter(raw.set_aside)
        self.notes: Counter[str] = Counter(raw.notes)

    def table(self, kept: int) -> pa.Table:
        rows = [("rows read", self.rows, False)]
        rows += [(reason, n, True) for reason, n in self.set_aside.items() if n]
        rows += [("rows kept", kept, False)] if self.rows else []
        rows += [(note, n, False) for note, n in self.notes.items() if n]
        columns = zip(*(row for row in rows if row[1]), strict=True) if self.rows else ([], [], [])
        return pa.table([list(column) for column in columns], schema=REPORT_SCHEMA)


def _clean(
    raw: RawEdges, tally: _Tally, years: tuple[int, int] | None, decimal: str | None
) -> tuple[pa.Table, dict[str, str]]:
    """Set rows aside that cannot be used, counting each under its first reason."""
    columns = {name: [cell.strip() for cell in cells] for name, cells in raw.columns.items()}
    year, dated = _years(columns["year"])
    numbers = read_numbers(columns["weight"], decimal)
    weight = np.array(numbers.values, dtype=np.float64)
    codes = codes_of({*columns["source"], *columns["target"]} - {""})
    ends = [[codes.get(n, n) for n in columns[side]] for side in ("source", "target")]
    first, last = years or (0, 9999)
    layer = columns.get("layer")
    good = np.ones(len(year), dtype=np.bool_)

    def out(reason: str, bad: Flags) -> None:
        tally.set_aside[reason] += int((good & bad).sum())
        good[bad] = False

    out("no year, or an impossible one", year == 0)
    out("outside the years asked for", (year < first) | (year > last))
    out("no country", _where(not (a and b) for a, b in zip(*ends, strict=True)))
    for name, bad in _not_countries(columns, codes).items():
        out(name, bad)
    out("unknown layer", _where(x not in LAYERS for x in layer) if layer else ~good)
    out("weight is missing or no number", ~np.isfinite(weight))
    out("negative weight", np.nan_to_num(weight) < 0)
    out("country with itself", _where(a == b for a, b in zip(*ends, strict=True)))
    plain = np.nan_to_num(weight)
    notes = {
        "weight is no whole number": plain != np.floor(plain),
        "weight is 0": plain == 0,
        "date, read as its year": dated,
    }
    if numbers.thousands:
        signs = {",": "comma", ".": "dot"}
        with_sign = _where(numbers.thousands in cell for cell in columns["weight"])
        notes[f"{signs[numbers.thousands]} read as separator of thousands"] = with_sign
    if numbers.decimal == ",":
        notes["comma read as decimal point"] = _where("," in cell for cell in columns["weight"])
    tally.notes.update({note: int((good & rows).sum()) for note, rows in notes.items()})
    _note_names(tally, columns, codes, good)
    table = {
        "layer": pa.array(layer if layer else [""] * len(year), pa.string()),
        "year": pa.array(year),
        "source": pa.array(ends[0], pa.string()),
        "target": pa.array(ends[1], pa.string()),
        "weight": pa.array(weight, pa.float64()),
    }
    return pa.table(table, schema=_SCHEMA).filter(pa.array(good)), codes


def _where(flags: object) -> Flags:
    return np.fromiter(flags, dtype=np.bool_)  # type: ignore[call-overload,no-any-return]


def _years(cells: Sequence[str]) -> tuple[NDArray[np.int64], Flags]:
    """Years of cells, 0 where there is none, and whether each was a date."""
    known = {cell: year_of(cell) for cell in set(cells)}
    years = np.array([known[cell][0] or 0 for cell in cells], dtype=np.int64)
    return years, _where(known[cell][1] for cell in cells)


def _not_countries(columns: dict[str, list[str]], codes: dict[str, str]) -> dict[str, Flags]:
    """Rows of an aggregate, by its name; and of parts of a country that is listed itself."""
    there = {*columns["source"], *columns["target"]} - {""}
    apart = {name: f"total or aggregate: {name}" for name in there if is_aggregate(name)}
    whole = {code for name, code in codes.items() if name.casefold() not in PARTS}
    for name, code in codes.items():
        if name.casefold() in PARTS and code in whole:
            apart[name] = f"part of a country that is listed itself: {name}"
    return {
        apart[name]: _where(
            name in (a, b) for a, b in zip(columns["source"], columns["target"], strict=True)
        )
        for name in sorted(apart)
    }


def _note_names(
    tally: _Tally, columns: dict[str, list[str]], codes: dict[str, str], good: Flags
) -> None:
    """Count rows whose names were read as codes, and name those that are no country."""
    if not codes:
        return
    names = {*columns["source"], *columns["target"]}
    changed = {name for name, code in codes.items() if code != name}
    unknown = sorted(names - codes.keys())
    if not changed and not unknown:
        return
    ends = zip(columns["source"], columns["target"], strict=True)
    pairs = [pair for pair, used in zip(ends, good, strict=True) if used]
    tally.notes["names read as codes of countries"] = sum(
        a in changed or b in changed for a, b in pairs
    )
    for name in unknown:
        tally.notes[f"no country that is known, kept as written: {name}"] = sum(
            name in pair for pair in pairs
        )


def _layers(table: pa.Table, directed: bool | None, notes: Counter[str]) -> dict[str, pa.Table]:
    layers: dict[str, pa.Table] = {}
    for name in pc.unique(table["layer"]).to_pylist():
        rows = table.filter(pc.equal(table["layer"], name))
        summed = rows.group_by(["year", "source", "target"]).aggregate([("weight", "sum")])
        notes["listed more than once, summed"] += rows.num_rows - summed.num_rows
        joined = _both_ways(summed)
        one_way = directed if directed is not None else not _is_undirected(joined)
        layer = name or ("citation" if one_way else "collaboration")
        column, is_directed = LAYERS[layer]
        kept = summed if is_directed else _once(joined, notes)
        notes[f"read as {'directed' if is_directed else 'undirected'} ({layer})"] += rows.num_rows
        layers[layer] = kept.rename_columns(
            [column if n == "weight_sum" else n for n in kept.column_names]
        )
    return layers


def _both_ways(table: pa.Table) -> pa.Table:
    """Join every edge with its reverse; edges listed one way only have no ``back``."""
    back = table.rename_columns(
        ["back" if n == "weight_sum" else n for n in table.column_names]
    ).select(["year", "source", "target", "back"])
    keys = ["year", "target", "source"]
    return table.join(back, keys=["year", "source", "target"], right_keys=keys)


def _is_undirected(joined: pa.Table) -> bool:
    """Whether the two directions agree, wherever both of them have a weight."""
    both = joined.filter(
        pc.and_(pc.greater(joined["weight_sum"], 0), pc.greater(joined["back"], 0))
    )
    agree = pc.sum(pc.equal(both["weight_sum"], both["back"])).as_py() or 0
    return bool(agree >= SYMMETRIC_SHARE * both.num_rows)


def _once(joined: pa.Table, notes: Counter[str]) -> pa.Table:
    """Each unordered pair once, with the larger weight of its directions."""
    keep = pc.or_(pc.less(joined["source"], joined["target"]), pc.is_null(joined["back"]))
    once = joined.filter(keep)
    notes["listed in both directions, one kept"] += joined.num_rows - once.num_rows
    back = pc.coalesce(once["back"], once["weight_sum"])
    differ = pc.sum(pc.not_equal(once["weight_sum"], back)).as_py() or 0
    notes["directions differ, the larger kept"] += differ
    larger = pc.max_element_wise(once["weight_sum"], back)
    columns = ["year", "source", "target"]
    return once.select(columns).append_column("weight_sum", larger)
