"""The house holds: floors, light imports, exported names."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "isthmus"

#: Room -> floor. A module imports rooms of lower floors, and its own room, only.
FLOORS = {
    "errors": 0,
    "files": 0,
    "results": 0,
    "engine": 0,
    "usage": 0,
    "spark": 0,
    "study": 0,
    "sections": 0,
    "stats": 0,
    "journal": 1,
    "corpus": 1,
    "work_lists": 1,
    "world": 1,
    "wording": 1,
    "field": 2,
    "attribution": 2,
    "corrections": 2,
    "reference_years": 2,
    "fetch": 2,
    "tables": 2,
    "growing": 2,
    "ingest": 2,
    "simulation": 2,
    "leadership": 3,
    "mobility": 3,
    "teaming": 3,
    "poles": 3,
    "steps": 4,
    "runner": 4,
    "edges": 4,
    "findings": 5,
    "differences": 5,
    "report": 5,
    "calibration": 5,
    "plan": 5,
    "demo": 6,
    "console": 6,
    "cli": 6,
    "__init__": 7,
    "__main__": 7,
}

#: Rooms of one floor that may be imported within it: errors and files serve everybody.
COMMON = {"errors", "files"}

#: Pairs (room, room) on one floor, where one builds on the other in that order.
ON_ONE_FLOOR = {
    ("tables", "field"),
    ("tables", "reference_years"),
    ("tables", "corrections"),
    ("tables", "attribution"),
    ("attribution", "field"),
    ("simulation", "growing"),
    ("cli", "console"),
    ("cli", "demo"),
    ("console", "demo"),
    ("report", "findings"),
    ("engine", "spark"),
    ("wording", "corpus"),
    ("runner", "steps"),
    ("plan", "calibration"),
    ("edges", "steps"),
    ("spark", "engine"),
    ("field", "study"),
    ("study", "sections"),
    ("__main__", "__init__"),
}


def room_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).parts
    return parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "isthmus":
                names = [f"isthmus.{alias.name}" for alias in node.names]
        rooms |= {n.split(".")[1] for n in names if n.startswith("isthmus.")}
    return rooms


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE))
)
def test_each_floor_imports_only_floors_below(path: Path) -> None:
    room = room_of(path)
    assert room in FLOORS, f"{path} is in no room of the house"
    for other in imported_rooms(path) - {room} - COMMON:
        below = FLOORS[other] < FLOORS[room]
        assert below or (room, other) in ON_ONE_FLOOR, f"{room} imports {other}, not below it"


def test_the_light_path_stays_light() -> None:
    heavy = ["duckdb", "ibis", "numba", "pandas", "scipy", "pyarrow.dataset"]
    code = f"import isthmus, isthmus.cli, sys; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_exported_names_are_sorted_and_exist() -> None:
    import isthmus
    import isthmus.stats

    for module in (isthmus, isthmus.stats):
        assert list(module.__all__) == sorted(module.__all__)
        for name in module.__all__:
            assert getattr(module, name) is not None
            assert not hasattr(getattr(module, name), "__path__")
