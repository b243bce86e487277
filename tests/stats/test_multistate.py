"""Shares by state against people followed one by one, a textbook survival curve and draws.

Tolerance 1e-12: sums of a few products of floats.
"""

from __future__ import annotations

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.stats.multistate import aalen_johansen, effective_interval


def counts_of(paths: np.ndarray, last: np.ndarray, states: int) -> np.ndarray:
    """Transitions of paths (people, times + 1), each followed through its last time."""
    made = np.zeros((paths.shape[1] - 1, states, states))
    for path, end in zip(paths, last, strict=True):
        for t in range(end):
            made[t, path[t], path[t + 1]] += 1
    return made


def random_paths(seed: int, n: int, times: int) -> tuple[np.ndarray, np.ndarray]:
    """Leave with .15 a year, return with .25; no more followed with .2 a year."""
    rng = np.random.default_rng(seed)
    law = np.array([[0.85, 0.15, 0.0], [0.0, 0.75, 0.25], [0.0, 0.15, 0.85]])
    paths = np.zeros((n, times + 1), int)
    for t in range(times):
        u = rng.random(n)
        paths[:, t + 1] = (u[:, None] > law[paths[:, t]].cumsum(axis=1)).sum(axis=1)
    return paths, np.minimum(rng.geometric(0.2, n) - 1, times)


def test_without_censoring_shares_are_counts() -> None:
    paths, _ = random_paths(1, 200, 6)
    found = aalen_johansen(counts_of(paths, np.full(200, 6), 3))
    for t in range(6):
        share = np.bincount(paths[:, t + 1], minlength=3) / 200
        assert found.share[t] == pytest.approx(share, abs=1e-12)
        # Greenwood's variance of a multinomial share, whatever way people came there.
        assert found.at_risk[t] == 200


def test_never_leaving_is_the_survival_curve_of_kaplan_and_meier() -> None:
    """Remission times of Freireich et al. (1963), treated: survival of Gehan (1965), table 1."""
    left = {6: 3, 7: 1, 10: 1, 13: 1, 16: 1, 22: 1, 23: 1}
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    counts, followed = np.zeros((23, 2, 2)), 21
    for t in range(1, 24):
        events = left.get(t, 0)
        counts[t - 1, 0] = followed - events, events
        counts[t - 1, 1, 1] = 21
        followed -= events + censored.count(t)
    found = aalen_johansen(counts)
    printed = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    errors = {6: 0.076, 7: 0.087, 10: 0.096, 13: 0.107, 16: 0.114, 22: 0.128, 23: 0.135}
    for t, share in printed.items():
        assert found.share[t - 1, 0] == pytest.approx(share, abs=5e-4)
        assert np.sqrt(found.variance[t - 1, 0]) == pytest.approx(errors[t], abs=6e-4)


def test_censored_shares_and_variances_are_those_of_many_draws() -> None:
    law = np.linalg.matrix_power(
        np.array([[0.85, 0.15, 0.0], [0.0, 0.75, 0.25], [0.0, 0.15, 0.85]]), 5
    )[0]
    counts = np.stack([counts_of(*random_paths(seed, 150, 5), 3) for seed in range(300)])
    found = aalen_johansen(counts)
    last, known = found.share[:, 4], found.variance[:, 4]
    assert last.mean(axis=0) == pytest.approx(law, abs=0.01)
    assert known.mean(axis=0) == pytest.approx(last.var(axis=0), rel=0.2)
    low, high = effective_interval(last, known, found.at_risk[:, 4, None])
    covered = ((low <= law) & (law <= high)).mean()
    assert 0.92 <= covered <= 0.98


def test_nothing_is_known_once_nobody_is_followed() -> None:
    counts = np.zeros((3, 2, 2))
    counts[0, 0] = 4, 1
    found = aalen_johansen(counts)
    assert found.share[0] == pytest.approx([0.8, 0.2])
    assert np.isnan(found.share[1:]).all()
    assert np.isnan(found.variance[1:]).all()


def test_shares_of_none_and_all_are_worth_those_followed() -> None:
    low, high = effective_interval(np.array([0.0, 1.0]), np.zeros(2), np.array([20.0, 20.0]))
    assert (low[0], high[1]) == (0.0, 1.0)
    assert 0.1 < high[0] < 0.2
    assert 0.8 < low[1] < 0.9


@pytest.mark.parametrize("bad", [np.zeros((2, 2, 3)), -np.ones((2, 2, 2)), np.zeros((2, 2))])
def test_counts_that_are_none_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="Transitions"):
        aalen_johansen(bad)
