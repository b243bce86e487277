"""Meanings of the columns that say how a number was reached: settings, tests, checks, ranks."""

from __future__ import annotations

import re

from isthmus.report.pole_words import BY_POLE, POLE_WORDS, Term
from isthmus.report.published_counts_words import COMPARISON_WORDS

_PAIR = "Matched units, weighted; whole counts."
_UNIT = "One per paper led by the country; movers are counted by scientist."
_MOVE = "One per move of a scientist."

WORDS: dict[str, Term] = {
    "ci_low": (
        "Effect, low",
        "number",
        "Lower end of the effect's 95 % interval, in per cent. Bootstrap over institutions, or "
        "over scientists for movers.",
        _PAIR,
        "matching",
    ),
    "ci_high": (
        "Effect, high",
        "number",
        "Upper end of the effect's 95 % interval, in per cent. Bootstrap over institutions, or "
        "over scientists for movers.",
        _PAIR,
        "matching",
    ),
    "p": (
        "p",
        "p",
        "Chance of a difference this large without an effect. By the interval for matched effects, "
        "share of replays for the placebo.",
        _PAIR,
        "matching",
    ),
    "effective_clusters": (
        "Effective clusters",
        "number",
        "Institutions, or matched groups, that the effect rests on, were they of one size. "
        "Below six there is no interval.",
        "The smaller of the two sides.",
        "matching",
    ),
    "reason": (
        "Why no interval",
        "text",
        "Why there is no interval. Empty when there is one.",
        "Per comparison.",
        "matching",
    ),
    "note": (
        "Note",
        "text",
        "Why a number is missing or weak. Empty where nothing needs saying.",
        "One per row.",
        "matching",
    ),
    "covariate": (
        "Covariate",
        "text",
        "What the two sides are made alike in. Year and institution match exactly, team size "
        "within classes.",
        _PAIR,
        "matching",
    ),
    "mean_control_unweighted": (
        "Mean, control, unweighted",
        "number",
        "Mean of the matched controls without weights. It shows how much the weights change.",
        "Whole counts of citations.",
        "matching",
    ),
    "log_mean_difference": (
        "Difference of mean logs",
        "number",
        "Difference of the means of log(1 + citations). A few papers cannot carry it.",
        _PAIR,
        "matching",
    ),
    "log_mean_p": (
        "p of the mean logs",
        "p",
        "Chance of such a difference of mean logs without an effect. Welch's test.",
        _PAIR,
        "matching",
    ),
    "median_treated": (
        "Median, treated",
        "number",
        "Median outcome of the matched treated units. A few papers cannot carry it.",
        _UNIT,
        "matching",
    ),
    "median_control": (
        "Median, control",
        "number",
        "Weighted median outcome of the matched controls. A few papers cannot carry it.",
        _PAIR,
        "matching",
    ),
    "hit_share_treated": (
        "Hits among treated",
        "share",
        "Share of the matched treated papers that are hits. Hits are the study's top per cent.",
        _UNIT,
        "matching",
    ),
    "hit_share_control": (
        "Hits among controls",
        "share",
        "Weighted share of the matched controls that are hits. Compare it with the treated's.",
        _PAIR,
        "matching",
    ),
    "hit_p": (
        "p of the hit shares",
        "p",
        "Chance of such a difference of hit shares without an effect. From the weighted shares.",
        _PAIR,
        "matching",
    ),
    "common_support_before": (
        "Common support before",
        "share",
        "Share of the cells of covariates that hold both sides before matching. Higher is better.",
        "Cells, each once.",
        "matching",
    ),
    "common_support_after": (
        "Common support after",
        "share",
        "Share of the cells of covariates that hold both sides after matching. Higher is better.",
        "Cells, each once.",
        "matching",
    ),
    "e_value_interval": (
        "E-value of the interval",
        "number",
        "How strong an unseen cause must be to move the interval to no effect. 1 means it is "
        "there already.",
        _PAIR,
        "matching",
    ),
    "poisson_percent": (
        "Poisson effect, %",
        "number",
        "The effect from a Poisson regression on all papers, matched or not. It keeps what "
        "matching drops.",
        _UNIT,
        "matching",
    ),
    "poisson_low": (
        "Poisson effect, low",
        "number",
        "Lower end of the Poisson effect's 95 % interval, in per cent. Errors are clustered by "
        "institution.",
        _UNIT,
        "matching",
    ),
    "poisson_high": (
        "Poisson effect, high",
        "number",
        "Upper end of the Poisson effect's 95 % interval, in per cent. Errors are clustered by "
        "institution.",
        _UNIT,
        "matching",
    ),
    "poisson_separated": (
        "Papers set aside by the regression",
        "count",
        "Papers whose institution, year and team size leave their citations no mean but zero. "
        "The Poisson regression drops them first.",
        "One per paper.",
        "matching",
    ),
    "poisson_reason": (
        "Why no Poisson estimate",
        "text",
        "Why the regression gives no estimate or no interval. Empty when it gives both.",
        "Per comparison.",
        "matching",
    ),
    "poisson_p": (
        "p of the Poisson effect",
        "p",
        "Chance of such a Poisson effect without one. Errors are clustered by institution.",
        _UNIT,
        "matching",
    ),
    "unmatched": (
        "Unmatched",
        "count",
        "Joint papers for which no paper alike exists. The effect says nothing about these.",
        _UNIT,
        "matching",
    ),
    "institution_id": (
        "Institution, id",
        "year",
        "Identifier of the institution in the source. Empty when the affiliation is unknown.",
        "The institution of the deciding author with the smallest id.",
        "matching",
    ),
    "institution": (
        "Institution",
        "text",
        "Name of the institution in the source. Empty when the source has none.",
        "The institution of the deciding author with the smallest id.",
        "matching",
    ),
    "title": (
        "Title",
        "text",
        "Title of the work as the source writes it. Nothing in it is changed.",
        "One per work.",
        "impact",
    ),
    "work_id": (
        "Work, id",
        "year",
        "Identifier of the work in the source. For OpenAlex the number after the W.",
        "One per work.",
        "data",
    ),
    "rank": (
        "Rank",
        "count",
        "Place by citations, the most cited first. Ties go to the smaller identifier.",
        "Citations within the study's window.",
        "impact",
    ),
    "citations": (
        "Citations",
        "count",
        "Citations within the study's window. From any work of the corpus.",
        "Whole counts.",
        "impact",
    ),
    "papers": (
        "Papers",
        "count",
        "Works in the row's group. Works whose impact is not yet known are left out of "
        "comparisons.",
        "A work once in each group it belongs to.",
        "counting",
    ),
    "papers_top_institution": (
        "Led by top institutions",
        "count",
        "Those of the papers whose deciding author is at one of the most cited institutions. How "
        "many are top is a setting.",
        _UNIT,
        "matching",
    ),
    "others": (
        "Other papers",
        "count",
        "Papers of the same leading country and year outside the group. The p beside them is that "
        "of Fisher's exact test.",
        _UNIT,
        "matching",
    ),
    "others_top_institution": (
        "Others led by top institutions",
        "count",
        "Those of the other papers whose deciding author is at one of the most cited institutions. "
        "How many are top is a setting.",
        _UNIT,
        "matching",
    ),
    "lead": (
        "Led by",
        "country",
        "Country of the author who decides a paper's country. The study's attribution says who "
        "that is.",
        "A paper once in each country that leads it.",
        "counting",
    ),
    "group": (
        "Group",
        "text",
        "Who else is on the papers: the other pole, other countries, nobody abroad. For "
        "scientists: movers or stayers.",
        "A paper with two other poles is in both groups.",
        "matching",
    ),
    "team_size": (
        "Authors",
        "count",
        "Number of authors of a paper. Lists that the source cut short count as long as they are.",
        "Whole counts.",
        "matching",
    ),
    "measure": (
        "Measure",
        "text",
        "What is measured of the scientists: career age, papers and citations before, papers in "
        "the year. Taken at the move.",
        "One per move; one per stayer and year.",
        "mobility",
    ),
    "n": (
        "Number",
        "count",
        "Scientists and years the row is about. Small is weak.",
        _MOVE,
        "mobility",
    ),
    "mean": ("Mean", "number", "Mean over them. A few can carry it.", _MOVE, "mobility"),
    "median": ("Median", "number", "Half lie below. A few cannot carry it.", _MOVE, "mobility"),
    "q10": (
        "Tenth percentile",
        "number",
        "One in ten lies below. See the median.",
        _MOVE,
        "mobility",
    ),
    "q25": ("Lower quartile", "number", "A quarter lies below. See the median.", _MOVE, "mobility"),
    "q75": ("Upper quartile", "number", "A quarter lies above. See the median.", _MOVE, "mobility"),
    "q90": (
        "Ninetieth percentile",
        "number",
        "One in ten lies above. See the median.",
        _MOVE,
        "mobility",
    ),
    "origin": (
        "From",
        "country",
        "Country a scientist left: that of the last observed year before. Years without papers "
        "are not observed.",
        _MOVE,
        "mobility",
    ),
    "destination": (
        "To",
        "country",
        "Country a scientist came to. The year of the move is that of arrival.",
        _MOVE,
        "mobility",
    ),
    "origin_rank": (
        "Rank among origins",
        "count",
        "Place of the origin among all the destination's origins. 1 sends most.",
        _MOVE,
        "mobility",
    ),
    "destination_rank": (
        "Rank among destinations",
        "count",
        "Place of the destination among all the origin's destinations. 1 takes most.",
        _MOVE,
        "mobility",
    ),
    "returns": (
        "Returns",
        "count",
        "Arrivals in a country the scientist had been placed in before. They are part of the "
        "arrivals.",
        _MOVE,
        "mobility",
    ),
    "variant": (
        "Variant",
        "year",
        "Number of a combination of settings. The table of settings says which.",
        _MOVE,
        "mobility",
    ),
    "setting": (
        "Setting",
        "text",
        "The setting that changes this flow most. Others change it less.",
        _MOVE,
        "mobility",
    ),
    "value": (
        "Value",
        "number",
        "The value in the row. For settings, the one tried.",
        _MOVE,
        "mobility",
    ),
    "with_setting": (
        "With that setting",
        "count",
        "Moves under that value of the setting, all else at the study's. Compare the default.",
        _MOVE,
        "mobility",
    ),
    "changed": (
        "Changed",
        "text",
        "Settings in which the variant differs from the study's. Empty for the study's own.",
        _MOVE,
        "mobility",
    ),
    "view": (
        "Whose papers",
        "text",
        "Papers by which authors are placed: those of the field, or all. Others hide or show "
        "moves.",
        _MOVE,
        "mobility",
    ),
    "ties": (
        "Ties",
        "text",
        "What becomes of a year with two countries alike. It goes to one, or is left out.",
        _MOVE,
        "mobility",
    ),
    "max_countries": (
        "Most countries a year",
        "count",
        "Authors with more countries in a year are set aside as conflated. They are listed.",
        _MOVE,
        "mobility",
    ),
    "max_gap_years": (
        "Longest gap",
        "count",
        "Years without papers across which a move is still seen. Longer gaps hide it.",
        _MOVE,
        "mobility",
    ),
    "min_stay_years": (
        "Shortest stay",
        "count",
        "Years a stay must last to be no visit. Shorter stays are passed over.",
        _MOVE,
        "mobility",
    ),
    "first_move_only": (
        "First move only",
        "flag",
        "Whether only a scientist's first move counts. Later ones are then left out.",
        _MOVE,
        "mobility",
    ),
    "orcid_only": (
        "ORCID only",
        "flag",
        "Whether only authors with an ORCID count. Their profiles are conflated less often.",
        _MOVE,
        "mobility",
    ),
}

#: Counting rule by section, for columns whose own entry has none.
RULES: dict[str, str] = {
    "coverage": "A work once, in its year of publication.",
    "matching": _PAIR,
    "mobility": _MOVE,
    "archetypes": POLE_WORDS["pairs"][3],
    "novelty": "A work once; countries by the study's attribution.",
}


def word(name: str) -> Term | None:
    """Give what is known of a column, None when it has no entry.

    Examples
    --------
    >>> word("with_US")[0]
    'With US'
    """
    for known in (WORDS, POLE_WORDS, COMPARISON_WORDS):
        if name in known:
            return known[name]
    for start, (label, kind, what, rule, section) in BY_POLE:
        match = re.fullmatch(f"{start}([A-Z][A-Z0-9]+)", name)
        if match:
            code = match[1]
            return label.format(code), kind, what.format(code), rule, section
    return None
