"""Claims of AlShebli et al. on who leads: output, impact, hits, novelty, scientists."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from isthmus.findings.estimates import missing, ratio, slope, too_few
from isthmus.findings.evidence import SPAN, Evidence, name
from isthmus.findings.verdict import Claim, Condition, Conditions
from isthmus.stats.ratios import Total

STUDY = "AlShebli et al. 2024"

#: A pole has caught up when its total reaches the other's, and nine tenths of it are excluded.
NEARLY = 0.9

#: The second pole's papers are as novel when nine tenths as many are hits, and eight tenths
#: are excluded.
COMPARABLE, LESS_NOVEL = 0.9, 0.8

#: What is counted, as a sentence names it.
WORDS = {
    "output": "papers",
    "impact": "citations",
    "hits": "papers among the most cited",
    "novelty": "papers among the most novel",
    "scientists": "scientists",
}

#: The paper's own sentences on who leads.
_SAID = {
    "output": "The U.S. and China produce the most AI papers (25.2 % and 17.7 %).",
    "impact": "The U.S. and China lead in impact; together 46.4 % of all citations.",
    "hits": "The U.S. and China have the largest shares of 1 % impact hits (43.9 %, 10.9 %).",
    "novelty": "The U.S. and China have the largest shares of novelty hits (23.2 %, 20.3 %).",
    "scientists": "The U.S. and China have the most AI scientists (94,363 and 105,103).",
}

_SIZES = "whoever has most papers leads, whatever else happens"
_GROWTH = "countries that grow faster gain on the others, whatever else happens"


def claims(evidence: Evidence) -> list[Claim]:
    """Return the claims on leadership."""
    return [*_leads(evidence), *_catches_up(evidence), *_impact(evidence), *_hits(evidence)]


def _leads(evidence: Evidence) -> list[Claim]:
    words = evidence.words
    come = "comes" if len(evidence.poles) == 1 else "come"
    return [
        Claim(
            name=f"poles-lead-{key}",
            statement=f"{words.the_poles} {come} first among all countries in {word} "
            f"({words.field}).",
            said=said,
            source=STUDY,
            needs=("country_year",),
            estimand=f"{word.capitalize()} of the smaller pole over those of the largest other "
            "country, summed over the years.",
            of_sizes=_SIZES,
            measure=partial(_leading, key),
            counting=_other_papers(partial(_leading, key)) if key == "output" else None,
            missing="poles" if key in ("output", "hits") else "",
        )
        for key, word in WORDS.items()
        for said in [_SAID[key]]
    ]


def _catches_up(evidence: Evidence) -> list[Claim]:
    first, second = evidence.words.first, evidence.words.second
    made = []
    for key, suffix, said in (
        ("output", "", "China caught up with the U.S. in yearly AI papers (by 2010)."),
        ("novelty", "-in-novelty", "China has caught up with the U.S. in its share of novelty "
         "hits."),
    ):  # fmt: skip
        made.append(
            Claim(
                name=f"second-catches-up{suffix}",
                statement=f"{second} has caught up with {first} in {WORDS[key]}.",
                said=said,
                source=STUDY,
                needs=("country_year",),
                estimand=f"{WORDS[key].capitalize()} of {second} over those of {first}: below 1 "
                f"in the first {SPAN} years, at least 1 in the last {SPAN} ({NEARLY} excluded).",
                of_sizes=_GROWTH,
                measure=partial(_caught_up, key),
                counting=_other_papers(partial(_caught_up, key)) if key == "output" else None,
                missing="two poles" if key == "output" else "",
            )
        )
    made.append(
        Claim(
            name="second-passes-in-scientists",
            statement=f"{second} has more scientists than {first} in the last years.",
            said="China has more AI scientists than the U.S., through growth in the last five "
            "years.",
            source=STUDY,
            needs=("country_year",),
            estimand=f"Scientists of {second} over those of {first}, last {SPAN} years.",
            of_sizes=_GROWTH,
            measure=_more_scientists,
        )
    )
    return made


def _impact(evidence: Evidence) -> list[Claim]:
    words = evidence.words
    made = [
        Claim(
            name=f"impact-rises-{which}",
            statement=f"The average impact of papers from {pole} rises relative to that of all "
            "other countries.",
            said=f"The average impact of {whose} papers has been on an upward trajectory.",
            source=STUDY,
            needs=("country_year",),
            estimand=f"Yearly change of the log of mean citations of papers from {pole} over "
            "those of all other countries in the same year, so that longer reference lists, "
            "which raise everybody's citations, do not count.",
            measure=partial(_impact_rises, place),
        )
        for place, (which, pole, whose) in enumerate(
            (("first", words.first, "U.S.-based"), ("second", words.second, "China-based"))
        )
    ]
    made.append(
        Claim(
            name="second-as-novel",
            statement=f"Papers from {words.second} are about as often highly novel as papers "
            f"from {words.first}, or more often.",
            said="The average novelty of China-based papers has been comparable to, if not "
            "greater than, that of U.S.-based papers.",
            source=STUDY,
            needs=("country_year",),
            estimand=f"Share of {words.second}'s papers among the most novel over {words.first}'s"
            f" share; at least {COMPARABLE}, with {LESS_NOVEL} excluded.",
            of_sizes="where novelty differs by nothing, both are equally novel",
            measure=_as_novel,
        )
    )
    return made


def _hits(evidence: Evidence) -> list[Claim]:
    words = evidence.words
    return [
        Claim(
            name=key,
            statement=f"{pole}'s share of the most cited papers has {verb}.",
            said=said,
            source=STUDY,
            needs=("country_year",),
            estimand=f"{pole}'s share of all hits, last {SPAN} years with known impact over the "
            f"first {SPAN}.",
            of_sizes=_GROWTH,
            measure=partial(_hits_change, place, rising),
            missing="two poles",
        )
        for key, place, pole, verb, rising, said in (
            ("second-gains-hits", 1, words.second, "increased", True,
             "China's share of hits has increased over time."),
            ("first-loses-hits", 0, words.first, "declined", False,
             "The U.S. has witnessed a slight decline in its share of hits."),
        )
    ]  # fmt: skip


def _column(evidence: Evidence, key: str) -> str:
    names = {"output": evidence.papers, "impact": f"{evidence.impact}_sum", "novelty": "novel_hits"}
    return names.get(key, key)


def _other_papers(
    measure: partial[Conditions],
) -> Callable[[Evidence], Mapping[str, Conditions]]:
    def counting(evidence: Evidence) -> Mapping[str, Conditions]:
        there = evidence.columns("country_year")
        columns = (f"{evidence.papers}_fractional", "papers_whole", "papers_fractional")
        return {c: measure(evidence, column=c) for c in columns if c in there}

    return counting


def _leading(key: str, evidence: Evidence, column: str | None = None) -> Conditions:
    column = column or _column(evidence, key)
    word = WORDS[key].capitalize()
    blank = Condition(f"{word}, pole over next", 1.0, evidence.smallest_ratio, log=True)
    totals = evidence.totals(column)
    poles = {code: totals.get(code, 0.0) for code in evidence.poles}
    rest = {code: total for code, total in totals.items() if code not in poles}
    if not any(totals.values()):
        return [missing(blank, evidence.why_null("country_year", column))]
    if not rest or not any(rest.values()):
        return [too_few(blank, "no other country has any")]
    least, next_ = min(poles, key=lambda c: poles[c]), max(rest, key=lambda c: rest[c])
    blank = replace(blank, what=f"{word} of {name(least)} over those of {name(next_)}")
    return [ratio(blank, [evidence.total(column, least)], [evidence.total(column, next_)])]


def _caught_up(key: str, evidence: Evidence, column: str | None = None) -> Conditions:
    column = column or _column(evidence, key)
    first, second = evidence.poles[:2]
    word = f"{WORDS[key].capitalize()} of {name(second)} over those of {name(first)}"
    behind = Condition(
        f"{word}, first {SPAN} years", 1.0, 1 / evidence.smallest_ratio, above=False, log=True
    )
    level = Condition(f"{word}, last {SPAN} years", NEARLY, 1.0, log=True)
    if column not in evidence.columns("country_year"):
        return [missing(level, evidence.why_null("country_year", column))]
    if not any(evidence.totals(column).values()):
        return [missing(level, evidence.why_null("country_year", column))]
    return [
        ratio(blank, [evidence.total(column, second, at)], [evidence.total(column, first, at)])
        for at, blank in (("first", behind), ("last", level))
    ]


def _more_scientists(evidence: Evidence) -> Conditions:
    first, second = evidence.poles[:2]
    what = f"Scientists of {name(second)} over those of {name(first)}, last {SPAN} years"
    blank = Condition(what, 1.0, evidence.smallest_ratio, log=True)
    if not any(evidence.totals("scientists").values()):
        return [missing(blank, evidence.why_null("country_year", "scientists"))]
    ends = [evidence.total("scientists", code, "last") for code in (second, first)]
    return [ratio(blank, ends[:1], ends[1:])]


def _impact_rises(which: int, evidence: Evidence) -> Conditions:
    code, cited = evidence.poles[which], evidence.impact
    blank = Condition(
        f"The yearly change of the log of {name(code)}'s mean impact over that of others",
        0.0,
        evidence.smallest("impact-rises", "change"),
    )
    own, rest = evidence.against_others(code)
    if not own:
        return [missing(blank, evidence.why_null("country_year", f"{cited}_sum"))]
    years = sorted(year for year in own if year in rest and own[year][1] and rest[year][1])
    values = [math.log(own[y][1] / own[y][0] / (rest[y][1] / rest[y][0])) for y in years]
    errors = [math.hypot(error_of_log_mean(*own[y]), error_of_log_mean(*rest[y])) for y in years]
    return [slope(blank, years, values, errors)]


def error_of_log_mean(papers: float, total: float, error: float) -> float:
    """Return the error of the log of mean citations, from the error of their sum.

    That of a sum holds how many papers there are, which a mean does not. Citations vary at
    least as Poisson counts do.

    Examples
    --------
    >>> round(error_of_log_mean(4, 8.0, 32**0.5), 3)  # citations 0, 0, 4 and 4: 4 / 8
    0.5
    """
    return math.sqrt(max(error**2 - total**2 / papers, total)) / total


def _as_novel(evidence: Evidence) -> Conditions:
    first, second = evidence.poles[:2]
    what = f"Share of {name(second)}'s papers among the most novel over {name(first)}'s"
    blank = Condition(what, LESS_NOVEL, COMPARABLE, log=True)
    if "novel_hits" not in evidence.columns("country_year"):
        return [missing(blank, evidence.why_null("country_year", "novel_hits"))]
    hits = [evidence.total("novel_hits", code) for code in (second, first)]
    papers = [evidence.totals("novelty_papers").get(code, 0.0) for code in (second, first)]
    if not all(papers):
        return [missing(blank, evidence.why_null("country_year", "novelty_papers"))]
    certain = [(count, 0.0) for count in papers]
    return [ratio(blank, [hits[0], certain[1]], [hits[1], certain[0]])]


def _hits_change(which: int, rising: bool, evidence: Evidence) -> Conditions:
    code, factor = evidence.poles[which], evidence.smallest_ratio
    blank = Condition(
        f"{name(code)}'s share of hits, last {SPAN} years over first {SPAN}",
        1.0,
        factor if rising else 1 / factor,
        above=rising,
        log=True,
    )
    if not any(evidence.totals("hits").values()):
        return [missing(blank, evidence.why_null("country_year", "hits"))]
    quotas = [_all_hits(evidence, at) for at in ("last", "first")]
    own = [evidence.total("hits", code, at) for at in ("last", "first")]
    return [ratio(blank, [own[0], quotas[1]], [own[1], quotas[0]])]


def _all_hits(evidence: Evidence, span: str) -> Total:
    """Return the hits of all countries, a fixed part of all papers and so without error."""
    years = sorted(set(evidence.series("country_year", "hits")[0].tolist()))
    inside = set(years[:SPAN] if span == "first" else years[-SPAN:])
    rows = evidence.table("country_year").select(["year", "hits"]).to_pylist()
    return sum(row["hits"] or 0.0 for row in rows if row["year"] in inside), 0.0
