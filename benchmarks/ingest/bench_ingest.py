"""How fast `isthmus ingest` reads works, beside DuckDB's JSON reader and bare inflating.

The input is built from a file of OpenAlex works: its records over and over, each
time under new ids, until there are as many as asked for. Every contender runs in
a process of its own; the table gives medians, and ratios within one run. Memory is
the largest sum of proportional set sizes over the process and its children, watched
in a run that is not timed, for watching takes time.

Usage: python benchmarks/ingest/bench_ingest.py works.jsonl.gz --works 100000 400000
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from isal import igzip

OWN_ID = re.compile(rb'"id": ?"(https://openalex\.org/W)(\d+)"')
FIRST_NEW_ID = 8_000_000_000

AFFILIATION = (
    "STRUCT(id VARCHAR, display_name VARCHAR, ror VARCHAR, country_code VARCHAR, type VARCHAR)"
)
LABEL = "STRUCT(id VARCHAR, score VARCHAR)"
TOPIC = "STRUCT(id VARCHAR, score VARCHAR, subfield STRUCT(id VARCHAR), field STRUCT(id VARCHAR))"
VENUE = "STRUCT(id VARCHAR, display_name VARCHAR, type VARCHAR, issn_l VARCHAR)"
#: The fields that ingest reads, in DuckDB's words.
COLUMNS = {
    "id": "VARCHAR",
    "publication_year": "INTEGER",
    "publication_date": "VARCHAR",
    "updated_date": "VARCHAR",
    "type": "VARCHAR",
    "language": "VARCHAR",
    "title": "VARCHAR",
    "display_name": "VARCHAR",
    "doi": "VARCHAR",
    "cited_by_count": "BIGINT",
    "is_retracted": "BOOLEAN",
    "is_authors_truncated": "BOOLEAN",
    "authors_count": "INTEGER",
    "primary_location": f"STRUCT(source {VENUE})",
    "host_venue": VENUE,
    "authorships": (
        f"STRUCT(author STRUCT(id VARCHAR), institutions {AFFILIATION}[], "
        "countries VARCHAR[], is_corresponding BOOLEAN)[]"
    ),
    "referenced_works": "VARCHAR[]",
    "concepts": f"{LABEL}[]",
    "topics": f"{TOPIC}[]",
    "primary_topic": TOPIC,
}


def build(source: Path, target: Path, n_works: int) -> int:
    """Write `n_works` works from those of `source`; give the bytes of JSON."""
    opener = igzip.open if source.suffix == ".gz" else open
    with opener(source, "rb") as lines:
        originals = [line for line in lines if line.strip()]
    size = 0
    with igzip.open(target, "wb", compresslevel=2) as file:
        for number in range(n_works):
            line = originals[number % len(originals)]
            if number >= len(originals):
                new = b'"id": "https://openalex.org/W%d"' % (FIRST_NEW_ID + number)
                line = _with_id(line, new)
            size += len(line)
            file.write(line)
    return size


def _with_id(line: bytes, new: bytes) -> bytes:
    """Replace the record's own id, the only one of a work that is the value of a key."""
    return OWN_ID.sub(new, line, count=1)


def ingest(path: Path, folder: Path) -> None:
    from isthmus.ingest.ingest import ingest as read

    read([path], folder / "corpus", workers=2)


def duckdb_scan(path: Path, folder: Path) -> None:
    _duckdb("SELECT " + ", ".join(f"max(hash({c}))" for c in COLUMNS) + " FROM {}", path, folder)


def duckdb_parquet(path: Path, folder: Path) -> None:
    _duckdb(
        f"COPY (SELECT * FROM {{}}) TO '{folder}/works.parquet' (COMPRESSION zstd)", path, folder
    )


def _duckdb(query: str, path: Path, folder: Path) -> None:
    import duckdb

    columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    reader = (
        f"read_json('{path}', format='newline_delimited', columns={{{columns}}}, "
        "maximum_object_size=67108864)"
    )
    config = {"threads": 2, "temp_directory": str(folder), "preserve_insertion_order": False}
    with duckdb.connect(config=config) as connection:
        connection.execute(query.format(reader)).fetchall()


def inflate_isal(path: Path, folder: Path) -> None:
    with igzip.open(path, "rb") as file:
        while file.read(1 << 20):
            pass


def inflate_gzip(path: Path, folder: Path) -> None:
    with gzip.open(path, "rb") as file:
        while file.read(1 << 20):
            pass


CONTENDERS = {
    "isthmus ingest": ingest,
    "DuckDB read_json, read only": duckdb_scan,
    "DuckDB read_json to Parquet": duckdb_parquet,
    "inflating, ISA-L": inflate_isal,
    "inflating, Python gzip": inflate_gzip,
}


def run(name: str, path: Path, *, watch: bool) -> tuple[float, float, float]:
    """Give wall seconds, CPU seconds and, when it is watched, peak megabytes of one contender."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        words = [sys.executable, __file__, str(path), "--contender", name, "--folder", folder]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        begin = time.perf_counter()
        process = subprocess.Popen(words)
        peak = 0.0
        while watch and process.poll() is None:
            peak = max(peak, _tree_bytes(process.pid))
            time.sleep(0.05)
        process.wait()
        wall = time.perf_counter() - begin
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if process.returncode:
            raise SystemExit(f"{name} ended with {process.returncode}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, peak / 1e6


def _tree_bytes(pid: int) -> float:
    total = 0.0
    try:
        root = psutil.Process(pid)
        for process in [root, *root.children(recursive=True)]:
            total += process.memory_full_info().pss
    except (psutil.Error, OSError):
        pass
    return total


def table(
    n_works: int,
    size: int,
    results: dict[str, list[tuple[float, float, float]]],
    peaks: dict[str, float],
) -> None:
    """Print medians of one size, and ratios to ingest."""
    print(f"\n{n_works:,} works, {size / 1e6:,.0f} MB of JSON")
    head = ("", "works/s", "MB/s", "wall ratio", "CPU ratio", "peak MB")
    print(f"{head[0]:30}" + "".join(f"{word:>12}" for word in head[1:]))
    middle = {
        name: [statistics.median(column) for column in zip(*runs, strict=True)]
        for name, runs in results.items()
    }
    wall_0, cpu_0, _ = middle["isthmus ingest"]
    for name, (wall, cpu, _) in middle.items():
        row = f"{name:30}{n_works / wall:12,.0f}{size / 1e6 / wall:12,.0f}"
        print(f"{row}{wall / wall_0:12.2f}{cpu / cpu_0:12.2f}{peaks[name]:12,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="file of OpenAlex works to build the input from")
    parser.add_argument("--works", type=int, nargs="+", default=[100_000, 400_000])
    parser.add_argument("--repeat", type=int, default=3, help="runs per contender")
    parser.add_argument("--folder", type=Path, default=None, help="where to work")
    parser.add_argument("--only", nargs="+", default=list(CONTENDERS), choices=list(CONTENDERS))
    parser.add_argument("--contender", choices=list(CONTENDERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        CONTENDERS[options.contender](options.source, options.folder)
        return
    print(f"{os.cpu_count()} cores; medians of {options.repeat}")
    for n_works in options.works:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            path = Path(folder, "works.jsonl.gz")
            size = build(options.source, path, n_works)
            results: dict[str, list[tuple[float, float, float]]] = {n: [] for n in options.only}
            peaks = {name: run(name, path, watch=True)[2] for name in options.only}
            for _ in range(options.repeat):
                for name in options.only:
                    results[name].append(run(name, path, watch=False))
            table(n_works, size, results, peaks)


if __name__ == "__main__":
    main()
