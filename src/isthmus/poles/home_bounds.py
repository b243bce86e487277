"""Home shares of citations under missing references: measured, weighted, lowest, highest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from isthmus.engine import Table
from isthmus.selection.attribution import exact_sum

#: A year's totals: received and home, as measured, weighted, lowest and highest.
Pair = tuple[float, float]


def unlisted_countries(citing: Table, countries: Table) -> Table:
    """Count works without any reference by year and country, each split among its countries.

    Grain: one row per year and country. Columns: ``year``, ``country``, ``unlisted``.
    """
    missing = citing.filter(citing.unlisted == 1).select("year", work_id="citing_id")
    placed = missing.inner_join(countries, "work_id")
    return placed.group_by("year", "country").agg(unlisted=exact_sum(placed.fraction))


def home_ends(
    got: Sequence[Mapping[str, Any]],
    papers: Mapping[tuple[int, str], float],
    unlisted: Mapping[tuple[int, str], float],
    longest: Mapping[int, int],
    window: int,
) -> Iterator[tuple[int, str, tuple[Pair, ...]]]:
    """Bound home citations of each year and country.

    A missing list of the country's own works adds citations at home, at most as many as the
    country has papers or the longest known list has references into the year; one of other
    countries' works adds citations from abroad.

    Parameters
    ----------
    got
        Rows of :func:`~isthmus.poles.dependence.received`.
    papers
        Papers of a year and country.
    unlisted
        Works without references by year and country, as :func:`unlisted_countries`.
    longest
        Most references of one work into a year's papers.
    window
        Years after publication in which citations count.

    Yields
    ------
    tuple
        Year, country, and home and received citations: measured, weighted, lowest, highest.
    """
    everyone: dict[int, float] = {}
    for (year, _), number in sorted(unlisted.items()):
        everyone[year] = everyone.get(year, 0.0) + number
    for row in got:
        year, country = row["year"], row["country"]
        if year not in longest:
            continue
        span = range(year, year + window + 1)
        own = sum(unlisted.get((at, country), 0.0) for at in span)
        abroad = sum(everyone.get(at, 0.0) for at in span) - own
        most = min(float(longest[year]), papers.get((year, country), 0.0))
        home, received = row["home"], row["received"]
        yield (
            year,
            country,
            (
                (home, received),
                (row["home_weighted"], row["received_weighted"]),
                (home, received + max(abroad, 0.0) * most),
                (home + own * most, received + own * most),
            ),
        )
