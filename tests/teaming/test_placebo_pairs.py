from __future__ import annotations

import math

import pyarrow as pa
import pytest

from isthmus.teaming.placebo_pairs import (
    comparable_pairs,
    hours_apart,
    longitudes_of,
    share_at_least,
)


def joint(*rows):
    return pa.table(dict(zip(("lead", "partner", "papers"), zip(*rows, strict=True), strict=True)))


def chosen(table, longitudes, **changes):
    settings = {"min_papers": 10, "most": 5, "hours": 3.0, **changes}
    pairs = comparable_pairs(table, ("US", "CN"), longitudes, **settings)
    return [(pair.lead, pair.partner) for pair in pairs]


def test_hours_go_the_short_way_round():
    longitudes = {"A": 170.0, "B": -175.0, "C": 80.0}
    assert hours_apart(longitudes, "A", "B") == pytest.approx(1)
    assert hours_apart(longitudes, "A", "C") == hours_apart(longitudes, "C", "A") == 6
    assert math.isnan(hours_apart(longitudes, "A", "X"))


def test_longitudes_are_mean_directions():
    table = pa.table({"country": ["X", "Y"], "east": [-1.0, 0.0], "north": [0.0, 0.5]})
    assert longitudes_of(table) == {"X": pytest.approx(180), "Y": pytest.approx(90)}


TABLE = joint(
    ("KR", "CA", 40), ("CA", "KR", 90), ("US", "CN", 900), ("DE", "FR", 70), ("JP", "CA", 9)
)
PLACES = {"US": -98.0, "CN": 110.0, "KR": 127.0, "CA": -90.0, "DE": 10.0, "FR": 2.0, "JP": 138.0}


def test_pairs_are_as_far_apart_as_the_poles_and_large_enough():
    assert chosen(TABLE, PLACES) == [("CA", "KR"), ("KR", "CA")]
    assert chosen(TABLE, PLACES, min_papers=5) == [("CA", "KR"), ("KR", "CA"), ("JP", "CA")]
    assert chosen(TABLE, PLACES, most=1) == [("CA", "KR")]


def test_pairs_that_are_not_located_pass():
    located = {k: v for k, v in PLACES.items() if k != "DE"}
    assert ("DE", "FR") in chosen(TABLE, located)
    assert ("DE", "FR") in chosen(TABLE, {})


def test_share_at_least():
    assert share_at_least(5.0, [1.0, 5.0, 9.0, 2.0]) == 0.5
    assert share_at_least(None, [1.0]) is None
    assert share_at_least(1.0, []) is None
