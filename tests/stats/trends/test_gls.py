"""Trends against dense generalised least squares, written out in plain NumPy.

The reference inverts covariance matrices of up to 20 years with condition numbers below
1e7, so that both agree within 1e-8 of the standard error; 1e-6 is given. Rates from 1,500
series have a standard error of 0.006 at 0.05; four of them are given.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from isthmus.errors import InputError
from isthmus.stats import trend
from isthmus.stats.trends.gls import Noise, learned_noise, noise_sd, prior_noise


def autoregressive(random, n, years, sd, rho):
    path = sd * random.normal(size=(n, years))
    for t in range(1, years):
        path[:, t] = rho * path[:, t - 1] + np.sqrt(1 - rho**2) * path[:, t]
    return path


def dense(value, se, noise, degree=1):
    """Coefficients of the highest power, their variances and the weights of the noises."""
    there = np.flatnonzero(np.isfinite(value))
    y, years = value[there], there - (there[0] + there[-1]) / 2
    x = np.vander(years, degree + 1, increasing=True)
    found = []
    for sigma, rho, white in zip(noise.sigma, noise.rho, noise.white, strict=True):
        apart = np.abs(there[:, None] - there[None, :]).astype(float)
        covariance = np.diag(se[there] ** 2 + white**2) + sigma**2 * rho**apart
        inside = np.linalg.inv(covariance)
        information = x.T @ inside @ x
        beta = np.linalg.solve(information, x.T @ inside @ y)
        rest = y - x @ beta
        line = -0.5 * (
            np.linalg.slogdet(covariance)[1]
            + np.linalg.slogdet(information)[1]
            + rest @ inside @ rest
        )
        found.append((beta[-1], np.linalg.inv(information)[-1, -1], line))
    slope, variance, line = np.array(found).T
    weight = np.exp(line - line.max()) * noise.weight
    return slope, variance, weight / weight.sum()


def two_sided(slope, variance, weight):
    below = weight @ norm.cdf(0, slope, np.sqrt(variance))
    return 2 * min(below, 1 - below)


@pytest.fixture(scope="module")
def series():
    random = np.random.default_rng(4)
    value = autoregressive(random, 12, 20, 0.2, 0.7) + 0.01 * np.arange(20)
    se = random.uniform(0.02, 0.4, size=value.shape)
    value += se * random.normal(size=value.shape)
    value[3, 5] = value[4, :6] = value[5, 9:15] = value[6, 17:] = np.nan
    value[7, :14] = np.nan
    return value, se


@pytest.mark.parametrize("white", [False, True])
def test_slopes_intervals_and_p_are_those_of_dense_least_squares(series, white):
    value, se = series
    found = trend(value, se, white=white)
    for row in range(len(value)):
        slope, variance, weight = dense(value[row], se[row], prior_noise(white=white))
        spread = np.sqrt(weight @ variance)
        assert found.slope[row] == pytest.approx(weight @ slope, abs=1e-6 * spread)
        assert found.p[row] == pytest.approx(two_sided(slope, variance, weight), abs=1e-6)
        for limit, tail in ((found.low[row], 0.025), (found.high[row], 0.975)):
            inside = weight @ norm.cdf(limit, slope, np.sqrt(variance))
            assert inside == pytest.approx(tail, abs=1e-6)


def test_bends_are_quadratic_and_cubic_terms_with_their_p_combined(series):
    value, se = series
    found = trend(value, se).bend_p
    for row in range(len(value)):
        p = [two_sided(*dense(value[row], se[row], prior_noise(), degree)) for degree in (2, 3)]
        together = np.mean(np.tan((0.5 - np.array(p)) * np.pi))
        assert found[row] == pytest.approx(0.5 - np.arctan(together) / np.pi, abs=1e-6)


def test_the_noise_of_a_series_is_the_mean_of_its_mixture(series):
    value, se = series
    found, alone = trend(value, se).noise, noise_sd(value, se, prior_noise())
    for row in range(len(value)):
        noise = prior_noise()
        weight = dense(value[row], se[row], noise)[2]
        assert found[row] == pytest.approx(np.sqrt(weight @ noise.sigma**2), rel=1e-6)
    assert alone == pytest.approx(found, rel=1e-9)


def test_interval_and_p_agree():
    random = np.random.default_rng(5)
    value = random.normal(size=(300, 9)) + random.normal(size=(300, 1)) * np.arange(9) * 0.2
    for level in (0.8, 0.95):
        for se in (None, np.full(value.shape, 0.5)):
            found = trend(value, se, level=level)
            outside = (found.low > 0) | (found.high < 0)
            assert (outside == (found.p < 1 - level)).all()
            assert 0.02 < outside.mean() < 0.95
            assert (found.low < found.slope).all()
            assert (found.slope < found.high).all()


@pytest.mark.parametrize(("sd", "rho"), [(0.0, 0.0), (0.1, 0.6), (0.15, 0.7)])
def test_no_trend_and_no_bend_are_called_at_about_the_stated_rate(sd, rho):
    random = np.random.default_rng(6)
    se = np.linspace(0.3, 0.05, 18) * random.uniform(0.3, 1.5, size=(1_500, 1))
    value = autoregressive(random, 1_500, 18, sd, rho) + se * random.normal(size=(1_500, 18))
    found, learned = trend(value, se), trend(value, se, noise=learned_noise(value, se))
    for result in (found, learned):
        assert (result.p < 0.05).mean() < 0.075
        assert (result.bend_p < 0.05).mean() < 0.075
    assert (learned.p < 0.05).mean() > 0.015


def test_noise_is_learned_from_many_series():
    random = np.random.default_rng(7)
    se = np.full((400, 25), 0.05)
    value = autoregressive(random, 400, 25, 0.2, 0.6) + se * random.normal(size=se.shape)
    noise = learned_noise(value, se)
    assert np.sqrt(noise.variance) == pytest.approx(0.2, rel=0.15)
    assert noise.ar_rho == pytest.approx(0.6, abs=0.2)
    assert noise.weight.sum() == pytest.approx(1)
    assert learned_noise(value[:0], se[:0]).weight == pytest.approx(prior_noise(white=True).weight)


def test_a_path_that_turns_is_no_line():
    random = np.random.default_rng(8)
    years = np.arange(24)
    turned = np.where(years < 16, 0.06 * years, 0.96 - 0.08 * (years - 16))
    se = np.full((2, 24), 0.05)
    value = np.array([turned, 0.04 * years]) + se * random.normal(size=se.shape)
    found = trend(value, se)
    assert found.bend_p[0] < 0.01
    assert found.bend_p[1] > 0.05


def test_units_do_not_matter_where_no_errors_are_given():
    value = np.random.default_rng(9).normal(size=(20, 15)).cumsum(axis=1)
    found, larger = trend(value), trend(1_000 * value + 5_000)
    assert larger.slope == pytest.approx(1_000 * found.slope, rel=1e-6)
    assert larger.high == pytest.approx(1_000 * found.high, rel=1e-6)
    assert larger.p == pytest.approx(found.p, abs=1e-6)


def test_fewer_than_six_years_have_no_trend():
    value = np.array([[1.0, 2, 3, 4, 5, np.nan, np.nan], [1, np.nan, 3, 4, 5, 6, 8]])
    found = trend(value)
    assert np.isnan(
        [found.slope[0], found.low[0], found.high[0], found.p[0], found.bend_p[0]]
    ).all()
    assert np.isfinite(found.slope[1])
    assert trend(np.empty((0, 8))).slope.shape == (0,)
    assert np.isnan(trend(np.full((2, 8), np.nan)).p).all()


def test_series_without_noise():
    flat, line = trend(np.full((1, 8), 0.1)), trend(np.arange(8.0)[None])
    assert (flat.slope[0], flat.p[0]) == (0, 1)
    assert line.slope[0] == pytest.approx(1)
    assert line.p[0] < 1e-10
    assert trend(np.zeros((1, 8)), np.zeros((1, 8))).p[0] == 1


@pytest.mark.parametrize(
    ("value", "se"),
    [
        (np.ones(8), None),
        (np.ones((2, 8)), np.ones((2, 7))),
        (np.full((1, 8), np.inf), None),
        (np.ones((1, 8)), np.full((1, 8), np.nan)),
        (np.ones((1, 8)), -np.ones((1, 8))),
    ],
)
def test_bad_input_is_refused(value, se):
    with pytest.raises(InputError, match="A trend needs"):
        trend(value, se)


def test_a_level_that_is_none():
    with pytest.raises(InputError, match="between 0 and 1"):
        trend(np.ones((1, 8)), level=95)


def test_a_single_noise_may_be_given(series):
    value, se = series
    one = Noise(*(np.array([x]) for x in (0.2, 0.7, 0.1, 1.0)))
    slope, variance, _ = dense(value[0], se[0], one)
    found = trend(value[:1], se[:1], noise=one)
    assert found.high[0] - found.low[0] == pytest.approx(2 * 1.959964 * variance[0] ** 0.5)
    assert found.slope[0] == pytest.approx(slope[0])
