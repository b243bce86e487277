"""Which works are in the field, and who cites them.

The field has no years of its own: a work is in it whenever it was published.
The study's years choose which publication years and which citing years are
reported, so that the first reported year is not cut off from what it cites.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from pathlib import Path

import pyarrow as pa

from isthmus.engine import Engine, Table
from isthmus.errors import StudyError
from isthmus.study import Concept, Field, Study, entity_id


def field_works(corpus: Mapping[str, Table], study: Study, engine: Engine) -> Table:
    """Works of the field, whatever their year.

    Grain: one row per work. Columns: ``work_id``, ``year``.
    """
    works = corpus["works"].select("work_id", "year")
    if study.field.is_everything:
        return works
    named = _by_subject(corpus["subjects"], study.field)
    if study.field.venues:
        venues = [entity_id(v) for v in study.field.venues]
        named.append(corpus["works"].filter(corpus["works"].venue_id.isin(venues)))
    if study.field.works is not None:
        named.append(engine.local(read_work_ids(study.path(study.field.works))))
    ids = reduce(lambda a, b: a.union(b), [table.select("work_id") for table in named])
    return works.semi_join(ids, "work_id")


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


def read_work_ids(path: Path) -> pa.Table:
    """Read a file of work ids, one a line (number, ``W...`` or address), as ``work_id``."""
    try:
        lines = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"Cannot read the file of work ids {path}: {error}.") from None
    ids = [entity_id(line) for line in lines]
    return pa.table({"work_id": pa.array(ids, pa.int64())})


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
