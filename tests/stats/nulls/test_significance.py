"""Link tests: what they must find in worlds whose truth is known.

The no-affinity world draws w ~ Poisson(x_i x_j). Tolerances: z over some 1,000
pairs has a mean within 0.1 and an sd within 0.1 of (0, 1), three standard errors;
coverage is a binomial proportion over 20,000 draws.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from isthmus.errors import InputError
from isthmus.stats.nulls import fit_null, link_test
from isthmus.stats.nulls.significance import mean_interval

_spec = importlib.util.spec_from_file_location("networks", Path(__file__).with_name("networks.py"))
networks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(networks)

US, CN = 0, 1


def world_without_affinity(total, us, cn, seed, n=120):
    """Draw 120 countries of Zipf sizes, the US and China with the given shares."""
    rest = (np.arange(n - 2) + 3.0) ** -1.3
    sizes = np.concatenate([[us, cn], rest / rest.sum() * (1 - us - cn)])
    mean = np.triu(np.outer(sizes, sizes), 1)
    weights = np.random.default_rng(seed).poisson(mean * (total / mean.sum())).astype(float)
    return weights + weights.T


EARLY = (2_000, 0.33, 0.02)
LATE = (120_000, 0.20, 0.20)


@pytest.mark.parametrize("year", [EARLY, LATE])
def test_multiedge_finds_nothing_where_nothing_is(year):
    scores = []
    for seed in range(5):
        weights = world_without_affinity(*year, seed)
        fit = fit_null(weights, "multiedge", directed=False)
        test = link_test(weights, fit)
        assert np.nansum(test.q < 0.05) / 2 <= 3
        scores.append(test.z[np.triu(fit.expected > 1, 1)])
    scores = np.concatenate(scores)
    assert abs(scores.mean()) < 0.1
    assert abs(scores.std() - 1) < 0.1


@pytest.mark.parametrize("model", ["wcm", "ecm"])
def test_integer_entropy_models_make_poles_out_of_sizes(model):
    tested = []
    for year in (EARLY, LATE):
        weights = world_without_affinity(*year, seed=1)
        tested.append(link_test(weights, fit_null(weights, model, directed=False)))
    early, late = tested
    assert early.z[US, CN] > -0.4
    assert -0.8 < late.z[US, CN] < -0.5
    assert np.nansum(early.z[CN] > 2) < 15
    assert np.nansum(late.z[CN] > 2) > 80


@pytest.mark.parametrize("model", ["wcm", "ecm"])
def test_too_few_links_show_in_the_lower_tail_and_not_in_z(model):
    weights = world_without_affinity(*LATE, seed=1)
    weights[US, CN] = weights[CN, US] = 1
    test = link_test(weights, fit_null(weights, model, directed=False))
    assert test.z[US, CN] > -1.1
    assert test.p_fewer[US, CN] < 0.01


@pytest.mark.parametrize("model", ["multiedge", "multiedge_overdispersed"])
def test_planted_blocs_are_recovered(model):
    random = np.random.default_rng(3)
    bloc = np.arange(40) % 2
    x = random.lognormal(1.5, 0.7, 40)
    mean = np.outer(x, x) * np.exp(np.where(bloc[:, None] == bloc, 0.5, -0.5))
    weights = np.triu(random.poisson(mean), 1).astype(float)
    weights += weights.T
    test = link_test(weights, fit_null(weights, model, directed=False))
    inside = (bloc[:, None] == bloc) & ~np.eye(40, dtype=bool)
    gap = np.mean(test.log_ratio[inside]) - np.mean(test.log_ratio[bloc[:, None] != bloc])
    assert gap == pytest.approx(1.0, abs=0.15)


def test_q_is_benjamini_hochberg_over_each_pair_once():
    weights = networks.country_network(30, 5_000, 2, directed=False)
    test = link_test(weights, fit_null(weights, "multiedge", directed=False))
    upper = np.triu(~np.isnan(test.z), 1)
    p = np.minimum(1, 2 * np.minimum(test.p_more, test.p_fewer))[upper]
    order = np.argsort(p)
    steps = p[order] * p.size / np.arange(1, p.size + 1)
    by_hand = np.empty_like(p)
    by_hand[order] = np.minimum(1, np.minimum.accumulate(steps[::-1])[::-1])
    np.testing.assert_allclose(test.q[upper], by_hand, rtol=1e-12)
    assert np.array_equal(test.q, test.q.T, equal_nan=True)


@pytest.mark.parametrize("dispersion", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("mean", [0.5, 5.0, 200.0])
@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_interval_covers_the_true_mean(mean, ratio, dispersion):
    random = np.random.default_rng(1)
    true, draws = mean * ratio, 20_000
    scale = random.gamma(1 / dispersion, dispersion, draws) if dispersion else 1.0
    counts = random.poisson(true * scale, draws).astype(float)
    low, high = mean_interval(counts, np.full(draws, mean), mean + dispersion * mean**2, 0.95)
    covered = np.mean((low <= true) & (true <= high))
    assert covered > 0.95 - 3 * np.sqrt(0.05 * 0.95 / draws)


def test_poisson_interval_is_garwoods():
    low, high = mean_interval(np.array([7.0]), np.array([3.0]), np.array([3.0]), 0.95)
    assert low[0] == pytest.approx(stats.chi2.ppf(0.025, 14) / 2)
    assert high[0] == pytest.approx(stats.chi2.ppf(0.975, 16) / 2)


def test_log_ratio_lies_in_its_interval_and_nowhere_without_strength():
    weights = networks.country_network(40, 500, 2, directed=True)
    weights[0] = 0
    fit = fit_null(weights, "ecm", directed=True)
    test = link_test(weights, fit)
    ok = fit.tested
    assert np.all(test.log_ratio_low[ok] <= test.log_ratio[ok])
    assert np.all(test.log_ratio[ok] <= test.log_ratio_high[ok])
    assert np.all(np.isnan(test.z[0]))
    assert np.all(np.isnan(np.diagonal(test.log_ratio)))


def test_other_nodes_and_settings_are_refused():
    fit = fit_null(np.zeros((3, 3)), "ecm", directed=False)
    with pytest.raises(InputError, match="3"):
        link_test(np.zeros((4, 4)), fit)
    with pytest.raises(InputError, match="coverage"):
        link_test(np.zeros((3, 3)), fit, coverage=1.0)
