"""The lists of institutions and works by name, against a recount."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.teaming.lists import MOST_CITED
from recount import citation_windows
from teaming.test_joint_papers import COUNTRIES, YEARS, in_field, led_by, teams_of
from tiny import random_works


@pytest.fixture(scope="module")
def works():
    return random_works(11, n=900)


def test_institutions_equal_a_recount(works, tmp_path: Path):
    teams = teams_of(works, tmp_path, top_institutions=5)
    citations, papers = Counter(), Counter()
    normal = citation_windows(works, in_field(works), YEARS, 2)
    for lead in COUNTRIES:
        for i, place in led_by(works, lead).items():
            if place is not None:
                citations[place] += normal[i]
                papers[place] += 1
    top = sorted(citations, key=lambda place: (-citations[place], place))[:5]
    rows = teams.tables.engine.collect(teams.leading_institutions()).to_pylist()
    rows.sort(key=lambda row: row["rank"])
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5]
    assert [row["institution_id"] for row in rows] == top
    assert [row["citations"] for row in rows] == [citations[place] for place in top]
    assert [row["papers"] for row in rows] == [papers[place] for place in top]


def test_cited_works_are_the_first_of_each_year(works, tmp_path: Path):
    teams = teams_of(works, tmp_path)
    normal = citation_windows(works, in_field(works), YEARS, 2)
    led = {i for lead in COUNTRIES for i in led_by(works, lead)}
    wanted = defaultdict(list)
    for i in led:
        wanted[works[i].year].append((-normal[i], works[i].id))
    table: pa.Table = teams.tables.engine.collect(teams.cited_works())
    found = defaultdict(list)
    for row in sorted(table.to_pylist(), key=lambda row: (row["year"], row["rank"])):
        found[row["year"]].append((-row["citations"], row["work_id"]))
    assert found == {year: sorted(rows)[:MOST_CITED] for year, rows in wanted.items()}
