"""Everything of one country in one shard of the explorer's data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.report.excerpts import (
    country_bounds,
    country_cohorts,
    country_dependence,
    country_indicators,
    country_reference_bounds,
    premiums,
)
from isthmus.report.packing import Sets, packed, split
from isthmus.report.sentences import country_sentences, country_ties
from isthmus.report.source import DIGITS, FEW_DIGITS, Source, columns
from isthmus.report.view_sentences import (
    SAID,
    bounds_by_number,
    premiums_said,
    references_by_number,
)


def country_shards(source: Source, pairs: pa.Table) -> Iterator[tuple[str, Sets]]:
    """Return everything of one country in one shard."""
    sets: dict[str, dict[str, Any]] = {}

    def put(country: str, name: str, table: pa.Table, digits: int = DIGITS) -> None:
        sets.setdefault(country, {})[name] = packed(columns(table, digits=digits))

    for name, table, key in (
        ("years", "country_year", "country"),
        ("coverage", "coverage", "country"),
        ("alignment", "alignment", "country"),
        ("arrivals", "flows", "destination"),
        ("departures", "flows", "origin"),
        ("mobility", "mobility_rates", "country"),
    ):
        read = source.table(table)
        if read is not None and key in read.column_names:
            for country, rows in split(read.filter(pc.is_valid(read[key])), key):
                put(country, name, rows)
    if pairs.num_rows:
        for country, rows in split(_seen_from_each(pairs), "country"):
            put(country, "partners", rows)
    for country, rows in country_ties(source).items():
        put(country, "ties", rows)
    for name, made, key in (
        ("bounds", country_bounds(source), "country"),
        ("indicators", country_indicators(source), "country"),
        ("dependence", country_dependence(source), "country"),
        ("cohorts", country_cohorts(source), "entry_country"),
        ("sectors", source.table("sectors"), "country"),
        ("sector_pairs", source.table("sector_pairs"), "country"),
    ):
        for country, rows in split(made, key) if made is not None else ():
            put(country, name, rows, FEW_DIGITS)
            text = SAID[name](country, rows.to_pylist(), source)
            sets[country][f"{name}_said"] = {"text": [text] if text else []}
            if name == "bounds":
                sets[country]["bounds_years_said"] = bounds_by_number(rows.to_pylist())
    references = country_reference_bounds(source)
    for country, rows in split(references, "country") if references is not None else ():
        put(country, "reference_bounds", rows, FEW_DIGITS)
        sets[country]["reference_bounds_said"] = references_by_number(rows.to_pylist(), source)
    _put_premiums(source, pairs, sets)
    for country, text in country_sentences(source).items():
        sets.setdefault(country, {})["sentence"] = {"text": [text]}
    for country in sorted(set(sets) - {"all"}):
        yield f"country/{country}", sets[country]


def _put_premiums(
    source: Source, pairs: pa.Table, sets: dict[str, dict[str, dict[str, Any]]]
) -> None:
    """Add what the joint papers of each country gain, and the sentence on it."""
    table = premiums(source)
    if table is None:
        return
    rows = table.to_pylist()
    joint: dict[str, dict[str, int]] = {}
    for row in pairs.to_pylist():
        for one, other in (("source", "target"), ("target", "source")):
            joint.setdefault(row[one], {})[row[other]] = row["works_whole"] or 0
    for country in source.names:
        own = [row for row in rows if country in (row["lead"], row["partner"])]
        made = sets.setdefault(country, {})
        if own:
            made["premiums"] = packed(columns(pa.Table.from_pylist(own, table.schema)))
        text = premiums_said(country, own, joint.get(country, {}), source)
        made["premiums_said"] = {"text": [text]}


def _seen_from_each(pairs: pa.Table) -> pa.Table:
    rest = [c for c in pairs.column_names if c not in ("source", "target")]
    one = pairs.select(["source", "target", *rest]).rename_columns(["country", "partner", *rest])
    other = pairs.select(["target", "source", *rest]).rename_columns(["country", "partner", *rest])
    return pa.concat_tables([one, other]).sort_by(
        [("country", "ascending"), ("partner", "ascending")]
    )
