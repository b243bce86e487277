"""The pole analysis on worlds with planted truth, and on data that is nearly nothing.

Where rates are asserted the replays are forty: one of them may show a finding by
chance without p, 2/41, passing the level of 5 %.
"""

from __future__ import annotations

from msgspec.structs import replace

import numpy as np
import pyarrow as pa
import pytest
from pole_worlds import table, world

from isthmus.errors import InputError
from isthmus.poles.analysis import analyse
from isthmus.poles.archetypes import APART, TOGETHER, name_archetype
from isthmus.poles.observation import roles
from isthmus.sections import Poles

QUICK = Poles(
    null_models=("multiedge", "ecm"),
    min_works=0,
    placebo_replays=40,
    n_init=3,
    n_resamples=2,
    resamples=50,
    choice_sample=60,
    choice_most=3,
)
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
    collaboration, citation, bloc = world(strength=1.0)
    return analyse(collaboration, citation, settings=QUICK, poles=POLES, seed=1), bloc


@pytest.fixture(scope="module")
def placebo():
    collaboration, citation, _ = world(strength=0.0)
    return analyse(collaboration, citation, settings=QUICK, poles=POLES, seed=1, threads=2)


def test_planted_blocs_are_recovered(blocs):
    tables, bloc = blocs
    assert set(tables) == NAMES
    others = [c for c in bloc if c not in POLES]
    found = {row["country"]: row for row in rows(tables, "alignment", null_model="multiedge")}
    own = [found[c][f"with_{POLES[bloc[c]]}"] in TOGETHER for c in others]
    other = [found[c][f"with_{POLES[1 - bloc[c]]}"] in APART for c in others]
    assert np.mean(own) > 0.8
    assert np.mean(other) > 0.8
    right = [found[c]["role"] == f"with {POLES[bloc[c]]}" for c in others]
    assert np.mean(right) > 0.8


def test_planted_divergence_and_polarisation_survive_the_placebo(blocs):
    tables, _ = blocs
    for quantity in ("z", "log_ratio"):
        row = only(
            tables,
            "placebo",
            null_model="multiedge",
            layer="collaboration",
            what="poles_diverge",
            quantity=quantity,
        )
        assert row["found"]
        assert row["survives"]
        assert row["study"] < row["placebo_low"]
    for model in QUICK.null_models:
        rising = only(
            tables,
            "placebo",
            null_model=model,
            layer="collaboration",
            what="polarisation_rises",
        )
        assert rising["survives"]
    index = rows(tables, "polarisation", null_model="multiedge", layer="collaboration")
    assert index[-1]["low"] > index[0]["high"]
    assert all(row["low"] <= row["index"] <= row["high"] for row in index[5:])


def test_without_affinity_multiedge_finds_nothing(placebo):
    z = np.array([row["z"] for row in rows(placebo, "links", null_model="multiedge")])
    # fitted sizes take 24 of 276 degrees of freedom undirected, 47 of 552 directed; the
    # tolerance is three standard errors of a standard deviation of so many counts
    assert abs(z.mean()) < 3 / np.sqrt(len(z))
    assert z.std() == pytest.approx(np.sqrt(1 - 71 / 828), abs=3 / np.sqrt(2 * len(z)))
    codes = [row["archetype"] for row in rows(placebo, "archetypes", null_model="multiedge")]
    assert np.mean([code != "flat" for code in codes]) <= 0.05
    row = only(
        placebo,
        "placebo",
        null_model="multiedge",
        layer="collaboration",
        what="poles_diverge",
        quantity="z",
    )
    assert not row["found"]
    assert row["rate"] <= 0.15


def test_without_affinity_the_ecm_invents_divergence_and_is_found_out(placebo):
    row = only(
        placebo,
        "placebo",
        null_model="ecm",
        layer="collaboration",
        what="poles_diverge",
        quantity="z",
    )
    assert row["found"]
    assert row["rate"] > 0.9
    assert row["survives"] is False
    marked = [
        row[f"survives_{pole}"]
        for row in rows(placebo, "alignment", null_model="ecm")
        for pole in POLES
        if row[f"survives_{pole}"] is not None
    ]
    assert np.mean([not kept for kept in marked]) > 0.8


def test_every_year_of_the_poles_stands_beside_its_placebo(placebo):
    for model in QUICK.null_models:
        path = rows(placebo, "pole_years", null_model=model, layer="citation", quantity="z")
        assert [row["year"] for row in path] == list(range(2000, 2022))
        inside = [row["placebo_low"] <= row["value"] <= row["placebo_high"] for row in path]
        assert np.mean(inside) > 0.7


def test_same_seed_same_tables_whatever_threads_and_order_of_rows():
    collaboration, citation, _ = world(strength=0.5, n=12, years=10)
    settings = replace(QUICK, placebo_replays=3, null_models=("multiedge",))
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


def test_one_layer_gives_convergence_and_divergence():
    collaboration, _, _ = world(strength=1.0, citation=False)
    settings = replace(QUICK, placebo_replays=0, null_models=("multiedge",))
    tables = analyse(collaboration, None, settings=settings, poles=POLES, seed=1)
    seen = {(row["archetype"], row["meaning"]) for row in rows(tables, "archetypes")}
    assert {("SC", "convergence"), ("SD", "divergence")} <= seen
    assert {row["layer"] for row in rows(tables, "links")} == {"collaboration"}
    assert all(row["survives"] is None for row in rows(tables, "placebo"))


@pytest.mark.parametrize("quantity", ["log_ratio", "percentile"])
def test_other_quantities_can_be_followed(quantity):
    collaboration, _, _ = world(strength=1.0, n=12, citation=False)
    settings = replace(
        QUICK, placebo_replays=2, quantity=quantity, null_models=("multiedge_overdispersed",)
    )
    tables = analyse(collaboration, None, settings=settings, poles=POLES, seed=1)
    assert rows(tables, "archetypes", archetype="SD")


def test_no_data_at_all():
    tables = analyse(None, None, poles=POLES, seed=1)
    assert set(tables) == NAMES
    assert all(tables[name].num_rows == 0 for name in NAMES)
    assert "with_AA" in tables["alignment"].column_names


def test_two_countries_are_as_their_sizes_say():
    edges = table([(2000 + t, "AA", "BB", 60 + t) for t in range(20)], "works_whole")
    settings = replace(QUICK, placebo_replays=1)
    tables = analyse(edges, None, settings=settings, poles=POLES, seed=1)
    assert [row["archetype"] for row in rows(tables, "archetypes")] == ["flat", "flat"]
    assert all(row["z"] == pytest.approx(0, abs=1e-6) for row in rows(tables, "links"))
    assert tables["polarisation"].num_rows == 0


def test_a_pole_outside_the_panel_is_said_to_be_missing():
    collaboration, _, _ = world(strength=1.0, n=10, years=8, citation=False)
    settings = replace(QUICK, placebo_replays=1, null_models=("multiedge",))
    tables = analyse(collaboration, None, settings=settings, poles=("AA", "ZZ"), seed=1)
    assert only(tables, "panel", source="ZZ")["reason"] == "not in the data"
    assert all(row["with_ZZ"] is None for row in rows(tables, "alignment"))
    assert tables["pole_years"].num_rows == 0
    assert tables["polarisation"].num_rows == 0


def test_an_empty_year_is_bridged():
    collaboration, _, _ = world(strength=1.0, n=12, citation=False)
    keep = pa.array([year != 2010 for year in collaboration["year"].to_pylist()])
    settings = replace(QUICK, placebo_replays=1, null_models=("multiedge", "ecm"))
    tables = analyse(collaboration.filter(keep), None, settings=settings, poles=POLES, seed=1)
    assert not rows(tables, "links", year=2010)
    assert rows(tables, "trajectories", year=2010)
    assert rows(tables, "archetypes", archetype="SD")


def test_countries_and_pairs_leave_with_a_reason():
    collaboration, _, _ = world(strength=0.0, n=10, citation=False)
    late = table([(2020 + t, "AA", "NW", 500) for t in range(2)], "works_whole")
    small = table([(2000 + t, "AA", "SM", 1) for t in range(22)], "works_whole")
    both = pa.concat_tables([collaboration, late, small])
    settings = replace(QUICK, min_works=40, placebo_replays=0, null_models=("multiedge",))
    tables = analyse(both, None, settings=settings, poles=POLES, seed=1)
    assert only(tables, "panel", source="NW")["reason"] == "inactive in collaboration in 20 years"
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
    settings = replace(QUICK, min_works=50, placebo_replays=0, null_models=("multiedge",))
    tables = analyse(collaboration, None, settings=settings, poles=POLES, seed=1, output=output)
    out = {row["source"] for row in rows(tables, "panel", kind="country", enters=False)}
    assert out == {"CA"}


def test_bad_settings_and_tables_are_refused_with_a_sentence():
    with pytest.raises(InputError, match="quantity"):
        Poles(quantity="zz")
    with pytest.raises(InputError, match="at least one null model"):
        Poles(null_models=())
    with pytest.raises(InputError, match="archetypes"):
        Poles(archetypes=0)
    wrong = table([(2000, "AA", "BB", 3)], "joint")
    with pytest.raises(InputError, match="works_whole"):
        analyse(wrong, None, poles=POLES, seed=1)
    collaboration, _, _ = world(strength=0.0, n=6, years=5, citation=False)
    with pytest.raises(InputError, match="no null model"):
        analyse(
            collaboration,
            None,
            settings=replace(QUICK, null_models=("bose",)),
            poles=POLES,
            seed=1,
        )


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
