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
    "errors": -2,
    "files": -1,
    "study": 0,
    "stats": 0,
    "results": 1,
    "corpus": 1,
    "engine": 1,
    "selection": 2,
    "ingest": 2,
    "fetch": 2,
    "simulation": 2,
    "leadership": 3,
    "mobility": 3,
    "teaming": 3,
    "poles": 3,
    "pipeline": 4,
    "findings": 5,
    "planning": 5,
    "report": 6,
    "cli": 7,
    "__init__": 8,
    "__main__": 8,
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
    for other in imported_rooms(path) - {room}:
        assert FLOORS[other] < FLOORS[room], f"{room} imports {other}, which is not below it"


def test_the_light_path_stays_light() -> None:
    heavy = ["duckdb", "ibis", "numba", "pandas", "scipy", "pyarrow.dataset"]
    code = (
        f"import isthmus, isthmus.cli.verbs, sys; print([m for m in {heavy!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_exported_names_are_sorted_and_exist() -> None:
    import isthmus
    import isthmus.poles
    import isthmus.report
    import isthmus.stats

    for module in (isthmus, isthmus.poles, isthmus.report, isthmus.stats):
        assert list(module.__all__) == sorted(module.__all__)
        for name in module.__all__:
            assert getattr(module, name) is not None
            assert not hasattr(getattr(module, name), "__path__")
