"""Result tables as claims read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import structs
from numpy.typing import NDArray

from isthmus.findings.verdict import Condition
from isthmus.leadership.totals import SPAN
from isthmus.results import Results
from isthmus.selection.wording import StudyWords, in_sentence, know_places, listed
from isthmus.stats.ratios import Total
from isthmus.study import Findings

__all__ = ["AFFINITY", "SPAN", "Evidence", "listed", "name"]

#: Stands in column ``null_model`` for affinities, which need none.
AFFINITY = "none"

#: A country's name as a sentence has it.
name = in_sentence

#: Papers, citations and the citations' standard error, by year.
Impact = dict[int, tuple[float, float, float]]


@dataclass(frozen=True)
class Evidence:
    """The tables of finished results, read once each, and the study's settings."""

    results: Results
    _read: dict[str, pa.Table] = field(default_factory=dict, repr=False)
    #: The evidence with other tables, by what it is for; several claims look at the same.
    variants: dict[str, dict[str, Evidence]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        know_places(self.results)

    def has(self, table: str) -> bool:
        """Whether the results hold the table with at least one row."""
        return bool(self.results.record["tables"].get(table))

    def table(self, name: str, **values: Any) -> pa.Table:
        """Read a table, or those of its rows whose columns have the given values."""
        if name not in self._read:
            self._read[name] = self.results.table(name)
        table = self._read[name]
        for column, value in values.items():
            table = table.filter(pc.equal(table[column], pa.scalar(value, table[column].type)))
        return table

    def with_tables(self, tables: Mapping[str, pa.Table]) -> Evidence:
        """Return the evidence with other tables in the place of some."""
        return replace(self, _read={**self._read, **tables}, variants={})

    def columns(self, table: str) -> list[str]:
        """Names of a table's columns."""
        return list(self.table(table).column_names)

    @property
    def settings(self) -> Mapping[str, Any]:
        """Every setting of the study."""
        found: Mapping[str, Any] = self.results.record["settings"]
        return found

    @property
    def words(self) -> StudyWords:
        """The study's own words."""
        return StudyWords.of_record(self.results.record)

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
        """Null models of the study, in its order."""
        return list(self.settings["poles"]["null_models"])

    @property
    def models(self) -> list[str]:
        """What ties are measured under, the headline first: ``none`` stands for affinities."""
        own = [AFFINITY] if self.settings["poles"]["quantity"] == "affinity" else []
        return [*own, *self.null_models]

    @property
    def rules(self) -> Mapping[str, Any]:
        """Section ``[findings]``, with its defaults where results were made without."""
        return {**structs.asdict(Findings()), **self.settings.get("findings", {})}

    @property
    def error_rate(self) -> float:
        """False discovery rate up to which a claim is supported."""
        found: float = self.rules["error_rate"]
        return found

    @property
    def placebo_level(self) -> float:
        """Share of placebo replays that may show as much."""
        found: float = self.settings["poles"]["placebo_level"]
        return found

    @property
    def smallest_ratio(self) -> float:
        """Smallest ratio of two totals that is called a difference."""
        found: float = self.rules["smallest_ratio"]
        return found

    def smallest(self, claim: str, kind: str) -> float:
        """Smallest effect of interest of a claim: its own in the study file, else its kind's."""
        rules = self.rules
        found: float = rules["smallest"].get(claim, rules[f"smallest_{kind}"])
        return found

    def pair(self, which: int) -> tuple[str, str]:
        """Return a pole and the other pole: the first's side for 0, the second's for 1."""
        first, second = self.poles[:2]
        return (first, second) if which == 0 else (second, first)

    @property
    def both_ways(self) -> list[tuple[str, str]]:
        """Names of the two poles, in either order."""
        return [(name(a), name(b)) for a, b in map(self.pair, (0, 1))]

    def why_null(self, table: str, column: str | None = None) -> str:
        """Return why a table or one of its columns holds nothing."""
        if column is None or not self.has(table):
            return f"`{table}` has no rows in these results"
        if column not in self.columns(table):
            return f"`{table}` has no column `{column}` in these results"
        return f"`{column}` of `{table}` is empty: what it rests on is absent from the corpus"

    def totals(self, column: str) -> dict[str, float]:
        """Sum a column of ``country_year`` over the years, by country; empty without the column."""
        table = self.table("country_year")
        if column not in table.column_names:
            return {}
        summed = table.group_by("country").aggregate([(column, "sum")])
        return {row["country"]: float(row[f"{column}_sum"] or 0.0) for row in summed.to_pylist()}

    def series(
        self, table: str, column: str, **values: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return years and values of the rows chosen, in order of years, null left out."""
        if column not in self.columns(table):
            return np.array([]), np.array([])
        rows = self.table(table, **values).select(["year", column])
        rows = rows.filter(pc.is_valid(rows[column])).sort_by("year")
        return (
            rows["year"].to_numpy().astype(float),
            rows[column].to_numpy().astype(float),
        )

    def total(self, measure: str, country: str, span: str = "all") -> Total:
        """Return a country's total of a measure with its standard error.

        Parameters
        ----------
        span
            ``all`` years, or the ``first`` or ``last`` five with known values.
        """
        if self.has("country_totals"):
            rows = self.table("country_totals", measure=measure, span=span)
            if rows.num_rows:
                found = rows.filter(pc.equal(rows["country"], country)).to_pylist()
                return (found[0]["total"], found[0]["se"]) if found else (0.0, 0.0)
        years, values = self.series("country_year", measure, country=country)
        every = self.series("country_year", measure)[0]
        if not len(every):
            return 0.0, 0.0
        ends = {"first": years < every.min() + SPAN, "last": years > every.max() - SPAN}
        counted = float(values[ends.get(span, np.full(len(years), True))].sum())
        return counted, math.sqrt(counted)

    def against_others(self, country: str) -> tuple[Impact, Impact]:
        """Papers, citations and their standard error by year: of a country, and of all others."""
        cited = self.impact
        columns = (f"{cited}_papers", f"{cited}_sum", f"{cited}_sum_se")
        own: Impact = {}
        rest: Impact = {}
        if not set(columns) <= set(self.columns("country_year")):
            return own, rest
        for row in self.table("country_year").to_pylist():
            papers, total, error = (row[column] for column in columns)
            if not papers or total is None:
                continue
            side = own if row["country"] == country else rest
            before = side.get(row["year"], (0.0, 0.0, 0.0))
            side[row["year"]] = (
                before[0] + papers,
                before[1] + total,
                math.hypot(before[2], error or 0.0),
            )
        return own, rest

    def largest(self, among: Sequence[str] | None, most: int) -> list[str]:
        """Return the countries with most papers, among some or all, largest first."""
        totals = self.totals(self.papers)
        known = [code for code in totals if among is None or code in among]
        return sorted(known, key=lambda code: (-totals[code], code))[:most]

    def beside_placebo(
        self,
        condition: Condition,
        what: str,
        layer: str | None,
        model: str,
        *,
        quantity: str | None = None,
        countries: Sequence[str] = (),
    ) -> Condition:
        """Add the share of placebo replays that show at least as much, the worst family's.

        Replays too few to show a share as small as the level the study asks for say nothing.
        Rows of another layer, quantity or pair of countries do not count, where one is named.
        """
        if not self.has("placebo"):
            return condition
        rows = [
            row
            for row in self.table("placebo", what=what, null_model=model).to_pylist()
            if row["p"] is not None
            and row["replays"]
            and 1 / (1 + row["replays"]) <= self.placebo_level
            and (layer is None or row["layer"] == layer)
            and (quantity is None or row["quantity"] == quantity)
            and (not countries or {row["source"], row["target"]} == set(countries))
        ]
        if not rows:
            return condition
        return replace(condition, placebo=max(float(row["p"]) for row in rows))
