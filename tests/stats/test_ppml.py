"""Poisson regression with absorbed effects against the same model with one column per group.

Both maximise one concave likelihood; coefficients agree to 1e-7, the tolerance of either solver.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.stats.ppml import poisson_regression, sweep


def data(seed=1, n=800):
    """Counts with slopes 0.3 and -0.2 and two crossed effects."""
    rng = np.random.default_rng(seed)
    f, g = rng.integers(0, 25, n), rng.integers(0, 6, n)
    x = rng.normal(size=(n, 2)) + 0.2 * g[:, None]
    rate = np.exp(x @ [0.3, -0.2] + rng.normal(0, 0.5, 25)[f] + 0.2 * g - 0.5)
    return rng.poisson(rate).astype(float), x, f, g


def by_dummies(y, x, effects, cluster=None):
    """Newton's method on the full design; sandwich errors."""
    blocks = [(e[:, None] == np.unique(e)).astype(float)[:, int(k > 0) :] for k, e in effects]
    design = np.column_stack([x, *blocks])
    b = np.zeros(design.shape[1])
    b[x.shape[1] : x.shape[1] + blocks[0].shape[1]] = np.log(y.mean())
    for _ in range(60):
        mu = np.exp(design @ b)
        b = b + np.linalg.solve(design.T @ (design * mu[:, None]), design.T @ (y - mu))
    mu = np.exp(design @ b)
    bread = np.linalg.inv(design.T @ (design * mu[:, None]))
    score = design * (y - mu)[:, None]
    n = y.size
    if cluster is not None:
        n = np.unique(cluster).size
        score = np.array([score[cluster == c].sum(axis=0) for c in np.unique(cluster)])
    errors = np.sqrt(np.diag(bread @ score.T @ score @ bread) * n / (n - 1))
    return b[: x.shape[1]], errors[: x.shape[1]]


@pytest.mark.parametrize("clustered", [False, True])
def test_agrees_with_one_column_per_group(clustered):
    y, x, f, g = data()
    cluster = f if clustered else None
    fit = poisson_regression(y, x, [f, g], cluster=cluster)
    positive = np.bincount(f, weights=y)[f] > 0
    wanted, errors = by_dummies(
        y[positive], x[positive], list(enumerate([f[positive], g[positive]])),
        None if cluster is None else cluster[positive],
    )  # fmt: skip
    assert fit.converged
    assert fit.units == positive.sum()
    np.testing.assert_allclose(fit.coefficients, wanted, atol=1e-7)
    np.testing.assert_allclose(fit.se, errors, rtol=1e-5)


def test_a_ratio_of_means_when_nothing_is_absorbed():
    y = np.array([1.0, 3.0, 2.0, 8.0, 4.0, 6.0])
    treated = np.array([0, 0, 0, 1, 1, 1])
    fit = poisson_regression(y, treated, [])
    assert fit.coefficients[0] == pytest.approx(math.log(6 / 2), rel=1e-9)


def test_the_planted_slope_lies_in_its_interval_as_often_as_it_says():
    hits = 0
    for world in range(60):
        y, x, f, g = data(world, 400)
        fit = poisson_regression(y, x, [f, g])
        hits += abs(fit.coefficients[0] - 0.3) < 1.96 * fit.se[0]
    assert hits >= 51  # 0.95 with 60 worlds: fewer than 51 has a chance of 0.001


def test_groups_without_a_positive_outcome_are_left_out():
    y, x, f, g = data()
    extra = 30
    fit = poisson_regression(
        np.append(y, np.zeros(extra)),
        np.vstack([x, np.ones((extra, 2))]),
        [np.append(f, np.full(extra, 999)), np.append(g, np.zeros(extra, np.int64))],
    )
    same = poisson_regression(y, x, [f, g])
    assert fit.units == same.units
    np.testing.assert_allclose(fit.coefficients, same.coefficients, rtol=1e-9)


def test_a_regressor_that_the_effects_explain_has_no_coefficient():
    y, x, f, g = data()
    fit = poisson_regression(y, np.column_stack([x, f * 1.0]), [f, g])
    plain = poisson_regression(y, x, [f, g])
    assert math.isnan(fit.coefficients[2])
    assert math.isnan(fit.se[2])
    np.testing.assert_allclose(fit.coefficients[:2], plain.coefficients, atol=1e-8)


def test_sweeping_leaves_nothing_in_any_group():
    _, x, f, g = data()
    weight = np.random.default_rng(1).uniform(0.1, 5, f.size)
    left = sweep(x, [f, g], weight)
    for code in (f, g):
        for column in left.T:
            assert np.abs(np.bincount(code, weights=weight * column)).max() < 1e-7


def test_all_outcomes_zero_gives_a_sentence():
    fit = poisson_regression(np.zeros(5), np.arange(5.0), [np.zeros(5, np.int64)])
    assert "positive outcome" in fit.note
    assert math.isnan(fit.coefficients[0])
    assert not fit.converged


def test_no_unit_gives_a_sentence():
    assert poisson_regression([], np.empty((0, 1)), []).units == 0


@pytest.mark.parametrize(
    ("y", "x", "effects", "sentence"),
    [
        ([1.0, 2.0], [1.0], [], "one row per unit"),
        ([1.0, -2.0], [1.0, 2.0], [], "not negative"),
        ([1.0, 2.0], [1.0, math.inf], [], "finite"),
        ([1.0, 2.0], [1.0, 0.0], [[1]], "one row per unit"),
    ],
)
def test_bad_input_is_refused(y, x, effects, sentence):
    with pytest.raises(InputError, match=sentence):
        poisson_regression(y, x, effects)
