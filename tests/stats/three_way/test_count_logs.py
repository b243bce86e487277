"""Logs of counts against sums over the Poisson law, and limits against their definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from isthmus.stats.three_way.count_logs import log_limits, response


@pytest.mark.parametrize("mean", [0.3, 3.0, 8.0, 12.0, 40.0, 3_000.0])
def test_responses_are_unbiased_with_the_stated_variance(mean):
    counts = np.arange(0, int(mean + 12 * np.sqrt(mean)) + 30, dtype=float)
    chance = poisson.pmf(counts, mean)
    value, variance = response(counts, np.full(len(counts), mean))
    assert chance @ value == pytest.approx(np.log(mean), abs=1e-4)
    spread = chance @ (value - np.log(mean)) ** 2
    # between 7 and 14 two responses are mixed, which are not quite the same
    assert variance[0] == pytest.approx(spread, rel=0.05 if 7 < mean < 14 else 1e-2)


def test_counts_of_any_size_have_a_response():
    value, variance = response(np.array([0.0, 1e7]), np.array([1e-9, 1e7]))
    assert value[0] == pytest.approx(np.log(1e-9) - 1)
    assert value[1] == pytest.approx(np.log(1e7), abs=1e-6)
    assert variance[1] == pytest.approx(1e-7, rel=1e-3)
    bounded, _ = response(np.array([1.0]), np.array([1e-9]), least=0.1)
    assert bounded[0] == pytest.approx(np.log(1e-9) + 10)


def test_limits_leave_half_of_the_count_s_own_chance():
    counts, dispersion = np.array([0.0, 1, 4, 9]), np.array([0.02, 0.1, 0.5, 1.0])
    low, high = log_limits(counts, dispersion, 0.025)
    for w, d, lowest, highest in zip(counts, dispersion, low, high, strict=True):
        for limit, wanted in ((lowest, 0.975), (highest, 0.025)):
            if np.isfinite(limit):
                law = nbinom(1 / d, 1 / (1 + d * np.exp(limit)))
                # limits are interpolated between tabulated dispersions
                assert law.cdf(w) - law.pmf(w) / 2 == pytest.approx(wanted, abs=2e-3)
    assert np.isneginf(low[0])
    assert np.isfinite(low[1:]).all()
