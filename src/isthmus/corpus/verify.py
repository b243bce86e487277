"""Checking a corpus against its manifest, and showing what was refused and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.corpus import manifest as manifests
from isthmus.corpus.manifest import Manifest, Part, Passed
from isthmus.corpus.schema import TABLES, may_lack
from isthmus.errors import CorpusError
from isthmus.files import sha256

#: Tables and keys that must be unique in them; rows that lack a part of the key may be many.
#: Questions rely on them: none looks for repeated authors or references once more.
_UNIQUE = (
    ("works", "work_id"),
    ("authorships", "work_id, position"),
    ("references", "citing_id, cited_id"),
    ("institutions", "institution_id"),
    ("venues", "venue_id"),
    ("authors", "author_id"),
)

_MEMORY = "1GB"


@dataclass(frozen=True)
class Verification:
    """What checking a corpus found.

    Attributes
    ----------
    path, source, release, hash
        Which corpus it is.
    rows : dict of str to int
        Rows per table, as the manifest says.
    n_parts : int
        Parts whose bytes were compared with the manifest.
    rejected, set_aside, notes : dict of str to int
        Records that are not in the corpus; values dropped from records that
        are; other counts. Reasons are explained in :mod:`isthmus.corpus.tally`.
    quarantine : Path or None
        File with the rejected records.
    passed : list of Passed
        Files that were given and not read, each with its reason.
    unknown_countries : dict of str to int
        Country codes that are no country.
    warnings : list of str
        What a user of the corpus should know.
    problems : list of str
        What is wrong, one sentence each; empty for a sound corpus.
    """

    path: Path
    source: str
    release: str | None
    hash: str
    rows: dict[str, int]
    n_parts: int
    rejected: dict[str, int]
    set_aside: dict[str, int]
    notes: dict[str, int]
    quarantine: Path | None
    passed: list[Passed]
    unknown_countries: dict[str, int]
    warnings: list[str]
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not self.problems


def verify(path: str | Path) -> Verification:
    """Check every part of a corpus: bytes, rows, columns, unique keys, and the accounts.

    Raises
    ------
    CorpusError
        There is no finished corpus at `path`.
    """
    path = Path(path)
    manifest = manifests.load(path)
    problems: list[str] = []
    for table in TABLES:
        for part in manifest.tables.get(table, []):
            problems += _part_problems(path, table, part)
    quarantine = manifest.quarantine
    if quarantine is not None:
        problems += _file_problems(path, quarantine)
    problems += _strangers(path, manifest)
    if not problems:
        problems += _repeated_keys(path, manifest)
        problems += _accounts(manifest)
    problems += _absent(manifest)
    return Verification(
        path=path,
        source=manifest.source,
        release=manifest.release,
        hash=manifest.hash,
        rows={table: sum(p.rows for p in manifest.tables.get(table, [])) for table in TABLES},
        n_parts=sum(map(len, manifest.tables.values())),
        rejected=dict(manifest.rejected),
        set_aside=dict(manifest.set_aside),
        notes=dict(manifest.notes),
        quarantine=path / quarantine.path if quarantine is not None else None,
        passed=manifest.passed,
        unknown_countries=dict(manifest.unknown_countries),
        warnings=manifest.warnings,
        problems=problems,
    )


def _file_problems(folder: Path, part: Part) -> list[str]:
    file = folder / part.path
    if not file.is_file():
        return [f"{part.path} is missing."]
    if file.stat().st_size != part.bytes:
        return [f"{part.path} has {file.stat().st_size} bytes; the manifest says {part.bytes}."]
    if sha256(file) != part.sha256:
        return [f"{part.path} has other bytes than when it was written."]
    return []


def _part_problems(folder: Path, table: str, part: Part) -> list[str]:
    problems = _file_problems(folder, part)
    if problems:
        return problems
    try:
        with pq.ParquetFile(folder / part.path) as file:
            rows, schema = file.metadata.num_rows, file.schema_arrow
    except (OSError, pa.ArrowInvalid) as error:
        return [f"{part.path} is not readable as Parquet: {error}"]
    if rows != part.rows:
        problems.append(f"{part.path} has {rows} rows; the manifest says {part.rows}.")
    known = TABLES[table]
    wanted = [known.field(name).type for name in schema.names if name in known.names]
    if not may_lack(table, schema.names) or schema.types != wanted:
        problems.append(f"{part.path} has other columns than the table {table}.")
    return problems


def _strangers(folder: Path, manifest: Manifest) -> list[str]:
    """Name Parquet files that stand among the parts and are not in the manifest."""
    listed = {part.path for parts in manifest.tables.values() for part in parts}
    found = {
        file.relative_to(folder).as_posix()
        for table in TABLES
        for file in sorted((folder / table).glob("*.parquet"))
    }
    return [f"{name} is not in the manifest." for name in sorted(found - listed)]


def _repeated_keys(folder: Path, manifest: Manifest) -> list[str]:
    problems = []
    settings: Any = {"memory_limit": _MEMORY, "autoload_known_extensions": False}
    with duckdb.connect(config=settings) as connection:
        for table, key in _UNIQUE:
            parts = [str(folder / part.path) for part in manifest.tables.get(table, [])]
            if not parts:
                continue
            try:
                known = " AND ".join(f"{column} IS NOT NULL" for column in key.split(", "))
                repeated = connection.execute(
                    f"SELECT count(*) FROM (SELECT 1 FROM read_parquet(?) WHERE {known} "
                    f"GROUP BY {key} HAVING count(*) > 1)",
                    [parts],
                ).fetchall()[0][0]
            except duckdb.Error as error:
                why = str(error).strip().splitlines()[0]
                raise CorpusError(f"Cannot check the keys of {table} in {folder}: {why}") from error
            if repeated:
                problems.append(f"{repeated} keys ({key}) occur more than once in {table}.")
    return problems


def _accounts(manifest: Manifest) -> list[str]:
    """Check that every record read is in the corpus, superseded, merged or rejected."""
    notes = manifest.notes
    if "records_read" not in notes:
        return []
    works = sum(part.rows for part in manifest.tables.get("works", []))
    names = ("duplicate_work", "merged_away", "deleted_work", "entities_kept")
    found = works + sum(notes.get(name, 0) for name in names) + sum(manifest.rejected.values())
    if found == notes["records_read"]:
        return []
    return [f"{notes['records_read']} records were read and {found} are accounted for."]


def _absent(manifest: Manifest) -> list[str]:
    """Say what the manifests of the release announce and was not read."""
    n_files = manifest.notes.get("files_missing", 0)
    n_records = manifest.notes.get("records_missing", 0)
    if not n_files and not n_records:
        return []
    return [
        f"The corpus lacks {n_records:,} records that its release announces ({n_files:,} files "
        "were not there). Get the rest of the release and ingest it again, or ingest without its "
        "manifests if a part is meant."
    ]
