"""Sections on verdicts, on how a study is run, and on what a user adds by name."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from isthmus.study.field import Counting
from isthmus.study.sections import (
    Rule,
    Section,
)

EngineName = Literal["duckdb", "spark"]


class Findings(Section, frozen=True):
    """``[findings]``: when a claim is supported.

    Attributes
    ----------
    error_rate
        False discoveries among the claims a study can test.
    min_clusters
        Effective number of clusters (institutions, matched groups) that each side of a
        comparison needs for an interval; with fewer its coverage falls far below 95 %.
    smallest_ratio, smallest_percent, smallest_change, smallest_points, smallest_index
        Smallest effects of interest: of a ratio of two totals, of a matched difference in per
        cent, of a yearly relative change (0.02 is 2 % a year), of a yearly change in
        percentage points, and of a yearly change of the polarisation index (which lies
        between -1 and 1). That of a tie is ``poles.smallest_change``.
    smallest
        Smallest effects of interest of single claims, by name.
    missing_share
        Share of works with a missing country from which a verdict that hangs on them is left
        undecided.
    """

    section: ClassVar[str] = "findings"

    error_rate: float = 0.05
    min_clusters: float = 6.0
    smallest_ratio: float = 1.1
    smallest_percent: float = 5.0
    smallest_change: float = 0.02
    smallest_points: float = 1.0
    smallest_index: float = 0.001
    smallest: dict[str, float] = msgspec.field(default_factory=dict)
    missing_share: float = 0.2

    def rules(self) -> list[Rule]:
        """Return the rules on error rates and smallest effects."""
        rate, ratio, lost = self.error_rate, self.smallest_ratio, self.missing_share
        positive = ("min_clusters", "smallest_percent", "smallest_change", "smallest_points")
        return [
            (0 < rate < 1, "findings.error_rate", rate, "above 0 and below 1"),
            (ratio > 1, "findings.smallest_ratio", ratio, "above 1"),
            (0 <= lost <= 1, "findings.missing_share", lost, "0 to 1"),
            *(
                (getattr(self, name) > 0, f"findings.{name}", getattr(self, name), "above 0")
                for name in (*positive, "smallest_index")
            ),
        ]


class Run(Section, frozen=True):
    """``[run]``: the seed, the engine and what it may use.

    Attributes
    ----------
    seed
        Seed of all that is drawn; the same seed gives the same tables.
    engine
        What computes the tables: ``duckdb`` on this machine, or ``spark``.
    memory
        Most memory the engine may use, like 4GB.
    threads
        Threads of DuckDB and of the kernels; all cores by default.
    spill
        Folder for what does not fit into memory, by default in the results.
    pair_memory_mb
        Megabytes of venue pairs that novelty holds at a time beside its references; beyond it
        they go to files in `spill`.
    master
        Spark's master URL or the address of Spark Connect (``sc://host:15002``), by default all
        cores of this machine.
    storage
        Address of a copy of the corpus that the engine reads instead, such as
        ``s3a://bucket/corpus``; Spark keeps shared tables there too.
    csv
        Whether the largest tables are written as CSV too, which are Parquet alone otherwise.
    """

    section: ClassVar[str] = "run"

    seed: int = 1
    engine: EngineName = "duckdb"
    memory: str | None = None
    threads: int | None = None
    spill: str | None = None
    pair_memory_mb: int = 1024
    master: str | None = None
    storage: str | None = None
    csv: bool = False

    def rules(self) -> list[Rule]:
        """Return the rules on the seed and on memory."""
        return self.at_least({"seed": 0, "pair_memory_mb": 1})


class OwnClaim(Section, frozen=True):
    """``[claims.NAME]``: a claim of the user's own, decided from a result table.

    Attributes
    ----------
    statement
        The claim as a sentence.
    table, column
        The result that decides it: the claim holds when it does in every row that is looked at.
    where
        Values of columns that choose the rows.
    above, below, equals
        What the column must lie above or below, or equal; one of them is needed.
    low, high
        Columns of the result's interval, if the table has one.
    """

    section: ClassVar[str] = "claims.NAME"

    statement: str
    table: str
    column: str
    where: dict[str, int | str] = msgspec.field(default_factory=dict)
    above: float | None = None
    below: float | None = None
    equals: int | str | None = None
    low: str | None = None
    high: str | None = None

    def rules(self) -> list[Rule]:
        """Return the rule that a claim says what it compares with."""
        told = any(test is not None for test in (self.above, self.below, self.equals))
        return [(told, self.section, self.statement, "given `above`, `below` or `equals`")]


class Comparison(Section, frozen=True):
    """``[comparisons.NAME]``: counts of works by year and country that somebody else publishes.

    They are shown beside the study's own on the page on coverage, under this
    name (OECD, NCSES, CSET, ...).

    Attributes
    ----------
    file
        A CSV file with a header, relative to the study file.
    counting
        How the file counts joint works, ``whole`` or ``fractional``, and so which of the
        study's counts stands beside it. It has no default, because the two differ most for
        the countries that cooperate most.
    year, country, value
        Names of the file's columns. Countries are ISO 3166-1 alpha-2 or alpha-3 codes or
        English names.
    where
        Values of columns that choose the rows.
    """

    section: ClassVar[str] = "comparisons.NAME"

    file: str
    counting: Counting
    year: str = "year"
    country: str = "country"
    value: str = "value"
    where: dict[str, int | str] = msgspec.field(default_factory=dict)

    def rules(self) -> list[Rule]:
        """Return the rules on the file and its columns."""
        columns = [self.year, self.country, self.value]
        differ = len(set(columns)) == len(columns)
        return [
            (differ, self.section, columns, "three different columns"),
            (bool(self.file), f"{self.section}.file", self.file, "the name of a file"),
        ]
