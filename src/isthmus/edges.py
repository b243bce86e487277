"""The pole analysis alone, on any table of yearly edges, as a results folder."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from isthmus.errors import TargetError
from isthmus.files import LOCK_NAME, sha256, sole_writer
from isthmus.poles.analysis import Progress
from isthmus.poles.edges import analyse_edges
from isthmus.results import RESULTS_VERSION, Results, open_results, write_record, write_table
from isthmus.study import Study


def run_edges(
    path: str | Path,
    to: str | Path,
    *,
    poles: tuple[str, ...] = ("US", "CN"),
    directed: bool | None = None,
    settings: dict[str, Any] | None = None,
    seed: int = 1,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Results:
    """Analyse a ``year,source,target,weight`` file and write the tables to a folder.

    Parameters
    ----------
    path
        CSV (plain or compressed) or Parquet.
    to
        Folder of results.
    poles
        Countries around which blocs are looked for.
    directed
        Whether edges have a direction; looked up in the file when None.
    settings
        Keys of ``[poles]`` that differ from their defaults.
    seed
        Same seed, same tables.
    overwrite
        Replace results that stand in the folder.
    progress
        Told what is being done.

    Raises
    ------
    SourceError
        The file is missing, cannot be read, or lacks a column.
    StudyError
        A setting that is not allowed.
    TargetError
        The folder holds something else, cannot be written, or is in use.
    """
    path, target = Path(path), Path(to)
    about = {"corpus": path.name, "years": [1600, 2100], "title": f"Poles of {path.name}"}
    countries = {"poles": list(poles)} if _are_codes(poles) else {}
    study = Study.parse({"study": about, "countries": countries, "poles": settings or {}})
    began = time.perf_counter()
    tables = analyse_edges(
        path,
        settings=study.poles,
        poles=poles,
        directed=directed,
        seed=seed,
        threads=os.cpu_count() or 1,
        progress=progress,
    )
    seconds = round(time.perf_counter() - began, 3)
    _refuse_strangers(target, overwrite)
    plain = study.settings()
    plain["study"]["years"] = _years(tables["links"])
    plain["countries"]["poles"] = list(poles)
    plain["run"]["seed"] = seed
    with sole_writer(target, "writing results to"):
        made = {name: write_table(target, name, table) for name, table in tables.items()}
        record = {
            "results_version": RESULTS_VERSION,
            "identity": {"edges": sha256(path), "settings": plain, "isthmus": version("isthmus")},
            "title": study.study.title,
            "settings": plain,
            "seed": seed,
            "corpus": {"source": path.name, "release": None, "hash": sha256(path), "rows": {}},
            "versions": {
                "isthmus": version("isthmus"),
                "python": platform.python_version(),
                "pyarrow": pa.__version__,
            },
            "steps": {"poles": {"seconds": seconds, "tables": made, "notes": {}}},
            "tables": {name: table["rows"] for name, table in made.items()},
        }
        write_record(target, record)
    return open_results(target)


def _are_codes(poles: tuple[str, ...]) -> bool:
    return all(len(pole) == 2 and pole.isupper() for pole in poles)


def _years(links: pa.Table) -> list[int]:
    years = links["year"].to_pylist()
    return [min(years), max(years)] if years else [0, 0]


def _refuse_strangers(target: Path, overwrite: bool) -> None:
    if target.exists() and not target.is_dir():
        raise TargetError(f"{target} is a file; choose a folder for the results.")
    if not target.is_dir() or overwrite:
        return
    if any(found.name != LOCK_NAME for found in target.iterdir()):
        raise TargetError(
            f"{target} is not empty. Choose another folder, or add --overwrite to replace the "
            "results there."
        )
