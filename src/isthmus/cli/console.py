"""What the command line shows when its work is done."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import Corpus
from isthmus.errors import TargetError
from isthmus.results import Results
from isthmus.study.sections import AFFINITY

if TYPE_CHECKING:
    from isthmus.cli.demo import Demonstration, Recovery, Twins
    from isthmus.corpus.manifest import Passed
    from isthmus.corpus.verify import Verification
    from isthmus.fetch.estimate import Estimate
    from isthmus.fetch.works import Fetched
    from isthmus.findings import Finding
    from isthmus.results.differences import Differences

#: How often something happened, by reason.
Counts = Mapping[str, int]

#: Countries shown in the leaders' table.
TOP = 10

#: Columns of ``country_year`` shown next to what was planted -> their headings.
PLANTED = {
    "papers_last_author": "papers, last author",
    "papers_fractional": "papers, fractional",
    "c2_sum": "citations, 2 years",
    "hits": "hits",
}

#: Columns of the terminal that a verdict and its number take: "not testable here" fits.
VERDICT_WIDTH = 17

#: Characters of a study's title that the terminal shows.
TITLE_WIDTH = 90

#: What the demonstration says last.
NEXT = """\
Everything is in {folder}: the world as OpenAlex files, its truth, the corpus,
study.toml and the results. With data of your own, and that study.toml to start from:
  isthmus ingest WORKS.jsonl.gz --to corpus
  isthmus run study.toml --to results
The report: {report}
The explorer: {explorer}
(or on this machine's own address: isthmus explore {folder}/results)"""


def agreed(console: Console, found: Estimate, *, yes: bool) -> bool:
    """Show what a fetch would cost; ask before a large one, unless `yes`.

    Raises
    ------
    TargetError
        The fetch is large and nobody is there to ask.
    """
    for sentence in found.describe():
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    if yes or not found.is_large:
        return True
    if not console.is_terminal:
        raise TargetError("Nothing was fetched: the fetch is large. Add --yes to go ahead.")
    return console.input("Fetch them? [y/N] ").strip().lower() in ("y", "yes")


def fetched(done: Fetched) -> str:
    """Say what a fetch brought."""
    words = (
        f"{done.works:,} works, each once; {done.repeated:,} repeats dropped, "
        f"{done.completed:,} cut lists of authors completed."
    )
    if not done.missing:
        return words
    return (
        f"{words} The API announced {done.missing:,} works more than it gave; the fetch was "
        "finished without them, as asked."
    )


def moved_numbers(found: Differences) -> Iterator[Table | str]:
    """Show what differs between two results: settings, corpora, rows, numbers."""
    for kind, unequal in (("Setting", found.settings), ("Corpus", found.corpora)):
        for name, (first, second) in unequal.items():
            yield f"{kind} {name}: {first} | {second}"
    for name, which in found.tables.items():
        yield f"Only the {which} has the table {name}."
    for name, (first, second) in found.rows.items():
        if first or second:
            yield f"{name}: {first:,} rows only in the first, {second:,} only in the second."
    if found.none:
        yield "Every number is the same."
    if not found.moved:
        return
    table = Table(title="Numbers that moved, in rows that both have")
    for name in ("table", "column", "rows", "moved", "sum, first", "sum, second", "most", "where"):
        table.add_column(name, justify="left" if name in ("table", "column", "where") else "right")
    for m in found.moved:
        sums = [
            "" if total is None else f"{total:,.6g}" for total in (m.total_first, m.total_second)
        ]
        most = "" if m.largest is None else f"{m.largest:.2%}"
        table.add_row(m.table, m.column, f"{m.rows:,}", f"{m.changed:,}", *sums, most, m.where)
    yield table


def tally(corpus: Corpus) -> Iterator[Table | str]:
    """Show what an ingest read: rows by table, and what was rejected or set aside by reason."""
    rows = Table(title=f"Corpus in {corpus.path}")
    rows.add_column("table")
    rows.add_column("rows", justify="right")
    for name in TABLES:
        rows.add_row(name, f"{corpus.rows(name):,}")
    yield rows
    found = corpus.manifest
    yield reasons(found.rejected, found.set_aside, found.notes)
    yield from account(corpus.rows("works"), found.rejected, found.notes)
    yield from given(found.passed, found.unknown_countries, found.warnings)


def account(works: int, rejected: Counts, notes: Counts) -> Iterator[str]:
    """Say what became of the records that were given."""
    if "records_read" in notes:
        ways = {
            "works": works,
            "institutions, venues and authors": notes.get("entities_kept", 0),
            "older versions of works": notes.get("duplicate_work", 0),
            "merged into others": notes.get("merged_away", 0),
            "deleted": notes.get("deleted_work", 0),
            "rejected": sum(rejected.values()),
        }
        parts = " + ".join(f"{n:,} {what}" for what, n in ways.items() if n)
        yield f"Records given: {notes['records_read']:,} = {parts or 'none'}."


#: Files passed over that are named on the screen.
_NAMED = 20


def given(
    passed: Sequence[Passed], unknown_countries: Counts, warnings: Sequence[str]
) -> Iterator[str]:
    """Say which files were passed over, which country codes are unknown, and what to know."""
    for item in passed[:_NAMED]:
        yield f"Passed over: {item.name} {item.reason}."
    if len(passed) > _NAMED:
        yield f"Passed over: {len(passed) - _NAMED} more files; the manifest lists them."
    if unknown_countries:
        codes = ", ".join(f"{code} ({n:,})" for code, n in unknown_countries.items())
        yield f"Unknown country codes: {codes}."
    for warning in warnings:
        yield f"Warning: {warning}"


def reasons(rejected: Counts, set_aside: Counts, notes: Counts) -> Table:
    """Show counts by reason: records refused, values set aside, other things worth knowing."""
    table = Table(title="What did not fit, by reason")
    table.add_column("what")
    table.add_column("reason")
    table.add_column("count", justify="right")
    kinds = (("record rejected", rejected), ("value set aside", set_aside), ("note", notes))
    for kind, counts in kinds:
        for reason, count in sorted(counts.items()):
            shown = str(count) if reason in ("newest_year", "last_year") else f"{count:,}"
            table.add_row(kind, reason, shown)
    if not table.row_count:
        table.add_row("everything fits", "", "0")
    return table


def verification(found: Verification) -> Iterator[Table | str]:
    """Show what checking a corpus found."""
    release = f", release {found.release}" if found.release else ""
    table = Table(title=f"{found.path}: {found.source}{release}")
    table.add_column("table")
    table.add_column("rows", justify="right")
    for name, count in found.rows.items():
        table.add_row(name, f"{count:,}")
    yield table
    yield reasons(found.rejected, found.set_aside, found.notes)
    yield from account(found.rows["works"], found.rejected, found.notes)
    yield from given(found.passed, found.unknown_countries, found.warnings)
    if found.quarantine is not None:
        yield f"The rejected records are in {found.quarantine}."
    for problem in found.problems:
        yield f"Problem: {problem}"
    if found.ok:
        yield f"{found.n_parts} parts are as the manifest says. Hash {found.hash}."


def sums_by_country(results: Results, columns: list[str]) -> list[dict[str, Any]]:
    """Sum columns of ``country_year`` over the years, largest first column first."""
    table = results.table("country_year").select(["country", *columns])
    summed = table.group_by("country").aggregate([(c, "sum") for c in columns])
    ordered = summed.sort_by([(f"{columns[0]}_sum", "descending"), ("country", "ascending")])
    return [
        {"country": row["country"], **{c: row[f"{c}_sum"] for c in columns}}
        for row in ordered.to_pylist()
    ]


def field_summary(results: Results) -> str:
    """Say how many works are in the field and how many each publication rule left out."""
    works: dict[str, list[int]] = {}
    for row in results.table("funnel").to_pylist():
        sums = works.setdefault(row["rule"], [0, 0])
        sums[0] += row["works_before"]
        sums[1] += row["works_after"]
    everything, named = works.pop("subject")
    out = {rule: before - after for rule, (before, after) in works.items() if before > after}
    first, last = results.record["settings"]["study"]["years"]
    words = f"{first}-{last}: {everything:,} works in the corpus, {named:,} of them named by the "
    words += f"study; {named - sum(out.values()):,} count"
    parts = [f"{count:,} {rule}" for rule, count in out.items()]
    return f"{words}. Left out by rule: {', '.join(parts) or 'none'} (table funnel)."


def _short(title: str) -> str:
    return textwrap.shorten(title, TITLE_WIDTH, placeholder=" ...")


def run_end(results: Results, report: object, explore: str) -> Iterator[str]:
    """Say what a run found, in 20 lines at most of 80 columns; paths may be longer.

    The field, where report and explorer are, the answers with their verdicts, and last how
    many claims have each verdict.
    """
    from isthmus.report.cards import COLUMNS, LINES, terminal
    from isthmus.report.source import Source

    said = f"{_short(str(results.record['title']))}, {field_summary(results)}"
    first = textwrap.wrap(said, COLUMNS, max_lines=2, placeholder=" ...")
    yield from first
    yield f"Report: {report}"
    yield f"Explorer: {explore}"
    yield from terminal(Source(results), LINES - len(first) - 2)


def demonstration(shown: Demonstration) -> Iterator[Table | str]:
    """Show the leaders next to what was planted, what was recovered, and what to do next."""
    from isthmus.cli.demo import planted_papers

    planted = planted_papers(shown.folder / "openalex")
    yield planted_leaders(sums_by_country(shown.results, list(PLANTED))[:TOP], planted)
    yield recovery(shown.recovered)
    yield twins(shown.verdicts)
    pages = {name: getattr(shown, name).resolve().as_uri() for name in ("report", "explorer")}
    yield NEXT.format(folder=shown.folder, **pages)


def planted_leaders(rows: Sequence[Mapping[str, Any]], planted: Mapping[str, float]) -> Table:
    """Show the leading countries of a simulated world next to the papers planted in each."""
    table = Table(title="Who leads a simulated world, next to what was planted")
    table.add_column("country")
    for name in ("planted papers", *PLANTED.values()):
        table.add_column(name, justify="right")
    for row in rows:
        cells = [planted.get(row["country"], 0), *(row[c] for c in PLANTED)]
        table.add_row(row["country"], *(amount(cell) for cell in cells))
    return table


def twins(verdicts: Sequence[Twins]) -> Table:
    """Show each claim's verdict and estimate in the planted world and in its placebo twin."""
    table = Table(title="Every claim: the planted world beside its twin without any effect")
    table.add_column("claim", overflow="fold", ratio=1)
    for name in ("planted world", "placebo twin"):
        table.add_column(name, overflow="fold", width=VERDICT_WIDTH)
    for one in verdicts:
        table.add_row(one.statement, _verdict(*one.planted), _verdict(*one.placebo))
    return table


def _verdict(verdict: str, estimate: float | None) -> str:
    from isthmus.findings.verdict import number  # loads SciPy and Numba, which few commands need

    return verdict if estimate is None else f"{verdict}\n{number(estimate)}"


def recovery(recovered: list[Recovery]) -> Table:
    """Show how many cells of each planted table came back exactly."""
    table = Table(title="Planted truth recovered")
    for name in ("table", "column", "cells", "equal"):
        table.add_column(name, justify="right" if name in ("cells", "equal") else "left")
    for one in recovered:
        table.add_row(one.table, one.column, f"{one.planted:,}", f"{one.equal:,}")
    return table


def amount(value: float | None) -> str:
    """Write a count for people: no decimals when whole, one otherwise, a dash when undefined."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{np.round(value, 1):,.1f}"


#: Statistics of `placebo` that the screen leaves to the tables.
_NOT_SHOWN = ("relation:", "archetype_")


def edge_rows(results: Results) -> Table:
    """Show what became of every row of a table of edges."""
    rows = results.table("edges").to_pylist()
    counts = {row["reason"]: row["rows"] for row in rows}
    read, kept = counts.pop("rows read", 0), counts.pop("rows kept", 0)
    table = Table(title=f"{read:,} rows read: {kept:,} kept, {read - kept:,} set aside")
    table.add_column("what")
    table.add_column("reason", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    for row in sorted(rows, key=lambda row: not row["set_aside"]):
        if row["reason"] in counts:
            kind = "set aside" if row["set_aside"] else "kept"
            table.add_row(kind, row["reason"], f"{row['rows']:,}")
    return table


def pole_summary(results: Results) -> Iterator[Table | str]:
    """Show the poles' headline numbers, each beside its placebo: by affinity, then by null model.

    Of the two families of replays the one that shows a number more often is shown. Poles
    that have no numbers are named with the reason.
    """
    from isthmus.report.source import Source

    if reason := Source(results).why_no_poles:
        yield f"No numbers of some poles. {reason}"
    rows = [row for row in results.table("placebo").to_pylist() if row["study"] is not None]
    rows = [row for row in rows if not row["what"].startswith(_NOT_SHOWN)]
    for model in dict.fromkeys(row["null_model"] for row in rows):
        how = f"under {model}" if model != AFFINITY else "by affinity, relative to other partners"
        table = Table(title=f"{_short(results.record['title'])}, {how}")
        table.add_column("what", overflow="fold")
        for name in ("study", "replays, 95 %", "p", "survives"):
            table.add_column(name, justify="right", no_wrap=True)
        worst: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in (row for row in rows if row["null_model"] == model):
            key = tuple(row[c] for c in ("layer", "what", "quantity", "source", "target"))
            if key not in worst or (row["p"] or 0) > (worst[key]["p"] or 0):
                worst[key] = row
        for row in worst.values():
            table.add_row(*_pole_cells(row))
        yield table


def _pole_cells(row: dict[str, Any]) -> list[str]:
    ends = "-".join(end for end in (row["source"], row["target"]) if end)
    several = row["what"].startswith("poles_") and row["quantity"] != "affinity"
    quantity = row["quantity"].replace("_", " ") if several else None
    of = ", ".join(part for part in (ends, row["layer"], quantity) if part)
    what = row["what"].removeprefix("group:").replace("_", " ")
    low, high = row["placebo_low"], row["placebo_high"]
    from isthmus.findings.verdict import number

    return [
        f"{what}{f' ({of})' if of else ''}{': ' + row['reason'] if row['reason'] else ''}",
        number(row["study"]),
        "-" if low is None else f"{number(low)} to {number(high)}",
        "-" if row["p"] is None else f"{row['p']:.2g}",
        {True: "yes", False: "no", None: "-"}[row["survives"]],
    ]


def findings_list(
    found: Sequence[Finding], only: Mapping[str, tuple[str, str]] | None = None
) -> Iterator[Text]:
    """Show findings: the statement, the verdict and why, and what it survives.

    `only` answers by claim whether it holds in this field only, where there are others.
    """
    colours = {"supported": "green", "contradicted": "red", "undecided": "yellow"}
    for finding in found:
        claim, decision = finding.claim, finding.decision
        text = Text(f"{claim.statement}\n", style="bold")
        text.append(f"  {decision.verdict}", style=colours.get(decision.verdict, "dim"))
        text.append(f": {decision.why}\n  [{claim.name}; {claim.source}]", style="not bold")
        checks = {
            "as large as said": decision.as_said,
            "null models": decision.models,
            "placebo": decision.placebo,
            "counting": decision.counting,
            "dropping": decision.dropping,
            "survives missing data": decision.missing_data,
        }
        if only and claim.name in only:
            checks["only here?"] = ": ".join(only[claim.name])
        for name, said in checks.items():
            if not said.startswith(("not tested", "not asked")):
                text.append(f"\n  {name}: {said}", style="not bold")
        yield text
