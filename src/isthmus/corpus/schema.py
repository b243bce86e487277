"""The tables of a corpus: names, grains, columns and types.

Identifiers are 64-bit integers: the number behind the letter of an OpenAlex id
(``W2741809807`` is ``2741809807``), or the number of a Microsoft Academic Graph
entity; of a city it is its GeoNames id. Countries are ISO 3166-1 alpha-2 codes.
"""

from __future__ import annotations

import pyarrow as pa

#: Raised when a column changes its name, type or meaning.
SCHEMA_VERSION = 2

#: Columns that a corpus made by an earlier version may lack, by table.
ADDED: dict[str, tuple[str, ...]] = {"institutions": ("city", "city_id")}

_id, _text, _flag = pa.int64(), pa.string(), pa.bool_()

#: Table name -> Arrow schema.
TABLES: dict[str, pa.Schema] = {
    "works": pa.schema(
        [
            pa.field("work_id", _id, nullable=False),
            pa.field("year", pa.int16(), nullable=False),
            ("date", pa.date32()),
            ("type", _text),
            ("language", _text),
            ("venue_id", _id),
            pa.field("n_authors", pa.int32(), nullable=False),
            pa.field("authors_truncated", _flag, nullable=False),
            pa.field("is_retracted", _flag, nullable=False),
            ("is_paratext", _flag),
            ("is_xpac", _flag),
            ("cited_by_count", pa.int64()),
            ("title", _text),
            ("doi", _text),
        ]
    ),
    "authorships": pa.schema(
        [
            pa.field("work_id", _id, nullable=False),
            pa.field("position", pa.int32(), nullable=False),
            pa.field("is_last", _flag, nullable=False),
            ("is_corresponding", _flag),
            ("author_id", _id),
        ]
    ),
    "affiliations": pa.schema(
        [
            pa.field("work_id", _id, nullable=False),
            pa.field("position", pa.int32(), nullable=False),
            ("institution_id", _id),
            ("country", _text),
            ("country_source", _text),
        ]
    ),
    "references": pa.schema(
        [
            pa.field("citing_id", _id, nullable=False),
            pa.field("cited_id", _id, nullable=False),
        ]
    ),
    "subjects": pa.schema(
        [
            pa.field("work_id", _id, nullable=False),
            pa.field("scheme", _text, nullable=False),
            pa.field("subject_id", _id, nullable=False),
            ("score", pa.float32()),
        ]
    ),
    "institutions": pa.schema(
        [
            pa.field("institution_id", _id, nullable=False),
            ("name", _text),
            ("country", _text),
            ("type", _text),
            ("ror", _text),
            ("lat", pa.float64()),
            ("lon", pa.float64()),
            ("city", _text),
            ("city_id", _id),
        ]
    ),
    "venues": pa.schema(
        [
            pa.field("venue_id", _id, nullable=False),
            ("name", _text),
            ("type", _text),
            ("issn_l", _text),
        ]
    ),
    "authors": pa.schema(
        [
            pa.field("author_id", _id, nullable=False),
            ("name", _text),
            ("orcid", _text),
            ("works_count", pa.int64()),
        ]
    ),
}

#: The columns of all tables, in short: what was half written under others is written anew.
LAYOUT = f"{SCHEMA_VERSION}, {sum(map(len, TABLES.values()))} columns"


def may_lack(table: str, names: list[str]) -> bool:
    """Whether these are the columns of a table, but for some that were added later."""
    added = ADDED.get(table, ())
    return names == [name for name in TABLES[table].names if name in names or name not in added]
