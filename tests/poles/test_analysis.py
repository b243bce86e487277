"""The pole analysis on worlds with planted truth, and on data that is nearly nothing.

Where rates are asserted the replays are nineteen of each family: the least p, 1/20, is
the level of 5 %.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from msgspec.structs import replace
from pole_worlds import table, world

from isthmus.errors import InputError, StudyError
from isthmus.poles.analysis import analyse
from isthmus.poles.archetypes import APART, TOGETHER, name_archetype
from isthmus.poles.observation import roles
from isthmus.study.sections import Poles

QUICK = Poles(
    null_models=("multiedge",),
    min_works=0,
    placebo_replays=38,
    n_init=2,
    n_resamples=1,
    dropped=1,
    choice_sample=30,
    choice_most=2,
    turn_works=1e9,
    bloc_windows=0,
)
ALONE = replace(QUICK, placebo_replays=2)
POLES = ("AA", "BB")
NAMES = {
    "panel",
    "links",
    "trajectories",
    "archetypes",
    "alignment",
    "significant",
    "polarisation",
    "placebo",
    "pole_years",
    "cluster_choice",
    "centroids",
    "dropped",
    "turns",
    "blocs",
    "bloc_members",
    "triangles",
}


def rows(tables, name, **where):
    return [
        row
        for row in tables[name].to_pylist()
        if all(row[column] == value for column, value in where.items())
    ]


def only(tables, name, **where):
    (row,) = rows(tables, name, **where)
    return row


@pytest.fixture(scope="module")
def blocs():
    collaboration, citation, bloc = world(strength=1.5, n=16, years=14)
    return analyse(collaboration, citation, settings=QUICK, poles=POLES, seed=1), bloc


@pytest.fixture(scope="module")
def placebo():
    collaboration, citation, _ = world(strength=0.0, n=16, years=14)
    return analyse(collaboration, citation, settings=QUICK, poles=POLES, seed=1, threads=2)


def statistic(tables, what, **where):
    """Rows of a statistic by family of replays."""
    return {row["family"]: row for row in rows(tables, "placebo", what=what, **where)}


def test_planted_blocs_are_recovered(blocs):
    tables, bloc = blocs
    assert set(tables) == NAMES
    others = [c for c in bloc if c not in POLES]
    found = {row["country"]: row for row in rows(tables, "alignment", null_model="none")}
    own = [found[c][f"with_{POLES[bloc[c]]}"] in TOGETHER for c in others]
    other = [found[c][f"with_{POLES[1 - bloc[c]]}"] in APART for c in others]
    assert np.mean(own) > 0.8
    assert np.mean(other) > 0.8
    right = [found[c]["role"] == f"with {POLES[bloc[c]]}" for c in others]
    assert np.mean(right) > 0.8


def test_planted_divergence_and_polarisation_survive_both_families(blocs):
    tables, _ = blocs
    for layer in ("collaboration", "citation"):
        diverge = statistic(tables, "poles_diverge", null_model="none", layer=layer)
        assert set(diverge) == {"sizes", "constant_ties"}
        for row in diverge.values():
            assert row["quantity"] == "affinity"
            # 1.5 over 13 years moves pairs of two blocs apart and those of one bloc half as
            # much together: a typical partner stands between the two
            assert 0.04 < row["low"] < row["study"] < row["high"] < 1.5 / 13
            assert row["p"] == 1 / 20
        for row in statistic(tables, "polarisation_rises", null_model="none", layer=layer).values():
            assert row["p"] == 1 / 20
    index = rows(tables, "polarisation", null_model="none", layer="collaboration")
    assert index[-1]["index"] > index[0]["index"] + 0.2


def test_without_affinity_nothing_is_found(placebo):
    z = np.array([row["z"] for row in rows(placebo, "links", null_model="multiedge")])
    # fitted sizes take 16 of 120 degrees of freedom undirected, 31 of 240 directed; the
    # tolerance is three standard errors of a standard deviation of so many counts
    assert abs(z.mean()) < 3 / np.sqrt(len(z))
    assert z.std() == pytest.approx(np.sqrt(1 - 47 / 360), abs=3 / np.sqrt(2 * len(z)))
    for model in ("none", "multiedge"):
        codes = [row["archetype"] for row in rows(placebo, "archetypes", null_model=model)]
        assert np.mean([code != "flat" for code in codes]) <= 0.05
        for row in rows(placebo, "placebo", what="poles_diverge", null_model=model):
            assert not row["found"]
    affinity = np.array([row["affinity"] for row in rows(placebo, "links", null_model="none")])
    low, high = (
        np.array([row[f"affinity_{end}"] for row in rows(placebo, "links", null_model="none")])
        for end in ("low", "high")
    )
    assert abs(np.median(affinity)) < 0.05
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(0.95, abs=0.04)


def test_without_affinity_the_ecm_diverges_by_itself_and_its_replays_say_so():
    collaboration, _, _ = world(strength=0.0, n=16, years=14, citation=False)
    settings = replace(QUICK, null_models=("ecm",))
    tables = analyse(collaboration, None, settings=settings, poles=POLES, seed=1)
    where = {"layer": "collaboration", "quantity": "log_ratio"}
    for row in statistic(tables, "poles_diverge", null_model="ecm", **where).values():
        assert row["study"] > 0.05
        assert row["placebo_low"] > 0.05
        assert row["p"] > 0.05
    where["quantity"] = "affinity"
    for row in statistic(tables, "poles_diverge", null_model="none", **where).values():
        assert row["placebo_low"] < 0 < row["placebo_high"]


def test_every_year_of_the_poles_stands_beside_its_placebo(placebo):
    for model, quantity in (("none", "affinity"), ("multiedge", "z"), ("multiedge", "log_ratio")):
        path = rows(placebo, "pole_years", null_model=model, layer="citation", quantity=quantity)
        assert [row["year"] for row in path] == list(range(2000, 2014))
        inside = [row["placebo_low"] <= row["value"] <= row["placebo_high"] for row in path]
        assert np.mean(inside) > 0.5


def test_affinities_stand_once_in_links_and_beside_no_null_model(placebo):
    own = rows(placebo, "links", null_model="none")
    keys = {(row["layer"], row["year"], row["source"], row["target"]) for row in own}
    assert len(own) == len(keys) == 14 * (120 + 240)
    assert all(row["z"] is None and row["expected"] is None for row in own)
    assert all(row["affinity_low"] <= row["affinity"] <= row["affinity_high"] for row in own)
    others = [row for row in rows(placebo, "links") if row["null_model"] != "none"]
    assert all(row["affinity"] is None and row["affinity_se"] is None for row in others)
    there = {(r["layer"], r["year"], r["source"], r["target"]): r["observed"] for r in others}
    assert all(
        there[row["layer"], row["year"], row["source"], row["target"]] == row["observed"]
        for row in own
    )


def test_same_seed_same_tables_whatever_threads_and_order_of_rows():
    collaboration, citation, _ = world(strength=0.5, n=10, years=10)
    settings = replace(ALONE, placebo_replays=6)
    one = analyse(collaboration, citation, settings=settings, poles=POLES, seed=4)
    order = np.random.default_rng(0).permutation(collaboration.num_rows)
    two = analyse(
        collaboration.take(pa.array(order)),
        citation,
        settings=settings,
        poles=POLES,
        seed=4,
        threads=3,
    )
    assert all(one[name].equals(two[name]) for name in NAMES)
    other = analyse(collaboration, citation, settings=settings, poles=POLES, seed=5)
    assert one["links"].equals(other["links"])
    assert not one["placebo"].equals(other["placebo"])


def test_one_layer_gives_convergence_and_divergence():
    collaboration, _, _ = world(strength=1.0, n=16, citation=False)
    settings = replace(ALONE, placebo_replays=0)
    tables = analyse(collaboration, None, settings=settings, poles=POLES, seed=1)
    seen = {(row["archetype"], row["meaning"]) for row in rows(tables, "archetypes")}
    assert {("SC", "convergence"), ("SD", "divergence")} <= seen
    assert {row["layer"] for row in rows(tables, "links")} == {"collaboration"}
    assert all(row["survives"] is None for row in rows(tables, "placebo"))
    assert {row["replays"] for row in rows(tables, "placebo")} == {0}


@pytest.mark.parametrize("quantity", ["log_ratio", "z", "percentile"])
def test_other_quantities_can_be_followed_and_affinity_stays_in_links(quantity):
    collaboration, _, _ = world(strength=1.0, n=12, citation=False)
    settings = replace(ALONE, quantity=quantity)
    tables = analyse(collaboration, None, settings=settings, poles=POLES, seed=1)
    assert only(tables, "archetypes", source="AA", target="BB")["slope_collaboration"] < 0
    assert {row["null_model"] for row in rows(tables, "archetypes")} == set(settings.null_models)
    assert rows(tables, "links", null_model="none")
    assert not rows(tables, "placebo", null_model="none")


def test_no_data_at_all():
    tables = analyse(None, None, poles=POLES, seed=1)
    assert set(tables) == NAMES
    assert all(tables[name].num_rows == 0 for name in NAMES)
    assert "with_AA" in tables["alignment"].column_names


def test_two_countries_are_as_their_sizes_say():
    edges = table([(2000 + t, "AA", "BB", 60 + t) for t in range(20)], "works_whole")
    tables = analyse(edges, None, settings=ALONE, poles=POLES, seed=1)
    codes = {row["null_model"]: row["archetype"] for row in rows(tables, "archetypes")}
    assert codes == {"none": "untested", "multiedge": "flat"}  # no other partners, no affinity
    assert not rows(tables, "links", null_model="none")
    z = [row["z"] for row in rows(tables, "links") if row["null_model"] != "none"]
    assert z == pytest.approx([0] * 20, abs=1e-6)
    assert tables["polarisation"].num_rows == 0


def test_a_pole_outside_the_data_is_said_to_be_missing():
    collaboration, _, _ = world(strength=1.0, n=10, years=8, citation=False)
    tables = analyse(collaboration, None, settings=ALONE, poles=("AA", "ZZ"), seed=1)
    assert only(tables, "panel", source="ZZ")["reason"] == "not in the data"
    assert all(row["with_ZZ"] is None for row in rows(tables, "alignment"))
    assert tables["pole_years"].num_rows == 0
    assert tables["polarisation"].num_rows == 0


def test_an_empty_year_is_bridged():
    collaboration, _, _ = world(strength=1.0, n=12, citation=False)
    keep = pa.array([year != 2010 for year in collaboration["year"].to_pylist()])
    settings = replace(ALONE, placebo_replays=0, null_models=("multiedge", "ecm"))
    tables = analyse(collaboration.filter(keep), None, settings=settings, poles=POLES, seed=1)
    assert not rows(tables, "links", year=2010)
    assert rows(tables, "trajectories", year=2010)
    assert rows(tables, "archetypes", archetype="SD")


def test_countries_and_pairs_leave_with_a_reason():
    collaboration, _, _ = world(strength=0.0, n=10, citation=False)
    late = table([(2020 + t, "AA", "NW", 500) for t in range(2)], "works_whole")
    small = table([(2000 + t, "AA", "SM", 1) for t in range(22)], "works_whole")
    both = pa.concat_tables([collaboration, late, small])
    settings = replace(ALONE, min_works=40, placebo_replays=0)
    tables = analyse(both, None, settings=settings, poles=POLES, seed=1)
    gone = only(tables, "panel", source="NW")["reason"]
    assert gone.startswith("inactive in collaboration in 20 years")
    assert "fewer than 40 works a year" in only(tables, "panel", source="SM")["reason"]
    assert only(tables, "panel", source="AA")["enters"]


def test_output_decides_the_size_of_countries():
    collaboration, _, bloc = world(strength=0.0, n=10, citation=False)
    output = pa.table(
        {
            "country": [code for code in bloc for _ in range(5)],
            "year": list(range(2017, 2022)) * len(bloc),
            "works": [10 if code == "CA" else 100 for code in bloc for _ in range(5)],
        }
    )
    settings = replace(ALONE, min_works=50, placebo_replays=0)
    tables = analyse(collaboration, None, settings=settings, poles=POLES, seed=1, output=output)
    out = {row["source"] for row in rows(tables, "panel", kind="country", enters=False)}
    assert out == {"CA"}


def test_bad_settings_and_tables_are_refused_with_a_sentence():
    collaboration, _, _ = world(strength=0.0, n=6, years=5, citation=False)
    for bad, said in (
        ({"quantity": "zz"}, "quantity"),
        ({"null_models": ()}, "at least one null model"),
        ({"null_models": ("bose",)}, "null models among multiedge"),
        ({"archetypes": 0}, "archetypes"),
        ({"flat_change": {"z": 0.1}}, "flat_change"),
    ):
        with pytest.raises(StudyError, match=said):
            analyse(collaboration, None, poles=POLES, seed=1, settings=replace(QUICK, **bad))
    wrong = table([(2000, "AA", "BB", 3)], "joint")
    with pytest.raises(InputError, match="works_whole"):
        analyse(wrong, None, poles=POLES, seed=1)


@pytest.mark.parametrize(
    ("collaboration", "citation", "name"),
    [
        (1, 1, "SC"),
        (1, 0, "SC"),
        (-1, -1, "SD"),
        (-1, 0, "SD"),
        (-1, 1, "KI"),
        (0, 1, "KI"),
        (0, -1, "KD"),
        (1, -1, "KD"),
        (0, 0, "flat"),
        (None, -1, "SD"),
    ],
)
def test_names_of_archetypes(collaboration, citation, name):
    assert name_archetype(collaboration, citation) == name


def test_roles():
    assert roles([0, 0], POLES) == "unmoved"
    assert roles([None, None], POLES) is None
    assert roles([None, 1], POLES) == "with BB"
