"""Weights expected from sizes: the strengths hold, and so do those of the null model.

Strengths within 1e-8, ten times the tolerance that is aimed at.
"""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.stats.nulls import fit_null
from isthmus.stats.sizes import size_expectation


@pytest.mark.parametrize("directed", [False, True])
def test_strengths_hold_and_means_are_those_of_multiedge(directed):
    random = np.random.default_rng(3)
    weights = random.poisson(np.outer(*random.lognormal(1, 1, size=(2, 30)))).astype(float)
    if not directed:
        weights = weights + weights.T
    np.fill_diagonal(weights, 0)
    weights[4] = weights[:, 4] = 0
    found = size_expectation(weights)
    assert found.sum(axis=0) == pytest.approx(weights.sum(axis=0), rel=1e-8)
    assert found.sum(axis=1) == pytest.approx(weights.sum(axis=1), rel=1e-8)
    fitted = fit_null(weights, "multiedge", directed=directed).expected
    assert found == pytest.approx(fitted, rel=1e-6, abs=1e-9)


def test_edges_of_what_exists():
    assert not size_expectation(np.zeros((3, 3))).any()
    star = np.zeros((4, 4))
    star[0, 1:] = star[1:, 0] = [3, 2, 1]
    assert size_expectation(star) == pytest.approx(star, abs=0.05)
    hub = np.zeros((3, 3))
    hub[0, 1] = 5
    assert size_expectation(hub) == pytest.approx(hub)


def test_an_impossible_network_is_refused():
    # row 0 sends only to itself once the others have received: no self-loops, no answer
    weights = np.array([[9.0, 0, 0], [0, 0, 1], [0, 1, 0]])
    with pytest.raises(InputError, match="with itself"):
        size_expectation(weights)
