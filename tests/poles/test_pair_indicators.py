"""Indices of pairs against a recount, against published values, and on worlds without affinity."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from isthmus.poles.edge_layers import read_edges
from isthmus.poles.links import LINKS_SCHEMA
from isthmus.poles.pair_indicators import SCHEMA, pair_indicators
from tiny import random_works

NO_LINKS = LINKS_SCHEMA.empty_table()

#: Index of collaboration of ten pairs, 2003-2022, as table SPBS-94 prints it.
TEN = (
    ("China", "United States"),
    ("China", "Australia"),
    ("China", "Singapore"),
    ("China", "Japan"),
    ("United States", "Canada"),
    ("United States", "South Korea"),
    ("United States", "United Kingdom"),
    ("Germany", "Austria"),
    ("France", "Algeria"),
    ("India", "Malaysia"),
)


def edges(rows: list[tuple]) -> pa.Table:
    names = ["year", "source", "target", "works_whole"]
    return pa.table([list(column) for column in zip(*rows, strict=True)], names)


def totals(rows: list[tuple]) -> pa.Table:
    names = ["year", "country", "works", "international", "shared"]
    return pa.table([list(column) for column in zip(*rows, strict=True)], names)


def keyed(table: pa.Table) -> dict[tuple, dict]:
    return {(r["year"], r["source"], r["target"]): r for r in table.to_pylist()}


def test_every_index_equals_a_recount() -> None:
    works = [w for w in random_works(seed=5, n=60).values() if w.countries]
    joint: Counter = Counter()
    size: Counter = Counter()
    several: Counter = Counter()
    world: Counter = Counter(w.year for w in works if len(w.countries) > 1)
    for work in works:
        size.update((work.year, c) for c in work.countries)
        pairs = list(itertools.combinations(sorted(work.countries), 2))
        joint.update((work.year, *pair) for pair in pairs)
        several.update((work.year, c) for c in work.countries if pairs)
    every = {(a, b) for _, a, b in joint}
    sums = totals(
        [(y, c, n, several[y, c], world[y] if c == "US" else 0.0) for (y, c), n in size.items()]
    )
    found = keyed(pair_indicators(edges([(*k, n) for k, n in joint.items()]), NO_LINKS, sums))
    years = {w.year for w in works}
    assert set(found) == {
        (y, a, b) for y in years for a, b in every if several[y, a] and several[y, b]
    }
    links: Counter = Counter()
    for (year, a, b), n in joint.items():
        links.update({(year, a): n, (year, b): n, year: n})
    for (year, a, b), row in found.items():
        n, x, y, w = joint[year, a, b], several[year, a], several[year, b], world[year]
        assert row["works_whole"] == n
        assert row["collaboration_index"] == pytest.approx((n / x) / (y / w))
        wanted = n * 2 * links[year] / (links[year, a] * links[year, b])
        assert row["affinity_index"] == pytest.approx(wanted)
        assert row["salton"] == pytest.approx(n / (size[year, a] * size[year, b]) ** 0.5)
        for one, other, name in ((x, y, "source"), (y, x, "target")):
            rest = (other - n) * one
            wanted = pytest.approx(n * (w - one) / rest) if rest else None
            assert row[f"intensity_{name}"] == wanted
    assert any(row["works_whole"] == 0 for row in found.values())


def test_sums_of_joint_works_stand_in_where_no_totals_are_known() -> None:
    rows = [(2020, "A", "B", 10), (2020, "A", "C", 30), (2020, "B", "C", 0), (2021, "A", "B", 1)]
    found = keyed(pair_indicators(edges(rows), NO_LINKS))
    row = found[2020, "A", "B"]
    assert row["totals"] == "links"
    assert (row["international_source"], row["international_world"]) == (40, 40)
    assert row["collaboration_index"] == pytest.approx((10 / 40) / (10 / 40))
    assert row["affinity_index"] == pytest.approx(2 * row["collaboration_index"])
    # B and C never work together, so that they are no pair; in 2021 C has no joint work at all.
    assert set(found) == {(2020, "A", "B"), (2020, "A", "C"), (2021, "A", "B")}


def test_no_edges_give_no_rows() -> None:
    empty = edges([(2020, "A", "B", 1)]).slice(0, 0)
    for table in (None, empty):
        assert pair_indicators(table, NO_LINKS).equals(SCHEMA.empty_table())


def test_affinity_stands_beside_pairs_of_the_panel() -> None:
    own = {"layer": "collaboration", "null_model": "none", "year": 2020, "source": "A"}
    links = pa.Table.from_pylist([{**own, "target": "B", "affinity": 0.5}], LINKS_SCHEMA)
    found = keyed(pair_indicators(edges([(2020, "A", "B", 4), (2020, "A", "C", 4)]), links))
    assert found[2020, "A", "B"]["affinity"] == 0.5
    assert found[2020, "A", "C"]["affinity"] is None


def test_in_a_world_without_affinity_some_indices_move_with_size() -> None:
    """The table of ``docs/pair-indicators.md``: partners by size alone, one country grows."""
    found = {}
    for share in (0.1, 0.4):
        sizes = np.r_[share, 0.2, np.full(20, (0.8 - share) / 20)]
        joint = np.outer(sizes, sizes) * 1e6
        names = [f"{i:02}" for i in range(len(sizes))]
        pairs = itertools.combinations(range(len(sizes)), 2)
        rows = [(2020, names[i], names[j], joint[i, j]) for i, j in pairs]
        found[share] = keyed(pair_indicators(edges(rows), NO_LINKS))[2020, "00", "01"]
    small, large = found[0.1], found[0.4]
    printed = {
        "collaboration_index": (0.64, 0.83),
        "affinity_index": (1.29, 1.65),
        "salton": (0.17, 0.41),
        "intensity_source": (0.59, 0.65),
        "intensity_target": (0.54, 0.74),
    }
    for name, values in printed.items():
        assert (small[name], large[name]) == pytest.approx(values, abs=0.006), name


def published(folder: Path, name: str) -> list[dict[str, str]]:
    (path,) = folder.glob(f"{name}_*.csv")
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.shared_data
def test_published_indices_come_out_from_published_works(shared_data: Path) -> None:
    """All pairs of table SPBS-94 to the second decimal, and ten of them by name.

    A half may have been rounded either way.
    """
    folder = shared_data / "ncses-ai"
    works = {
        row["region_country_or_economy"]: float(
            row["papers_involving_international_institutions_whole_"]
        )
        for row in published(folder, "SPBS-91")
    }
    joint, index = (published(folder, name) for name in ("SPBS-92", "SPBS-94"))
    names = [row["region_country_or_economy"] for row in joint]
    cells = {
        (a, b): (float(counts[3 + j]), float(values[3 + j]))
        for a, counts, values in zip(
            names, (list(r.values()) for r in joint), (list(r.values()) for r in index), strict=True
        )
        for j, b in enumerate(names)
        if a < b
    }
    sums = totals([(2022, c, n, n, works["World"] * (c == names[0])) for c, n in works.items()])
    rows = [(2022, a, b, n) for (a, b), (n, _) in cells.items()]
    found = keyed(pair_indicators(edges(rows), NO_LINKS, sums))
    assert len(found) > 1000
    for (_, a, b), row in found.items():
        assert row["collaboration_index"] == pytest.approx(cells[a, b][1], abs=0.005 + 1e-9)
    for pair in TEN:
        a, b = sorted(pair)
        row = found[2022, a, b]
        print(f"{a} - {b}: {row['collaboration_index']:.2f}, published {cells[a, b][1]}")
        assert row["collaboration_index_low"] <= cells[a, b][1] <= row["collaboration_index_high"]


@pytest.mark.shared_data
def test_every_pair_of_the_national_science_board_has_an_index(shared_data: Path) -> None:
    read = read_edges(shared_data / "ncses-all-science" / "joint_articles_1996_2022.csv")
    found = keyed(pair_indicators(read.collaboration, NO_LINKS))
    joint = {
        (r["year"], *sorted((r["source"], r["target"]))): r["works_whole"]
        for r in read.collaboration.to_pylist()
    }
    some = {key[1:] for key, n in joint.items() if n}
    assert {key[1:] for key in found} == some
    sums: Counter = Counter()
    for (year, a, b), n in joint.items():
        sums.update({(year, a): n, (year, b): n, year: n})
    for (year, a, b), row in found.items():
        n = joint.get((year, a, b), 0)
        wanted = (n / sums[year, a]) / (sums[year, b] / sums[year])
        assert row["collaboration_index"] == pytest.approx(wanted)
