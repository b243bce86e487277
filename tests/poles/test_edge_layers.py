"""Edges read from any file: directions, diagonals and bad rows."""

from __future__ import annotations

import bz2
import csv
import datetime
import gzip
import itertools
import lzma

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.errors import InputError, SourceError
from isthmus.poles.edge_layers import analyse_edges, read_edges
from isthmus.study.sections import Poles


def written(tmp_path, text, name="edges.csv"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def zstd(content):
    return pa.compress(content, "zstd", asbytes=True)


def counts(edges):
    return {row["reason"]: row["rows"] for row in edges.report.to_pylist()}


def pairs(table, column):
    names = ("year", "source", "target", column)
    return sorted(tuple(row[name] for name in names) for row in table.to_pylist())


@pytest.mark.parametrize("name", ["edges.csv", "edges.csv.gz"])
def test_both_directions_and_the_diagonal_are_one_undirected_layer(tmp_path, name):
    text = "year,c1,c2,works\n2000,US,NA,3\n2000,NA,US,3\n2000,US,US,9\n2001,NA,US,1\n"
    edges = read_edges(written(tmp_path, text, name))
    assert edges.citation is None
    assert pairs(edges.collaboration, "works_whole") == [
        (2000, "NA", "US", 3.0),
        (2001, "NA", "US", 1.0),
    ]
    found = counts(edges)
    assert found["country with itself"] == 1
    assert found["listed in both directions, one kept"] == 1


def test_a_few_differing_directions_keep_the_larger_weight(tmp_path):
    lines = [f"{year},US,CN,{year}\n{year},CN,US,{year}\n" for year in range(1900, 2000)]
    lines.append("2000,US,CN,7\n2000,CN,US,8\n")
    edges = read_edges(written(tmp_path, "year,source,target,weight\n" + "".join(lines)))
    assert (2000, "CN", "US", 8.0) in pairs(edges.collaboration, "works_whole")
    assert counts(edges)["directions differ, the larger kept"] == 1


def test_differing_directions_are_a_directed_layer(tmp_path):
    text = "year,source,target,weight\n2000,US,CN,3\n2000,CN,US,5\n2000,CN,US,1\n"
    path = written(tmp_path, text)
    edges = read_edges(path)
    assert edges.collaboration is None
    assert pairs(edges.citation, "citations_whole") == [
        (2000, "CN", "US", 6.0),
        (2000, "US", "CN", 3.0),
    ]
    assert counts(edges)["listed more than once, summed"] == 1
    declared = read_edges(path, directed=False)
    assert pairs(declared.collaboration, "works_whole") == [(2000, "CN", "US", 6.0)]


def test_layers_are_told_apart_in_parquet(tmp_path):
    columns = {
        "layer": ["collaboration", "citation", "friendship"],
        "year": [2000, 2000, 2000],
        "source": ["US", "US", "US"],
        "target": ["CN", "CN", "CN"],
        "weight": [1, 2, 3],
    }
    pq.write_table(pa.table(columns), tmp_path / "edges.parquet")
    edges = read_edges(tmp_path / "edges.parquet")
    assert pairs(edges.collaboration, "works_whole") == [(2000, "CN", "US", 1.0)] or pairs(
        edges.collaboration, "works_whole"
    ) == [(2000, "US", "CN", 1.0)]
    assert pairs(edges.citation, "citations_whole") == [(2000, "US", "CN", 2.0)]
    assert counts(edges)["unknown layer"] == 1


def test_bad_rows_are_counted_and_never_stop_the_reading(tmp_path):
    text = (
        "year,source,target,weight\n"
        "2000,US,CN,3\n"
        "twenty,US,CN,3\n"
        "99999,US,CN,3\n"
        "2000,,CN,3\n"
        "2000,US,CN,-1\n"
        "2000,US,CN,\n"
        "2000,US,CN,nan\n"
        "2000,US,GB,1.5\n"
        "2000,US,CN,1,2,3\n"
        "2000,US\n"
        ",,,\n"
    )
    edges = read_edges(written(tmp_path, text))
    assert counts(edges) == {
        "rows read": 10,
        "rows kept": 2,
        "more cells than columns": 1,
        "fewer cells than columns": 1,
        "no year, or an impossible one": 2,
        "no country": 1,
        "weight is missing or no number": 2,
        "negative weight": 1,
        "weight is no whole number": 1,
        "read as undirected (collaboration)": 2,
    }
    assert edges.collaboration.num_rows == 2


def test_a_file_without_rows_gives_empty_tables(tmp_path):
    path = written(tmp_path, "year,source,target,weight\n")
    tables = analyse_edges(path, seed=1, settings=Poles(placebo_replays=0))
    assert tables["links"].num_rows == 0
    assert tables["edges"].num_rows == 0
    with pytest.raises(InputError, match="no edges"):
        read_edges(path).poles(("US",))


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(SourceError, match="no file of edges"):
        read_edges(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="no column for the weight"):
        read_edges(written(tmp_path, "year,source,target\n2000,US,CN\n"))
    with pytest.raises(SourceError, match="cannot be read"):
        read_edges(written(tmp_path, "no parquet", "edges.parquet"))


#: Twelve edges of four countries over two years, one of them a real name.
PLAIN = [
    (year, a, b, 900 + 300 * number + year % 7)
    for year in (2010, 2011)
    for number, (a, b) in enumerate(
        [("US", "CN"), ("US", "KR"), ("US", "NA"), ("CN", "KR"), ("CN", "NA"), ("KR", "NA")]
    )
]
ISO3 = {"US": "USA", "CN": "chn", "KR": "KOR", "NA": "nam"}
NAMES = {"US": "United States", "CN": "China", "KR": "Korea, Republic of", "NA": "Namibia"}


def table(rows=PLAIN, separator=",", header="year,source,target,weight", **changes):
    """Write edges, with cells changed by functions named after their columns."""

    def cells(row):
        named = zip(("year", "source", "target", "weight"), row, strict=True)
        return [str(changes.get(name, str)(cell)) for name, cell in named]

    lines = [separator.join(cells(row)) for row in rows]
    return "\n".join([header.replace(",", separator), *lines]) + "\n"


def plain(edges):
    """Edges as a set, each pair in order."""
    rows = edges.collaboration.to_pylist()
    return {(r["year"], *sorted((r["source"], r["target"])), r["works_whole"]) for r in rows}


WANTED = {(year, *sorted((a, b)), float(weight)) for year, a, b, weight in PLAIN}

DIALECTS = {
    "comma": table(),
    "semicolon": table(separator=";"),
    "tab": table(separator="\t"),
    "bar": table(separator="|"),
    "old line ends": table().replace("\n", "\r"),
    "windows line ends": table().replace("\n", "\r\n"),
    "excel's first line": "sep=;\n" + table(separator=";"),
    "comments and empty lines": "# made by hand\n\n" + table().replace("\n2011", "\n\n2011", 1),
    "quoted": table(source=lambda c: f'"{c}"', weight=lambda w: f'"{w}"'),
    "other names": table(header="Publication Year,Country 1,Country_2,Papers"),
    "thousands": table(weight=lambda w: f'"{w:,}"'),
    "thousands unquoted": table(separator=";", weight=lambda w: f"{w:,}"),
    "thousands dots": table(
        separator=";", weight=lambda w: f"{w:,},0".replace(",", ".", 1) if w > 999 else f"{w},0"
    ),
    "thousands spaces": table(weight=lambda w: f"{w:,}".replace(",", "\u202f")),
    "decimal point": table(weight=lambda w: f"{w}.0"),
    "decimal comma": table(separator=";", weight=lambda w: f"{w},00"),
    "scientific": table(weight=lambda w: f"{w:.5e}"),
    "dates": table(year=lambda y: f"{y}-01-01"),
    "timestamps": table(year=lambda y: f"{y}-12-31T00:00:00Z"),
    "dates of Europe": table(year=lambda y: f"31.12.{y}"),
    "years as floats": table(year=lambda y: f"{y}.0"),
    "alpha-3": table(source=ISO3.get, target=ISO3.get),
    "small letters": table(source=str.lower, target=str.lower),
    "names": table(source=lambda c: f'"{NAMES[c]}"', target=lambda c: f'"{NAMES[c].upper()}"'),
    "names with commas, unquoted": table(source=NAMES.get, target=NAMES.get),
    "a column twice": table(header="year,source,target,weight,weight", weight=lambda w: f"{w},{w}"),
    "cells at the end": table(weight=lambda w: f"{w},,"),
    "both directions, zeros": table([*PLAIN, *((y, b, a, 0) for y, a, b, _ in PLAIN)]),
    "zeros first": table([*((y, b, a, 0) for y, a, b, _ in PLAIN), *PLAIN]),
    "both directions": table([*PLAIN, *((y, b, a, w) for y, a, b, w in PLAIN)]),
    "totals": table([*PLAIN, *((y, a, "Total", 9999) for y, a, _, _ in PLAIN)]),
    "aggregates": table([*PLAIN, (2010, "EU27_2020", "US", 9), (2010, "OECD", "World", 9)]),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_gives_the_same_edges(tmp_path, dialect):
    edges = read_edges(written(tmp_path, DIALECTS[dialect]))
    assert edges.citation is None
    assert plain(edges) == WANTED
    assert set(edges.poles(("US", "KOR"))) == {"US", "KR"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings(tmp_path, encoding):
    text = table([*PLAIN, (2010, "US", "C\u00f4te d'Ivoire", 5)])
    path = tmp_path / "edges.csv"
    path.write_bytes(text.encode(encoding))
    assert plain(read_edges(path)) == WANTED | {(2010, "CI", "US", 5.0)}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_compressions_are_known_by_what_the_file_holds(tmp_path, pack):
    path = tmp_path / "edges.txt"
    path.write_bytes(pack(table().encode()))
    assert plain(read_edges(path)) == WANTED
    path.write_bytes(pack(table().encode())[:-9])
    with pytest.raises(SourceError, match="cannot be read"):
        read_edges(path)


@pytest.mark.parametrize(
    "kind", ["int", "text", "float", "date", "timestamp", "dictionary", "twice"]
)
def test_parquet_of_any_types(tmp_path, kind):
    years, sources, targets, weights = map(list, zip(*PLAIN, strict=True))
    columns = {"year": pa.array(years), "source": pa.array(sources), "target": pa.array(targets)}
    columns["weight"] = pa.array(weights)
    if kind in ("text", "float"):
        to = {"text": pa.string(), "float": pa.float64()}[kind]
        columns |= {name: columns[name].cast(to) for name in ("year", "weight")}
    if kind in ("date", "timestamp"):
        days = pa.array([datetime.date(y, 7, 1) for y in years])
        columns["year"] = days if kind == "date" else days.cast(pa.timestamp("ns"))
    if kind == "dictionary":
        columns["source"] = columns["source"].dictionary_encode()
    made = pa.table(columns)
    if kind == "twice":
        made = made.append_column("weight", pa.array([1] * len(years)))
    pq.write_table(made, tmp_path / "edges.data")
    edges = read_edges(tmp_path / "edges.data")
    assert plain(edges) == WANTED
    if kind == "twice":
        assert counts(edges)[
            "column weight is there twice, with different values; the first is read"
        ]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_row_is_kept_or_set_aside(tmp_path_factory, data):
    """Whatever the cells hold: rows read are rows kept and rows set aside."""
    cell = st.sampled_from(
        ["2010", "2010-01-01", "US", "us", "World", "Korea, Rep.", '"', "", "1,5", "-3", "x", "7"]
    )
    rows = data.draw(st.lists(st.lists(cell, min_size=1, max_size=6), min_size=1, max_size=12))
    lines = [",".join(row) for row in rows]
    path = tmp_path_factory.mktemp("rows") / "edges.csv"
    path.write_text("\n".join(["year,source,target,weight", "2010,US,CN,5", *lines]) + "\n")
    rows = read_edges(path).report.to_pylist()
    found = {row["reason"]: row["rows"] for row in rows}
    assert found["rows read"] == 1 + sum(map(_has_cells, lines))
    aside = sum(row["rows"] for row in rows if row["set_aside"])
    assert found["rows read"] == found["rows kept"] + aside


def _has_cells(line):
    """Whether a line has any cell that is not blank, as the csv module sees it."""
    return any(cell.strip() for cell in next(csv.reader([line]), []))


def test_what_is_set_aside_is_named(tmp_path):
    extra = [(2010, "US", "Total", 1), (2010, "World", "EU27", 1), (2009, "US", "CN", 1)]
    edges = read_edges(written(tmp_path, table([*PLAIN, *extra])), years=(2010, 2011))
    found = counts(edges)
    assert found["total or aggregate: Total"] == 1
    assert found["total or aggregate: EU27"] == 1
    assert found["outside the years asked for"] == 1
    assert (found["rows read"], found["rows kept"]) == (15, 12)


def test_parts_of_the_united_kingdom(tmp_path):
    """They are the country where it is not listed itself, and set aside where it is."""
    parts = [(2010, "US", "England", 5), (2010, "US", "Scotland", 2), (2010, "Wales", "England", 1)]
    edges = read_edges(written(tmp_path, table([*PLAIN, *parts])))
    assert (2010, "GB", "US", 7.0) in plain(edges)
    assert counts(edges)["country with itself"] == 1
    whole = [*parts, (2010, "US", "United Kingdom", 6)]
    edges = read_edges(written(tmp_path, table([*PLAIN, *whole])))
    assert (2010, "GB", "US", 6.0) in plain(edges)
    assert counts(edges)["part of a country that is listed itself: England"] == 2


def test_tables_of_something_else_keep_their_names(tmp_path):
    nodes = ["alpha", "BE", "and", "node 4"]
    rows = [(2010, a, b, 7) for a, b in itertools.combinations(nodes, 2)]
    edges = read_edges(written(tmp_path, table(rows)))
    assert edges.codes == {}
    assert set(edges.names) == set(nodes)
    assert edges.poles(("Alpha", "be")) == ("alpha", "BE")


def test_a_name_that_is_no_country_is_kept_and_said(tmp_path):
    edges = read_edges(written(tmp_path, table([*PLAIN, (2010, "US", "Yugoslavia", 3)])))
    assert (2010, "US", "Yugoslavia", 3.0) in plain(edges)
    assert counts(edges)["no country that is known, kept as written: Yugoslavia"] == 1


def test_poles_that_are_not_there_name_those_that_are(tmp_path):
    edges = read_edges(written(tmp_path, table()))
    with pytest.raises(InputError, match=r"pole DE or Kora\.") as caught:
        edges.poles(("US", "DE", "Kora"))
    assert all(name in str(caught.value) for name in ("US", "CN", "KR", "NA"))
    assert edges.poles(("united states", "Korea")) == ("US", "KR")


def test_a_decimal_sign_can_be_given(tmp_path):
    path = written(tmp_path, table(separator=";", weight=lambda w: f"{w / 1000:.3f}"))
    assert {weight for *_, weight in plain(read_edges(path))} == {w / 1000 for *_, w in PLAIN}
    path = written(tmp_path, table(separator=";", weight=lambda w: f"{w:,}".replace(",", ".")))
    given = read_edges(path, decimal=",")
    assert plain(given) == WANTED
    assert counts(given)["dot read as separator of thousands"] > 0
    with pytest.raises(InputError, match=r"must be \. or ,"):
        read_edges(path, decimal="comma")


def test_a_file_of_which_nothing_can_be_used_is_an_error(tmp_path):
    path = written(tmp_path, table(weight=lambda w: "n/a"))
    with pytest.raises(SourceError, match=r"None of the 12 rows .* weight is missing or no number"):
        read_edges(path)
    for content, said in (
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"# only\n", "no header"),
        (b"PK\x03\x04rest", "spreadsheet"),
        (b"2010,US,CN,5\n", "no column for the year"),
    ):
        (tmp_path / "edges.csv").write_bytes(content)
        with pytest.raises(SourceError, match=said):
            read_edges(tmp_path / "edges.csv")
