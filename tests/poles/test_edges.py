"""Edges read from any file: directions, diagonals and bad rows."""

from __future__ import annotations

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus.errors import SourceError
from isthmus.poles.edges import analyse_edges, read_edges
from isthmus.sections import Poles


def written(tmp_path, text, name="edges.csv"):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


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
    )
    edges = read_edges(written(tmp_path, text))
    assert counts(edges) == {
        "rows read": 8,
        "no year, or an impossible one": 2,
        "no country": 1,
        "weight is missing or no number": 2,
        "negative weight": 1,
        "weight is no whole number": 1,
    }
    assert edges.collaboration.num_rows == 2


def test_a_file_without_rows_gives_empty_tables(tmp_path):
    path = written(tmp_path, "year,source,target,weight\n")
    tables = analyse_edges(path, seed=1, settings=Poles(placebo_replays=0))
    assert tables["links"].num_rows == 0
    assert tables["edges"].num_rows == 0


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(SourceError, match="no file of edges"):
        read_edges(tmp_path / "none.csv")
    with pytest.raises(SourceError, match="no column for the weight"):
        read_edges(written(tmp_path, "year,source,target\n2000,US,CN\n"))
    with pytest.raises(SourceError, match="cannot be read"):
        read_edges(written(tmp_path, "no parquet", "edges.parquet"))
