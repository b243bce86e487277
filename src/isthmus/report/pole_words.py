"""Meanings of the columns of the pole analysis: pairs, archetypes, placebo, choice of clusters."""

from __future__ import annotations

from isthmus.report.terms import Kind

#: Label, kind, meaning in two sentences, counting rule, section of the methods.
Term = tuple[str, Kind, str, str, str]

_PLACEBO = "Replays draw every link anew from the sizes alone."
_CLUSTER = "Pairs with a trend, each once."
_LINK = "Whole counts; a work once per pair of countries, a reference once per ordered pair."

POLE_WORDS: dict[str, Term] = {
    "placebo_low": (
        "Placebo, low",
        "number",
        "Lower end of what the middle 95 % of the replays give. Outside it these data differ.",
        _PLACEBO,
        "archetypes",
    ),
    "placebo_high": (
        "Placebo, high",
        "number",
        "Upper end of what the middle 95 % of the replays give. Outside it these data differ.",
        _PLACEBO,
        "archetypes",
    ),
    "source": (
        "Source",
        "country",
        "First country of the pair; in citations the one that cites. Of a claim: the study it is "
        "from.",
        _LINK,
        "networks",
    ),
    "target": (
        "Target",
        "country",
        "Second country of the pair; in citations the one that is cited. See the source.",
        _LINK,
        "networks",
    ),
    "layer": (
        "Layer",
        "text",
        "Collaboration (joint papers) or citation (references). Each has a null model of its own.",
        _LINK,
        "networks",
    ),
    "log_ratio_low": (
        "Log ratio, low",
        "number",
        "Lower end of the 95 % interval of the log ratio. From exact limits of the counts.",
        _LINK,
        "nulls",
    ),
    "log_ratio_high": (
        "Log ratio, high",
        "number",
        "Upper end of the 95 % interval of the log ratio. From exact limits of the counts.",
        _LINK,
        "nulls",
    ),
    "low": (
        "Low",
        "number",
        "Lower end of the 95 % interval. See the estimate beside it.",
        "That of the estimate.",
        "findings",
    ),
    "high": (
        "High",
        "number",
        "Upper end of the 95 % interval. See the estimate beside it.",
        "That of the estimate.",
        "findings",
    ),
    "same_bloc": (
        "Within blocs",
        "number",
        "Mean log ratio of pairs that lean to the same pole. The poles themselves are left out.",
        _LINK,
        "archetypes",
    ),
    "other_bloc": (
        "Across blocs",
        "number",
        "Mean log ratio of pairs that lean to different poles. The poles themselves are left out.",
        _LINK,
        "archetypes",
    ),
    "pairs": (
        "Pairs",
        "count",
        "Pairs of countries the row rests on. Few pairs say little.",
        _CLUSTER,
        "archetypes",
    ),
    "role_slope": (
        "Role by slope",
        "text",
        "The role read off the trends alone, without clustering. Compare it with the role.",
        _CLUSTER,
        "archetypes",
    ),
    "k": (
        "Archetypes",
        "count",
        "Number of clusters tried. The study's own is marked.",
        _CLUSTER,
        "archetypes",
    ),
    "inertia": (
        "Inertia",
        "number",
        "Squared distance of the pairs to their centroids. It always falls with more clusters.",
        _CLUSTER,
        "archetypes",
    ),
    "elbow": (
        "Elbow",
        "number",
        "How sharply the inertia bends here. Larger speaks for this number.",
        _CLUSTER,
        "archetypes",
    ),
    "split_half_ari": (
        "Agreement of halves",
        "number",
        "How alike clusterings from two halves of the pairs are. 1 is identical, 0 is chance.",
        _CLUSTER,
        "archetypes",
    ),
    "silhouette": (
        "Silhouette",
        "number",
        "How much nearer pairs are to their own cluster than to the next. 1 is best, 0 is none.",
        _CLUSTER,
        "archetypes",
    ),
    "gap": (
        "Gap",
        "number",
        "How much lower the inertia is than for pairs without clusters. "
        "Larger speaks for this number.",
        _CLUSTER,
        "archetypes",
    ),
    "used": (
        "Used",
        "flag",
        "Whether the study uses this number of archetypes. It is a setting.",
        _CLUSTER,
        "archetypes",
    ),
    "cluster": (
        "Cluster",
        "year",
        "Number of the cluster. It has no meaning but to tell them apart.",
        _CLUSTER,
        "archetypes",
    ),
    "what": (
        "What",
        "text",
        "The headline number that is replayed. Diverge and converge speak of the poles.",
        _PLACEBO,
        "archetypes",
    ),
    "quantity": (
        "Quantity",
        "text",
        "Whether z or the log ratio is followed. z grows with volume.",
        _LINK,
        "archetypes",
    ),
    "study": (
        "Study",
        "number",
        "The headline number of these data. Compare the placebo's.",
        _LINK,
        "archetypes",
    ),
    "rate": (
        "Rate in the placebo",
        "share",
        "Share of the replays that show the same finding. Near 0 the null model does not make it.",
        _PLACEBO,
        "archetypes",
    ),
    "replays": (
        "Replays",
        "count",
        "How often the placebo was run. Rates are in steps of one over it.",
        _PLACEBO,
        "archetypes",
    ),
    "found": (
        "Found",
        "flag",
        "Whether these data show the finding. Its rate in the placebo is beside it.",
        _LINK,
        "archetypes",
    ),
    "survives": (
        "Survives",
        "flag",
        "Whether it is found here and rare in the placebo. Rare is a setting.",
        _PLACEBO,
        "archetypes",
    ),
    "slope": (
        "Slope a year",
        "number",
        "Theil-Sen slope over the years. The interval is beside it.",
        _LINK,
        "archetypes",
    ),
    "references_to_field": (
        "References to the field",
        "count",
        "References of the year's works to works of the field. Only for all countries together.",
        "Whole counts.",
        "coverage",
    ),
    "references_to_itself": (
        "References to itself",
        "count",
        "References of a work to itself. They are dropped.",
        "Whole counts.",
        "coverage",
    ),
    "references_to_later_years": (
        "References to later years",
        "count",
        "References to works of later years. They are dropped.",
        "Whole counts.",
        "coverage",
    ),
}

#: Columns named after a pole: pattern -> label and meaning, {0} being its code.
BY_POLE: tuple[tuple[str, Term], ...] = (
    (
        "with_",
        (
            "With {0}",
            "text",
            "Archetype of the pair with {0}: SC, SD, KI, KD, or flat. Empty "
            "when the pair is not followed.",
            _CLUSTER,
            "archetypes",
        ),
    ),
    (
        "stability_",
        (
            "Stability with {0}",
            "share",
            "Share of resamples that give the pair with {0} "
            "the same archetype. Under a half it is a guess.",
            _CLUSTER,
            "archetypes",
        ),
    ),
    (
        "slope_low_",
        (
            "Slope with {0}, low",
            "number",
            "Lower end of the slope's 95 % interval. Of collaboration.",
            _LINK,
            "archetypes",
        ),
    ),
    (
        "slope_high_",
        (
            "Slope with {0}, high",
            "number",
            "Upper end of the slope's 95 % interval. Of collaboration.",
            _LINK,
            "archetypes",
        ),
    ),
    (
        "slope_",
        (
            "Slope with {0}",
            "number",
            "Yearly change of the tie with {0}. Theil-Sen, in the quantity that is followed.",
            _LINK,
            "archetypes",
        ),
    ),
    (
        "trend_",
        (
            "Trend with {0}",
            "text",
            "Rising, falling or flat. Mann-Kendall, and at least the smallest change that counts.",
            _LINK,
            "archetypes",
        ),
    ),
    (
        "placebo_",
        (
            "Placebo with {0}",
            "share",
            "Share of replays without affinity that give the "
            "same relation with {0}. Near 0 sizes do not make it.",
            _PLACEBO,
            "archetypes",
        ),
    ),
    (
        "survives_",
        (
            "Survives with {0}",
            "flag",
            "Whether the relation with {0} is rare in the placebo. Rare is a setting.",
            _PLACEBO,
            "archetypes",
        ),
    ),
)
