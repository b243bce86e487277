"""Claims of AlShebli et al. on who leads: output, impact, hits, novelty, scientists."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from isthmus.findings.evidence import Evidence, listed, mean_interval, name, slope
from isthmus.findings.verdict import (
    Claim,
    Decision,
    above,
    below,
    count_ratio,
    survives,
    undecided,
)

STUDY = "AlShebli et al. 2024"

#: Years at either end that are compared for a change (the study speaks of the last five).
SPAN = 5

#: Part of the first pole's median novelty by which the second's may fall short and still be
#: called comparable.
COMPARABLE = 0.1

#: Columns as a sentence names them.
_WORDS = {
    "papers": "papers",
    "impact": "citations",
    "hits": "hits",
    "novel_hits": "novelty hits",
    "scientists": "scientists",
}


def claims() -> list[Claim]:
    """Give the claims on leadership."""
    leads = {
        "output": ("papers", "produce the most AI papers (25.2 % and 17.7 %)"),
        "impact": ("impact", "lead in impact; together 46.4 % of all citations"),
        "hits": ("hits", "have the largest shares of 1 % impact hits (43.9 % and 10.9 %)"),
        "novelty": ("novel_hits", "have the largest shares of novelty hits (23.2 %, 20.3 %)"),
        "scientists": ("scientists", "have the most AI scientists (94,363 and 105,103)"),
    }
    made = [
        Claim(
            name=f"poles-lead-{key}",
            statement=f"The U.S. and China {what}.",
            general=f"The poles come first among all countries in {key}.",
            source=STUDY,
            needs=("country_year",),
            rule="The smallest of the poles' totals exceeds every other country's; the interval of "
            "the ratio to the next country takes both as Poisson counts.",
            decide=_leading(measure),
        )
        for key, (measure, what) in leads.items()
    ]
    made.append(
        Claim(
            name="second-catches-up",
            statement="China caught up with the U.S. in yearly AI papers (by 2010).",
            general="The second pole's yearly output nears or passes the first's.",
            source=STUDY,
            needs=("country_year",),
            rule=f"The second pole's papers over the first's, last {SPAN} years over first {SPAN}; "
            "supported when this ratio of ratios lies above 1.",
            decide=_catching_up("papers"),
        )
    )
    made.append(
        Claim(
            name="second-catches-up-in-novelty",
            statement="China has caught up with the U.S. in its share of novelty hits.",
            general="The second pole's share of novelty hits nears or passes the first's.",
            source=STUDY,
            needs=("country_year",),
            rule=f"The second pole's novelty hits over the first's, last {SPAN} years over first "
            f"{SPAN}; supported when this ratio of ratios lies above 1.",
            decide=_catching_up("novel_hits"),
        )
    )
    made.append(
        Claim(
            name="second-as-novel",
            statement="The average novelty of China-based papers has been comparable to, if not "
            "greater than, that of U.S.-based papers.",
            general="The second pole's papers are as novel as the first's.",
            source=STUDY,
            needs=("country_year",),
            rule="Mean over the years of the second pole's `novelty_median` less the first's "
            f"(lower is more novel), below {COMPARABLE:.0%} of the first's mean size; Student "
            "interval.",
            decide=_as_novel,
        )
    )
    made += [
        Claim(
            name=f"impact-rises-{word}",
            statement=f"The average impact of {whose} papers has been on an upward trajectory.",
            general="The mean impact of a pole's papers rises over the years.",
            source=STUDY,
            needs=("country_year",),
            rule="Theil-Sen slope of the pole's yearly mean impact, above 0.",
            decide=_impact_rises(which),
        )
        for which, (word, whose) in enumerate((("first", "U.S.-based"), ("second", "China-based")))
    ]
    made.append(
        Claim(
            name="second-passes-in-scientists",
            statement="China has more AI scientists than the U.S., through growth in the last "
            "five years.",
            general="The second pole has more scientists than the first in the last years.",
            source=STUDY,
            needs=("country_year",),
            rule=f"Scientists summed over the last {SPAN} years, second pole over first, above 1.",
            decide=_more_scientists,
        )
    )
    made += [
        Claim(
            name="second-gains-hits",
            statement="China's share of hits has increased over time.",
            general="The second pole's share of hits rises.",
            source=STUDY,
            needs=("country_year",),
            rule=f"Share of hits, last {SPAN} years with known impact over the first {SPAN}, "
            "above 1; the interval takes the hits as Poisson counts.",
            decide=_hits_change(1, rising=True),
        ),
        Claim(
            name="first-loses-hits",
            statement="The U.S. has witnessed a slight decline in its share of hits.",
            general="The first pole's share of hits falls.",
            source=STUDY,
            needs=("country_year",),
            rule=f"Share of hits, first {SPAN} years with known impact over the last {SPAN}, "
            "above 1.",
            decide=_hits_change(0, rising=False),
        ),
    ]
    return made


def _column(evidence: Evidence, measure: str) -> str:
    names = {"papers": evidence.papers, "impact": f"{evidence.impact}_sum"}
    return names.get(measure, measure)


def _leading(measure: str) -> Callable[[Evidence], Decision]:
    def decide(evidence: Evidence) -> Decision:
        column = _column(evidence, measure)
        if column not in evidence.columns("country_year"):
            return undecided(f"`country_year` has no column `{column}`.")
        found = _first(evidence, column, _WORDS[measure])
        others = {}
        if measure == "papers":
            for other in (f"{column}_fractional", "papers_whole", "papers_fractional"):
                if other in evidence.columns("country_year"):
                    others[other] = _first(evidence, other, "papers")
        dropping = (
            "survives: without any one other country the poles lead by more"
            if found.verdict == "supported"
            else "not tested: it does not hold with all countries"
        )
        return found.checked(
            counting=survives(found, others),
            dropping=dropping,
            nulls="not tested: it rests on no null model",
            placebo="not tested: a placebo world has sizes too",
        )

    return decide


def _first(evidence: Evidence, column: str, word: str) -> Decision:
    totals = evidence.totals(column)
    poles = {code: totals.get(code, 0.0) for code in evidence.poles}
    rest = {code: total for code, total in totals.items() if code not in poles}
    if not rest or not any(totals.values()):
        return undecided(f"`{column}` is zero or unknown everywhere, or no other country is there.")
    last, next_ = min(poles, key=lambda c: poles[c]), max(rest, key=lambda c: rest[c])
    ratio = count_ratio(poles[last], rest[next_])
    share = sum(poles.values()) / sum(totals.values())
    what = f"{word.capitalize()} of {name(last)} over those of {name(next_)}, as a ratio,"
    found = above(*ratio, 1.0, what)
    more = f" {listed(evidence.poles)} have {100 * share:.1f} % of the sum over all countries."
    return Decision(found.verdict, found.why + more, found.estimate, found.low, found.high)


def _two_poles(evidence: Evidence) -> Decision | None:
    if len(evidence.poles) < 2:
        return undecided("It takes two poles; the study names one.")
    return None


def _catching_up(measure: str) -> Callable[[Evidence], Decision]:
    def decide(evidence: Evidence) -> Decision:
        if (none := _two_poles(evidence)) is not None:
            return none
        column, word = _column(evidence, measure), _WORDS[measure]
        if column not in evidence.columns("country_year"):
            return undecided(f"`country_year` has no column `{column}`.")
        found = _ratio_of_ratios(evidence, column, word)
        others: dict[str, Decision] = {
            other: _ratio_of_ratios(evidence, other, word)
            for other in ("papers_whole", "papers_fractional")
            if measure == "papers" and other in evidence.columns("country_year")
        }
        return found.checked(
            counting=survives(found, others),
            nulls="not tested: it rests on no null model",
            placebo="not tested: a placebo world has sizes too",
            dropping="survives: no other country enters it",
        )

    return decide


def _as_novel(evidence: Evidence) -> Decision:
    if (none := _two_poles(evidence)) is not None:
        return none
    series = []
    for code in evidence.poles[:2]:
        years, values = evidence.series("country_year", "novelty_median", country=code)
        series.append(dict(zip(years.tolist(), values.tolist(), strict=True)))
    first, second = series
    both = sorted(first.keys() & second.keys())
    if len(both) < 3:
        return undecided("The poles' median novelty is known for fewer than three common years.")
    gaps = np.array([second[year] - first[year] for year in both])
    margin = COMPARABLE * abs(float(np.mean([first[year] for year in both])))
    a, b = name(evidence.poles[1]), name(evidence.poles[0])
    what = f"The median novelty of {a} less that of {b} (lower is more novel)"
    return below(*mean_interval(gaps), margin, what).checked(
        nulls="not tested: it rests on no null model of networks",
        placebo="not tested: novelty has a null of its own",
        counting="not tested: novelty is attributed by one rule in these results",
        dropping="survives: medians do not hang on the largest",
    )


def _impact_rises(which: int) -> Callable[[Evidence], Decision]:
    def decide(evidence: Evidence) -> Decision:
        if which >= len(evidence.poles):
            return undecided("It takes two poles; the study names one.")
        code = evidence.poles[which]
        years, values = evidence.series("country_year", f"{evidence.impact}_mean", country=code)
        found = slope(years, values)
        return above(*found, 0.0, f"The yearly change of {name(code)}'s mean impact").checked(
            nulls="not tested: it rests on no null model",
            placebo="not tested: reference lists that grow raise everybody's citations",
            counting="not tested: impact is attributed by one rule in these results",
            dropping="survives: no other country enters it",
        )

    return decide


def _ratio_of_ratios(evidence: Evidence, column: str, word: str) -> Decision:
    first, second = evidence.poles[:2]
    ends = [evidence.ends(column, code, SPAN) for code in (second, first)]
    if min(min(pair) for pair in ends) <= 0:
        return undecided(f"One of the poles has no {word} at one end of the years.")
    (b_early, b_late), (a_early, a_late) = ends
    late, early = count_ratio(b_late, a_late), count_ratio(b_early, a_early)
    estimate = late[0] / early[0]
    spread = _log_half(late), _log_half(early)
    factor = math.exp(math.hypot(*spread))
    what = f"The rise of the {word} of {name(second)} over those of {name(first)}"
    return above(estimate, estimate / factor, estimate * factor, 1.0, what)


def _log_half(ratio: tuple[float, float, float]) -> float:
    return math.log(ratio[2] / ratio[0])


def _more_scientists(evidence: Evidence) -> Decision:
    if (none := _two_poles(evidence)) is not None:
        return none
    first, second = evidence.poles[:2]
    a, b = (evidence.ends("scientists", code, SPAN)[1] for code in (first, second))
    if not a and not b:
        return undecided("`scientists` is zero or unknown for both poles.")
    what = f"Scientists of {name(second)} over those of {name(first)}, last {SPAN} years"
    found = above(*count_ratio(b, a), 1.0, what)
    return found.checked(
        nulls="not tested: it rests on no null model",
        placebo="not tested: a placebo world has sizes too",
        counting="not tested: scientists have one rule of counting",
        dropping="survives: no other country enters it",
    )


def _hits_change(which: int, *, rising: bool) -> Callable[[Evidence], Decision]:
    def decide(evidence: Evidence) -> Decision:
        if (none := _two_poles(evidence)) is not None:
            return none
        code = evidence.poles[which]
        early, late = evidence.ends("hits", code, SPAN)
        years, shares = evidence.series("country_year", "hit_share", country=code)
        if len(years) < 2:
            return undecided(f"Hits of {name(code)} are known for fewer than two years.")
        first, last = years < years.min() + SPAN, years > years.max() - SPAN
        if not early or not late:
            return undecided(f"{name(code)} has no hits at one end of the years.")
        change = float(shares[last].mean() / shares[first].mean())
        change = change if rising else 1 / change
        factor = math.exp(_log_half(count_ratio(late, early)))
        what = f"{name(code)}'s share of hits, {'last over first' if rising else 'first over last'}"
        found = above(change, change / factor, change * factor, 1.0, what)
        return found.checked(
            nulls="not tested: it rests on no null model",
            placebo="not tested: a placebo world has sizes too",
            counting="not tested: hits are attributed by one rule in these results",
            dropping="not tested: the tables hold no single papers",
        )

    return decide
