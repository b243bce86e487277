"""Corrections a user keeps beside the study: countries of institutions, works to leave out.

They change what the study sees of its corpus, never the corpus, and are counted.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from isthmus.corpus.countries import country_code
from isthmus.corpus.work_lists import read_work_ids
from isthmus.engine import Engine, Table
from isthmus.errors import StudyError
from isthmus.study import Study, entity_id

#: Tables with a column ``work_id`` that leave out the works excluded.
_OF_WORKS = ("works", "authorships", "affiliations", "subjects")


class Corrections:
    """The corrections of a study.

    Parameters
    ----------
    study
        Names the files in ``[corrections]``.
    engine
        Where they are joined.

    Raises
    ------
    StudyError
        A file is missing, or holds what is no id or no country.
    """

    def __init__(self, study: Study, engine: Engine) -> None:
        named = study.corrections
        self._countries: Table = None
        self._works: Table = None
        if named.affiliations is not None:
            self._countries = engine.local(read_countries(study.path(named.affiliations)))
        if named.exclude_works is not None:
            ids = read_work_ids(study.path(named.exclude_works))
            self._works = engine.local(pa.table({"work_id": pa.array(ids, pa.int64())}))
        self._engine = engine

    def apply(self, corpus: Mapping[str, Table]) -> dict[str, Table]:
        """Return the tables of a corpus as the study is to see them."""
        tables = dict(corpus)
        if self._works is not None:
            for name in _OF_WORKS:
                tables[name] = tables[name].anti_join(self._works, "work_id")
            for end in ("citing_id", "cited_id"):
                excluded = self._works.select(**{end: "work_id"})
                tables["references"] = tables["references"].anti_join(excluded, end)
        if self._countries is not None:
            tables["affiliations"] = self._placed(tables["affiliations"])
        return tables

    def counts(self, corpus: Mapping[str, Table]) -> dict[str, int]:
        """Count what the corrections change in a corpus."""
        found: dict[str, int] = {}
        if self._works is not None:
            found["works_listed"] = self._count(self._works)
            found["works_excluded"] = self._count(corpus["works"].semi_join(self._works, "work_id"))
        if self._countries is not None:
            affiliations = corpus["affiliations"]
            listed = affiliations.inner_join(
                self._countries.select("institution_id", corrected="country"), "institution_id"
            )
            changed = listed.filter(~listed.corrected.identical_to(listed.country))
            found["institutions_listed"] = self._count(self._countries)
            found["affiliations_changed"] = self._count(changed)
        return found

    def _placed(self, affiliations: Table) -> Table:
        given = self._countries.select(listed_id="institution_id", corrected="country")
        joined = affiliations.left_join(given, affiliations.institution_id == given.listed_id)
        source = joined.corrected.notnull().ifelse("institution", joined.country_source)
        placed = joined.mutate(
            country=joined.corrected.fill_null(joined.country), country_source=source
        )
        return placed.select(*affiliations.columns)

    def _count(self, table: Table) -> int:
        return int(self._engine.collect(table.agg(n=table.count()))["n"][0].as_py())


def read_countries(path: Path) -> pa.Table:
    """Read a CSV file with the columns ``institution`` and ``country``.

    Returns
    -------
    Table
        ``institution_id`` and ``country``, one row per institution.

    Raises
    ------
    StudyError
        The file cannot be read, lacks a column, names an institution twice with
        different countries, or holds what is no id or no country.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"Cannot read the corrections {path}: {error}.") from None
    found: dict[int, str] = {}
    for line, row in enumerate(rows, 2):
        if row.get("institution") is None or row.get("country") is None:
            raise StudyError(
                f"Line {line} of the corrections {path} lacks `institution` or `country`; the "
                "file needs these two columns, separated by commas."
            )
        identifier, code = entity_id(row["institution"]), country_code(row["country"])
        if code is None:
            raise StudyError(
                f"Line {line} of the corrections {path} says {row['country']!r}, which is no ISO "
                "3166 alpha-2 code like US."
            )
        if found.setdefault(identifier, code) != code:
            raise StudyError(
                f"Line {line} of the corrections {path} puts institution {identifier} into {code}; "
                f"an earlier line puts it into {found[identifier]}. Keep one of them."
            )
    return pa.table(
        {
            "institution_id": pa.array(found.keys(), pa.int64()),
            "country": pa.array(found.values(), pa.string()),
        }
    )
