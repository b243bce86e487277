"""Count citations within two years with pySciSci; run by an interpreter that has it.

Usage: peer_pyscisci.py REFERENCES.npz COUNTS.npz; prints processor and wall seconds
of `BibDataBase.compute_impact` alone, its references already in memory. The references are
those of the field with both years, and a work's references to itself are left out before.
"""

import sys
import time

import numpy as np
import pandas as pd
from pyscisci.database import BibDataBase

WINDOW = 2


class Held(BibDataBase):
    """A database whose references and years are in memory."""

    def __init__(self, dated):
        self.dated = dated

    @property
    def pub2ref(self):
        """Who cites whom."""
        names = {"citing_id": "CitingPublicationId", "cited_id": "CitedPublicationId"}
        return self.dated[list(names)].rename(columns=names)

    def load_pub2year(self):
        """Year of every work, as pySciSci keeps it: a dictionary."""
        ids = np.concatenate([self.dated["citing_id"], self.dated["cited_id"]])
        years = np.concatenate([self.dated["citing_year"], self.dated["cited_year"]])
        found, at = np.unique(ids, return_index=True)
        return dict(zip(found.tolist(), years[at].tolist(), strict=True))


def main(source, target):
    """Count and keep ``work_id`` and ``c_k`` of every work that is cited."""
    with np.load(source) as kept:
        dated = pd.DataFrame({name: kept[name] for name in kept.files})
    database = Held(dated[dated["citing_id"] != dated["cited_id"]])
    years = database.load_pub2year()
    database.load_pub2year = lambda: years
    began, wall = time.process_time(), time.perf_counter()
    made = database.compute_impact(preprocess=False, citation_horizons=[WINDOW], noselfcite=False)
    print(time.process_time() - began, time.perf_counter() - wall)
    np.savez(target, work_id=made["PublicationId"], c_k=made[f"C{WINDOW}"])


if __name__ == "__main__":
    main(*sys.argv[1:])
