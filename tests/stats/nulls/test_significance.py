"""Link tests: what they must find in worlds whose truth is known.

The no-affinity world draws w ~ Poisson(x_i x_j). Tolerances: z over some 1,000
pairs has a mean within 0.1 and an sd within 0.1 of (0, 1), three standard errors;
coverage is a binomial proportion over the draws. A pair trends when Kendall's rank
correlation of its z with the year is significant at 5 % (two-sided), so in a world
without trends 5 % may; that share has a standard error of 0.7 % over the pairs drawn.
Pairs count when more than one unit is expected in every year: below that most years
are zeros, whose z = -sqrt(expected) moves with the size of the network alone.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from isthmus.errors import InputError
from isthmus.stats.nulls import fit_null, fit_panel, fit_team_counts, link_test, sample
from isthmus.stats.nulls.significance import amount_interval, mean_interval
from isthmus.study.sections import NULL_MODELS

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


def growing_world(seed, affinity=0.0, n=60, years=22):
    """Draw a panel in which totals grow 60-fold, China from 2 to 20 % and the US from 33.

    Countries of even and of odd number are two blocs: the log-affinity inside less
    that across grows from 0 to `affinity`. The US and China are in different blocs.
    """
    random = np.random.default_rng(seed)
    sign = np.where(np.add.outer(np.arange(n), np.arange(n)) % 2, -0.5, 0.5)
    rest = (np.arange(n - 2) + 3.0) ** -1.3
    panel = []
    for share in np.linspace(0, 1, years):
        us, cn = 0.33 - 0.13 * share, 0.02 + 0.18 * share
        sizes = np.concatenate([[us, cn], rest / rest.sum() * (1 - us - cn)])
        mean = np.triu(np.outer(sizes, sizes) * np.exp(affinity * share * sign), 1)
        weights = random.poisson(mean * (2_000 * 60**share / mean.sum())).astype(float)
        panel.append(weights + weights.T)
    return np.array(panel)


def share_of_trends(panel, fits):
    """Share of pairs, among those with expected weight, whose z trends; and their number."""
    scores = np.array([link_test(w, fit).z for w, fit in zip(panel, fits, strict=True)])
    least = np.min([fit.expected for fit in fits], axis=0)
    pairs = np.argwhere(np.triu(least > 1, 1))
    years = np.arange(len(panel))
    p = np.array([stats.kendalltau(years, scores[:, i, j]).pvalue for i, j in pairs])
    return np.mean(p < 0.05), p.size


@pytest.mark.slow
def test_multiedge_finds_no_trends_where_sizes_alone_change():
    found = [
        share_of_trends(panel, fit_panel(panel, "multiedge", directed=False))
        for panel in map(growing_world, range(4))
    ]
    shares, pairs = np.array(found).T
    total = pairs.sum()
    assert total > 900
    assert shares @ pairs / total <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / total)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["wcm", "ecm"])
def test_integer_entropy_models_make_trends_out_of_sizes(model):
    panel = growing_world(1)
    share, _ = share_of_trends(panel, fit_panel(panel, model, directed=False))
    assert share > 0.2


def bloc_gap(test):
    """Mean log ratio of pairs inside a bloc less that of pairs across."""
    n = len(test.z)
    across = np.add.outer(np.arange(n), np.arange(n)) % 2 == 1
    return np.nanmean(test.log_ratio[~across]) - np.nanmean(test.log_ratio[across])


def fitted(weights, model):
    """A fit of any model; works of two countries each stand behind the team null model."""
    if model == "bipartite":
        works = int(weights.sum() / 2)
        return fit_team_counts([2], [works], weights.sum(axis=1).astype(int))
    drawn = {"seed": 1, "samples": 40} if model == "rewiring" else {}
    return fit_null(weights, model, directed=False, **drawn)


@pytest.mark.parametrize("model", NULL_MODELS)
def test_planted_blocs_are_recovered(model):
    for affinity in (0.0, 1.0):
        weights = growing_world(2, affinity)[-1]
        # Half a unit in the ratios draws those of thin pairs towards 0.
        gap = bloc_gap(link_test(weights, fitted(weights, model)))
        assert gap == pytest.approx(affinity, abs=0.1)


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


@pytest.mark.parametrize(
    ("model", "unit"),
    [("multiedge", 1.0), ("wcm", 1.0), ("ecm", 1.0), ("crem", 1.0), ("crem", 1e-3), ("crem", 1e3)],
)
@pytest.mark.parametrize("total", [300, 200_000])
def test_interval_covers_draws_of_the_fitted_model(model, unit, total):
    weights = networks.country_network(20, total, 3, directed=False) * unit
    fit = fit_null(weights, model, directed=False)
    drawn = sample(fit, 1_000, seed=1)
    pairs = np.triu(fit.tested, 1)
    covered = np.zeros(pairs.sum())
    for network in drawn:
        test = link_test(network, fit)
        covered += ((test.log_ratio_low <= 0) & (test.log_ratio_high >= 0))[pairs]
    covered /= len(drawn)
    # Every pair on its own, Bonferroni at 0.1 % over the pairs.
    point = stats.norm.isf(0.001 / covered.size)
    assert covered.min() > 0.95 - point * np.sqrt(0.05 * 0.95 / len(drawn))


def test_amounts_given_a_link_are_covered_exactly():
    random = np.random.default_rng(1)
    amounts = random.exponential(3.0 / 0.4, 20_000)  # mean 3 with links at 0.4
    low, high = amount_interval(amounts, np.full(amounts.size, 0.4), 0.95)
    covered = np.mean((low <= 3.0) & (high >= 3.0))
    assert covered == pytest.approx(0.95, abs=3 * np.sqrt(0.05 * 0.95 / amounts.size))
    low, high = amount_interval(np.zeros(1), np.full(1, 0.4), 0.95)
    assert (low[0], high[0]) == (0.0, np.inf)


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
