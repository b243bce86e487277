"""Theil-Sen slopes against scipy, within 1e-12: the same medians of the same slopes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, theilslopes

from isthmus.errors import InputError
from isthmus.stats.trends.theil_sen import theil_sen


def test_slopes_and_intervals_are_those_of_scipy():
    series = np.random.default_rng(1).normal(size=(20, 22)).cumsum(axis=1)
    series[3, :4] = np.nan
    series[4, 7] = np.nan
    found = theil_sen(series)
    for row, values in enumerate(series):
        there = np.flatnonzero(np.isfinite(values))
        slope, _, low, high = theilslopes(values[there], there, 0.95)
        got = (found.slope[row], found.low[row], found.high[row])
        assert got == pytest.approx((slope, low, high), abs=1e-12)


def test_no_trend_is_called_at_the_stated_rate():
    noise = np.random.default_rng(2).normal(size=(20_000, 22))
    # three standard errors of a rate of 0.05 among 20,000
    assert (theil_sen(noise).p < 0.05).mean() == pytest.approx(0.05, abs=0.0075)


def test_mann_kendall_is_corrected_for_continuity():
    # S = 10 of a rising series of five, with variance 5 * 4 * 15 / 18
    assert theil_sen([[1.0, 2.0, 3.0, 5.0, 9.0]]).p[0] == pytest.approx(
        2 * norm.sf((10 - 1) / np.sqrt(5 * 4 * 15 / 18))
    )


def test_nothing_to_fit():
    assert np.isnan(theil_sen([[1.0], [np.nan]]).slope).all()
    assert theil_sen(np.empty((0, 5))).slope.shape == (0,)
    with pytest.raises(InputError, match="series x times"):
        theil_sen([1.0, 2.0])
