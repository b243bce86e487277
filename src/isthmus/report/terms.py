"""Meanings of the columns on moves, matches, poles and novelty: label, kind, two sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from isthmus.selection.wording import in_sentence

#: How the values of a column are written.
Kind = Literal["text", "country", "year", "count", "number", "share", "percent", "p", "flag"]

#: Column -> label, kind of value, meaning.
TERMS: dict[str, tuple[str, Kind, str]] = {
    "rule": (
        "Publication rule",
        "text",
        "What works have to pass to count. Rules apply one after another: first what the study "
        "names (subject), then its types, languages and exclusions.",
    ),
    "works_before": (
        "Works before the rule",
        "count",
        "Works that passed all rules before this one. Before the first these are all works of "
        "the corpus.",
    ),
    "works_after": (
        "Works after the rule",
        "count",
        "Works that passed this rule too. What the last rule leaves is the field.",
    ),
    "experiment": (
        "Experiment",
        "text",
        "Which papers or scientists are compared: {example}. Endings name another control group "
        "or outcome.",
    ),
    "treated": ("Treated", "count", "Units with the treatment. Some find no match."),
    "control": ("Control", "count", "Units without the treatment. Some match nobody."),
    "treated_matched": (
        "Treated, matched",
        "count",
        "Treated units in a stratum that holds controls too. The effect is about these.",
    ),
    "control_matched": (
        "Control, matched",
        "count",
        "Controls in a stratum that holds treated units too. They are weighted to these.",
    ),
    "l1_before": (
        "Imbalance L1 before",
        "number",
        "Multivariate imbalance before matching: 0 is identical, 1 disjoint. It is measured on "
        "bins of its own.",
    ),
    "l1_after": (
        "Imbalance L1 after",
        "number",
        "Multivariate imbalance of the matched, weighted units. Compare it with the one before.",
    ),
    "mean_treated": (
        "Mean, treated",
        "number",
        "Mean outcome of the matched treated units. "
        "Citations are heavy-tailed: a few papers can carry it.",
    ),
    "mean_control": (
        "Mean, control",
        "number",
        "Weighted mean outcome of the matched controls. "
        "It estimates the treated units' outcome without treatment.",
    ),
    "carried_by_largest": (
        "Carried by the ten largest",
        "share",
        "Share of the difference that goes when the ten largest outcomes go. Above 1 the sign "
        "turns.",
    ),
    "before": (
        "Before",
        "number",
        "Standardised difference of the covariate before matching. Above a quarter it is large.",
    ),
    "after": (
        "After",
        "number",
        "Standardised difference of the covariate after matching. It should be near 0.",
    ),
    "e_value": (
        "E-value",
        "number",
        "How strongly something unseen must go with both treatment "
        "and outcome to explain the effect away. Larger is safer.",
    ),
    "rosenbaum_gamma": (
        "Rosenbaum's gamma",
        "number",
        "Odds of treatment by which matched units "
        "may differ before the test loses its 5 % level. 1 is no room at all.",
    ),
    "hours_apart": (
        "Hours apart",
        "number",
        "Hours of the sun between the two countries. Mean "
        "longitude of the institutions that are located.",
    ),
    "is_pole_pair": (
        "Pair of poles",
        "text",
        "Whether the pair are the study's poles. The others are the placebo.",
    ),
    "share_at_least": (
        "Placebo pairs with as much",
        "share",
        "Share of the placebo pairs with a "
        "difference at least as large. Small: the poles stand out.",
    ),
    "returning": (
        "Returning",
        "count",
        "Of these moves, those of scientists who had been there "
        "before. They are part of the number of moves.",
    ),
    "active": (
        "Active scientists",
        "count",
        "Scientists placed in the country that year. They are the base of the rates.",
    ),
    "arrivals": ("Arrivals", "count", "Scientists who came that year. Of all origins."),
    "departures": (
        "Departures",
        "count",
        "Scientists who left that year. The year is that of arrival elsewhere.",
    ),
    "net_per_1000": (
        "Net arrivals per 1,000",
        "number",
        "Arrivals less departures for each thousand active scientists. Small countries jump.",
    ),
    "gross_per_1000": (
        "Moves per 1,000",
        "number",
        "Arrivals and departures for each thousand active scientists. Small countries jump.",
    ),
    "default": (
        "Default settings",
        "count",
        "Moves under the study's settings of a move. The range beside it is over all others.",
    ),
    "smallest": (
        "Smallest",
        "count",
        "Fewest moves over all settings of a move. A wide range means the settings decide.",
    ),
    "largest": (
        "Largest",
        "count",
        "Most moves over all settings of a move. A wide range means the settings decide.",
    ),
    "career_age": (
        "Career age",
        "number",
        "Years since the scientist's first work. It starts at 0.",
    ),
    "index": (
        "Polarisation index",
        "number",
        "How much better two blocs around the poles explain the links than none. 0 is not at all.",
    ),
    "placebo_mean": (
        "Placebo, mean",
        "number",
        "The same number in worlds without any affinity. "
        "What exceeds it is not the null model's own.",
    ),
    "slope_collaboration": (
        "Slope, collaboration",
        "number",
        "Yearly change of the pair's collaboration tie. A line that allows for correlated years.",
    ),
    "slope_citation": (
        "Slope, citation",
        "number",
        "Yearly change of the pair's citation tie. A line that allows for correlated years.",
    ),
    "novelty": (
        "Novelty (z)",
        "number",
        "A low percentile, the tenth by default, of the z of the work's venue pairs. "
        "Lower is more novel.",
    ),
    "conventionality": (
        "Conventionality (z)",
        "number",
        "Median z of the work's venue pairs. Higher is more conventional.",
    ),
    "n_pairs": ("Venue pairs", "count", "Pairs of usable references. The scores stand on them."),
    "disruption": (
        "Disruption",
        "number",
        "Whether later works cite the work without what it built on (1) or with it (-1). "
        "Citations of its year and the five after it.",
    ),
    "n_references": (
        "References that count",
        "count",
        "References to works of the corpus, not to the work itself nor to a later year. "
        "With a venue or without.",
    ),
    "reference_age": (
        "Age of references",
        "number",
        "Mean years between the work and what it cites. Over the references that count.",
    ),
    "novelty_papers": (
        "Papers with a novelty",
        "count",
        "Papers with enough usable references for a score. The medians are over these.",
    ),
    "conventionality_median": (
        "Median conventionality (z)",
        "number",
        "Median over the country's papers of the median z of their venue pairs. "
        "Higher is more conventional.",
    ),
    "disruption_median": (
        "Median disruption",
        "number",
        "Median over the country's papers with a novelty. From -1, consolidating, to 1, "
        "disruptive.",
    ),
    "reference_age_median": (
        "Median age of references",
        "number",
        "Median over the country's papers with a novelty. In years.",
    ),
    "quota": ("Hits to give", "number", "Hits of the year. The set share of its papers."),
    "threshold": (
        "Where hits begin",
        "number",
        "The value at which the year's hits begin. Papers at it share what is left.",
    ),
    "above": (
        "Past the threshold",
        "count",
        "Papers past the threshold. Each is one hit.",
    ),
    "tied": ("At the threshold", "count", "Papers at the threshold. Each is a part of a hit."),
    "tie_weight": (
        "Weight of a tie",
        "number",
        "What each paper at the threshold counts. At most one.",
    ),
    "references": (
        "References",
        "count",
        "References the source lists for the field's works of the year. Each pair of works once.",
    ),
    "not_in_corpus": (
        "Not in the corpus",
        "count",
        "References to works of which nothing is known. Neither venue nor year.",
    ),
    "to_itself": ("To itself", "count", "References of a work to itself. They are dropped."),
    "to_later_years": (
        "To later years",
        "count",
        "References to works of a later year. They are dropped.",
    ),
    "without_venue": (
        "Without a venue",
        "count",
        "References to works without a known venue. They make no pair.",
    ),
    "long_list": (
        "In long lists",
        "count",
        "References of works with more usable ones than the study allows. Such works get no score.",
    ),
    "usable": (
        "Usable",
        "count",
        "References that make pairs of venues. Novelty stands on them.",
    ),
}

#: Columns of the table `funnel`.
FUNNEL = ("rule", "works_before", "works_after")

#: Columns of the tables on novelty, whose meaning the section on novelty says more about.
NOVELTY = tuple(list(TERMS)[list(TERMS).index("novelty") :])


def in_study(what: str, settings: Mapping[str, Any]) -> str:
    """Put the study's own poles into a meaning that gives an experiment as an example."""
    poles: list[str] = [*settings["countries"].get("poles", ()), "", ""]
    a, b = poles[:2]
    if not b:
        example = "joint:A+B are papers led by country A with someone in country B"
    else:
        example = f"joint:{a}+{b} are papers led by {in_sentence(a)} with someone in "
        example += in_sentence(b)
    return what.replace("{example}", example)
