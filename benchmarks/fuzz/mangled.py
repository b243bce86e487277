"""Ingest thousands of mangled files and check that every record is accounted for.

    python benchmarks/fuzz/mangled.py --files 10000

Bytes of good files of works (JSON lines, gzip, JSON arrays) are flipped, cut,
doubled and mixed, from a seed. The corpus must verify: records read equal those
kept, superseded, merged away and rejected.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

from isthmus.corpus.verify import verify
from isthmus.ingest.ingest import ingest

NASTY = (b"\r", b"\n", b"\xff", b"\0", b'"', b"{", b"]", b"\\", b"1e999", b"null", b"\x1f\x8b")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "in", options.files, rng)
        begin = time.process_time()
        corpus = ingest([folder / "in"], folder / "corpus", workers=1)
        seconds = time.process_time() - begin
        found = verify(corpus.path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"files {options.files}, records read {found.notes['records_read']}")
    print(f"works kept {found.rows['works']}, notes {found.notes}")
    print(f"rejected {found.rejected}")
    print(f"{seconds * 1000 / options.files:.2f} ms of CPU a file, peak memory {peak:.0f} MB")
    print("\n".join(found.problems) or "every record is accounted for")
    sys.exit(bool(found.problems))


def write(folder: Path, n_files: int, rng: random.Random) -> None:
    """Write files of five works each, all mangled but for one in ten."""
    for number in range(n_files):
        works = [work(rng) for _ in range(5)]
        kind = rng.randrange(3)
        data = b"\n".join(works) + b"\n"
        if kind == 1:
            data = b"[" + b",\n".join(works) + b"]"
        if rng.random() < 0.9 and kind != 2:
            data = mangled(data, rng)
        if kind == 2:
            data = gzip.compress(data, mtime=0)
            data = mangled(data, rng) if rng.random() < 0.5 else data
        target = (
            folder
            / f"{number // 1000:03d}"
            / f"{number:06d}{('.jsonl', '.json', '.jsonl.gz')[kind]}"
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def work(rng: random.Random) -> bytes:
    """A work of few fields, one of a hundred thousand."""
    home = "https://openalex.org/"
    record = {
        "id": f"{home}W{rng.randrange(1, 100_000)}",
        "publication_year": rng.randrange(1990, 2025),
        "title": "Title é",
        "authorships": [
            {
                "author": {"id": f"{home}A{rng.randrange(1, 999)}"},
                "institutions": [{"id": f"{home}I1", "country_code": "US"}],
            }
        ],
        "referenced_works": [f"{home}W{rng.randrange(1, 100_000)}"],
        "updated_date": "2024-01-01",
    }
    return json.dumps(record, ensure_ascii=False).encode()


def mangled(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, double or replace some pieces."""
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(changed) + 1)
        to = min(at + rng.randrange(1, 60), len(changed))
        kind = rng.randrange(4)
        if kind == 0:
            changed[at:to] = rng.randbytes(rng.randrange(1, 6))
        elif kind == 1:
            del changed[at : to if rng.random() < 0.8 else len(changed)]
        elif kind == 2:
            changed[at:to] = bytes(changed[at:to]) * 2
        else:
            changed[at:to] = rng.choice(NASTY)
    return bytes(changed)


if __name__ == "__main__":
    main()
