"""What is drawn once per world, against the laws it is said to follow.

Tolerances are five standard errors of the moment that is compared, from the number of
draws; seeds are fixed.
"""

import numpy as np
import pytest

from isthmus.simulation.drawn_once import (
    country_impact,
    missing_chance,
    move_noise,
    pair_noise,
    planted_affinity,
    venue_factor,
)
from isthmus.simulation.pieces import pieces_of
from isthmus.simulation.settings import CountryCurve, PairCurve, WorldSettings

N = 100
UPPER = np.triu_indices(N, 1)


def test_lasting_ties_are_the_same_in_all_years_and_of_the_spread_asked_for():
    pole = PairCurve("US", "CN", ((1998, 0.5),))
    plain = WorldSettings(10, 1, n_countries=N, lasting_affinity=0.5)
    tied = planted_affinity(plain)
    assert np.ptp(tied, axis=0).max() == 0
    assert np.array_equal(tied[0], tied[0].T)
    assert not tied[0].diagonal().any()
    assert tied[0][UPPER].std() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(2 * len(UPPER[0])))
    named = planted_affinity(
        WorldSettings(10, 1, n_countries=N, lasting_affinity=0.5, affinity_pairs=(pole,))
    )
    assert np.argwhere(named[0] != tied[0]).tolist() == [[0, 1], [1, 0]]
    assert named[0, 0, 1] - tied[0, 0, 1] == pytest.approx(0.5)


def test_gamma_noise_has_mean_1_and_the_variance_asked_for():
    settings = WorldSettings(10, 1, n_countries=N, pair_dispersion=0.07)
    factor = np.exp(pair_noise(settings, "works", symmetric=True))[:, *UPPER]
    n = factor.size
    assert factor.mean() == pytest.approx(1, abs=5 * np.sqrt(0.07 / n))
    # Fourth central moment of a gamma of shape k and mean 1: 3 / k^2 + 6 / k^3.
    error = np.sqrt((2 * 0.07**2 + 6 * 0.07**3) / n)
    assert factor.var() == pytest.approx(0.07, abs=5 * error)
    following = np.corrcoef(factor[1:].ravel(), factor[:-1].ravel())[0, 1]
    assert abs(following) < 5 / np.sqrt(n)


def test_autoregressive_noise_is_stationary_with_the_memory_asked_for():
    settings = WorldSettings(10, 2, n_countries=N, pair_noise=0.1, pair_noise_memory=0.6)
    noise = pair_noise(settings, "works", symmetric=True)[:, *UPPER]
    pairs = noise.shape[1]
    each_year = noise.std(axis=1)
    assert each_year == pytest.approx(0.1, abs=5 * 0.1 / np.sqrt(2 * pairs))
    following = np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1]
    assert following == pytest.approx(0.6, abs=5 * 2 / np.sqrt(noise.size))
    slopes = np.polyfit(np.arange(len(noise)), noise, 1)[0]
    assert abs(slopes.mean()) < 5 * slopes.std() / np.sqrt(pairs)  # none on average


def test_noise_of_works_and_citations_differ_and_directions_too():
    settings = WorldSettings(10, 1, n_countries=N, pair_noise=0.1)
    works = pair_noise(settings, "works", symmetric=True)
    cited = pair_noise(settings, "citations", symmetric=False)
    assert np.array_equal(works, works.transpose(0, 2, 1))
    upper, lower = cited[:, *UPPER].ravel(), cited.transpose(0, 2, 1)[:, *UPPER].ravel()
    for one, other in ((upper, lower), (upper, works[:, *UPPER].ravel())):
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / np.sqrt(len(one))
    assert not np.einsum("tii->ti", cited).any()


def test_impact_drifts_at_one_rate_per_country_in_both_directions():
    us = CountryCurve("US", ((1998, 2.0),))
    drifting = WorldSettings(10, 1, n_countries=N, impact_drift=0.04, country_impact=(us,))
    logs = np.log(country_impact(drifting))
    logs[:, 0] -= np.log(2)
    rates = np.diff(logs, axis=0)
    assert np.ptp(rates, axis=0).max() < 1e-12
    assert rates[0].std() == pytest.approx(0.04, abs=5 * 0.04 / np.sqrt(2 * N))
    assert 0 < (rates[0] > 0).sum() < N
    assert logs.mean(axis=0) == pytest.approx(0)


def test_missing_is_unequal_by_country_and_venue_around_the_curve():
    settings = WorldSettings(
        10, 1, n_countries=N, missing_affiliations=((1998, 0.02), (2021, 0.3)), missing_spread=0.5
    )
    chance = missing_chance(settings)
    assert chance[-1] / chance[0] == pytest.approx(15)
    assert np.log(chance[0]).std() == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(2 * N))
    venues = venue_factor(settings)
    assert len(venues) == 2 * 12 * 25
    assert venues.mean() == pytest.approx(1, abs=5 * venues.std() / np.sqrt(len(venues)))
    assert (venue_factor(WorldSettings(10, 1)) == 1).all()


def test_pieces_share_what_is_drawn_once_and_seeds_do_not():
    whole = WorldSettings(30, 1, lasting_affinity=0.5, impact_drift=0.1)
    pieces = [piece.settings for piece in pieces_of(whole, works_per_piece=10)]
    assert len({piece.seed for piece in pieces}) == 3
    for draw in (planted_affinity, country_impact):
        assert all(np.array_equal(draw(piece), draw(whole)) for piece in pieces)
    other = WorldSettings(30, 2, lasting_affinity=0.5)
    assert not np.array_equal(planted_affinity(other), planted_affinity(whole))


@pytest.mark.parametrize("noise_of", ["impact", "moves"])
def test_years_vary_with_the_spread_and_memory_asked_for(noise_of):
    of = {"impact": "impact_noise", "moves": "move_noise"}[noise_of]
    settings = WorldSettings(10, 1, n_countries=N, pair_noise_memory=0.6, **{of: 0.15})
    drawn = np.log(country_impact(settings) if noise_of == "impact" else move_noise(settings))
    assert drawn.std() == pytest.approx(0.15, rel=0.1)
    together = np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]
    assert together == pytest.approx(0.6, abs=0.08)
    still = WorldSettings(10, 1, n_countries=N)
    assert (country_impact(still) == 1).all()
    assert (move_noise(still) == 1).all()
