"""Which works are in the field, which records count at all, and who cites them.

The field has no years of its own: a work is in it whenever it was published.
The study's years choose which publication years and which citing years are
reported, so that the first reported year is not cut off from what it cites.

A work is in the field when it is named by subject, venue or id, and no publication
rule of the study leaves it out. The rules apply one after another; the table
``funnel`` counts works before and after each.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from itertools import pairwise
from typing import Any

import pyarrow as pa

from isthmus.corpus.work_lists import read_work_ids
from isthmus.engine import Engine, Table
from isthmus.results import schema_of
from isthmus.study import (
    CORE_LANGUAGE,
    CORE_TYPES,
    CORE_VENUES,
    Concept,
    Field,
    Study,
    entity_id,
)

#: What ``field.exclude`` names -> the column of ``works`` that says so.
FLAGS = {"retracted": "is_retracted", "paratext": "is_paratext", "xpac": "is_xpac"}

#: The rule of the funnel that comes first: what the study names, of all works of the corpus.
SUBJECT = "subject"

FUNNEL_SCHEMA = schema_of("funnel")


def field_works(corpus: Mapping[str, Table], study: Study, engine: Engine) -> Table:
    """Works of the field, whatever their year.

    Grain: one row per work. Columns: ``work_id``, ``year``.
    """
    works = _ruled(_of_subject(corpus, study, engine), corpus, study.field)
    kept = [works[name] for name in works.columns if name not in ("work_id", "year")]
    return works.filter(*kept).select("work_id", "year") if kept else works


def counted_works(works: Table, field: Field) -> Table:
    """Works that a study sees at all: none of those it excludes.

    A work whose record does not say whether it is retracted, paratext or xpac stays.
    Grain and columns as `works`.
    """
    return works.filter(*_flags(works, field).values()) if field.exclude else works


def funnel_counts(corpus: Mapping[str, Table], study: Study, engine: Engine) -> Table:
    """Count works by year as the rules apply one after another.

    Grain: one row per year. Columns: ``year``, ``corpus`` (all works), ``subject``
    (works the study names), and one per rule: works left after it and those before it.
    """
    named = _ruled(_of_subject(corpus, study, engine), corpus, study.field)
    passed, counts = None, {SUBJECT: named.count()}
    for rule in named.columns[2:]:
        passed = named[rule] if passed is None else passed & named[rule]
        counts[rule] = passed.sum().cast("int64")
    works = corpus["works"]
    everything = works.group_by("year").agg(corpus=works.count())
    by_year = named.group_by("year").agg(**counts)
    joined = everything.left_join(by_year, "year")
    return joined.select("year", "corpus", **{name: joined[name].fill_null(0) for name in counts})


def funnel(counts: pa.Table) -> pa.Table:
    """Lay out :func:`funnel_counts` by rule.

    Grain: one row per rule and year. Columns: ``works_before``, ``works_after``.
    """
    stages = counts.column_names[1:]
    rows = [
        {"rule": rule, "year": row["year"], "works_before": row[before], "works_after": row[rule]}
        for row in counts.to_pylist()
        for before, rule in pairwise(stages)
    ]
    return pa.Table.from_pylist(rows, schema=FUNNEL_SCHEMA)


def _of_subject(corpus: Mapping[str, Table], study: Study, engine: Engine) -> Table:
    """Works that the study names by subject, venue or id; all when it names nothing."""
    works = corpus["works"]
    if study.field.is_everything:
        return works
    named = _by_subject(corpus["subjects"], study.field)
    if study.field.venues:
        venues = [entity_id(v) for v in study.field.venues]
        named.append(works.filter(works.venue_id.isin(venues)))
    if study.field.works is not None:
        listed = read_work_ids(study.path(study.field.works))
        named.append(engine.local(pa.table({"work_id": pa.array(listed, pa.int64())})))
    ids = reduce(lambda a, b: a.union(b), [table.select("work_id") for table in named])
    return works.semi_join(ids, "work_id")


def _ruled(works: Table, corpus: Mapping[str, Table], field: Field) -> Table:
    """Say of each work which publication rules it passes.

    Grain: one row per work. Columns: ``work_id``, ``year``, and one per rule, true or
    false, in the order in which rules apply.
    """
    works = _core(works, corpus) if field.core else works
    rules: dict[str, Any] = {}
    if field.types:
        rules["types"] = works.type.isin(field.types).fill_null(False)
    if field.languages:
        rules["languages"] = works.language.isin(field.languages).fill_null(False)
    rules |= _flags(works, field)
    if field.core:
        rules |= {name: works[name] for name in _CORE_RULES}
    return works.select("work_id", "year", **rules)


def _flags(works: Table, field: Field) -> dict[str, Any]:
    """Which works pass each exclusion of a study; not known is passed."""
    named = (name for name in FLAGS if name in field.exclude)
    return {name: ~works[FLAGS[name]].fill_null(False) for name in named}


#: The publication rules of the Leiden Ranking's open edition (2024) that records tell.
_CORE_RULES = (
    "core_types",
    "core_venues",
    "core_languages",
    "core_retracted",
    "core_authors",
    "core_affiliations",
    "core_references",
)


def _core(works: Table, corpus: Mapping[str, Table]) -> Table:
    """Add the rules of ``field.core`` to works, one column each."""
    venues = corpus["venues"].filter(corpus["venues"].type.isin(CORE_VENUES))
    marked = works.mutate(
        core_types=works.type.isin(CORE_TYPES).fill_null(False),
        core_languages=(works.language == CORE_LANGUAGE).fill_null(False),
        core_retracted=~works.is_retracted.fill_null(False),
        core_authors=works.n_authors > 0,
    )
    marked = _found(marked, venues, "venue_id", "core_venues")
    marked = _found(marked, corpus["affiliations"], "work_id", "core_affiliations")
    citing = corpus["references"].select(work_id="citing_id")
    return _found(marked, citing, "work_id", "core_references")


def _found(table: Table, others: Table, key: str, name: str) -> Table:
    """Add whether a row's `key` occurs in `others`."""
    keys = others.select(found=others[key]).distinct()
    joined = table.left_join(keys, table[key] == keys.found)
    return joined.select(*table.columns, **{name: joined.found.notnull()})


def dated_references(corpus: Mapping[str, Table], field: Table) -> Table:
    """References to works of the field from any work of the corpus, with both years.

    Grain: one row per pair of citing and cited work. Columns: ``citing_id``,
    ``cited_id``, ``citing_year``, ``cited_year``.
    """
    cited = field.select(cited_id="work_id", cited_year="year")
    citing = corpus["works"].select(citing_id="work_id", citing_year="year")
    return (
        corpus["references"]
        .inner_join(cited, "cited_id")
        .inner_join(citing, "citing_id")
        .select("citing_id", "cited_id", "citing_year", "cited_year")
    )


def citations_of_field(dated: Table) -> Table:
    """Keep references that count: not of a work to itself, not to a later year.

    Grain and columns as :func:`dated_references`; :func:`reference_tally`
    counts what is dropped.
    """
    return dated.filter(dated.citing_id != dated.cited_id, dated.cited_year <= dated.citing_year)


def reference_tally(dated: Table) -> Table:
    """Count references to the field by citing year and by what became of them.

    Grain: one row per citing year. Columns: ``year``, ``references_to_field``,
    ``references_to_later_years``, ``references_to_itself``.
    """
    to_itself = dated.citing_id == dated.cited_id
    return dated.group_by(year=dated.citing_year).agg(
        references_to_field=dated.count(),
        references_to_later_years=(dated.cited_year > dated.citing_year).sum(),
        references_to_itself=to_itself.sum(),
    )


def _by_subject(subjects: Table, field: Field) -> list[Table]:
    schemes = {
        "subfield": field.subfields,
        "field": field.fields,
        "topic": field.topics,
        "concept": field.concepts,
        "mag_fos": field.mag_fos,
    }
    found = []
    for scheme, wanted in schemes.items():
        of_scheme = subjects.filter(subjects.scheme == scheme)
        plain = [entity_id(w) for w in wanted if not isinstance(w, Concept)]
        if plain:
            found.append(of_scheme.filter(of_scheme.subject_id.isin(plain)))
        for concept in (w for w in wanted if isinstance(w, Concept)):
            scored = of_scheme.subject_id == entity_id(concept.id)
            found.append(of_scheme.filter(scored, of_scheme.score >= concept.min_score))
    return found
