"""Time novelpy's sampling and moments on one citing year; run by the peers' interpreter.

Reading, z and percentiles are left out, which favours novelpy.

Usage: peer_novelpy.py REFERENCES.npz FOLDER SAMPLES SEED; prints CPU seconds.
"""

import contextlib
import random
import sys
import time
from pathlib import Path

import numpy as np
from novelpy.indicators.Uzzi2013 import (
    get_adjacency_matrix,
    get_comb_mean_sd,
    get_unique_value_used,
    shuffle_network,
)


def main(source, folder, samples, seed):
    """Sample the null and take the moments of every pair."""
    with np.load(source) as kept:
        paper, venue, cited = kept["paper"], kept["venue"], kept["cited"]
    items = {}
    for p, v, c in zip(paper.tolist(), venue.tolist(), cited.tolist(), strict=True):
        items.setdefault(p, []).append({"item": v, "year": c})
    index = {v: k for k, v in enumerate(sorted(set(venue.tolist())))}
    random.seed(int(seed))
    Path(folder, "iteration").mkdir(parents=True)
    start = time.process_time()
    with Path("/dev/null").open("w") as quiet, contextlib.redirect_stdout(quiet):
        drawn = [
            get_adjacency_matrix(index, shuffle_network(items), False, True)
            for _ in range(int(samples))
        ]
        get_comb_mean_sd(folder, drawn, get_unique_value_used(drawn), "venues", 2010)
    print(time.process_time() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
