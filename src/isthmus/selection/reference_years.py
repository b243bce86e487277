"""Years in which references are known, and years in which they are absent or break off.

A corpus that lists no references for a year says nothing about what that year's works
cite. Citations counted over such a year are missing, not zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from isthmus.engine import Table
from isthmus.stats.shares import wilson

#: A year breaks off when its share of works with references is below this part of the
#: highest share of any year before it.
SHARE_FALL = 0.5

#: References have not begun while the share is below this part of the highest of all years.
BEGIN = 0.1

#: Below this share of works with references a year has none to speak of, whatever other
#: years have.
FLOOR = 0.01

#: A year breaks off when its references per work, or its references to recent works, are
#: below this part of the median of the known years before it.
RATE_FALL = 0.2

#: Known years before a year that make this median.
LEVEL_YEARS = 5

#: References that the level lets expect in a year, and works, before a fall of the rate is
#: judged: lengths of lists vary far more than Poisson counts.
LEAST_EXPECTED = LEAST_WORKS = 20


@dataclass(frozen=True)
class ReferenceYear:
    """What is known of the references of one year's works of the field.

    Attributes
    ----------
    year : int
    works : int
        Works of the field.
    referring : int
        Of them, those with at least one listed reference.
    references : int
        References listed.
    recent : int
        Of them, those to works of the field of the same year and the `window` years before.
    """

    year: int
    works: int
    referring: int
    references: int
    recent: int


def reference_years(field: Table, references: Table, window: int) -> Table:
    """Count the references of the field's works by year.

    Grain: one row per year with a work. Columns: those of :class:`ReferenceYear`.
    """
    listed = references.semi_join(field.select(citing_id="work_id"), "citing_id")
    each = listed.group_by(work_id="citing_id").agg(listed=listed.count())
    of_work = field.left_join(each, "work_id").select("year", "listed")
    counted = of_work.group_by("year").agg(
        works=of_work.count(),
        referring=of_work.listed.count(),
        references=of_work.listed.sum().fill_null(0).cast("int64"),
    )
    citing = field.select(citing_id="work_id", citing_year="year")
    cited = field.select(cited_id="work_id", cited_year="year")
    dated = listed.inner_join(citing, "citing_id").inner_join(cited, "cited_id")
    near = dated.filter(
        dated.citing_id != dated.cited_id,
        dated.cited_year.between(dated.citing_year - window, dated.citing_year),
    )
    recent = near.group_by(year="citing_year").agg(recent=near.count())
    joined = counted.left_join(recent, "year")
    return joined.select(*counted.columns, recent=joined.recent.fill_null(0))


def references_known(
    years: Iterable[Mapping[str, Any]], window: int, *, judged_by_level: bool = True
) -> dict[int, bool]:
    """Judge in which years the references of a corpus are known.

    A run of years is unknown when its share of works with references lies, with 95 %
    confidence (upper Wilson limit), below half of the highest share before it, below a tenth
    of the highest of all years, or below 1 %. A single year is unknown too when its
    references per work, or its references to recent works of the field both per work and
    per recent work there is, fall below a fifth of the median of the five known years before.

    Parameters
    ----------
    years
        Rows of :func:`reference_years`.
    window
        Years that count as recent, as given there.
    judged_by_level
        Whether a year is compared with the level of others. Without, only years with
        next to no reference at all are unknown.

    Returns
    -------
    dict
        Year -> whether its references are known; years without a work are not in it.
    """
    rows = sorted((ReferenceYear(**row) for row in years), key=lambda row: row.year)
    if not any(row.references for row in rows):
        return {row.year: False for row in rows}
    known = {row.year: True for row in rows}
    for run in _low_runs(rows, judged_by_level=judged_by_level):
        for row in run:
            known[row.year] = False
    if judged_by_level:
        _mark_falls(rows, window, known)
    return known


def complete_years(known: Mapping[int, bool], years: tuple[int, int], window: int) -> list[int]:
    """Publication years whose window ``y..y+window`` holds no year of unknown references."""
    first, last = years
    return [
        year
        for year in range(first, last + 1)
        if all(known.get(later, True) for later in range(year, year + window + 1))
    ]


def suggested_end(known: Mapping[int, bool]) -> int | None:
    """Last year with known references, None unless references break off at the end."""
    there = [year for year, is_known in known.items() if is_known]
    return max(there) if there and max(there) < max(known) else None


def _low_runs(
    rows: Sequence[ReferenceYear], *, judged_by_level: bool
) -> Iterable[list[ReferenceYear]]:
    """Runs of years with too low a share of works with references."""
    highest = max(wilson(row.referring, row.works)[0] for row in rows)
    before, run, cut_of_run = 0.0, list[ReferenceYear](), 0.0
    for row in rows:
        level = max(SHARE_FALL * before, BEGIN * highest) if judged_by_level else 0.0
        cut = max(level, FLOOR)
        if row.referring < cut * row.works:
            cut_of_run = cut_of_run if run else cut
            run.append(row)
            continue
        if _surely_below(run, cut_of_run):
            yield run
        run = []
        before = max(before, wilson(row.referring, row.works)[0])
    if _surely_below(run, cut_of_run):
        yield run


def _surely_below(run: Sequence[ReferenceYear], cut: float) -> bool:
    if not run:
        return False
    referring, works = sum(row.referring for row in run), sum(row.works for row in run)
    return wilson(referring, works)[1] < cut


def _mark_falls(rows: Sequence[ReferenceYear], window: int, known: dict[int, bool]) -> None:
    """Mark years whose references per work, or to recent works, fall far below the level."""
    works = {row.year: row.works for row in rows}
    before: list[tuple[float, float, float]] = []
    for row in rows:
        if not known[row.year]:
            continue
        there = sum(works.get(row.year - lag, 0) for lag in range(window + 1))
        rates = (row.references / row.works, row.recent / row.works)
        seen = (*rates, rates[1] / there)
        level = [median(values) for values in zip(*before[-LEVEL_YEARS:], strict=True)]
        if level and _falls(row.works, seen, level):
            known[row.year] = False
        else:
            before.append(seen)


def _falls(works: int, rates: Sequence[float], level: Sequence[float]) -> bool:
    if works < LEAST_WORKS:
        return False
    low = [rate < RATE_FALL * usual for rate, usual in zip(rates, level, strict=True)]
    listed, recent = level[0] * works >= LEAST_EXPECTED, level[1] * works >= LEAST_EXPECTED
    return (low[0] and listed) or (low[1] and low[2] and recent)
