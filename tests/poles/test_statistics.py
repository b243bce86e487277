"""Statistics of the poles against plain recounts on observations made by hand."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
from msgspec.structs import replace

from isthmus.poles.archetypes import name_archetype, named_by_trends
from isthmus.poles.groups import EU, EUROPE, GROUPS
from isthmus.poles.layers import Panel
from isthmus.poles.observation import Frame, Observation, roles, significant_partners
from isthmus.poles.replays import Replay, placebo_table
from isthmus.poles.statistics import (
    Key,
    Number,
    europe_bridges,
    hub_and_spoke,
    largest_diverge,
    more_ties_first,
    placebo_p,
    pole_slope,
    relation,
    second_only,
    share_of_trends,
    weakest,
)
from isthmus.poles.trajectories import Pairs
from isthmus.poles.trend_lines import Lines
from isthmus.study.sections import Poles

#: Slope, and whether the path bends, of ties; those not named are flat.
TIES = {
    ("US", "CN"): 0.05,
    ("US", "GB"): 0.04,
    ("CN", "GB"): -0.04,
    ("US", "FR"): 0.03,
    ("CN", "FR"): 0.06,
    ("CN", "IN"): 0.05,
    ("US", "IN"): -0.03,
    ("CN", "BR"): 0.04,
    ("DE", "FR"): -0.05,
    ("DE", "IT"): -0.05,
    ("FR", "PL"): 0.05,
}
CODES = sorted({*sum(TIES, ()), "ES", "NL"})
BENT = ("US", "CN")
ERROR = 0.01


def lines_of(slopes, bent):
    slope = np.array(slopes)
    half = 1.959964 * ERROR
    sign = np.sign(slope).astype(np.int8)
    p = np.where(sign != 0, 0.001, 0.9)
    bend_p = np.where(bent, 0.001, 0.5)
    return Lines(slope, slope - half, slope + half, p, bend_p, sign, np.array(bent))


@pytest.fixture
def seen():
    return observed(TIES)


def observed(ties):
    pairs = list(combinations(range(len(CODES)), 2))
    names = [(CODES[i], CODES[j]) for i, j in pairs]
    slopes = [ties.get(pair, ties.get(pair[::-1], 0.0)) for pair in names]
    found = lines_of(slopes, [set(pair) == set(BENT) for pair in names])
    first, second = np.array(pairs).T
    inside = {"collaboration": np.ones(len(pairs), dtype=bool)}
    works = np.arange(len(CODES), 0, -1.0)
    panel = Panel(np.arange(2000, 2010), tuple(CODES), (), works, [])
    frame = Frame(panel, Pairs(first, second, inside), ("US", "CN"))
    z = np.zeros((len(CODES), len(CODES)))
    path = ("collaboration", "affinity", "CN", "US")
    trends = {"collaboration": found}
    return Observation(
        frame,
        Poles(),
        "none",
        "affinity",
        trends,
        named_by_trends(trends),
        {path: np.arange(10.0)},
        {path: found.only(frame.row("US", "CN"))},
        {},
        {},
        {"collaboration": z},
    )


def relations(pole):
    """Slopes of the other countries with a pole."""
    return {
        code: TIES.get((pole, code), 0.0) for code in CODES if code not in ("US", "CN")
    }  # fmt: skip


def test_second_only_counts_what_both_poles_say(seen):
    first, second = relations("US"), relations("CN")
    only_second = sum(second[c] > 0 and not first[c] > 0 for c in first)
    only_first = sum(first[c] > 0 and not second[c] > 0 for c in first)
    assert (only_first, only_second) == (1, 2)
    number = second_only(seen)
    assert (number.n, number.found) == (3, False)
    assert math.isnan(number.value)
    assert "6 are needed" in number.reason
    more = second_only(observed(TIES | dict.fromkeys(product(["CN"], ["DE", "NL", "ES"]), 0.05)))
    assert (more.value, more.n, more.found) == (5 / 6, 6, True)


def test_bridges_of_europe(seen):
    countries = sorted(set(CODES) & EUROPE)
    number = europe_bridges(seen)
    assert number.n == len(countries)
    assert number.value == pytest.approx(1 / len(countries))  # France alone


def test_roles_look_at_every_pole():
    assert roles([1, 0], ["US", "CN"]) == "with US"
    assert roles([0, 1], ["US", "CN"]) == "with CN"
    assert roles([-1, 1], ["US", "CN"]) == "with CN"
    assert roles([1, 1], ["US", "CN"]) == "bridge"
    assert roles([0, -1], ["US", "CN"]) == "apart"
    assert roles([None, 0], ["US", "CN"]) == "unmoved"


def test_largest_and_hubs(seen):
    order = sorted(CODES, key=CODES.index)  # works fall along the alphabet
    largest = order[:10]
    pairs = list(combinations(largest, 2))
    apart = sum(TIES.get(p, TIES.get(p[::-1], 0)) < 0 for p in pairs)
    number = largest_diverge(seen)
    assert (number.value, number.n) == (pytest.approx(apart / len(pairs)), len(pairs))
    members = [code for code in order if code in EU]
    assert len(members) <= 6  # no spokes among them
    assert np.isnan(hub_and_spoke(seen).value)


def test_relations_are_signed_as_claimed(seen):
    for how, sign in (("closer", 1), ("apart", -1), ("not_closer", -1)):
        number = relation("collaboration", ("GB", "US", how), seen)
        assert number.value == pytest.approx(sign * 0.04 / ERROR, rel=1e-5)
        assert number.found is (how == "closer")
    assert np.isnan(relation("collaboration", ("ZZ", "US", "closer"), seen).value)


def test_a_group_is_as_clear_as_its_weakest_member(seen):
    conditions = [("FR", "US", "closer"), ("FR", "CN", "closer"), ("GB", "CN", "not_closer")]
    number = weakest("collaboration", conditions, seen)
    assert number.value == pytest.approx(0.03 / ERROR, rel=1e-5)
    assert number.found
    bridges = weakest("collaboration", GROUPS["bridges"], seen)
    assert np.isnan(bridges.value)
    assert "CA with US: not followed" in bridges.reason


def test_a_path_that_turns_is_no_direction(seen):
    path = ("collaboration", "affinity", "CN", "US")
    for sign in (1, -1):
        number = pole_slope(path, sign, seen)
        assert number.value == pytest.approx(sign * 0.05)
        assert number.low < number.value < number.high
        assert number.reason == "not one line"
        assert not number.found


def test_shares_of_trends(seen):
    rising = sum(value > 0 for value in TIES.values())
    number = share_of_trends("collaboration", 1, seen)
    assert number.value == pytest.approx(rising / (len(CODES) * (len(CODES) - 1) / 2))


def test_significant_ties_are_those_of_both_directions(seen):
    z = seen.recent_z["collaboration"]
    us, cn, gb, fr, br = (CODES.index(code) for code in ("US", "CN", "GB", "FR", "BR"))
    z[us, gb], z[gb, us] = 5, -3  # mean 1: one direction alone would pass
    z[us, fr], z[fr, us] = 1, 4  # mean 2.5: the other direction alone would not
    z[us, br], z[br, us] = 3, 3
    z[cn, br], z[br, cn] = 3, 3
    partners = significant_partners(seen, "collaboration", "US")
    assert np.flatnonzero(partners).tolist() == sorted([fr, br])
    assert more_ties_first("collaboration", seen).n == 1  # Brazil is tied to both
    for code in ("DE", "IT", "NL", "PL"):
        z[us, CODES.index(code)] = z[CODES.index(code), us] = 3
    z[cn, gb] = z[gb, cn] = 3
    number = more_ties_first("collaboration", seen)
    assert (number.value, number.n) == (5 / 6, 6)


def test_p_counts_the_study_among_the_replays():
    drawn = np.array([0.0, 1.0, 2.0, np.nan])
    assert placebo_p(5.0, drawn) == (0, 1 / 4)
    assert placebo_p(1.0, drawn) == (2, 3 / 4)
    key = Key("poles_diverge", "collaboration", "affinity", "CN", "US")
    replays = {"sizes": [Replay({key: value}, {}, {}) for value in np.zeros(19)]}
    for level, survives in ((0.05, True), (0.049, None)):
        settings = replace(Poles(), placebo_level=level)
        (row,) = placebo_table(
            "none", {key: Number(1.0, found=True)}, replays, settings
        ).to_pylist()
        assert row["p"] == 1 / 20
        assert row["rate"] == 0
        assert row["survives"] is survives


@pytest.mark.parametrize("known", [True, False])
def test_archetypes_by_trends_know_one_layer_or_both(known):
    one, two = lines_of([0.05, -0.05, 0.0], [False] * 3), lines_of([0.05, 0.05, 0.0], [False] * 3)
    if not known:
        two = two.only(0).placed(np.array([0]), 3)
    codes = named_by_trends({"collaboration": one, "citation": two}).tolist()
    second = 1 if known else None
    assert codes == ["SC", name_archetype(-1, second), name_archetype(0, 0 if known else None)]
