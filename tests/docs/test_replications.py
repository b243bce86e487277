"""The commands of the replication pages are run, on less than the pages run them on.

What they print on everything stands on the pages; here it is seen that the commands on the page
still work. The networks' edges are simulated under the name the page gives the real file.
"""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from isthmus.simulation.panels import poisson_panel

ROOT = Path(__file__).resolve().parents[2]

#: Page -> what makes its commands short; the last of two equal options counts.
LESS = {
    "two-poles.md": ["--replays", "2"],
    "replicating-the-premium.md": ["--scale", "0.05", "--draws", "20"],
}

EDGES = ("edges_1990_2019.csv.gz", "edges_1990_2023.csv.gz")


def commands(page: Path) -> list[list[str]]:
    """Give the `python benchmarks/...` commands of a page, continued lines joined."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.findall(r"^ {0,4}(?:\$ )?(python benchmarks/.*)$", text, re.MULTILINE)
    return [shlex.split(line) for line in found]


def write_edges(path: Path) -> None:
    panel = poisson_panel(14, 30, 1)
    t, i, j = np.nonzero(np.triu(np.ones((14, 14)), 1)[None] * np.ones((30, 1, 1)))
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("year,source,target,weight\n")
        for year, a, b in zip(t, i, j, strict=True):
            ends = panel.countries[a], panel.countries[b]
            file.write(f"{1990 + year},{ends[0]},{ends[1]},{int(panel.weights[year, a, b])}\n")


@pytest.mark.slow
@pytest.mark.parametrize("page", LESS)
def test_commands_of_the_page_work(page: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / page, tmp_path / "docs" / page)
    for name in EDGES:
        write_edges(tmp_path / name)
    done = commands(ROOT / "docs" / page)
    assert done
    for program, script, *rest in done:
        assert program == "python"
        command = [sys.executable, str(ROOT / script), *rest, *LESS[page]]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 0, f"{script} {rest}: {ran.stderr[-2000:]}"
        assert re.search(r"\d", ran.stdout + (tmp_path / "docs" / page).read_text())
