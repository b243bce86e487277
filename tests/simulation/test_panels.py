"""Panels of networks against the law they are drawn from.

Tolerances: standardised residuals of about 50,000 independent Poisson weights have a
mean within 5 / sqrt(50,000) = 0.022 of 0 and a standard deviation within 0.03 of 1
(small means widen the fourth moment), so 0.03 and 0.05 are given.
"""

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.simulation.families import family_world
from isthmus.simulation.panels import edges, poisson_panel, world_panel
from isthmus.simulation.settings import PairCurve


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


def test_a_world_s_panel_has_its_links_and_its_ties():
    pole = (PairCurve("US", "CN", ((1998, 0.8),)),)
    plain = family_world("sizes", 50_000, 1)
    panel, tied = (
        world_panel(plain),
        world_panel(family_world("sizes", 50_000, 1, affinity_pairs=pole)),
    )
    abroad = 1 - (panel.sizes**2).sum(axis=1)
    planned = plain.works_by_year() * plain.international_share * abroad
    assert panel.expected.sum(axis=(1, 2))[[0, -1]] / 2 == pytest.approx(planned[[0, -1]])
    ratio = tied.expected / np.where(panel.expected, panel.expected, 1)
    assert ratio[:, 0, 1] == pytest.approx(np.exp(0.8))
    assert ratio[:, 2, 3] == pytest.approx(1)


def test_panels_of_families_differ_as_their_worlds_do():
    over = world_panel(family_world("overdispersed", 200_000, 2))
    plain = world_panel(family_world("sizes", 200_000, 2))
    for panel, low, high in ((over, 0.2, 0.4), (plain, 0.0, 1e-9)):
        noise = np.log(panel.expected[:, 0, 1:10] / plain.expected[:, 0, 1:10])
        assert low <= noise.std() <= high
    tied = world_panel(family_world("constant_ties", 200_000, 2))
    ties = np.log(tied.expected[:, 0, 1:10] / plain.expected[:, 0, 1:10])
    assert np.ptp(ties, axis=0).max() < 1e-9
    assert ties[0].std() > 0.2
    drift = world_panel(family_world("drifting_impact", 200_000, 2), "citations")
    still = world_panel(family_world("sizes", 200_000, 2), "citations")
    moved = np.log(drift.expected[:, 0, 1] / still.expected[:, 0, 1])
    again = np.log(drift.expected[:, 3, 1] / still.expected[:, 3, 1])
    assert moved == pytest.approx(again)  # every country cites it more or less alike
    assert np.ptp(moved) > 0.1


def test_edges_hold_every_link_once():
    for of in ("works", "citations"):
        panel = world_panel(family_world("sizes", 5_000, 1, n_countries=8), of)
        rows = edges(panel, "weight").to_pylist()
        place = {code: at for at, code in enumerate(panel.countries)}
        again = np.zeros_like(panel.weights)
        for row in rows:
            at = row["year"] - 1998, place[row["source"]], place[row["target"]]
            assert row["weight"] > 0
            assert again[at] == 0
            again[at] = row["weight"]
            if of == "works":
                assert row["source"] < row["target"]
                again[at[0], at[2], at[1]] = row["weight"]
        assert np.array_equal(again, panel.weights)
