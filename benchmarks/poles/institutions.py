"""Twenty thousand institutions: processor time and memory of what is computed of their ties.

Draws joint works of institutions of uneven size, most of them between the large ones, and
measures in turn: the table `linked_pairs` (every pair against the multi-edge null model, and
affinities of listed pairs), these affinities by themselves, the choice of the panel, and the
affinities of the `--most` largest.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pyarrow as pa

from isthmus.poles.layers import build_panel
from isthmus.poles.linked_pairs import linked_pairs
from isthmus.stats import affinity, sparse_affinity
from isthmus.study import Places
from isthmus.study.sections import Poles


def drawn(n: int, years: int, works: int, seed: int) -> pa.Table:
    """Joint works of a year and pair, drawn from sizes alone; `works` a year."""
    random = np.random.default_rng(seed)
    share = random.lognormal(sigma=1.5, size=n)
    codes = np.array([f"I{number}" for number in range(n)])
    parts = []
    for year in range(years):
        ends = np.sort(random.choice(n, size=(works, 2), p=share / share.sum()), axis=1)
        ends = ends[ends[:, 0] != ends[:, 1]]
        pairs, counts = np.unique(ends, axis=0, return_counts=True)
        columns = {"year": np.full(len(pairs), 2000 + year, np.int16)}
        columns |= {"source": codes[pairs[:, 0]], "target": codes[pairs[:, 1]]}
        parts.append(pa.table(columns | {"works_whole": counts.astype(np.int64)}))
    return pa.concat_tables(parts)


def main() -> None:
    """Print a line for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--institutions", type=int, default=20_000)
    parser.add_argument("--years", type=int, default=20)
    parser.add_argument("--works", type=int, default=200_000, help="joint works a year")
    parser.add_argument("--most", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    table = drawn(given.institutions, given.years, given.works, given.seed)
    ends = np.concatenate([table["source"].to_numpy(), table["target"].to_numpy()])
    print(f"{len(np.unique(ends)):,} institutions, {table.num_rows:,} rows of years and pairs")
    _said("drawn", 0.0)
    begun = time.process_time()
    listed = linked_pairs(table, Places(unit="institution"))
    _said(f"linked_pairs, {listed.num_rows:,} rows", begun)
    codes, places = np.unique(ends, return_inverse=True)
    works = table["works_whole"].to_numpy()
    begun = time.process_time()
    source, target = np.split(places, 2)
    asked = works >= Places().pair_works
    years = table["year"].to_numpy()
    found = sparse_affinity(years, source, target, works, len(codes), asked=asked)
    _said(f"their affinities, {np.isfinite(found.value).sum():,} known", begun)
    begun = time.process_time()
    panel = build_panel(table, None, Poles(min_works=0, most=given.most), ())
    _said(f"panel of {len(panel.countries)}", begun)
    begun = time.process_time()
    affinity(panel.layers[0].weights, directed=False)
    _said("affinities", begun)


def _said(what: str, begun: float) -> None:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{what}: {time.process_time() - begun:.1f} CPU seconds, so far {most:.2f} GB at most")


if __name__ == "__main__":
    main()
