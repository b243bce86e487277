"""The verbs, and what the terminal shows."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; errors made on purpose are sentences, not tracebacks."""
    from isthmus.cli.terminal import err as said
    from isthmus.cli.verbs import app
    from isthmus.errors import IsthmusError

    try:
        app()
    except IsthmusError as error:
        said.print(f"Error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        said.print("Stopped. The same command goes on from here.")
        sys.exit(130)
