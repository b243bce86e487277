"""Loops of the bloc model: node effects, one effect within blocs, moves of single nodes.

The weight of nodes i and j has mean ``e_ij exp(a_i + a_j + b [g_i = g_j])`` and variance
``mu + d mu^2``. Its likelihood is that of a negative binomial with known dispersion d, so
that every pair counts with weight ``mu / (1 + d mu)``: large ties do not decide alone.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

#: Longest step of a node effect, and of the effect within blocs.
LONGEST, LONGEST_WITHIN = 1.5, 0.5


@njit(cache=True, nogil=True)
def log_likelihood(w, mean, d):  # type: ignore[no-untyped-def]
    """Log likelihood of a count, less what does not depend on its mean."""
    return w * math.log(mean) - (w + 1.0 / d) * math.log1p(d * mean)


@njit(cache=True, nogil=True)
def fit_blocs(w, e, use, d, a, g, k, b, most, enough, move):  # type: ignore[no-untyped-def]
    """Fit by visits to one node after the other; `a` and `g` change in place.

    A visit puts a node into the bloc with the highest likelihood once its own effect
    has taken one Newton step, and takes that step. After each sweep the effect within
    blocs and the general level take one step together.

    Parameters
    ----------
    w, e : (n, n)
        Weights and their offsets, symmetric; offsets positive where `use`.
    use : (n, n) bool
        Pairs that enter.
    d : float
        Dispersion, positive.
    a : (n,)
        Node effects to start from.
    g : (n,) int
        Blocs to start from, numbered below `k`.
    k : int
        Most blocs; 1 leaves the effect within blocs out.
    b : float
        Effect within blocs to start from.
    most : int
        Most sweeps.
    enough : float
        Largest step of any effect at which the sweeps end.
    move : bool
        Whether nodes may change their bloc.

    Returns
    -------
    b : float
    likelihood : float
    """
    n = a.size
    size = np.exp(a)
    gain, score, weight = np.empty(k), np.empty(k), np.empty(k)
    for _ in range(most):
        moves, largest, within = 0, 0.0, math.exp(b)
        for i in range(n):
            gain[:] = 0.0
            score[:] = 0.0
            weight[:] = 0.0
            all_score, all_weight = 0.0, 0.0
            for j in range(n):
                if not use[i, j]:
                    continue
                out = e[i, j] * size[i] * size[j]
                over = 1.0 + d * out
                all_score += (w[i, j] - out) / over
                all_weight += out / over
                if k > 1:
                    inside = out * within
                    more, c = 1.0 + d * inside, g[j]
                    gain[c] += w[i, j] * b - (w[i, j] + 1.0 / d) * math.log(more / over)
                    score[c] += (w[i, j] - inside) / more - (w[i, j] - out) / over
                    weight[c] += inside / more - out / over
            if all_weight <= 0.0:
                continue
            best, highest = g[i], -np.inf
            for c in range(k):
                if c != g[i] and not move:
                    continue
                slope = all_score + score[c]
                value = gain[c] + 0.5 * slope * slope / (all_weight + weight[c])
                if c == g[i]:
                    value += 1e-9
                if value > highest:
                    highest, best = value, c
            if best != g[i]:
                moves += 1
                g[i] = best
            step = (all_score + score[best]) / (all_weight + weight[best])
            step = min(LONGEST, max(-LONGEST, step))
            a[i] += step
            size[i] = math.exp(a[i])
            largest = max(largest, abs(step))
        if k > 1:
            level, change = within_step(w, e, use, d, size, g, within)
            change = max(change, -b)
            b += change
            a += level / 2.0
            for i in range(n):
                size[i] = math.exp(a[i])
            largest = max(largest, abs(change))
        if moves == 0 and largest < enough:
            break
    total, within = 0.0, math.exp(b)
    for i in range(n):
        for j in range(i):
            if use[i, j]:
                mean = e[i, j] * size[i] * size[j]
                if k > 1 and g[i] == g[j]:
                    mean *= within
                total += log_likelihood(w[i, j], mean, d)
    return b, total


@njit(cache=True, nogil=True)
def within_step(w, e, use, d, size, g, within):  # type: ignore[no-untyped-def]
    """Newton step of the general level and of the effect within blocs."""
    score, weight = np.zeros(2), np.zeros(2)
    for i in range(size.size):
        for j in range(i):
            if use[i, j]:
                same = 1 if g[i] == g[j] else 0
                mean = e[i, j] * size[i] * size[j] * (within if same else 1.0)
                score[same] += (w[i, j] - mean) / (1.0 + d * mean)
                weight[same] += mean / (1.0 + d * mean)
    if weight[0] <= 0.0 or weight[1] <= 0.0:
        return 0.0, 0.0
    level = score[0] / weight[0]
    change = score[1] / weight[1] - level
    level = min(LONGEST_WITHIN, max(-LONGEST_WITHIN, level))
    return level, min(LONGEST_WITHIN, max(-LONGEST_WITHIN, change))


@njit(cache=True, nogil=True)
def fit_gradient(w, e, use, d, a, x, spread, most, enough):  # type: ignore[no-untyped-def]
    """Fit places on a line: mean ``e_ij exp(a_i + a_j + x_i x_j)``, x normal around 0.

    With node effects, ``x_i x_j`` says the same as ``-(x_i - x_j)^2 / 2``. `a` and `x`
    change in place; the variance of the places, `spread` at first, is learned.
    """
    n = a.size
    for _ in range(most):
        largest, doubt = 0.0, 0.0
        for i in range(n):
            score_a, score_x = 0.0, -x[i] / spread
            aa, ax, xx = 1e-9, 0.0, 1.0 / spread
            for j in range(n):
                if use[i, j]:
                    mean = e[i, j] * math.exp(a[i] + a[j] + x[i] * x[j])
                    over = 1.0 + d * mean
                    slope, weight = (w[i, j] - mean) / over, mean / over
                    score_a += slope
                    score_x += slope * x[j]
                    aa += weight
                    ax += weight * x[j]
                    xx += weight * x[j] * x[j]
            det = aa * xx - ax * ax
            step_a = min(1.0, max(-1.0, (xx * score_a - ax * score_x) / det))
            step_x = min(0.5, max(-0.5, (aa * score_x - ax * score_a) / det))
            a[i] += step_a
            x[i] += step_x
            doubt += aa / det
            largest = max(largest, abs(step_a), abs(step_x))
        spread = max(1e-4, (np.sum(x * x) + doubt) / n)
        if largest < enough:
            break
