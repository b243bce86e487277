"""Coverage beside a count in plain Python."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from isthmus.engine import DuckDBEngine
from isthmus.leadership.coverage import ALL, coverage
from isthmus.selection.attribution import work_countries


@pytest.mark.parametrize("most", [0, 1, 2, 5])
def test_coverage_counts_every_work_once_in_each_of_its_countries(most: int) -> None:
    rng = np.random.default_rng(most)
    names = np.array([f"{a}{b}" for a in "ABCDEF" for b in "XYZ"])
    ids = rng.choice(10**9, 400, replace=False).tolist()
    year = dict(zip(ids, rng.integers(2000, 2004, 400).tolist(), strict=True))
    cut = dict(zip(ids, (rng.random(400) < 0.2).tolist(), strict=True))
    of_work = {
        work: set(rng.choice(names, rng.integers(0, most + 1), replace=False).tolist())
        for work in ids
    }
    referring = set(rng.choice(ids, 250, replace=False).tolist())
    placed = [(work, name) for work, found in of_work.items() for name in found]
    rng.shuffle(placed)

    engine = DuckDBEngine()
    works = {"work_id": ids, "year": [year[w] for w in ids]}
    found = coverage(
        engine.local(pa.table(works)),
        work_countries(engine.local(_table(placed, ("work_id", "country"), pa.string()))),
        engine.local(pa.table({"work_id": ids, "authors_truncated": [cut[w] for w in ids]})),
        engine.local(_table([(w, 1) for w in referring] * 2, ("citing_id", "cited_id"))),
        [2001, 2003],
    )
    rows = {(row["year"], row["country"]): row for row in engine.collect(found).to_pylist()}

    wanted: dict[tuple[int, str], list[int]] = {}
    for work in ids:
        for name in (ALL, *of_work[work]):
            wanted.setdefault((year[work], name), []).append(work)
    assert rows.keys() == wanted.keys()
    for key, group in wanted.items():
        row, n = rows[key], len(group)
        assert row["works"] == n
        assert row["share_with_country"] == sum(bool(of_work[w]) for w in group) / n
        assert row["share_with_references"] == sum(w in referring for w in group) / n
        assert row["references_known"] == (key[0] not in (2001, 2003))
        assert row["authors_truncated"] == sum(cut[w] for w in group)


def _table(
    rows: list[tuple[int, object]], names: tuple[str, str], second: pa.DataType | None = None
) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [(), ()]
    types = (pa.int64(), second or pa.int64())
    return pa.table([pa.array(c, t) for c, t in zip(columns, types, strict=True)], list(names))
