"""The demonstration: a simulated world, every question, and what was planted beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.errors import TargetError
from isthmus.files import write_text
from isthmus.findings import Finding, decide
from isthmus.ingest.ingest import ingest
from isthmus.pipeline.runner import Progress, run
from isthmus.report import write_report
from isthmus.report.site import build_site
from isthmus.results import Results
from isthmus.simulation.distributed import TRUTH
from isthmus.simulation.simulate import read_truth, simulate_world
from isthmus.study import Study

#: Study of the demonstration; a copy is left beside its results to start from.
STUDY = """\
[study]
title = "A simulated world"
corpus = "corpus"
years = [1998, 2021]

[field]
subfields = [1702]

[countries]
poles = ["US", "CN"]
attribution = "last_author"
blocs = { NORDIC = ["DK", "FI", "IS", "NO", "SE"] }

[poles]
null_models = ["multiedge", "ecm"]
min_works = 5
placebo_replays = 20
"""

#: Planted tables compared with results: their grain and the columns both have.
COMPARED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "country_year": (
        ("year", "country"),
        ("papers_last_author", "papers_whole", "papers_fractional", "scientists"),
    ),
    "collaboration": (("year", "source", "target"), ("works_whole", "works_fractional")),
    "citation": (("year", "source", "target"), ("citations_whole", "citations_fractional")),
}

#: Largest difference between a planted and a found number that counts as equal: fractions
#: are summed with 15 decimals, totals of the demonstration stay far below a million.
EQUAL_WITHIN = 1e-9


@dataclass(frozen=True)
class Recovery:
    """How a planted measure was found again.

    Parameters
    ----------
    table, column
        The result.
    planted
        Cells that hold something in the truth or in the result.
    equal
        Cells in which both agree.
    """

    table: str
    column: str
    planted: int
    equal: int


@dataclass(frozen=True)
class Twins:
    """A claim, what the planted world says of it, and what its placebo twin says.

    Parameters
    ----------
    statement
        The claim.
    planted, placebo
        Verdict and estimate in either world; the estimate is None where there is none.
    """

    statement: str
    planted: tuple[str, float | None]
    placebo: tuple[str, float | None]


@dataclass(frozen=True)
class Demonstration:
    """What the demonstration left behind.

    Parameters
    ----------
    folder
        Holds ``openalex`` (the world as files), ``corpus``, ``study.toml``, ``results``.
    results
        The results.
    recovered
        Each planted measure and how it was found again.
    twin
        The results of the placebo twin: a world of the same size without any preference.
    verdicts
        Every claim that tables can decide, in the planted world and in the placebo twin.
    report, explorer
        First pages of the report and of the explorer, written as a site.
    """

    folder: Path
    results: Results
    recovered: list[Recovery]
    twin: Results
    verdicts: list[Twins]
    report: Path
    explorer: Path


def demonstrate(folder: Path, *, works: int, seed: int, progress: Progress) -> Demonstration:
    """Simulate a world as OpenAlex files, ingest it, run every question, compare.

    What an earlier, interrupted demonstration finished is used again.
    """
    world = _world(folder, works, seed, lambda done, total: progress("simulating", done, total))
    ingest(
        [world / "data"],
        folder / "corpus",
        progress=lambda _, done, total: progress("reading", done, total),
    )
    study = folder / "study.toml"
    if not study.exists():
        write_text(study, STUDY)
    results = run(Study.load(study), folder / "results", progress=progress)
    report = write_report(results)
    explorer = build_site(results, folder / "site")
    twin = _twin(folder, works, seed, progress)
    verdicts = compared(results, twin)
    found = list(recovered(world, results))
    return Demonstration(folder, results, found, twin, verdicts, report, explorer)


def _twin(folder: Path, works: int, seed: int, progress: Progress) -> Results:
    """Run the same study on a world of the same size and seed in which nothing is planted."""
    corpus = folder / "placebo-corpus"
    if not (corpus / TRUTH).is_dir():
        simulate_world(
            corpus,
            works=works,
            seed=seed,
            placebo=True,
            progress=lambda done, total: progress("simulating its placebo twin", done, total),
        )
    study = folder / "placebo-study.toml"
    if not study.exists():
        text = STUDY.replace('"A simulated world"', '"Its placebo twin"')
        write_text(study, text.replace('"corpus"', '"placebo-corpus"'))
    return run(Study.load(study), folder / "placebo-results", progress=progress)


def compared(results: Results, twin: Results) -> list[Twins]:
    """Return every claim that tables can decide, as the world and its placebo twin decide it."""
    there = {found.claim.name: found for found in decide(twin)}
    return [
        Twins(found.claim.statement, _said(found), _said(there[found.claim.name]))
        for found in decide(results)
        if found.claim.needs
    ]


def _said(finding: Finding) -> tuple[str, float | None]:
    return finding.decision.verdict, finding.decision.estimate


def _world(folder: Path, works: int, seed: int, simulating: Callable[[int, int], None]) -> Path:
    world = folder / "openalex"
    made = folder / f"world-{works}-{seed}.txt"
    others = [found for found in folder.glob("world-*.txt") if found != made]
    if others or (folder.is_dir() and any(folder.iterdir()) and not made.exists()):
        raise TargetError(
            f"{folder} holds something else than this demonstration. Choose another folder "
            "with --to, or remove it first."
        )
    if not (world / TRUTH).is_dir():
        write_text(made, f"isthmus demo --works {works} --seed {seed}\n")
        simulate_world(world, works=works, seed=seed, as_="openalex", progress=simulating)
    return world


def recovered(world: Path, results: Results) -> Iterator[Recovery]:
    """Compare planted counts with results, cell by cell; an absent cell is 0."""
    for name, (grain, columns) in COMPARED.items():
        planted = read_truth(world, name).to_pylist()
        planted = [row for row in planted if row.get("include_citing", True)]
        found = _by_key(results.table(name).to_pylist(), grain)
        truth = _by_key(planted, grain)
        for column in columns:
            pairs = [
                (truth.get(key, {}).get(column) or 0, found.get(key, {}).get(column) or 0)
                for key in truth.keys() | found.keys()
            ]
            cells = [pair for pair in pairs if any(pair)]
            equal = sum(abs(a - b) <= EQUAL_WITHIN for a, b in cells)
            yield Recovery(name, column, len(cells), equal)


def planted_papers(world: Path) -> dict[str, float]:
    """Sum the planted papers of each country over the years."""
    totals: dict[str, float] = {}
    for row in read_truth(world, "country_year").to_pylist():
        totals[row["country"]] = totals.get(row["country"], 0) + row["papers_last_author"]
    return totals


def _by_key(rows: list[dict[str, Any]], grain: tuple[str, ...]) -> dict[Any, dict[str, Any]]:
    return {tuple(row[name] for name in grain): row for row in rows}
