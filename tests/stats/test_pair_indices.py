"""Indices of pairs against their formulas and against resampled works."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from isthmus.errors import InputError
from isthmus.stats.pair_indices import (
    affinity_index,
    collaboration_index,
    relative_intensity,
    salton,
)

#: Works of x alone with others, of y alone with others, of both, of neither.
ONLY_X, ONLY_Y, BOTH, NEITHER = 40, 60, 25, 300


def indices(x: np.ndarray, y: np.ndarray, xy: np.ndarray, world: np.ndarray) -> dict:
    return {
        "index": collaboration_index(xy, x, y, world),
        "affinity": affinity_index(xy, x, y, world),
        "salton": salton(xy, x, y),
        "intensity": relative_intensity(xy, x, y, world),
    }


def test_values_are_those_of_the_formulas() -> None:
    x, y, xy, w = (np.array([float(n)]) for n in (50, 80, 20, 400))
    found = {name: one.value[0] for name, one in indices(x, y, xy, w).items()}
    assert found["index"] == pytest.approx((20 / 50) / (80 / 400))
    assert found["affinity"] == pytest.approx(20 * 800 / (50 * 80))
    assert found["salton"] == pytest.approx(20 / 4000**0.5)
    assert found["intensity"] == pytest.approx((20 / 50) / (60 / 350))


def test_intervals_cover_as_often_as_they_say() -> None:
    """Works drawn as Poisson in the four classes; the index of the rates is the truth.

    3,000 draws give a share of 0.95 an error of 0.004.
    """
    rng = np.random.default_rng(4)
    rates = np.array([ONLY_X, ONLY_Y, BOTH, NEITHER], dtype=float)
    drawn = rng.poisson(rates, (3000, 4)).astype(float)
    a, b, xy, rest = (np.r_[rates[[k]], drawn[:, k]] for k in range(4))
    for name, one in indices(a + xy, b + xy, xy, a + b + xy + rest).items():
        inside = (one.low[1:] <= one.value[0]) & (one.value[0] <= one.high[1:])
        assert 0.94 <= inside.mean() <= 0.975, (name, inside.mean())


def test_the_interval_is_exact_where_totals_have_no_error() -> None:
    one = collaboration_index([4.0], [1e9], [1e9], [1e12])
    low, high = one.low[0] / one.value[0] * 4, one.high[0] / one.value[0] * 4
    assert poisson.sf(3, low) == pytest.approx(0.025, rel=1e-5)
    assert poisson.cdf(4, high) == pytest.approx(0.025, rel=1e-5)


def test_a_pair_without_joint_work_has_an_interval_from_0() -> None:
    one = collaboration_index([0.0], [10.0], [20.0], [100.0])
    assert (one.value[0], one.low[0]) == (0.0, 0.0)
    assert one.high[0] == pytest.approx(-np.log(0.025) * 100 / 200)


def test_undefined_is_not_a_number() -> None:
    one = relative_intensity([5.0], [10.0], [5.0], [100.0])  # nobody else works with y
    assert np.isnan([one.value[0], one.low[0], one.high[0]]).all()
    one = collaboration_index([0.0], [0.0], [5.0], [100.0])
    assert np.isnan([one.value[0], one.low[0], one.high[0]]).all()


@pytest.mark.parametrize("counts", [([3.0], [2.0], [5.0], [9.0]), ([1.0], [2.0], [5.0], [4.0])])
def test_counts_that_cannot_be_are_refused(counts: tuple) -> None:
    with pytest.raises(InputError, match="at most"):
        collaboration_index(*counts)
