"""Citation numbers under missing references: measured, weighted, lowest, highest.

A work without any reference in the corpus may have none, or its list may be missing. Such works
may cite whatever came before them. Two things limit what they can add: a work cites another
once, and no missing list has more references into a year's papers than the longest known one.
Lists that are there are taken to be whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from isthmus.engine import Table
from isthmus.leadership.impact import hit_thresholds
from isthmus.leadership.missing_counts import ALL, CELL, stands_for
from isthmus.leadership.normalised import SCORE
from isthmus.results import schema_of

SCHEMA = schema_of("reference_bounds")

#: Digits to which sums of weights are rounded, so that equal sums tie.
DIGITS = 9

#: Ways to know a number, in the order of :data:`Ends`.
ENDS = ("measured", "weighted", "lowest", "highest")

Floats = NDArray[np.float64]
Rows = list[dict[str, Any]]

#: A part and its whole, under each of :data:`ENDS`.
Ends = tuple[tuple[float, float], ...]

#: Ends of each year.
Years = list[tuple[int, Ends]]


def citing_works(works: Table, references: Table, years: tuple[int, int], least: int) -> Table:
    """Say of each work that may cite whether its list is missing, and for how many it stands.

    Parameters
    ----------
    works, references
        Tables of the corpus.
    years
        First and last year of citing works.
    least
        Fewest works with references from which works of one year, venue and type are weighted
        by themselves; smaller cells of a year are put together.

    Returns
    -------
    Table
        One row per work: ``citing_id``, ``year``, ``unlisted`` (1 without any reference) and
        ``weight``: works of its cell over those with references, null without.
    """
    lists = references.select("citing_id").distinct().mutate(found=ibis.literal(1, type="int8"))
    some = works.filter(works.year.between(*years)).select("work_id", *CELL)
    joined = some.left_join(lists, some.work_id == lists.citing_id)
    joined = joined.select("work_id", *CELL, placed_listed=joined.found.fill_null(0))
    known = joined.placed_listed.sum().over(group_by=CELL)
    joined = joined.mutate(small_listed=known < least)
    return joined.select(
        "year",
        citing_id="work_id",
        unlisted=1 - joined.placed_listed,
        weight=stands_for(joined, "listed"),
    )


def weighted_impact(citations: Table, citing: Table, impact: Table, window: int) -> Table:
    """Add to each work's citations those that its citing works stand for.

    Grain: that of `impact`. Columns: ``work_id``, ``year``, ``c_k`` and ``weighted``.
    """
    near = citations.filter(citations.citing_year <= citations.cited_year + window)
    joined = near.inner_join(citing.select("citing_id", "weight"), "citing_id")
    sums = joined.group_by(work_id=joined.cited_id).agg(weighted=_sum(joined.weight))
    both = impact.left_join(sums, "work_id")
    weighted = both.weighted.fill_null(0.0).round(DIGITS)
    return both.select("work_id", "year", "c_k", weighted=weighted)


def _sum(value: Any) -> Any:
    """Sum exactly, whatever the order of rows; weights can exceed what fractions hold."""
    return value.cast(SCORE).sum().cast("float64")


def longest_lists(citations: Table, window: int) -> Table:
    """Find the most references of one work into the papers of each year, within the window.

    Grain: one row per cited year. Columns: ``year``, ``longest``.
    """
    near = citations.filter(citations.citing_year <= citations.cited_year + window)
    lists = near.group_by("citing_id", year=near.cited_year).agg(n=near.count())
    return lists.group_by("year").agg(longest=lists.n.max())


def cited_counts(weighted: Table, countries: Table, hit_percent: float) -> Table:
    """Count papers by how often they are cited, for each country and for all papers.

    Grain: one row per year, country (:data:`~isthmus.leadership.missing_counts.ALL` for all
    papers) and ``c_k``. Columns: ``papers``, ``weighted`` (citations) and ``hits`` (of weighted
    citations).
    """
    begins = hit_thresholds(weighted.select("work_id", "year", c_k="weighted"), hit_percent)
    begins = begins.select("year", "threshold", "tie_weight")
    joined = weighted.inner_join(begins, "year")
    at = joined.weighted == joined.threshold
    tied = ibis.ifelse(at, joined.tie_weight, 0.0)
    hit = ibis.ifelse(joined.weighted > joined.threshold, 1.0, tied)
    each = joined.select("work_id", "year", "c_k", "weighted", hit=hit)
    places = countries.select("work_id", "country")
    everywhere = each.select("work_id", country=ibis.literal(ALL))
    rows = each.inner_join(places.union(everywhere), "work_id")
    return rows.group_by("year", "country", "c_k").agg(
        papers=rows.count(), weighted=_sum(rows.weighted), hits=_sum(rows.hit)
    )


@dataclass(frozen=True)
class Gap:
    """What missing lists allow in a year of cited papers.

    Attributes
    ----------
    works, unlisted
        Works that may cite within the window, and those of them without a list.
    budget
        Most citations that they can give in all.
    """

    works: float
    unlisted: float
    budget: float


def gaps(citing: Rows, longest: Rows, window: int) -> dict[int, Gap]:
    """Return what is missing for each cited year.

    Parameters
    ----------
    citing
        ``year``, ``works`` and ``unlisted`` of works that may cite.
    longest
        As :func:`longest_lists`; years without any known list are left out.
    """
    by_year = {row["year"]: row for row in citing}
    found = {}
    for row in longest:
        span = range(row["year"], row["year"] + window + 1)
        works, unlisted = (
            float(sum(by_year.get(year, {}).get(name, 0) for year in span))
            for name in ("works", "unlisted")
        )
        found[row["year"]] = Gap(works, unlisted, unlisted * row["longest"])
    return found


def cited_bounds(
    counts: pa.Table, thresholds: Rows, missing: dict[int, Gap]
) -> dict[tuple[str, str], Years]:
    """Bound mean citations and shares of hits of each year.

    Parameters
    ----------
    counts
        As :func:`cited_counts`.
    thresholds
        Rows of ``hit_thresholds``.
    missing
        As :func:`gaps`.

    Returns
    -------
    dict
        Ends of each year by number and country.
    """
    begins = {row["year"]: row for row in thresholds}
    cells = _cells(counts)
    found = defaultdict[tuple[str, str], Years](list)
    for (year, country), cell in cells.items():
        if year in missing and year in begins:
            cited, hits = _of_cell(cell, cells[year, ALL], begins[year], missing[year])
            found["citations_mean", country].append((year, cited))
            if country != ALL:
                found["hit_share", country].append((year, hits))
    return found


def _cells(counts: pa.Table) -> dict[tuple[int, str], Floats]:
    """Arrays (4, n) of each year and country: citations, papers, weighted citations, hits."""
    order = [(name, "ascending") for name in ("year", "country", "c_k")]
    counts = counts.sort_by(order)
    keys = list(zip(counts["year"].to_pylist(), counts["country"].to_pylist(), strict=True))
    names = ("c_k", "papers", "weighted", "hits")
    values = np.array([np.asarray(counts[name].to_numpy(), np.float64) for name in names])
    first = [i for i, key in enumerate(keys) if not i or key != keys[i - 1]]
    parts = np.split(values, first[1:], axis=1)
    return {keys[i]: part for i, part in zip(first, parts, strict=True)} if keys else {}


def rows_of(
    found: Mapping[tuple[str, str], Years], missing: dict[int, Gap]
) -> Iterator[dict[str, Any]]:
    """Rows of ``reference_bounds``: of each year, and of all of them together."""
    for (number, country), years in found.items():
        totals = np.sum([ends for _, ends in years], axis=0)
        spans: list[tuple[int | None, Any, list[int]]] = [(y, ends, [y]) for y, ends in years]
        for year, ends, within in [*spans, (None, totals, [y for y, _ in years])]:
            values = [float(part / whole) if whole > 0 else None for part, whole in ends]
            yield {
                "number": number,
                "year": year,
                "country": None if country == ALL else country,
                **dict(zip(ENDS, values, strict=True)),
                "works": sum(missing[y].works for y in within),
                "missing": sum(missing[y].unlisted for y in within),
            }


def _of_cell(cell: Floats, every: Floats, begins: dict[str, Any], gap: Gap) -> tuple[Ends, Ends]:
    """Citations, then hits, of a country: measured, weighted, lowest, highest."""
    cited, papers, weighted, hits = cell
    total = float(cited @ papers)
    more = min(gap.unlisted * float(papers.sum()), gap.budget)
    at = (cited == begins["threshold"]) * begins["tie_weight"] + (cited > begins["threshold"])
    own, quota = float(papers @ at), float(begins["quota"])
    others = every[1].copy()
    others[np.searchsorted(every[0], cited)] -= papers
    most = _most_hits(cited, papers, begins["threshold"], gap)
    least = quota - _most_hits(every[0], others, begins["threshold"], gap)
    if gap.unlisted == 0:
        most = least = own
    ends = (total, float(weighted.sum()), total, total + more)
    shares = (own, float(hits.sum()), max(least, 0.0), min(most, quota))
    number = float(papers.sum())
    return tuple((end, number) for end in ends), tuple((end, quota) for end in shares)


def _most_hits(cited: Floats, papers: Floats, threshold: float, gap: Gap) -> float:
    """Return how many papers can reach the threshold, the nearest first.

    More citations can only raise the threshold, so that whoever is to be a hit must reach the
    present one; each paper gains at most one citation from each missing list.
    """
    lacking = threshold - cited
    there = float(papers[lacking <= 0].sum())
    near = (lacking > 0) & (lacking <= gap.unlisted)
    cost, number = lacking[near][::-1], papers[near][::-1]
    before = np.concatenate([[0.0], np.cumsum(cost * number)[:-1]]) if cost.size else cost
    lifted = np.minimum(np.floor(np.maximum(gap.budget - before, 0.0) / cost), number)
    return there + float(lifted.sum())
