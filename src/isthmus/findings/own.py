"""Claims a user adds in the study file, under ``[claims.NAME]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.findings.evidence import Evidence
from isthmus.findings.verdict import Claim, Decision, above, all_of, below, undecided


def own_claims(wishes: Mapping[str, Any]) -> list[Claim]:
    """Give the claims of the study file, in its order."""
    return [_own(name, wish) for name, wish in wishes.items()]


def _own(name: str, wish: Mapping[str, Any]) -> Claim:
    return Claim(
        name=name,
        statement=wish["statement"],
        general="A claim of the study file.",
        source="study file",
        needs=(wish["table"],),
        rule=_rule(wish),
        decide=_deciding(wish),
    )


def _rule(wish: Mapping[str, Any]) -> str:
    where = ", ".join(f"{k} = {v}" for k, v in wish.get("where", {}).items())
    tests = [f"{how} {wish[how]}" for how in ("above", "below", "equals") if wish[how] is not None]
    return f"`{wish['column']}` {' and '.join(tests)} in every row with {where or 'anything'}."


def _deciding(wish: Mapping[str, Any]) -> Callable[[Evidence], Decision]:
    def decide(evidence: Evidence) -> Decision:
        there = evidence.columns(wish["table"])
        ends = [wish[end] for end in ("low", "high") if wish[end]]
        for column in (wish["column"], *wish["where"], *ends):
            if column not in there:
                names = ", ".join(there)
                return undecided(f"`{wish['table']}` has no column `{column}`. It has: {names}.")
        rows = _chosen(evidence.table(wish["table"]), wish["where"]).to_pylist()
        return all_of([_one(row, wish) for row in rows], f"Rows of `{wish['table']}`")

    return decide


def _chosen(table: pa.Table, where: Mapping[str, Any]) -> pa.Table:
    for column, value in where.items():
        text = pc.equal(table[column].cast(pa.string()), str(value))
        table = table.filter(pc.fill_null(text, False))
    return table


def _one(row: Mapping[str, Any], wish: Mapping[str, Any]) -> Decision:
    value, column = row[wish["column"]], f"`{wish['column']}`"
    if value is None:
        return undecided(f"{column} is not defined in a row.")
    if wish["equals"] is not None:
        same = str(value) == str(wish["equals"])
        return Decision("supported" if same else "not supported", f"{column} is {value}.")
    low, high = (row[wish[end]] if wish[end] else None for end in ("low", "high"))
    found = [
        test(float(value), low, high, float(wish[how]), column)
        for how, test in (("above", above), ("below", below))
        if wish[how] is not None
    ]
    return found[0] if len(found) == 1 else all_of(found, column)
