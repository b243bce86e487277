"""The multi-edge null model on networks of very many nodes: only linked pairs are tested.

Sizes alone fix the mean of every pair (:func:`isthmus.stats.sizes.size_factors`), so nothing of
the size of all pairs is ever held. The numbers of the linked pairs are those of
:func:`isthmus.stats.nulls.link_test` after :func:`isthmus.stats.nulls.fit_null`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.errors import InputError
from isthmus.stats.nulls.laws import PoissonLaw
from isthmus.stats.nulls.significance import COVERAGE, PSEUDO_WEIGHT, mean_interval
from isthmus.stats.sizes import size_factors

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LinkedPairs:
    """Linked pairs of a network against what sizes alone give; all arrays are (m,).

    Attributes
    ----------
    expected : array
        Mean weight under the null model.
    z : array
        (observed - expected) / sd.
    p_more, p_fewer : array
        P(W >= w) and P(W <= w).
    q : array
        Benjamini-Hochberg false discovery rate of min(1, 2 min(p_more, p_fewer)), over all
        pairs of nodes with strength, linked or not.
    log_ratio, log_ratio_low, log_ratio_high : array
        log((w + 1/2) / (mu + 1/2)) and its 95 % interval.
    """

    expected: Floats
    z: Floats
    p_more: Floats
    p_fewer: Floats
    q: Floats
    log_ratio: Floats
    log_ratio_low: Floats
    log_ratio_high: Floats


def linked_pair_test(source: Ints, target: Ints, weight: Floats, n: int) -> LinkedPairs:
    """Test the linked pairs of an undirected network against the multi-edge null model.

    Time and memory grow with the number of links and with the pairs that sizes alone make
    likely, not with the square of the nodes.

    Parameters
    ----------
    source, target : (m,)
        Positions below `n`; each pair once, no node with itself.
    weight : (m,)
        Whole numbers above 0.
    n : int
        Number of nodes.

    Raises
    ------
    InputError
        A pair twice or of one node, or a weight that is no whole number above 0.
    """
    low, high = np.minimum(source, target), np.maximum(source, target)
    code = low * np.int64(n) + high
    if (low == high).any() or len(np.unique(code)) != len(code):
        raise InputError("Each pair must be there once, and no node with itself. Add weights up.")
    if not ((weight > 0) & (weight == np.floor(weight))).all():
        raise InputError("Weights must be whole numbers above 0; leave out pairs without any.")
    strength = np.zeros(n)
    np.add.at(strength, low, weight)
    np.add.at(strength, high, weight)
    factor = size_factors(strength, strength)[0] if len(weight) else strength
    mean = factor[low] * factor[high]
    more, fewer = PoissonLaw(mean).tails(weight)
    own = np.minimum(1.0, 2.0 * np.minimum(more, fewer))
    active = int((strength > 0).sum())
    others = _unlinked(factor, np.sort(code), n)
    down, up = mean_interval(weight, mean, mean, COVERAGE)
    base = np.log(mean + PSEUDO_WEIGHT)
    return LinkedPairs(
        expected=mean,
        z=(weight - mean) / np.sqrt(mean),
        p_more=more,
        p_fewer=fewer,
        q=_false_discovery(own, others, active * (active - 1) // 2),
        log_ratio=np.log(weight + PSEUDO_WEIGHT) - base,
        log_ratio_low=np.log(down + PSEUDO_WEIGHT) - base,
        log_ratio_high=np.log(up + PSEUDO_WEIGHT) - base,
    )


def _unlinked(factor: Floats, linked: Ints, n: int) -> Floats:
    """P-values below 1 of pairs without a link: those whose mean is above log 2.

    Only nodes with large factors have such pairs, so only they are paired, a node at a time.
    """
    order = np.argsort(-factor, kind="stable")
    falling = factor[order]
    found = [np.empty(0)]
    for place in range(n - 1):
        least = np.log(2) / falling[place] if falling[place] > 0 else np.inf
        end = int(np.searchsorted(-falling, -least, side="left"))
        if end <= place + 1:
            break
        partners = order[place + 1 : end]
        code = np.minimum(partners, order[place]) * np.int64(n)
        code += np.maximum(partners, order[place])
        at = np.minimum(np.searchsorted(linked, code), max(len(linked) - 1, 0))
        found.append(2 * np.exp(-falling[place] * factor[partners[linked[at] != code]]))
    return np.concatenate(found)


def _false_discovery(own: Floats, others: Floats, tests: int) -> Floats:
    """Benjamini-Hochberg rates of `own` among `tests` p-values; those in neither list are 1."""
    p = np.concatenate([own, np.minimum(others, 1.0)])
    order = np.argsort(p, kind="stable")
    steps = p[order] * tests / np.arange(1, len(p) + 1)
    rates = np.empty(len(p))
    rates[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return rates[: len(own)]
