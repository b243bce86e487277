"""Entity records (institutions, venues, authors) as rows of the corpus tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from isthmus.corpus.countries import country_code
from isthmus.corpus.ids import NO_ID, Merges, number
from isthmus.corpus.records import AuthorEntity, InstitutionEntity, VenueEntity
from isthmus.corpus.schema import TABLES


class EntityBatch:
    """Collects entity records of one kind and gives them as a table.

    Parameters
    ----------
    entity
        ``"institutions"``, ``"sources"`` or ``"authors"``.
    merges
        Ids whose records are left out because they were merged.
    """

    def __init__(self, entity: str, merges: Merges) -> None:
        self.set_aside: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self._entity = entity
        self._merges = merges
        self._rows: list[tuple[Any, ...]] = []

    def add(self, record: Any) -> str | None:
        """Add a record; give the reason when it is rejected."""
        _, letters, row = _KINDS[self._entity]
        identifier = number(record.id, letters)
        if identifier == NO_ID:
            return "no_id"
        if self._merges.away(self._entity, identifier):
            self.notes["merged_away"] += 1
            return None
        self._rows.append((identifier, *row(record), record.updated_date))
        return None

    def tables(self) -> dict[str, pa.Table]:
        """Give what was collected, with ``updated_date`` beside it, as ``<table>_entity``."""
        table, _, _ = _KINDS[self._entity]
        schema = TABLES[table].append(pa.field("updated", pa.string()))
        columns = list(zip(*self._rows, strict=True)) or [()] * len(schema)
        arrays = [
            pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)
        ]
        return {f"{table}_entity": pa.table(arrays, schema=schema)}


def _institution(record: InstitutionEntity) -> tuple[Any, ...]:
    geo = record.geo
    place = (geo.latitude, geo.longitude) if geo is not None else (None, None)
    country = country_code(record.country_code)
    return (record.display_name, country, record.type, record.ror, *place)


def _venue(record: VenueEntity) -> tuple[Any, ...]:
    return (record.display_name, record.type, record.issn_l)


def _author(record: AuthorEntity) -> tuple[Any, ...]:
    count = record.works_count
    return (
        record.display_name,
        record.orcid,
        count if count is not None and abs(count) < 2**62 else None,
    )


#: Entity -> table, letters its ids may begin with, and how a record becomes a row.
_KINDS: dict[str, tuple[str, str, Callable[[Any], tuple[Any, ...]]]] = {
    "institutions": ("institutions", "I", _institution),
    "sources": ("venues", "SV", _venue),
    "authors": ("authors", "A", _author),
}
