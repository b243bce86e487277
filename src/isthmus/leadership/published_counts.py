"""Counts by year and country that others publish, beside the study's own.

Another count comes from another database, another list of sources and another idea of
the field, so the two are not expected to be equal. What can be asked is whether they
rank countries alike, and whether the ratio stays the same over the years: where it
falls, the corpus lacks what the other has.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.corpus.countries import PARTS, country_named
from isthmus.errors import StudyError
from isthmus.results import schema_of
from isthmus.study import Comparison, Study

#: Year and country -> works.
Counts = dict[tuple[int, str], float]

#: Cells by column; those that no column of the header is for are a list under None.
Row = Mapping[str | Any, str | Any]

Floats = np.ndarray[Any, np.dtype[np.float64]]

#: One row per table named in the study, year and country that it has.
SCHEMA = schema_of("comparison")

#: One row per table named in the study and year that it has.
YEARS_SCHEMA = schema_of("comparison_years")

#: Countries a year must have for a rank correlation: of two it is 1 or -1, whatever they are.
LEAST_RANKED = 3

#: Names that are no country, listed in the record of a run; regions and the world are usual.
LISTED = 40

_NUMBER = re.compile(r"(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d*)?(?:[eE][+-]?\d+)?")
_YEAR = re.compile(r"(\d{4})(?:\.0*)?")


@dataclass(frozen=True)
class Published:
    """A table that somebody else publishes, as far as it can be compared.

    Attributes
    ----------
    counts
        Works by year of the study and country, after the study's merges.
    rows
        Rows by what became of them: ``used``, or why not.
    unknown
        What stood for a country and is none, in alphabetical order.
    """

    counts: Counts
    rows: dict[str, int]
    unknown: list[str]

    def record(self) -> dict[str, Any]:
        """Return what was read as plain values, for the record of a run."""
        return {"rows": self.rows, "no_country": self.unknown[:LISTED]}


def read_published(study: Study) -> dict[str, Published]:
    """Read every table that a study names in ``[comparisons]``.

    A row that cannot be used is counted by reason and passed over: ``cells_too_many`` (a
    comma without quotes), ``not_asked`` (by ``where``), ``year_unreadable``,
    ``year_outside`` the study's, ``country_unknown``, ``value_unreadable`` (empty, negative
    or no number), ``repeated`` (the same year, country and value again), ``contradicting``
    (with another value; none of them is used).

    Raises
    ------
    StudyError
        A file is missing, cannot be read, or lacks a column that the study names.
    """
    return {name: _published(study, name) for name in sorted(study.comparisons)}


def _published(study: Study, name: str) -> Published:
    asked = study.comparisons[name]
    found: dict[tuple[int, str], list[float]] = defaultdict(list)
    rows: Counter[str] = Counter()
    unknown: set[str] = set()
    for row in _rows(study.path(asked.file), name, asked):
        why = _judged(row, asked, study.years)
        if isinstance(why, str):
            rows[why] += 1
            if why == "country_unknown":
                unknown.add(row[asked.country].strip())
        else:
            year, country, value = why
            found[year, country].append(value)
    counts: Counts = defaultdict(float)
    merged = {code: into for into, codes in study.countries.merge.items() for code in codes}
    for (year, country), values in sorted(found.items()):
        if len(set(values)) > 1:
            rows["contradicting"] += len(values)
            continue
        rows["used"] += 1
        rows["repeated"] += len(values) - 1
        counts[year, merged.get(country, country)] += values[0]
    return Published(dict(counts), {k: n for k, n in sorted(rows.items()) if n}, sorted(unknown))


def _rows(path: Path, name: str, asked: Comparison) -> Iterator[Row]:
    """Return the rows of a file; bytes that are no UTF-8 spoil their own cell only."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            reader = csv.DictReader(file, restval="")
            there = list(reader.fieldnames or ())
            for column in (asked.year, asked.country, asked.value, *asked.where):
                if column not in there:
                    raise StudyError(
                        f"{path}, which [comparisons.{name}] names, has no column `{column}`. It "
                        f"has: {', '.join(there) or 'none'}. Say which column is which with "
                        "`year`, `country` and `value`."
                    )
            yield from reader
    except (OSError, csv.Error) as error:
        raise StudyError(
            f"Cannot read {path}, which [comparisons.{name}] names: {error}. It must be a CSV "
            "file with a header."
        ) from None


def _judged(row: Row, asked: Comparison, years: tuple[int, int]) -> tuple[int, str, float] | str:
    """Return year, country and value of a row, or why it cannot be used."""
    if None in row:  # where the reader puts cells that no column of the header is for
        return "cells_too_many"
    if any(row[column].strip() != str(wanted) for column, wanted in asked.where.items()):
        return "not_asked"
    year = _YEAR.fullmatch(row[asked.year].strip())
    if year is None:
        return "year_unreadable"
    if not years[0] <= int(year[1]) <= years[1]:
        return "year_outside"
    country = country_named(row[asked.country])
    if country is None:
        return "country_unknown"
    if row[asked.country].strip().casefold() in PARTS:
        return "part_of_a_country"
    value = row[asked.value].strip()
    if _NUMBER.fullmatch(value) is None:
        return "value_unreadable"
    return int(year[1]), country, float(value.replace(",", ""))


def compared_column(counting: str, attribution: str) -> str:
    """Name the column of ``country_year`` that counts as a table of others does.

    Examples
    --------
    >>> compared_column("whole", "last_author"), compared_column("fractional", "any")
    ('papers_whole', 'papers_any_fractional')
    """
    if attribution != "any":
        return f"papers_{counting}"
    return "papers_any" if counting == "whole" else "papers_any_fractional"


def comparison(
    study: Study, published: Mapping[str, Published], country_year: pa.Table
) -> dict[str, pa.Table]:
    """Put the counts of others beside the study's.

    Parameters
    ----------
    study
        Says how each table counts.
    published
        The tables by name, as :func:`read_published` gives them.
    country_year
        The study's own counts. A country it does not have in a year has no work in it.

    Returns
    -------
    dict
        ``comparison``: one row per table, year and country that the table has.
        ``comparison_years``: one row per table and year: the sums over those countries
        and their ratio, what the study counts in countries the table lacks, and
        Spearman's rank correlation over the countries (null below
        :data:`LEAST_RANKED`, or where either side counts the same for all).
    """
    rows: list[dict[str, Any]] = []
    years: list[dict[str, Any]] = []
    for name, table in published.items():
        counting = study.comparisons[name].counting
        ours = _counts(country_year, compared_column(counting, study.countries.attribution))
        about = {"compared_with": name, "counted": counting}
        for year in sorted({year for year, _ in table.counts}):
            beside, whole_year = _year(year, table.counts, ours)
            rows += [about | {"year": year} | row for row in beside]
            years.append(about | {"year": year} | whole_year)
    return {
        "comparison": pa.Table.from_pylist(rows, SCHEMA),
        "comparison_years": pa.Table.from_pylist(years, YEARS_SCHEMA),
    }


def _counts(country_year: pa.Table, column: str) -> Counts:
    columns = (country_year[name].to_pylist() for name in ("year", "country", column))
    return {(year, country): float(n or 0) for year, country, n in zip(*columns, strict=True)}


def _year(year: int, theirs: Counts, ours: Counts) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Compare one year: a row per country, and what holds for all of them."""
    countries = sorted(country for y, country in theirs if y == year)
    first = np.array([theirs[year, country] for country in countries])
    second = np.array([ours.get((year, country), 0.0) for country in countries])
    elsewhere = [n for place, n in sorted(ours.items()) if place[0] == year and place not in theirs]
    return _beside(countries, first, second), {
        "countries": len(countries),
        "theirs": float(first.sum()),
        "ours": float(second.sum()),
        "ratio": _ratio(float(second.sum()), float(first.sum())),
        "ours_elsewhere": float(sum(elsewhere)),
        "spearman": spearman(first, second),
    }


def _beside(countries: list[str], theirs: Floats, ours: Floats) -> list[dict[str, Any]]:
    """Return each country's two counts, and its rank among these countries in both."""
    from scipy.stats import rankdata

    ranks = [rankdata(-counts, method="min").astype(int).tolist() for counts in (theirs, ours)]
    columns = (countries, theirs.tolist(), ours.tolist(), *ranks)
    return [
        {
            "country": country,
            "theirs": their,
            "ours": our,
            "ratio": _ratio(our, their),
            "rank_theirs": rank_theirs,
            "rank_ours": rank_ours,
            "rank_difference": rank_ours - rank_theirs,
        }
        for country, their, our, rank_theirs, rank_ours in zip(*columns, strict=True)
    ]


def _ratio(ours: float, theirs: float) -> float | None:
    return ours / theirs if theirs else None


def spearman(first: Floats, second: Floats) -> float | None:
    """Return Spearman's rank correlation, tied values sharing their mean rank.

    None below :data:`LEAST_RANKED` values, or where either side is constant.

    Examples
    --------
    >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([10.0, 30.0, 20.0]))
    0.5
    """
    if len(first) < LEAST_RANKED or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    from scipy.stats import spearmanr

    return float(spearmanr(first, second).statistic)
