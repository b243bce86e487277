"""Views of a country's sectors: papers of companies, universities, government, and joint ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.report import charts, panels
from isthmus.report.charts import Spec
from isthmus.report.source import Source
from isthmus.report.views import View
from isthmus.report.words import SECTORS
from isthmus.selection.wording import in_sentence, joined

#: Sectors that sentences and charts show; the tables have all.
MAIN = ("company", "education", "government")

#: Sectors drawn as lines of their own.
DRAWN = (*MAIN, "healthcare", "facility", "nonprofit")


def sector_views(shard: list[str]) -> list[View]:
    """Show papers by sector of their authors' institutions, and papers of two sectors."""
    alone = charts.lines("papers_whole", "Papers (whole)", colour="sector")
    pair = panels.joined(
        charts.lines("papers_whole", "Joint papers", colour="pair"),
        "sector",
        "with_sector",
        "and",
        "pair",
    )
    return [
        View(
            "sectors",
            "{country}: papers of companies, universities and government",
            "By the type of the authors' institutions. Sectors add up to more than the papers, for "
            "a paper counts in each of its sectors. The chart leaves small sectors out.",
            "sectors",
            shard,
            "sectors",
            [(name, None) for name in ("sector", "year", "papers_whole", "papers_fractional")],
            sort="-year",
            chart={"": _only(alone, ("sector",), DRAWN)},
            says="sectors_said",
        ),
        View(
            "sector-pairs",
            "{country}: papers of two sectors",
            "Papers with authors in two sectors of the country. Affiliations of unknown sector are "
            "left out: these are at least so many.",
            "sector_pairs",
            shard,
            "sector_pairs",
            [(name, None) for name in ("sector", "with_sector", "year", "papers_whole")],
            sort="-year",
            chart={"": _only(pair, ("sector", "with_sector"), MAIN)},
            says="sector_pairs_said",
        ),
    ]


def _only(spec: Spec, columns: Sequence[str], wanted: Sequence[str]) -> Spec:
    """Draw only rows whose columns hold wanted sectors, which a page writes in words."""
    for column in columns:
        spec = charts.among(spec, column, [SECTORS[name] for name in wanted])
    return spec


Rows = Sequence[Mapping[str, Any]]


def sectors_said(country: str, rows: Rows, _: Source) -> str:
    """Say how many papers of a country's last year have authors in each main sector."""
    last = max(row["year"] for row in rows)
    found = {row["sector"]: row["papers_whole"] for row in rows if row["year"] == last}
    if not found.keys() - {"unknown"}:
        return f"The sectors of {in_sentence(country)}'s papers of {last} are not known."
    said = [f"{found.get(name, 0) or 'none'} of {SECTORS[name]}" for name in MAIN]
    return f"Papers of {in_sentence(country)} in {last}: {joined(said)}."


def sector_pairs_said(country: str, rows: Rows, _: Source) -> str:
    """Say how many papers of the last year companies and government wrote with universities."""
    last = max(row["year"] for row in rows)
    found = {
        (row["sector"], row["with_sector"]): row["papers_whole"]
        for row in rows
        if row["year"] == last
    }
    pairs = [("company", "education"), ("education", "government"), ("company", "government")]
    said = [
        f"{found.get(pair, 0) or 'none'} of {SECTORS[pair[0]]} with {SECTORS[pair[1]]}"
        for pair in pairs
    ]
    return f"In {last}, papers of two sectors in {in_sentence(country)} were {joined(said)}."
