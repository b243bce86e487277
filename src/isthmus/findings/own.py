"""Claims a user adds in the study file, under ``[claims.NAME]``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.findings.estimates import interval, missing
from isthmus.findings.evidence import Evidence
from isthmus.findings.verdict import Claim, Condition, Conditions


def own_claims(wishes: Mapping[str, Any]) -> list[Claim]:
    """Return the claims of the study file, in its order."""
    return [
        Claim(
            name=name,
            statement=wish["statement"],
            source="study file",
            needs=(wish["table"],),
            estimand=_estimand(wish),
            measure=partial(_rows, wish),
        )
        for name, wish in wishes.items()
    ]


def _estimand(wish: Mapping[str, Any]) -> str:
    where = ", ".join(f"{k} = {v}" for k, v in wish.get("where", {}).items())
    tests = [f"{how} {wish[how]}" for how in ("above", "below", "equals") if wish[how] is not None]
    return f"`{wish['column']}` {' and '.join(tests)} in every row with {where or 'anything'}."


def _rows(wish: Mapping[str, Any], evidence: Evidence) -> Conditions:
    there = evidence.columns(wish["table"])
    ends = [wish[end] for end in ("low", "high") if wish[end]]
    for column in (wish["column"], *wish["where"], *ends):
        if column not in there:
            blank = Condition(f"`{wish['column']}`", 0.0, 0.0)
            names = ", ".join(there)
            return [missing(blank, f"`{wish['table']}` has no column `{column}`; it has {names}")]
    rows = _chosen(evidence.table(wish["table"]), wish["where"]).to_pylist()
    return [one for row in rows for one in _one(row, wish)]


def _chosen(table: pa.Table, where: Mapping[str, Any]) -> pa.Table:
    for column, value in where.items():
        text = pc.equal(table[column].cast(pa.string()), str(value))
        table = table.filter(pc.fill_null(text, False))
    return table


def _one(row: Mapping[str, Any], wish: Mapping[str, Any]) -> Conditions:
    """Return what a row says; where no interval is named, the number stands for itself."""
    column, value = wish["column"], row[wish["column"]]
    if wish["equals"] is not None:
        same = float(value is not None and str(value) == str(wish["equals"]))
        what = f"`{column}` is {value}; as wished (1) or not (0)"
        return [Condition(what, 0.5, 0.5, value=same, low=same, high=same)]
    low, high = (wish[end] or column for end in ("low", "high"))
    if isinstance(value, str):
        blank = Condition(f"`{column}`", 0.0, 0.0)
        return [missing(blank, f"it is text (`{value}`), not a number; ask with `equals`")]
    return [
        interval(
            Condition(f"`{column}`", float(wish[how]), float(wish[how]), above=how == "above"),
            row,
            (column, low, high),
        )
        for how in ("above", "below")
        if wish[how] is not None
    ]
