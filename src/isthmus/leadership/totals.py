"""Totals of countries over several years, with errors from which ratios get intervals."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from isthmus.results import schema_of

#: Years at either end of a study that are summed for a change over time.
SPAN = 5

#: One row per measure, span of years and country.
SCHEMA = schema_of("country_totals")

#: Gives ``country``, ``total`` and ``se`` of scientists over years.
ScientistsIn = Callable[[tuple[int, int]], pa.Table]


def country_totals(
    country_year: pa.Table, measures: Sequence[str], scientists_in: ScientistsIn
) -> pa.Table:
    """Sum measures over all years in which they are known, the first and the last of them.

    The errors are those of totals whose units are drawn: papers with all their citations,
    scientists with all their years. They hold what a world of the same rates would vary
    by, not what a single institution or the choice of a database moves.

    Parameters
    ----------
    country_year
        ``year``, ``country`` and each measure, with ``MEASURE_se`` unless it is a count of
        papers, which is Poisson.
    measures
        Columns to sum; ``scientists`` comes from `scientists_in`.

    Returns
    -------
    pa.Table
        One row per measure, ``span`` (``all``, ``first``, ``last``: :data:`SPAN` years at
        either end) and country: ``first_year``, ``last_year``, ``total``, ``se``.
    """
    rows = [row for name in measures for row in _of_measure(country_year, name)]
    for span, years in spans(_known_years(country_year, "scientists")):
        people = scientists_in(years).sort_by("country").to_pylist()
        rows += [_row("scientists", span, years, p["country"], p["total"], p["se"]) for p in people]
    return pa.Table.from_pylist(rows, SCHEMA)


def _of_measure(country_year: pa.Table, name: str) -> Iterator[dict[str, Any]]:
    error = f"{name}_se"
    columns = ["year", "country", name, *([error] if error in country_year.column_names else [])]
    found = [row for row in country_year.select(columns).to_pylist() if row[name] is not None]
    for span, years in spans(_known_years(country_year, name)):
        totals, squares = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
        for row in found:
            if years[0] <= row["year"] <= years[1]:
                totals[row["country"]].append(row[name])
                squares[row["country"]].append(row[error] ** 2 if error in row else row[name])
        for country in sorted(totals):  # exact sums: an engine gives rows in any order
            total, square = math.fsum(totals[country]), math.fsum(squares[country])
            yield _row(name, span, years, country, total, math.sqrt(square))


def _known_years(country_year: pa.Table, name: str) -> list[int]:
    pairs = zip(country_year["year"].to_pylist(), country_year[name].to_pylist(), strict=True)
    return sorted({year for year, value in pairs if value is not None})


def spans(years: Sequence[int]) -> Iterator[tuple[str, tuple[int, int]]]:
    """All years, the first :data:`SPAN` and the last, each with its first and last year."""
    if years:
        first, last = years[0], years[-1]
        yield "all", (first, last)
        yield "first", (first, min(first + SPAN - 1, last))
        yield "last", (max(last - SPAN + 1, first), last)


def _row(
    measure: str, span: str, years: tuple[int, int], country: str, total: float, se: float
) -> dict[str, Any]:
    return {
        "measure": measure,
        "span": span,
        "country": country,
        "first_year": years[0],
        "last_year": years[1],
        "total": total,
        "se": se,
    }
