"""The registry of result tables: what identifies a row, and what every column means.

``tables.toml`` lists the tables with the step that makes each, its grain and its columns with
their types; ``columns.csv`` says what the columns mean. The reference, the tooltips, the checks
of what a run writes and the schemas of empty tables all read them.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any, Literal, cast

import pyarrow as pa

from isthmus.errors import ResultsError
from isthmus.results.units import in_unit

#: How the values of a column are written.
Kind = Literal["text", "country", "year", "count", "number", "share", "percent", "p", "flag"]

#: What stands in the names of columns for something the study says, as a regular expression.
_PLACES = {
    "attribution": "last_author|first_author|corresponding|any",
    "window": r"\d+",
    "pole": "[A-Z][A-Z0-9]+",
}

#: Entries of ``columns.csv`` for columns that only pages show stand under this name.
PAGE = "page"


@dataclass(frozen=True)
class Term:
    """What a column means.

    Attributes
    ----------
    label
        Heading of the column and title of an axis.
    kind
        How its values are written.
    unit
        What its values count or measure.
    section
        Section of the methods that says more.
    meaning
        What it is and how to read it.
    rule
        The counting rule; ``{attribution_rule}`` stands for the study's rule of attribution.
    """

    label: str
    kind: Kind
    unit: str
    section: str
    meaning: str
    rule: str


@dataclass(frozen=True)
class Column:
    """A column of a result table: its name, type, whether it can be empty, and its meaning.

    `optional` columns are not in the results of every study.
    """

    name: str
    type: pa.DataType
    nullable: bool
    term: Term
    optional: bool = False


@dataclass(frozen=True)
class TableEntry:
    """A result table.

    Attributes
    ----------
    name
        Name of the table.
    step
        Step of a run that makes it.
    only
        When that step makes it; empty for always.
    grain
        Columns that identify a row, in the order rows are written.
    ordered
        Whether rows are written in the order of the grain; else as they were made.
    csv
        Whether a CSV file may be written beside the Parquet file.
    columns
        Columns in order; names may hold ``{attribution}``, ``{window}`` and ``{pole}``.
    """

    name: str
    step: str
    only: str
    grain: tuple[str, ...]
    ordered: bool
    csv: bool
    columns: tuple[Column, ...]

    @property
    def maker(self) -> str:
        """The step that makes the table, and when."""
        return f"{self.step}, {self.only}" if self.only else self.step

    def column(self, name: str) -> Column | None:
        """Return the entry of a column under the name it has in results; None without one."""
        found = [(c, m) for c in self.columns if (m := _match(c.name, name, pole=".+"))]
        if not found:
            return None
        entry, match = max(found, key=lambda one: len(one[0].name))
        return replace(entry, name=name, term=_filled(entry.term, match))


@cache
def _pattern(template: str, pole: str) -> re.Pattern[str]:
    places = _PLACES | {"pole": pole}
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(f"(?P<{p}>{places[p]})" if k % 2 else re.escape(p) for k, p in enumerate(parts))
    )


def _match(template: str, name: str, pole: str = _PLACES["pole"]) -> re.Match[str] | None:
    return _pattern(template, pole).fullmatch(name)


def _filled(term: Term, match: re.Match[str]) -> Term:
    """Write what stands in a column's name into its label and meaning."""
    label, meaning = term.label, term.meaning
    for place, value in match.groupdict().items():
        said = value.replace("_", " ") if place == "attribution" else value
        label = label.replace(f"{{{place}}}", said)
        meaning = meaning.replace(f"{{{place}}}", said)
    return replace(term, label=label, meaning=meaning)


def _read_terms() -> dict[str, Term]:
    text = resources.files(__package__).joinpath("columns.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    return {
        row["column"]: Term(
            row["label"],
            cast(Kind, row["kind"]),
            row["unit"],
            row["section"],
            row["meaning"],
            row["rule"],
        )
        for row in rows
    }


#: Column, or table and column where the meaning is that table's own -> its meaning.
TERMS: Mapping[str, Term] = _read_terms()


def _column(table: str, text: str) -> Column:
    name, kind = text.split()
    own = f"{table}.{name}"
    meant = TERMS.get(own) or TERMS.get(name)
    if meant is None:
        raise ResultsError(
            f"The column `{name}` of the table `{table}` has no meaning. Add a line `{name}` to "
            f"results/columns.csv, or `{own}` where the meaning is this table's own."
        )
    plain = pa.type_for_alias(kind.rstrip("!?"))
    return Column(name, plain, not kind.endswith("!"), meant, optional=kind.endswith("?"))


def _read_tables() -> dict[str, TableEntry]:
    text = resources.files(__package__).joinpath("tables.toml").read_text(encoding="utf-8")
    return {
        name: TableEntry(
            name,
            entry["step"],
            entry.get("only", ""),
            tuple(entry["grain"]),
            entry.get("ordered", True),
            entry.get("csv", True),
            tuple(_column(name, part) for part in entry["columns"].split(",")),
        )
        for name, entry in tomllib.loads(text).items()
    }


#: Result table -> its entry.
TABLES: Mapping[str, TableEntry] = _read_tables()


def tables_of(step: str) -> tuple[str, ...]:
    """Names of the tables a step makes.

    Examples
    --------
    >>> tables_of("networks")
    ('collaboration', 'citation')
    """
    return tuple(entry.name for entry in TABLES.values() if entry.step == step)


def schema_of(name: str, poles: Sequence[str] = ()) -> pa.Schema:
    """Return the schema of a table whose columns do not depend on attribution or window.

    Parameters
    ----------
    name
        Name of the table.
    poles
        What ``{pole}`` stands for; columns are repeated for each.

    Examples
    --------
    >>> schema_of("set_aside").names
    ['author_id', 'most_countries', 'in_year']
    """
    columns = TABLES[name].columns
    of_poles = [c for c in columns if "{pole}" in c.name]
    fields: list[pa.Field] = []
    for column in columns:
        if column not in of_poles:
            fields.append(pa.field(column.name, column.type, column.nullable))
        elif column is of_poles[0]:
            fields += [
                pa.field(c.name.replace("{pole}", pole), c.type, c.nullable)
                for pole in poles
                for c in of_poles
            ]
    return pa.schema(fields)


def checked(name: str, table: pa.Table) -> pa.Table:
    """Return a table that fits its entry; tables without an entry are returned as they are.

    Raises
    ------
    ResultsError
        A column has no entry or another type, or one of the entry is missing.
    """
    entry = TABLES.get(name)
    if entry is None:
        return table
    for field in table.schema:
        column = entry.column(field.name)
        if column is None:
            raise _no_entry(entry, field.name)
        if column.type != field.type:
            raise ResultsError(
                f"`{name}.{field.name}` is {field.type}; results/tables.toml says {column.type}."
            )
    found = table.column_names
    lost = [
        c.name
        for c in entry.columns
        if not c.optional and "{" not in c.name and c.name not in found
    ]
    if lost:
        raise ResultsError(
            f"The table `{name}` lacks {', '.join(f'`{one}`' for one in lost)}, which "
            "results/tables.toml says it has."
        )
    return table


def _no_entry(entry: TableEntry, name: str) -> ResultsError:
    return ResultsError(
        f"The column `{name}` of the table `{entry.name}` has no entry. Add its name and type in "
        "results/tables.toml and its meaning in results/columns.csv. Entries of this table: "
        f"{', '.join(column.name for column in entry.columns)}."
    )


def term(name: str, table: str | None = None) -> Term | None:
    """Return what a column means, in a table or wherever it stands; None without an entry.

    Examples
    --------
    >>> term("c5_sum").label, term("value", "pole_years").label
    ('Citations in 5 years', 'Value')
    """
    if table is not None and table in TABLES and (column := TABLES[table].column(name)) is not None:
        return column.term
    for key in (name, f"{PAGE}.{name}"):
        if key in TERMS:
            return TERMS[key]
    return _of_any_table(name)


#: Rule of attribution -> how it counts.
_ATTRIBUTION_RULES = {
    "last_author": "A work counts once in each country of its last author.",
    "first_author": "A work counts once in each country of its first author.",
    "corresponding": "A work counts once in each country of its corresponding authors.",
    "any": "A work counts once in every country that any of its authors is in.",
}


def in_study(found: Term, settings: Mapping[str, Any], named: Callable[[str], str] = str) -> Term:
    """Write a study's rule, its poles as an example, and the word of its unit into a term.

    `named` gives the name of a country in a sentence; its code is written by default.
    """
    countries = settings.get("countries", {})
    poles = list(countries.get("poles", ()))[:2]
    if len(poles) < 2:
        poles, named = ["A", "B"], "country {}".format
    a, b = poles
    example = f"joint:{a}+{b} are papers led by {named(a)} with someone in {named(b)}"
    rule = _ATTRIBUTION_RULES[countries.get("attribution", "last_author")]
    return replace(
        found,
        label=in_unit(found.label, settings),
        meaning=found.meaning.replace("{example}", example),
        rule=found.rule.replace("{attribution_rule}", rule),
    )


def _of_any_table(name: str) -> Term | None:
    keys: Iterable[str] = sorted(TERMS, key=len, reverse=True)
    for key in keys:
        match = _match(key.rpartition(".")[2], name)
        if match is not None:
            return _filled(TERMS[key], match)
    return None
