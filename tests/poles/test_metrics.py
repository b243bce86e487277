"""Measures of country networks against published tables and against networkx.

Tolerances: published numbers are compared as printed (whole numbers, two decimals),
so no tolerance but their rounding. Betweenness against networkx: 1e-9 relative,
both being sums of some hundred fractions in double precision.
"""

from __future__ import annotations

import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.poles.metrics import betweenness, collaboration_index, network_metrics

WORLD_INTERNATIONAL = "papers_involving_international_institutions_whole_"


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    (path,) = folder.glob(f"{name}_*.csv")
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def matrix(table: list[dict[str, str]]) -> np.ndarray:
    return np.array([[float(cell) for cell in list(row.values())[3:]] for row in table])


def names(table: list[dict[str, str]]) -> list[str]:
    return [row["region_country_or_economy"] for row in table]


@pytest.mark.shared_data
def test_published_degree_strength_and_betweenness_come_out(shared_data: Path) -> None:
    joint = rows(shared_data / "ncses-ai", "SPBS-92")
    published = rows(shared_data / "ncses-ai", "SPBS-93")
    found = network_metrics(matrix(joint), min_works=400)
    place = {name: number for number, name in enumerate(names(joint))}
    assert len(published) == 38
    for row in published:
        at = place[row["region_country_or_economy"]]
        assert found.degree[at] == int(row["degree"])
        assert found.strength[at] == int(row["strength"])
        assert np.floor(found.betweenness[at] + 0.5) == int(row["betweenness_centrality"])
    others = set(place) - set(names(published))
    assert all(found.degree[place[name]] == 0 for name in others)


@pytest.mark.shared_data
def test_published_index_of_collaboration_comes_out(shared_data: Path) -> None:
    folder = shared_data / "ncses-ai"
    joint, published = rows(folder, "SPBS-92"), rows(folder, "SPBS-94")
    works = {
        row["region_country_or_economy"]: float(row[WORLD_INTERNATIONAL])
        for row in rows(folder, "SPBS-91")
    }
    assert names(joint) == names(published)
    totals = [works[name] for name in names(joint)]
    found = collaboration_index(matrix(joint), totals, works["World"])
    np.testing.assert_array_equal(found, found.T)
    off = ~np.eye(len(found), dtype=bool)
    # Printed with two decimals; a half may have been rounded either way.
    assert np.abs(found - matrix(published))[off].max() <= 0.005 + 1e-9


@pytest.mark.parametrize("seed", range(12))
def test_betweenness_equals_networkx(seed: int) -> None:
    networkx = pytest.importorskip("networkx")
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 40))
    linked = np.triu(rng.random((n, n)) < rng.choice([0.05, 0.15, 0.6]), 1)
    linked |= linked.T
    peer = networkx.betweenness_centrality(networkx.from_numpy_array(linked), normalized=False)
    np.testing.assert_allclose(betweenness(linked), [peer[i] for i in range(n)], rtol=1e-9)


def test_betweenness_counts_every_pair_once() -> None:
    """A star: every pair of the five leaves goes through the middle."""
    star = np.zeros((6, 6), bool)
    star[0, 1:] = star[1:, 0] = True
    assert betweenness(star).tolist() == [len(list(combinations(range(5), 2))), 0, 0, 0, 0, 0]


def test_order_of_countries_does_not_matter() -> None:
    rng = np.random.default_rng(4)
    joint = np.triu(rng.poisson(2.0, (15, 15)), 1)
    joint = joint + joint.T
    order = rng.permutation(15)
    plain, mixed = network_metrics(joint), network_metrics(joint[np.ix_(order, order)])
    np.testing.assert_array_equal(plain.degree[order], mixed.degree)
    np.testing.assert_array_equal(plain.strength[order], mixed.strength)
    np.testing.assert_allclose(plain.betweenness[order], mixed.betweenness, rtol=1e-12)


def test_diagonal_and_pairs_below_the_threshold_count_for_nothing() -> None:
    found = network_metrics([[99, 3, 2], [3, 99, 0], [2, 0, 99]], min_works=3)
    assert found.degree.tolist() == [1, 1, 0]
    assert found.strength.tolist() == [3, 3, 0]


def test_no_country_gives_no_number() -> None:
    found = network_metrics(np.zeros((0, 0)))
    assert [len(found.degree), len(found.strength), len(found.betweenness)] == [0, 0, 0]


def test_a_country_without_international_works_has_no_index() -> None:
    found = collaboration_index([[0, 1, 0], [1, 0, 0], [0, 0, 0]], [2, 1, 0], 2)
    assert found[0, 1] == 1.0
    assert np.isnan(found[2]).all()
    assert np.isnan(found.diagonal()).all()


@pytest.mark.parametrize("bad", [[[0, 1], [2, 0]], [[0, -1], [-1, 0]], [[0, 1, 2]], [1.0]])
def test_what_is_no_network_is_refused(bad: list[object]) -> None:
    with pytest.raises(InputError, match="symmetric square"):
        network_metrics(bad)
    with pytest.raises(InputError, match="Totals must be 2"):
        collaboration_index([[0, 1], [1, 0]], [1, 2, 3], 4)
