"""E-values against the paper's examples; Rosenbaum bounds against exact distributions.

The bounds use a normal tail; against exact tails of some hundred units they agree to 0.005.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from isthmus.errors import InputError
from isthmus.stats.matching.sensitivity import e_value, rosenbaum_bounds


class TestEValue:
    @pytest.mark.parametrize(
        ("ratio", "low", "high", "wanted"),
        [
            (3.9, 1.8, 8.7, (7.26, 3.00)),  # VanderWeele and Ding, maternal smoking
            (0.80, 0.71, 0.91, (1.81, 1.43)),  # their protective example
            (1.2, 0.9, 1.6, (1.69, 1.0)),
            (1.0, 1.0, 1.0, (1.0, 1.0)),
        ],
    )
    def test_examples(self, ratio, low, high, wanted):
        found = e_value(ratio, low, high)
        assert (round(found.estimate, 2), round(found.interval, 2)) == wanted

    def test_it_is_the_bias_bound_turned_round(self):
        value = e_value(2.5).estimate
        assert value * value / (2 * value - 1) == pytest.approx(2.5)
        assert math.isnan(e_value(2.5).interval)

    def test_a_ratio_must_be_positive(self):
        with pytest.raises(InputError, match="positive"):
            e_value(0)


def pairs(n, seed, lift=0.15):
    rng = np.random.default_rng(seed)
    stratum = np.repeat(np.arange(n), 2)
    treated = np.tile([True, False], n)
    return rng.random(2 * n) < 0.4 + lift * treated, treated, stratum


class TestRosenbaum:
    def test_pairs_are_the_sign_test_with_biased_odds(self):
        success, treated, stratum = pairs(400, 1)
        result = rosenbaum_bounds(success, treated, stratum)
        s, c = success[treated], success[~treated]
        discordant, for_treated = int((s != c).sum()), int((s & ~c).sum())
        assert result.informative_strata == discordant
        for gamma, upper, lower in zip(result.gamma, result.p_upper, result.p_lower, strict=True):
            for p, odds in ((upper, gamma), (lower, 1 / gamma)):
                exact = stats.binom.sf(for_treated - 1, discordant, odds / (1 + odds))
                assert p == pytest.approx(exact, abs=0.005)

    def test_strata_of_any_size_against_the_exact_sum(self):
        rng = np.random.default_rng(2)
        stratum = rng.integers(0, 40, 500)
        treated = rng.random(500) < 0.3
        success = rng.random(500) < 0.3 + 0.12 * treated
        result = rosenbaum_bounds(success, treated, stratum, gammas=(1.0, 1.5, 2.0))
        seen = 0
        for k, gamma in enumerate(result.gamma):
            mass, seen = np.ones(1), 0
            for s in range(40):
                here = stratum == s
                m, n, big = success[here].sum(), treated[here].sum(), here.sum()
                law = stats.nchypergeom_fisher(big, m, n, gamma)
                mass = np.convolve(mass, law.pmf(np.arange(min(m, n) + 1)))
                seen += (success & treated & here).sum()
            assert result.p_upper[k] == pytest.approx(mass[seen:].sum(), abs=0.005)

    def test_bounds_widen_and_meet_without_bias(self):
        result = rosenbaum_bounds(*pairs(500, 3))
        assert result.p_upper[0] == pytest.approx(result.p_lower[0])
        assert (np.diff(result.p_upper) > 0).all()
        assert (np.diff(result.p_lower) <= 0).all()

    def test_critical_gamma_is_where_the_bound_meets_alpha(self):
        success, treated, stratum = pairs(800, 4)
        critical = rosenbaum_bounds(success, treated, stratum).critical_gamma
        assert 1 < critical < 10
        at = rosenbaum_bounds(success, treated, stratum, gammas=(critical, critical * 1.001))
        assert at.p_upper[0] <= 0.05 < at.p_upper[1]

    def test_no_effect_has_critical_gamma_one(self):
        success, treated, stratum = pairs(300, 5, lift=0.0)
        result = rosenbaum_bounds(success, treated, stratum)
        assert result.p_upper[0] > 0.05
        assert result.critical_gamma == 1

    def test_a_large_stratum_does_not_overflow(self):
        treated = np.arange(6_000) < 3_000
        success = np.arange(6_000) % 2 == 0
        result = rosenbaum_bounds(success, treated, np.zeros(6_000, np.int64), gammas=(1.0, 50.0))
        assert result.p_upper[0] == pytest.approx(0.5, abs=0.02)
        assert result.p_upper[1] == pytest.approx(1.0)
        assert result.p_lower[1] == pytest.approx(0.0)

    def test_nothing_informative_is_nan(self):
        same = np.ones(6, dtype=bool)
        result = rosenbaum_bounds(same, np.arange(6) < 3, np.zeros(6, np.int64))
        assert np.isnan(result.p_upper).all()
        assert math.isnan(result.critical_gamma)
        none = np.empty(0, dtype=np.int64)
        empty = rosenbaum_bounds(none.astype(bool), none.astype(bool), none)
        assert empty.informative_strata == 0

    def test_odds_below_one_are_refused(self):
        with pytest.raises(InputError, match="at least 1"):
            rosenbaum_bounds(*pairs(5, 1), gammas=(0.5,))
