"""Logs of counts: their exact Poisson bias and variance, and limits of small counts.

``log(w + 1/2)`` of a Poisson count of mean m is biased below m = 3 and heavy-tailed;
there the working response of a Poisson regression (McCullagh and Nelder 1989,
Generalized Linear Models, eq. 2.18) takes its place.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, gammaln

Floats = NDArray[np.float64]

#: Mean count a year below which the working response stands alone, and from which logs
#: do; between, both are mixed, so that no count jumps from one to the other.
WORKING_BELOW = (7.0, 14.0)
#: Counts below this have limits from a negative binomial rather than a standard error.
LIMITS_BELOW = 10
#: Range and number of points of the tables of bias and variance, in log mean.
LOG_MEANS = np.linspace(np.log(WORKING_BELOW[0]), np.log(1e5), 300)
#: Range of dispersions for which limits are tabulated; outside, the nearest is taken.
LOG_DISPERSIONS = np.linspace(np.log(1e-4), np.log(30.0), 40)


def response(count: Floats, mean: Floats, *, least: float = 0.0) -> tuple[Floats, Floats]:
    """Log of a count, free of bias, and its Poisson variance given the mean.

    For large means ``log(w + 1/2)`` less its exact bias, below a mean of 10 the working
    response ``log m + (w - m) / m`` with variance 1 / m .

    Parameters
    ----------
    count, mean : same shape
        Counts, and positive means that do not rest on the single count.
    least : float
        The working response divides by this at least.
    """
    log_mean = np.log(mean)
    bias, variance = _moments()
    logs = np.log(count + 0.5) - np.interp(log_mean, LOG_MEANS, bias)
    spread = np.interp(log_mean, LOG_MEANS, variance, right=0.0) + (mean > 1e5) / mean
    working = log_mean + (count - mean) / np.maximum(mean, least)
    first, last = np.log(WORKING_BELOW)
    share = np.clip((log_mean - first) / (last - first), 0.0, 1.0)
    return working + share * (logs - working), share * spread + (1 - share) / mean


@cache
def _moments() -> tuple[Floats, Floats]:
    """Bias and variance of log(w + 1/2), w Poisson, by summation: (len(LOG_MEANS),) each."""
    bias, variance = np.empty(len(LOG_MEANS)), np.empty(len(LOG_MEANS))
    for place, log_mean in enumerate(LOG_MEANS):
        mean = np.exp(log_mean)
        reach = 12 * np.sqrt(mean) + 30
        w = np.arange(max(0, int(mean - reach)), int(mean + reach) + 1, dtype=np.float64)
        chance = np.exp(w * log_mean - mean - gammaln(w + 1))
        logs = np.log(w + 0.5) - log_mean
        bias[place] = chance @ logs
        variance[place] = chance @ (logs - bias[place]) ** 2
    return bias, variance


def log_limits(count: Floats, dispersion: Floats, tail: float) -> tuple[Floats, Floats]:
    """Mid-P limits of the log mean of small counts (below `LIMITS_BELOW`).

    The count is negative binomial with variance ``m + d m^2``. A count of 0 has the
    lower limit -inf.

    Parameters
    ----------
    count, dispersion : same shape
    tail : float
        Probability beyond each limit.
    """
    place = np.interp(
        np.log(np.maximum(dispersion, 1e-12)), LOG_DISPERSIONS, np.arange(len(LOG_DISPERSIONS))
    )
    below = np.minimum(place.astype(np.int64), len(LOG_DISPERSIONS) - 2)
    share, whole = place - below, count.astype(np.int64)
    low, high = (
        table[whole, below] * (1 - share) + table[whole, below + 1] * share
        for table in _limits(tail)
    )
    return np.where(whole == 0, -np.inf, low), high


@cache
def _limits(tail: float) -> tuple[Floats, Floats]:
    """Lower and upper limits by count and dispersion, by bisection on the log mean."""
    count = np.arange(float(LIMITS_BELOW))[:, None]
    size = np.exp(-LOG_DISPERSIONS)[None, :]
    found = []
    for chance in (1 - tail, tail):
        low = np.full((len(count), size.shape[1]), -60.0)
        high = np.full(low.shape, 60.0)
        for _ in range(60):
            middle = (low + high) / 2
            part = size / (size + np.exp(middle))
            most = betainc(size, count + 1, part)
            less = np.where(count > 0, betainc(size, np.maximum(count, 1), part), 0.0)
            larger = (most + less) / 2 > chance
            low, high = np.where(larger, middle, low), np.where(larger, high, middle)
        found.append((low + high) / 2)
    return found[0], found[1]
