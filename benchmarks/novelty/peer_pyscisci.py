"""Score references with pySciSci; run by the peers' interpreter, not by isthmus'.

Usage: peer_pyscisci.py REFERENCES.npz SCORES.npz SAMPLES SEED; prints CPU seconds.
"""

import sys
import time

import numpy as np
import pandas as pd
from pyscisci.methods.novelty import novelty_conventionality


def tables(paper, year, venue, cited):
    """Make pySciSci's tables, with one cited publication per venue and year."""
    first = int(paper.max()) + 1
    works, cited_id = np.unique(np.stack([venue, cited]), axis=1, return_inverse=True)
    cited_id = cited_id.ravel() + first
    ids, at = np.unique(paper, return_index=True)
    pub = pd.DataFrame(
        {
            "PublicationId": np.concatenate([ids, first + np.arange(works.shape[1])]),
            "Year": np.concatenate([year[at], works[1]]),
            "JournalId": np.concatenate([np.full(ids.size, venue[0]), works[0]]),
        }
    )
    return pub, pd.DataFrame({"CitingPublicationId": paper, "CitedPublicationId": cited_id})


def main(source, target, samples, seed):
    """Score and keep paper, novelty and conventionality."""
    with np.load(source) as kept:
        pub, pub2ref = tables(kept["paper"], kept["year"], kept["venue"], kept["cited"])
    np.random.seed(int(seed))  # noqa: NPY002 - the generator pySciSci draws from
    start = time.process_time()
    scores = novelty_conventionality(pub, pub2ref, n_samples=int(samples))
    print(time.process_time() - start)
    scores = scores.sort_values("PublicationId")
    np.savez_compressed(
        target,
        paper=scores["PublicationId"].to_numpy(np.int64),
        novelty=scores["NoveltyScore"].to_numpy(float),
        conventionality=scores["ConventionalityScore"].to_numpy(float),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
