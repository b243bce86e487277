"""Claims of AlShebli et al. on who the movers are and what joint papers look like."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.findings.evidence import Evidence, mean_interval, name, slope
from isthmus.findings.moving import STUDY, experiment, placebo_effect
from isthmus.findings.verdict import Z_95, Claim, Decision, above, all_of, undecided, wilson

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

#: Standard error of a median over its interquartile range and root n: 1.25 / 1.35, as for
#: notches of box plots (McGill, Tukey and Larsen 1978).
MEDIAN_ERROR = 1.25 / 1.35

_NO_NULL = "not tested: it rests on no null model of networks"
_OWN = "survives: no other country enters it"
_TWO = "It takes two poles; the study names one."


def claims() -> list[Claim]:
    """Give the claims on movers' numbers and profiles, and on joint papers' teams."""
    return [*_movers(), *_profiles(), *_papers()]


def _claim(key: str, statement: str, general: str, rule: str, **rest: Any) -> Claim:
    return Claim(name=key, statement=statement, general=general, source=STUDY, rule=rule, **rest)


def _movers() -> list[Claim]:
    statements = (
        "Ever more AI scientists migrate from China to the U.S., rapidly over the past decade.",
        "Ever more AI scientists migrate from the U.S. to China, steadily over two decades.",
    )
    return [
        _claim(
            f"movers-rise-{word}",
            statement,
            "More and more scientists move from one pole to the other.",
            "Theil-Sen slope of the yearly moves between the poles, years without any as 0, "
            "above 0.",
            needs=("flows",),
            decide=_rising(which),
        )
        for which, (word, statement) in enumerate(zip(("first", "second"), statements, strict=True))
    ]


def _profiles() -> list[Claim]:
    rule = "Difference of the medians of career age, citations and papers before the move, each "
    rule += "above 0; standard errors of medians from their quartiles."
    made = [
        _claim(
            "second-attracts-seasoned",
            "China is attracting AI scientists that are more experienced, more impactful, and "
            "more productive than those attracted to the U.S.",
            "The second pole attracts more seasoned scientists than the first.",
            rule,
            needs=("mover_profiles",),
            decide=_seasoned,
        )
    ]
    statements = (
        "U.S.-based scientists who migrate from China have greater experience, impact and "
        "productivity than those who do not.",
        "China-based scientists who migrate from the U.S. have greater experience, impact and "
        "productivity than those who do not.",
    )
    for which, (word, statement) in enumerate(zip(("first", "second"), statements, strict=True)):
        made.append(
            _claim(
                f"movers-outdo-stayers-{word}",
                statement,
                "Scientists who came from the other pole are more seasoned than those who stayed.",
                rule,
                needs=("mover_profiles",),
                decide=_outdo(which),
            )
        )
    return made


def _papers() -> list[Claim]:
    return [
        _claim(
            "joint-teams-larger",
            "Teams that involve collaborations between the two countries are larger on average.",
            "Joint papers of the poles have more authors than the other papers they lead.",
            "Difference of the mean numbers of authors, above 0 for either lead (Welch interval).",
            needs=("team_sizes",),
            decide=_larger,
        ),
        _claim(
            "joint-led-by-top",
            "The last author is more likely to be at a top-100 institution when the paper "
            "involves both countries.",
            "Joint papers of the poles are led more often by the most cited institutions.",
            "Difference of the shares, above 0 for either lead (Newcombe's interval).",
            needs=("top_institutions",),
            decide=_top,
        ),
        _claim(
            "second-gains-more",
            f"China benefited more from joint papers than the U.S. up until {LAST_APART}.",
            f"Up to {LAST_APART} the second pole's premium exceeds the first's.",
            "Mean yearly difference of the two matched effects, above 0 (Student interval over "
            "the years).",
            needs=("matched",),
            decide=_gains_more,
        ),
        _claim(
            "control-pair-gains-nothing",
            "There is no evidence that South Korea and Canada are more impactful together.",
            "A pair as far apart in time as the poles shows no premium.",
            "In `placebo_pairs` neither order of the pair has an interval above 0 %.",
            needs=("placebo_pairs",),
            decide=_control_pair,
        ),
    ]


def _ends(evidence: Evidence, which: int) -> tuple[str, str] | None:
    """Give the pole and the other pole, None when the study names one."""
    if len(evidence.poles) < 2:
        return None
    first, second = evidence.poles[:2]
    return (first, second) if which == 0 else (second, first)


def _rising(which: int) -> Callable[[Evidence], Decision]:
    def decide(evidence: Evidence) -> Decision:
        if (ends := _ends(evidence, which)) is None:
            return undecided(_TWO)
        pole, other = ends
        rows = evidence.table("flows", origin=other, destination=pole).to_pylist()
        if not rows:
            return undecided(f"No scientist is seen to move from {name(other)} to {name(pole)}.")
        moves = {row["year"]: row["scientists"] for row in rows}
        years = np.arange(evidence.years[0], evidence.years[1] + 1)
        found = slope(years.astype(float), np.array([float(moves.get(y, 0)) for y in years]))
        what = f"The yearly change of moves from {name(other)} to {name(pole)}"
        return above(*found, 0.0, what).checked(
            nulls=_NO_NULL,
            placebo="not tested: a field that grows has more moves",
            dropping=_OWN,
        )

    return decide


Row = Mapping[str, Any]


def _profile(evidence: Evidence, pole: str, origin: str, group: str) -> dict[str, Row]:
    rows = evidence.table("mover_profiles", destination=pole, origin=origin, group=group)
    return {row["measure"]: row for row in rows.to_pylist()}


def _medians(one: Mapping[str, Row], other: Mapping[str, Row], what: str) -> Decision:
    """Decide that the medians of one group exceed those of the other in every measure."""
    found = []
    for measure, words in PROFILE.items():
        if measure not in one or measure not in other:
            return undecided(f"`mover_profiles` has no {words} for one of the groups.")
        a, b = one[measure], other[measure]
        gap = float(a["median"]) - float(b["median"])
        half = Z_95 * math.hypot(_median_error(a), _median_error(b))
        found.append(above(gap, gap - half, gap + half, 0.0, f"Median {words}, {what},"))
    return all_of(found, "Measures in which they exceed").checked(
        nulls=_NO_NULL,
        placebo="not tested: no placebo moves anybody",
        dropping="survives: medians do not hang on the largest",
    )


def _median_error(row: Row) -> float:
    return MEDIAN_ERROR * float(row["q75"] - row["q25"]) / math.sqrt(row["n"])


def _seasoned(evidence: Evidence) -> Decision:
    if (ends := _ends(evidence, 1)) is None:
        return undecided(_TWO)
    one, other = (_profile(evidence, pole, "all", "movers") for pole in ends)
    return _medians(one, other, f"movers to {name(ends[0])} less those to {name(ends[1])}")


def _outdo(which: int) -> Callable[[Evidence], Decision]:
    def decide(evidence: Evidence) -> Decision:
        if (ends := _ends(evidence, which)) is None:
            return undecided(_TWO)
        pole, origin = ends
        movers = _profile(evidence, pole, origin, "movers")
        stayers = _profile(evidence, pole, "all", "stayers")
        what = f"movers from {name(origin)} less stayers in {name(pole)}"
        return _medians(movers, stayers, what)

    return decide


def _sides(rows: Sequence[Row], lead: str, partner: str) -> tuple[list[Row], list[Row]]:
    ours = [row for row in rows if row["lead"] == lead]
    joint = [row for row in ours if row["group"] == partner]
    return joint, [row for row in ours if row["group"] != partner]


def _either_lead(
    evidence: Evidence, table: str, one: Callable[[list[Row], list[Row], str], Decision]
) -> Decision:
    if len(evidence.poles) < 2:
        return undecided(_TWO)
    rows = evidence.table(table).to_pylist()
    found = []
    for which in (0, 1):
        lead, partner = _ends(evidence, which) or ("", "")
        joint, others = _sides(rows, lead, partner)
        led = f"led by {name(lead)}"
        if not sum(r["papers"] for r in joint) or not sum(r["papers"] for r in others):
            found.append(undecided(f"There are no joint papers {led}, or no others."))
        else:
            found.append(one(joint, others, led))
    return all_of(found, "Leading poles").checked(
        nulls=_NO_NULL,
        placebo="not tested: a description of papers, not an effect",
        dropping=_OWN,
    )


def _larger(evidence: Evidence) -> Decision:
    return _either_lead(evidence, "team_sizes", _mean_gap)


def _mean_gap(joint: list[Row], others: list[Row], led: str) -> Decision:
    (a, error_a), (b, error_b) = _mean_size(joint), _mean_size(others)
    half = Z_95 * math.hypot(error_a, error_b)
    what = f"Mean authors of joint papers {led} less those of the others"
    return above(a - b, a - b - half, a - b + half, 0.0, what)


def _mean_size(rows: list[Row]) -> tuple[float, float]:
    """Give the mean team size and its standard error; NaN for fewer than two papers."""
    size = np.array([float(row["team_size"]) for row in rows])
    papers = np.array([float(row["papers"]) for row in rows])
    n = papers.sum()
    mean = float((size * papers).sum() / n)
    if n < 2:
        return mean, math.nan
    return mean, math.sqrt(float((papers * (size - mean) ** 2).sum()) / (n - 1) / n)


def _top(evidence: Evidence) -> Decision:
    return _either_lead(evidence, "top_institutions", _share_gap)


def _share_gap(joint: list[Row], others: list[Row], led: str) -> Decision:
    """Decide a difference of shares with the interval of Newcombe (1998, method 10)."""
    shares = []
    for rows in (joint, others):
        k, n = (sum(r[c] for r in rows) for c in ("papers_top_institution", "papers"))
        shares.append((k / n, *wilson(k, n)))
    (a, a_low, a_high), (b, b_low, b_high) = shares
    low, high = a - b - math.hypot(a - a_low, b_high - b), a - b + math.hypot(a_high - a, b - b_low)
    what = f"Share of joint papers {led} by top institutions less that of the others"
    return above(a - b, low, high, 0.0, what)


def _gains_more(evidence: Evidence) -> Decision:
    effects = [_yearly_effects(evidence, which) for which in (0, 1)]
    years = sorted(y for y in effects[0].keys() & effects[1].keys() if y <= LAST_APART)
    if len(years) < 3:
        return undecided(f"Fewer than three years up to {LAST_APART} have both matched effects.")
    gaps = np.array([effects[1][year] - effects[0][year] for year in years])
    what = f"The second pole's effect less the first's, mean of {len(years)} years, in points,"
    return above(*mean_interval(gaps), 0.0, what).checked(nulls=_NO_NULL, dropping=_OWN)


def _yearly_effects(evidence: Evidence, which: int) -> dict[int, float]:
    ends = _ends(evidence, which)
    label = experiment(evidence, *ends) if ends else None
    if label is None:
        return {}
    rows: pa.Table = evidence.table("matched", experiment=label)
    known = pc.and_(pc.is_valid(rows["year"]), pc.is_valid(rows["effect_percent"]))
    return {row["year"]: row["effect_percent"] for row in rows.filter(known).to_pylist()}


def _control_pair(evidence: Evidence) -> Decision:
    one, other = CONTROL_PAIR
    found = [placebo_effect(evidence, a, b) for a, b in ((one, other), (other, one))]
    there = [decision for decision in found if decision is not None]
    if len(there) < 2:
        return undecided(
            f"`placebo_pairs` does not hold {name(one)} and {name(other)} in both orders; name "
            "them under `[teaming] pairs`, or take a corpus with more of their papers."
        )
    why = " ".join(decision.why for decision in there)
    gains = [decision for decision in there if decision.verdict == "supported"]
    shown = gains[0] if gains else there[0]
    verdict = "not supported" if gains else "supported"
    if any(decision.low is None for decision in there):
        verdict = "undecided"
    return shown.checked(verdict=verdict, why=why, nulls=_NO_NULL)
