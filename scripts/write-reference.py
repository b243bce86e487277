"""Write docs/reference from the program itself: verbs, study keys, tables, columns, methods.

Usage: ``python scripts/write-reference.py [FOLDER [RESULTS]]``. The methods text goes beside the
folder; it is that of a demonstration: of these results of one, or of one that is run for the
purpose. The tests check that the committed pages are what this writes.
"""

from __future__ import annotations

import inspect
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import typer.main

from isthmus.cli.demo import demonstrate
from isthmus.cli.verbs import app
from isthmus.report.methods import methods_text
from isthmus.report.source import Source
from isthmus.results import CSV_MOST_ROWS, TABLES, Column, Results, TableEntry, open_results
from isthmus.study import NAMED, Study

#: Works of the demonstration: enough that every table has a row.
WORKS = 20_000

HEAD = "<!-- Written by scripts/write-reference.py; change the program, then run it again. -->\n"


def verbs() -> str:
    """Give every verb with its arguments, as `--help` has them."""
    group: Any = typer.main.get_command(app)
    parts = ["# Verbs\n", "`isthmus VERB --help` prints the same.\n"]
    for name, command in sorted(group.commands.items()):
        parts.append(f"## {name}\n")
        parts.append(inspect.cleandoc(command.help or "") + "\n")
        parts.append("| argument | meaning | default |\n| --- | --- | --- |")
        parts.append("\n".join(_argument(one) for one in command.params if one.name != "help"))
        parts.append("")
    return HEAD + "\n".join(parts).rstrip() + "\n"


def _argument(one: Any) -> str:
    shown = one.name.upper() if one.param_type_name == "argument" else ", ".join(one.opts)
    default = "required" if one.required else _value(one.default)
    return f"| `{shown}` | {getattr(one, 'help', None) or ''} | {default} |"


def _value(value: Any) -> str:
    return "" if value is None else f"`{value}`"


def study() -> str:
    """Give every section and key of a study with its type and default."""
    parts = ["# The study file\n", inspect.cleandoc(inspect.getdoc(Study) or "") + "\n"]
    for section in msgspec.structs.fields(Study):
        kind = section.type
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            parts += [_section(kind)]
    parts += [_section(kind) for kind in NAMED.values()]
    return HEAD + "\n".join(parts).rstrip() + "\n"


def _section(kind: type[msgspec.Struct]) -> str:
    lines = [inspect.cleandoc(kind.__doc__ or "")]
    title = lines[0].split(":")[0].strip("`")
    rows = [
        f"| `{one.name}` | `{_type(one.type)}` | {_default(one)} |"
        for one in msgspec.structs.fields(kind)
    ]
    table = "| key | type | default |\n| --- | --- | --- |\n" + "\n".join(rows)
    return f"## {title}\n\n{lines[0]}\n\n{table}\n"


def _type(kind: Any) -> str:
    shown = kind.__name__ if isinstance(kind, type) and not hasattr(kind, "__args__") else str(kind)
    shown = re.sub(r"isthmus\.study\.(?:[a-z_]+\.)?", "", shown)
    return shown.replace("typing.", "").replace("|", "or")


def _default(one: msgspec.structs.FieldInfo) -> str:
    if one.required:
        return "required"
    value = one.default if one.default is not msgspec.NODEFAULT else one.default_factory()
    return f"`{value!r}`"


def tables() -> str:
    """Give every result table with its grain and its columns, as the registry has them."""
    parts = [
        "# Tables and columns\n",
        "In names, `{attribution}` is the study's rule of attribution (`last_author`), `{window}` "
        "its window of citations (2) and `{pole}` one of its poles (US). Each table is a Parquet "
        f"file of the results and, up to {CSV_MOST_ROWS:,} rows, a CSV file. `csv = true` under "
        "`[run]` writes larger ones as CSV too.\n",
    ]
    for name, entry in sorted(TABLES.items()):
        grain = ", ".join(f"`{key}`" for key in entry.grain)
        alone = "" if entry.csv else " Parquet only."
        parts.append(f"## {name}\n\nOne row per {grain}. Made by: {_maker(entry)}.{alone}\n")
        parts.append("| column | type | unit | meaning | counting rule |")
        parts.append("| --- | --- | --- | --- | --- |")
        parts += [_column(column) for column in entry.columns]
        parts.append("")
    return HEAD + "\n".join(parts).rstrip() + "\n"


def _maker(entry: TableEntry) -> str:
    return "`isthmus poles`" if entry.step == "edges" else f"the step {entry.maker}"


#: What the rule of attribution stands for where no study says which.
OF_ATTRIBUTION = "A work counts once in each country that the study's rule of attribution gives it."

#: An experiment as an example, with the poles of a study that names none.
EXAMPLE = "joint:US+CN are papers led by the US with someone in China"


def _column(column: Column) -> str:
    meant = column.term
    what = f"{meant.label}. {meant.meaning}".replace("{example}", EXAMPLE)
    rule = meant.rule.replace("{attribution_rule}", OF_ATTRIBUTION)
    return f"| `{column.name}` | {column.type} | {meant.unit} | {what} | {rule} |"


#: Sections of the methods text that speak of one run only.
OF_A_RUN = ("data", "tables", "settings", "versions")


def methods(results: Results) -> str:
    """Give the methods text of a study with the default settings, less what is of one run."""
    text = methods_text(Source(results)).split("\n", 1)[1]
    sections = re.split(r"\n(?=## )", text)
    kept = [one for one in sections if not re.search(rf"{{#({'|'.join(OF_A_RUN)})}}", one)]
    opening = (
        "# Methods\n\nEvery run writes this text with its own settings, counts and versions as "
        "`methods.md`\nbeside its tables. Below it stands as the demonstration writes it.\n"
    )
    return HEAD + opening + "\n".join(kept).rstrip() + "\n"


def _quiet(step: str, done: int, total: int) -> None:
    """Say nothing of progress."""


def main() -> None:
    """Write the four pages."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/reference")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "verbs.md").write_text(verbs(), encoding="utf-8")
    (folder / "study.md").write_text(study(), encoding="utf-8")
    (folder / "tables.md").write_text(tables(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as world:
        if len(sys.argv) > 2:
            results = open_results(sys.argv[2])
        else:
            results = demonstrate(
                Path(world) / "world", works=WORKS, seed=1, progress=_quiet
            ).results
        (folder.parent / "methods.md").write_text(methods(results), encoding="utf-8")


if __name__ == "__main__":
    main()
