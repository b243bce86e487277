"""Panels of networks against the law they are drawn from.

Tolerances: standardised residuals of about 50,000 independent Poisson weights have a
mean within 5 / sqrt(50,000) = 0.022 of 0 and a standard deviation within 0.03 of 1
(small means widen the fourth moment), so 0.03 and 0.05 are given.
"""

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.world.networks import poisson_panel


def test_weights_follow_the_stated_law():
    panel = poisson_panel(120, 8, seed=3)
    upper = np.triu_indices(120, 1)
    observed, expected = panel.weights[:, *upper], panel.expected[:, *upper]
    z = (observed - expected) / np.sqrt(expected)
    assert abs(z.mean()) < 0.03
    assert abs(z.std() - 1) < 0.05
    assert np.allclose(expected.sum(axis=1)[[0, -1]], [2_000, 120_000])


def test_undirected_panels_are_symmetric_and_directed_ones_are_not():
    undirected = poisson_panel(40, 3, seed=1).weights
    directed = poisson_panel(40, 3, seed=1, directed=True).weights
    assert (undirected == undirected.transpose(0, 2, 1)).all()
    assert (directed != directed.transpose(0, 2, 1)).any()
    assert not np.einsum("tii->t", directed).any()


def test_sizes_move_as_stated():
    panel = poisson_panel(120, 29, seed=1)
    us, cn = panel.countries.index("US"), panel.countries.index("CN")
    assert np.allclose(panel.sizes.sum(axis=1), 1)
    assert panel.sizes[[0, -1], us] == pytest.approx([0.33, 0.20])
    assert panel.sizes[[0, -1], cn] == pytest.approx([0.02, 0.20])


def test_affinity_multiplies_the_mean():
    affinity = np.zeros((30, 30))
    affinity[0, 1] = affinity[1, 0] = np.log(2)
    plain, planted = poisson_panel(30, 4, seed=1), poisson_panel(30, 4, seed=1, affinity=affinity)
    ratio = planted.expected[:, 0, 1] / plain.expected[:, 0, 1]
    assert ratio == pytest.approx(2)
    assert np.array_equal(planted.expected[:, 2:, 2:], plain.expected[:, 2:, 2:])


def test_one_seed_one_panel():
    first, again, other = (poisson_panel(20, 3, seed=s).weights for s in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("affinity", "sentence"),
    [
        (np.zeros((3, 3)), "shape"),
        (np.full((5, 5), np.nan), "not finite"),
        (np.triu(np.ones((5, 5)), 1), "not symmetric"),
    ],
)
def test_impossible_affinity_is_refused(affinity, sentence):
    with pytest.raises(InputError, match=sentence):
        poisson_panel(5, 2, seed=1, affinity=affinity)


def test_impossible_number_of_countries_is_refused():
    with pytest.raises(InputError, match="between 2 and"):
        poisson_panel(1, 2, seed=1)
