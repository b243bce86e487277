"""A folder of results: one Parquet and one CSV file per table, and ``run.json``.

Tables with a row for every work of the field are Parquet only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from isthmus.errors import ResultsError
from isthmus.files import atomic_path, sha256, write_text

#: Raised when a result table changes its name, columns or meaning.
RESULTS_VERSION = 1

RUN_FILE = "run.json"

#: Result table -> the columns that identify a row, in the order rows are written.
GRAINS: dict[str, tuple[str, ...]] = {
    "coverage": ("year", "country"),
    "funnel": ("rule", "year"),
    "country_year": ("year", "country"),
    "country_totals": ("measure", "span", "country"),
    "bloc_year": ("year", "country"),
    "comparison": ("compared_with", "year", "country"),
    "comparison_years": ("compared_with", "year"),
    "hit_thresholds": ("year",),
    "novelty_works": ("work_id",),
    "novelty_thresholds": ("year",),
    "reference_losses": ("year",),
    "moves": ("author_id", "year"),
    "flows": ("year", "origin", "destination"),
    "flow_totals": ("origin", "destination"),
    "mobility_rates": ("year", "country"),
    "mover_profiles": ("destination", "origin", "group", "measure"),
    "mover_contrasts": ("destination", "origin", "measure"),
    "set_aside": ("author_id",),
    "retention": ("experiment", "year"),
    "retention_balance": ("experiment", "year", "covariate"),
    "matched": ("experiment", "year"),
    "balance": ("experiment", "year", "covariate"),
    "matched_measures": ("experiment", "year"),
    "unmatched": ("experiment", "year", "institution_id"),
    "placebo_pairs": ("lead", "partner"),
    "team_sizes": ("lead", "group", "year", "team_size"),
    "top_institutions": ("lead", "group", "year"),
    "team_contrasts": ("lead", "partner", "measure"),
    "leading_institutions": ("rank",),
    "cited_works": ("year", "rank"),
    "mobility_variants": ("variant",),
    "flow_variants": ("variant", "origin", "destination"),
    "flow_ranges": ("origin", "destination"),
    "panel": ("kind", "source", "target"),
    "links": ("layer", "null_model", "year", "source", "target"),
    "trajectories": ("null_model", "source", "target", "year"),
    "archetypes": ("null_model", "source", "target"),
    "alignment": ("null_model", "country"),
    "significant": ("null_model", "layer", "source", "target"),
    "polarisation": ("null_model", "layer", "year"),
    "placebo": ("null_model", "family", "layer", "what", "quantity", "source", "target"),
    "pole_years": ("null_model", "layer", "quantity", "source", "target", "year"),
    "cluster_choice": ("null_model", "k"),
    "centroids": ("null_model", "cluster", "layer", "year"),
    "dropped": ("null_model", "layer", "what", "source", "target", "country"),
    "edges": ("reason",),
    "collaboration": ("year", "source", "target"),
    "citation": ("year", "source", "target"),
}

#: Tables of one row per work, as long as the field: no CSV is written of them.
PARQUET_ONLY = ("novelty_works",)


@dataclass(frozen=True)
class Results:
    """Results of a finished run, read from their folder.

    Parameters
    ----------
    path
        The folder.
    record
        What ``run.json`` holds: study, seeds, versions, corpus, steps, tables.
    """

    path: Path
    record: Mapping[str, Any]

    @property
    def tables(self) -> list[str]:
        """Names of the tables these results hold."""
        return sorted(self.record["tables"])

    def table(self, name: str) -> pa.Table:
        """Read a result table as Arrow.

        Raises
        ------
        ResultsError
            There is no such table; the message lists those there are.
        """
        if name not in self.record["tables"]:
            raise ResultsError(
                f"There is no table `{name}` in {self.path}. It holds: {', '.join(self.tables)}."
            )
        return pq.read_table(self.path / f"{name}.parquet")


def open_results(path: str | Path) -> Results:
    """Open the results a finished run left in a folder.

    Raises
    ------
    ResultsError
        The folder is missing, unfinished or of another version.
    """
    path = Path(path)
    try:
        record = msgspec.json.decode((path / RUN_FILE).read_bytes())
    except FileNotFoundError:
        raise ResultsError(
            f"There are no finished results in {path}. Make them with "
            f"`isthmus run STUDY.toml --to {path}`."
        ) from None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path / RUN_FILE} cannot be read: {error}.") from None
    if record.get("results_version") != RESULTS_VERSION:
        raise ResultsError(
            f"{path} was written as version {record.get('results_version')} of the results; this "
            f"isthmus reads version {RESULTS_VERSION}. Run `isthmus run STUDY.toml --to OTHER` "
            f"with the study that {RUN_FILE} records there."
        )
    return Results(path, record)


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a run, ``run.json``, with its keys in order."""
    text = msgspec.json.format(msgspec.json.encode(record, order="sorted"), indent=2)
    write_text(folder / RUN_FILE, text.decode() + "\n")


def forms(name: str) -> tuple[str, ...]:
    """Give the endings of the files a result table is written as."""
    return ("parquet",) if name in PARQUET_ONLY else ("csv", "parquet")


def write_table(folder: Path, name: str, table: pa.Table) -> dict[str, Any]:
    """Write a result table as Parquet and CSV, its grain first, rows ordered by it.

    Those of :data:`PARQUET_ONLY` are written as Parquet alone.

    Returns
    -------
    dict
        ``rows``, and the SHA-256 of each file by name.
    """
    grain = GRAINS.get(name, ())
    table = table.select([*grain, *(c for c in table.column_names if c not in grain)])
    ordered = table.sort_by([(key, "ascending") for key in grain]) if grain else table
    ordered = ordered.combine_chunks().replace_schema_metadata(None)
    hashes = {}
    write = {"parquet": _write_parquet, "csv": pa_csv.write_csv}
    for form in forms(name):
        target = folder / f"{name}.{form}"
        with atomic_path(target) as partial:
            write[form](ordered, partial)
        hashes[target.name] = sha256(target)
    return {"rows": ordered.num_rows, "sha256": hashes}


def _write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")
