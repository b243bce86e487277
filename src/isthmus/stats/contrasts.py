"""One number against others like it: a random-effects mean, and how far one lies from it.

Each number has its own error; beyond the errors the others may differ among themselves
(their spread, tau). Paule and Mandel 1982 find tau so that the weighted squares about the mean
are as many as there are degrees of freedom. Hartung and Knapp 2001 give the mean an
interval by Student's law. A further number of the same kind would lie about the mean with
variance ``tau^2`` and its own error: the interval of the difference is of that kind (Higgins,
Thompson and Spiegelhalter 2009), so that it counts both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtrit
from scipy.stats import t as student

Floats = NDArray[np.float64]

#: Degrees of freedom at least. Where the one number is known far better than the others,
#: Satterthwaite's fall below 1, and limits say nothing; with 2 at least, intervals of 4 to 9 others
#: held the truth in 94.8 % and more (errors of the one .1 to 1 times the others', spread 0 to 1.5).
FEWEST_DF = 2.0

#: Two-sided coverage of the intervals.
COVERAGE = 0.95

#: Others from which no spread is taken to be none. Of 4 to 6 fields with unequal errors a
#: normal law then covers 91 %, of 12 at least 94 % (`benchmarks/fields/contrasts.py`).
MANY = 10


@dataclass(frozen=True)
class Mean:
    """A random-effects mean: its value, standard error, 95 % interval, and the spread tau."""

    value: float
    se: float
    low: float
    high: float
    spread: float


@dataclass(frozen=True)
class Contrast:
    """A number less the mean of the others.

    Attributes
    ----------
    mean
        Mean of the others.
    difference, low, high
        The difference with its 95 % interval.
    p
        Chance of such a difference, either way, if the number were one of the others' kind.
    standardised
        Difference over its standard error.
    """

    mean: Mean
    difference: float
    low: float
    high: float
    p: float
    standardised: float


def random_effects_mean(value: Floats, se: Floats) -> Mean:
    """Return the mean of numbers with errors that also differ among themselves.

    Parameters
    ----------
    value, se
        Numbers and their standard errors, shape (k,), k >= 2; errors above 0.
    """
    spread = _spread(value, se)
    weight = 1 / (se**2 + spread**2)
    mean = float((weight * value).sum() / weight.sum())
    freedom = len(value) - 1
    about = float((weight * (value - mean) ** 2).sum()) / freedom
    # Never below the usual error: few numbers that happen to agree would look too sure.
    error = math.sqrt(max(about, 1.0) / float(weight.sum()))
    half = float(stdtrit(freedom, (1 + COVERAGE) / 2)) * error
    return Mean(mean, error, mean - half, mean + half, spread)


def contrast(value: float, se: float, others: Floats, others_se: Floats) -> Contrast:
    """Return how far one number lies from others, beyond errors and the others' spread.

    The variance is ``se^2 + tau^2 + var(mean)``. Its degrees of freedom are Satterthwaite's:
    the own error counts as known, the rest has those of the others less one, and at least
    `FEWEST_DF` are left. With equal errors this is the exact law of one normal draw about the mean
    of the others, where tau is above 0. Where many others show no spread, the law is normal.

    Parameters
    ----------
    value, se
        The number and its standard error.
    others, others_se
        The others', shape (k,), k >= 2.

    Examples
    --------
    >>> import numpy as np
    >>> found = contrast(3.0, 0.1, np.array([0.9, 1.0, 1.1, 1.0]), np.full(4, 0.1))
    >>> round(found.difference, 3), found.p < 0.001
    (2.0, True)
    """
    mean = random_effects_mean(others, others_se)
    weight = 1 / (others_se**2 + mean.spread**2)
    of_mean = 1 / float(weight.sum())
    variance = se**2 + mean.spread**2 + of_mean
    # tau^2 is found less the mean sampling variance, so what is uncertain is their sum.
    typical = len(others) * of_mean
    uncertain = typical * (1 + 1 / len(others))
    freedom = max((len(others) - 1) * (variance / uncertain) ** 2, FEWEST_DF)
    if not mean.spread and len(others) >= MANY:
        freedom = math.inf
    error = math.sqrt(variance)
    difference = value - mean.value
    half = float(student.ppf((1 + COVERAGE) / 2, freedom)) * error
    p = float(2 * student.sf(abs(difference) / error, freedom))
    return Contrast(mean, difference, difference - half, difference + half, p, difference / error)


def _spread(value: Floats, se: Floats) -> float:
    """Return tau by Paule and Mandel; 0 where errors alone explain how far numbers differ."""
    freedom = len(value) - 1

    def excess(square: float) -> float:
        weight = 1 / (se**2 + square)
        mean = (weight * value).sum() / weight.sum()
        return float((weight * (value - mean) ** 2).sum()) - freedom

    if excess(0.0) <= 0:
        return 0.0
    most = float(np.ptp(value) ** 2)
    while excess(most) > 0:
        most *= 2
    return math.sqrt(float(brentq(excess, 0.0, most, xtol=1e-12 * max(most, 1e-300))))


def rank_p(values: Floats, errors: Floats) -> float:
    """Return the share of numbers that lie as far from their others as the first, it included.

    Each is held against the rest by :func:`contrast` in turn.

    Parameters
    ----------
    values, errors
        Numbers and standard errors, shape (k,), k >= 3; the first is the one asked for.
    """
    away = []
    for place in range(len(values)):
        rest = np.arange(len(values)) != place
        one = contrast(float(values[place]), float(errors[place]), values[rest], errors[rest])
        away.append(abs(one.standardised))
    return float(np.mean(np.asarray(away) >= away[0]))


def explained(
    value: Floats, se: Floats, traits: Floats, focus: Floats
) -> tuple[float, float, float] | None:
    """Return how far the traits of one number's owner alone would set it from the others.

    A random-effects regression of the others on their traits (spread of the plain mean,
    Knapp and Hartung 2003); the answer is what it predicts for `focus` less for the weighted mean
    of the others.

    Parameters
    ----------
    value, se
        Numbers of the others and standard errors, shape (k,).
    traits
        Their traits, shape (k, m).
    focus
        Traits of the one, shape (m,).

    Returns
    -------
    tuple or None
        The difference with its 95 % interval; None where traits do not differ enough.
    """
    spread = _spread(value, se)
    weight = 1 / (se**2 + spread**2)
    middle = (weight[:, None] * traits).sum(axis=0) / weight.sum()
    scale = traits.std(axis=0)
    freedom = len(value) - traits.shape[1] - 1
    if freedom < 1 or not np.all(scale > 0):
        return None
    design = np.column_stack([np.ones(len(value)), (traits - middle) / scale])
    inner = design.T @ (weight[:, None] * design)
    if np.linalg.matrix_rank(inner) < len(inner):
        return None
    cover = np.linalg.inv(inner)
    found = cover @ (design.T @ (weight * value))
    about = float((weight * (value - design @ found) ** 2).sum()) / freedom
    at = np.concatenate([[0.0], (focus - middle) / scale])
    error = math.sqrt(max(about, 1.0) * float(at @ cover @ at))
    told = float(at @ found)
    half = float(stdtrit(freedom, (1 + COVERAGE) / 2)) * error
    return told, told - half, told + half
