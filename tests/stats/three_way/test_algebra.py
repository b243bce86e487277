"""The deviation between pairs, beside a search for it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from isthmus.stats.three_way.algebra import between


@pytest.mark.parametrize("seed", range(5))
def test_the_median_pair_is_as_far_off_as_a_normal_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    variance = rng.gamma(1.0, 0.05, 301)
    rest = rng.normal(0.0, np.sqrt(variance + 0.4**2))

    def off(sd: float) -> float:
        return float(np.median(np.abs(rest) / np.sqrt(variance + sd**2))) - 0.6745

    assert between(rest, variance) == pytest.approx(brentq(off, 0.0, 5.0), abs=1e-9)


def test_what_counting_explains_leaves_nothing_between_pairs() -> None:
    rng = np.random.default_rng(1)
    assert between(rng.normal(0.0, 0.5, 300), np.ones(300)) == 0.0


def test_it_has_an_upper_end() -> None:
    assert between(np.array([-100.0, 100.0, 100.0]), np.ones(3)) == 5.0
