"""Works with the same countries counted together."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest

from isthmus.attribution import combinations, work_countries
from isthmus.engine import DuckDBEngine


@pytest.mark.parametrize("most", [1, 2, 5])
def test_each_key_stands_for_the_countries_of_its_works(most: int) -> None:
    rng = np.random.default_rng(most)
    names = np.array([f"{a}{b}" for a in "ABCDEF" for b in "XYZ"])
    of_work = {
        int(work): set(rng.choice(names, rng.integers(1, most + 1), replace=False).tolist())
        for work in rng.choice(10**9, 400, replace=False)
    }
    rows = [(work, name) for work, found in of_work.items() for name in found]
    rng.shuffle(rows)
    engine = DuckDBEngine()
    table = pa.table({"work_id": [int(r[0]) for r in rows], "country": [r[1] for r in rows]})
    countries = work_countries(engine.local(table))

    names_of, members, works = (engine.collect(t) for t in combinations(countries))
    country = dict(zip(*(names_of[c].to_pylist() for c in ("number", "country")), strict=True))
    behind = defaultdict(set)
    for row in members.to_pylist():
        assert country[row["number"]] not in behind[row["key"]], "a country stands twice"
        behind[row["key"]].add(country[row["number"]])
    for row in members.to_pylist():
        assert row["n_countries"] == len(behind[row["key"]])
    keys = dict(zip(*(works[c].to_pylist() for c in ("work_id", "key")), strict=True))
    assert len(works) == len(of_work)
    assert {work: behind[key] for work, key in keys.items()} == of_work
    few = {frozenset(found) for found in of_work.values() if len(found) <= 2}
    assert len({keys[w] for w, found in of_work.items() if len(found) <= 2}) == len(few)
