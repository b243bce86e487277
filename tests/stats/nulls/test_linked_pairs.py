"""Linked pairs of a sparse network, tested as the dense model tests them."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.stats import fit_null, link_test
from isthmus.stats.nulls.linked_pairs import LinkedPairs, linked_pair_test

#: The dense means solve the same equations by Newton's steps, to 1e-9 of each strength.
TOLERANCE = 1e-6


@pytest.mark.parametrize(("n", "events", "seed"), [(12, 30, 1), (40, 300, 2), (60, 9000, 3)])
def test_linked_pairs_have_the_numbers_of_the_dense_model(n: int, events: int, seed: int) -> None:
    """Some pairs without a link are surprising too, and count among the tests behind q."""
    random = np.random.default_rng(seed)
    size = random.lognormal(sigma=1.5, size=n)
    mean = np.triu(np.outer(size, size), 1)
    weights = random.poisson(mean * events / mean.sum()).astype(np.float64)
    largest = np.argsort(-size)[:2]
    weights[largest.min(), largest.max()] = 0
    weights[-1] = weights[:, -1] = 0  # a node without any link
    source, target = np.nonzero(weights)
    found = linked_pair_test(source, target, weights[source, target], n)
    both = weights + weights.T
    fit = fit_null(both, "multiedge", directed=False)
    dense = link_test(both, fit)
    assert found.expected == pytest.approx(fit.expected[source, target], rel=TOLERANCE)
    for name in [f.name for f in fields(LinkedPairs) if f.name != "expected"]:
        wanted = getattr(dense, name)[source, target]
        assert getattr(found, name) == pytest.approx(wanted, rel=TOLERANCE, abs=1e-9), name


def test_order_and_direction_of_pairs_do_not_matter() -> None:
    source, target = np.array([0, 1, 2, 0]), np.array([1, 2, 3, 3])
    weight = np.array([3.0, 1.0, 2.0, 1.0])
    one = linked_pair_test(source, target, weight, 4)
    other = linked_pair_test(target[::-1].copy(), source[::-1].copy(), weight[::-1].copy(), 4)
    assert one.q == pytest.approx(other.q[::-1], rel=1e-12)
    assert one.expected == pytest.approx(other.expected[::-1], rel=1e-12)


def test_no_link_at_all_is_an_empty_result() -> None:
    none = np.empty(0, np.int64)
    assert len(linked_pair_test(none, none, np.empty(0), 5).q) == 0


@pytest.mark.parametrize(
    ("source", "target", "weight", "message"),
    [
        ([0, 1], [1, 0], [1, 1], "Each pair must be there once"),
        ([0, 1], [1, 1], [1, 1], "no node with itself"),
        ([0, 1], [1, 2], [1, 0.5], "whole numbers above 0"),
        ([0, 1], [1, 2], [1, 0], "whole numbers above 0"),
    ],
)
def test_wrong_links_are_refused(source: list, target: list, weight: list, message: str) -> None:
    with pytest.raises(InputError, match=message):
        linked_pair_test(np.array(source), np.array(target), np.array(weight, np.float64), 4)


def test_twenty_thousand_nodes_take_little_memory() -> None:
    n, random = 20_000, np.random.default_rng(4)
    share = random.lognormal(sigma=1.2, size=n)
    ends = random.choice(n, size=(200_000, 2), p=share / share.sum())
    ends = np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1)
    pairs, weight = np.unique(ends, axis=0, return_counts=True)
    tracemalloc.start()
    found = linked_pair_test(pairs[:, 0], pairs[:, 1], weight.astype(np.float64), n)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 200e6
    # Links are drawn from sizes alone: hardly any is a discovery.
    assert (found.q < 0.05).mean() < 0.001
