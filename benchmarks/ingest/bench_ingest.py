"""What `isthmus ingest` costs, beside DuckDB's SQL that does the same and another version.

The input is built from a file of OpenAlex works: its records over and over, each time under
new ids, until there are as many as asked for, as JSON lines and as Parquet. Every contender
runs in a process of its own; the table gives medians of CPU seconds and of the largest
resident memory, and ratios within one run. A folder of works, such as a simulated release
has, is read as it is; `--works` and `--form` then do not count. Unless the environment is to
be new, each contender runs once before, uncounted, so that what it compiles is there.
`plain.py` is the SQL: it reads, casts ids and takes lists apart into Parquet, but knows no
duplicates, merges, entities or bad records.
`--old` names the sources (the folder `src`) of another version to compare with; in "new
environment" runs its compiled code is thrown away before each.

Usage: python benchmarks/ingest/bench_ingest.py works.jsonl.gz --works 100000 --form parquet
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

OWN_ID = re.compile(rb'"id": ?"(https://openalex\.org/W)(\d+)"')
FIRST_NEW_ID = 8_000_000_000

RUN = {
    "isthmus": "from isthmus.ingest.ingest import ingest; ingest([{path!r}], {folder!r} + '/c')",
    "sql": (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from plain import read; "
        "from pathlib import Path; read(Path({path!r}), Path({folder!r}))"
    ),
    "old": "from isthmus.corpus.ingest import ingest; ingest([{path!r}], {folder!r} + '/c')",
}


def build_lines(source: Path, target: Path, n_works: int, bad_line: bool) -> None:
    """Write `n_works` works from those of `source`, one bad line in their middle if asked."""
    with gzip.open(source, "rb") as lines:
        originals = [line for line in lines if line.strip()]
    with gzip.open(target, "wb", compresslevel=2) as file:
        for number in range(n_works):
            line = originals[number % len(originals)]
            if number >= len(originals):
                new = b'"id": "https://openalex.org/W%d"' % (FIRST_NEW_ID + number)
                line = OWN_ID.sub(new, line, count=1)
            file.write(line)
            if bad_line and number == n_works // 2:
                file.write(b'{"id": "https://openalex.org/W1", "publication_year": 2\n')


def build_parquet(source: Path, target: Path, n_works: int) -> None:
    """Write `n_works` works from those of `source` with all their fields, in types of their own."""
    with duckdb.connect(config={"memory_limit": "3GB", "preserve_insertion_order": False}) as con:
        con.execute("SET enable_progress_bar = false")
        con.execute(
            "CREATE TABLE o AS SELECT *, row_number() OVER () - 1 AS k FROM read_json_auto(?, "
            "sample_size=-1, maximum_object_size=67108864)",
            [str(source)],
        )
        (n,) = con.execute("SELECT count(*) FROM o").fetchall()[0]
        score = "TRY_CAST(trim(CAST(c.score AS VARCHAR), chr(34)) AS DOUBLE)"
        concepts = f"list_transform(concepts, lambda c: {{'id': c.id, 'score': {score}}})"
        address = f"'https://openalex.org/W' || ({FIRST_NEW_ID} + r * {n} + k)"
        con.execute(
            f"COPY (SELECT * EXCLUDE (k, r) REPLACE ({concepts} AS concepts, CASE WHEN r = 0 THEN "
            f"id ELSE {address} END AS id) FROM o, range({-(-n_works // n)}) t(r) "
            f"WHERE r * {n} + k < {n_works}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, "
            "ROW_GROUP_SIZE 20000)"
        )


def run(
    name: str, path: Path, old: Path | None, cold: bool, work: Path | None
) -> tuple[float, float]:
    """Return CPU seconds and peak megabytes of one contender."""
    sources = old if name == "old" else Path(__file__).parents[2] / "src"
    environment = {**os.environ, "PYTHONPATH": str(sources)}
    with tempfile.TemporaryDirectory(dir=work) as folder:
        if cold:
            environment["NUMBA_CACHE_DIR"] = f"{folder}/numba"
            environment["PYTHONPYCACHEPREFIX"] = f"{folder}/pycache"
        code = RUN[name].format(path=str(path), folder=folder)
        process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"{name} ended with {status}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="file of OpenAlex works to build the input from")
    parser.add_argument("--works", type=int, nargs="+", default=[100_000])
    parser.add_argument("--form", choices=["lines", "parquet"], default="lines")
    parser.add_argument("--repeat", type=int, default=3, help="runs per contender")
    parser.add_argument("--old", type=Path, help="sources of another version")
    parser.add_argument("--cold", action="store_true", help="a new environment in every run")
    parser.add_argument("--bad-line", action="store_true", help="one bad line in the middle")
    parser.add_argument("--folder", type=Path, help="where to work")
    options = parser.parse_args()
    contenders = ["isthmus", "sql", *(["old"] if options.old else [])]
    if options.source.is_dir():
        compare(options.source, options.source.as_posix(), contenders, options)
        return
    for n_works in options.works:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            path = Path(folder, "works.parquet" if options.form == "parquet" else "works.jsonl.gz")
            if options.form == "parquet":
                build_parquet(options.source, path, n_works)
            else:
                build_lines(options.source, path, n_works, options.bad_line)
            compare(path, f"{n_works:,} works, {options.form}", contenders, options)


def compare(path: Path, title: str, contenders: list[str], options: argparse.Namespace) -> None:
    """Run the contenders in turn and print medians and ratios."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for number in range(options.repeat + (not options.cold)):
        for name in contenders:
            cost = run(name, path, options.old, options.cold, options.folder)
            if options.cold or number:
                found[name].append(cost)
    state = "new environment" if options.cold else "warm"
    print(f"{title}; {state}; {os.cpu_count()} cores; medians of {options.repeat}")
    ours = statistics.median(cpu for cpu, _ in found["isthmus"])
    for name, runs in found.items():
        cpu, peak = (statistics.median(column) for column in zip(*runs, strict=True))
        ratio = f"isthmus / it {ours / cpu:5.2f}"
        print(f"{name:10} CPU {cpu:8.2f} s   {ratio}   peak {peak:6,.0f} MB", flush=True)


if __name__ == "__main__":
    main()
