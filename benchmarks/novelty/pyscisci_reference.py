"""Make the scores of pySciSci that the tests compare with.

Run by isthmus' interpreter, with ``--peers`` the interpreter that has pySciSci:
simulated references and pySciSci's scores of them go to one small file.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from compare import peer
from references import simulate


def main() -> None:
    """Simulate, score, and keep both."""
    parse = argparse.ArgumentParser(description=__doc__)
    parse.add_argument("--peers", default=sys.executable, help="interpreter that has pySciSci")
    parse.add_argument("--to", type=Path, required=True, help="file to write (.npz)")
    parse.add_argument("--papers", type=int, default=1500)
    parse.add_argument("--samples", type=int, default=200)
    asked = parse.parse_args()
    data = simulate(asked.papers, length=10, venues=200, years=2, seed=11)
    names = ("paper", "year", "venue", "cited")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "references.npz"), Path(folder, "scores.npz")
        np.savez(source, **dict(zip(names, data, strict=True)))
        peer("peer_pyscisci.py", asked.peers, source, target, asked.samples)
        with np.load(target) as scores:
            kept = {
                "paper": scores["paper"].astype(np.int32),
                "novelty": scores["novelty"],
                "conventionality": scores["conventionality"],
            }
    for name, column in zip(names, data, strict=True):
        kept[f"ref_{name}"] = column.astype(np.int16)
    np.savez_compressed(asked.to, **kept, samples=asked.samples)


if __name__ == "__main__":
    main()
