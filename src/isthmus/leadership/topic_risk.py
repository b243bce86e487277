"""The rule on the risk of a monopoly in a topic, with its uncertainty.

The Australian Strategic Policy Institute (Critical Technology Tracker, 2023) calls the risk
that one country comes to hold a technology alone high where it has at least eight of the ten
leading institutions and three times the highly cited papers of the second country, medium
from five institutions and twice the papers, and low otherwise. The thresholds are settings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.study import Indicators

Floats = NDArray[np.float64]
Names = NDArray[np.str_]

#: Levels of risk, from none to most.
LEVELS = ("low", "medium", "high")

#: Countries and institutions with most papers that take part in draws; those further down
#: do not come first.
_DRAWN_COUNTRIES, _DRAWN_INSTITUTIONS = 6, 3


@dataclass(frozen=True)
class Contest:
    """Highly cited papers of a topic by country and by institution.

    Attributes
    ----------
    country, top, squares : (n,) arrays
        Countries, their papers, and the sums of squares over papers.
    place, place_top, place_squares : (m,) arrays
        The country of each institution, and the same of the institution.
    """

    country: Names
    top: Floats
    squares: Floats
    place: Names
    place_top: Floats
    place_squares: Floats

    def sides(self, members: Sequence[str]) -> tuple[tuple[float, float], tuple[float, float]]:
        """Totals with their errors: of the members together, and of the best other country."""
        own = np.isin(self.country, list(members))
        ours = float(self.top[own].sum()), math.sqrt(float(self.squares[own].sum()))
        if own.all():
            return ours, (0.0, 0.0)
        best = int(np.argmax(np.where(own, -1.0, self.top)))
        return ours, (float(self.top[best]), math.sqrt(float(self.squares[best])))


@dataclass(frozen=True)
class Risk:
    """Risk of a monopoly.

    Attributes
    ----------
    institutions : float
        How many of the leading institutions are in the country or bloc; those tied for
        the last places share them.
    level : str
    share : float
        Share of draws of other papers from the same world in which the level is the same.
    """

    institutions: float
    level: str
    share: float


def risk(
    contest: Contest, members: Sequence[str], rules: Indicators, stream: np.random.Generator
) -> Risk:
    """Apply the rule to members, as measured and in draws.

    A draw takes each total as a Poisson count of as many papers as it is worth; countries and
    institutions are drawn apart, so that the share is an approximation.
    """
    own = np.isin(contest.country, list(members))
    ours, theirs = contest.sides(members)
    held = _held(contest.place_top[None, :], contest, members, rules)[0]
    level = _levels(np.array([ours[0]]), np.array([theirs[0]]), np.array([held]), rules)[0]
    most = _largest(np.where(own, -1.0, contest.top), _DRAWN_COUNTRIES)
    most = most[~own[most]]
    first = _largest(contest.place_top, _DRAWN_INSTITUTIONS * rules.top_institutions)
    few = Contest(
        contest.country,
        contest.top,
        contest.squares,
        contest.place[first],
        contest.place_top[first],
        contest.place_squares[first],
    )
    ours_drawn = _drawn(contest.top[own], contest.squares[own], rules.draws, stream).sum(axis=1)
    others = _drawn(contest.top[most], contest.squares[most], rules.draws, stream)
    best = others.max(axis=1, initial=0.0)
    places = _drawn(few.place_top, few.place_squares, rules.draws, stream)
    levels = _levels(ours_drawn, best, _held(places, few, members, rules), rules)
    return Risk(float(held), LEVELS[level], float((levels == level).mean()))


def _levels(ours: Floats, best: Floats, held: Floats, rules: Indicators) -> NDArray[np.int64]:
    high = (held >= rules.high_institutions) & (ours >= rules.high_lead * best)
    medium = (held >= rules.medium_institutions) & (ours >= rules.medium_lead * best)
    return np.where(high, 2, np.where(medium, 1, 0)) * (ours > 0)


def _held(tops: Floats, contest: Contest, members: Sequence[str], rules: Indicators) -> Floats:
    """Leading institutions that members have, for each row of `tops` (draws, m)."""
    m = tops.shape[1]
    if not m:
        return np.zeros(len(tops))
    ours = np.isin(contest.place, list(members))
    last = min(rules.top_institutions, m)
    rounded = np.round(tops, 9)
    threshold = np.sort(rounded, axis=1)[:, m - last][:, None]
    above, tied = rounded > threshold, (rounded == threshold) & (rounded > 0)
    left = (last - above.sum(axis=1)) / np.maximum(tied.sum(axis=1), 1)
    return np.asarray((above & ours).sum(axis=1) + (tied & ours).sum(axis=1) * left, np.float64)


def _largest(values: Floats, n: int) -> NDArray[np.int64]:
    return np.argsort(-values, kind="stable")[:n]


def _drawn(top: Floats, squares: Floats, draws: int, stream: np.random.Generator) -> Floats:
    """Totals of other draws, (draws, n): Poisson counts of what each total is worth."""
    worth = np.divide(top * top, squares, out=np.zeros_like(top), where=squares > 0)
    unit = np.divide(top, worth, out=np.zeros_like(top), where=worth > 0)
    counts = stream.poisson(worth, (draws, len(top))).astype(np.float64)
    return counts * unit
