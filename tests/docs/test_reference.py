"""The reference is what the program says of itself; after a change, write it again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "write-reference.py"


@pytest.mark.slow
def test_reference_is_up_to_date(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], check=True, capture_output=True)
    for page in ("verbs.md", "study.md", "tables.md"):
        committed = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
        assert (tmp_path / page).read_text(encoding="utf-8") == committed, (
            f"docs/reference/{page} is out of date; run `python scripts/write-reference.py`"
        )
