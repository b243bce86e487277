"""Any table of yearly edges, read as layers of the pole analysis.

A file has the columns year, source, target and weight, and optionally layer
(``collaboration`` or ``citation``). Rows that cannot be used are set aside and
counted by reason; they never stop the reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from isthmus.errors import SourceError
from isthmus.poles.analysis import Progress, Tables, analyse
from isthmus.poles.layers import LAYERS
from isthmus.sections import Poles

#: Names a column may have; the first that is there is taken.
ALIASES: dict[str, tuple[str, ...]] = {
    "year": ("year", "publication_year", "y", "time"),
    "source": ("source", "c1", "country1", "from", "origin", "i"),
    "target": ("target", "c2", "country2", "to", "destination", "j"),
    "weight": ("weight", "works", "count", "value", "n", "w", "citations", "papers"),
    "layer": ("layer",),
}

#: Years outside are taken for mistakes.
FIRST_YEAR, LAST_YEAR = 1500, 2200

#: Share of pairs listed both ways that must agree for a layer to be undirected. Files
#: of joint works made year by year differ in a handful of rows; in a file of citations
#: the two directions agree by chance only.
SYMMETRIC_SHARE = 0.99

REPORT_SCHEMA = pa.schema(
    [("reason", pa.string()), ("rows", pa.int64()), ("set_aside", pa.bool_())]
)

_SCHEMA = pa.schema(
    [
        ("layer", pa.string()),
        ("year", pa.int64()),
        ("source", pa.string()),
        ("target", pa.string()),
        ("weight", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Edges:
    """Layers read from a file of edges.

    Attributes
    ----------
    collaboration, citation : table or None
        As :func:`isthmus.poles.analysis.analyse` takes them.
    report : table
        ``reason, rows, set_aside``: what was found, and what was set aside.
    """

    collaboration: pa.Table | None
    citation: pa.Table | None
    report: pa.Table


def read_edges(path: str | Path, *, directed: bool | None = None) -> Edges:
    """Read yearly edges from CSV (plain or compressed) or Parquet.

    A layer is undirected when no pair is listed in both directions, or when of
    those that are `SYMMETRIC_SHARE` have the same weight in both; otherwise it
    is directed. An undirected layer is read as collaboration, a directed one as
    citation, unless a column ``layer`` says which is which. Where the two
    directions of an undirected pair differ, the larger weight is taken.

    Parameters
    ----------
    path
        The file.
    directed : bool, optional
        Say whether edges without a layer are directed, instead of looking.

    Raises
    ------
    SourceError
        The file is missing, cannot be read, or lacks a column.
    """
    path = Path(path)
    raw = _named(_read(path), path)
    table, report = _clean(raw)
    layers = _layers(table, directed, report)
    rows = [{"reason": r, "rows": n, "set_aside": aside} for r, (n, aside) in report.items() if n]
    return Edges(
        layers.get("collaboration"),
        layers.get("citation"),
        pa.Table.from_pylist(rows, schema=REPORT_SCHEMA),
    )


def analyse_edges(
    path: str | Path,
    *,
    settings: Poles | None = None,
    poles: tuple[str, ...] = ("US", "CN"),
    directed: bool | None = None,
    seed: int,
    threads: int = 1,
    progress: Progress | None = None,
) -> Tables:
    """Read a file of edges and analyse it; the report on its rows is the table ``edges``."""
    edges = read_edges(path, directed=directed)
    tables = analyse(
        edges.collaboration,
        edges.citation,
        settings=settings,
        poles=poles,
        seed=seed,
        threads=threads,
        progress=progress,
    )
    return {**tables, "edges": edges.report}


def _read(path: Path) -> pa.Table:
    if not path.is_file():
        raise SourceError(
            f"There is no file of edges at {path}. Give a CSV or Parquet file with the columns "
            "year, source, target and weight."
        )
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        text = pa_csv.ConvertOptions(column_types=_as_text(path), strings_can_be_null=False)
        return pa_csv.read_csv(path, convert_options=text, parse_options=_LENIENT)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(f"{path} cannot be read as a table of edges: {error}.") from None


#: Rows with too many or too few fields are left out; the reader cannot name them.
_LENIENT = pa_csv.ParseOptions(invalid_row_handler=lambda row: "skip")


def _as_text(path: Path) -> dict[str, pa.DataType]:
    """Every column as text, so that Namibia (NA) is no missing value."""
    with pa_csv.open_csv(path, parse_options=_LENIENT) as reader:
        return {name: pa.string() for name in reader.schema.names}


def _named(table: pa.Table, path: Path) -> pa.Table:
    there = {name.strip().lower(): name for name in table.column_names}
    chosen: dict[str, str] = {}
    for wanted, names in ALIASES.items():
        found = next((there[name] for name in names if name in there), None)
        if found is not None:
            chosen[wanted] = found
        elif wanted != "layer":
            raise SourceError(
                f"{path} has no column for the {wanted} of an edge. It has: "
                f"{', '.join(table.column_names)}; it may be called {', '.join(names)}."
            )
    return table.select(list(chosen.values())).rename_columns(list(chosen))


def _clean(raw: pa.Table) -> tuple[pa.Table, dict[str, tuple[int, bool]]]:
    """Set rows aside that cannot be used, counting each under its first reason."""
    year, weight = _number(raw["year"]), _number(raw["weight"])
    ends = [_text(raw[side]) for side in ("source", "target")]
    layer = _text(raw["layer"]) if "layer" in raw.column_names else None
    names = list(LAYERS)
    no_country = np.array([not (a and b) for a, b in zip(*ends, strict=True)], dtype=bool)
    whole_year = np.isfinite(year) & (year == np.floor(np.nan_to_num(year)))
    reasons = {
        "no year, or an impossible one": ~whole_year | (year < FIRST_YEAR) | (year > LAST_YEAR),
        "no country": no_country,
        "unknown layer": np.array([x not in names for x in layer]) if layer else no_country & False,
        "weight is missing or no number": ~np.isfinite(weight),
        "negative weight": np.nan_to_num(weight) < 0,
    }
    good = np.ones(raw.num_rows, dtype=bool)
    report: dict[str, tuple[int, bool]] = {"rows read": (raw.num_rows, False)}
    for reason, bad in reasons.items():
        report[reason] = (int((good & bad).sum()), True)
        good &= ~bad
    diagonal = np.array([a == b for a, b in zip(*ends, strict=True)], dtype=bool)
    report["country with itself"] = (int((good & diagonal).sum()), True)
    good &= ~diagonal
    broken = good & (weight != np.floor(np.nan_to_num(weight)))
    report["weight is no whole number"] = (int(broken.sum()), False)
    columns = {
        "layer": pa.array(layer if layer else [""] * raw.num_rows, pa.string()),
        "year": pa.array(np.nan_to_num(year).astype(np.int64)),
        "source": pa.array(ends[0], pa.string()),
        "target": pa.array(ends[1], pa.string()),
        "weight": pa.array(weight, pa.float64()),
    }
    return pa.table(columns, schema=_SCHEMA).filter(pa.array(good)), report


def _text(column: pa.ChunkedArray) -> list[str]:
    return [(value or "").strip() for value in column.cast(pa.string()).to_pylist()]


def _number(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    def parse(value: object) -> float:
        try:
            return float(str(value))
        except ValueError:
            return float("nan")

    return np.array([parse(value) for value in column.to_pylist()], dtype=np.float64)


def _layers(
    table: pa.Table, directed: bool | None, report: dict[str, tuple[int, bool]]
) -> dict[str, pa.Table]:
    layers: dict[str, pa.Table] = {}
    for name in pc.unique(table["layer"]).to_pylist():
        rows = table.filter(pc.equal(table["layer"], name))
        summed = rows.group_by(["year", "source", "target"]).aggregate([("weight", "sum")])
        _count(report, "listed more than once, summed", rows.num_rows - summed.num_rows)
        joined = _both_ways(summed)
        one_way = directed if directed is not None else not _is_undirected(joined)
        layer = name or ("citation" if one_way else "collaboration")
        column, is_directed = LAYERS[layer]
        kept = summed if is_directed else _once(joined, report)
        layers[layer] = kept.rename_columns(
            [column if n == "weight_sum" else n for n in kept.column_names]
        )
    return layers


def _count(report: dict[str, tuple[int, bool]], reason: str, rows: int) -> None:
    report[reason] = (report.get(reason, (0, False))[0] + rows, False)


def _both_ways(table: pa.Table) -> pa.Table:
    """Join every edge with its reverse; edges listed one way only have no ``back``."""
    back = table.rename_columns(
        ["back" if n == "weight_sum" else n for n in table.column_names]
    ).select(["year", "source", "target", "back"])
    keys = ["year", "target", "source"]
    return table.join(back, keys=["year", "source", "target"], right_keys=keys)


def _is_undirected(joined: pa.Table) -> bool:
    both = joined.filter(pc.is_valid(joined["back"]))
    agree = pc.sum(pc.equal(both["weight_sum"], both["back"])).as_py() or 0
    return bool(agree >= SYMMETRIC_SHARE * both.num_rows)


def _once(joined: pa.Table, report: dict[str, tuple[int, bool]]) -> pa.Table:
    """Each unordered pair once, with the larger weight of its directions."""
    keep = pc.or_(pc.less(joined["source"], joined["target"]), pc.is_null(joined["back"]))
    once = joined.filter(keep)
    _count(report, "listed in both directions, one kept", joined.num_rows - once.num_rows)
    back = pc.coalesce(once["back"], once["weight_sum"])
    differ = pc.sum(pc.not_equal(once["weight_sum"], back)).as_py() or 0
    _count(report, "directions differ, the larger kept", differ)
    larger = pc.max_element_wise(once["weight_sum"], back)
    columns = ["year", "source", "target"]
    return once.select(columns).append_column("weight_sum", larger)
