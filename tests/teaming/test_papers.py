from __future__ import annotations

import pyarrow as pa
import pytest

from isthmus.engine import DuckDBEngine
from isthmus.teaming import papers

AUTHORSHIPS = pa.table(
    {
        "work_id": [1, 1, 2],
        "position": [0, 1, 0],
        "is_last": [False, True, True],
        "is_corresponding": [True, None, False],
        "author_id": [5, 6, 7],
    }
)
AFFILIATIONS = pa.table(
    {
        "work_id": [1, 1, 1, 1, 2],
        "position": [0, 1, 1, 1, 0],
        "institution_id": pa.array([3, 9, 8, 7, None], pa.int64()),
        "country": ["US", "US", "US", "CN", "US"],
    }
)


@pytest.fixture(scope="module")
def engine():
    opened = DuckDBEngine()
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("last_author", {(1, "US"): 8, (1, "CN"): 7, (2, "US"): None}),
        ("first_author", {(1, "US"): 3, (2, "US"): None}),
        ("corresponding", {(1, "US"): 3}),
        ("any", {(1, "US"): 3, (1, "CN"): 7, (2, "US"): None}),
    ],
)
def test_the_smallest_institution_of_the_deciding_authors_stands_for_a_work(engine, rule, wanted):
    corpus = {"authorships": engine.local(AUTHORSHIPS)}
    found = papers.deciding_institutions(corpus, engine.local(AFFILIATIONS), rule)
    rows = engine.collect(found).to_pylist()
    assert {(r["work_id"], r["country"]): r["institution_id"] for r in rows} == wanted


def test_countries_point_where_their_institutions_are(engine):
    table = pa.table(
        {
            "country": ["NZ", "NZ", "FR", "XX", None],
            "lon": pa.array([170.0, -170.0, 2.0, None, 5.0], pa.float64()),
        }
    )
    rows = engine.collect(papers.country_longitudes(engine.local(table))).to_pylist()
    east = {row["country"]: row["east"] for row in rows}
    assert set(east) == {"NZ", "FR"}
    assert east["NZ"] < -0.98  # the mean of 170 east and west is 180, not 0


def test_stated_citations_are_taken_where_a_number_is_stated(engine):
    works = pa.table({"work_id": [1, 2, 3, 4], "cited_by_count": pa.array([5, None, -1, 0])})
    field = pa.table({"work_id": [1, 2, 3], "year": [2001, 2001, 2002]})
    found = papers.citations_stated(engine.local(field), engine.local(works))
    assert engine.collect(found).to_pylist() == [{"work_id": 1, "year": 2001, "c_k": 5}]
