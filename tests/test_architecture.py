"""The house holds: floors, light imports, exported names."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
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


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a node, without what only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from statements(child)


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in statements(ast.parse(path.read_text(encoding="utf-8"))):
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


def test_fetching_and_reading_load_no_statistics() -> None:
    modules = "isthmus.cli.console, isthmus.fetch.works, isthmus.study, isthmus.ingest.ingest"
    code = f"import {modules}, sys; print([m for m in ['numba', 'scipy'] if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["isthmus", "isthmus.poles", "isthmus.report", "isthmus.stats"])
def test_exported_names_are_sorted_typed_and_exist(name: str) -> None:
    module = importlib.import_module(name)
    assert list(module.__all__) == sorted(module.__all__)
    beside = {"__version__", *LONG_NAMES} if name == "isthmus" else set()
    assert typed_names(Path(module.__file__)) - beside == set(module.__all__)
    for exported in module.__all__:
        value = getattr(module, exported)
        assert value is not None
        assert exported == "stats" or not hasattr(value, "__path__")


#: Names that functions exported under a shorter one have at home.
LONG_NAMES = {"plan_of", "write_report"}


def typed_names(path: Path) -> set[str]:
    """Names that a type checker sees in a module that loads what it exports when asked."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name):
            names = {a.asname or a.name for n in node.body for a in getattr(n, "names", ())}
            names |= {n.target.id for n in node.body if isinstance(n, ast.AnnAssign)}
            return names | {t.id for n in node.body if isinstance(n, ast.Assign) for t in n.targets}
    raise AssertionError(f"{path} shows a type checker nothing")


SCRIPT = """
import numpy as np
import isthmus as ist
from isthmus import stats

results = ist.run(ist.Study.load("study.toml"), "results")
reveal_type(results)
reveal_type(results.findings()[0].decision.verdict)
reveal_type(results.describe("links").grain)
reveal_type(stats.affinity(np.zeros((2, 3, 3)), directed=False))
reveal_type(ist.stats.trend(np.zeros((1, 8))))
reveal_type(ist.plan(ist.Study.load("study.toml")))
reveal_type(ist.report(results))
table = results["links"]
reveal_type(table)
reveal_type(table.num_rows)
table.to_pylits
ist.rnu
stats.afinity
results[3]
"""

#: Line of the script -> what the type checker must say of it.
SAID = {
    7: '.Results"',
    8: "Literal['supported'",
    9: 'Revealed type is "tuple[str, ...]"',
    10: '.Affinity"',
    11: '.Trend"',
    12: '.Plan"',
    13: 'Revealed type is "pathlib.Path"',
    15: 'Revealed type is "pyarrow.',
    16: 'Revealed type is "int"',
    17: '"Table" has no attribute "to_pylits"',
    18: 'Module has no attribute "rnu"',
    19: 'Module has no attribute "afinity"',
    20: 'Invalid index type "int"',
}


def test_a_user_s_script_is_typed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"MYPYPATH": str(SOURCE.parent)}
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"]
    command += ["--config-file=", str(script)]  # a user's: none
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    said: dict[int, str] = {}
    for line in done.stdout.splitlines():
        if (match := re.match(r".*script\.py:(\d+): (?:error|note): (.*)", line)) is not None:
            said[int(match[1])] = said.get(int(match[1]), "") + match[2]
    assert said.keys() == SAID.keys(), done.stdout + done.stderr
    for number, text in SAID.items():
        assert text in said[number]


def test_the_documentation_names_kernels_that_exist() -> None:
    stats = importlib.import_module("isthmus.stats")
    pages = [*SOURCE.parents[1].glob("docs/**/*.md"), SOURCE.parents[1] / "README.md"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    named = set(re.findall(r"isthmus\.stats\.(\w+)", text))
    named |= {
        n for line in re.findall(r"from isthmus\.stats import (.*)", text) for n in line.split(", ")
    }
    assert named
    for name in named:
        kernel = name in stats.__all__ or (SOURCE / "stats" / f"{name}.py").exists()
        assert kernel or (SOURCE / "stats" / name).is_dir(), name
