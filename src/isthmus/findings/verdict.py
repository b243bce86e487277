"""What a finding is, and how an estimate and its interval become a verdict."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from isthmus.findings.evidence import Evidence

Verdict = Literal["supported", "not supported", "undecided"]

#: Two-sided 95 % point of the normal distribution.
Z_95 = 1.959963984540054

#: Said of a check that these results cannot make.
NOT_TESTED = "not tested"


@dataclass(frozen=True)
class Decision:
    """What the tables say about a claim.

    Parameters
    ----------
    verdict, why
        The verdict and the sentence behind it.
    estimate, low, high
        The number that decides and its 95 % interval, None where there is none.
    nulls, placebo, counting, dropping
        Whether the verdict survives each null model, the placebo, other rules
        of counting and attribution, and dropping the largest papers or a
        country: ``survives``, ``fails: ...`` or ``not tested: ...``.
    """

    verdict: Verdict
    why: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    nulls: str = NOT_TESTED
    placebo: str = NOT_TESTED
    counting: str = NOT_TESTED
    dropping: str = NOT_TESTED

    def checked(self, **changes: Any) -> Decision:
        """Give the decision with results of checks filled in, or other fields replaced."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Claim:
    """A claim: what it says, and how these results decide it.

    Parameters
    ----------
    name
        Short name, unique among the claims.
    statement
        The claim in the study's own words and countries.
    general
        The same for any poles.
    source
        The study the claim is from.
    needs
        Result tables it is read from; one that is missing makes it undecided.
    rule
        The rule that decides it, in one sentence.
    decide
        Reads the evidence and decides.
    """

    name: str
    statement: str
    general: str
    source: str
    needs: tuple[str, ...]
    rule: str
    decide: Callable[[Evidence], Decision] = field(repr=False)


@dataclass(frozen=True)
class Finding:
    """A claim with its decision."""

    claim: Claim
    decision: Decision


def undecided(why: str) -> Decision:
    """Give a decision that is none, with the reason."""
    return Decision("undecided", why)


def above(
    estimate: float, low: float | None, high: float | None, than: float, what: str
) -> Decision:
    """Decide the claim that `estimate` lies above `than`.

    Supported when the whole interval does, not supported when none of it does,
    undecided between. Without an interval the estimate alone decides, and the
    sentence says so.
    """
    if not math.isfinite(estimate):
        return undecided(f"{what} is not defined in these results.")
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        verdict: Verdict = "supported" if estimate > than else "not supported"
        return Decision(verdict, f"{what} is {_n(estimate)}; no interval is known.", estimate)
    verdict = "supported" if low > than else "not supported" if high <= than else "undecided"
    where = {
        "supported": f"lies above {_n(than)}",
        "not supported": f"does not reach above {_n(than)}",
        "undecided": f"holds {_n(than)}",
    }[verdict]
    why = f"{what} is {_n(estimate)}; its interval {_n(low)} to {_n(high)} {where}."
    return Decision(verdict, why, estimate, low, high)


def below(
    estimate: float, low: float | None, high: float | None, than: float, what: str
) -> Decision:
    """Decide the claim that `estimate` lies below `than`; see :func:`above`."""
    turned = above(
        -estimate, None if high is None else -high, None if low is None else -low, -than, what
    )
    if turned.estimate is None:
        return turned
    where = {
        "supported": f"lies below {_n(than)}",
        "not supported": f"does not reach below {_n(than)}",
        "undecided": f"holds {_n(than)}",
    }[turned.verdict]
    if low is None or high is None:
        why = f"{what} is {_n(estimate)}; no interval is known."
    else:
        why = f"{what} is {_n(estimate)}; its interval {_n(low)} to {_n(high)} {where}."
    return Decision(turned.verdict, why, estimate, low, high)


def count_ratio(a: float, b: float) -> tuple[float, float, float]:
    """Give the ratio of two independent counts with a 95 % interval.

    The logarithm of the ratio of two Poisson counts has variance ``1/a + 1/b``
    to first order; half a count is added to each so that none is zero.

    Examples
    --------
    >>> [round(value, 2) for value in count_ratio(400, 100)]
    [3.99, 3.21, 4.95]
    """
    a, b = a + 0.5, b + 0.5
    half = Z_95 * math.sqrt(1 / a + 1 / b)
    return a / b, a / b * math.exp(-half), a / b * math.exp(half)


def wilson(k: float, n: float) -> tuple[float, float]:
    """Give the 95 % Wilson interval of a share ``k / n`` (Wilson 1927).

    Examples
    --------
    >>> [round(end, 3) for end in wilson(5, 100)]
    [0.022, 0.112]
    """
    z2 = Z_95**2
    middle, spread = (k + z2 / 2) / (n + z2), (k * (n - k) / n + z2 / 4) ** 0.5
    half = z2**0.5 * spread / (n + z2)
    return middle - half, middle + half


def all_of(decisions: list[Decision], what: str) -> Decision:
    """Decide a claim about several things: supported when each is."""
    if not decisions:
        return undecided(f"These results hold nothing to decide it: {what}.")
    order: tuple[Verdict, ...] = ("not supported", "undecided", "supported")
    worst = min(decisions, key=lambda d: order.index(d.verdict))
    holds = sum(d.verdict == "supported" for d in decisions)
    why = f"{what}: {holds} of {len(decisions)} supported. {worst.why}"
    return Decision(worst.verdict, why, worst.estimate, worst.low, worst.high)


def survives(headline: Decision, others: dict[str, Decision]) -> str:
    """Say whether the verdict is the same under other rules."""
    if not others:
        return f"{NOT_TESTED}: these results hold one rule only"
    differing = [
        f"{name} says {decision.verdict}"
        for name, decision in others.items()
        if decision.verdict != headline.verdict
    ]
    return f"fails: {'; '.join(differing)}" if differing else f"survives: {', '.join(others)}"


def _n(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10000 else f"{value:.3g}"
