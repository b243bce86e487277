"""Which claims worlds make true: the names, the families, and what switches a claim."""

import warnings
from collections import Counter

import pytest

from findings.tables import results_of
from isthmus.errors import InputError
from isthmus.findings.claims import claims_of
from isthmus.findings.evidence import Evidence
from isthmus.poles.groups import GROUP_POLES, GROUPS
from isthmus.simulation.families import FAMILIES, family_world
from isthmus.simulation.planted_claims import NAMED, planted_claims
from isthmus.simulation.settings import CountryCurve, PairCurve, WorldSettings, planted_world

WORKS = 20_000


def standings(settings, **poles):
    return {c.claim: c.standing for c in planted_claims(settings, **poles)}


def test_every_claim_of_the_findings_has_a_standing_and_no_other(tmp_path):
    names = [claim.name for claim in claims_of(Evidence(results_of(tmp_path, {})))]
    found = planted_claims(WorldSettings(WORKS, 1))
    assert sorted(c.claim for c in found) == sorted(names)
    assert all(c.reason.endswith(".") for c in found)


def test_claims_true_of_sizes_are_those_that_the_findings_say_are(tmp_path):
    said = {c.name for c in claims_of(Evidence(results_of(tmp_path, {}))) if c.of_sizes}
    found = standings(WorldSettings(WORKS, 1))
    assert {name for name, standing in found.items() if standing == "sizes"} <= said


def test_countries_named_are_those_of_the_findings():
    said = {
        name: [
            (country, pole, how.replace(" ", "_"))
            for country in countries
            for pole, how in zip(GROUP_POLES, hows, strict=True)
            if how != "any"
        ]
        for name, (countries, *hows) in NAMED.items()
    }
    assert said == GROUPS


#: Claims about effects that no family plants.
NEVER = (
    "movers-keep-ties-first",
    "movers-keep-ties-second",
    "movers-outdo-stayers-first",
    "movers-outdo-stayers-second",
    "premium-first",
    "premium-second",
    "premium-every-year",
    "premium-grows-first",
    "premium-is-the-poles-own",
    "second-gains-more",
    "joint-led-by-top",
    "poles-diverge-collaboration",
    "poles-diverge-citation",
    "two-poles",
    "exclusive-with-first",
    "bridges",
    "away-from-first-towards-second",
    "towards-second",
    "developing-with-second-only",
    "largest-diverge",
    "hub-and-spoke",
    "europe-bridges",
    "emergent-pole",
    "null-models-agree",
    "origin-of-movers-first",
    "origin-of-movers-second",
)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_family_makes_a_claim_about_an_effect_true(family):
    for seed in range(3):
        found = standings(family_world(family, WORKS, seed))
        assert {found[name] for name in NEVER} == {"false"}
        assert found["second-as-novel"] == found["control-pair-gains-nothing"] == "true"
        assert found["joint-papers-rise"] == found["movers-rise-first"] == "sizes"


def test_sizes_make_true_what_size_and_growth_say():
    found = standings(WorldSettings(WORKS, 1))
    sizes = {name for name, standing in found.items() if standing == "sizes"}
    assert sizes == {
        "poles-lead-output", "poles-lead-impact", "poles-lead-hits", "poles-lead-novelty",
        "poles-lead-scientists", "second-gains-hits", "first-loses-hits", "joint-papers-rise",
        "movers-rise-first", "movers-rise-second",
    }  # fmt: skip
    # The second pole ends as large as the first, and in the last five years is a tenth smaller.
    assert found["second-passes-in-scientists"] == found["second-catches-up"] == "false"
    assert found["first-has-more-ties"] == "false"


def test_impact_rises_relative_to_others_or_not():
    """Longer lists raise everybody's citations, so nobody's relative to others'."""
    for family in ("sizes", "longer_lists", "many_movers", "overdispersed"):
        found = standings(family_world(family, WORKS, 1))
        assert found["impact-rises-first"] == found["impact-rises-second"] == "false"
    rising = CountryCurve("US", ((1998, 1.0), (2021, 3.0)))
    found = standings(WorldSettings(WORKS, 1, country_impact=(rising,)))
    assert found["impact-rises-first"] == "true"
    assert found["impact-rises-second"] == "false"


def test_drift_has_a_random_direction():
    found = [standings(family_world("drifting_impact", WORKS, seed)) for seed in range(20)]
    for name in ("impact-rises-first", "impact-rises-second"):
        counted = Counter(one[name] for one in found)
        assert counted["true"] >= 4
        assert counted["false"] >= 4
        assert counted["sizes"] == 0


@pytest.mark.parametrize(
    ("slope", "second", "standing"),
    [(0.5, "second-gains-hits", "false"), (2.0, "second-gains-hits", "sizes")],
)
def test_hits_follow_impact(slope, second, standing):
    """A second pole whose impact collapses loses hits though it grows."""
    falling = CountryCurve("CN", ((1998, 1.0), (2021, 0.02 if slope < 1 else 1.0)))
    assert standings(WorldSettings(WORKS, 1, country_impact=(falling,)))[second] == standing


def test_planted_world():
    found = standings(planted_world(100_000, 1))
    true = {name for name, standing in found.items() if standing == "true"}
    assert {
        "movers-keep-ties-first", "movers-keep-ties-second", "premium-first", "premium-second",
        "premium-grows-first", "premium-is-the-poles-own", "second-gains-more", "two-poles",
        "poles-diverge-collaboration", "poles-diverge-citation", "exclusive-with-first",
        "impact-rises-second", "control-pair-gains-nothing",
    } <= true  # fmt: skip
    # Works led by US lose with China on board in early years.
    assert found["premium-every-year"] == "false"
    # Of the countries named, Japan and France are in no bloc, and India keeps its ties.
    assert found["bridges"] == found["away-from-first-towards-second"] == "false"


def test_single_switches():
    def of(name, **planted):
        return standings(WorldSettings(WORKS, 1, **planted))[name]

    rising = (PairCurve("US", "CN", ((1998, 0.0), (2021, 1.0))),)
    falling = (PairCurve("US", "CN", ((1998, 0.0), (2021, -1.0))),)
    assert of("poles-diverge-collaboration", affinity_pairs=falling) == "true"
    assert of("poles-diverge-collaboration", affinity_pairs=rising) == "false"
    assert of("poles-diverge-citation", affinity_pairs=falling, citation_affinity=0.0) == "false"
    others = (PairCurve("KR", "CA", ((1998, 2.0),)), PairCurve("US", "CN", ((1998, 2.0),)))
    assert of("control-pair-gains-nothing", joint_effects=others) == "false"
    assert of("premium-first", joint_effects=others) == "true"
    assert of("premium-is-the-poles-own", joint_effects=others) == "false"
    towards = tuple(
        PairCurve("CN", c, ((1998, 0.0), (2021, 1.0))) for c in ("AU", "BR", "RU", "ES")
    )
    assert of("towards-second", affinity_pairs=towards) == "true"
    assert of("towards-second", affinity_pairs=towards[:3]) == "false"
    assert of("towards-second", affinity_pairs=towards, n_countries=12) == "undetermined"


def test_indicators_follow_affinity_and_impact():
    """A pole that all others leave turns to itself; twice the impact passes the world's."""
    codes = WorldSettings(WORKS, 1).codes
    left = tuple(PairCurve("US", c, ((1998, -0.5), (2021, -2.0))) for c in codes if c != "US")
    found = standings(WorldSettings(WORKS, 1, affinity_pairs=left))
    assert found["home-bias-first"] == found["turns-inward-first"] == "true"
    assert found["turns-inward-second"] == "false"
    cited = (CountryCurve("CN", ((1998, 2.0),)), CountryCurve("US", ((1998, 0.5),)))
    found = standings(WorldSettings(WORKS, 1, country_impact=cited))
    assert found["second-passes-in-impact"] == found["impact-above-world-second"] == "true"
    assert found["impact-above-world-first"] == found["home-bias-second"] == "false"
    sizes = standings(WorldSettings(WORKS, 1))
    named = ("home-bias", "turns-inward", "impact-above-world")
    assert {sizes[f"{name}-{word}"] for name in named for word in ("first", "second")} == {"false"}
    assert sizes["second-passes-in-impact"] == "false"


def test_other_poles_and_a_pole_the_world_does_not_hold():
    found = standings(WorldSettings(WORKS, 1), poles=("JP", "IN"))
    assert found["poles-lead-output"] == "false"
    assert found["second-catches-up"] == found["second-passes-in-scientists"] == "sizes"
    # The US was ahead of China from the start, so it does not catch up.
    assert standings(WorldSettings(WORKS, 1), poles=("CN", "US"))["second-catches-up"] == "false"
    unequal = (CountryCurve("FR", ((1998, 1.1),)),)
    unseen = standings(WorldSettings(WORKS, 1, missing_by_country=unequal))
    assert unseen["second-passes-in-scientists"] == "undetermined"
    with pytest.raises(InputError, match=r"pole KE; it holds US, CN"):
        planted_claims(WorldSettings(10, 1, n_countries=5), ("US", "KE"))


@pytest.mark.parametrize(
    "changes",
    [
        {"n_countries": 2},
        {"n_countries": 138, "years": (1900, 2020)},
        {"years": (2000, 2000)},
        {"international_share": 0.0, "missing_affiliations": ((1998, 1.0),)},
        {
            "country_impact": (CountryCurve("US", ((1998, 0.0),)),),
            "migration_pairs": (PairCurve("US", "CN", ((1998, 0.0),)),),
            "joint_effects": (PairCurve("US", "CN", ((1998, 0.0),)),),
        },
    ],
)
def test_odd_worlds_have_standings_without_a_warning(changes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(planted_claims(WorldSettings(3, 1, **changes))) == 59
