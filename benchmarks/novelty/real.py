"""Rank correlation with pySciSci on real references, by number of its draws.

``--data`` is a folder with ``papers.csv`` (id, year, venue) and ``citations.csv``
(citing, cited), as the ACL Anthology Network comes.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
from compare import peer, quality


def read(folder: Path) -> tuple[np.ndarray, ...]:
    """Paper, citing year, venue and cited year of every reference between known papers."""
    with (folder / "papers.csv").open(encoding="utf-8") as stream:
        papers = list(csv.DictReader(stream))
    number = {row["id"]: k for k, row in enumerate(papers)}
    names = {name: k for k, name in enumerate(sorted({row["venue"] for row in papers}))}
    with (folder / "citations.csv").open(encoding="utf-8") as stream:
        ends = {(row["citing"], row["cited"]) for row in csv.DictReader(stream)}
    known = sorted((number[a], number[b]) for a, b in ends if a in number and b in number)
    citing, cited = np.array(known).T
    year = np.array([int(row["year"]) for row in papers])
    venue = np.array([names[row["venue"]] for row in papers])
    return citing, year[citing], venue[cited], year[cited]


def main() -> None:
    """Compare at each number of draws."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--data", type=Path, required=True)
    parse.add_argument("--peers", default=sys.executable, help="interpreter that has pySciSci")
    parse.add_argument("--samples", type=int, nargs="+", default=[10, 100])
    asked = parse.parse_args()
    data = read(asked.data)
    print(f"{np.unique(data[0]).size:,} papers, {data[0].size:,} references")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "references.npz"), Path(folder, "scores.npz")
        np.savez(source, **dict(zip(("paper", "year", "venue", "cited"), data, strict=True)))
        for samples in asked.samples:
            peer("peer_pyscisci.py", asked.peers, source, target, samples)
            print(f"{samples} draws: {quality(data, target)}")


if __name__ == "__main__":
    main()
