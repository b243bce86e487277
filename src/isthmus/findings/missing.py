"""Claims under missing data: their numbers filled in, weighted, and at the extremes.

The tables ``bounds`` and ``reference_bounds`` say what each number could be under missing
affiliations and missing references. A claim that rests on such
numbers is measured again on tables in which they take these values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.findings.evidence import Evidence, name
from isthmus.findings.verdict import NOT_TESTED, Claim, Verdict, reading
from isthmus.leadership.totals import SCHEMA as TOTALS
from isthmus.leadership.totals import country_totals

#: What a claim's numbers hang on: every pole beside every other country, the two poles beside
#: each other and over time, their joint papers, or citations at home.
Hangs = Literal["poles", "two poles", "joint", "home"]

#: Which value of ``bounds`` a row takes, by year and country.
Choice = Callable[[int, str], str]

#: Ways to measure that assume something of the missing works, by name.
ASSUMING = {"filled in": "imputed", "weighted": "weighted"}

#: Headline numbers by whether the claim is about joint papers.
_JOINT = "joint_share"

#: What claims on citations at home hang on.
HOME = "home"


def under_missing(claim: Claim, verdict: Verdict, evidence: Evidence) -> str:
    """Say whether a claim is decided alike whatever the missing affiliations are.

    Returns
    -------
    str
        ``yes``, ``no`` or ``not tested``, and the reading under each way to know the missing.
    """
    if not claim.missing:
        return f"{NOT_TESTED}: no bounds are made for this number"
    if not evidence.has(_bounds(claim)):
        return f"{NOT_TESTED}: these results hold no bounds"
    if verdict == "not testable here":
        return NOT_TESTED
    readings = {
        way: reading(claim.measure(changed), absence=claim.absence)
        for way, changed in _variants(claim.missing, evidence).items()
    }
    alike = all(found == verdict for found in readings.values())
    said = ", ".join(f"{found} if {way}" for way, found in readings.items())
    return f"{'yes' if alike else 'no'}: {said}"


def lacking(claim: Claim) -> str:
    """Return what a claim's missing works lack."""
    return "references" if claim.missing == HOME else "affiliations"


def _bounds(claim: Claim) -> str:
    return "reference_bounds" if claim.missing == HOME else "bounds"


def missing_share(claim: Claim, evidence: Evidence) -> float:
    """Return the share of the works that may miss what the claim needs."""
    if not claim.missing or not evidence.has(_bounds(claim)):
        return 0.0
    numbers = {"joint": _JOINT, HOME: "home_share"}
    number = numbers.get(claim.missing, f"{evidence.papers}_share")
    rows = evidence.table(_bounds(claim), number=number)
    rows = rows.filter(pc.is_null(rows["year"])).slice(0, 1).to_pylist()
    return rows[0]["missing"] / rows[0]["works"] if rows and rows[0]["works"] else 0.0


def _variants(hangs: str, evidence: Evidence) -> dict[str, Evidence]:
    if hangs not in evidence.variants:
        evidence.variants[hangs] = dict(_changed(hangs, evidence))
    return evidence.variants[hangs]


def _changed(hangs: str, evidence: Evidence) -> Iterator[tuple[str, Evidence]]:
    make = {"joint": _with_joint, HOME: _with_home}.get(hangs, _with_countries)
    for way, column in ASSUMING.items():
        if hangs == HOME and column == "imputed":
            continue
        yield way, make(evidence, lambda year, country, column=column: column)  # type: ignore[misc]
    for way, choice in _extremes(hangs, evidence):
        yield way, make(evidence, choice)


def _extremes(hangs: str, evidence: Evidence) -> Iterator[tuple[str, Choice]]:
    """Name who gets the missing works, in the earlier and in the later half of the years."""
    poles, middle = set(evidence.poles), sum(evidence.years) / 2
    if hangs == "poles":
        yield "all of them the poles'", lambda _, c: "highest" if c in poles else "lowest"
        yield "all of them others'", lambda _, c: "lowest" if c in poles else "highest"
        return
    together = hangs in ("joint", HOME)
    first, second = ("none", "all") if together else evidence.poles[:2]

    def halves(early: str, late: str) -> Choice:
        def choice(year: int, country: str) -> str:
            favoured = early if year <= middle else late
            gets = favoured == "all" if together else country == favoured
            return "highest" if gets else "lowest"

        return choice

    for early, late in ((first, first), (second, second), (first, second), (second, first)):
        yield _named(hangs, early, late), halves(early, late)


def _named(hangs: str, early: str, late: str) -> str:
    if hangs in ("joint", HOME):
        what = "joint" if hangs == "joint" else "citing at home"
        both = f"{early} of them {what}"
        return (
            both if early == late else f"only the {'earlier' if late == 'none' else 'later'} {what}"
        )
    if early == late:
        return f"all of them from {name(early)}"
    return f"first from {name(early)}, later from {name(late)}"


def _values(evidence: Evidence, number: str, choice: Choice) -> dict[tuple[int, str], float]:
    """Return works by year and country (pair of countries) under a choice."""
    found = {}
    for row in evidence.table("bounds", number=number).to_pylist():
        if row["year"] is not None and row["country"] is not None:
            value = row[choice(row["year"], row["country"])]
            if value is not None:
                found[row["year"], row["country"]] = value * row["works"]
    return found


def _with_countries(evidence: Evidence, choice: Choice) -> Evidence:
    papers = evidence.papers
    numbers = {papers: f"{papers}_share", "hits": "hit_share"}
    table = evidence.table("country_year")
    for column, number in numbers.items():
        if column in table.column_names:
            table = _replaced(table, column, _values(evidence, number, choice))
    changed = {"country_year": table}
    if evidence.has("country_totals"):
        before = evidence.table("country_totals")
        kept = before.filter(pc.invert(pc.is_in(before["measure"], pa.array(list(numbers)))))
        made = country_totals(table, list(numbers), lambda years: TOTALS.empty_table())
        made = made.select(before.column_names).cast(before.schema)
        changed["country_totals"] = pa.concat_tables([kept, made])
    return evidence.with_tables(changed)


def _with_joint(evidence: Evidence, choice: Choice) -> Evidence:
    a, b = sorted(evidence.poles[:2])
    rows = evidence.table("bounds", number=_JOINT, country=a, partner=b).to_pylist()
    joint = {
        row["year"]: row[choice(row["year"], a)] * row["works"]
        for row in rows
        if row["year"] is not None and row[choice(row["year"], a)] is not None
    }
    table = evidence.table("collaboration")
    first = pa.table(
        {
            "year": pa.array(list(joint), table["year"].type),
            "source": pa.array([a] * len(joint), table["source"].type),
            "target": pa.array([b] * len(joint), table["target"].type),
            "works_whole": pa.array(list(joint.values()), pa.float64()),
        }
    )
    whole = "papers_whole" if "papers_whole" in evidence.columns("country_year") else "papers_any"
    most = _values(evidence, f"{whole}_share", lambda year, country: _beside(choice, year))
    papers = _replaced(evidence.table("country_year"), whole, most)
    return evidence.with_tables({"collaboration": first, "country_year": papers})


def _with_home(evidence: Evidence, choice: Choice) -> Evidence:
    """Home shares and ratios as the missing lists would have them, intervals in proportion."""
    times = {}
    for row in evidence.table("reference_bounds", number="home_share").to_pylist():
        if row["year"] is not None and row["measured"]:
            key = row["year"], row["country"]
            value = row[choice(*key)]
            times[key] = 1.0 if value is None else value / row["measured"]
    table = evidence.table("dependence")
    keys = zip(table["year"].to_pylist(), table["country"].to_pylist(), strict=True)
    scale = pa.array([times.get(key, 1.0) for key in keys], pa.float64())
    for column in table.column_names:
        if column.startswith(("home_share", "home_ratio")):
            values = pc.multiply(table[column], scale)
            if column.startswith("home_share"):
                values = pc.min_element_wise(values, 1.0, skip_nulls=False)
            table = table.set_column(table.column_names.index(column), column, values)
    return evidence.with_tables({"dependence": table})


def _beside(choice: Choice, year: int) -> str:
    """Every work that may be joint, or is not, may be a pole's as well."""
    column = choice(year, "")
    return column if column in ASSUMING.values() else "highest"


def _replaced(table: pa.Table, column: str, values: Mapping[tuple[int, str], float]) -> pa.Table:
    """Return a table by year and country with other values in a column, errors in proportion."""
    keys = list(zip(table["year"].to_pylist(), table["country"].to_pylist(), strict=True))
    before = table[column].to_pylist()
    after = [values.get(key, old) for key, old in zip(keys, before, strict=True)]
    table = _set(table, column, after)
    error = f"{column}_se"
    if error not in table.column_names:
        return table
    errors = [
        None if new is None else math.sqrt(new) if not (old and se) else se * math.sqrt(new / old)
        for new, old, se in zip(after, before, table[error].to_pylist(), strict=True)
    ]
    return _set(table, error, errors)


def _set(table: pa.Table, column: str, values: list[Any]) -> pa.Table:
    at = table.column_names.index(column)
    return table.set_column(at, column, pa.array(values, pa.float64()))
