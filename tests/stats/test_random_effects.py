"""Random effects against their definition, and over draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from isthmus.errors import InputError
from isthmus.stats.random_effects import random_effects


@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_a_further_effect_is_predicted(spread: float) -> None:
    rng, held = np.random.default_rng(1), []
    for _ in range(600):
        error = rng.uniform(0.1, 0.6, 21)
        effect = 1.0 + rng.normal(0, spread, 21) + rng.normal(0, error)
        found = random_effects(effect[1:], error[1:])
        part = np.hypot(found.spread, found.error)
        reach = t.ppf(0.975, found.df) * np.hypot(part, error[0])
        held.append(abs(effect[0] - found.mean) <= reach)
    assert 0.93 <= np.mean(held) <= 0.985


def test_effects_that_differ_by_no_more_than_their_errors_have_no_spread() -> None:
    found = random_effects([1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
    weight = np.array([1.0, 1 / 4, 1 / 16])
    assert found.spread == 0
    assert found.mean == pytest.approx(weight @ [1, 2, 4] / weight.sum())
    assert found.error == pytest.approx(weight.sum() ** -0.5)


@pytest.mark.parametrize("error", [[1.0, 1.0], [1.0, 0.0, 1.0], [1.0, np.nan, 1.0]])
def test_what_has_no_error_is_refused(error: list[float]) -> None:
    with pytest.raises(InputError, match="3 or more effects"):
        random_effects([1.0] * len(error), error)
