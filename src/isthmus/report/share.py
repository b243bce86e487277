"""A replication package: results that others can read, check and cite without isthmus."""

from __future__ import annotations

import datetime
import re
import shutil
import textwrap
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256 as digest_of
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from isthmus.errors import InputError, ResultsError, TargetError
from isthmus.files import atomic_path, sha256
from isthmus.report.crate import METADATA, Part, crate, licence_address
from isthmus.report.figures import FIGURES
from isthmus.report.page import write_report
from isthmus.results import FIELDS_FOLDER, RUN_FILE, Description, Results, forms
from isthmus.results.csv_files import inert
from isthmus.study.template import study_text

#: Files of hashes, as ``sha256sum -c`` reads them.
SUMS = "SHA256SUMS"

#: What is written beside the tables by every report.
_REPORT = {
    "index.html": "The report: one page that needs nothing else",
    "methods.md": "The methods, every setting, and what to cite",
    RUN_FILE: "The record of the run: settings, versions, steps, hashes",
}

#: Endings of figures.
_FIGURES = {".svg": "A figure", ".png": "A figure", ".json": "A figure as Vega-Lite"}

_MEANINGS = "What every column of every table means, its unit and counting rule"

#: Date of every file in the zip: the same results give the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)

#: Files that are compressed already.
_PACKED = (".parquet", ".png")

#: Characters of a title that a heading takes.
_TITLE = 200

README = """\
# {title}

{description}

## Read it

Every table is a Parquet file, and a CSV file where it is not too long. `columns.csv` (the same as
`columns.parquet`) says what each column means, its unit and how it counts. `tables.sql` makes a
view of each table, with the meanings as comments. In this folder, with DuckDB
(https://duckdb.org) and nothing else:

```
duckdb -init tables.sql
```

or, in Python:

```python
import duckdb
connection = duckdb.connect()
connection.execute(open("tables.sql", encoding="utf-8").read())
connection.sql("select * from {example} limit 5").show()
connection.sql(\"\"\"
    select column_name, comment from duckdb_columns() where table_name = '{example}'
\"\"\").show()
```

In CSV, text that a spreadsheet would run as a formula begins with an apostrophe; Parquet has it
as it is.

`index.html` is the report, `methods.md` says how everything was computed, `study.toml` is the
study, `run.json` the record of the run.

## Check it

`sha256sum -c SHA256SUMS` compares every file with its hash. Was it made from the same data? The
corpus had the hash `{corpus}`. isthmus {version} makes these tables again from that corpus and
`study.toml`: `isthmus run study.toml --to again`, then `isthmus diff . again`. Files that the
study names beside itself, and the corpus, are not part of the package.

## Cite it

{authors} ({year}). {title}. Replication package, isthmus {version}, corpus {corpus}.

The methods behind the numbers are cited at the end of `methods.md`.

Licence: {licence}
"""


def share(
    results: Results,
    to: str | Path,
    *,
    authors: Sequence[str] = (),
    licence: str | None = None,
    date: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Pack results into one zip file, an RO-Crate; the report is written first if it is not there.

    Parameters
    ----------
    results
        Results of a finished run.
    to
        The file; its name ends in ``.zip``.
    authors
        Names of those to be cited, each with the address of an ORCID behind it or not.
    licence
        Address or SPDX identifier of the licence.
    date
        Date of the package, ISO 8601; that of the run by default.
    overwrite
        Whether a file that is there is replaced.

    Returns
    -------
    Path
        The file. The same results, date, authors and licence give the same bytes.

    Raises
    ------
    ResultsError
        The results are those of many fields.
    TargetError
        The file is there already, has another ending, or cannot be written.
    InputError
        The date or the licence cannot be read.
    """
    if fields := results.record.get("fields"):
        raise ResultsError(
            f"{results.path} holds results of {len(fields['names'])} fields; a package is of one "
            f"of them. Share {results.path / FIELDS_FOLDER / fields['focus']}, or another of "
            f"{', '.join(fields['names'])}."
        )
    to = Path(to)
    if to.suffix != ".zip":
        raise TargetError(f"A package is one zip file; write `--to {to.name or 'package'}.zip`.")
    if to.is_dir() or (to.exists() and not overwrite):
        raise TargetError(
            f"{to} is there already and was left as it is. Choose another name, or replace it "
            "with `--overwrite`."
        )
    day = _day(results, date)
    address = None if licence is None else licence_address(licence)
    if any(not (results.path / name).exists() for name in (*_REPORT, "findings.parquet")):
        write_report(results)
    description = _description(results)
    described = _descriptions(results)
    texts = {
        "README.md": _readme(results, description, authors, address, day),
        **_columns(described),
        "tables.sql": _views(described).encode(),
        "study.toml": _study(results.record["settings"]),
    }
    about = _about(results, described)
    parts = [_made(name, text, about[name]) for name, text in texts.items()]
    parts += [_copied(results.path, name, about[name]) for name in about if name not in texts]
    parts.sort(key=lambda part: part.name)
    metadata = crate(
        results, parts, description=description, authors=authors, licence=address, date=day
    ).encode()
    sums = [(part.sha256, part.name) for part in parts]
    sums.append((digest_of(metadata).hexdigest(), METADATA))
    texts[SUMS] = "".join(f"{one}  {name}\n" for one, name in sums).encode()
    texts[METADATA] = metadata
    _pack(to, results.path, [part.name for part in parts], texts)
    return to


def _day(results: Results, date: str | None) -> str:
    if date is None:
        written = (results.path / RUN_FILE).stat().st_mtime
        return datetime.datetime.fromtimestamp(written, datetime.UTC).date().isoformat()
    try:
        return datetime.date.fromisoformat(date).isoformat()
    except ValueError:
        raise InputError(f"{date!r} is no date. Write it like 2026-01-31.") from None


def _description(results: Results) -> str:
    first, last = results.record["settings"]["study"]["years"]
    read = results.record["corpus"]
    release = f", release {read['release']}" if read.get("release") else ""
    return (
        f"Results of a study of who leads, moves, teams up and drifts apart by country, {first} to "
        f"{last}, on {read['source']}{release}: tables, meanings, methods, report and record."
    )


def _descriptions(results: Results) -> list[Description]:
    """Describe every table, the findings too, which no run records."""
    findings = pq.read_metadata(results.path / "findings.parquet").num_rows
    record = {**results.record, "tables": {**results.record["tables"], "findings": findings}}
    everything = replace(results, record=record)
    return [everything.describe(name) for name in everything.tables]


def _about(results: Results, described: Sequence[Description]) -> dict[str, str]:
    """Name every file of the package but the metadata, with what it holds."""
    about = {
        "README.md": "How to read, check and cite the package",
        **{f"columns.{form}": _MEANINGS for form in ("csv", "parquet")},
        "tables.sql": "DuckDB: a view of each table, with the meanings as comments",
        "study.toml": "The study: every setting with its value",
        **_REPORT,
    }
    for table in described:
        for form in forms(results.path, table.table):
            about[f"{table.table}.{form}"] = f"Table {table.title}"
    for file in sorted((results.path / FIGURES).glob("*")):
        if file.suffix in _FIGURES and file.is_file():
            about[f"{FIGURES}/{file.name}"] = _FIGURES[file.suffix]
    return about


def _made(name: str, content: bytes, about: str) -> Part:
    return Part(name, len(content), digest_of(content).hexdigest(), about)


def _copied(folder: Path, name: str, about: str) -> Part:
    file = folder / name
    return Part(name, file.stat().st_size, sha256(file), about)


def _columns(described: Sequence[Description]) -> dict[str, bytes]:
    rows = [
        {
            "table": table.table,
            "column": column.name,
            "type": str(column.type),
            "identifies_row": column.name in table.grain,
            "unit": column.term.unit,
            "label": column.term.label,
            "meaning": column.term.meaning,
            "counting_rule": column.term.rule,
        }
        for table in described
        for column in table.columns
    ]
    table, text, parquet = pa.Table.from_pylist(rows), BytesIO(), BytesIO()
    pa_csv.write_csv(inert(table), text)
    pq.write_table(table, parquet)
    return {"columns.csv": text.getvalue(), "columns.parquet": parquet.getvalue()}


def _views(described: Sequence[Description]) -> str:
    lines = ["-- Run in the folder of the package: duckdb -init tables.sql"]
    for table in described:
        name = _quoted(table.table, '"')
        file = _quoted(f"{table.table}.parquet", "'")
        lines.append(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet({file});")
        lines.append(f"COMMENT ON VIEW {name} IS {_quoted(table.title, chr(39))};")
        for column in table.columns:
            term = column.term
            said = f"{term.label} [{term.unit}]. {term.meaning} Counting rule: {term.rule}"
            place = f"{name}.{_quoted(column.name, chr(34))}"
            lines.append(f"COMMENT ON COLUMN {place} IS {_quoted(said.strip(), chr(39))};")
    return "\n".join(lines) + "\n"


def _quoted(text: str, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark


def _study(settings: Mapping[str, Any]) -> bytes:
    given = {
        section: {key: value for key, value in values.items() if value is not None}
        for section, values in settings.items()
    }
    return study_text(given).encode()


def _readme(
    results: Results,
    description: str,
    authors: Sequence[str],
    licence: str | None,
    day: str,
) -> bytes:
    record = results.record
    return README.format(
        title=_markdown(str(record["title"])),
        description=_markdown(description),
        example="country_year" if "country_year" in record["tables"] else "links",
        corpus=record["corpus"]["hash"],
        version=record["versions"]["isthmus"],
        authors=_markdown(", ".join(authors)) or "AUTHORS",
        year=day[:4],
        licence=_markdown(licence or "none is stated; ask those who made it before reuse."),
    ).encode()


def _markdown(text: str) -> str:
    """Write text on one line, so that Markdown shows it as it is and never as markup."""
    visible = "".join(c if c.isprintable() else " " for c in text)
    short = textwrap.shorten(visible, 10 * _TITLE, placeholder=" ...")[:_TITLE]
    return re.sub(r"([\\`*_{}\[\]<>()#+!|&~-])", r"\\\1", short)


def _pack(to: Path, folder: Path, names: Sequence[str], texts: Mapping[str, bytes]) -> None:
    with atomic_path(to) as partial, zipfile.ZipFile(partial, "w") as package:
        for name in (METADATA, *names, SUMS):
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            packed = name.endswith(_PACKED)
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            if name in texts:
                package.writestr(entry, texts[name])
                continue
            entry.file_size = (folder / name).stat().st_size
            with (folder / name).open("rb") as source, package.open(entry, "w") as target:
                shutil.copyfileobj(source, target)
