"""Wilson's interval against scipy."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from isthmus.errors import InputError
from isthmus.stats.shares import wilson


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (5, 100), (99, 100), (0, 3000), (17, 40)])
def test_agrees_with_scipy(k, n):
    theirs = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(0, 0), (2, 1), (-1, 4)])
def test_what_is_no_share_is_refused(k, n):
    with pytest.raises(InputError, match="0 <= k <= n"):
        wilson(k, n)
