"""Noise-corrected null model: the mean that margins give, the variance of a posterior.

Coscia and Neffke (2017), "Network backboning with noisy data", ICDE, 425-436. The units of
weight are drawn from all pairs, a pair's probability has a beta prior with the mean and
the variance that a hypergeometric draw of the margins has, and the observed weight turns
it into a posterior. The prior's mean counts a pair of a node with itself as possible; the
others of the models here do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from isthmus.stats.nulls.margins import Margins
from isthmus.stats.nulls.models import NullFit

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NormalLaw:
    """Weights of which only mean and variance are known, taken as normal."""

    centre: Floats
    spread: Floats

    def mean(self) -> Floats:
        """Expected weight."""
        return self.centre

    def variance(self) -> Floats:
        """Variance of the weight."""
        return self.spread

    def tails(self, weights: Floats) -> tuple[Floats, Floats]:
        """Normal tails; a pair without variance is certain."""
        away = weights - self.centre
        certain = np.where(away > 0, np.inf, np.where(away < 0, -np.inf, 0.0))
        z = np.divide(away, np.sqrt(self.spread), out=certain, where=self.spread > 0)
        return ndtr(-z), ndtr(z)

    def draw(self, random: np.random.Generator) -> Floats:
        """One matrix; draws can be below 0, where the mean is small."""
        return np.asarray(random.normal(self.centre, np.sqrt(self.spread)))


def fit_noise_corrected(net: Margins, weights: Floats) -> NullFit:
    """Take the means from the margins and the variances from the posterior.

    Nothing is solved: with the pairs of a node with itself the means keep every margin,
    and the residual is 0. The prior counts for about as much as the data, so that the
    variance is near ``(w + mu) / 2``: z grows with the root of a large weight.
    """
    mean, variance = posterior_moments(weights, net.s_out, net.s_in)
    return NullFit(
        model="noise_corrected",
        directed=net.directed,
        parameters={"strength_out": net.s_out, "strength_in": net.s_in}
        if net.directed
        else {"strength": net.s_out},
        residual=0.0,
        law=NormalLaw(mean, variance),
        has_rows=net.s_out > 0,
        has_columns=net.s_in > 0,
    )


def posterior_moments(weights: Floats, s_out: Floats, s_in: Floats) -> tuple[Floats, Floats]:
    """Mean of the margins and variance of the posterior, (n, n) with a zero diagonal.

    Parameters
    ----------
    weights : (n, n)
        Symmetric weights hold each pair twice, as the total does.
    s_out, s_in : (n,)
        Sums over rows and columns.
    """
    total = s_out.sum()
    if total <= 1:
        return np.zeros(weights.shape), np.zeros(weights.shape)
    product = np.outer(s_out, s_in)
    share = product / total**2
    prior = product * np.outer(total - s_out, total - s_in) / (total**4 * (total - 1))
    # A beta law with this mean and variance counts as so many units seen before.
    with np.errstate(divide="ignore", invalid="ignore"):
        units = np.where(prior > 0, share * (1 - share) / prior - 1, np.inf)
        after = np.where(prior > 0, (share * units + weights) / (units + total), share)
    mean, variance = product / total, total * after * (1 - after)
    np.fill_diagonal(mean, 0.0)
    np.fill_diagonal(variance, 0.0)
    return mean, variance


def backbone_scores(weights: Floats, fit: NullFit) -> tuple[Floats, Floats]:
    """Score of every pair and its standard deviation, as the paper's backbone has them.

    The score ``(k w - 1) / (k w + 1)``, with k one over the mean, is between -1 and 1. A
    pair is in the backbone at a strictness of delta where score > delta * deviation.

    Parameters
    ----------
    weights : (n, n)
        The weights that were fitted.
    fit : NullFit
        Of the model ``noise_corrected``.

    Returns
    -------
    score, deviation : (n, n), NaN for pairs that are not tested
    """
    sides = ("strength_out", "strength_in") if fit.directed else ("strength", "strength")
    s_out, s_in = (fit.parameters[side] for side in sides)
    with np.errstate(divide="ignore", invalid="ignore"):
        product = np.outer(s_out, s_in)
        k = s_out.sum() / product
        slope = 1 / product - s_out.sum() * np.add.outer(s_out, s_in) / product**2
        score = (k * weights - 1) / (k * weights + 1)
        change = 2 * (k + weights * slope) / (k * weights + 1) ** 2
        deviation = fit.sd * np.abs(change)
    return np.where(fit.tested, score, np.nan), np.where(fit.tested, deviation, np.nan)
