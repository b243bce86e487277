"""What every column means, in two sentences and a counting rule, as a page explains it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.report.terms import FUNNEL, NOVELTY, TERMS, Kind, in_study
from isthmus.report.words import RULES, word


@dataclass(frozen=True)
class Metric:
    """A column as a page shows it.

    Parameters
    ----------
    label
        Heading of the column and title of an axis.
    kind
        How its values are written.
    what
        Two sentences: what it is and how to read it.
    rule
        The counting rule.
    section
        Anchor of the methods page that says more.
    """

    label: str
    kind: Kind
    what: str
    rule: str
    section: str


_RULES = {
    "last_author": "A work counts once in each country of its last author.",
    "first_author": "A work counts once in each country of its first author.",
    "corresponding": "A work counts once in each country of its corresponding authors.",
    "any": "A work counts once in every country that any of its authors is in.",
}

_PAIR_RULE = "A work counts once for every pair of different countries among its authors."
_CITE_RULE = (
    "A reference counts once for every pair of a citing and a cited country, in the citing year."
)
_NULL_RULE = (
    "Counts are whole: a work once per pair of countries. The null model keeps each country's "
    "total, and for ecm also its number of partners."
)

_FIXED: dict[str, Metric] = {
    "country": Metric(
        "Country",
        "country",
        "Where the affiliation is. Codes are ISO 3166-1 alpha-2, merged as the study says.",
        "See each number.",
        "countries",
    ),
    "partner": Metric(
        "Partner",
        "country",
        "The other country of the pair. Choose it to see the pair year by year.",
        "See each number.",
        "countries",
    ),
    "year": Metric(
        "Year",
        "year",
        "Publication year of works; for citations the year of the citing work. "
        "Each year stands for itself.",
        "Calendar years.",
        "counting",
    ),
    "papers_whole": Metric(
        "Papers (whole)",
        "count",
        "Works with at least one author in the country. Countries add up to more than the world, "
        "because a joint work counts in each.",
        "Whole counting over all authors.",
        "counting",
    ),
    "papers_fractional": Metric(
        "Papers (fractional)",
        "number",
        "Works split evenly among the countries of their authors. Countries add up to the world.",
        "Fractional counting over all authors.",
        "counting",
    ),
    "hits": Metric(
        "Hits",
        "number",
        "Papers among the most cited of their year. Papers tied at the threshold share what is "
        "left, so the world's hits are exactly the set share of its papers.",
        "Attributed like papers; ties weighted.",
        "impact",
    ),
    "hit_share": Metric(
        "Share of hits",
        "share",
        "The country's part of the world's hits of the year. A work with two attributed countries "
        "counts in both.",
        "Attributed like papers; ties weighted.",
        "impact",
    ),
    "novelty_median": Metric(
        "Median novelty (z)",
        "number",
        "Median over the country's papers of a low percentile of their venue pairs' z. "
        "Lower is more novel: venues are combined that chance would rarely combine.",
        "Attributed like papers; papers with two usable references or more.",
        "novelty",
    ),
    "novel_hits": Metric(
        "Novelty hits",
        "number",
        "Papers among the most novel of their year. Ties at the threshold share what is left.",
        "Attributed like papers; ties weighted.",
        "novelty",
    ),
    "novel_share": Metric(
        "Share of novelty hits",
        "share",
        "The country's part of the world's novelty hits of the year. A work with two attributed "
        "countries counts in both.",
        "Attributed like papers; ties weighted.",
        "novelty",
    ),
    "scientists": Metric(
        "Scientists",
        "number",
        "Authors with enough works, most of them in the field, in the country of most of the "
        "year's affiliations. A tie that no earlier year settles is shared.",
        "One per author and year with a work.",
        "scientists",
    ),
    "works": Metric(
        "Works",
        "count",
        "Works of the field in the year. For a country, those with an author there.",
        "Whole counting over all authors.",
        "coverage",
    ),
    "share_with_country": Metric(
        "With a country",
        "share",
        "Share of the works for which at least one country is known. "
        "What is missing is in no country's numbers.",
        "Works.",
        "coverage",
    ),
    "share_with_references": Metric(
        "With references",
        "share",
        "Share of the works whose references the source lists. "
        "Works without them cite nobody in these numbers.",
        "Works.",
        "coverage",
    ),
    "references_known": Metric(
        "References known",
        "flag",
        "False in years whose references are absent or break off. "
        "What rests on citations over these years is unknown and left empty.",
        "Works.",
        "coverage",
    ),
    "authors_truncated": Metric(
        "Author list cut",
        "count",
        "Works whose author list the source cut short. Their last author may not be the true one.",
        "Works.",
        "coverage",
    ),
    "works_whole": Metric(
        "Joint papers (whole)",
        "count",
        "Works with authors in both countries. "
        "A work of many countries counts once for every pair of them.",
        _PAIR_RULE,
        "networks",
    ),
    "works_fractional": Metric(
        "Joint papers (fractional)",
        "number",
        "Works with authors in both countries, each counting one over its number of pairs. "
        "A work of many countries weighs one in all.",
        "Each work counts one in all, split evenly over its pairs of countries.",
        "networks",
    ),
    "works_single_author": Metric(
        "Carried by one author",
        "count",
        "Joint papers in which one person has affiliations in both countries and no two people "
        "join them. They are no teams.",
        _PAIR_RULE,
        "networks",
    ),
    "citations_whole": Metric(
        "Citations (whole)",
        "count",
        "References from works of one country to works of the other. "
        "Direction: source cites target.",
        _CITE_RULE,
        "networks",
    ),
    "citations_fractional": Metric(
        "Citations (fractional)",
        "number",
        "References, each counting one in all over the pairs of countries it joins. "
        "Direction: source cites target.",
        "Each reference counts one in all, split evenly over its pairs of countries.",
        "networks",
    ),
    "observed": Metric(
        "Observed",
        "count",
        "The weight of the link as counted. Compare it with what the null model expects.",
        _NULL_RULE,
        "nulls",
    ),
    "expected": Metric(
        "Expected",
        "number",
        "Mean weight of the link in networks that keep the countries' totals and are random "
        "otherwise. Observed above expected means closer than size explains.",
        _NULL_RULE,
        "nulls",
    ),
    "sd": Metric(
        "Standard deviation",
        "number",
        "Spread of the link's weight under the null model. It differs much between models.",
        _NULL_RULE,
        "nulls",
    ),
    "z": Metric(
        "z",
        "number",
        "Observed minus expected, in standard deviations of the null model. It grows with volume, "
        "so compare years by the log ratio.",
        _NULL_RULE,
        "nulls",
    ),
    "p_more": Metric(
        "p (more)",
        "p",
        "Chance of a link at least this strong under the null model. Small: more than expected.",
        _NULL_RULE,
        "nulls",
    ),
    "p_fewer": Metric(
        "p (fewer)",
        "p",
        "Chance of a link at most this strong under the null model. Small: fewer than expected.",
        _NULL_RULE,
        "nulls",
    ),
    "q": Metric(
        "q",
        "p",
        "False discovery rate at which the link is significant among all of its layer and year "
        "(Benjamini and Hochberg). Below 0.05: at most one in twenty of such links by chance.",
        _NULL_RULE,
        "nulls",
    ),
    "log_ratio": Metric(
        "Log ratio",
        "number",
        "Logarithm of observed over expected, both with a small constant added. "
        "Zero is as expected, 0.7 is twice, and years can be compared.",
        _NULL_RULE,
        "nulls",
    ),
    "archetype": Metric(
        "Archetype",
        "text",
        "How the pair moved: SC both rise, SD both fall, KI citation rises and collaboration "
        "falls, KD citation falls. Named by the pair's own trends; flat pairs are called flat.",
        "Trends of yearly series.",
        "archetypes",
    ),
    "stability": Metric(
        "Stability",
        "share",
        "Share of restarts and resamples in which the pair's cluster has the same archetype. "
        "Near one half it is a coin's toss.",
        "Over restarts and resamples.",
        "archetypes",
    ),
    "role": Metric(
        "Role",
        "text",
        "With which pole the country converges: one, both (a bridge) or none (apart). "
        "It follows from the archetypes with the poles.",
        "Per null model.",
        "archetypes",
    ),
    "effect_percent": Metric(
        "Difference, %",
        "number",
        "Mean outcome of matched treated papers relative to their controls, in per cent. "
        "The interval is a bootstrap over clusters.",
        "Treated weighted one, controls weighted to the treated of their stratum.",
        "matching",
    ),
    "scientists_moved": Metric(
        "Scientists moved",
        "count",
        "Scientists whose country changed from the origin to the destination between two "
        "consecutive observed years. The year is that of arrival.",
        "One per move.",
        "mobility",
    ),
    "null_model": Metric(
        "Null model",
        "text",
        "What a link is compared with. multiedge keeps totals only; ecm keeps totals and numbers "
        "of partners.",
        _NULL_RULE,
        "nulls",
    ),
}

_FINDING = {
    "verdict": "Supported, contradicted, undecided or not testable here. Why stands beside it.",
    "statement": "The claim in the words of this study. Its poles, its field, its years.",
    "said": "The paper's own sentence. The study at hand may be about something else.",
    "estimand": "What the number estimates. It was fixed before the data were seen.",
    "why": "The sentences behind the verdict. They name the number and its interval.",
    "estimate": "The number that decides. Of several, the one with the weakest evidence.",
    "q": "False discovery rate at which the claim would be supported. Over claims tested here.",
    "smallest": "Smallest effect of interest. Smaller ones do not make the claim worth saying.",
    "as_said": "Whether the interval includes the number that the paper states. A second answer.",
    "of_sizes": "Why sizes alone can make the claim true. Empty where they cannot.",
    "models": "What affinity and each null model say. Only opposite readings differ.",
    "placebo": "Share of placebo replays that show at least as much. More than 5 % is no evidence.",
    "counting": "What other rules of counting or attribution say. Only opposite readings differ.",
    "dropping": "What is left without one of the largest countries. Each is left out in turn.",
    "claim": "Short name of the claim. It is the same in every study.",
}

_PATTERNS: list[tuple[str, str, Kind, str, str]] = [
    (
        r"c(\d+)_sum",
        "Citations in {0} years",
        "count",
        "Citations the papers got in their year and the {0} after it, from any work of the "
        "corpus. Undefined, not zero, where the corpus ends earlier.",
        "impact",
    ),
    (
        r"c(\d+)_mean",
        "Citations per paper ({0} years)",
        "number",
        "Mean citations of a paper in its year and the {0} after it. Citations are heavy-tailed: "
        "a few papers can carry the mean.",
        "impact",
    ),
    (
        r"c(\d+)_papers",
        "Papers with known impact",
        "count",
        "Papers whose citation window of {0} years lies inside the corpus. "
        "The mean and the hits are over these.",
        "impact",
    ),
]


def metric(name: str, settings: Mapping[str, Any]) -> Metric:
    """Explain a column of a result table.

    Examples
    --------
    >>> metric("c2_mean", {"countries": {"attribution": "any"}}).label
    'Citations per paper (2 years)'
    """
    if name in _FIXED:
        return _FIXED[name]
    rule = _RULES[settings["countries"]["attribution"]]
    found = _papers(name, rule) or _impact(name, rule) or _interval(name, settings)
    if found is not None:
        return found
    if name in _FINDING:
        kind: Kind = "number" if name in ("estimate", "q", "smallest") else "text"
        return Metric(_words(name), kind, _FINDING[name], "One row per claim.", "findings")
    if name in TERMS:
        shown, how, what = TERMS[name]
        section = _section(name)
        return Metric(shown, how, in_study(what, settings), RULES[section], section)
    if (known := word(name)) is not None:
        return Metric(*known)
    return Metric(
        _words(name), _kind(name), f"Column `{name}` of the result table.", "See methods.", "tables"
    )


def _section(name: str) -> str:
    if name in NOVELTY or name in FUNNEL:
        return "novelty" if name in NOVELTY else "coverage"
    if name in ("index", "placebo_mean") or name.startswith("slope_"):
        return "archetypes"
    moving = ("returning", "active", "arrivals", "departures", "default", "smallest", "largest")
    return "mobility" if name in moving or name.endswith("_per_1000") else "matching"


def _words(name: str) -> str:
    """Write a column's name in words; the code of a pole keeps its capitals."""
    first, *rest = name.split("_")
    return " ".join([first.capitalize(), *(w if w.isupper() else w.lower() for w in rest)])


def _kind(name: str) -> Kind:
    """Give how a column without an entry is written; numbers that name things, as years are."""
    if name in ("source", "target", "origin", "destination", "country"):
        return "country"
    if name.endswith("_id") or name == "variant":
        return "year"
    if name == "p" or name.startswith("p_"):
        return "p"
    if name.startswith(("share", "rate")) or name.endswith(("_share", "_rate")):
        return "share"
    return "number"


def _papers(name: str, rule: str) -> Metric | None:
    match = re.fullmatch(
        r"papers_(last_author|first_author|corresponding|any)(_fractional|_share)?", name
    )
    if match is None:
        return None
    who, how = match[1].replace("_", " "), match[2]
    if how == "_fractional":
        what = f"Works by the country of the {who}, split evenly when there are several. "
        what += "Countries add up to the world."
        return Metric(
            f"Papers ({who}, fractional)", "number", what, "Fractional counting.", "counting"
        )
    if how == "_share":
        what = f"The country's part of the world's works, by the country of the {who}. "
        what += "The interval is Wilson's at 95 %."
        return Metric(f"Share of papers ({who})", "share", what, rule, "counting")
    what = f"Works whose {who} has an affiliation in the country. "
    what += "This is the study's rule of attribution."
    return Metric(f"Papers ({who})", "count", what, rule, "counting")


def _impact(name: str, rule: str) -> Metric | None:
    for pattern, label, kind, what, section in _PATTERNS:
        match = re.fullmatch(pattern, name)
        if match:
            return Metric(label.format(match[1]), kind, what.format(match[1]), rule, section)
    return None


def _interval(name: str, settings: Mapping[str, Any]) -> Metric | None:
    if name.endswith("_se") and word(name) is None:
        base = metric(name.removesuffix("_se"), settings)
        what = "The standard error of the sum, its units taken as drawn: papers with all their "
        what += f"citations, or people. {base.what}"
        return Metric(f"{base.label}, standard error", "number", what, base.rule, base.section)
    match = re.fullmatch(r"(.+)_(low|high)", name)
    if match is None or word(name) is not None:
        return None
    base = metric(match[1], settings)
    what = f"The {'lower' if match[2] == 'low' else 'upper'} end of the 95 % interval. {base.what}"
    return Metric(f"{base.label}, {match[2]}", base.kind, what, base.rule, base.section)
