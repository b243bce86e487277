"""Poisson regression with absorbed effects against the same model with one column per group.

Both maximise one concave likelihood; coefficients agree to 1e-7, the tolerance of either solver.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import linprog

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


def by_linear_program(y, x, effects):
    """Separated units by one linear programme on the full design, without any reduction."""
    blocks = [(e[:, None] == np.unique(e)).astype(float) for e in effects]
    design = np.column_stack([x, *blocks])
    zero = y == 0
    m, width = int(zero.sum()), design.shape[1]
    found = linprog(
        np.concatenate([np.zeros(width), -np.ones(m)]),
        A_ub=np.block([[-design[zero], np.eye(m)]]),
        b_ub=np.zeros(m),
        A_eq=np.block([[design[~zero], np.zeros(((~zero).sum(), m))]]),
        b_eq=np.zeros(int((~zero).sum())),
        bounds=[(None, None)] * width + [(0, 1)] * m,
    )
    marked = np.zeros(y.size, dtype=bool)
    marked[zero] = found.x[width:] > 0.5
    return marked


def thin(seed, n=90):
    """Few papers per cell and many zeros, so that cells separate."""
    rng = np.random.default_rng(seed)
    effects = [rng.integers(0, 20, n), rng.integers(0, 12, n), rng.integers(0, 8, n)]
    x = (rng.random((n, 1)) < 0.15).astype(float)
    if seed % 2:
        x = np.column_stack([x, rng.normal(size=n).round(1)])
    return rng.poisson(0.5, n).astype(float), x, effects


def test_separated_units_are_those_of_the_whole_linear_programme():
    combined = 0
    for seed in range(25):
        y, x, effects = thin(seed)
        wanted = by_linear_program(y, x, effects)
        fit = poisson_regression(y, x, effects)
        assert fit.separated == wanted.sum()
        assert fit.units == (~wanted).sum()
        alone = np.zeros(y.size, dtype=bool)
        for code in effects:
            alone |= (np.bincount(code, weights=y) == 0)[code]
        combined += int((wanted & ~alone).any())
    assert combined > 2  # worlds that groups of zeros alone would not clean


def test_what_is_left_converges_to_the_dummy_regression():
    for seed in (2, 4, 8):
        y, x, effects = thin(seed, 200)
        fit = poisson_regression(y, x, effects)
        kept = ~by_linear_program(y, x, effects)
        assert fit.converged
        # Slopes at the optimum leave no score in any column of the design.
        offset = best_effects(y[kept], x[kept] @ fit.coefficients, [e[kept] for e in effects])
        score = x[kept].T @ (y[kept] - offset)
        assert np.abs(score).max() < 1e-5


def best_effects(y, index, effects):
    """Fitted means given the slopes: iterative proportional fitting of group totals."""
    mu = np.exp(index)
    for _ in range(20_000):
        for code in effects:
            total = np.bincount(code, weights=mu)
            mu = (
                mu
                * np.divide(
                    np.bincount(code, weights=y, minlength=total.size),
                    total,
                    out=np.ones(total.size),
                    where=total > 0,
                )[code]
            )
    return mu


def test_separation_by_the_regressor_gives_no_coefficient():
    """Every treated unit has outcome 0: its slope has no finite estimate."""
    y = np.array([2.0, 3.0, 1.0, 4.0, 0.0, 0.0])
    x = np.array([0, 0, 0, 0, 1, 1])
    group = np.array([0, 1, 0, 1, 0, 1])
    fit = poisson_regression(y, x, [group])
    assert fit.separated == 2
    assert fit.converged
    assert math.isnan(fit.coefficients[0])


def test_thin_cells_end_quickly():
    import time

    rng = np.random.default_rng(1)
    n = 3_000
    effects = [rng.integers(0, 1_200, n), rng.integers(0, 15, n), rng.integers(0, 8, n)]
    y, x = rng.poisson(0.6, n).astype(float), (rng.random(n) < 0.1).astype(float)
    start = time.process_time()
    fit = poisson_regression(y, x, effects, cluster=effects[0])
    assert fit.converged
    assert time.process_time() - start < 5


def test_what_does_not_converge_has_no_numbers():
    y, x, f, g = data()
    fit = poisson_regression(y, x, [f, g], max_iterations=1)
    assert not fit.converged
    assert "did not converge" in fit.note
    assert np.isnan([*fit.coefficients, *fit.se, *fit.p]).all()


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
