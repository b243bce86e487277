"""DuckDB behind Ibis, which compiles equal expressions once in a process.

Ibis takes tens of milliseconds to turn an expression into SQL: in a study of a few thousand
works that is half of the run. A second study of the same shape, such as a world's placebo
twin, asks for the same expressions on tables of the same names.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import ibis.expr.operations as ops
from ibis.backends.duckdb import Backend

#: A backend without connection compiles as well.
_COMPILER = Backend()
#: Expressions whose SQL is remembered: those of about four runs.
REMEMBERED = 512


class CompilingBackend(Backend):  # type: ignore[misc]
    """Backend of which all connections are alike to Ibis, so that equal expressions are equal."""

    db_identity = "isthmus"

    def compile(self, expr: Any, /, **options: Any) -> str:
        """Return the SQL of an expression; tables held in memory are named anew each time."""
        op = expr.op()
        if any(value for value in options.values()) or op.find(ops.InMemoryTable):
            return str(super().compile(expr, **options))
        return sql_of(op)


@lru_cache(REMEMBERED)
def sql_of(op: Any) -> str:
    """Return the SQL of an operation of Ibis, from memory where it was compiled before."""
    return str(_COMPILER.compile(op.to_expr()))


def connect(**options: Any) -> Any:
    """Open a database in memory."""
    return CompilingBackend().connect(":memory:", **options)
