"""Whether one group's items rank higher than all others: a view free of size.

The area under the curve of ranks, as Gates et al. (2024) use it for citations between
countries: the chance that a paper of the group has more citations from a country than a
paper of the others, ties counting half. One half says no preference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from isthmus.stats.shares import FEWEST, Z_95


def preference(
    group: Mapping[int, float], everyone: Mapping[int, float], size: float, world: float
) -> tuple[float, float, float]:
    """Area under the curve with its 95 % interval (DeLong, DeLong and Clarke-Pearson 1988).

    Parameters
    ----------
    group, everyone
        Citations from 1 -> papers with as many, of the group and of all.
    size, world
        Papers of the group and of all, those without a citation included.

    Returns
    -------
    tuple
        Value, low and high; NaN where the group or the others have no paper, and where
        nobody is cited. No interval where either side has fewer than six papers.

    Examples
    --------
    >>> value, *_ = preference({2: 1}, {1: 1, 2: 1}, 1, 3)
    >>> value
    1.0
    """
    nothing = math.nan, math.nan, math.nan
    rest = world - size
    if size <= 0 or rest <= 0 or not everyone:
        return nothing
    values = np.array([0, *sorted(everyone)])
    own = np.array([0.0, *(group.get(n, 0.0) for n in values[1:].tolist())])
    every = np.array([0.0, *(everyone[n] for n in values[1:].tolist())])
    own[0], every[0] = size - own.sum(), world - every.sum()
    others = every - own
    # Share of the other side that a paper of each value is above, ties counting half.
    over_others = (np.cumsum(others) - others / 2) / rest
    under_own = 1 - (np.cumsum(own) - own / 2) / size
    value = float(own @ over_others / size)
    if min(size, rest) < FEWEST:
        return value, math.nan, math.nan
    spread = own @ (over_others - value) ** 2 / (size - 1) / size
    spread += others @ (under_own - value) ** 2 / (rest - 1) / rest
    reach = Z_95 * math.sqrt(max(float(spread), 0.0))
    return value, max(value - reach, 0.0), min(value + reach, 1.0)
