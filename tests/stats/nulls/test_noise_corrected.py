"""The noise-corrected null model against a plain recount of its published formula."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest

from isthmus.stats.nulls import fit_null, link_test, sample
from isthmus.stats.nulls.noise_corrected import backbone_scores

_spec = importlib.util.spec_from_file_location("networks", Path(__file__).with_name("networks.py"))
networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(networks)


def recount(weights, i, j):
    """Prior, posterior, score and deviation of one pair, number by number."""
    n = float(weights.sum())
    ni, nj, nij = float(weights[i].sum()), float(weights[:, j].sum()), float(weights[i, j])
    mean = ni * nj / n**2
    variance = ni * nj * (n - ni) * (n - nj) / (n**2 * n**2 * (n - 1))
    alpha = mean**2 / variance * (1 - mean) - mean
    beta = mean / variance * (1 - mean) ** 2 - (1 - mean)
    p = (alpha + nij) / (alpha + nij + n - nij + beta)
    variance_nij = n * p * (1 - p)
    kappa = n / (ni * nj)
    d = 1 / (ni * nj) - n * (ni + nj) / (ni * nj) ** 2
    score = (kappa * nij - 1) / (kappa * nij + 1)
    deviation = math.sqrt(variance_nij * (2 * (kappa + nij * d) / (kappa * nij + 1) ** 2) ** 2)
    return n * mean, math.sqrt(variance_nij), score, deviation


@pytest.mark.parametrize("directed", [False, True])
def test_every_pair_is_that_of_the_published_formula(directed):
    weights = networks.country_network(15, 2_000, 3, directed=directed)
    fit = fit_null(weights, "noise_corrected", directed=directed)
    score, deviation = backbone_scores(weights, fit)
    pairs = np.argwhere(fit.tested)
    assert len(pairs) > 100
    wanted = np.array([recount(weights, i, j) for i, j in pairs])
    found = np.array([x[fit.tested] for x in (fit.expected, fit.sd, score, deviation)]).T
    np.testing.assert_allclose(found, wanted, rtol=1e-9)
    z = link_test(weights, fit).z[fit.tested]
    np.testing.assert_allclose(
        z, (weights[fit.tested] - wanted[:, 0]) / wanted[:, 1], rtol=1e-9, atol=1e-9
    )


def test_the_variance_is_half_way_between_what_is_expected_and_what_is_seen():
    weights = networks.symmetric(30, [(i, j, 2) for i in range(30) for j in range(i)])
    weights[0, 1] = weights[1, 0] = 200
    fit = fit_null(weights, "noise_corrected", directed=False)
    z = link_test(weights, fit).z[0, 1]
    mean = fit.expected[0, 1]
    assert z == pytest.approx((200 - mean) / np.sqrt((200 + mean) / 2), rel=0.1)


def test_a_network_of_one_pair_and_an_empty_one_have_no_surprise():
    pair = networks.symmetric(3, [(0, 1, 4)])
    test = link_test(pair, fit_null(pair, "noise_corrected", directed=False))
    assert np.isfinite(test.z[0, 1])
    assert np.isnan(test.z[0, 2])
    empty = fit_null(np.zeros((3, 3)), "noise_corrected", directed=True)
    assert not empty.tested.any()
    assert not empty.expected.any()


def test_draws_have_the_mean_and_the_variance():
    weights = networks.country_network(8, 400, 4, directed=True)
    fit = fit_null(weights, "noise_corrected", directed=True)
    drawn, off = sample(fit, 4_000, seed=2), fit.tested
    far = (drawn.mean(axis=0) - fit.expected)[off] / (fit.sd[off] / np.sqrt(4_000))
    assert np.abs(far).max() < 4
    np.testing.assert_allclose(drawn.std(axis=0)[off], fit.sd[off], rtol=4 / np.sqrt(2 * 4_000))
    assert not drawn[:, np.eye(8, dtype=bool)].any()
