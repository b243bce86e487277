"""The command `isthmus` in this process: a process of its own costs a second or two of imports."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from isthmus.cli import main


def isthmus(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command with these arguments; an error that it does not expect is raised."""
    words = ["isthmus", *map(str, arguments)]
    said, errors, code = io.StringIO(), io.StringIO(), 0
    with patch.object(sys, "argv", words), redirect_stdout(said), redirect_stderr(errors):
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(words, code, said.getvalue(), errors.getvalue())
