"""Options that several verbs have."""

from __future__ import annotations

from typing import Annotated

import typer

#: Options of verbs that Spark can do.
Master = Annotated[
    str | None,
    typer.Option(
        help="Do it on Spark: a master, like local[4] or spark://host:7077, or Spark Connect, "
        "sc://host:15002."
    ),
]
Memory = Annotated[
    str | None, typer.Option(help="Memory of Spark's driver and of each executor, like 4GB.")
]
