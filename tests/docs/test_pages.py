"""The pages of the documentation are run: their commands, their Python, their study files.

A fenced block marked ``console`` holds commands after ``$``; ``python`` is run in one
session per page; ``toml NAME`` and ``csv NAME`` are written to that file. Pages run in an
empty folder, top to bottom, as a reader would go; the tutorial's demonstration is the one that
other tests look at, which the command finds finished.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from mkdocs.exceptions import PluginError

import isthmus
import isthmus.stats
from commands import isthmus as isthmus_command
from demonstrating import WORKS, assert_shown

DOCS = Path(__file__).resolve().parents[2] / "docs"

NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
HOOK = DOCS.parent / "scripts" / "documentation_pages.py"

#: Notebook -> what its page shows when its last cell has run.
OUTPUTS = {
    "edges-to-poles": "slope found: 0.0",
    "field-to-findings": "undecided: ",
    "kernel-beside-peer": "[[  nan",
}

#: Page -> files that must be there when it has been followed.
FOLLOWED = {
    "tutorial.md": [
        "world/results/run.json",
        "world/results/findings.csv",
        "world/results/index.html",
        "world/results/figures/output.svg",
        "site/index.html",
        "world/site/index.html",
    ],
    "how-to-own-data.md": [
        "corpus/manifest.json",
        "results/run.json",
        "results/comparison_years.csv",
        "site/coverage.html",
        "all-keys.toml",
        "package.zip",
    ],
}

BLOCK = re.compile(r"^```(\w+) ?([\w.-]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def followed(page: Path, folder: Path) -> list[str]:
    """Do what a page says in `folder`, where this process is; give what was done."""
    done, session = [], {"__name__": "__main__"}
    for language, name, content in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language in ("toml", "csv") and name:
            (folder / name).write_text(content, encoding="utf-8")
        elif language == "python":
            exec(compile(content, page.name, "exec"), session)
        elif language == "console":
            for line in content.splitlines():
                if line.startswith("$ "):
                    _run(line[2:])
        else:
            continue
        done.append(language)
    return done


def _run(line: str) -> None:
    program, *rest = shlex.split(line)
    assert program == "isthmus", f"the page runs {program}, which the tests do not"
    done = isthmus_command(*rest)
    assert done.returncode == 0, f"{line}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    if rest[0] == "demo":
        assert_shown(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("page", FOLLOWED)
def test_page_can_be_followed(
    page: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")  # addresses are not broken into lines
    if page == "tutorial.md":
        assert f"isthmus demo --works {WORKS} --to world" in (DOCS / page).read_text()
        shutil.copytree(request.getfixturevalue("demonstration"), tmp_path / "world")
    done = followed(DOCS / page, tmp_path)
    assert done.count("console") >= 3
    for name in FOLLOWED[page]:
        assert (tmp_path / name).is_file(), name


def test_the_documentation_builds_without_a_broken_link(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    for page in DOCS.rglob("*.md"):
        place = page.relative_to(DOCS).with_suffix("")
        built = place.with_suffix(".html") if page.stem == "index" else place / "index.html"
        assert (tmp_path / built).is_file(), f"{page.name} is not built"
    for notebook in NOTEBOOKS:
        shown = (tmp_path / "notebooks" / notebook.stem / "index.html").read_text(encoding="utf-8")
        assert OUTPUTS[notebook.stem] in shown, f"{notebook.name} shows no output"
    reference = (tmp_path / "reference" / "python" / "index.html").read_text(encoding="utf-8")
    for module in (isthmus, isthmus.stats):
        for name in set(module.__all__) - {"stats"}:
            value = getattr(module, name)
            home = f"{value.__module__}.{value.__qualname__}"
            assert f'id="{home}"' in reference, f"no reference of {name}"
    text = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html"))
    assert not re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="https?://', text)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_without_outputs(notebook: Path) -> None:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    for cell in code:
        assert not cell["outputs"]
        assert cell["execution_count"] is None


def test_a_failing_cell_fails_the_build_and_is_named(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("documentation_pages", HOOK)
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    cell = nbformat.v4.new_code_cell("1 / 0")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "bad.ipynb")
    with pytest.raises(PluginError, match=r"bad\.ipynb fails(.|\n)*ZeroDivisionError"):
        hook.executed(tmp_path / "bad.ipynb")


def test_links_between_pages_lead_somewhere() -> None:
    found = 0
    for page in DOCS.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+\.md)[^)]*\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).is_file(), f"{page.name} links to {link}"
            found += 1
    assert found >= 3
