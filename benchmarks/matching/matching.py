"""Coarsened exact matching side by side with R MatchIt, R cem and PyPI cem.

The same rows go to every program. R's packages cut them by their own rules, which
isthmus follows under their names; PyPI cem has no such rules and is given the codes. What
isthmus does is always the whole (match, weights, L1 before and after, balance), the peers
do what their line says: MatchIt has no L1, PyPI cem no balance.
CPU time of the matching calls alone, without reading the data; medians. Programs that
are not there are left out aloud. PyPI cem needs an old numpy: name a Python that has
it with ``--cem-python``.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from isthmus.stats import cem

MATCHIT = """
suppressMessages(library(MatchIt))
d <- read.csv("rows.csv", stringsAsFactors = TRUE); d$year <- factor(d$year)
for (i in seq_len(%(times)d)) {
  used <- system.time({
    m <- matchit(treated ~ age + cites + output + team + place + year, d, method = "cem")
    %(extra)s
  })
  cat(used[["user.self"]] + used[["sys.self"]], "\\n")
}
con <- file("weights.bin", "wb"); writeBin(as.numeric(m$weights), con); close(con)
"""

CEM_R = """
suppressMessages(library(cem))
d <- read.csv("rows.csv", stringsAsFactors = TRUE); d$year <- factor(d$year)
for (i in seq_len(%(times)d)) {
  used <- system.time({ m <- cem(treatment = "treated", data = d) })
  cat(used[["user.self"]] + used[["sys.self"]], "\\n")
}
con <- file("weights.bin", "wb"); writeBin(as.numeric(m$w), con); close(con)
"""

CEM_PY = """
import time, numpy as np, pandas as pd
from cem.match import match
from cem.imbalance import L1
d, bins = pd.read_csv("codes.csv"), pd.read_csv("bins.csv")
for _ in range(%(times)d):
    start = time.process_time()
    weights = match(d, "treated")
    %(extra)s
    print(time.process_time() - start, flush=True)
np.asarray(weights, dtype=float).tofile("weights.bin")
"""


def rows(n: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Six mixed covariates and a treatment that depends on some of them."""
    rng = np.random.default_rng(seed)
    covariates = {
        "age": np.round(np.clip(rng.normal(40, 12, n), 18, 90), 1),
        "cites": np.minimum(np.floor(rng.exponential(2, n)), 60.0),
        "output": np.minimum(np.floor(rng.gamma(2, 1, n)), 25.0),
        "team": rng.integers(1, 12, n).astype(float),
        "place": np.array([f"i{k:02d}" for k in np.minimum(rng.zipf(1.7, n), 8)], dtype=object),
        "year": np.array([str(y) for y in rng.integers(2015, 2019, n)], dtype=object),
    }
    chance = 0.05 + 0.15 * (covariates["age"] > 45) + 0.05 * (covariates["team"] > 6)
    return covariates, rng.random(n) < chance


def ours(covariates: dict[str, np.ndarray], treated: np.ndarray, convention: str, times: int):
    cem(covariates, treated, convention=convention)
    used = []
    for _ in range(times):
        start = time.process_time()
        matching = cem(covariates, treated, convention=convention)
        used.append(time.process_time() - start)
    return statistics.median(used), matching


def peer(folder: Path, call: list[str], script: str) -> tuple[float, np.ndarray] | None:
    """Median CPU time a peer prints, and the weights it writes; None when it cannot run."""
    (folder / "script").write_text(script)
    done = subprocess.run([*call, "script"], cwd=folder, capture_output=True, text=True)
    if done.returncode:
        print(f"left out: {' '.join(call)}: {done.stderr.strip().splitlines()[-1:]}")
        return None
    return statistics.median(map(float, done.stdout.split())), np.fromfile(folder / "weights.bin")


def write(folder: Path, covariates, treated, matching) -> None:
    names = list(covariates)
    flags = treated.astype(int)
    columns = [covariates[name].tolist() for name in names]
    with (folder / "rows.csv").open("w") as stream:
        stream.write(",".join(["treated", *names]) + "\n")
        for row in zip(flags.tolist(), *columns, strict=True):
            stream.write(",".join(map(str, row)) + "\n")
    for file, breaks in (("codes.csv", matching.breaks), ("bins.csv", matching.l1_breaks)):
        codes = [
            np.searchsorted(breaks[name][1:-1], covariates[name], side="left")
            if name in breaks
            else np.unique(covariates[name].astype(str), return_inverse=True)[1]
            for name in names
        ]
        header = ",".join(["treated", *names])
        table = np.column_stack([flags, *codes])
        np.savetxt(folder / file, table, fmt="%d", delimiter=",", header=header, comments="")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--times", type=int, default=5, help="runs of isthmus and MatchIt")
    parser.add_argument("--slow-times", type=int, default=1, help="runs of the slow peers")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cem-python", help="a Python with the package cem from PyPI")
    parser.add_argument("--cem-l1", action="store_true", help="its L1 too, which is slow")
    settings = parser.parse_args()

    covariates, treated = rows(settings.rows, settings.seed)
    as_matchit = ours(covariates, treated, "matchit", settings.times)
    as_cem = ours(covariates, treated, "cem", settings.times)
    counts = as_cem[1].counts
    print(f"{settings.rows} rows, {counts.strata} strata, {counts.treated_matched} treated matched")
    print("isthmus: match, weights, L1 before and after, balance; peers as named")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, covariates, treated, as_cem[1])
        fast, slow = settings.times, settings.slow_times
        peers = []
        if shutil.which("Rscript"):
            r = ["Rscript", "--vanilla"]
            matchit = MATCHIT % {"times": fast, "extra": ""}
            balanced = MATCHIT % {"times": fast, "extra": "s <- summary(m, pair.dist = FALSE)"}
            peers.append(("MatchIt, match and weights", r, matchit, as_matchit))
            peers.append(("MatchIt, and balance", r, balanced, as_matchit))
            peers.append(("R cem", r, CEM_R % {"times": slow}, as_cem))
        else:
            print("left out: Rscript is not installed")
        if settings.cem_python:
            python = [settings.cem_python]
            alone = CEM_PY % {"times": slow, "extra": ""}
            l1 = "L1(bins, 'treated'); L1(bins[weights > 0], 'treated', weights[weights > 0])"
            whole = CEM_PY % {"times": slow, "extra": l1}
            peers.append(("PyPI cem, match and weights", python, alone, as_cem))
            if settings.cem_l1:
                peers.append(("PyPI cem, and L1 twice", python, whole, as_cem))
        print(f"{'peer':32}{'CPU ratio':>12}{'largest weight difference':>28}")
        for label, call, script, (own, matching) in peers:
            found = peer(folder, call, script)
            if found:
                difference = np.abs(found[1] - matching.weight).max()
                print(f"{label:32}{found[0] / own:>12.1f}{difference:>28.1e}")


if __name__ == "__main__":
    main()
