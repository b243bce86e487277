"""The few words in which DuckDB's SQL and Spark's differ, so that a query is written once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """How an engine takes lists apart; all else the definitions use is common SQL."""

    name: str

    def explode(self, relation: str, column: str, keep: str = "*") -> str:
        """SQL of a relation with a row for each entry of a list column.

        Columns: those in `keep`, ``entry``, and ``place``, which counts from 0.
        """
        if self.name == "duckdb":
            return (
                f"(SELECT {keep}, unnest({column}) AS entry, "
                f"generate_subscripts({column}, 1) - 1 AS place FROM {relation})"
            )
        return (
            f"(SELECT {keep}, entry, place FROM {relation} "
            f"LATERAL VIEW posexplode({column}) exploded AS place, entry)"
        )

    def struct(self, *columns: str) -> str:
        """SQL of a struct of columns."""
        if self.name == "duckdb":
            return "{" + ", ".join(f"'{name}': {name}" for name in columns) + "}"
        return f"struct({', '.join(columns)})"

    def size(self, column: str) -> str:
        """SQL of the number of entries of a list; 0 for none."""
        function = "len" if self.name == "duckdb" else "array_size"
        return f"coalesce({function}({column}), 0)"


DUCKDB = Dialect("duckdb")
SPARK = Dialect("spark")
