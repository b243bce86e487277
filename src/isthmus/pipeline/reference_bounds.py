"""The table on what missing references can do to citation numbers, from both questions' parts."""

from __future__ import annotations

import pyarrow as pa

from isthmus.engine import Table
from isthmus.leadership import missing_references as of_lists
from isthmus.leadership.country_year import Leaders
from isthmus.poles.home_bounds import home_ends, unlisted_countries
from isthmus.selection.study_tables import StudyTables


def citing_works(tables: StudyTables) -> Table:
    """Return works that may cite, and those of them whose references are missing."""
    years = tables.study.years[0], tables.study.years[1] + tables.study.impact.window
    works, references = tables.corpus["works"], tables.corpus["references"]
    least = tables.study.bounds.least_known
    return tables.keep(
        "citing_works", lambda: of_lists.citing_works(works, references, years, least)
    )


def reference_bounds(
    leaders: Leaders, papers: pa.Table | None = None, got: pa.Table | None = None
) -> pa.Table:
    """Return citation numbers under missing references.

    Parameters
    ----------
    leaders
        Impact and hits of the study.
    papers, got
        Papers and citations received by year and country, as the table on dependence has them;
        without them the table has no home shares.

    Returns
    -------
    pa.Table
        Grain: one row per number, year (null for all years) and country (null for the world).
        Columns: ``measured``, ``weighted``, ``lowest``, ``highest``, ``works``, ``missing``.
    """
    tables, citing = leaders.tables, citing_works(leaders.tables)
    collect, rules = tables.engine.collect, tables.study.impact
    citations = tables.citations.filter(tables.citations.cited_year.between(*tables.study.years))
    may_cite = citing.group_by("year").agg(works=citing.count(), unlisted=citing.unlisted.sum())
    longest = collect(of_lists.longest_lists(citations, rules.window)).to_pylist()
    missing = of_lists.gaps(collect(may_cite).to_pylist(), longest, rules.window)
    weighted = tables.keep(
        "weighted_impact",
        lambda: of_lists.weighted_impact(leaders.citations, citing, leaders.impact, rules.window),
    )
    counts = of_lists.cited_counts(weighted, tables.deciding, rules.hit_percent)
    begins = collect(leaders.hit_thresholds).to_pylist()
    found = of_lists.cited_bounds(collect(counts), begins, missing)
    if papers is not None and got is not None:
        unlisted = collect(unlisted_countries(citing, tables.countries)).to_pylist()
        ends = home_ends(
            got.sort_by([("year", "ascending"), ("country", "ascending")]).to_pylist(),
            {(row["year"], row["country"]): row["papers"] for row in papers.to_pylist()},
            {(row["year"], row["country"]): row["unlisted"] for row in unlisted},
            {row["year"]: row["longest"] for row in longest},
            rules.window,
        )
        for year, country, pairs in ends:
            found.setdefault(("home_share", country), []).append((year, pairs))
    order = [(name, "ascending") for name in ("number", "year", "country")]
    rows = list(of_lists.rows_of(found, missing))
    return pa.Table.from_pylist(rows, of_lists.SCHEMA).sort_by(order)
