"""The pages of the documentation are run: their commands, their Python, their study files.

A fenced block marked ``console`` holds commands after ``$``; ``python`` is run in one
session per page; ``toml NAME`` and ``csv NAME`` are written to that file. Pages run in an
empty folder, top to bottom, as a reader would go.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"

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
    """Do what a page says in `folder`; give what was done."""
    done, session = [], ""
    for language, name, content in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language in ("toml", "csv") and name:
            (folder / name).write_text(content, encoding="utf-8")
        elif language == "python":
            session += content
            _run([sys.executable, "-c", session], folder)
        elif language == "console":
            for line in content.splitlines():
                if line.startswith("$ "):
                    _run(_command(line[2:]), folder)
        else:
            continue
        done.append(language)
    return done


def _command(line: str) -> list[str]:
    program, *rest = shlex.split(line)
    assert program == "isthmus", f"the page runs {program}, which the tests do not"
    return [sys.executable, "-m", "isthmus", *rest]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "COLUMNS": "100"}
    )
    assert done.returncode == 0, f"{command[-3:]}: {done.stdout[-2000:]}{done.stderr[-2000:]}"


@pytest.mark.slow
@pytest.mark.parametrize("page", FOLLOWED)
def test_page_can_be_followed(page: str, tmp_path: Path) -> None:
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
    text = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html"))
    assert not re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="https?://', text)


def test_links_between_pages_lead_somewhere() -> None:
    found = 0
    for page in DOCS.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+\.md)[^)]*\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).is_file(), f"{page.name} links to {link}"
            found += 1
    assert found >= 3
