"""Blocs: planted ones are found, none where there are none, and a gradient is none."""

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.stats.blocs.find import decide, find_blocs
from isthmus.stats.blocs.fits import Data, bloc_fits
from isthmus.stats.blocs.surrogates import balance, surrogates
from isthmus.stats.partitions import adjusted_rand


def world(seed, tie, works=20_000, dispersion=0.05, directed=False):
    """Counts around log-normal sizes times exp(tie)."""
    random = np.random.default_rng(seed)
    size = np.exp(random.normal(0, 1, len(tie)))
    mean = np.outer(size, size) * np.exp(tie)
    np.fill_diagonal(mean, 0.0)
    mean *= works / np.triu(mean).sum() * random.gamma(1 / dispersion, dispersion, mean.shape)
    count = random.poisson(mean).astype(float)
    if directed:
        return count
    count = np.triu(count)
    return count + count.T


def sides(blocs, n=40):
    return np.arange(n) % blocs


def same(bloc):
    return (bloc[:, None] == bloc).astype(float)


@pytest.mark.parametrize(("number", "effect"), [(2, 0.6), (3, 0.8), (4, 0.8)])
@pytest.mark.parametrize("directed", [False, True])
def test_planted_blocs_are_found_with_their_members(number, effect, directed):
    bloc = sides(number)
    found = find_blocs(world(3, effect * same(bloc), directed=directed), directed=directed, seed=1)
    assert (found.answer, found.number) == ("blocs", number)
    assert adjusted_rand(found.member[number - 1], bloc) > 0.8
    assert found.within[number - 1] == pytest.approx(effect, abs=0.12)
    assert found.explained[number - 1] > 0.3
    centres = found.centres(number)
    assert sorted(found.member[number - 1][centres]) == list(range(number))


def test_none_is_said_where_there_are_none():
    answers = [find_blocs(world(seed, np.zeros((40, 40))), seed=seed).answer for seed in range(5)]
    assert answers == ["none"] * 5


def test_a_strong_gradient_is_no_blocs():
    place = np.random.default_rng(0).uniform(0, 1, 40)
    tie = -1.7 * np.abs(place[:, None] - place)
    for seed in range(3):
        found = find_blocs(world(seed, tie), seed=seed)
        assert found.answer != "blocs"
        assert abs(np.corrcoef(found.place, place)[0, 1]) > 0.9


def test_nodes_without_weight_are_left_out_and_order_does_not_matter():
    weights = world(3, 0.8 * same(sides(2)))
    padded = np.zeros((42, 42))
    padded[1:41, 1:41] = weights
    found, plain = (find_blocs(w, seed=1) for w in (padded, weights))
    np.testing.assert_allclose(found.score, plain.score)
    assert found.member[1, 0] == found.member[1, 41] == -1
    assert np.isnan(found.place[0])
    order = np.random.default_rng(5).permutation(40)
    other = find_blocs(weights[np.ix_(order, order)], seed=1)
    assert other.number == 2
    assert adjusted_rand(other.member[1], plain.member[1][order]) == 1.0


def test_effects_solve_the_quasi_likelihood_equations():
    """At the fit the weighted residuals of every node, and of all pairs within blocs, are 0."""
    bloc, d = sides(2, 20), 0.1
    weights = world(1, 0.8 * same(bloc))[:20, :20]
    use = ~np.eye(20, dtype=bool)
    offset = np.outer(weights.sum(axis=1), weights.sum(axis=1)) / weights.sum()
    data = Data(weights, np.where(use, offset, 1.0), use, d)
    for k, fit in enumerate(bloc_fits(data, 2, np.random.default_rng(1)), 1):
        mean = fit.mean(data)
        slope = np.where(use, (weights - mean) / (1 + d * mean), 0.0)
        weight = np.where(use, mean / (1 + d * mean), 0.0)
        assert np.abs(slope.sum(axis=1) / weight.sum(axis=1)).max() < 2e-3
        if k == 2:
            within = same(fit.bloc)
            assert abs((slope * within).sum() / (weight * within).sum()) < 2e-3


def scores(*gains, spread=0.1, pairs=100):
    """Held-out scores of 1 to k blocs, and on a line, with given totals above no blocs."""
    noise = np.random.default_rng(1).normal(0, spread, (len(gains) + 1, pairs))
    noise -= noise.mean(axis=1, keepdims=True)
    return np.array([0.0, *gains])[:, None] / pairs + noise


@pytest.mark.parametrize(
    ("gains", "answer", "number"),
    [
        ((-9, -9, -9, -9, -9, -9), "none", 1),
        ((50, 40, 40, 40, 40, 20), "blocs", 2),
        ((50, 90, 89, 89, 89, 20), "blocs", 3),
        ((50, 40, 40, 40, 40, 90), "gradient", None),
        ((50, 40, 40, 40, 40, 50.5), "undecided", None),
        ((50, 40, -5, 40, 40, 20), "undecided", None),
        ((50, 60, 70, 80, 90, 20), "undecided", None),
    ],
)
def test_rule(gains, answer, number):
    assert decide(scores(*gains))[:2] == (answer, number)


def test_surrogates_show_blocs_that_are_there_and_none_that_are_not():
    planted = surrogates(world(3, 0.8 * same(sides(2))), seed=1)
    assert planted.p == pytest.approx(1 / 40)
    assert planted.balanced_p == pytest.approx(1 / 40)
    p = [surrogates(world(seed, np.zeros((30, 30))), seed=1, draws=19).p for seed in range(8)]
    assert 0.2 < np.mean(p) < 0.8


def test_balanced_triangles_are_those_counted_one_by_one():
    random = np.random.default_rng(2)
    sign = np.triu(random.integers(-1, 2, (9, 9)).astype(float), 1)
    sign += sign.T
    products = [
        sign[i, j] * sign[j, k] * sign[i, k] for i in range(9) for j in range(i) for k in range(j)
    ]
    there = [product for product in products if product]
    wanted = len(there), np.mean(np.array(there) > 0)
    assert balance(sign) == pytest.approx(wanted)


def test_bad_input_is_refused_with_what_was_found():
    with pytest.raises(InputError, match="found 4"):
        find_blocs(np.ones((4, 4)) - np.eye(4), seed=1)
    with pytest.raises(InputError, match="max_blocs"):
        find_blocs(np.ones((12, 12)) - np.eye(12), max_blocs=1, seed=1)
    with pytest.raises(InputError):
        find_blocs(np.full((12, 12), 0.5), seed=1)
