"""The explorer's data: result tables cut into small files, each loaded when it is looked at.

A *shard* is named like ``country_year/2021`` and holds sets of columns; see
:func:`isthmus.report.packing.packed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.report.bloc_views import blocs_said
from isthmus.report.charts import points, shapes
from isthmus.report.country_shards import country_shards
from isthmus.report.excerpts import (
    IN_TOPIC_COLUMNS,
    bloc_members,
    bloc_windows,
    pair_indices,
    tie_turns,
    topic_leaders,
)
from isthmus.report.packing import Sets, packed, split
from isthmus.report.place_views import linked_said, places_said
from isthmus.report.sentences import pair_sentences
from isthmus.report.source import DIGITS, FEW_DIGITS, Source, columns, where
from isthmus.report.topic_pages import leaders_said
from isthmus.report.view_sentences import indices_said
from isthmus.study.sections import AFFINITY

#: Joint papers of a pair under which its row is greyed: too few to say much.
SMALL_CELL = 25

#: Columns of ``links`` that a page shows.
LINK_COLUMNS = (
    "year",
    "layer",
    "source",
    "target",
    "null_model",
    "observed",
    "expected",
    "z",
    "q",
    "log_ratio",
    "log_ratio_low",
    "log_ratio_high",
    "affinity",
    "affinity_low",
    "affinity_high",
)

#: Sets of a pair -> the columns in them; the others are whole.
PAIR_COLUMNS = {"links": LINK_COLUMNS}

#: Works expected in a year from which a tie without any is shown: a year with fewer, and none
#: seen, says nothing.
LEAST_EXPECTED = 1.0

#: Columns of the table of all pairs, which is the longest of the site.
ALL_PAIRS = (
    "source",
    "target",
    "works_whole",
    "citations_whole",
    "affinity",
    "log_ratio",
    "archetype",
    "stability",
)

#: Columns of the list of strongest links.
MAP_COLUMNS = ("year", "source", "target", "observed", "expected", "z", "q")

#: Columns of the table of all archetypes; a pair's own page has the others.
ARCHETYPE_COLUMNS = (
    "null_model",
    "source",
    "target",
    "archetype",
    "stability",
    "slope_collaboration",
    "slope_citation",
)

#: Links of a year that are listed, and the false discovery rate that they must be below.
STRONGEST, DISCOVERY_RATE = 20, 0.05

#: Works of a year that the site lists, the most novel first; the Parquet file has all of them.
MOST_NOVEL = 100

#: Tables a page shows whole: name of the shard -> result tables in it.
WHOLE: dict[str, tuple[str, ...]] = {
    "blocs": ("bloc_year",),
    "named": ("leading_institutions", "cited_works"),
    "coverage": ("coverage",),
    "comparisons": ("comparison", "comparison_years"),
    "teaming": (
        "matched",
        "matched_measures",
        "balance",
        "placebo_pairs",
        "team_sizes",
        "top_institutions",
        "unmatched",
    ),
    "poles": (
        "alignment",
        "polarisation",
        "cluster_choice",
        "placebo",
        "centroids",
        "dropped",
        "pole_years",
    ),
    "movers": (
        "mover_profiles",
        "retention",
        "retention_balance",
        "flow_totals",
        "flow_ranges",
        "mobility_variants",
        "mobility_rates",
    ),
    "novelty": ("novelty_thresholds", "reference_losses"),
    "fields": ("fields", "field_numbers", "contrasts", "verdict_turns"),
}


def shards(source: Source) -> Iterator[tuple[str, Sets]]:
    """Return every shard's name and sets."""
    yield "shapes", {"topology": shapes()["topology"], "points": points(source.names)}
    for name, tables in WHOLE.items():
        found = {t: packed(columns(_shown(t, r))) for t in tables if (r := source.table(t))}
        found |= _blocs(source) if name == "poles" else {}
        if found:
            yield name, found
    yield from _topics(source)
    yield from _by_value(source, "archetypes", "null_model", "archetypes", FEW_DIGITS)
    yield from _by_value(source, "country_year", "year", "country_year")
    yield from _by_value(source, "flows", "year", "flows")
    yield from _most_novel(source)
    pairs = pair_summary(source)
    if pairs.num_rows:
        yield "pairs", {"pairs": packed(columns(pairs, ALL_PAIRS, FEW_DIGITS))}
    yield from country_shards(source, pairs)
    yield from _pairs(source, pairs)
    yield from _significant(source)
    yield from _places(source)


def _shown(name: str, table: pa.Table) -> pa.Table:
    """Rows of a table that a page shows; relations of countries stand in `alignment`."""
    if name == "placebo":
        return table.filter(pc.invert(pc.starts_with(table["what"], "relation:")))
    return _pooled_first(table)


def _pooled_first(table: pa.Table) -> pa.Table:
    """Put the row that pools all years before the years of its experiment."""
    if not {"experiment", "year"} <= set(table.column_names):
        return table
    kept = table.column_names
    pooled = pc.fill_null(table["year"].cast(pa.int64()), -1)
    keys = ["experiment", "pooled", *(name for name in ("covariate",) if name in kept)]
    ordered = table.append_column("pooled", pooled).sort_by([(k, "ascending") for k in keys])
    return ordered.select(kept)


def _by_value(
    source: Source, table: str, key: str, folder: str, digits: int = DIGITS
) -> Iterator[tuple[str, Sets]]:
    read = source.table(table)
    if read is None:
        return
    if table == "archetypes":
        read = read.select(_present(read, ARCHETYPE_COLUMNS))
    for value, rows in split(read, key):
        rest = rows if key == "year" else rows.drop_columns([key])
        yield f"{folder}/{value}", {"rows": packed(columns(rest, digits=digits))}


def _blocs(source: Source) -> dict[str, Any]:
    """Return what is said of blocs, and their members."""
    windows, members = bloc_windows(source), bloc_members(source)
    made: dict[str, Any] = {}
    for name, table in (("blocs", windows), ("bloc_members", members)):
        if table is not None:
            made[name] = packed(columns(table, digits=FEW_DIGITS))
    return made | ({"blocs_said": {"text": [blocs_said(source)]}} if windows is not None else {})


def _topics(source: Source) -> Iterator[tuple[str, Sets]]:
    """Return the leaders of all topics, and the countries of each."""
    table, leaders = source.table("topics"), topic_leaders(source)
    if table is None or leaders is None:
        return
    first = packed(columns(leaders, digits=FEW_DIGITS))
    yield "topics", {"leaders": first, "leaders_said": leaders_said(source)}
    for topic, rows in split(table.filter(pc.is_valid(table["rank"])), "topic"):
        yield f"topic/{topic}", {"rows": packed(columns(rows, IN_TOPIC_COLUMNS, FEW_DIGITS))}


def _most_novel(source: Source) -> Iterator[tuple[str, Sets]]:
    """Return the :data:`MOST_NOVEL` works of each year with the lowest novelty."""
    read = source.table("novelty_works")
    if read is None:
        return
    order = [("novelty", "ascending"), ("work_id", "ascending")]
    for year, rows in split(read.filter(pc.is_valid(read["novelty"])), "year"):
        least = rows.take(pc.select_k_unstable(rows, MOST_NOVEL, sort_keys=order))
        yield f"novelty_works/{year}", {"rows": packed(columns(least))}


def pair_summary(source: Source) -> pa.Table:
    """Return one row per unordered pair: totals over the study's years and its archetype.

    Columns: ``source``, ``target``, ``works_whole``, ``works_fractional``,
    ``works_single_author``, ``citations_whole`` (both directions), and where the
    tables are there ``archetype`` and ``stability`` by what leads, and the last year's
    ``affinity``, ``z`` and ``log_ratio`` of collaboration.
    """
    empty = pa.table({"source": pa.array([], pa.string()), "target": pa.array([], pa.string())})
    read = source.table("collaboration")
    pairs = empty if read is None else _totals(read, "works_")
    cited = source.table("citation")
    if cited is not None:
        pairs = _joined(pairs, _totals(_unordered(cited), "citations_"))
    archetypes = source.table("archetypes")
    if archetypes is not None:
        rows = where(archetypes, null_model=source.headline_model)
        kept = [c for c in ("source", "target", "archetype", "stability") if c in rows.column_names]
        pairs = _joined(pairs, _unordered(rows.select(kept)))
    links = source.table("links")
    if links is not None:
        for model, measures in ((AFFINITY, ["affinity"]), (source.headline_null, _BY_NULL)):
            pairs = _joined(pairs, _last_links(links, model, measures))
    return pairs.sort_by([("source", "ascending"), ("target", "ascending")])


#: What a table of pairs shows of the headline null model.
_BY_NULL = ["z", "log_ratio"]


def _last_links(links: pa.Table, model: str, measures: list[str]) -> pa.Table:
    rows = where(links, null_model=model, layer="collaboration")
    if rows.num_rows:
        rows = where(rows, year=pc.max(rows["year"]).as_py())
    return _unordered(rows.select(["source", "target", *_present(rows, measures)]))


def _totals(table: pa.Table, prefix: str) -> pa.Table:
    counted = [c for c in table.column_names if c.startswith(prefix)]
    apart = table.filter(pc.not_equal(table["source"], table["target"]))
    summed = apart.group_by(["source", "target"]).aggregate([(c, "sum") for c in counted])
    return summed.rename_columns([c.removesuffix("_sum") for c in summed.column_names])


def _unordered(table: pa.Table) -> pa.Table:
    first = pc.min_element_wise(table["source"], table["target"])
    second = pc.max_element_wise(table["source"], table["target"])
    at = [table.column_names.index(name) for name in ("source", "target")]
    return table.set_column(at[0], "source", first).set_column(at[1], "target", second)


def _joined(left: pa.Table, right: pa.Table) -> pa.Table:
    return left.join(right, ["source", "target"], join_type="full outer", use_threads=False)


def _pairs(source: Source, pairs: pa.Table) -> Iterator[tuple[str, Sets]]:
    """Return the years of pairs, by the first country and the other's first letter."""
    if not pairs.num_rows:
        return
    links = source.table("links")
    cut = {
        "collaboration": source.table("collaboration"),
        "citation": source.table("citation"),
        "links": None if links is None else telling_links(links),
        "archetypes": source.table("archetypes"),
        "turns": tie_turns(source),
        "linked_pairs": source.table("linked_pairs"),
        "indices": pair_indices(source),
        "sentences": pair_sentences(source, pairs),
    }
    if (indices := cut["indices"]) is not None and indices.num_rows:
        cut["indices_said"] = pa.Table.from_pylist(indices_said(indices.to_pylist()))
    parts: dict[str, dict[str, pa.Table]] = {}
    for name, table in cut.items():
        if table is not None:
            for shard, rows in split(_with_shard(table), "shard"):
                parts.setdefault(shard, {})[name] = rows.drop_columns(["shard"])
    for shard in sorted({*parts, *(s for s, _ in split(_with_shard(pairs), "shard"))}):
        found = parts.get(shard, {})
        sets = {
            name: packed(columns(rows, PAIR_COLUMNS.get(name), FEW_DIGITS))
            for name, rows in found.items()
        }
        yield f"pair/{shard}", sets


def telling_links(links: pa.Table) -> pa.Table:
    """Return the links of years with works, or in which :data:`LEAST_EXPECTED` are expected.

    What repeats stands together: models, layers, pairs, then years.
    """
    keys = ["layer", "source", "target", "year"]
    there = pc.or_kleene(
        pc.greater(links["observed"], 0), pc.greater_equal(links["expected"], LEAST_EXPECTED)
    )
    telling = links.filter(pc.fill_null(there, False)).select(keys)
    names = ["null_model", "layer", "source", "target", "year"]
    kept = links.select(
        [n for n in dict.fromkeys([*names, *LINK_COLUMNS]) if n in links.column_names]
    )
    kept = kept.join(telling, keys, join_type="left semi", use_threads=False)
    return kept.sort_by([(name, "ascending") for name in names])


def _with_shard(table: pa.Table) -> pa.Table:
    apart = table.filter(pc.not_equal(table["source"], table["target"]))
    first = pc.min_element_wise(apart["source"], apart["target"])
    second = pc.max_element_wise(apart["source"], apart["target"])
    initial = pc.utf8_slice_codeunits(second, 0, 1)
    return apart.append_column("shard", pc.binary_join_element_wise(first, initial, "/"))


def _significant(source: Source) -> Iterator[tuple[str, Sets]]:
    """Return the :data:`STRONGEST` collaboration links above expectation, by year."""
    links = source.table("links")
    if links is None:
        return
    rows = where(links, null_model=source.headline_null, layer="collaboration")
    for year, found in split(rows.select(_present(rows, MAP_COLUMNS)), "year"):
        most = _strongest(found)
        if most.num_rows:
            yield f"significant/{year}", {"rows": packed(columns(most, digits=FEW_DIGITS))}


def _strongest(rows: pa.Table) -> pa.Table:
    """Return the :data:`STRONGEST` pairs above expectation, furthest above first."""
    sure = pc.and_kleene(pc.less(rows["q"], DISCOVERY_RATE), pc.greater(rows["z"], 0))
    strong = rows.filter(pc.fill_null(sure, False))
    order = [("z", "descending"), ("source", "ascending"), ("target", "ascending")]
    return strong.take(pc.select_k_unstable(strong, STRONGEST, sort_keys=order))


def _places(source: Source) -> Iterator[tuple[str, Sets]]:
    """Return the places that a study counts instead of countries, and their closest pairs."""
    places, linked = source.table("places"), source.table("linked_pairs")
    if places is not None:
        yield "places", {"places": packed(columns(places)), "places_said": places_said(source)}
    for year, rows in split(linked, "year") if linked is not None else ():
        most = _strongest(rows)
        sets = {"linked_pairs": packed(columns(most, digits=FEW_DIGITS))}
        yield f"linked/{year}", {**sets, "linked_said": linked_said(year, rows, most)}


def _present(table: pa.Table, names: Sequence[str]) -> list[str]:
    return [name for name in names if name in table.column_names]
