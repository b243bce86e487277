"""Country histories: one country per scientist and year.

Two views of the same rule. A year holds some countries: the most frequent ones
(``majority``) or all that the author names (``tenure``). The year belongs to the
country of the author's previous observed year if it holds that country, else to
the most frequent country, and among equals to that of the later paper (date,
then work id; the last in doubt is the alphabet). With ``ties="shared"`` such a
year belongs to none.

The rule refers to its own result for the year before. Without recursion: a
country, once taken, lasts until the first year that does not hold it, and that
year takes its own leading country. Years that take are found by following these
jumps, which only matters where a year after a jump holds several countries.
"""

from __future__ import annotations

import math
from typing import Literal

import ibis

from isthmus.engine import Table
from isthmus.selection.attribution import AUTHOR_YEAR, most_frequent

View = Literal["majority", "tenure"]
Ties = Literal["later_paper", "shared"]

PLACE = ["author_id", "at"]


def author_year_affiliations(places: Table) -> Table:
    """Count affiliations of each author by year and country.

    Grain: one row per author, year and country. Columns: ``author_id``,
    ``year``, ``at`` (number of the observed year, from 0), ``country``, ``n``,
    ``is_top`` (1 among the most frequent), ``tied`` (how many are).
    """
    counted = places.group_by(*AUTHOR_YEAR, "country").agg(n=places.count())
    top = most_frequent(counted).mutate(is_top=ibis.literal(1, type="int32"))
    marked = counted.left_join(top, [*AUTHOR_YEAR, "country"])
    marked = marked.select(
        *counted.columns, "tied", is_top=marked.is_top.fill_null(0).cast("int32")
    )
    by_year = ibis.window(group_by="author_id", order_by="year")
    return marked.mutate(
        at=ibis.dense_rank().over(by_year).cast("int32"),
        tied=marked.tied.max().over(group_by=AUTHOR_YEAR),
    )


def leading_countries(author_years: Table, places: Table, works: Table, ties: Ties) -> Table:
    """Return each author-year its most frequent country, or that of the later paper.

    Grain: one row per author and year. Columns: ``author_id``, ``year``, ``at``,
    ``leader`` (null in a tie when ties are shared).
    """
    top = author_years.filter(author_years.is_top == 1)
    clear = top.filter(top.tied == 1).select(*AUTHOR_YEAR, "at", leader="country")
    tied = top.filter(top.tied > 1).select(*AUTHOR_YEAR, "at", "country")
    if ties == "shared":
        years = tied.select(*AUTHOR_YEAR, "at").distinct()
        return clear.union(years.mutate(leader=ibis.null("string")))
    papers = places.inner_join(tied, [*AUTHOR_YEAR, "country"])
    papers = papers.inner_join(works.select("work_id", "date"), "work_id")
    newest = [ibis.desc("date", nulls_first=False), ibis.desc("work_id"), "country"]
    first = ibis.row_number().over(group_by=AUTHOR_YEAR, order_by=newest)
    latest = papers.mutate(newest=first).filter(ibis._.newest == 0)
    return clear.union(latest.select(*AUTHOR_YEAR, "at", leader="country"))


def held_countries(author_years: Table, view: View, overlap: int, backfill: int) -> Table:
    """List the countries that may keep an author in a year.

    Grain: one row per author, observed year and country. Columns:
    ``author_id``, ``at``, ``country``.
    """
    if view == "majority":
        return author_years.filter(author_years.is_top == 1).select(*PLACE, "country")
    named = author_years.select(*AUTHOR_YEAR, "at", "country", "is_top")
    filled = named.union(_filled(named, backfill))
    before = ibis.window(group_by=["author_id", "country"], order_by="year", rows=(None, 0))
    top_year = ibis.ifelse(filled.is_top == 1, filled.year, ibis.null("int64"))
    filled = filled.mutate(last_top=top_year.max().over(before))
    return filled.filter(filled.year - filled.last_top <= overlap).select(*PLACE, "country")


def _filled(named: Table, backfill: int) -> Table:
    """Observed years between two years with a country, at most `backfill` years apart."""
    along = ibis.window(group_by=["author_id", "country"], order_by="year")
    gaps = named.mutate(next_year=named.year.lead().over(along))
    gaps = gaps.filter(gaps.next_year - gaps.year > 1, gaps.next_year - gaps.year <= backfill + 1)
    gaps = gaps.select("author_id", "country", "year", "next_year")
    years = named.select(*AUTHOR_YEAR, "at").distinct()
    years = years.select("author_id", "at", between="year")
    inside = gaps.inner_join(years, "author_id")
    inside = inside.filter(inside.between > inside.year, inside.between < inside.next_year)
    return inside.select(
        "author_id", "at", "country", year="between", is_top=ibis.literal(0, type="int32")
    ).select(*named.columns)


def jumps(leaders: Table, held: Table) -> Table:
    """Say how long each author-year's leading country would last, once taken.

    Parameters
    ----------
    leaders
        As :func:`leading_countries`.
    held
        As :func:`held_countries`.

    Returns
    -------
    Table
        One row per author and observed year: ``author_id``, ``year``, ``at``,
        ``leader``, ``choices`` (countries held), ``to`` (the first later year that
        does not hold the leader).
    """
    along = ibis.window(group_by=["author_id", "country"], order_by="at")
    runs = held.mutate(number=ibis.row_number().over(along))
    runs = runs.mutate(run=runs.at - runs.number)
    runs = runs.mutate(
        end=runs.at.max().over(group_by=["author_id", "country", "run"]),
        choices=runs.count().over(group_by=PLACE),
    )
    choices = runs.select(*PLACE, "choices").distinct()
    ends = runs.select(*PLACE, "end", leader="country")
    joined = leaders.inner_join(choices, PLACE).left_join(ends, [*PLACE, "leader"])
    last = joined.end.fill_null(joined.at)
    return joined.select(*leaders.columns, "choices", to=(last + 1).cast("int32"))


def open_jumps(lasting: Table) -> Table:
    """Keep the jumps that matter: to an existing year that holds several countries.

    Grain: one row per author and observed year. Columns: ``author_id``, ``at``, ``to``.
    """
    several = lasting.filter((lasting.at > 0) & (lasting.choices > 1))
    several = several.select("author_id", end="at")
    return lasting.semi_join(several, ["author_id", ("to", "end")]).select(*PLACE, "to")


def country_history(lasting: Table, opened: Table, years: int) -> Table:
    """Place each author in one country a year.

    Parameters
    ----------
    lasting, opened
        As :func:`jumps` and :func:`open_jumps`.
    years
        Number of years of the study: no author has more.

    Returns
    -------
    Table
        One row per author and observed year: ``author_id``, ``year``, ``at``,
        ``country`` (null where the year belongs to none).
    """
    certain = (lasting.at == 0) | (lasting.choices == 1)
    roots = lasting.filter(certain).select(*PLACE)
    taken = roots.union(_reached(opened, roots, years)).distinct().mutate(takes=ibis.literal(1))
    marked = lasting.left_join(taken, PLACE)
    marked = marked.select(*AUTHOR_YEAR, "at", "leader", takes=marked.takes.fill_null(0))
    so_far = ibis.window(group_by="author_id", order_by="at", rows=(None, 0))
    marked = marked.mutate(stretch=marked.takes.sum().over(so_far))
    own = ibis.ifelse(marked.takes == 1, marked.leader, ibis.null("string"))
    country = own.max().over(group_by=["author_id", "stretch"])
    return marked.mutate(country=country).select(*AUTHOR_YEAR, "at", "country")


def _reached(opened: Table, roots: Table, years: int) -> Table:
    """Author-years reached from `roots`, where certainty ends at years with several countries.

    Jumps are squared in each round, so that every chain of `years` jumps is
    followed in their binary logarithm. From an author-year there is one jump at
    most, so that squaring does not make the table longer.
    """
    reached = _forward(opened).semi_join(roots, PLACE).select("author_id", at="to")
    leaps = opened
    for _ in range(math.ceil(math.log2(max(years, 2)))):
        leaps = _forward(leaps)
        further = leaps.semi_join(reached, PLACE).select("author_id", at="to")
        reached = reached.union(further).distinct()
        onward = leaps.select("author_id", middle="at", end="to")
        leaps = leaps.inner_join(onward, ["author_id", ("to", "middle")]).select(*PLACE, to="end")
    return reached


def _forward(leaps: Table) -> Table:
    """All jumps, as all lead forward: the filter makes a chain of joins a table of its own."""
    return leaps.filter(leaps.to > leaps.at)
