"""The reference is what the program says of itself; after a change, write it again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "write-reference.py"


@pytest.mark.slow
def test_reference_is_up_to_date(tmp_path: Path, demonstration: Path) -> None:
    folder = tmp_path / "reference"
    command = [sys.executable, str(SCRIPT), str(folder), str(demonstration / "results")]
    subprocess.run(command, check=True, capture_output=True)
    for page in ("reference/verbs.md", "reference/study.md", "reference/tables.md", "methods.md"):
        committed = (ROOT / "docs" / page).read_text(encoding="utf-8")
        assert (tmp_path / page).read_text(encoding="utf-8") == committed, (
            f"docs/{page} is out of date; run `python scripts/write-reference.py`"
        )
