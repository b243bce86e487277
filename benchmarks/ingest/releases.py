"""What an update to a newer release costs, beside reading that release into an empty folder.

Three releases of a snapshot are built from a file of OpenAlex works, its records over and
over under new ids: files by day of change, of which each release changes the newest. A
twentieth of the works changes (and moves to a new file), some are added, one is deleted
and an author is merged. Updated one after another they must give the corpus of the last
release alone, to the byte; the ratio is of CPU and wall time of the last step, medians.

Usage: python benchmarks/ingest/releases.py works.jsonl.gz --works 100000
"""

from __future__ import annotations

import argparse
import filecmp
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from isal import igzip

OWN_ID = re.compile(rb'"id": ?"https://openalex\.org/W\d+"')
FIRST_ID = 8_000_000_000
FILES = 20


def line(originals: list[bytes], number: int, version: int) -> bytes:
    """Give a record under an id of its own; another version is another record under that id."""
    text = originals[(number + 17 * version) % len(originals)]
    return OWN_ID.sub(b'"id": "https://openalex.org/W%d"' % (FIRST_ID + number), text, count=1)


def write(folder: Path, originals: list[bytes], files: dict[str, list[tuple[int, int]]]) -> None:
    """Write a release: works as (number, version) by name of the file."""
    for name, works in files.items():
        path = folder / "works" / f"updated_date={name}" / "part_000.gz"
        path.parent.mkdir(parents=True)
        lines = b"".join(line(originals, number, version) for number, version in works)
        path.write_bytes(igzip.compress(lines, 2, mtime=0))


def build(source: Path, root: Path, n_works: int) -> list[Path]:
    """Write three releases and give their folders."""
    with igzip.open(source, "rb") as lines:
        originals = [text for text in lines if text.strip()]
    size = n_works // FILES
    files = {f"2025-01-{day + 1:02d}": [(n + day * size, 0) for n in range(size)]
             for day in range(FILES)}  # fmt: skip
    folders = []
    for release in range(3):
        folder = root / f"release-{release}"
        if release:
            newest = list(files)[-1]
            moved = files.pop(newest)[1:]
            new = [(n_works * (1 + release) + n, 0) for n in range(size // 20)]
            day = f"2025-02-{release:02d}"
            files[day] = [(number, version + 1) for number, version in moved] + new
            merged = folder / "merged_ids" / "works" / f"{day}.csv"
            merged.parent.mkdir(parents=True)
            gone = f"{day},W{FIRST_ID + moved[0][0]},W4285719527"
            merged.write_text(f"merge_date,id,merge_into_id\n{gone}\n")
            files[day] = files[day][1:]
        write(folder, originals, files)
        folders.append(folder)
    return folders


def timed(words: list[str]) -> tuple[float, float]:
    """Run a command; give CPU and wall seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def same(one: Path, other: Path) -> bool:
    """Say whether two corpora hold the same bytes, but for what is kept for later."""
    files = [
        {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
        for root in (one, other)
    ]
    files = [{name for name in names if name.parts[0] != "kept"} for names in files]
    return files[0] == files[1] and all(
        filecmp.cmp(one / name, other / name, shallow=False) for name in files[0]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="file of OpenAlex works to build from")
    parser.add_argument("--works", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    ingest = [sys.executable, "-m", "isthmus", "ingest"]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        folders = build(options.source, root, options.works)
        alone, updated, saved = root / "alone", root / "updated", root / "saved"
        results: dict[str, list[tuple[float, float]]] = {"alone": [], "update": []}
        timed([*ingest, str(folders[0]), "--to", str(saved), "--keep"])
        timed([*ingest, str(folders[1]), "--to", str(saved), "--update"])
        for _ in range(options.repeat):
            shutil.rmtree(alone, ignore_errors=True)
            shutil.rmtree(updated, ignore_errors=True)
            shutil.copytree(saved, updated)
            results["alone"].append(timed([*ingest, str(folders[2]), "--to", str(alone)]))
            to = ["--to", str(updated), "--update"]
            results["update"].append(timed([*ingest, str(folders[2]), *to]))
        if not same(alone, updated):
            raise SystemExit("the updated corpus is not that of the last release alone")
    cpu, wall = (
        statistics.median(run[k] for run in results["update"])
        / statistics.median(run[k] for run in results["alone"])
        for k in (0, 1)
    )
    print(f"{options.works:,} works, {os.cpu_count()} cores, medians of {options.repeat}")
    print(f"update / alone: CPU {cpu:.2f}, wall {wall:.2f}; same bytes")


if __name__ == "__main__":
    main()
