"""The counts of others beside the study's: views of the page on coverage, and what was compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.leadership.published_counts import compared_column
from isthmus.report import charts, panels
from isthmus.report.glossary import metric
from isthmus.report.source import Source, where
from isthmus.report.views import TO_COUNTRY, View

#: What became of a row that could not be used -> the words for it.
REASONS: dict[str, str] = {
    "cells_too_many": "have more cells than the header",
    "contradicting": "give a year and country different values",
    "country_unknown": "name no country",
    "part_of_a_country": "name a part of a country, like Scotland",
    "not_asked": "are kept out by `where`",
    "repeated": "repeat another row",
    "value_unreadable": "have no readable value",
    "year_outside": "are of years outside the study",
    "year_unreadable": "have no readable year",
}


def comparison_views(source: Source) -> list[View]:
    """Return a table of every country beside theirs, and one of the years; none without tables."""
    if not source.comparisons:
        return []
    ratio, rank = (metric(name, source.settings).label for name in ("ratio", "spearman"))
    there, read = source.has("comparison"), " ".join(_read(source)).replace("`", "")
    columns = ("compared_with", "theirs", "ours", "ratio", "rank_theirs", "rank_ours")
    each = View(
        "comparison",
        "Beside {against} in {year}" if there else "Beside what others publish",
        f"{read} Other sources and another idea of the field are behind their "
        "numbers: look at ranks, and at how the ratio differs between countries.",
        "comparison",
        ["comparisons"],
        "comparison",
        [("country", TO_COUNTRY), *((c, None) for c in (*columns, "rank_difference", "counted"))],
        where=[["compared_with", "is", "against"], ["year", "is", "year"]],
        sort="-theirs",
        chart={"": panels.two_counts("theirs", "ours", "country", "Works")},
    )
    years = ("countries", "theirs", "ours", "ratio", "spearman", "ours_elsewhere", "counted")
    yearly = View(
        "comparison_years",
        "Beside what others publish, year by year",
        "Sums over the countries that the other table has. A ratio that falls says that the corpus "
        "lacks what the other has; a rank correlation near 1 that both rank countries alike.",
        "comparison_years",
        ["comparisons"],
        "comparison_years",
        [("compared_with", None), ("year", None), *((name, None) for name in years)],
        by="agreement",
        chart={
            "ratio": charts.lines("ratio", ratio, colour="compared_with"),
            "spearman": charts.lines("spearman", rank, colour="compared_with"),
        },
    )
    return [each, yearly]


def comparison_controls(source: Source) -> list[Mapping[str, Any]]:
    """Return a choice of the table to look at, and of the measure over the years."""
    if not source.has("comparison"):
        return []
    names = [[name, name] for name in sorted(source.comparisons)]
    measures = [[name, metric(name, source.settings).label] for name in ("ratio", "spearman")]
    against = {"key": "against", "label": "Compared with", "options": names}
    agreement = {"key": "agreement", "label": "Agreement by", "options": measures}
    return [
        {**control, "kind": "choice", "default": control["options"][0][0]}
        for control in (against, agreement)
    ]


def last_compared(source: Source, years: Sequence[str]) -> str:
    """Return the last of the years, the last with a comparison if there is one."""
    read = source.table("comparison")
    compared = set() if read is None else {str(y) for y in pc.unique(read["year"]).to_pylist()}
    return max((year for year in years if year in compared), default=years[-1])


def comparisons_text(source: Source) -> Iterator[str]:
    """Say which tables of others stand beside the study's counts, and how well they agree."""
    if not source.comparisons:
        return
    yield "## Counts that others publish {#comparisons}"
    text = "Their numbers rest on other sources and on another idea of the field; a ratio of 1 is "
    text += "not expected. Ranks are among the countries that the other table has. Rows that "
    text += "cannot be used are counted."
    if source.settings["countries"]["merge"]:
        text += " Their counts of countries that the study merges are added; where works are "
        text += "counted whole, joint works of these count twice."
    yield text
    for name, read in zip(sorted(source.comparisons), _read(source), strict=True):
        yield f"{read}{_agreement(source, name)}"


def _read(source: Source) -> list[str]:
    """Say of each table what was read of it."""
    noted: Mapping[str, Any] = source.note("comparisons") or {}
    attribution = source.settings["countries"]["attribution"]
    told = []
    for name, asked in sorted(source.comparisons.items()):
        column = compared_column(asked["counting"], attribution)
        text = f"{_one_line(name)} (`{_one_line(Path(asked['file']).name)}`) counts works "
        text += f"{'whole' if asked['counting'] == 'whole' else 'fractionally'} and stands beside "
        text += f"`{column}`."
        told.append(text + _rows(noted.get(name, {})))
    return told


def _rows(read: Mapping[str, Any]) -> str:
    rows: Mapping[str, int] = read.get("rows", {})
    if not rows:
        return " It has no rows."
    text = f" Of its {sum(rows.values()):,} rows {rows.get('used', 0):,} are used"
    others = [f"{rows[reason]:,} {words}" for reason, words in REASONS.items() if reason in rows]
    text += f"; {', '.join(others)}." if others else "."
    unknown = [_one_line(name) for name in read.get("no_country", ()) if name]
    return f"{text} No country: {'; '.join(unknown)}." if unknown else text


def _agreement(source: Source, name: str) -> str:
    table = source.table("comparison_years")
    rows = None if table is None else where(table, compared_with=name)
    if rows is None or not rows.num_rows:
        return ""
    ends = rows.take([0, rows.num_rows - 1]).to_pylist()
    (low, high), known = _span(rows["spearman"]), _span(rows["ratio"])
    text = ""
    if known[0] is not None:
        told = [f"{row['ratio']:.3g} in {row['year']}" for row in ends if row["ratio"] is not None]
        text += f" Over its countries the study counts as many times theirs: {', '.join(told)}."
    if low is not None:
        text += f" Spearman's rank correlation of the countries lies between {low:.2f} and "
        text += f"{high:.2f}, by year."
    return text


def _span(column: pa.ChunkedArray) -> tuple[float | None, float | None]:
    found = pc.min_max(column).as_py()
    return found["min"], found["max"]


def _one_line(text: str) -> str:
    return " ".join(text.split())
