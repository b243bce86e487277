"""The command line: each verb reads its arguments, calls one function, prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from isthmus.cli import packages
from isthmus.cli.options import Master, Memory
from isthmus.cli.terminal import err as _err
from isthmus.cli.terminal import out as _out

app = typer.Typer(
    name="isthmus",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help=(
        "How countries lead, move, team up and polarise in a research field.\n\n"
        "Start with `isthmus demo`: a simulated world, every question, no download. With OpenAlex "
        "files of your own: `isthmus ingest FILES --to corpus`, `isthmus init STUDY.toml`, "
        "`isthmus run STUDY.toml --to results`."
    ),
)


def _warn(sentence: str) -> None:
    """Print what the user should read before results are waited for."""
    _err.print(f"Note: {sentence}", style="yellow", markup=False, highlight=False, soft_wrap=True)


@app.command()
def demo(
    to: Annotated[Path, typer.Option(help="Folder for the world and its results.")] = Path(
        "isthmus-demo"
    ),
    works: Annotated[int, typer.Option(help="Number of works to simulate.", min=1000)] = 30_000,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same numbers.")] = 1,
) -> None:
    """Simulate a world, answer every question on it, and compare with what was planted."""
    from isthmus.cli.console import demonstration
    from isthmus.cli.demo import demonstrate
    from isthmus.cli.progress import one_by_one

    with one_by_one(_err) as progress:
        shown = demonstrate(to, works=works, seed=seed, progress=progress)
    for part in demonstration(shown):
        _out.print(part, soft_wrap=isinstance(part, str), highlight=False, markup=False)


app.command()(packages.init)


@app.command()
def plan(
    study: Annotated[Path, typer.Argument(help="The study file.")],
    calibrate: Annotated[
        int | None,
        typer.Option(
            help="Measure this machine first, on simulated worlds of up to so many works.",
            min=8000,
        ),
    ] = None,
    runs: Annotated[
        list[Path] | None,
        typer.Option("--from", help="Results of a finished run to calibrate on; may be repeated."),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(help="File of the calibration; default: in the user's folder of caches."),
    ] = None,
    hours: Annotated[
        float, typer.Option(help="Hours a run may take before a cluster is advised.", min=0)
    ] = 24.0,
) -> None:
    """Say what a study would read, write and need, and do nothing.

    Once this machine is calibrated, time, memory and disk of each step are
    predicted, and whether one machine will do.
    """
    from isthmus.cli.progress import steps
    from isthmus.planning import calibration as measured
    from isthmus.planning.plan import plan_of
    from isthmus.results import open_results
    from isthmus.study import Study

    wanted = Study.load(study)
    file = calibration or measured.calibration_file()
    if runs:
        measured.save(measured.calibration_of([open_results(run) for run in runs]), file)
    elif calibrate is not None:
        with steps(_err) as progress:
            measured.save(measured.calibrate(wanted, calibrate, progress=progress), file)
    for part in plan_of(wanted, measured.load(file), hours).describe():
        _out.print(part, soft_wrap=isinstance(part, str), highlight=False, markup=False)


@app.command()
def fetch(
    study: Annotated[Path, typer.Argument(help="The study file; its field is fetched.")],
    to: Annotated[Path, typer.Option(help="Folder for the works, to be ingested then.")],
    yes: Annotated[bool, typer.Option("--yes", help="Fetch without asking first.")] = False,
    allow_missing: Annotated[
        bool,
        typer.Option("--allow-missing", help="Finish though fewer works came than announced."),
    ] = False,
) -> None:
    """Fetch the works of a study's field from the OpenAlex API.

    The key is read from OPENALEX_API_KEY in the environment. Interrupted? Run the
    same command to resume. Fewer works than the API announced end with an error.
    """
    from isthmus.cli.console import agreed, fetched
    from isthmus.cli.progress import when_begun
    from isthmus.fetch.works import fetch as get
    from isthmus.fetch.works import fetch_command
    from isthmus.study import Study

    wanted = Study.load(study)
    with when_begun(_err, "Fetching") as progress:
        done = get(
            wanted,
            to,
            command=fetch_command(study, to),
            confirm=lambda found: agreed(_err, found, yes=yes),
            progress=progress,
            say=lambda words: _err.print(words, markup=False, highlight=False, soft_wrap=True),
            allow_missing=allow_missing,
        )
    _out.print(fetched(done), soft_wrap=True, highlight=False, markup=False)
    _out.print(f"Next: `isthmus ingest {to} --to corpus`.", markup=False)


@app.command()
def ingest(
    sources: Annotated[
        list[Path],
        typer.Argument(
            help="OpenAlex works in any form (JSON lines, Parquet, API pages, the site's CSV "
            "export, packed or not) or snapshot folders, any mix; or a Microsoft Academic Graph "
            "folder."
        ),
    ],
    to: Annotated[Path, typer.Option(help="Folder of the corpus to write.")],
    release: Annotated[
        str | None, typer.Option(help="Name of the release, if the files do not say.")
    ] = None,
    institutions: Annotated[
        Path | None,
        typer.Option(help="For a Microsoft Academic Graph folder: CSV with columns grid, country."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads that read; all cores by default.", min=1)
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep what was read, to read only changes later.")
    ] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Replace the corpus there by a newer release.")
    ] = False,
    master: Master = None,
    memory: Memory = None,
) -> None:
    """Read bibliographic records into a corpus.

    Bad records are set aside and counted by reason, never fatal; `isthmus
    verify` shows them. Killed half-way, the same command goes on where it was.

    A newer release of a snapshot is read over the older one with `--update`: files
    that did not change since `--keep` or the last `--update` are not read again.
    """
    from isthmus.cli.console import tally
    from isthmus.cli.progress import reading
    from isthmus.engine.spark import refuse_memory_alone
    from isthmus.ingest.ingest import ingest as read

    refuse_memory_alone(master, memory)
    with reading(_err) as progress:
        corpus = read(
            sources,
            to,
            release=release,
            institutions=institutions,
            workers=workers,
            progress=progress,
            keep=keep,
            update=update,
            master=master,
            memory=memory,
        )
    for part in tally(corpus):
        _out.print(part, soft_wrap=isinstance(part, str), highlight=False, markup=False)
    _out.print(f"Next: `isthmus verify {to}`, or a study that names this corpus.", markup=False)


@app.command()
def verify(corpus: Annotated[Path, typer.Argument(help="Folder of the corpus.")]) -> None:
    """Check a corpus against its manifest and show what was rejected, and why."""
    from isthmus.cli.console import verification
    from isthmus.corpus.verify import verify as check

    found = check(corpus)
    for part in verification(found):
        _out.print(part, soft_wrap=isinstance(part, str), highlight=False, markup=False)
    if not found.ok:
        raise typer.Exit(1)


@app.command()
def simulate(
    to: Annotated[Path, typer.Option(help="Folder to write; `truth` stands inside it.")],
    works: Annotated[int, typer.Option(help="Number of works.", min=1)] = 50_000,
    seed: Annotated[int, typer.Option(help="Seed; the same seed gives the same bytes.")] = 1,
    as_: Annotated[
        str,
        typer.Option(
            "--as", help="`corpus`, or `openalex`, `openalex-2026` or `mag` for files to ingest."
        ),
    ] = "corpus",
    family: Annotated[
        str | None,
        typer.Option(help="A family without effect, as listed above; default: plant everything."),
    ] = None,
    placebo: Annotated[
        bool, typer.Option(help="Plant nothing; the same as `--family sizes`.")
    ] = False,
    master: Master = None,
    memory: Memory = None,
) -> None:
    """Write a simulated world with its planted truth beside it.

    By default all is planted that isthmus looks for. In a family (`--family NAME`) ties
    do not change and nobody gains, but something else happens that can look like it:

    - `sizes`: countries differ in size and growth and in nothing else
    - `constant_ties`: strong and weak ties between all countries, the same in all years
    - `drifting_impact`: each country's citations rise or fall, at random
    - `longer_lists`: reference lists grow, so that everybody's citations rise
    - `missing_affiliations`: ever more are missing, in some countries and venues more
    - `many_movers`: 5 % of authors move each year, whoever they are
    - `overdispersed`: ties and citations vary from year to year more than chance says

    `truth/claims.parquet` says of each claim whether the world makes it true.

    On Spark a world larger than one process holds is grown as several that share all
    that is planted; `docs/spark.md` says how.
    """
    from isthmus.cli.progress import working
    from isthmus.simulation.simulate import simulate_world

    with working(_err, "Simulating a world") as progress:
        simulate_world(
            to,
            works=works,
            seed=seed,
            as_=as_,
            placebo=placebo,
            family=family,
            master=master,
            memory=memory,
            progress=progress,
        )
    _out.print(f"A world of {works:,} works is in {to}.", markup=False)


@app.command()
def run(
    study: Annotated[Path, typer.Argument(help="The study file (TOML).")],
    to: Annotated[Path, typer.Option(help="Folder of results to write.")],
    overwrite: Annotated[
        bool, typer.Option(help="Replace results of another study that stand there.")
    ] = False,
    memory: Annotated[
        str | None, typer.Option(help="Most memory the engine may use, like 4GB.")
    ] = None,
) -> None:
    """Answer every question the study asks.

    With nothing changed a second run does nothing; a killed run goes on.
    """
    from isthmus.cli.console import run_end
    from isthmus.cli.fields import answer
    from isthmus.cli.progress import steps
    from isthmus.report import write_report
    from isthmus.report.source import Source
    from isthmus.study import Study

    wanted = Study.load(study)
    if memory is not None:
        wanted = wanted.with_run(memory=memory)
    with steps(_err) as progress:
        results = answer(wanted, to, overwrite=overwrite, progress=progress, warn=_warn)
    report = write_report(results)
    if reason := Source(results).why_no_poles:
        _warn(f"No numbers of some poles. {reason}")
    for line in run_end(results, report, f"isthmus explore {to}"):
        _out.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def poles(
    edges: Annotated[
        Path, typer.Argument(help="Text table or Parquet: year, source, target, weight.")
    ],
    to: Annotated[Path, typer.Option(help="Folder of results to write.")],
    pole: Annotated[
        list[str] | None, typer.Option(help="A pole, by code or name; default US and CN.")
    ] = None,
    null_model: Annotated[
        list[str] | None,
        typer.Option(help="A null model; the first is the headline. Default multiedge and ecm."),
    ] = None,
    directed: Annotated[
        bool | None,
        typer.Option(help="Whether edges have a direction; inferred from the file by default."),
    ] = None,
    years: Annotated[
        str | None, typer.Option(help="First and last year to read, like 2010-2020.")
    ] = None,
    decimal: Annotated[
        str | None,
        typer.Option(help="Sign of the decimals, . or ,; inferred from the file by default."),
    ] = None,
    min_works: Annotated[
        float, typer.Option(help="Least mean yearly weight of a country, over the last years.")
    ] = 50,
    replays: Annotated[int, typer.Option(help="Placebo replays.", min=0)] = 80,
    study: Annotated[Path | None, typer.Option(help="Study file to take [shocks] from.")] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same tables.")] = 1,
    overwrite: Annotated[bool, typer.Option(help="Replace results that stand there.")] = False,
) -> None:
    """Analyse poles on any table of yearly edges, without a corpus.

    Both directions and the diagonal may be listed. Countries may be codes of two or
    three letters or names. What is set aside is shown, and counted in the table `edges`.
    """
    from isthmus.cli.console import edge_rows, pole_summary
    from isthmus.cli.progress import one_by_one
    from isthmus.pipeline.edge_table import run_edges, years_between
    from isthmus.report import write_report

    settings: dict[str, Any] = {"min_works": min_works, "placebo_replays": replays}
    if null_model:
        settings["null_models"] = list(null_model)
    with one_by_one(_err) as progress:
        results = run_edges(
            edges,
            to,
            poles=tuple(pole or ("US", "CN")),
            directed=directed,
            years=None if years is None else years_between(years),
            decimal=decimal,
            settings=settings,
            study=study,
            seed=seed,
            overwrite=overwrite,
            progress=progress,
        )
    _out.print(edge_rows(results))
    for part in pole_summary(results):
        _out.print(part, soft_wrap=isinstance(part, str), highlight=False, markup=False)
    _out.print(f"The report: {write_report(results)}", markup=False, soft_wrap=True)


@app.command()
def findings(
    results: Annotated[Path, typer.Argument(help="Folder of results.")],
    against: Annotated[
        list[Path] | None,
        typer.Option(help="Results of the same study under another attribution; any number."),
    ] = None,
    study: Annotated[
        Path | None, typer.Option(help="Take [claims] from this study file instead.")
    ] = None,
) -> None:
    """Print each claim with its evidence, verdict and what it survives; write them as a table."""
    from isthmus.cli.console import findings_list
    from isthmus.findings import decide, only_here, write_findings
    from isthmus.results import open_results
    from isthmus.study import Study

    found = open_results(results)
    others = [open_results(path) for path in against or ()]
    claims = Study.load(study).settings()["claims"] if study is not None else None
    for part in findings_list(decide(found, others, claims=claims), only_here(found)):
        _out.print(part)
    _out.print(f"As a table: {write_findings(found, others, claims=claims)}.", markup=False)


@app.command()
def diff(
    first: Annotated[Path, typer.Argument(help="Folder of results.")],
    second: Annotated[Path, typer.Argument(help="Folder of other results.")],
    tolerance: Annotated[
        float, typer.Option(help="Relative difference up to which numbers are the same.", min=0)
    ] = 1e-9,
) -> None:
    """Show which numbers moved between two results, for example of two releases.

    Ends with 1 where any did, so that a script can ask.
    """
    from isthmus.cli.console import moved_numbers
    from isthmus.results import open_results
    from isthmus.results.differences import differences

    found = differences(open_results(first), open_results(second), tolerance=tolerance)
    for part in moved_numbers(found):
        _out.print(part, soft_wrap=isinstance(part, str), highlight=False, markup=False)
    if not found.none:
        raise typer.Exit(1)


@app.command()
def explore(
    results: Annotated[Path, typer.Argument(help="Folder of results.")],
    to: Annotated[
        Path | None, typer.Option(help="Write a static site there instead of serving one.")
    ] = None,
    port: Annotated[int, typer.Option(help="Port on this machine; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    small_cell: Annotated[
        int, typer.Option(help="Joint papers under which a pair's row is greyed.", min=0)
    ] = 25,
) -> None:
    """Open the explorer of a finished run, or write it as a static site.

    Served on the loopback address alone; nobody else on the network can see it.
    """
    from isthmus.report.explorer import explore as open_explorer
    from isthmus.results import open_results

    page = open_explorer(
        open_results(results),
        to,
        port=port,
        browser=browser,
        small_cell=small_cell,
        tell=lambda at: _out.print(f"Explorer: {at}"),
    )
    if page is not None:
        _out.print(f"The explorer is at {page}.", markup=False)


app.command()(packages.share)
