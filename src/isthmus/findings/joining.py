"""Claims of AlShebli et al. on who the movers are and what joint papers look like."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from isthmus.findings.estimates import interval, mean, missing, superiority
from isthmus.findings.evidence import Evidence, name
from isthmus.findings.moving import EFFECT, PERCENT, STUDY, log_counts, pooled, yearly
from isthmus.findings.verdict import Claim, Condition, Conditions

#: What the study compares movers by, and how a sentence names it.
PROFILE: dict[str, str] = {
    "career_age": "career age",
    "citations_before": "citations before",
    "papers_before": "papers before",
}

#: The last year in which the study saw the second pole gain more.
LAST_APART = 2015

#: The study's pair of countries as far apart in time as its poles.
CONTROL_PAIR = ("KR", "CA")

#: Probability that one of two exceeds the other, from which groups differ.
MORE_OFTEN = 0.55

_WHICH = ("first", "second")


def claims(evidence: Evidence) -> list[Claim]:
    """Return the claims on movers' numbers and profiles, and on joint papers' teams."""
    return [*_movers(evidence), *_profiles(evidence), *_papers(evidence)]


def _movers(evidence: Evidence) -> list[Claim]:
    said = (
        "Ever more AI scientists migrate from China to the U.S., rapidly over the past decade.",
        "Ever more AI scientists migrate from the U.S. to China, steadily over two decades.",
    )
    return [
        Claim(
            name=f"movers-rise-{_WHICH[which]}",
            statement=f"More and more scientists move from {other} to {pole}.",
            said=said[which],
            source=STUDY,
            needs=("flows",),
            estimand=f"Yearly change of the log of moves from {other} to {pole}.",
            of_sizes="a field that grows has more moves",
            measure=partial(_rising, which),
        )
        for which, (pole, other) in enumerate(evidence.both_ways)
    ]


def _profiles(evidence: Evidence) -> list[Claim]:
    first, second = evidence.words.first, evidence.words.second
    made = [
        Claim(
            name="second-attracts-seasoned",
            statement=f"Scientists who move to {second} are more experienced, more cited and more "
            f"productive than those who move to {first}.",
            said="China is attracting AI scientists that are more experienced, more impactful, "
            "and more productive than those attracted to the U.S.",
            source=STUDY,
            needs=("moves",),
            estimand=f"Probability that a mover to {second} exceeds a mover to {first} of the same "
            "years in career age, in citations and in papers before the move.",
            of_sizes="where a country's scientists are younger, so are those who move there",
            measure=_seasoned,
        )
    ]
    for which, (pole, other) in enumerate(evidence.both_ways):
        a, b = ("U.S.", "China") if which == 0 else ("China", "U.S.")
        made.append(
            Claim(
                name=f"movers-outdo-stayers-{_WHICH[which]}",
                statement=f"Scientists who moved from {other} to {pole} had more citations and "
                f"papers than scientists of {pole} of the same career age and year who did not.",
                said=f"{a}-based scientists who migrate from {b} have greater experience, impact "
                "and productivity than those who do not.",
                source=STUDY,
                needs=("mover_contrasts",),
                estimand="Mean difference in citations and in papers before the move, movers less "
                "stayers of equal career age and year.",
                measure=partial(_outdo, which),
            )
        )
    return made


def _papers(evidence: Evidence) -> list[Claim]:
    words = evidence.words
    made = [
        Claim(
            name="joint-teams-larger",
            statement=f"Joint papers of {words.the_poles} have more authors than the other "
            "papers that either leads in the same year.",
            said="Teams that involve collaborations between the two countries are larger on "
            "average.",
            source=STUDY,
            needs=("team_contrasts",),
            estimand="Mean number of authors, joint papers less others of the same year, for "
            "either lead.",
            of_sizes="a paper with two countries has at least two authors",
            measure=partial(_contrast, "team_size", 0.1),
        ),
        Claim(
            name="joint-led-by-top",
            statement=f"Joint papers of {words.the_poles} are led by the most cited institutions "
            "more often than other papers of the same year.",
            said="The last author is more likely to be at a top-100 institution when the paper "
            "involves both countries.",
            source=STUDY,
            needs=("team_contrasts",),
            estimand="Share of papers led by a top institution, joint papers less others of the "
            "same year, for either lead.",
            measure=partial(_contrast, "top_institution", 0.02),
        ),
        Claim(
            name="second-gains-more",
            statement=f"{words.second} gains more from joint papers than {words.first} "
            f"(up to {min(LAST_APART, words.years[1])}).",
            said="China benefited more from joint papers than the U.S. up until 2015.",
            source=STUDY,
            needs=("matched",),
            estimand=f"Mean over the years to {LAST_APART} of the second pole's matched "
            "difference less the first's, percentage points.",
            measure=_gains_more,
        ),
    ]
    if set(evidence.poles[:2]) == {"US", "CN"}:
        made.append(
            Claim(
                name="control-pair-gains-nothing",
                statement="Joint papers of South Korea and Canada, as far apart in time, gain "
                "nothing.",
                said="There is no evidence that South Korea and Canada are more impactful "
                "together.",
                source=STUDY,
                needs=(),
                estimand="Matched difference of the pair in either order, in per cent: an effect "
                "that matters is excluded.",
                absence=True,
                measure=_control_pair,
            )
        )
    return made


def _rising(which: int, evidence: Evidence) -> Conditions:
    pole, other = evidence.pair(which)
    blank = Condition(
        f"The yearly change of the log of moves from {name(other)} to {name(pole)}",
        0.0,
        evidence.smallest("movers-rise", "change"),
    )
    rows = evidence.table("flows", origin=other, destination=pole).to_pylist()
    if not rows:
        return [missing(blank, f"no scientist moved from {name(other)} to {name(pole)}")]
    return [log_counts(blank, evidence, {row["year"]: row["scientists"] for row in rows})]


def _seasoned(evidence: Evidence) -> Conditions:
    first, second = evidence.poles[:2]
    moves = evidence.table("moves")
    made = []
    for measure, word in PROFILE.items():
        what = f"Probability that a mover to {name(second)} exceeds one to {name(first)} in {word}"
        blank = Condition(what, 0.5, MORE_OFTEN)
        sides = [
            _within_years(moves.filter(pc.equal(moves["destination"], pole)), measure, moves)
            for pole in (second, first)
        ]
        made.append(superiority(blank, *sides))
    return made


def _within_years(rows: pa.Table, measure: str, everybody: pa.Table) -> NDArray[np.float64]:
    """Return a measure of movers less the median of all movers of the same year."""
    rows, everybody = (t.filter(pc.is_valid(t[measure])) for t in (rows, everybody))
    years, values = everybody["year"].to_numpy(), everybody[measure].to_numpy().astype(float)
    middle = {year: np.median(values[years == year]) for year in np.unique(years)}
    own: NDArray[np.float64] = rows[measure].to_numpy().astype(np.float64)
    return np.asarray(
        own - np.array([middle[year] for year in rows["year"].to_numpy()], dtype=float)
    )


#: Columns of a difference with its interval.
DIFFERENCE = ("difference", "low", "high")


def _outdo(which: int, evidence: Evidence) -> Conditions:
    pole, origin = evidence.pair(which)
    made = []
    for measure in ("citations_before", "papers_before"):
        what = f"Mean {PROFILE[measure]}, movers from {name(origin)} less stayers in {name(pole)},"
        blank = Condition(what, 0.0, 0.5)
        rows = evidence.table(
            "mover_contrasts", destination=pole, origin=origin, measure=measure
        ).to_pylist()
        if not rows:
            made.append(missing(blank, f"no scientist moved from {name(origin)} to {name(pole)}"))
        else:
            made.append(interval(blank, rows[0], DIFFERENCE))
    return made


def _contrast(measure: str, matters: float, evidence: Evidence) -> Conditions:
    made = []
    for which in (0, 1):
        lead, partner = evidence.pair(which)
        words = "Mean authors" if measure == "team_size" else "Share led by top institutions"
        blank = Condition(f"{words}, joint less other papers led by {name(lead)},", 0.0, matters)
        rows = evidence.table(
            "team_contrasts", lead=lead, partner=partner, measure=measure
        ).to_pylist()
        if not rows:
            made.append(missing(blank, f"no joint papers led by {name(lead)}, or no others"))
        else:
            made.append(interval(blank, rows[0], DIFFERENCE))
    return made


def _gains_more(evidence: Evidence) -> Conditions:
    what = "The second pole's gain less the first's, mean of the years, points,"
    blank = Condition(what, 0.0, evidence.smallest("second-gains-more", "percent"))
    effects = [
        {row["year"]: row["effect_percent"] for row in yearly(evidence, which)} for which in (0, 1)
    ]
    years = sorted(year for year in effects[0].keys() & effects[1].keys() if year <= LAST_APART)
    if not years:
        return [missing(blank, f"no year up to {LAST_APART} has both matched differences")]
    return [mean(blank, [effects[1][year] - effects[0][year] for year in years])]


def _control_pair(evidence: Evidence) -> Conditions:
    made = []
    for lead, partner in (CONTROL_PAIR, CONTROL_PAIR[::-1]):
        what = f"Impact gained by papers of {name(lead)} with {name(partner)}, in per cent,"
        matters = evidence.smallest("control-pair-gains-nothing", "percent")
        blank = Condition(what, 0.0, matters, log=True, origin=PERCENT)
        row = pooled(evidence, "matched", f"joint:{lead}+{partner}")
        if row is None:
            row = _placebo_pair(evidence, lead, partner)
        if row is None:
            why = "the pair has too few joint papers; name it under `[teaming] pairs`"
            made.append(missing(blank, why))
        else:
            made.append(interval(blank, row, EFFECT))
    return made


def _placebo_pair(evidence: Evidence, lead: str, partner: str) -> dict[str, Any] | None:
    if not evidence.has("placebo_pairs"):
        return None
    rows = evidence.table("placebo_pairs", lead=lead, partner=partner).to_pylist()
    return rows[0] if rows else None
