"""A folder of results: one Parquet and mostly one CSV file per table, and ``run.json``.

Tables of more than :data:`CSV_MOST_ROWS` rows are Parquet alone, unless the study says
``csv = true`` under ``[run]``; those with a row for every work of the field always are.
Text that a spreadsheet would run is made inert in CSV; see :mod:`isthmus.results.csv_files`.
"""

from __future__ import annotations

import difflib
import importlib
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.errors import ResultsError
from isthmus.files import atomic_path, sha256, write_text
from isthmus.results.csv_files import write_csv
from isthmus.results.description import Description
from isthmus.results.registry import TABLES, Column, Term, in_study, term

if TYPE_CHECKING:
    from isthmus.findings.verdict import Finding

#: Raised when a result table changes its name, columns or meaning.
RESULTS_VERSION = 1

RUN_FILE = "run.json"

#: Folder, inside results of many fields, of the results of each.
FIELDS_FOLDER = "fields"

#: Column that stands before the others in tables of many fields.
FIELD = "field"

#: Rows beyond which a table is Parquet alone, unless the study asks for CSV: spreadsheets open
#: 1,048,576 rows, and 250,000 of `links` are 43 MB of text (171 bytes a row).
CSV_MOST_ROWS = 250_000

#: Lines of a table list in the summary of results that one step takes at most.
_LINES_A_STEP = 2


@dataclass(frozen=True, repr=False)
class Results:
    """Results of a finished run, read from their folder.

    Parameters
    ----------
    path
        The folder.
    record
        What ``run.json`` holds: study, seeds, versions, corpus, steps, tables.
    elsewhere
        Files of tables that stand in another folder, by name: those on many fields, for the
        results of one of them.
    """

    path: Path
    record: Mapping[str, Any]
    elsewhere: Mapping[str, Path] = dataclass_field(default_factory=dict)

    @property
    def tables(self) -> list[str]:
        """Names of the tables these results hold."""
        return sorted(self.record["tables"])

    def table(self, name: str) -> pa.Table:
        """Read a result table as Arrow.

        Raises
        ------
        ResultsError
            There is no such table; the message lists those there are.
        """
        return pq.read_table(self._file(name))

    def __getitem__(self, name: str) -> pa.Table:
        return self.table(name)

    def _file(self, name: str) -> Path:
        if name in self.record["tables"]:
            return self.elsewhere.get(name, self.path / f"{name}.parquet")
        near = difflib.get_close_matches(name, self.tables, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        if name == "findings":
            hint = " `isthmus findings` and `results.findings()` decide claims."
        raise ResultsError(
            f"There is no table `{name}` in {self.path}.{hint} It holds: {', '.join(self.tables)}."
        )

    def describe(self, name: str) -> Description:
        """Say what identifies a row of a table and what its columns mean.

        Raises
        ------
        ResultsError
            There is no such table; the message lists those there are.
        """
        schema = pq.read_schema(self._file(name))
        entry = TABLES.get(name)
        columns = []
        for field in schema:
            known = entry.column(field.name) if entry is not None else None
            if known is None and field.name == FIELD and (meant := term(FIELD)) is not None:
                known = Column(FIELD, field.type, field.nullable, meant)
            unknown = Term(field.name, "text", "unknown", "tables", "No meaning is recorded.", "")
            column = known or Column(field.name, field.type, field.nullable, unknown)
            columns.append(replace(column, term=in_study(column.term, self.record["settings"])))
        grain = grain_of(name, schema.names)
        return Description(name, self.record["tables"][name], grain, tuple(columns))

    def sql(self, query: str) -> pa.Table:
        """Run SQL of DuckDB over the tables, each a view under its name.

        The query can read these tables alone: no file, no network, no Python variable.
        Nothing it does changes the results.

        Parameters
        ----------
        query
            SQL, such as ``select year, sum(observed) from links group by year``.

        Returns
        -------
        pa.Table
            What the last statement gives; an empty table when it gives nothing.

        Raises
        ------
        ResultsError
            DuckDB refused the query; the message says why.
        """
        import duckdb
        from pyarrow import dataset

        with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as connection:
            for name in self.tables:
                connection.register(name, dataset.dataset(self._file(name)))
            connection.execute("SET python_enable_replacements = false")
            connection.execute("SET lock_configuration = true")
            try:
                found = connection.sql(query)
                return pa.table({}) if found is None else found.to_arrow_table()
            except duckdb.Error as error:
                raise ResultsError(
                    f"The query cannot be run: {error}. Tables: {', '.join(self.tables)}."
                ) from None

    def findings(self) -> list[Finding]:
        """Decide every claim from these tables: statement, number, interval and verdict.

        See :func:`isthmus.findings.decide.decide`. Nothing is written.
        """
        # Verdicts stand on results, so their room is loaded when asked for.
        found: list[Finding] = importlib.import_module("isthmus.findings").decide(self)
        return found

    @property
    def title(self) -> str:
        """Title of the study with its years and poles."""
        settings = self.record.get("settings", {})
        first, last = settings.get("study", {}).get("years", ("?", "?"))
        poles = ", ".join(settings.get("countries", {}).get("poles", ()))
        return f"{self.record.get('title', 'Results')} ({first}-{last}; poles: {poles})"

    def __repr__(self) -> str:
        lines = [
            f"Results: {textwrap.shorten(self.title, 90, placeholder=' ...')}",
            f"{len(self.tables)} tables in {self.path}, by step:",
        ]
        for step, names in self._by_step().items():
            lines += textwrap.wrap(
                ", ".join(names),
                98,
                initial_indent=f"  {step:<11}",
                subsequent_indent=" " * 13,
                max_lines=_LINES_A_STEP,
                placeholder=" ...",
            )
        return "\n".join([*lines, "results[TABLE], .describe(TABLE), .sql(QUERY), .findings()"])

    def _repr_html_(self) -> str:
        return (
            f"<p><b>{escape(self.title)}</b><br>{len(self.tables)} tables in "
            f"<code>{escape(str(self.path))}</code></p>"
            "<table><thead><tr><th>step</th><th>table</th><th>rows</th><th>one row per</th></tr>"
            f"</thead><tbody>{''.join(self._html_rows())}</tbody></table>"
        )

    def _html_rows(self) -> Iterator[str]:
        for step, names in self._by_step().items():
            for name in names:
                grain = ", ".join(TABLES[name].grain) if name in TABLES else ""
                cells = (step, name, f"{self.record['tables'][name]:,}", grain)
                yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"

    def _by_step(self) -> dict[str, list[str]]:
        known = [name for name in TABLES if name in self.record["tables"]]
        steps: dict[str, list[str]] = {}
        for name in known:
            steps.setdefault(TABLES[name].step, []).append(name)
        others = [name for name in self.tables if name not in TABLES]
        return steps | ({"others": others} if others else {})


def open_results(path: str | Path) -> Results:
    """Open the results a finished run left in a folder.

    Raises
    ------
    ResultsError
        The folder is missing, unfinished or of another version.
    """
    path = Path(path)
    try:
        record = msgspec.json.decode((path / RUN_FILE).read_bytes())
    except FileNotFoundError:
        raise ResultsError(
            f"There are no finished results in {path}. Make them with "
            f"`isthmus run STUDY.toml --to {path}`."
        ) from None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path / RUN_FILE} cannot be read: {error}.") from None
    if record.get("results_version") != RESULTS_VERSION:
        raise ResultsError(
            f"{path} was written as version {record.get('results_version')} of the results; this "
            f"isthmus reads version {RESULTS_VERSION}. Run `isthmus run STUDY.toml --to OTHER` "
            f"with the study that {RUN_FILE} records there."
        )
    return Results(path, record)


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the record of a run, ``run.json``, with its keys in order."""
    text = msgspec.json.format(msgspec.json.encode(record, order="sorted"), indent=2)
    write_text(folder / RUN_FILE, text.decode() + "\n")


def grain_of(name: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Return what identifies a row of a table; in tables of many fields the field, too."""
    grain = TABLES[name].grain if name in TABLES else ()
    return grain if FIELD not in columns or FIELD in grain else (FIELD, *grain)


def one_field(results: Results, name: str | None = None) -> Results:
    """Return the results of one field of many, its focus by default, with the tables on all.

    Results of one field are returned as they are.
    """
    fields = results.record.get("fields")
    if not fields:
        return results
    found = open_results(results.path / FIELDS_FOLDER / (name or fields["focus"]))
    on_all = {n: rows for n, rows in results.record["tables"].items() if _on_fields(n)}
    record = {**found.record, "tables": {**found.record["tables"], **on_all}, "fields": None}
    record["settings"] = {
        **record["settings"],
        "contrasts": results.record["settings"]["contrasts"],
    }
    return Results(found.path, record, {n: results.path / f"{n}.parquet" for n in on_all})


def _on_fields(name: str) -> bool:
    return name in TABLES and TABLES[name].step == "fields"


def forms(folder: Path, name: str) -> tuple[str, ...]:
    """Return the endings of the files that a folder holds of a result table."""
    return tuple(form for form in ("csv", "parquet") if (folder / f"{name}.{form}").exists())


def write_table(folder: Path, name: str, table: pa.Table, *, csv: bool = False) -> dict[str, Any]:
    """Write a result table as Parquet and CSV, its grain first, rows ordered by it.

    Parameters
    ----------
    folder, name, table
        Where, under which name, and what.
    csv
        Whether tables of more than :data:`CSV_MOST_ROWS` rows are written as CSV too.

    Returns
    -------
    dict
        ``rows``, and the SHA-256 of each file by name.
    """
    entry = TABLES.get(name)
    grain = entry.grain if entry is not None and entry.ordered else ()
    table = table.select([*grain, *(c for c in table.column_names if c not in grain)])
    ordered = table.sort_by([(key, "ascending") for key in grain]) if grain else table
    ordered = ordered.combine_chunks().replace_schema_metadata(None)
    write = {"parquet": _write_parquet}
    if (entry is None or entry.csv) and (csv or ordered.num_rows <= CSV_MOST_ROWS):
        write["csv"] = write_csv
    else:
        (folder / f"{name}.csv").unlink(missing_ok=True)
    hashes = {}
    for form in sorted(write):
        target = folder / f"{name}.{form}"
        with atomic_path(target) as partial:
            write[form](ordered, partial)
        hashes[target.name] = sha256(target)
    return {"rows": ordered.num_rows, "sha256": hashes}


def _write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")
