"""Meanings of the columns of the pole analysis: pairs, archetypes, placebo, choice of clusters."""

from __future__ import annotations

from isthmus.report.terms import Kind

#: Label, kind, meaning in two sentences, counting rule, section of the methods.
Term = tuple[str, Kind, str, str, str]

_PLACEBO = "Replays draw every link anew: from sizes alone, or around ties that never change."
_CLUSTER = "Pairs with a trend, each once."
_AFFINITY = "Whole counts; relative to the other partners of both countries."
_LINK = "Whole counts; a work once per pair of countries, a reference once per ordered pair."

POLE_WORDS: dict[str, Term] = {
    "affinity": (
        "Affinity",
        "number",
        "How much more two countries work together than either does with its typical partner "
        "(log): relative to its other partners. 0 is as with a typical partner, 0.7 twice as much.",
        _AFFINITY,
        "nulls",
    ),
    "affinity_low": (
        "Affinity, low",
        "number",
        "Lower end of the 95 % interval of a single year's affinity. Counting, noise and effects.",
        _AFFINITY,
        "nulls",
    ),
    "affinity_high": (
        "Affinity, high",
        "number",
        "Upper end of the 95 % interval of a single year's affinity. Counting, noise and effects.",
        _AFFINITY,
        "nulls",
    ),
    "affinity_se": (
        "Affinity, error",
        "number",
        "Standard error of a single year's affinity. Counting, noise and effects of countries.",
        _AFFINITY,
        "nulls",
    ),
    "family": (
        "Family",
        "text",
        "What the replays keep: sizes alone, or constant ties too. Nothing else changes in them.",
        _PLACEBO,
        "archetypes",
    ),
    "bend_p": (
        "p of a bend",
        "p",
        "Chance of such a bend if the path were one line. Small: the path turns or levels off.",
        _LINK,
        "archetypes",
    ),
    "cluster_archetype": (
        "Archetype of the cluster",
        "text",
        "Archetype of the pair's cluster, named by its centroid. The pair's own may differ.",
        _CLUSTER,
        "archetypes",
    ),
    "slope_theil_sen": (
        "Theil-Sen slope",
        "number",
        "Median of the slopes between all pairs of years. Robust to single years, no interval.",
        _LINK,
        "archetypes",
    ),
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
        "Mean affinity or log ratio of pairs that lean to the same pole. Poles are left out.",
        _LINK,
        "archetypes",
    ),
    "other_bloc": (
        "Across blocs",
        "number",
        "Mean affinity or log ratio of pairs that lean to different poles. Poles are left out.",
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
        "Affinity, z or log ratio: what is followed. z grows with volume, affinity does not.",
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
        "Share of the replays that show at least as much. Near 0 sizes and noise do not make it.",
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
        "Yearly change, from a line that allows for correlated years. The interval is beside it.",
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

for _layer in ("collaboration", "citation"):
    POLE_WORDS |= {
        f"slope_theil_sen_{_layer}": POLE_WORDS["slope_theil_sen"],
        f"bend_p_{_layer}": POLE_WORDS["bend_p"],
        f"p_{_layer}": (
            f"p, {_layer}",
            "p",
            f"P of no trend of the {_layer} tie. From the same line as the interval.",
            _LINK,
            "archetypes",
        ),
    }

#: Columns named after a pole: pattern -> label and meaning, {0} being its code.
BY_POLE: tuple[tuple[str, Term], ...] = (
    (
        "slope_theil_sen_",
        (
            "Theil-Sen slope with {0}",
            "number",
            "Median of the slopes between all pairs of years. Robust to single years, no interval.",
            _LINK,
            "archetypes",
        ),
    ),
    (
        "p_",
        (
            "p with {0}",
            "p",
            "P of no trend of the tie with {0}. From the same line as the interval.",
            _LINK,
            "archetypes",
        ),
    ),
    (
        "bend_p_",
        (
            "p of a bend with {0}",
            "p",
            "Chance of such a bend if the path with {0} were one line. Small: it turns.",
            _LINK,
            "archetypes",
        ),
    ),
    (
        "with_",
        (
            "With {0}",
            "text",
            "Archetype of the pair with {0} by its own trends: SC, SD, KI, KD, or flat. Empty "
            "when the pair is not followed.",
            _LINK,
            "archetypes",
        ),
    ),
    (
        "stability_",
        (
            "Stability with {0}",
            "share",
            "Share of resamples that put the pair with {0} in a cluster of the same archetype. "
            "Under a half it is a guess.",
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
            "Yearly change of the tie with {0}, in what is followed. Affinity is relative to the "
            "other partners of both.",
            _LINK,
            "archetypes",
        ),
    ),
    (
        "trend_",
        (
            "Trend with {0}",
            "text",
            "Rising, falling, flat, or not one line where the path bends. A trend has a small p "
            "and at least the smallest change that counts.",
            _LINK,
            "archetypes",
        ),
    ),
    (
        "placebo_",
        (
            "Placebo with {0}",
            "share",
            "Share of replays in which the tie with {0} changes at least as clearly. Near 0 sizes "
            "and noise do not make it.",
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
