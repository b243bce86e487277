"""The team null model against enumeration and against drawn teams.

Enumeration is exact (1e-9: rounding). Drawn teams: 4,000 draws, 5 standard
errors, since some hundred pairs are looked at.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.stats.nulls import fit_bipartite, fit_team_counts, link_test, sample
from isthmus.stats.nulls.bipartite import inclusion


def by_enumeration(z, size):
    """Joint inclusion probabilities by listing every team."""
    joint, total = np.zeros((z.size, z.size)), 0.0
    for team in combinations(range(z.size), size):
        weight = np.prod(z[list(team)])
        total += weight
        joint[np.ix_(team, team)] += weight
    return joint / total


@pytest.mark.parametrize("z", [[1.0, 2, 3, 0.5, 4, 0.1], [1e6, 1, 1, 2, 1e-5, 3]])
def test_inclusion_equals_enumeration(z):
    z = np.array(z)
    sizes = np.array([1, 2, 3, 5, 6])
    found = inclusion(z, sizes)
    for at, size in enumerate(sizes):
        wanted = by_enumeration(z, size)
        np.testing.assert_allclose(found.single[at], np.diagonal(wanted), rtol=1e-9)
        off = ~np.eye(z.size, dtype=bool)
        np.testing.assert_allclose(found.joint[at][off], wanted[off], rtol=1e-9, atol=1e-300)


def teams(seed, works=1500, n=12):
    """Draw works of one to four countries, big countries more often."""
    random = np.random.default_rng(seed)
    share = random.lognormal(0, 1, n)
    work, country = [], []
    for number in range(works):
        team = random.choice(n, random.integers(1, 5), replace=False, p=share / share.sum())
        work += [number] * team.size
        country += list(team)
    return np.array(work), np.array(country)


def shared_works(work, country, n):
    member = np.zeros((work.max() + 1, n))
    member[work, country] = 1
    shared = member.T @ member
    np.fill_diagonal(shared, 0)
    return shared


def test_totals_hold_and_draws_agree():
    work, country = teams(1)
    fit = fit_bipartite(work, country)
    assert fit.converged
    shared = shared_works(work, country, fit.n)
    assert fit.expected.sum() == pytest.approx(shared.sum(), rel=1e-9)  # team sizes are exact
    drawn = sample(fit, 4_000, seed=2)
    off = fit.tested
    mean_error = (drawn.mean(axis=0) - fit.expected)[off] / (fit.sd[off] / np.sqrt(4_000))
    assert np.max(np.abs(mean_error)) < 5
    assert np.max(np.abs(drawn.var(axis=0)[off] / fit.sd[off] ** 2 - 1)) < 5 * np.sqrt(2 / 4_000)
    test = link_test(shared, fit)
    for p, hit in ((test.p_more, drawn >= shared), (test.p_fewer, drawn <= shared)):
        error = np.sqrt(np.maximum(p[off] * (1 - p[off]), 1 / 4_000) / 4_000)
        assert np.max(np.abs((hit.mean(axis=0)[off] - p[off]) / error)) < 5


def test_refined_normal_continues_the_exact_tails(monkeypatch):
    work, country = teams(2, works=3000)
    fit = fit_bipartite(work, country)
    shared = shared_works(work, country, fit.n)
    exact = link_test(shared, fit)
    monkeypatch.setattr("isthmus.stats.nulls.bipartite.EXACT_TO", -1)
    normal = link_test(shared, fit)
    many = fit.tested & (fit.expected > 50)
    assert many.any()
    np.testing.assert_allclose(normal.p_more[many], exact.p_more[many], atol=2e-3)


def test_counts_alone_give_the_same_fit():
    work, country = teams(3)
    sizes, works = np.unique(np.bincount(work), return_counts=True)
    one = fit_bipartite(work, country)
    two = fit_team_counts(sizes, works, np.bincount(country))
    assert np.array_equal(one.expected, two.expected)


def test_a_country_twice_on_a_work_counts_once():
    one = fit_bipartite([1, 1, 1, 2, 2], [0, 1, 1, 1, 2])
    two = fit_bipartite([1, 1, 2, 2], [0, 1, 1, 2])
    assert np.array_equal(one.expected, two.expected)


def test_no_work_is_a_result():
    fit = fit_bipartite([], [], n_countries=3)
    assert fit.converged
    assert np.array_equal(fit.expected, np.zeros((3, 3)))


def test_unusable_teams_are_refused():
    with pytest.raises(InputError, match="direction"):
        fit_bipartite([1], [0], directed=True)
    with pytest.raises(InputError, match="one length"):
        fit_bipartite([1, 2], [0])
    with pytest.raises(InputError, match="whole numbers"):
        fit_bipartite([1, 2], [0.5, 1.0])
    with pytest.raises(InputError, match="beyond"):
        fit_bipartite([1, 2], [0, 5], n_countries=3)
    with pytest.raises(InputError, match="memberships"):
        fit_team_counts([1, 2], [3, 4], [1, 1])
