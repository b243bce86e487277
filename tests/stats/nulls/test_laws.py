"""Mean, sd and tails of every law against networks drawn from it.

20,000 draws per model and 3 standard errors, in a form that stays right when many
pairs are looked at: over the m pairs of a network standardised errors have mean 0
within 3 / sqrt(m) and mean square 1 within 3 sqrt(2 / m); no single one exceeds the
normal point for m pairs together at 0.1 % (Bonferroni); and sums over the network lie
within 3 standard errors.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from isthmus.stats.nulls import fit_null, link_test, sample
from isthmus.stats.nulls.laws import PoissonLaw

_spec = importlib.util.spec_from_file_location("networks", Path(__file__).with_name("networks.py"))
networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(networks)

DRAWS = 20_000


def assert_standard(scores, name):
    """Standardised errors of independent pairs behave like standard normal draws."""
    assert abs(scores.mean()) < 3 / np.sqrt(scores.size), name
    assert abs(np.mean(scores**2) - 1) < 3 * np.sqrt(2 / scores.size), name
    assert np.max(np.abs(scores)) < stats.norm.isf(0.001 / 2 / scores.size), name


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("model", ["multiedge", "multiedge_overdispersed", "wcm", "ecm", "crem"])
def test_moments_and_tails_agree_with_draws(model, directed):
    weights = networks.country_network(12, 400, 4, directed=directed)
    fit = fit_null(weights, model, directed=directed)
    drawn = sample(fit, DRAWS, seed=1)
    test = link_test(weights, fit)
    busy = fit.tested & (fit.expected > 0.05)
    if not directed:
        busy = np.triu(busy)
    drawn, mean, sd = drawn[:, busy], fit.expected[busy], fit.sd[busy]
    fourth = np.mean((drawn - mean) ** 4, axis=0)
    assert_standard((drawn.mean(axis=0) - mean) / (sd / np.sqrt(DRAWS)), "mean")
    squares = np.mean((drawn - mean) ** 2, axis=0)
    assert_standard((squares - sd**2) / np.sqrt((fourth - sd**4) / DRAWS), "variance")
    for name, p, hit in [
        ("p_more", test.p_more[busy], drawn >= weights[busy]),
        ("p_fewer", test.p_fewer[busy], drawn <= weights[busy]),
    ]:
        open_ = np.minimum(p, 1 - p) * DRAWS > 20  # where a share is near enough to normal
        error = np.sqrt(p * (1 - p) / DRAWS)[open_]
        assert_standard((hit.mean(axis=0) - p)[open_] / error, name)
        assert np.all(np.abs(hit.mean(axis=0) - p)[~open_] < 1e-3 + 20 / DRAWS), name
    total = drawn.sum(axis=1)
    assert abs(total.mean() - mean.sum()) < 3 * np.sqrt(np.sum(sd**2) / DRAWS)
    spread = np.sqrt((np.mean((total - mean.sum()) ** 4) - np.sum(sd**2) ** 2) / DRAWS)
    assert abs(np.mean((total - mean.sum()) ** 2) - np.sum(sd**2)) < 3 * spread


def test_same_seed_same_networks():
    fit = fit_null(networks.country_network(12, 400, 4, directed=False), "ecm", directed=False)
    assert np.array_equal(sample(fit, 3, seed=5), sample(fit, 3, seed=5))
    assert not np.array_equal(sample(fit, 3, seed=5), sample(fit, 3, seed=6))


def test_no_draws_is_a_result():
    fit = fit_null(np.zeros((3, 3)), "multiedge", directed=True)
    assert sample(fit, 0, seed=1).shape == (0, 3, 3)


@pytest.mark.parametrize("dispersion", [0.0, 0.3])
def test_tails_of_counts_are_those_of_scipy(dispersion):
    random = np.random.default_rng(4)
    rate = random.lognormal(1, 2, (30, 30))
    rate[0] = 0.0
    weights = random.poisson(rate * random.lognormal(0, 1, rate.shape)) + random.choice([0, 0.5])
    upper, lower = PoissonLaw(rate, dispersion).tails(weights)
    shape = 1 / (dispersion or 1)
    law = stats.nbinom(shape, shape / (shape + rate)) if dispersion else stats.poisson(rate)
    # Two implementations of the incomplete beta function agree to some hundred roundings.
    np.testing.assert_allclose(upper, law.sf(np.floor(weights) - 1), rtol=1e-11, atol=1e-300)
    np.testing.assert_allclose(lower, law.cdf(weights), rtol=1e-11, atol=1e-300)


def test_planted_dispersion_is_found():
    random = np.random.default_rng(7)
    x = random.lognormal(1.5, 0.8, 60)
    mean = np.triu(np.outer(x, x), 1)
    weights = random.poisson(mean * random.gamma(1 / 0.3, 0.3, mean.shape)).astype(float)
    weights += weights.T
    fit = fit_null(weights, "multiedge_overdispersed", directed=False)
    # Fitting the strengths takes up part of the spread: 60 of 1,770 degrees of freedom.
    assert fit.dispersion == pytest.approx(0.3, rel=0.15)
    assert np.nanstd(link_test(weights, fit).z) == pytest.approx(1.0, abs=0.15)


def test_poisson_counts_have_next_to_no_dispersion():
    random = np.random.default_rng(8)
    weights = np.triu(random.poisson(20.0, (60, 60)), 1).astype(float)
    fit = fit_null(weights + weights.T, "multiedge_overdispersed", directed=False)
    assert fit.dispersion < 0.01


@pytest.mark.parametrize("directed", [False, True])
def test_rewiring_agrees_with_multiedge(directed):
    weights = networks.country_network(25, 4_000, 5, directed=directed, affinity=0.3)
    simulated = fit_null(weights, "rewiring", directed=directed, seed=3)
    analytic = fit_null(weights, "multiedge", directed=directed)
    assert simulated.residual < 1e-12  # strengths hold in every sample
    heavy = analytic.expected > 10
    # Fixed instead of expected strengths move means of heavy pairs by up to 3 %.
    ratio = simulated.expected[heavy] / analytic.expected[heavy]
    error = simulated.expected_se[heavy] / analytic.expected[heavy]
    assert np.all(np.abs(ratio - 1) < 0.03 + 5 * error)
    # ... and take variance away from them: fixed margins cannot fluctuate.
    narrower = simulated.sd[heavy] / analytic.sd[heavy]
    assert narrower.min() > 0.5
    assert narrower.max() < 1.15
    again = fit_null(weights, "rewiring", directed=directed, seed=3)
    assert np.array_equal(simulated.expected, again.expected)


def test_rewiring_tails_never_reach_zero():
    weights = networks.symmetric(6, [(0, 1, 50), (2, 3, 50), (4, 5, 50)])
    fit = fit_null(weights, "rewiring", directed=False, seed=1, samples=99)
    test = link_test(weights, fit)
    assert 0 < test.p_more[0, 1] < 1e-10
    assert 0 < test.p_fewer[0, 2] < 1e-3
