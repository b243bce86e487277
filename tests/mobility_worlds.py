"""Random corpora with dates and ORCIDs, and the movers of a study on them, for tests."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

import recount_mobility as recount
from isthmus.corpus.store import Corpus, CorpusWriter, open_corpus
from isthmus.engine import DuckDBEngine
from isthmus.leadership.country_year import Leaders
from isthmus.mobility.movers import Movers
from isthmus.selection.study_tables import StudyTables
from isthmus.study import Study
from recount import Work
from recount_mobility import Rules
from tiny import corpus_tables, random_works

YEARS = (2001, 2007)
FIELD = {"subfields": [1702]}
ORCIDS = set(range(1, 41, 2))


def random_dates(works: dict[int, Work], seed: int) -> recount.Dates:
    """Few days, some missing, so that later papers are often decided by the work's id."""
    rng = np.random.default_rng(seed)
    return {
        w.id: None
        if rng.random() < 0.2
        else date(w.year, 1, 1) + timedelta(days=int(rng.integers(3)))
        for w in works.values()
    }


def write_dated(works: dict[int, Work], dates: recount.Dates, path: Path) -> Corpus:
    """Write works with dates, and authors of whom every other one has an ORCID."""
    tables = corpus_tables(works)
    dated = pa.array([dates[w] for w in tables["works"]["work_id"].to_pylist()], pa.date32())
    where = tables["works"].schema.get_field_index("date")
    tables["works"] = tables["works"].set_column(where, "date", dated)
    rows = [
        {"author_id": i, "orcid": f"0000-{i:04}" if i in ORCIDS else None} for i in range(1, 41)
    ]
    tables["authors"] = pa.Table.from_pylist(rows, schema=tables["authors"].schema)
    with CorpusWriter(path, source="random") as writer:
        for name, table in tables.items():
            writer.write(name, table)
    return open_corpus(path)


def movers_of(
    corpus: Corpus, folder: Path, years: tuple[int, int] = YEARS, **sections: dict
) -> Movers:
    about = {"corpus": str(corpus.path), "years": list(years)}
    study = Study.parse({"study": about, **sections})
    folder.mkdir(parents=True, exist_ok=True)
    tables = StudyTables(study, corpus, DuckDBEngine(threads=1), folder)
    leaders = Leaders(tables)
    return Movers(tables, leaders.scientists, leaders.scientist_places)


class Truth:
    """A random corpus on disk and what a recount of its works gives."""

    def __init__(self, folder: Path, seed: int, n: int = 260) -> None:
        self.works = random_works(seed=seed, n=n)
        self.dates = random_dates(self.works, seed)
        self.corpus = write_dated(self.works, self.dates, folder / "corpus")
        self.in_field = {i for i, w in self.works.items() if 1702 in w.subfields}
        self.who = recount.scientists(self.works, self.in_field, YEARS)

    def histories(self, rules: Rules) -> dict:
        return recount.histories(self.works, self.dates, self.who, YEARS, ORCIDS, rules)


def rows(movers: Movers, table: object) -> list[dict]:
    return movers.tables.engine.collect(table).to_pylist()
