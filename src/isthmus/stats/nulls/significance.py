"""Observed weights against a fitted null model: how surprising, in which direction, how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from isthmus.errors import InputError
from isthmus.stats.nulls.labels import Labels, labelled, labels_of
from isthmus.stats.nulls.laws import ExponentialLaw
from isthmus.stats.nulls.margins import checked
from isthmus.stats.nulls.models import NullFit

Floats = npt.NDArray[np.float64]

#: Added to observed and expected weight in the log ratio: half a unit keeps pairs
#: without weight finite and is the usual correction for counts (Haldane-Anscombe).
PSEUDO_WEIGHT = 0.5
#: Coverage of the interval around the log ratio.
COVERAGE = 0.95


#: Matrices of a test.
Measure = Literal["z", "p_more", "p_fewer", "q", "log_ratio", "log_ratio_low", "log_ratio_high"]


@dataclass(frozen=True)
class LinkTest:
    """Every pair against its law under the null model.

    All arrays are (n, n), symmetric when undirected, and NaN on the diagonal and
    for nodes without strength.

    Attributes
    ----------
    z : array
        (observed - expected) / sd. Under the ECM and the WCM z cannot fall much
        below -1, however few links there are; judge "too few" by `p_fewer`.
    p_more, p_fewer : array
        P(W >= w) and P(W <= w) from the model's own distribution.
    q : array
        Benjamini-Hochberg false discovery rate of the two-sided p-value
        min(1, 2 min(p_more, p_fewer)) over the pairs of this network (each pair
        once when undirected).
    log_ratio, log_ratio_low, log_ratio_high : array
        log((w + a) / (mu + a)) and its interval; comparable over years, which z
        is not.
    labels : Labels, optional
        Labels of the nodes, where the model was fitted to a data frame.
    """

    z: Floats
    p_more: Floats
    p_fewer: Floats
    q: Floats
    log_ratio: Floats
    log_ratio_low: Floats
    log_ratio_high: Floats
    labels: Labels | None = None

    def labelled(self, what: Measure) -> Any:
        """Return a matrix as a data frame with the labels of the weights.

        Raises
        ------
        InputError
            When the model was fitted to no data frame.
        """
        return labelled(self.labels, getattr(self, what))


def link_test(
    weights: Any,
    fit: NullFit,
    *,
    pseudo_weight: float = PSEUDO_WEIGHT,
    coverage: float = COVERAGE,
) -> LinkTest:
    """Test every pair of nodes against a fitted null model.

    The interval is about log((m + a) / (mu + a)), m the true mean weight behind the
    observed one. Counts are taken as negative binomial with the shape
    mu^2 / (variance - mu) of the pair (Poisson where the model's variance is not
    above its mean), and the limits are the equal-tailed exact ones of Clopper-Pearson
    type: for such counts they cover at least as often as `coverage` says. For the
    geometric laws of WCM and ECM that shape is an approximation; networks drawn from
    the fitted models are covered as often too. Under the CReM see `amount_interval`.

    Parameters
    ----------
    weights : array or data frame (n, n)
        Observed weights, normally those the model was fitted to.
    fit : NullFit
    pseudo_weight : float
        The constant a in the log ratio.
    coverage : float
        Coverage of the interval, above 0 and below 1.

    Raises
    ------
    InputError
        When the weights are unusable or do not have the shape of the fit.
    """
    observed = checked(weights, directed=fit.directed)
    if not isinstance(observed, np.ndarray):
        observed = observed.toarray()
    if observed.shape[0] != fit.n:
        raise InputError(
            f"The weights have {observed.shape[0]} nodes and the null model was fitted to "
            f"{fit.n}. Test the weights that were fitted, or others of the same nodes."
        )
    labels = labels_of(weights) or fit.labels
    if labels is not None and fit.labels is not None and labels.names != fit.labels.names:
        raise InputError(
            "The weights name other nodes, or in another order, than those the null model was "
            f"fitted to: {list(labels.names[:3])} and {list(fit.labels.names[:3])} come first. "
            "Reindex the frame as the fitted one."
        )
    if pseudo_weight <= 0 or not 0 < coverage < 1:
        raise InputError(
            f"pseudo_weight must be above 0 and coverage between 0 and 1; "
            f"found {pseudo_weight} and {coverage}."
        )
    tested = fit.tested
    more, fewer = fit.law.tails(observed)
    two_sided = np.minimum(1.0, 2.0 * np.minimum(more, fewer))
    if isinstance(fit.law, ExponentialLaw):
        low, high = amount_interval(observed, fit.law.p, coverage)
    else:
        low, high = mean_interval(observed, fit.expected, fit.sd**2, coverage)

    base = np.log(fit.expected + pseudo_weight)

    def ratio(mean: Floats) -> Floats:
        return _masked(np.log(mean + pseudo_weight) - base, tested)

    return LinkTest(
        z=_masked(_scores(observed, fit.expected, fit.sd), tested),
        p_more=_masked(np.clip(more, 0.0, 1.0), tested),
        p_fewer=_masked(np.clip(fewer, 0.0, 1.0), tested),
        q=_false_discovery(two_sided, tested, fit.directed),
        log_ratio=ratio(observed),
        log_ratio_low=ratio(low),
        log_ratio_high=ratio(high),
        labels=labels,
    )


def mean_interval(
    observed: Floats, mean: Floats, variance: Floats, coverage: float
) -> tuple[Floats, Floats]:
    """Exact limits for the mean of a count, given the dispersion of its null law.

    Negative binomial tails are incomplete beta functions of the success
    probability, so both limits invert in closed form; the Poisson limits
    (Garwood 1936, Biometrika 28, 437) are the case without extra variance.
    """
    tail = (1.0 - coverage) / 2.0
    extra = variance - mean
    spread = extra > 1e-9 * np.maximum(mean, 1e-300)
    shape = np.where(spread, mean**2 / np.where(spread, extra, 1.0), 1.0)
    some = observed > 0
    count = np.where(some, observed, 1.0)
    p_low = special.betaincinv(shape, count, 1.0 - tail)
    p_high = special.betaincinv(shape, observed + 1.0, tail)
    with np.errstate(divide="ignore", over="ignore"):
        low = np.where(spread, shape * (1 - p_low) / p_low, special.gammaincinv(count, tail))
        high = np.where(
            spread, shape * (1 - p_high) / p_high, special.gammaincinv(observed + 1.0, 1.0 - tail)
        )
    return np.where(some, low, 0.0), high


def amount_interval(observed: Floats, p: Floats, coverage: float) -> tuple[Floats, Floats]:
    """Limits for the mean of an amount: a link with probability `p`, then exponential.

    The links are taken as the model has them, so that only an amount given a link is
    unknown: exponential with mean m / p, and exact limits follow from its tails. A pair
    without a link says nothing of amounts, and its limits are 0 and infinity. The
    limits do not depend on the unit of the amounts. Where links are so improbable that
    the observed one is above both limits, the upper limit is the observed amount.
    """
    tail = (1.0 - coverage) / 2.0
    low = p * observed / -np.log(tail)
    high = np.maximum(p * observed / -np.log1p(-tail), observed)
    return low, np.where(observed > 0, high, np.inf)


def _scores(observed: Floats, mean: Floats, sd: Floats) -> Floats:
    """Standard scores; a pair without variance scores 0 where it is as expected."""
    away = observed - mean
    certain = sd <= 1e-9 * np.maximum(mean, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = away / np.where(certain, 0.0, sd)
    return np.where(certain & (np.abs(away) <= 1e-6 * np.maximum(mean, 1.0)), 0.0, z)


def _masked(values: Floats, tested: npt.NDArray[np.bool_]) -> Floats:
    return np.where(tested, values, np.nan)


def _false_discovery(p: Floats, tested: npt.NDArray[np.bool_], directed: bool) -> Floats:
    once = tested if directed else np.triu(tested, 1)
    q = np.full(p.shape, np.nan)
    if once.any():
        q[once] = stats.false_discovery_control(np.clip(p[once], 0.0, 1.0))
    if not directed:
        q = np.where(np.isnan(q), q.T, q)
    return q
