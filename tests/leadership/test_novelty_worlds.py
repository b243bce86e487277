"""Novelty in simulated worlds: planted works are found, and a shuffled world says nothing.

The area under the curve is that of ranking the planted works by novelty against
all others of their year. Tolerances: the planted signal is strong (0.4 of a
planted work's references leave its community), chance is 0.5; the shuffled world's
test has a false-positive rate of 1 in 1,000 by construction and a fixed seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from scipy.stats import kruskal, rankdata

from isthmus.corpus.store import open_corpus
from isthmus.engine import DuckDBEngine
from isthmus.leadership.novelty import Novelty
from isthmus.leadership.reference_lists import counting
from isthmus.selection.study_tables import StudyTables
from isthmus.simulation.settings import WorldSettings
from isthmus.simulation.simulate import read_truth, simulate
from isthmus.stats import atypicality
from isthmus.study import Study

SETTINGS = WorldSettings(
    n_works=9_000, seed=5, years=(2008, 2013), n_countries=12, novel_share=0.04
)
YEARS = (2011, 2013)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, StudyTables]]:
    folder = tmp_path_factory.mktemp("world")
    simulate(SETTINGS, folder / "corpus")
    about = {"corpus": "corpus", "years": list(YEARS)}
    study = Study.parse({"study": about, "field": {"subfields": [1702]}})
    engine = DuckDBEngine(threads=1)
    yield folder, StudyTables(study, open_corpus(folder / "corpus"), engine, folder / "work")
    engine.close()


def area_under_curve(novel: np.ndarray, novelty: np.ndarray) -> float:
    """Chance that a planted work is more novel (lower) than another."""
    ranks = rankdata(-novelty)[novel]
    n, m = novel.sum(), (~novel).sum()
    return float((ranks.sum() - n * (n + 1) / 2) / (n * m))


def test_planted_works_rank_above_the_rest(world: tuple[Path, StudyTables]) -> None:
    folder, tables = world
    works = tables.engine.collect(Novelty(tables).works())
    planted = read_truth(folder / "corpus", "novel")["work_id"].to_numpy()
    for year in range(YEARS[0], YEARS[1] + 1):
        scored = works.filter(pc.and_(pc.equal(works["year"], year), pc.is_valid(works["novelty"])))
        novel = np.isin(scored["work_id"].to_numpy(), planted)
        area = area_under_curve(novel, scored["novelty"].to_numpy())
        print(f"{year}: {novel.sum()} planted of {novel.size}, area under the curve {area:.3f}")
        assert area > 0.8


def test_shuffled_world_has_no_difference_between_countries(
    world: tuple[Path, StudyTables],
) -> None:
    _, tables = world
    used = counting(Novelty(tables).lists)
    used = used.filter(used.venue_id.notnull()).order_by("work_id", "cited_id")
    rows = tables.engine.collect(used.select("work_id", "year", "venue_id", "cited_year"))
    paper, year, venue, cited = (
        rows[name].to_numpy().astype(np.int64) for name in rows.column_names
    )
    rng = np.random.default_rng(1)
    stratum = np.unique(np.stack([year, cited]), axis=1, return_inverse=True)[1].ravel()
    slots = np.argsort(stratum, kind="stable")
    shuffled = venue.copy()
    shuffled[slots] = venue[np.lexsort((rng.random(venue.size), stratum))]
    scores = atypicality(paper, year, shuffled, cited, return_pairs=False)
    places = tables.engine.collect(tables.deciding)
    groups = []
    for country in sorted(set(places["country"].to_pylist())):
        of_country = places.filter(pc.equal(places["country"], country))
        mine = np.isin(scores.paper_id, of_country["work_id"].to_numpy())
        groups.append(scores.tail[mine & np.isfinite(scores.tail)])
    assert len(groups) == 12
    assert kruskal(*groups).pvalue > 0.001
