"""The verbs before and after a run: begin a study, pack its results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.terminal import say


def init(
    study: Annotated[Path, typer.Argument(help="The study file to write (TOML).")],
    corpus: Annotated[
        Path | None, typer.Option(help="Folder of the corpus; default: `corpus` beside the file.")
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            help="What the field is: subfields/1702, or an OpenAlex id like T10028 (a topic) or "
            "C154945302 (a concept); may be repeated. Default: the whole corpus."
        ),
    ] = None,
    poles: Annotated[
        str | None, typer.Option(help="Codes of the poles, like US,CN, the default.")
    ] = None,
    years: Annotated[
        str | None, typer.Option(help="First and last year, like 2000-2020, which is an example.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
) -> None:
    """Write a commented study file to edit; nothing is asked and nothing is run.

    Every section and key is in it with its default and what it means. Lines that begin with
    `#` are not read: take the `#` away to change a value.

    For example: `isthmus init ai.toml --corpus corpus --field subfields/1702 --years 2000-2020`.
    """
    from isthmus.pipeline.edge_table import years_between
    from isthmus.study.template import new_study

    begun = new_study(
        study,
        corpus=corpus,
        field=field or (),
        poles=[code.strip() for code in poles.split(",")] if poles else (),
        years=None if years is None else years_between(years),
        overwrite=overwrite,
    )
    first, last = begun.years
    what = "the whole corpus" if begun.field.is_everything else "the field you named"
    say(f"{study} asks for {what}, {first}-{last}, poles {', '.join(begun.countries.poles)}.")
    if not begun.path(begun.study.corpus).exists():
        say(
            f"There is no corpus at {begun.path(begun.study.corpus)} yet. Make it with "
            "`isthmus ingest FILES --to CORPUS`."
        )
    say(f"Next: edit it, then `isthmus plan {study}` and `isthmus run {study} --to results`.")


def share(
    results: Annotated[Path, typer.Argument(help="Folder of results.")],
    to: Annotated[Path, typer.Option(help="The package to write, a .zip file.")],
    author: Annotated[
        list[str] | None,
        typer.Option(
            help='An author to be cited, like "Ada Byron https://orcid.org/0000-..."; may be '
            "repeated."
        ),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(
            "--license",
            help="Address of the licence you share under, like "
            "https://creativecommons.org/licenses/by/4.0/. Default: none is stated.",
        ),
    ] = None,
    date: Annotated[
        str | None, typer.Option(help="Date of the package, like 2026-01-31; default: of the run.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
) -> None:
    """Pack results so that others can check and reuse them without isthmus.

    One zip file, an RO-Crate 1.2: every table as Parquet and CSV, what each column means and
    its unit, the study, the methods, figures and the report, versions, hashes of all files,
    how to cite, and how to read it with DuckDB. The same results give the same bytes. Nothing
    is sent anywhere.
    """
    from isthmus.report.share import share as pack
    from isthmus.results import open_results

    package = pack(
        open_results(results),
        to,
        authors=author or (),
        licence=licence,
        date=date,
        overwrite=overwrite,
    )
    say(f"The package is {package} ({package.stat().st_size / 1e6:,.1f} MB).")
    say("Its README.md says how to read, check and cite it.")
    if licence is None:
        say("It states no licence, so others may not reuse it: add one with --license ADDRESS.")
