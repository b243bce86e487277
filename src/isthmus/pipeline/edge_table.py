"""The pole analysis alone, on any table of yearly edges, as a results folder."""

from __future__ import annotations

import os
import platform
import re
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from isthmus.errors import InputError, TargetError
from isthmus.files import LOCK_NAME, sha256, sole_writer
from isthmus.poles.analysis import Progress
from isthmus.poles.edge_layers import analyse_edges, read_edges
from isthmus.results import (
    RESULTS_VERSION,
    Results,
    checked,
    open_results,
    write_record,
    write_table,
)
from isthmus.study import Study
from isthmus.study.field import EARLIEST_YEAR, LATEST_YEAR


def run_edges(
    path: str | Path,
    to: str | Path,
    *,
    poles: tuple[str, ...] = ("US", "CN"),
    directed: bool | None = None,
    years: tuple[int, int] | None = None,
    decimal: str | None = None,
    settings: dict[str, Any] | None = None,
    study: str | Path | None = None,
    seed: int = 1,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Results:
    """Analyse a ``year,source,target,weight`` file and write the tables to a folder.

    Parameters
    ----------
    path
        A table as text (plain or compressed) or Parquet.
    to
        Folder of results.
    poles
        Countries around which blocs are looked for, by code or name.
    directed
        Whether edges have a direction; inferred from the file when None.
    years
        First and last year to read; all when None.
    decimal
        Sign of the decimals, ``"."`` or ``","``; inferred from the weights when None.
    settings
        Keys of ``[poles]`` that differ from their defaults.
    study
        Study file whose ``[shocks]`` are estimated.
    seed
        Same seed, same tables.
    overwrite
        Replace results that are in the folder.
    progress
        Called with what is being done.

    Raises
    ------
    SourceError
        The file is missing, cannot be read, lacks a column, or no row can be used.
    InputError
        A pole has no edge in the file.
    StudyError
        A setting that is not allowed.
    TargetError
        The folder holds something else, cannot be written, or is in use.
    """
    path, target = Path(path), Path(to)
    _refuse_strangers(target, overwrite)
    shocks = {} if study is None else Study.load(study).settings()["shocks"]
    edges = read_edges(path, directed=directed, years=years, decimal=decimal)
    poles = edges.poles(poles)
    about = {
        "corpus": path.name,
        "years": [EARLIEST_YEAR, LATEST_YEAR],
        "title": f"Poles of {path.name}",
    }
    countries = {"poles": list(poles)} if _are_codes(poles) else {}
    asked = Study.parse(
        {"study": about, "countries": countries, "poles": settings or {}, "shocks": shocks}
    )
    began = time.perf_counter()
    tables = analyse_edges(
        edges,
        settings=asked.poles,
        poles=poles,
        shocks=asked.shocks,
        seed=seed,
        threads=os.cpu_count() or 1,
        progress=progress,
    )
    seconds = round(time.perf_counter() - began, 3)
    plain = asked.settings()
    plain["study"]["years"] = _years(tables["links"])
    plain["countries"]["poles"] = list(poles)
    plain["run"]["seed"] = seed
    with sole_writer(target, "writing results to"):
        made = {
            name: write_table(target, name, checked(name, table)) for name, table in tables.items()
        }
        record = {
            "results_version": RESULTS_VERSION,
            "identity": {"edges": sha256(path), "settings": plain, "isthmus": version("isthmus")},
            "title": asked.study.title,
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


def years_between(text: str) -> tuple[int, int]:
    """Read a first and a last year, as ``2010-2020``.

    Raises
    ------
    InputError
        The text is something else.

    Examples
    --------
    >>> years_between("2010-2020")
    (2010, 2020)
    """
    found = re.fullmatch(r"\s*(\d{4})\s*[-–:]\s*(\d{4})\s*", text)
    if found is None or found[1] > found[2]:
        raise InputError(f"{text!r} is no span of years. Write the first and the last: 2010-2020.")
    return int(found[1]), int(found[2])


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
