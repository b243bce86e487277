"""Many fields over one corpus: each answered in turn, their tables put together.

Each field has a folder of results of its own, ``fields/NAME``, the same as a study of that
field alone would leave. What does not depend on the field (affiliations and countries of all
works, references by year) is computed once. The tables of all fields, with a column ``field``
before the others, stand in the folder of the run; they are Parquet alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from functools import reduce
from pathlib import Path
from typing import Any

import duckdb
import ibis
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from isthmus.corpus.store import Corpus
from isthmus.engine import Engine, Table
from isthmus.errors import StudyError
from isthmus.files import atomic_path, remove, sha256, write_text
from isthmus.pipeline.journal import ObservedEngine
from isthmus.pipeline.runner import Run, as_json
from isthmus.pipeline.usage import Meter, folder_bytes
from isthmus.results import (
    FIELDS_FOLDER,
    RUN_FILE,
    Results,
    checked,
    schema_of,
    write_record,
    write_table,
)
from isthmus.selection.study_tables import StudyTables
from isthmus.study import SUBFIELDS_OF_A_FIELD, Study, parent_field

#: Name of the step that computes what fields share and puts their tables together.
STEP = "fields"


class FieldsRun(Run):
    """One run of many fields on one folder; it goes on field by field."""

    def _continue(self) -> None:
        record = self._read(self.target / RUN_FILE)
        if record is not None and record["identity"] != self.identity:
            remove(self.target / RUN_FILE)
            remove(self.work)
            record = None
        if self._read(self.work / "identity.json") != self.identity:
            remove(self.work)
        write_text(self.work / "identity.json", as_json(self.identity))
        studies = studies_of(self.study, self.corpus)
        focus = focus_of(self.study, list(studies))
        self._prune(studies)
        if record is not None and not self._stands(record["steps"].get(STEP)):
            record = None
        if record is None:
            self._profiles(studies)
        each = {name: self._answered(name, n, studies) for n, name in enumerate(studies)}
        if record is None:
            record = self._together(each, focus, *self._profiles(studies))
        about = {"title": self.study.study.title, "settings": self.study.settings()}
        record |= {**about, "fields": {"names": list(studies), "focus": focus}}
        write_record(self.target, record)
        remove(self.work)

    def _prune(self, studies: Mapping[str, Study]) -> None:
        """Remove results of fields that the study no longer names."""
        folder = self.target / FIELDS_FOLDER
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.name not in studies:
                remove(path)

    def _answered(self, name: str, number: int, studies: Mapping[str, Study]) -> Results:
        def progress(step: str, done: int, total: int) -> None:
            if self.progress is not None:
                self.progress(f"{name}: {step}", number * total + done, len(studies) * total)

        folder = self.target / FIELDS_FOLDER / name
        self.journal.say("field begins", field=name)
        run = Run(
            studies[name],
            self.corpus,
            folder,
            True,
            progress,
            lambda sentence: self.warn(f"Field {name}: {sentence}"),
            self.work / "shared",
        )
        made = run.go()
        self.journal.say("field ends", field=name)
        return made

    def _profiles(self, studies: Mapping[str, Study]) -> tuple[pa.Table, pa.Table, dict[str, Any]]:
        """Count the works of each field and those that fields have in common."""
        notes = self._read(self.work / "profiles.json")
        paths = [self.work / f"{name}.parquet" for name in ("profiles", "overlap")]
        if notes is not None and all(path.exists() for path in paths):
            profiles, overlap = (pq.read_table(path) for path in paths)
            return profiles, overlap, notes
        engine = ObservedEngine(self.engine(), self.journal)
        with closing(engine), Meter(self._spill, engine.held) as meter:
            tables = {
                name: StudyTables(
                    study, self.corpus, engine, self.work / "works" / name, self.work / "shared"
                )
                for name, study in studies.items()
            }
            profiles, overlap = field_profiles(tables, engine), field_overlap(tables, engine)
        for path, table in zip(paths, (profiles, overlap), strict=True):
            with atomic_path(path) as partial:
                pq.write_table(table, partial)
        notes = {**meter.usage.record(), "engine_seconds": round(engine.seconds, 3)}
        notes |= {"work_bytes": folder_bytes(self.work)}
        write_text(self.work / "profiles.json", as_json(notes))
        return profiles, overlap, notes

    def _together(
        self,
        each: Mapping[str, Results],
        focus: str,
        profiles: pa.Table,
        overlap: pa.Table,
        usage: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Write the tables of all fields and return the record of the run."""
        ages = {name: mean_age(results) for name, results in each.items()}
        names = profiles["field"].to_pylist()
        profiles = profiles.append_column(
            "reference_age", pa.array([ages[name] for name in names], pa.float64())
        )
        made = {
            name: write_table(self.target, name, checked(name, table))
            for name, table in (("fields", profiles), ("field_overlap", overlap))
        }
        for name in sorted({name for results in each.values() for name in results.tables}):
            made[name] = put_together(self.target, name, each)
        first = each[focus].record
        return {
            **first,
            "identity": self.identity,
            "steps": {STEP: {**usage, "read": {}, "tables": made, "notes": {}}},
            "tables": {name: entry["rows"] for name, entry in made.items()},
        }


def studies_of(study: Study, corpus: Corpus) -> dict[str, Study]:
    """Return the study of each field alone, by the field's name.

    Raises
    ------
    StudyError
        The study asks for every subfield of a field, and the corpus labels no work with one.
    """
    fields = study.fields
    if isinstance(fields, str):
        found = subfields_of(parent_field(fields), corpus)
        if not found:
            raise StudyError(
                f"The corpus {corpus.path} labels no work with a subfield of the field that "
                f"`fields` names ({fields})."
            )
        made = msgspec.structs.replace
        fields = {f"subfield_{one}": made(study.field, subfields=(one,)) for one in found}
    return {name: study.of_field(name, field) for name, field in fields.items()}


def focus_of(study: Study, names: list[str]) -> str:
    """Return the name of the field that is held against the others."""
    focus = study.contrasts.focus or names[0]
    if focus not in names:
        raise StudyError(f"`contrasts.focus` is {focus!r}; it must be one of {', '.join(names)}.")
    return focus


def subfields_of(parent: int, corpus: Corpus) -> list[int]:
    """Return the subfields of a field that the corpus labels works with, in order."""
    if not corpus.rows("subjects"):
        return []
    least = parent * SUBFIELDS_OF_A_FIELD
    with duckdb.connect(config={"autoload_known_extensions": False}) as connection:
        parts = [str(part) for part in corpus.parts("subjects")]
        rows = connection.execute(
            "SELECT DISTINCT subject_id FROM read_parquet(?) WHERE scheme = 'subfield' "
            "AND subject_id BETWEEN ? AND ? ORDER BY subject_id",
            [parts, least, least + SUBFIELDS_OF_A_FIELD - 1],
        ).fetchall()
    return [int(row[0]) for row in rows]


def _works(tables: Mapping[str, StudyTables]) -> Table:
    """List works of all fields in the study's years: ``field`` and ``work_id``."""
    parts = [
        one.field_in_years.select(field=ibis.literal(name), work_id="work_id")
        for name, one in tables.items()
    ]
    return reduce(lambda a, b: a.union(b), parts)


def field_profiles(tables: Mapping[str, StudyTables], engine: Engine) -> pa.Table:
    """Count the works of each field, and those of several countries.

    Grain: one row per field. Columns: ``works``, ``works_located``,
    ``international_share`` (of works with a country).
    """
    countries = next(iter(tables.values())).countries
    placed = countries.group_by("work_id").agg(n=countries.n_countries.max())
    works = _works(tables).left_join(placed, "work_id")
    counted = works.group_by("field").agg(
        works=works.count(), works_located=works.n.count(), several=(works.n > 1).sum()
    )
    found = {row["field"]: row for row in engine.collect(counted).to_pylist()}
    rows = []
    for name in tables:
        row = found.get(name, {"works": 0, "works_located": 0, "several": 0})
        located = row["works_located"]
        share = (row["several"] or 0) / located if located else None
        rows.append(
            {
                "field": name,
                "works": row["works"],
                "works_located": located,
                "international_share": share,
            }
        )
    schema = schema_of("fields")
    return pa.Table.from_pylist(rows, pa.schema([f for f in schema if f.name != "reference_age"]))


def field_overlap(tables: Mapping[str, StudyTables], engine: Engine) -> pa.Table:
    """Count works that two fields have in common.

    Grain: one row per ordered pair of different fields.
    """
    works = _works(tables)
    others = works.select(other="field", work_id="work_id")
    pairs = works.inner_join(others, "work_id")
    counts = engine.collect(pairs.group_by("field", "other").agg(both=pairs.count()))
    both = {(row["field"], row["other"]): row["both"] for row in counts.to_pylist()}
    rows = []
    for a in tables:
        for b in (name for name in tables if name != a):
            common = both.get((a, b), 0)
            sizes = both.get((a, a), 0), both.get((b, b), 0)
            union = sum(sizes) - common
            rows.append(
                {
                    "field": a,
                    "other": b,
                    "works": sizes[0],
                    "works_other": sizes[1],
                    "both": common,
                    "jaccard": common / union if union else None,
                }
            )
    return pa.Table.from_pylist(rows, schema_of("field_overlap"))


def mean_age(results: Results) -> float | None:
    """Return the mean age of references over the works of a field; None where unknown."""
    path = results.path / "novelty_works.parquet"
    found = pc.mean(pq.read_table(path, columns=["reference_age"])["reference_age"]).as_py()
    return None if found is None else float(found)


def put_together(target: Path, name: str, each: Mapping[str, Results]) -> dict[str, Any]:
    """Write one table of all fields, its column ``field`` first, a piece at a time.

    Returns
    -------
    dict
        ``rows``, and the SHA-256 of the file by name.
    """
    paths = {
        field: results.path / f"{name}.parquet"
        for field, results in each.items()
        if name in results.tables
    }
    schemas = [pq.read_schema(path) for path in paths.values()]
    plain = pa.unify_schemas([pa.schema([f.with_nullable(True) for f in s]) for s in schemas])
    whole = pa.schema([pa.field("field", pa.string(), nullable=False), *plain])
    rows = 0
    (target / f"{name}.csv").unlink(missing_ok=True)
    file = target / f"{name}.parquet"
    with atomic_path(file) as partial, pq.ParquetWriter(partial, whole, compression="zstd") as out:
        for field, path in paths.items():
            for batch in pq.ParquetFile(path).iter_batches():
                rows += batch.num_rows
                columns = [pa.repeat(field, batch.num_rows)]
                there = set(batch.schema.names)
                columns += [
                    batch[f.name].cast(f.type)
                    if f.name in there
                    else pa.nulls(batch.num_rows, f.type)
                    for f in plain
                ]
                out.write_batch(pa.record_batch(columns, schema=whole))
    return {"rows": rows, "sha256": {file.name: sha256(file)}}
