"""The polarisation index against variance shares by hand, and its interval against worlds."""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.poles.polarisation import FEWEST_PAIRS, polarisation
from isthmus.stats import fit_null

POLES = [0, 1]


def ratios(seed, n=12, years=1, effect=0.0, spread=1.0):
    """Log ratios of n countries, half leaning to either pole; pairs of one bloc are closer."""
    rng = np.random.default_rng(seed)
    bloc = np.arange(n) % 2
    same = bloc[:, None] == bloc[None, :]
    noise = np.triu(rng.normal(0, spread, (years, n, n)), 1)
    value = noise + noise.transpose(0, 2, 1) + effect * same
    for pole in POLES:
        leaning = np.where(bloc == pole, 2.0, -2.0)
        value[:, pole, :] = leaning
        value[:, :, pole] = leaning
    return value


def everything(n):
    return ~np.eye(n, dtype=bool)


def test_index_is_the_signed_share_of_variance_between():
    assert_index_by_hand(ratios(1, effect=0.7)[0])


def test_bloc_members_that_are_further_apart_give_a_negative_index():
    found = polarisation(ratios(1, effect=-3.0), everything(12), POLES)
    assert found.high[0] < 0
    assert found.index[0] < 0
    assert_index_by_hand(ratios(1, effect=-3.0)[0])


def assert_index_by_hand(value):
    found = polarisation(value[None], everything(12), POLES)
    one, other = [], []
    for i in range(2, 12):
        for j in range(i + 1, 12):
            (one if i % 2 == j % 2 else other).append(value[i, j])
    both = np.array(one + other)
    means = np.mean(one), np.mean(other)
    between = len(one) * (means[0] - both.mean()) ** 2 + len(other) * (means[1] - both.mean()) ** 2
    share = between / np.square(both - both.mean()).sum()
    assert found.index[0] == pytest.approx(share * np.sign(means[0] - means[1]))
    assert (found.same[0], found.other[0]) == pytest.approx(means)
    assert found.pairs[0] == len(both)


@pytest.mark.parametrize("n", [6, 8, 14])
def test_intervals_hold_0_in_worlds_without_blocs(n):
    """Events fall by size alone; small countries' pairs vary more; blocs by chance."""
    covered = there = 0
    for seed in range(250):
        rng = np.random.default_rng(seed)
        size = np.exp(rng.normal(0, 1, n))
        size[POLES] = 3 * size.max()
        size *= 5
        weights = np.triu(rng.poisson(np.outer(size, size)), 1).astype(float)
        weights = weights + weights.T
        if not weights.any(axis=0).all():
            continue
        expected = fit_null(weights, "multiedge", directed=False).expected
        value = np.log((weights + 0.5) / (expected + 0.5))
        found = polarisation(value[None], (expected >= 1) & everything(n), POLES)
        if np.isfinite(found.low[0]):
            there += 1
            covered += found.low[0] <= 0 <= found.high[0]
    assert there > 100
    assert 0.91 <= covered / there <= 0.985


def test_intervals_hold_a_planted_index():
    """Means differ by 1, spread 1: of the variance, 0.25 q / (0.25 q + 1) lies between."""
    n, covered = 14, 0
    share = np.mean([i % 2 == j % 2 for i in range(2, n) for j in range(i + 1, n)])
    between = share * (1 - share)
    truth = between / (between + 1)
    found = polarisation(ratios(3, n, 400, effect=1.0), everything(n), POLES)
    covered = ((found.low <= truth) & (truth <= found.high)).mean()
    assert 0.92 <= covered <= 0.98


def test_few_pairs_have_an_index_and_no_interval():
    followed = np.zeros((12, 12), dtype=bool)
    for i, j in ((2, 4), (3, 5), (2, 3), (4, 5), (6, 7)):
        followed[i, j] = followed[j, i] = True
    found = polarisation(ratios(1), followed, POLES)
    assert found.pairs[0] == 5 < FEWEST_PAIRS
    assert np.isfinite(found.index[0])
    assert np.isnan([found.low[0], found.high[0]]).all()


@pytest.mark.parametrize("poles", [[], [0]])
def test_one_pole_makes_no_blocs(poles):
    found = polarisation(ratios(1), everything(12), poles)
    assert np.isnan(found.index).all()
    assert found.pairs.sum() == 0


def test_unknown_ratios_leave_their_pairs_out():
    value = ratios(1)
    value[0, 2, 3] = value[0, 3, 2] = np.nan
    whole = polarisation(ratios(1), everything(12), POLES)
    assert polarisation(value, everything(12), POLES).pairs[0] == whole.pairs[0] - 1


def test_ratios_that_do_not_vary_have_no_index():
    value = ratios(1, spread=0.0)
    assert np.isnan(polarisation(value, everything(12), POLES).index).all()
