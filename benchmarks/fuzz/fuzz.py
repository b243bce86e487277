"""Fuzz every reader for a while, guided by coverage.

Needs `atheris`. Each reader runs in a process of its own that may use a gigabyte
and 20 seconds an input; a traceback, an input that takes longer, or more memory
ends it and is reported with the bytes that did it.

    python benchmarks/fuzz/fuzz.py --seconds 3600
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

READERS = ("lines", "gzip", "document", "parquet", "merged_ids", "mag", "study", "manifest")
READERS += ("answer",)

#: Modules whose branches guide the fuzzer. Geometry of boundaries is arithmetic on
#: arrays, reads no bytes, and every comparison that is followed costs memory for good.
FOLLOWED = ["isthmus.corpus", "isthmus.ingest", "isthmus.study"]
NOT_FOLLOWED = ["isthmus.corpus.boundaries"]

MEMORY_MB, INPUT_SECONDS, LONGEST_INPUT = 1024, 20, 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="seconds for each reader")
    parser.add_argument("--reader", choices=READERS, action="append", help="only this one")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"), help="for bad inputs")
    parser.add_argument("--inside", choices=READERS, help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.inside:
        inside(options.inside, rest)
        return
    options.keep.mkdir(parents=True, exist_ok=True)
    print(f"{'reader':12} {'inputs':>9} {'seconds':>8} {'peak MB':>8}  outcome")
    failed = [name for name in options.reader or READERS if not outside(name, options)]
    sys.exit(f"findings: {', '.join(failed)}" if failed else 0)


def outside(name: str, options: argparse.Namespace) -> bool:
    """Fuzz one reader in a process and print a line; say whether it ended well."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        command = [sys.executable, __file__, "--inside", name, folder]
        limits = [f"-max_total_time={options.seconds}", f"-rss_limit_mb={MEMORY_MB}"]
        limits += [f"-timeout={INPUT_SECONDS}", f"-max_len={LONGEST_INPUT}", "-print_final_stats=1"]
        limits.append(f"-artifact_prefix={options.keep.resolve()}/{name}-")
        done = subprocess.run([*command, *limits], capture_output=True, text=True, errors="replace")
    seconds = time.monotonic() - begin
    said = done.stderr + done.stdout
    runs = re.findall(r"stat::number_of_executed_units:\s+(\d+)", said) or ["?"]
    peak = re.findall(r"stat::peak_rss_mb:\s+(\d+)", said) or ["?"]
    good = done.returncode == 0
    print(
        f"{name:12} {runs[-1]:>9} {seconds:8.0f} {peak[-1]:>8}  "
        f"{'no finding' if good else f'FINDING (exit {done.returncode})'}",
        flush=True,
    )
    if not good:
        print("\n".join(said.splitlines()[-25:]))
    return good


def inside(name: str, arguments: list[str]) -> None:
    try:
        import atheris
    except ImportError:
        sys.exit("Fuzzing needs the package `atheris`: pip install atheris")
    with atheris.instrument_imports(include=FOLLOWED, exclude=NOT_FOLLOWED):
        from targets import TARGETS, seeds
    folder = Path(arguments[0])
    begin, work = folder / "seeds", folder / "work"
    begin.mkdir()
    work.mkdir()
    for number, seed in enumerate(seeds()[name]):
        (begin / str(number)).write_bytes(seed)
    target = TARGETS[name]
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    atheris.Setup([sys.argv[0], *arguments[1:], str(begin)], lambda data: target(work, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
