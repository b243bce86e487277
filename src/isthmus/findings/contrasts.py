"""Is the field special? Every number behind a claim, in one field against the others.

Fields are taken as draws of one kind: the focus is held against the random-effects mean of the
others, and the interval of the difference counts the sampling error of the focus and the
spread between fields (:mod:`isthmus.stats.contrasts`). Numbers of different fields go
together where the claim and the number's words are the same, counts in the words aside.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec import structs
from scipy.special import stdtrit
from scipy.stats import false_discovery_control

from isthmus.findings.claims import claims_of
from isthmus.findings.decide import decide, findings_table, measured
from isthmus.findings.evidence import Evidence
from isthmus.findings.verdict import COVERAGE, LEVEL, Z_95, Condition, number
from isthmus.results import (
    FIELDS_FOLDER,
    Results,
    one_field,
    open_results,
    schema_of,
    write_record,
    write_table,
)
from isthmus.stats.contrasts import Contrast, Floats, contrast, explained, rank_p
from isthmus.study import Contrasts

#: Answers to "only here?".
ONLY, ALSO, OPEN = "only here", "also elsewhere", "undecided"

#: Traits of fields that a difference may go with, as columns of ``fields``.
TRAITS = ("works", "reference_age", "international_share")

#: Part of a number (or of 1) below which its error is one of rounding: a tie that cannot change.
ROUNDING = 1e-9

#: Logarithms from which a ratio is too large to be written.
LARGEST = 700.0


@dataclass(frozen=True)
class Number:
    """A number of a claim in one field, on the scale on which fields are compared."""

    condition: Condition
    value: float
    se: float

    @classmethod
    def of(cls, condition: Condition) -> Number | None:
        """Return a number with its error; None where it has no interval that may be read."""
        one = condition
        if not one.known or one.value is None or one.low is None or one.high is None:
            return None
        at, low, high = (_scaled(one, end) for end in (one.value, one.low, one.high))
        point = stdtrit(one.df, (1 + COVERAGE) / 2) if math.isfinite(one.df) else Z_95
        se = (high - low) / (2 * float(point))
        known = math.isfinite(at) and math.isfinite(se) and se > ROUNDING * max(abs(at), 1.0)
        return cls(one, at, se) if known else None


def _scaled(one: Condition, value: float) -> float:
    if not one.log:
        return value
    return math.log(value - one.origin) if value > one.origin else -math.inf


def _plain(one: Condition, value: float) -> float:
    return _exp(value) + one.origin if one.log else value


def _exp(value: float) -> float:
    """Return the exponential; infinite where an end is too far off to be written."""
    return math.exp(value) if value < LARGEST else math.inf


def numbers_of(results: Results) -> dict[tuple[str, str], Number]:
    """Return every number of every claim that has an interval, by claim and words."""
    evidence = Evidence(results)
    found: dict[tuple[str, str], Number] = {}
    for claim in claims_of(evidence):
        conditions = measured(claim, evidence)
        for condition in () if isinstance(conditions, str) else conditions:
            one = Number.of(condition)
            if one is not None:
                found.setdefault((claim.name, _words(condition)), one)
    return found


def _words(condition: Condition) -> str:
    """Return the words of a number without what each field counts for itself."""
    return re.sub(r"\b\d{1,3}(?:,\d{3})* (pairs|other pairs)\b", r"\1", condition.what).rstrip(",")


def write_contrasts(results: Results) -> Results:
    """Decide the claims of every field, hold the focus against the others, and write tables.

    Each field's folder gets its ``findings``; the folder of all fields gets ``findings`` with a
    column ``field``, ``field_numbers``, ``contrasts`` and ``verdict_turns``.

    Parameters
    ----------
    results
        Results of a run of many fields.

    Returns
    -------
    Results
        The results with these tables.
    """
    fields = results.record["fields"]
    each = {n: open_results(results.path / FIELDS_FOLDER / n) for n in fields["names"]}
    found = {name: findings_table(decide(one)) for name, one in each.items()}
    for name, table in found.items():
        write_table(each[name].path, "findings", table)
    together = pa.concat_tables(
        table.add_column(0, "field", pa.array([name] * table.num_rows, pa.string()))
        for name, table in found.items()
    )
    write_table(results.path, "findings", together)
    numbers = {name: numbers_of(one) for name, one in each.items()}
    made = {
        "field_numbers": numbers_table(numbers),
        "contrasts": contrasts_table(
            numbers,
            fields["focus"],
            results["fields"],
            results["field_overlap"],
            results.record["settings"],
        ),
        "verdict_turns": turns_table(found, fields["focus"], results["field_overlap"]),
    }
    tables = dict(results.record["tables"])
    for name, table in made.items():
        tables[name] = write_table(results.path, name, table)["rows"]
    record = {**results.record, "tables": tables}
    write_record(results.path, record)
    return replace(results, record=record)


def numbers_table(numbers: Mapping[str, Mapping[tuple[str, str], Number]]) -> pa.Table:
    """List every number of every field that has an interval.

    Grain: one row per field, claim and number.
    """
    rows = [
        {
            "field": name,
            "claim": claim,
            "number": words,
            "estimate": one.condition.value,
            "estimate_low": one.condition.low,
            "estimate_high": one.condition.high,
        }
        for name, found in numbers.items()
        for (claim, words), one in found.items()
    ]
    return pa.Table.from_pylist(rows, schema_of("field_numbers"))


def contrasts_table(
    numbers: Mapping[str, Mapping[tuple[str, str], Number]],
    focus: str,
    profiles: pa.Table,
    overlap: pa.Table,
    settings: Mapping[str, Any],
) -> pa.Table:
    """Hold every number of the focus against the other fields'.

    Grain: one row per claim and number of the focus that has an interval. Columns: see the
    registry. Other fields without the number do not count, nor do those that share so many works
    with the focus that they are other definitions of it.
    """
    rules = {**structs.asdict(Contrasts()), **settings["contrasts"]}
    same = definitions(focus, overlap, rules["most_shared"])
    rows = []
    for (claim, words), mine in numbers[focus].items():
        others = {
            name: found[claim, words]
            for name, found in numbers.items()
            if name != focus and name not in same and (claim, words) in found
        }
        rows.append(_row(focus, claim, words, mine, others, profiles, rules))
    p = [row["p"] for row in rows if row["p"] is not None]
    rates = iter(false_discovery_control(p) if p else ())
    level = settings.get("findings", {}).get("error_rate", LEVEL)
    for row in rows:
        row["q"] = None if row["p"] is None else float(next(rates))
        row["only_here"], row["why"] = _answer(row, level)
        for name in ("_mine", "_shown"):
            row.pop(name)
        row |= {n: None for n, x in row.items() if isinstance(x, float) and not math.isfinite(x)}
    return pa.Table.from_pylist(rows, schema_of("contrasts"))


def definitions(focus: str, overlap: pa.Table, most: float) -> set[str]:
    """Return fields that share more than a part `most` of the smaller one's works with the focus.

    They are other definitions of the same field, and no placebo for it.
    """
    return {
        row["other"]
        for row in overlap.to_pylist()
        if row["field"] == focus and row["both"] > most * min(row["works"], row["works_other"])
    }


def _row(
    focus: str,
    claim: str,
    words: str,
    mine: Number,
    others: Mapping[str, Number],
    profiles: pa.Table,
    rules: Mapping[str, Any],
) -> dict[str, Any]:
    one = mine.condition
    row: dict[str, Any] = dict.fromkeys(schema_of("contrasts").names)
    row |= {"field": focus, "claim": claim, "number": words, "others": len(others)}
    row |= {"scale": "ratio" if one.log else "difference", "_mine": mine, "_shown": None}
    row |= {"estimate": one.value, "low": one.low, "high": one.high}
    if len(others) < rules["least_others"]:
        return row
    value, se = (np.array([getattr(o, n) for o in others.values()]) for n in ("value", "se"))
    found = contrast(mine.value, mine.se, value, se)
    row["_shown"] = found
    row |= {
        f"others_{name}": _plain(one, end)
        for name, end in (
            ("mean", found.mean.value),
            ("low", found.mean.low),
            ("high", found.mean.high),
        )
    }
    ends = {"difference": found.difference, "difference_low": found.low}
    ends["difference_high"] = found.high
    row |= {name: _as_shown(one, end) for name, end in ends.items()}
    row |= {"spread": found.mean.spread, "p": found.p}
    row["rank"] = 1 + int((value > mine.value).sum())
    row["rank_p"] = rank_p(np.append(mine.value, value), np.append(mine.se, se))
    if len(others) < rules["least_regression"] - 1:
        why = f"{len(others) + 1} fields, {rules['least_regression']} are needed"
        return row | {"explained_why": why}
    return row | _with_traits(one, found, value, se, [focus, *others], profiles)


def _as_shown(one: Condition, difference: float) -> float:
    """Return a difference on the scale as it is shown: logarithms as ratios."""
    return _exp(difference) if one.log else difference


def _with_traits(
    one: Condition,
    found: Contrast,
    value: Floats,
    se: Floats,
    names: Sequence[str],
    profiles: pa.Table,
) -> dict[str, float | str]:
    traits = {row["field"]: [row[name] for name in TRAITS] for row in profiles.to_pylist()}
    chosen = [traits[name] for name in names]
    if any(None in row or not row[0] for row in chosen):
        return {"explained_why": "a trait of a field is not known"}
    table = np.array(chosen, float)
    table[:, 0] = np.log(table[:, 0])
    told = explained(value, se, table[1:], table[0])
    if told is None:
        return {"explained_why": "traits of fields do not differ, or go together"}
    keys = ("explained", "explained_low", "explained_high")
    made: dict[str, float | str] = {
        key: _as_shown(one, end) for key, end in zip(keys, told, strict=True)
    }
    return made | {"explained_share": told[0] / found.difference}


def _answer(row: Mapping[str, Any], level: float) -> tuple[str, str]:
    """Say whether a number is the focus's alone, and why.

    ``only here``: the number supports its claim in the focus, the focus differs from the
    others on the claim's side (p and false discovery rate), and the mean of the others does not
    support it. ``also elsewhere``: it supports the claim in the focus, and so does the mean of
    the others. Else ``undecided``.
    """
    mine: Number = row["_mine"]
    found: Contrast | None = row["_shown"]
    one = mine.condition
    if found is None:
        return OPEN, f"Too few: {row['others']} other fields have this number."
    if not one.supports:
        return OPEN, "The number does not support its claim in the focus either."
    said = f"The others' mean is {number(row['others_mean'])}"
    side = found.difference > 0 if one.above else found.difference < 0
    apart = found.p < LEVEL and row["q"] <= level and side
    beyond = (row["others_low"] > one.null) if one.above else (row["others_high"] < one.null)
    reaches = row["others_mean"] >= one.matters if one.above else row["others_mean"] <= one.matters
    if beyond and reaches:
        more = ", and the effect is larger in the focus" if apart else ""
        return ALSO, f"{said}: it supports the claim too{more}."
    if apart:
        return ONLY, f"{said}, and the focus is further on the claim's side than fields differ."
    return OPEN, f"{said}; the focus is no further from it than fields differ by themselves."


def turns_table(found: Mapping[str, pa.Table], focus: str, overlap: pa.Table) -> pa.Table:
    """List the claims whose verdict in another field is not that of the focus.

    Grain: one row per field other than the focus, and claim.
    """
    shared = {row["other"]: row["jaccard"] for row in overlap.to_pylist() if row["field"] == focus}
    mine = {row["claim"]: row for row in found[focus].to_pylist()}
    rows = []
    for name, table in found.items():
        for row in table.to_pylist() if name != focus else ():
            own = mine.get(row["claim"])
            if own is None or own["verdict"] == row["verdict"]:
                continue
            both = {own["verdict"], row["verdict"]}
            rows.append(
                {
                    "field": name,
                    "claim": row["claim"],
                    "statement": own["statement"],
                    "verdict_focus": own["verdict"],
                    "verdict": row["verdict"],
                    "turned": "opposite" if both == {"supported", "contradicted"} else "open",
                    "jaccard": shared[name],
                }
            )
    return pa.Table.from_pylist(rows, schema_of("verdict_turns"))


def only_here(results: Results) -> dict[str, tuple[str, str]]:
    """Return the answer to "only here?" by claim, with the sentence; the weakest number's.

    Empty for results of one field, or without contrasts.
    """
    shown = one_field(results)
    if "contrasts" not in shown.tables:
        return {}
    order = (OPEN, ALSO, ONLY)
    answers: dict[str, tuple[str, str]] = {}
    for row in shown["contrasts"].to_pylist():
        kept = answers.get(row["claim"])
        if kept is None or order.index(row["only_here"]) < order.index(kept[0]):
            answers[row["claim"]] = (row["only_here"], row["why"])
    return answers
