"""Relational steps of a study beside hand-written DuckDB SQL, pandas and polars.

The same corpus of Parquet goes to every tool. SQL stands beside each relational step,
reads the same tables and writes the same intermediate ones; pandas and polars count papers
and make both country networks from the corpus, each with the code a user would write
(whole columns read, merges, group-bys). Before a time counts, results are compared, counts
exactly and fractions to 1e-9. Tools alternate in one process with two threads; given are
medians of processor time, and what each takes as a multiple of isthmus. Novelty, matching
and the pole analysis are kernels with benchmarks of their own.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("POLARS_MAX_THREADS", "2")

import duckdb
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import open_corpus
from isthmus.engine import DuckDBEngine
from isthmus.field import reference_tally
from isthmus.leadership.country_year import Leaders
from isthmus.leadership.coverage import coverage
from isthmus.leadership.impact import impact_by_country
from isthmus.leadership.output import papers_by_country
from isthmus.poles.networks import citation, collaboration
from isthmus.study import Study
from isthmus.tables import StudyTables

YEARS = (1998, 2021)
SUBFIELD = 1702
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
    """The same in SQL, as an experienced user of DuckDB writes it."""

    def __init__(self, corpus: Path, folder: Path, memory: str) -> None:
        settings = {"memory_limit": memory, "threads": 2, "preserve_insertion_order": False}
        self.folder = folder
        self.db = duckdb.connect(":memory:", config=settings)
        self.db.sql(f"SET temp_directory = '{folder / 'spill'}'")
        for name in TABLES:
            parts = [str(part) for part in open_corpus(corpus).parts(name)]
            if parts:
                view = "refs" if name == "references" else name
                self.db.read_parquet(parts).create_view(view)

    def keep(self, name: str, query: str) -> None:
        path = self.folder / f"{name}.parquet"
        self.db.execute(f"COPY ({query}) TO '{path}' (COMPRESSION zstd)")
        self.db.read_parquet(str(path)).create_view(name)

    def table(self, query: str) -> pa.Table:
        return self.db.sql(query).to_arrow_table()

    def shared(self) -> None:
        for name, query in SHARED.items():
            self.keep(name, query)

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


class _Pandas:
    """Counts and networks in pandas, from the corpus."""

    def __init__(self, corpus: Path) -> None:
        self.corpus = corpus

    def read(self, name: str, columns: list[str]) -> Any:
        import pandas as pd

        return pd.read_parquet(self.corpus / name, columns=columns)

    @cached_property
    def field(self) -> Any:
        works = self.read("works", ["work_id", "year"])
        subjects = self.read("subjects", ["work_id", "scheme", "subject_id"])
        chosen = subjects[(subjects.scheme == "subfield") & (subjects.subject_id == SUBFIELD)]
        return works[works.work_id.isin(chosen.work_id)]

    @cached_property
    def placed(self) -> Any:
        return self.read("affiliations", ["work_id", "position", "country"]).dropna()

    def with_n(self, pairs: Any) -> Any:
        pairs = pairs[["work_id", "country"]].drop_duplicates()
        return pairs.assign(n=pairs.groupby("work_id").country.transform("size"))

    @cached_property
    def countries(self) -> Any:
        return self.with_n(self.placed)

    def papers(self) -> pa.Table:
        authorships = self.read("authorships", ["work_id", "position", "is_last"])
        last = authorships[authorships.is_last][["work_id", "position"]]
        deciding = self.with_n(self.placed.merge(last, on=["work_id", "position"]))
        field = self.field[self.field.year.between(*YEARS)]
        rows = field.merge(deciding, on="work_id").assign(fraction=lambda r: 1 / r.n)
        made = rows.groupby(["year", "country"]).agg(
            papers=("work_id", "size"), fractional=("fraction", "sum")
        )
        return pa.Table.from_pandas(made.reset_index(), preserve_index=False)

    def collaboration(self) -> pa.Table:
        several = self.countries[self.countries.n > 1]
        pairs = several.merge(several[["work_id", "country"]], on="work_id", suffixes=("", "_b"))
        pairs = pairs[pairs.country < pairs.country_b]
        field = self.field[self.field.year.between(*YEARS)]
        pairs = pairs.merge(field, on="work_id")
        pairs = pairs.merge(self.read("works", ["work_id", "n_authors"]), on="work_id")
        pairs = pairs.assign(share=2 / (pairs.n * (pairs.n - 1)), alone=pairs.n_authors == 1)
        pairs = pairs.rename(columns={"country": "source", "country_b": "target"})
        made = pairs.groupby(["year", "source", "target"]).agg(
            works_whole=("work_id", "size"),
            works_fractional=("share", "sum"),
            works_single_author=("alone", "sum"),
        )
        return pa.Table.from_pandas(made.reset_index(), preserve_index=False)

    def citation(self) -> pa.Table:
        refs = self.read("references", ["citing_id", "cited_id"])
        works = self.read("works", ["work_id", "year"])
        cited = self.field.rename(columns={"work_id": "cited_id", "year": "cited_year"})
        citing = works.rename(columns={"work_id": "citing_id"})
        rows = refs.merge(cited, on="cited_id").merge(citing, on="citing_id")
        rows = rows[(rows.citing_id != rows.cited_id) & (rows.cited_year <= rows.year)]
        rows = rows[rows.year.between(*YEARS)]
        a = self.countries.rename(columns={"work_id": "citing_id", "country": "source"})
        b = self.countries.rename(columns={"work_id": "cited_id", "country": "target"})
        rows = rows.merge(a, on="citing_id").merge(b, on="cited_id", suffixes=("", "_b"))
        rows = rows.assign(share=1 / (rows.n * rows.n_b))
        made = rows.groupby(["year", "source", "target"]).agg(
            citations_whole=("share", "size"), citations_fractional=("share", "sum")
        )
        return pa.Table.from_pandas(made.reset_index(), preserve_index=False)


class _Polars:
    """Counts and networks in polars, lazily, from the corpus."""

    def __init__(self, corpus: Path) -> None:
        import polars

        self.pl, self.corpus = polars, corpus

    def scan(self, name: str) -> Any:
        return self.pl.scan_parquet(self.corpus / name / "*.parquet")

    @property
    def field(self) -> Any:
        c = self.pl.col
        chosen = self.scan("subjects").filter(
            c("scheme") == "subfield", c("subject_id") == SUBFIELD
        )
        return self.scan("works").select("work_id", "year").join(chosen, on="work_id", how="semi")

    def with_n(self, pairs: Any) -> Any:
        pairs = pairs.select("work_id", "country").unique()
        return pairs.join(pairs.group_by("work_id").agg(n=self.pl.len()), on="work_id")

    @property
    def placed(self) -> Any:
        named = self.scan("affiliations").select("work_id", "position", "country")
        return named.filter(self.pl.col("country").is_not_null())

    @property
    def recent(self) -> Any:
        return self.field.filter(self.pl.col("year").is_between(*YEARS))

    def papers(self) -> pa.Table:
        last = self.scan("authorships").filter(self.pl.col("is_last"))
        last = last.select("work_id", "position")
        deciding = self.with_n(self.placed.join(last, on=["work_id", "position"], how="semi"))
        rows = self.recent.join(deciding, on="work_id").group_by("year", "country")
        return rows.agg(papers=self.pl.len(), fractional=(1 / self.pl.col("n")).sum()).collect(
        ).to_arrow()  # fmt: skip

    def collaboration(self) -> pa.Table:
        c = self.pl.col
        several = self.with_n(self.placed).filter(c("n") > 1)
        pairs = several.rename({"country": "source"}).join(
            several.select("work_id", target="country"), on="work_id"
        )
        authors = self.scan("works").select("work_id", "n_authors")
        pairs = pairs.filter(c("source") < c("target")).join(self.recent, on="work_id")
        n = c("n").cast(self.pl.Float64)
        made = pairs.join(authors, on="work_id").group_by("year", "source", "target")
        return made.agg(
            works_whole=self.pl.len(),
            works_fractional=(2 / (n * (n - 1))).sum(),
            works_single_author=(c("n_authors") == 1).sum(),
        ).collect().to_arrow()  # fmt: skip

    def citation(self) -> pa.Table:
        c = self.pl.col
        cited = self.field.select(cited_id="work_id", cited_year="year")
        citing = self.scan("works").select("year", citing_id="work_id")
        refs = self.scan("references").select("citing_id", "cited_id")
        rows = refs.join(cited, on="cited_id").join(citing, on="citing_id")
        counts = (c("citing_id") != c("cited_id")) & (c("cited_year") <= c("year"))
        rows = rows.filter(counts & c("year").is_between(*YEARS))
        of = self.with_n(self.placed)
        rows = rows.join(of.select("n", citing_id="work_id", source="country"), on="citing_id")
        rows = rows.join(of.select(cited_id="work_id", target="country", m="n"), on="cited_id")
        share = 1 / (c("n").cast(self.pl.Float64) * c("m"))
        made = rows.group_by("year", "source", "target")
        return made.agg(citations_whole=self.pl.len(), citations_fractional=share.sum()).collect(
        ).to_arrow()  # fmt: skip


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


def spent(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Processor and wall seconds of some work, and what it gives."""
    began, wall = time.process_time(), time.perf_counter()
    made = work()
    return time.process_time() - began, time.perf_counter() - wall, made


def beside_sql(corpus: Path, folder: Path, repeats: int, memory: str) -> dict[str, list[Any]]:
    """Give processor and wall seconds of isthmus and of SQL for each step."""
    times: dict[str, list[Any]] = {name: [] for name in ("shared", *KEYS)}
    for repeat in range(repeats):
        made: dict[str, list[Any]] = {name: [] for name in times}
        tools = [("ours", _Isthmus), ("theirs", _Sql)]
        pair = {}
        for label, tool in tools:
            to = folder / f"{label}-{repeat}"
            to.mkdir()
            pair[label] = tool(corpus, to, memory)
        for name in times:
            order = ("ours", "theirs") if repeat % 2 else ("theirs", "ours")
            found = {label: spent(getattr(pair[label], name)) for label in order}
            made[name] = [found["ours"], found["theirs"]]
            if name in KEYS:
                same(name, found["ours"][2], found["theirs"][2])
            times[name].append([one[:2] for one in made[name]])
    return times


def beside_frames(corpus: Path, folder: Path, repeats: int, memory: str) -> dict[str, Any]:
    """Give processor seconds of isthmus, pandas and polars, each from the corpus."""
    names = ("papers", "collaboration", "citation")
    frames: dict[str, Callable[[], Any]] = {"pandas": lambda: _Pandas(corpus)}
    try:
        _Polars(corpus)
        frames["polars"] = lambda: _Polars(corpus)
    except ImportError:
        print("polars is not installed and left out")
    times: dict[str, Any] = {name: {"isthmus": []} | {f: [] for f in frames} for name in names}
    for repeat in range(repeats):
        for name in names:
            to = folder / f"alone-{name}-{repeat}"
            to.mkdir()
            ours = spent(getattr(_Isthmus(corpus, to, memory), name))
            times[name]["isthmus"].append(ours[:2])
            for label, tool in frames.items():
                theirs = spent(getattr(tool(), name))
                same(name, ours[2], theirs[2])
                times[name][label].append(theirs[:2])
    return times


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="a corpus, such as `isthmus simulate` writes")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--frame-repeats", type=int, default=1, help="of pandas and polars")
    parser.add_argument("--memory", default="4GB")
    options = parser.parse_args()
    out = Console(width=120)
    with tempfile.TemporaryDirectory() as scratch:
        found = beside_sql(options.corpus, Path(scratch), options.repeats, options.memory)
        table = Table("step", "isthmus CPU s", "SQL CPU s", "isthmus / SQL", "wall", "lowest CPU")
        for name, pairs in found.items():
            ours, theirs = ([p[i][0] for p in pairs] for i in (0, 1))
            wall = median(p[0][1] for p in pairs) / median(p[1][1] for p in pairs)
            low = min(ours) / min(theirs)
            values = (f"{median(ours):.2f}", f"{median(theirs):.2f}")
            ratio = median(ours) / median(theirs)
            table.add_row(name, *values, f"{ratio:.2f}", f"{wall:.2f}", f"{low:.2f}")
        totals = [sum(median(p[i][0] for p in pairs) for pairs in found.values()) for i in (0, 1)]
        ratio = totals[0] / totals[1]
        table.add_row("all", f"{totals[0]:.2f}", f"{totals[1]:.2f}", f"{ratio:.2f}")
        out.print(table)
        frames = beside_frames(options.corpus, Path(scratch), options.frame_repeats, options.memory)
        table = Table("from the corpus to", "tool", "CPU / isthmus", "wall / isthmus")
        for name, of in frames.items():
            for tool in [t for t in of if t != "isthmus"]:
                cpu, wall = (
                    median(t[i] for t in of[tool]) / median(t[i] for t in of["isthmus"])
                    for i in (0, 1)
                )
                table.add_row(name, tool, f"{cpu:.1f}", f"{wall:.1f}")
        out.print(table)


if __name__ == "__main__":
    main()
