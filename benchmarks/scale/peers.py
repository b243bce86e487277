"""Relational steps of a study beside hand-written DuckDB SQL, pandas, polars and pySciSci.

The same corpus of Parquet goes to every tool. Each step reads the shared tables (field,
countries of works, dated references) kept as Parquet, and writes what later steps read;
`shared` makes them. SQL writes Parquet once as DuckDB does unless told otherwise, and once
in the version that isthmus writes. In `everything` each tool answers all steps from the
corpus in one program, as it likes: pandas, polars and SQL keep nothing on disk that nobody
asked for. Before a time counts, results are compared: counts exactly, fractions to 1e-9.
Tools take turns in one process with two threads; given are medians, and what each takes as
a multiple of isthmus (SQL: isthmus as a multiple of it). Novelty, matching and the pole
analysis are kernels with benchmarks of their own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "2")

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from frames import SUBFIELD, TOOLS, YEARS
from rich.console import Console
from rich.table import Table

from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import open_corpus
from isthmus.engine import DuckDBEngine
from isthmus.leadership.country_year import Leaders
from isthmus.leadership.coverage import coverage
from isthmus.leadership.impact import impact_by_country
from isthmus.leadership.output import papers_by_country
from isthmus.poles.networks import citation, collaboration
from isthmus.selection.field import reference_tally
from isthmus.selection.study_tables import StudyTables
from isthmus.study import Study

TOLERANCE = 1e-9
IN_YEARS = f"year BETWEEN {YEARS[0]} AND {YEARS[1]}"

#: Tables every question shares, in the order they are made.
SHARED = {
    "field": f"""SELECT work_id, year FROM works WHERE work_id IN (
        SELECT work_id FROM subjects WHERE scheme = 'subfield' AND subject_id = {SUBFIELD})""",
    "placed": """SELECT work_id, position, institution_id, country FROM affiliations
        WHERE country IS NOT NULL""",
    "countries": """WITH pairs AS (SELECT DISTINCT work_id, country FROM placed)
        SELECT work_id, country, n, 1 / n AS fraction FROM pairs
        JOIN (SELECT work_id, count(*) AS n FROM pairs GROUP BY work_id) USING (work_id)""",
    "deciding": """WITH pairs AS (
            SELECT DISTINCT p.work_id, p.country FROM placed p
            SEMI JOIN (SELECT work_id, position FROM authorships WHERE is_last) a
            ON p.work_id = a.work_id AND p.position = a.position)
        SELECT work_id, country, n, 1 / n AS fraction FROM pairs
        JOIN (SELECT work_id, count(*) AS n FROM pairs GROUP BY work_id) USING (work_id)""",
    "dated": """SELECT r.citing_id, r.cited_id, w.year AS citing_year, f.year AS cited_year
        FROM refs r JOIN field f ON r.cited_id = f.work_id JOIN works w ON r.citing_id = w.work_id
    """,
}

COVERAGE = f"""WITH d AS (
        SELECT f.work_id, f.year, authors_truncated,
            f.work_id IN (SELECT citing_id FROM refs) AS referring,
            f.work_id IN (SELECT work_id FROM countries) AS located
        FROM field f JOIN works w ON f.work_id = w.work_id WHERE f.{IN_YEARS}),
    x AS (SELECT year, 'all' AS country, authors_truncated, referring, located FROM d
        UNION ALL SELECT year, country, authors_truncated, referring, located
        FROM d JOIN countries USING (work_id))
    SELECT year, country, count(*) AS works, avg(located::INT) AS share_with_country,
        avg(referring::INT) AS share_with_references, sum(authors_truncated::INT)::BIGINT
        AS authors_truncated FROM x GROUP BY ALL"""

TALLY = """SELECT citing_year AS year, count(*) AS references_to_field,
        count(*) FILTER (cited_year > citing_year) AS references_to_later_years,
        count(*) FILTER (citing_id = cited_id) AS references_to_itself
    FROM dated GROUP BY citing_year"""

PAPERS = f"""SELECT year, country, count(*) AS papers, sum(fraction) AS fractional
    FROM field JOIN deciding USING (work_id) WHERE {IN_YEARS} GROUP BY ALL"""

IMPACT = f"""SELECT work_id, year, coalesce(n, 0) AS c_k FROM field LEFT JOIN (
        SELECT cited_id, count(*) AS n FROM dated WHERE citing_id <> cited_id
        AND citing_year BETWEEN cited_year AND cited_year + 2 GROUP BY cited_id)
    ON work_id = cited_id WHERE {IN_YEARS} AND year + 2 <= {YEARS[1]}"""

HITS = """WITH v AS (SELECT year, c_k, count(*) AS tied FROM impact GROUP BY ALL),
    r AS (SELECT *, sum(tied) OVER (PARTITION BY year ORDER BY c_k DESC) AS through,
        sum(tied) OVER (PARTITION BY year) / 100 AS quota FROM v),
    t AS (SELECT year, c_k AS threshold, (quota - through + tied) / tied AS weight FROM r
        WHERE through >= quota AND through - tied < quota)
    SELECT year, country, count(*) AS c2_papers, sum(c_k)::BIGINT AS c2_sum,
        count(*) FILTER (c_k > threshold) + count(*) FILTER (c_k = threshold) * max(weight) AS hits
    FROM impact JOIN deciding USING (work_id) JOIN t USING (year) GROUP BY ALL"""

SCIENTISTS = f"""WITH w AS (SELECT DISTINCT author_id, work_id FROM authorships
        WHERE author_id IS NOT NULL
        AND work_id IN (SELECT work_id FROM works WHERE {IN_YEARS})),
    c AS (SELECT author_id, count(*) AS n_works,
        count(*) FILTER (work_id IN (SELECT work_id FROM field)) AS n_field FROM w GROUP BY ALL)
    SELECT * FROM c WHERE n_works >= 3 AND n_field > n_works * 0.5"""

COLLABORATION = f"""SELECT f.year, a.country AS source, b.country AS target,
        count(*) AS works_whole, sum(2 / (a.n * (a.n - 1))) AS works_fractional,
        count(*) FILTER (n_authors = 1) AS works_single_author
    FROM countries a JOIN countries b ON a.work_id = b.work_id AND a.country < b.country
    JOIN field f ON a.work_id = f.work_id JOIN works w ON a.work_id = w.work_id
    WHERE f.{IN_YEARS} AND a.n > 1 GROUP BY ALL"""

CITATION = f"""SELECT citing_year AS year, a.country AS source, b.country AS target,
        count(*) AS citations_whole, sum(1 / (a.n * b.n)) AS citations_fractional
    FROM dated JOIN countries a ON citing_id = a.work_id JOIN countries b ON cited_id = b.work_id
    WHERE citing_id <> cited_id AND cited_year <= citing_year AND citing_{IN_YEARS} GROUP BY ALL"""


class _Isthmus:
    """The project's own steps, their shared tables kept in a folder."""

    def __init__(self, corpus: Path, folder: Path, memory: str) -> None:
        about = {"corpus": str(corpus.resolve()), "years": list(YEARS)}
        study = Study.parse({"study": about, "field": {"subfields": [SUBFIELD]}})
        self.engine = DuckDBEngine(memory=memory, threads=2, spill=folder / "spill")
        self.tables = StudyTables(study, open_corpus(corpus), self.engine, folder)
        self.leaders = Leaders(self.tables)

    def shared(self) -> None:
        self.tables.share()

    def everything(self) -> dict[str, pa.Table]:
        self.shared()
        return {name: getattr(self, name)() for name in KEYS}

    def coverage(self) -> pa.Table:
        t = self.tables
        return self.engine.collect(
            coverage(t.field_in_years, t.countries, t.corpus["works"], t.corpus["references"])
        )

    def tally(self) -> pa.Table:
        return self.engine.collect(reference_tally(self.tables.dated_references))

    def papers(self) -> pa.Table:
        t = self.tables
        names = ("papers", "fractional")
        return self.engine.collect(papers_by_country(t.field_in_years, t.deciding, names))

    def impact(self) -> pa.Table:
        leaders = self.leaders
        made = impact_by_country(leaders.impact, leaders.hit_thresholds, self.tables.deciding, 2)
        return self.engine.collect(made).select(["year", "country", "c2_papers", "c2_sum", "hits"])

    def scientists(self) -> pa.Table:
        return self.engine.collect(self.leaders.scientists)

    def collaboration(self) -> pa.Table:
        t = self.tables
        made = collaboration(t.field_in_years, t.countries, t.corpus["works"])
        return self.engine.collect(made)

    def citation(self) -> pa.Table:
        t = self.tables
        counted = t.citations.filter(t.citations.citing_year.between(*YEARS))
        made = self.engine.collect(citation(counted, t.countries))
        names = ["year", "source", "target", "citations_whole", "citations_fractional"]
        return made.select(names)


class _Sql:
    """The same in SQL, as an experienced user of DuckDB writes it.

    Tables to keep go to Parquet with the options given, or stay in DuckDB without any.
    """

    def __init__(self, corpus: Path, folder: Path, memory: str, parquet: str | None) -> None:
        settings = {"memory_limit": memory, "threads": 2, "preserve_insertion_order": False}
        self.folder, self.parquet = folder, parquet
        self.db = duckdb.connect(":memory:", config=settings)
        self.db.sql(f"SET temp_directory = '{folder / 'spill'}'")
        for name in TABLES:
            parts = [str(part) for part in open_corpus(corpus).parts(name)]
            if parts:
                view = "refs" if name == "references" else name
                self.db.read_parquet(parts).create_view(view)

    def keep(self, name: str, query: str) -> None:
        if self.parquet is None:
            self.db.execute(f"CREATE TABLE {name} AS {query}")
            return
        path = self.folder / f"{name}.parquet"
        self.db.execute(f"COPY ({query}) TO '{path}' ({self.parquet})")
        self.db.read_parquet(str(path)).create_view(name)

    def table(self, query: str) -> pa.Table:
        return self.db.sql(query).to_arrow_table()

    def shared(self) -> None:
        for name, query in SHARED.items():
            self.keep(name, query)

    def everything(self) -> dict[str, pa.Table]:
        self.shared()
        return {name: getattr(self, name)() for name in KEYS}

    def coverage(self) -> pa.Table:
        return self.table(COVERAGE)

    def tally(self) -> pa.Table:
        return self.table(TALLY)

    def papers(self) -> pa.Table:
        return self.table(PAPERS)

    def impact(self) -> pa.Table:
        self.keep("impact", IMPACT)
        return self.table(HITS)

    def scientists(self) -> pa.Table:
        self.keep("scientists", SCIENTISTS)
        return self.table("FROM scientists")

    def collaboration(self) -> pa.Table:
        return self.table(COLLABORATION)

    def citation(self) -> pa.Table:
        return self.table(CITATION)


#: Columns that identify a row of each result.
KEYS = {
    "coverage": ("year", "country"),
    "tally": ("year",),
    "papers": ("year", "country"),
    "impact": ("year", "country"),
    "scientists": ("author_id",),
    "collaboration": ("year", "source", "target"),
    "citation": ("year", "source", "target"),
}
EVERYTHING = "everything"
OURS = "isthmus"

#: How SQL keeps tables: as DuckDB does unless asked otherwise, and as isthmus does.
PARQUET = {"SQL": "COMPRESSION zstd", "SQL, V2": "COMPRESSION zstd, PARQUET_VERSION 'V2'"}

#: Step -> tool -> processor and wall seconds of each repeat.
Times = dict[str, dict[str, list[tuple[float, float]]]]


def same(name: str, a: pa.Table, b: pa.Table) -> None:
    """Refuse results that differ."""
    order = [(key, "ascending") for key in KEYS[name]]
    a, b = a.sort_by(order), b.select(a.column_names).sort_by(order)
    if a.num_rows != b.num_rows:
        raise SystemExit(f"{name}: {a.num_rows} rows and {b.num_rows}")
    for column in a.column_names:
        for x, y in zip(a[column].to_pylist(), b[column].to_pylist(), strict=True):
            if x != y and (isinstance(x, str) or abs(x - y) > TOLERANCE * max(1, abs(x))):
                raise SystemExit(f"{name}.{column}: {x} and {y}")


def spent(work: Callable[[], Any]) -> tuple[tuple[float, float], Any]:
    """Processor and wall seconds of some work, and what it gives."""
    began, wall = time.process_time(), time.perf_counter()
    made = work()
    return (time.process_time() - began, time.perf_counter() - wall), made


class _Bench:
    """All tools on one corpus, in turns."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.corpus, self.memory = options.corpus, options.memory
        self.folder, self.frames = folder, [f for f in TOOLS if f not in options.without]
        self.times: Times = {name: {} for name in ("shared", *KEYS, EVERYTHING)}

    def place(self, label: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=label.replace(", ", "-"), dir=self.folder))

    def take(self, tools: Mapping[str, Any], name: str, turn: int) -> None:
        """Time one step with every tool, whoever begins; compare the results."""
        labels = list(tools)
        labels = labels[turn % len(labels) :] + labels[: turn % len(labels)]
        made = {}
        for label in labels:
            took, made[label] = spent(getattr(tools[label], name))
            print(f"{name} {label}: {took[0]:.3f} s, {took[1]:.3f} s", file=sys.stderr)
            self.times[name].setdefault(label, []).append(took)
        for label in labels:
            for step, table in _results(name, made[label]):
                same(step, dict(_results(name, made[OURS]))[step], table)

    def steps(self, turn: int, frames: bool) -> None:
        """Time every step on shared tables; `frames` too if wanted."""
        tools: dict[str, Any] = {OURS: _Isthmus(self.corpus, self.place(OURS), self.memory)}
        for label, options in PARQUET.items():
            tools[label] = _Sql(self.corpus, self.place(label), self.memory, options)
        for label in self.frames if frames else ():
            tools[label] = TOOLS[label](self.corpus, self.place(label))
        for name in self.times:
            if name != EVERYTHING:
                self.take(tools, name, turn)
            if name == "shared":
                for label in self.frames if frames else ():
                    shared = tools["SQL"].folder
                    tools[label] = TOOLS[label](self.corpus, self.place(label), shared)

    def programs(self, turn: int, frames: bool) -> None:
        """Time one program that answers every step from the corpus."""
        tools: dict[str, Any] = {
            OURS: _Isthmus(self.corpus, self.place(OURS), self.memory),
            "SQL": _Sql(self.corpus, self.place("SQL"), self.memory, None),
        }
        for label in self.frames if frames else ():
            tools[label] = TOOLS[label](self.corpus, self.place(label))
        self.take(tools, EVERYTHING, turn)

    def pyscisci(self, python: str) -> None:
        """Time pySciSci's citation impact beside isthmus' step."""
        folder = self.place("pyscisci")
        ours = _Isthmus(self.corpus, folder, self.memory)
        ours.shared()
        took, _ = spent(ours.impact)
        refs, counts = folder / "references.npz", folder / "counted.npz"
        dated = pq.read_table(folder / "references.parquet")
        np.savez(refs, **{name: dated[name].to_numpy() for name in dated.column_names})
        script = Path(__file__).with_name("peer_pyscisci.py")
        command = [python, str(script), str(refs), str(counts)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        with np.load(counts) as found:
            theirs = dict(zip(found["work_id"].tolist(), found["c_k"].tolist(), strict=True))
        for row in pq.read_table(folder / "impact.parquet").to_pylist():
            if row["c_k"] != theirs.get(row["work_id"], 0):
                raise SystemExit(f"pySciSci counts {theirs.get(row['work_id'])} for {row}")
        cpu, wall = (float(said[i]) / took[i] for i in (0, 1))
        print(f"impact with pySciSci: {cpu:.1f} times the processor time, {wall:.1f} of the wall")


def _results(name: str, made: Any) -> list[tuple[str, pa.Table]]:
    if name == EVERYTHING:
        return list(made.items())
    return [(name, made)] if name in KEYS else []


def show(times: Times, out: Console) -> None:
    """Print seconds of isthmus, and ratios of processor and of wall time to it."""
    labels = [label for label in times["shared"] if label != OURS]
    ratios = [f"{OURS} / {x}" if x in PARQUET else f"{x} / {OURS}" for x in labels]
    table = Table("step", "isthmus CPU s", *(f"{r}: CPU, wall" for r in ratios))
    for name, of in times.items():
        cells = [_cell(of[OURS], of[x], x in PARQUET) if x in of else "" for x in labels]
        table.add_row(name, f"{median(t[0] for t in of[OURS]):.3f}", *cells)
    out.print(table)


def _cell(ours: list[tuple[float, float]], theirs: list[tuple[float, float]], over: bool) -> str:
    cpu, wall = (median(t[i] for t in ours) / median(t[i] for t in theirs) for i in (0, 1))
    if not over:
        return f"{1 / cpu:.1f}, {1 / wall:.1f}"
    lowest = min(t[0] for t in ours) / min(t[0] for t in theirs)
    return f"{cpu:.2f} (of lowest {lowest:.2f}), {wall:.2f}"


def main() -> None:
    """Print one table of all steps and tools."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="a corpus, such as `isthmus simulate` writes")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--frame-repeats", type=int, default=1, help="of pandas and polars")
    parser.add_argument("--without", nargs="*", default=[], choices=list(TOOLS))
    parser.add_argument("--pyscisci", metavar="PYTHON", help="an interpreter that has pySciSci")
    parser.add_argument("--memory", default="4GB")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        bench = _Bench(options, Path(scratch))
        for turn in range(options.repeats):
            bench.steps(turn, frames=turn < options.frame_repeats)
            bench.programs(turn, frames=turn < options.frame_repeats)
        show(bench.times, Console(width=150))
        if options.pyscisci:
            bench.pyscisci(options.pyscisci)


if __name__ == "__main__":
    main()
