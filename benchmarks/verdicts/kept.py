"""Finished worlds on disk, each with the version of the claims it was made with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import isthmus.findings
from isthmus.files import write_text


@cache
def version() -> str:
    """Return a hash of every module of the findings: claims, statistics and decisions."""
    digest = hashlib.sha256()
    for path in sorted(Path(isthmus.findings.__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def read(path: Path) -> list[Any] | None:
    """Return a world's rows; None where there are none, or other claims made them."""
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    if not isinstance(found, dict) or found["version"] != version():
        return None
    rows: list[Any] = found["rows"]
    return rows


def write(path: Path, rows: Sequence[Any]) -> None:
    """Keep a world's rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({"version": version(), "rows": rows}))


def fresh(paths: Sequence[Path]) -> list[list[Any]]:
    """Return the rows of every world that these claims made, and say how many others made."""
    found = [read(path) for path in paths]
    worlds = [rows for rows in found if rows is not None]
    if len(worlds) < len(paths):
        print(f"{len(paths) - len(worlds)} kept worlds are of other claims and left out.")
    return worlds
