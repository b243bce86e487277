"""Rank correlation with pySciSci by number of its draws, on references of real or planted works.

``--data`` is a folder with ``papers.csv`` (id, year, venue) and ``citations.csv``
(citing, cited), as the ACL Anthology Network comes; ``--world`` simulates a world
of so many works instead. pySciSci's draws are seeded, and each number of draws is
run once; isthmus has no draws.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from pathlib import Path

import numpy as np
from compare import peer, quality

from isthmus.corpus.store import open_corpus
from isthmus.simulation.simulate import simulate_world

References = tuple[np.ndarray, ...]


def read(folder: Path) -> References:
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


def simulated(works: int, seed: int) -> References:
    """Paper, citing year, venue and cited year of every reference of a simulated world."""
    with tempfile.TemporaryDirectory() as folder:
        simulate_world(Path(folder, "corpus"), works=works, seed=seed)
        corpus = open_corpus(Path(folder, "corpus"))
        work, reference = corpus.read("works"), corpus.read("references")
    order = np.argsort(work["work_id"].to_numpy())
    ids = work["work_id"].to_numpy()[order]
    year = work["year"].to_numpy().astype(np.int64)[order]
    venue = work["venue_id"].fill_null(-1).to_numpy().astype(np.int64)[order]
    citing = np.searchsorted(ids, reference["citing_id"].to_numpy())
    cited = np.searchsorted(ids, reference["cited_id"].to_numpy())
    known = (venue[cited] >= 0) & (year[cited] <= year[citing]) & (citing != cited)
    citing, cited = citing[known], cited[known]
    return citing, year[citing], venue[cited], year[cited]


def some(data: References, papers: int, seed: int) -> References:
    """References of so many citing papers, drawn at random; all when there are fewer."""
    citing = np.unique(data[0])
    drawn = np.random.default_rng(seed).permutation(citing)[: papers or None]
    kept = np.isin(data[0], drawn)
    return tuple(column[kept] for column in data)


def main() -> None:
    """Compare at each number of draws."""
    parse = argparse.ArgumentParser(description=__doc__)
    what = parse.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path)
    what.add_argument("--world", type=int, metavar="WORKS")
    parse.add_argument("--papers", type=int, default=10_000, help="citing papers; 0: all")
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--peers", default=sys.executable, help="interpreter that has pySciSci")
    parse.add_argument("--samples", type=int, nargs="+", default=[10, 30, 100])
    asked = parse.parse_args()
    whole = read(asked.data) if asked.data else simulated(asked.world, asked.seed)
    data = some(whole, asked.papers, asked.seed)
    print(f"{np.unique(data[0]).size:,} papers, {data[0].size:,} references", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "references.npz"), Path(folder, "scores.npz")
        np.savez(source, **dict(zip(("paper", "year", "venue", "cited"), data, strict=True)))
        for samples in asked.samples:
            peer("peer_pyscisci.py", asked.peers, source, target, samples)
            print(f"{samples} draws: {quality(data, target)}", flush=True)


if __name__ == "__main__":
    main()
