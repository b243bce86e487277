"""Small random corpora, as plain works and as corpus tables, for tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.corpus.schema import TABLES
from isthmus.corpus.store import Corpus, CorpusWriter, open_corpus
from recount import Author, Work

#: Poles of a study whose tables of poles are not what a test is about: one tenth of the time of
#: those a study has when it names none.
LIGHT: dict[str, Any] = {
    "null_models": ["multiedge"],
    "placebo_replays": 2,
    "turn_works": 1e9,
    "bloc_windows": 0,
    "dropped": 0,
    "n_init": 1,
    "n_resamples": 0,
    "choice_sample": 0,
    "choice_most": 2,
}
LIGHT_TOML = "[poles]\n" + "".join(f"{key} = {json.dumps(of)}\n" for key, of in LIGHT.items())

COUNTRIES = ["US", "CN", "DE", "FR", "BR", "IN"]


def random_works(seed: int, n: int = 300, years: tuple[int, int] = (2000, 2008)) -> dict[int, Work]:
    """Works with few authors who move often, so that ties and shared years are common."""
    rng = np.random.default_rng(seed)
    works: dict[int, Work] = {}
    for i in range(1, n + 1):
        size = int(rng.integers(1, 5))
        ids = rng.choice(40, size=size, replace=False)
        authors = [
            Author(
                None if rng.random() < 0.05 else int(a) + 1,
                position,
                position == size - 1,
                bool(rng.random() < 0.4),
                [str(c) for c in rng.choice(COUNTRIES, size=rng.integers(0, 4))],
            )
            for position, a in enumerate(ids)
        ]
        references = {int(r) for r in rng.integers(1, n + 20, size=rng.integers(0, 8))} - {i}
        subfields = {1702} if rng.random() < 0.6 else {1707}
        year = int(rng.integers(years[0], years[1] + 1))
        works[i] = Work(i, year, authors, references, subfields, size)
    return works


def corpus_tables(
    works: dict[int, Work], institution: Callable[[Author, str], int | None] = lambda *_: None
) -> dict[str, pa.Table]:
    """The same works as the tables of a corpus; `institution` names an affiliation's."""
    rows: dict[str, list[dict]] = {name: [] for name in TABLES}
    for work in works.values():
        rows["works"].append(
            {
                "work_id": work.id,
                "year": work.year,
                "n_authors": work.n_authors,
                "authors_truncated": False,
                "is_retracted": False,
                "is_paratext": False,
                "is_xpac": False,
            }
        )
        rows["references"] += [{"citing_id": work.id, "cited_id": r} for r in work.references]
        rows["subjects"] += [
            {"work_id": work.id, "scheme": "subfield", "subject_id": s} for s in work.subfields
        ]
        for author in work.authors:
            place = {"work_id": work.id, "position": author.position}
            rows["authorships"].append(
                {
                    **place,
                    "is_last": author.is_last,
                    "is_corresponding": author.is_corresponding,
                    "author_id": author.id,
                }
            )
            rows["affiliations"] += [
                {
                    **place,
                    "institution_id": institution(author, c),
                    "country": c,
                    "country_source": "institution",
                }
                for c in author.countries
            ]
    return {name: pa.Table.from_pylist(rows[name], schema=TABLES[name]) for name in TABLES}


def write_corpus(
    works: dict[int, Work],
    path: Path,
    institution: Callable[[Author, str], int | None] = lambda *_: None,
) -> Corpus:
    """Write plain works as a corpus."""
    with CorpusWriter(path, source="random") as writer:
        for name, table in corpus_tables(works, institution).items():
            writer.write(name, table)
    return open_corpus(path)
