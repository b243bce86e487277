"""Shares in each state over time, for people followed for different times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import InputError
from isthmus.stats.shares import Z_95

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Occupation:
    """Shares in each state by time.

    Attributes
    ----------
    share, variance
        (..., times, states), at times 1, 2, ...; NaN from the first time at which nobody is
        followed.
    at_risk
        People followed through each time, (..., times).
    """

    share: Floats
    variance: Floats
    at_risk: Floats


def aalen_johansen(transitions: Floats) -> Occupation:
    """Estimate the shares in each state when everybody begins in state 0.

    Parameters
    ----------
    transitions
        People (or weights) in state ``i`` at time ``t`` and ``j`` at ``t + 1``, of those followed
        through ``t + 1``: (..., times, states, states).

    Returns
    -------
    Occupation
        The Aalen-Johansen estimate and its Greenwood variance.

    Raises
    ------
    InputError
        The last two sides differ, or a count is negative.

    Notes
    -----
    With two states of which the second is never left this is Kaplan and Meier (1958). Shares
    are right for any process where censoring does not depend on it (Datta and Satten 2001,
    Stat. Probab. Lett. 55, 403-411); the variance takes transitions as Markov.

    References
    ----------
    Andersen, Borgan, Gill and Keiding (1993). Statistical models based on counting processes,
    eq. 4.4.20 (Greenwood type).
    """
    counts = np.asarray(transitions, dtype=np.float64)
    if counts.ndim < 3 or counts.shape[-1] != counts.shape[-2] or (counts < 0).any():
        raise InputError(
            f"Transitions are (times, states, states) counts of 0 or more; found {counts.shape}."
        )
    states, times = counts.shape[-1], counts.shape[-3]
    share = np.zeros((*counts.shape[:-3], states))
    share[..., 0] = 1.0
    spread = np.zeros((*counts.shape[:-3], states, states))
    shares, variances = [], []
    for t in range(times):
        found = counts[..., t, :, :]
        there = found.sum(axis=-1)
        moves = np.where(
            there[..., None] > 0, found / np.maximum(there, 1e-300)[..., None], np.eye(states)
        )
        own = moves[..., :, :, None] * (np.eye(states) - moves[..., :, None, :])
        weight = np.where(there > 0, share**2 / np.maximum(there, 1e-300), 0.0)
        added = (weight[..., None, None] * own).sum(axis=-3)
        across = np.swapaxes(moves, -1, -2)
        spread = across @ spread @ moves + added
        share = (across @ share[..., None])[..., 0]
        # Somebody in a state that nobody is followed in: the shares are no longer known.
        lost = there.sum(axis=-1) == 0
        share = np.where(lost[..., None], np.nan, share)
        shares.append(share)
        variances.append(np.diagonal(spread, axis1=-2, axis2=-1))
    share = np.stack(shares, axis=-2)
    variance = np.where(np.isnan(share), np.nan, np.stack(variances, axis=-2))
    return Occupation(share, variance, counts.sum(axis=(-1, -2)))


def effective_interval(share: Floats, variance: Floats, at_risk: Floats) -> tuple[Floats, Floats]:
    """Return 95 % intervals of shares by Wilson's formula for as many people as they are worth.

    A share with this variance is worth ``share (1 - share) / variance`` people (Dorey and Korn
    1987, Stat. Med. 6, 679-687); one of 0 or 1 is worth those still followed.

    Parameters
    ----------
    share, variance, at_risk
        Arrays of one shape. NaN gives NaN.
    """
    spread = share * (1 - share)
    plain = (spread > 0) & (variance > 0)
    worth = np.where(plain, spread / np.where(plain, variance, 1.0), at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        square = Z_95**2
        middle = (share + square / (2 * worth)) / (1 + square / worth)
        half = np.sqrt(square * (spread / worth + square / (4 * worth**2))) / (1 + square / worth)
        low = np.where(share <= 0, 0.0, np.clip(middle - half, 0.0, 1.0))
        high = np.where(share >= 1, 1.0, np.clip(middle + half, 0.0, 1.0))
    return np.where(np.isnan(share), share, low), np.where(np.isnan(share), share, high)
