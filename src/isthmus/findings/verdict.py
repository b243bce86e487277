"""From numbers with intervals to a verdict: the rules that every claim goes through."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from scipy.special import stdtr, stdtrit

if TYPE_CHECKING:
    from isthmus.findings.evidence import Evidence

Verdict = Literal["supported", "contradicted", "undecided", "not testable here"]

#: Two-sided coverage of every interval a verdict rests on, and the p it goes with.
COVERAGE, LEVEL = 0.95, 0.05

#: Said of a check that these results cannot make.
NOT_TESTED = "not tested"


@dataclass(frozen=True)
class Condition:
    """One number that a claim needs: its interval, where no effect lies, from where it matters.

    Parameters
    ----------
    what
        The number in words, with its unit.
    null
        Value of no effect.
    matters
        The smallest effect of interest: the value from which the claim's sentence is worth
        saying.
    above
        Whether the claim says that the number is large (True) or small.
    value, low, high
        Estimate and 95 % interval; None where there is none.
    df
        Degrees of freedom of the Student law behind the interval; infinite for a normal law.
    log
        Whether the interval is symmetric on logarithms, as those of ratios are.
    origin
        What is subtracted before the logarithm is taken: -100 for a difference in per cent,
        which is a ratio less one.
    reason
        Why there is no number or no interval, or why it must not be read as one.
    absent
        The data that the number needs are not in this study at all.
    placebo
        Share of placebo replays, the study counted in, that show at least as much.
    """

    what: str
    null: float
    matters: float
    above: bool = True
    value: float | None = None
    low: float | None = None
    high: float | None = None
    df: float = math.inf
    log: bool = False
    origin: float = 0.0
    reason: str = ""
    absent: bool = False
    placebo: float | None = None

    @property
    def known(self) -> bool:
        """Whether there is a number with an interval that may be read."""
        ends = (self.value, self.low, self.high)
        return not self.reason and all(end is not None and math.isfinite(end) for end in ends)

    def p_against(self, value: float) -> float:
        """Return the two-sided p of the hypothesis that the number is `value`.

        The interval inverted: p is below .05 where the interval excludes `value`, and only
        there. Each side has its own standard error, the half-width on that side.
        """
        if not self.known or self.value is None or self.low is None or self.high is None:
            return 1.0
        if self.log and value <= self.origin:
            return 0.0
        at, end = (self._scaled(x) for x in (self.value, self._end_towards(value)))
        half = abs(at - end)
        if not math.isfinite(half):
            return 1.0
        away = abs(at - self._scaled(value))
        if not half:
            return 1.0 if not away else 0.0
        point = stdtrit(self.df, (1 + COVERAGE) / 2) if math.isfinite(self.df) else Z_95
        return float(2 * stdtr(self.df, -away * point / half))

    def _end_towards(self, value: float) -> float:
        assert self.value is not None
        end = self.low if value < self.value else self.high
        assert end is not None
        return end

    def _scaled(self, value: float) -> float:
        if not self.log:
            return value
        return math.log(value - self.origin) if value > self.origin else -math.inf

    @property
    def p(self) -> float:
        """P of no effect, 1 when the number lies on the other side of it than claimed."""
        if self.value is None or not self._beyond(self.value, self.null):
            return 1.0
        return self.p_against(self.null)

    @property
    def p_of_absence(self) -> float:
        """P of an effect that matters, 1 when the number is as large as that."""
        if self.value is None or not self._beyond(self.matters, self.value):
            return 1.0
        return self.p_against(self.matters)

    @property
    def supports(self) -> bool:
        """Whether the number is large enough to matter and its interval excludes no effect."""
        return self.supports_among(1)

    def supports_among(self, among: int) -> bool:
        """Whether it supports the claim as one of `among` numbers looked at."""
        return (
            self.known
            and self.value is not None
            and self._beyond(self.value, self.matters, or_equal=True)
            and self.p < LEVEL / among
        )

    def contradicts(self, among: int = 1) -> bool:
        """Whether an effect that matters is excluded, as one of `among` numbers looked at."""
        return self.known and self.p_of_absence < LEVEL / among

    def _beyond(self, one: float, other: float, *, or_equal: bool = False) -> bool:
        if or_equal and one == other:
            return True
        return one > other if self.above else one < other

    def sentence(self) -> str:
        """Return the number, its interval and where the interval lies."""
        if self.value is None or not math.isfinite(self.value):
            return f"{self.what.rstrip(',')}: {self.reason.rstrip('.') or 'no number'}."
        if not self.known:
            why = self.reason.rstrip(".") or "unknown"
            return f"{self.what} is {number(self.value)}; no interval: {why}."
        assert self.low is not None
        assert self.high is not None
        ends = f"{number(self.low)} to {number(self.high)}"
        return f"{self.what} is {number(self.value)} (95 % interval {ends})."


#: Two-sided 95 % point of the normal law.
Z_95 = 1.959963984540054

Conditions = list[Condition]


@dataclass(frozen=True)
class Decision:
    """What the tables say about a claim.

    Parameters
    ----------
    verdict, why
        The verdict and the sentences behind it.
    estimate, low, high, p
        The number that decides (of several, the weakest), its 95 % interval and its p.
    q
        The smallest false discovery rate at which the claim would be supported.
    smallest
        The smallest effect of interest, in the estimate's unit.
    as_said
        Whether the effect is as large as the study said: ``yes``, ``no`` or ``not asked``.
    models, placebo, counting, dropping
        What other null models, placebo worlds, other rules of counting, and dropping a
        country or the largest papers say: ``agree``, ``differ`` or ``not tested``, and why.
    missing_data
        Whether the verdict survives missing data: ``yes``, ``no`` or ``not tested``.
    """

    verdict: Verdict
    why: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    q: float | None = None
    smallest: float | None = None
    as_said: str = "not asked"
    models: str = NOT_TESTED
    placebo: str = NOT_TESTED
    counting: str = NOT_TESTED
    dropping: str = NOT_TESTED
    missing_data: str = NOT_TESTED

    def with_(self, **changes: Any) -> Decision:
        """Return the decision with some fields replaced."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Claim:
    """A claim: what it says, the numbers it needs, and what it is checked against.

    Parameters
    ----------
    name
        Short name, unique among the claims.
    statement
        The claim in the words of the study at hand.
    source
        The paper it is from, or the study file.
    needs
        Result tables that hold its numbers.
    estimand
        What the numbers estimate, in one sentence.
    measure
        Returns the numbers: all of them must support the claim.
    said
        The paper's own sentence, for a study of its countries and field.
    of_sizes
        Why the claim can be true of sizes alone; empty when it cannot.
    as_said
        The number the paper states, in the unit of the first condition.
    absence
        The claim says that there is no effect: supported where one is excluded.
    models, counting
        The same numbers under other null models, and under other rules of counting.
    dropping
        The same numbers without one country or paper group, by what is left out.
    placebo
        What stands in for placebo worlds when none can be made, and why.
    missing
        What its numbers hang on in bounds, as :data:`isthmus.findings.missing.Hangs`; empty
        where no bounds are made for them.
    """

    name: str
    statement: str
    source: str
    needs: tuple[str, ...]
    estimand: str
    measure: Callable[[Evidence], Conditions] = field(repr=False)
    said: str = ""
    of_sizes: str = ""
    as_said: float | None = None
    absence: bool = False
    models: Callable[[Evidence], Mapping[str, Conditions]] | None = field(repr=False, default=None)
    counting: Callable[[Evidence], Mapping[str, Conditions]] | None = field(
        repr=False, default=None
    )
    dropping: Callable[[Evidence], Mapping[str, Conditions]] | None = field(
        repr=False, default=None
    )
    placebo: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Finding:
    """A claim with its decision."""

    claim: Claim
    decision: Decision


def weakest(conditions: Sequence[Condition], *, absence: bool = False) -> Condition:
    """Return the number that decides: one without an interval, else the one with the largest p."""
    return max(conditions, key=lambda c: (not c.known, c.p_of_absence if absence else c.p))


def p_of(conditions: Sequence[Condition], *, absence: bool = False) -> float | None:
    """Return the p of a claim: the largest of its numbers', None where one is not known.

    All numbers must hold, so the largest p has the size of one test (an intersection-union
    test: Berger 1982, Technometrics 24, 295-300). That of an absence is the p of an effect
    that matters. Numbers that stand for themselves, without any error, are no test.
    """
    if not conditions or not all(c.known for c in conditions):
        return None
    if all(c.low == c.high for c in conditions):
        return None
    return max(c.p_of_absence if absence else c.p for c in conditions)


def reading(conditions: Sequence[Condition], *, absence: bool = False) -> Verdict:
    """Return what numbers say by themselves, before placebo, models and error rates.

    Supported where every number does; contradicted where one excludes an effect that
    matters, at a level divided among them (Bonferroni). An absence is supported where every
    number excludes an effect that matters, and contradicted where one shows it.
    """
    if not conditions or any(c.absent for c in conditions):
        return "not testable here"
    n = len(conditions)
    if all(c.contradicts() if absence else c.supports for c in conditions):
        return "supported"
    if any(c.supports_among(n) if absence else c.contradicts(n) for c in conditions):
        return "contradicted"
    return "undecided"


def deciding(
    conditions: Sequence[Condition], verdict: Verdict, *, absence: bool = False
) -> Condition:
    """Return the number a verdict rests on: the weakest, or the one that contradicts."""
    if verdict != "contradicted":
        return weakest(conditions, absence=absence)
    return min(conditions, key=lambda c: c.p if absence else c.p_of_absence)


def explained(conditions: Sequence[Condition], verdict: Verdict, *, absence: bool = False) -> str:
    """Return the sentences behind a reading: the number that decides, and why it leaves open."""
    if not conditions:
        return "There is no number for it in these results."
    one = deciding(conditions, verdict, absence=absence)
    said = one.sentence()
    if len(conditions) > 1:
        held = sum(c.contradicts() if absence else c.supports for c in conditions)
        said = f"{held} of {len(conditions)} conditions hold. The one that decides: {said}"
    if verdict != "undecided" or not one.known:
        return said
    return f"{said} {_left_open(one)}"


def _left_open(one: Condition) -> str:
    side = "above" if one.above else "below"
    if one.p >= LEVEL:
        return (
            f"Too few data: the interval includes both no effect ({number(one.null)}) and one "
            f"that matters ({side} {number(one.matters)})."
        )
    return f"There is an effect, but whether it reaches {number(one.matters)} is not known."


def as_large_as_said(one: Condition, said: float | None) -> str:
    """Return whether the paper's number lies in the interval.

    Examples
    --------
    >>> as_large_as_said(Condition("x", 1, 1.1, value=9.0, low=4.0, high=20.0), 30.0)
    'no: the interval 4 to 20 lies below 30'
    """
    if said is None:
        return "not asked"
    if not one.known or one.low is None or one.high is None:
        return "not known: no interval"
    ends = f"the interval {number(one.low)} to {number(one.high)}"
    if one.low <= said <= one.high:
        return f"yes: {ends} includes {number(said)}"
    return f"no: {ends} lies {'below' if one.high < said else 'above'} {number(said)}"


def number(value: float) -> str:
    """Write a number with the digits it deserves: no exponent, three digits, thousands apart.

    Examples
    --------
    >>> [number(value) for value in (6220.4, 0.01234, -3.0, 1.9e-16)]
    ['6,220', '0.0123', '-3', '0']
    """
    if not math.isfinite(value):
        return str(value)
    if abs(value) < 5e-5:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = max(2 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
