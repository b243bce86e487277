"""Panels with planted ties against the law they are drawn from."""

from __future__ import annotations

import numpy as np

from isthmus.simulation.ties import CONSTANT, SLOPES, tie_panel


def test_counts_follow_the_drawn_means():
    panel = tie_panel(200_000, 10, seed=3, lasting=0.5, noise=0.1, dispersion=0.05)
    i, j = np.triu_indices(40, 1)
    mean = (panel.sizes[:, i] * panel.sizes[:, j]) * np.exp(panel.drawn[:, i, j])
    mean *= (panel.counts[:, i, j].sum(axis=1) / mean.sum(axis=1))[:, None]
    z = (panel.counts[:, i, j] - mean) / np.sqrt(mean)
    # 7,800 Poisson counts: the standard error of the mean is 0.011, that of the sd 0.01
    assert abs(z.mean()) < 0.05
    assert abs(z.std() - 1) < 0.05
    assert (panel.counts == panel.counts.transpose(0, 2, 1)).all()
    assert not panel.counts[:, range(40), range(40)].any()


def test_slopes_and_the_constant_tie_are_planted():
    panel = tie_panel(2_000, 12, seed=1)
    for (first, second), slope in SLOPES.items():
        i, j = panel.pair(first, second)
        assert np.allclose(np.diff(panel.affinity[:, i, j]), slope)
        assert panel.slope[j, i] == slope
    i, j = panel.pair(*CONSTANT[0])
    assert (panel.affinity[:, i, j] == CONSTANT[1]).all()
    assert np.allclose(panel.sizes.sum(axis=1), 1)
    assert np.allclose(panel.sizes[[0, -1], :2], [[0.30, 0.05], [0.18, 0.22]])


def test_noise_is_as_asked_for():
    panel = tie_panel(2_000, 60, seed=2, noise=0.1, rho=0.6, dispersion=0.0)
    i, j = np.triu_indices(40, 1)
    noise = (panel.drawn - panel.affinity)[:, i, j]
    # 780 paths of 60 years with an effective length of 15: standard errors near 0.01
    assert abs(noise.std() / 0.1 - 1) < 0.05
    assert abs((noise[1:] * noise[:-1]).mean() / noise.var() - 0.6) < 0.05


def test_directions_differ_in_a_directed_panel():
    panel = tie_panel(60_000, 12, seed=1, directed=True)
    us, cn = panel.pair("US", "CN")
    assert panel.slope[us, cn] == -0.04
    assert panel.slope[cn, us] == -0.02
    assert (panel.counts != panel.counts.transpose(0, 2, 1)).any()
