"""Run R as an outside reference; absent R skips aloud, except where CI promises it."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest


@cache
def _why_absent(package: str) -> str:
    if shutil.which("Rscript") is None:
        return "Rscript is not installed"
    call = ["Rscript", "-e", f"library({package})"]
    if subprocess.run(call, capture_output=True, check=False).returncode:
        return f"the R package {package} is not installed"
    return ""


def need_r(package: str) -> None:
    """Skip where R or `package` is absent; fail where the variable CI is set."""
    why = _why_absent(package)
    if not why:
        return
    advice = f"{why}; scripts/install-system-packages installs it"
    if os.environ.get("CI"):
        pytest.fail(advice)
    pytest.skip(advice)


def run_r(script: str, folder: Path) -> None:
    """Run an R script in `folder`."""
    path = folder / "script.R"
    path.write_text(script)
    done = subprocess.run(
        ["Rscript", "--vanilla", path.name], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
