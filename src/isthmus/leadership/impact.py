"""Citations within a window, and the most cited papers of each year.

``c_k`` of a paper of year ``y`` is the number of works of the corpus, in the
field or not, that cite it in calendar years ``y..y+k`` (AlShebli et al. 2023
use ``k = 2``). It is undefined, not zero, where the corpus ends before ``y+k`` or lists
no references in one of these years.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis

from isthmus.engine import Table
from isthmus.stats.shares import FEWEST, Z_95


def citation_windows(field: Table, citations: Table, window: int, years: Sequence[int]) -> Table:
    """Count citations within the window for each work of the field.

    `years` are the publication years whose window is known.

    Grain: one row per work of these years. Columns: ``work_id``, ``year``, ``c_k``.
    """
    counted = citations.filter(citations.citing_year <= citations.cited_year + window)
    counts = counted.group_by(work_id=counted.cited_id).agg(cited=counted.count())
    papers = field.filter(field.year.isin(list(years)) if years else ibis.literal(False))
    joined = papers.left_join(counts, "work_id")
    return joined.select("work_id", "year", c_k=joined.cited.fill_null(0))


def without_self_citations(citations: Table, authorships: Table) -> Table:
    """Leave out citations in which the citing and the cited work share an author."""
    known = authorships.filter(authorships.author_id.notnull()).select("work_id", "author_id")
    citing = known.select(citing_id="work_id", author_id="author_id")
    cited = known.select(cited_id="work_id", author_id="author_id")
    pairs = citations.select("citing_id", "cited_id")
    shared = pairs.inner_join(citing, "citing_id").semi_join(cited, ["cited_id", "author_id"])
    return citations.anti_join(shared, ["citing_id", "cited_id"])


def without_citing_countries(
    citations: Table, countries: Table, excluded: tuple[str, ...]
) -> Table:
    """Leave out citations from works with an author in any of the `excluded` countries."""
    from_them = countries.filter(countries.country.isin(list(excluded)))
    return citations.anti_join(from_them.select(citing_id="work_id"), "citing_id")


def hit_thresholds(impact: Table, hit_percent: float) -> Table:
    """Find the value at which each year's top papers begin, and the size of the tie there.

    The top `hit_percent` of a year's papers are hits. All papers at the
    threshold share evenly what the papers above it leave, so that a year's hits
    sum to exactly `hit_percent` of its papers.

    Grain: one row per publication year. Columns: ``year``, ``papers``,
    ``quota`` (hits to give), ``threshold`` (value of ``c_k``), ``above``,
    ``tied`` (papers above and at the threshold), ``tie_weight`` (hits each tied
    paper counts).
    """
    values = impact.group_by("year", "c_k").agg(tied=impact.count())
    downwards = ibis.window(group_by="year", order_by=ibis.desc("c_k"), rows=(None, 0))
    ranked = values.mutate(
        through=values.tied.sum().over(downwards),
        papers=values.tied.sum().over(group_by="year"),
    )
    ranked = ranked.mutate(
        above=ranked.through - ranked.tied,
        quota=(ranked.papers * hit_percent / 100).round(9),
    )
    at = ranked.filter(ranked.above < ranked.quota, ranked.through >= ranked.quota)
    return at.select(
        "year",
        "papers",
        "quota",
        "above",
        "tied",
        threshold="c_k",
        tie_weight=(at.quota - at.above) / at.tied,
    )


def impact_by_country(impact: Table, thresholds: Table, countries: Table, window: int) -> Table:
    """Sum citations and hits by publication year and country.

    Grain: one row per year and country with a defined window. Columns:
    ``year``, ``country``, ``c{k}_papers``, ``c{k}_sum`` with its standard error,
    ``c{k}_mean`` with a 95 % interval of the mean (Student's law on its logarithm, for
    citations are skewed and never below 0; null under six papers), ``hits`` with its
    standard error, ``hit_share`` (share of the year's hits). Standard errors of sums take
    papers and their citations as drawn: the number of papers is Poisson, so that the
    variance of a sum is that of a compound Poisson, the sum of squares over the papers.
    """
    c = f"c{window}"
    hits = thresholds.select("year", "threshold", "tie_weight", "quota")
    placed = impact.inner_join(countries, "work_id").inner_join(hits, "year")
    sums = placed.group_by("year", "country").agg(
        papers=placed.count(),
        total=placed.c_k.sum(),
        squares=(placed.c_k * placed.c_k).sum(),
        above=(placed.c_k > placed.threshold).sum(),
        at=(placed.c_k == placed.threshold).sum(),
        tie_weight=placed.tie_weight.max(),
        quota=placed.quota.max(),
    )
    mean = sums.total / sums.papers
    variance = (sums.squares - sums.total * mean) / ibis.ifelse(
        sums.papers > 1, sums.papers - 1, None
    )
    error = (ibis.greatest(variance, 0.0) / sums.papers).sqrt() / ibis.ifelse(mean > 0, mean, None)
    reach = (student_95(sums.papers.cast("float64") - 1.0) * error).exp()
    enough = sums.papers >= FEWEST
    hits_of = sums.above + sums.at * sums.tie_weight
    return sums.select(
        "year",
        "country",
        **{
            f"{c}_papers": sums.papers,
            f"{c}_sum": sums.total.cast("int64"),
            f"{c}_sum_se": sums.squares.cast("float64").sqrt(),
            f"{c}_mean": mean,
            f"{c}_mean_low": ibis.ifelse(enough, mean / reach, None),
            f"{c}_mean_high": ibis.ifelse(enough, mean * reach, None),
            "hits": hits_of,
            "hits_se": (sums.above + sums.at * sums.tie_weight * sums.tie_weight).sqrt(),
            "hit_share": hits_of / sums.quota,
        },
    )


def student_95(freedom: Table) -> Table:
    """Return the 97.5 % quantile of Student's law by an expression of degrees of freedom.

    It is right to .03 from 5 degrees of freedom on.

    Abramowitz and Stegun 1964, 26.7.5, three terms.
    """
    z = Z_95
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / freedom + second / (freedom * freedom)
