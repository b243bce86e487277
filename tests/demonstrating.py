"""One demonstration for all tests that look at what it leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

#: Works of the demonstration: enough that China is followed in every year.
WORKS = 20_000

#: Seconds to wait for another process's demonstration.
PATIENCE = 600

#: Lines as wide as the tests expect.
WIDE = os.environ | {"COLUMNS": "120"}


def command(folder: Path) -> list[str]:
    """The command that makes it in a folder."""
    program = [sys.executable, "-m", "isthmus", "demo"]
    return [*program, "--works", str(WORKS), "--to", str(folder)]


def demonstrated(shared: Path) -> Path:
    """Make the demonstration in a folder that processes share, or wait for the one who does."""
    folder, said = shared / "demonstration", shared / "demonstration.txt"
    try:
        (shared / "demonstrating").mkdir()
    except FileExistsError:
        end = time.monotonic() + PATIENCE
        while not said.exists():
            assert time.monotonic() < end, "waited in vain for another process's demonstration"
            time.sleep(0.2)
        return folder
    done = subprocess.run(command(folder), capture_output=True, text=True, env=WIDE)
    assert done.returncode == 0, done.stderr
    written = said.with_suffix(".part")
    written.write_text(done.stdout, encoding="utf-8")
    written.replace(said)
    return folder


def assert_shown(said: str) -> None:
    """What the command prints, the first time and when it finds everything done."""
    assert "next to what was planted" in said
    assert "US" in said
    assert "isthmus ingest" in said
    for named in ("The report: ", "The explorer: "):
        address = said.split(named)[1].split()[0]
        assert Path(urllib.parse.unquote(address.removeprefix("file://"))).is_file()
