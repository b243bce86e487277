"""Tails of the rewired null beyond what its samples can count."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from isthmus.stats import fit_null, link_test
from isthmus.stats.nulls.rewiring import COUNTED, SAMPLES, fit_rewiring, fitted_tails


def network(seed=1, n=12, scale=40.0):
    rng = np.random.default_rng(seed)
    size = np.exp(rng.normal(0, 1.2, n))
    size /= size.sum() ** 0.5
    weights = np.triu(rng.poisson(scale * np.outer(size, size)), 1).astype(float)
    return weights + weights.T


def test_a_tie_far_out_has_no_floor():
    """A tie of 150 where 40 are expected: 1 / 501 would be the least that samples can say."""
    weights = network()
    weights[0, 1] = weights[1, 0] = weights[0, 1] + 150
    tested = link_test(weights, fit_null(weights, "rewiring", directed=False, seed=1))
    assert tested.z[0, 1] > 8
    assert tested.p_more[0, 1] < 1e-10


@pytest.mark.parametrize("directed", [False, True])
def test_fitted_tails_are_those_of_forty_times_as_many_samples(directed):
    weights = network(2)
    few = fit_rewiring(weights, directed, 1).law
    many = fit_rewiring(weights, directed, 2, samples=40 * SAMPLES, swaps_per_edge=1.0).law
    mean, variance = few._moments
    ratios = []
    for pair in np.flatnonzero(mean > 0.2):
        drawn = many.samples[:, pair]
        for chance in (0.01, 0.003):
            k = np.quantile(drawn, 1 - chance)
            true = (drawn >= k).mean()
            if 0.001 < true < 0.02:
                fitted = fitted_tails(np.full(mean.shape, k), mean, variance, SAMPLES)[0][pair]
                ratios.append(fitted / true)
    ratios = np.array(ratios)
    assert len(ratios) > 20
    # Moments of 500 samples miss by 5 to 10 %, tails by more; never by an order of magnitude.
    assert 0.7 < np.median(ratios) < 1.6
    assert (ratios > 1 / 4).all()
    assert (ratios < 6).all()


def test_tails_that_samples_count_are_counted():
    weights = network(3)
    law = fit_rewiring(weights, False, 1).law
    upper = np.triu_indices(12, 1)
    observed = law.stored(weights)
    seen = (law.samples >= observed).sum(axis=0)
    more = law.tails(weights)[0][upper]
    counted = seen >= COUNTED
    assert counted.any()
    np.testing.assert_allclose(more[counted], (seen[counted] + 1) / (SAMPLES + 1))
    assert (more[~counted] <= (COUNTED + 1) / (SAMPLES + 1)).all()


def test_laws_are_binomial_below_the_mean_and_poisson_elsewhere():
    mean, variance = np.array([40.0, 40.0, 0.0]), np.array([24.0, 40.0, 0.0])
    k = np.array([70.0, 70.0, 2.0])
    more, fewer = fitted_tails(k, mean, variance, 500)
    # 40 and 24 are the mean and variance of 100 trials at 0.4.
    assert more[0] == pytest.approx(stats.binom(100, 0.4).sf(69), rel=1e-9)
    assert fewer[0] == pytest.approx(stats.binom(100, 0.4).cdf(70), rel=1e-9)
    assert more[1] == pytest.approx(stats.poisson(40).sf(69), rel=1e-9)
    assert more[2] == pytest.approx(stats.poisson(1 / 501).sf(1), rel=1e-6)
    nothing = fitted_tails(np.zeros(3), mean, variance, 500)
    assert nothing[0].tolist() == [1, 1, 1]
