"""Result tables as claims read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import stdtrit

from isthmus.corpus.countries import countries
from isthmus.results import Results
from isthmus.stats.trends import theil_sen


@dataclass(frozen=True)
class Evidence:
    """The tables of finished results, read once each, and the study's settings."""

    results: Results
    _read: dict[str, pa.Table] = field(default_factory=dict, repr=False)
    _whole: Evidence | None = field(default=None, repr=False)
    _left_out: str = ""

    def has(self, table: str) -> bool:
        """Whether the results hold the table with at least one row."""
        return bool(self.results.record["tables"].get(table))

    def table(self, name: str, **values: Any) -> pa.Table:
        """Read a table, or those of its rows whose columns have the given values."""
        if name not in self._read:
            self._read[name] = self._fetched(name)
        table = self._read[name]
        for column, value in values.items():
            table = table.filter(pc.equal(table[column], pa.scalar(value, table[column].type)))
        return table

    def _fetched(self, name: str) -> pa.Table:
        if self._whole is None:
            return self.results.table(name)
        table = self._whole.table(name)
        for column in ("country", "source", "target", "origin", "destination"):
            if column in table.column_names:
                there = pc.fill_null(pc.not_equal(table[column], self._left_out), True)
                table = table.filter(there)
        return table

    def without(self, country: str) -> Evidence:
        """Give the same evidence less every row that names a country."""
        return Evidence(self.results, {}, self, country)

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns."""
        return list(self.table(table).column_names)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Every setting of the study."""
        found: Mapping[str, Any] = self.results.record["settings"]
        return found

    @property
    def poles(self) -> list[str]:
        """Codes of the study's poles."""
        return list(self.settings["countries"]["poles"])

    @property
    def years(self) -> tuple[int, int]:
        """First and last year."""
        first, last = self.settings["study"]["years"]
        return first, last

    @property
    def papers(self) -> str:
        """Column that counts papers under the study's attribution."""
        return f"papers_{self.settings['countries']['attribution']}"

    @property
    def impact(self) -> str:
        """Prefix of the impact columns."""
        return f"c{self.settings['impact']['window']}"

    @property
    def null_models(self) -> list[str]:
        """Null models of the study, the headline first."""
        return list(self.settings["poles"]["null_models"])

    def totals(self, column: str) -> dict[str, float]:
        """Sum a column of ``country_year`` over the years, by country; empty without the column."""
        table = self.table("country_year")
        if column not in table.column_names:
            return {}
        summed = table.group_by("country").aggregate([(column, "sum")])
        return {row["country"]: float(row[f"{column}_sum"] or 0.0) for row in summed.to_pylist()}

    def series(self, table: str, column: str, **values: Any) -> tuple[np.ndarray, np.ndarray]:
        """Give years and values of the rows chosen, in order of years, null left out."""
        if column not in self.columns(table):
            return np.array([]), np.array([])
        rows = self.table(table, **values).select(["year", column])
        rows = rows.filter(pc.is_valid(rows[column])).sort_by("year")
        return (
            rows["year"].to_numpy().astype(float),
            rows[column].to_numpy().astype(float),
        )

    def ends(self, column: str, country: str, span: int) -> tuple[float, float]:
        """Sum a country's column over the first and the last `span` years of the study."""
        years, values = self.series("country_year", column, country=country)
        if len(years) == 0:
            return 0.0, 0.0
        early, late = years < years.min() + span, years > years.max() - span
        return float(values[early].sum()), float(values[late].sum())


def name(code: str) -> str:
    """Give a country's English name, the code itself when it is none.

    Examples
    --------
    >>> name("CN"), name("EU27")
    ('China', 'EU27')
    """
    known = countries()
    return known[code].name if code in known else code


def listed(codes: Sequence[str]) -> str:
    """Write countries by name for a sentence."""
    names = [name(code) for code in codes]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def slope(years: np.ndarray, values: np.ndarray) -> tuple[float, float, float]:
    """Give the Theil-Sen slope of a series a year, with its 95 % interval.

    Sen (1968): the median of the slopes of all pairs of points. NaN for fewer
    than three points.
    """
    known = np.isfinite(values)
    if known.sum() < 3:
        return float("nan"), float("nan"), float("nan")
    at = (years[known] - years[known].min()).astype(np.int64)
    series = np.full(at.max() + 1, np.nan)
    series[at] = values[known]
    found = theil_sen(series[None])
    return found.slope.item(), found.low.item(), found.high.item()


def mean_interval(values: np.ndarray) -> tuple[float, float, float]:
    """Give a mean with Student's 95 % interval.

    Examples
    --------
    >>> [round(end, 2) for end in mean_interval(np.array([1.0, 2.0, 3.0]))]
    [2.0, -0.48, 4.48]
    """
    mean, n = float(values.mean()), len(values)
    half = float(stdtrit(n - 1, 0.975) * values.std(ddof=1) / math.sqrt(n))
    return mean, mean - half, mean + half
