"""Settings of simulated worlds: what they allow, and the arrays they stand for."""

import json

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.simulation.settings import (
    CountryCurve,
    PairCurve,
    WorldSettings,
    country_values,
    curve_at,
    log_affinity,
    pair_values,
    planted_world,
)


@pytest.mark.parametrize("n_works", [1, 23, 24, 1000, 12_345])
def test_every_work_has_a_year(n_works):
    settings = WorldSettings(n_works, 1)
    works = settings.works_by_year()
    assert works.sum() == n_works
    assert len(works) == len(settings.span) == 24
    exact = n_works * 1.1 ** np.arange(24) / (1.1 ** np.arange(24)).sum()
    assert np.abs(works - exact).max() < 1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"n_works": 0}, "n_works"),
        ({"seed": -1}, "seed"),
        ({"years": (2010, 2000)}, "years"),
        ({"drawn_seed": -1}, "drawn_seed"),
        ({"retention": 1.5}, "retention"),
        ({"lasting_affinity": -0.1}, "lasting_affinity"),
        ({"pair_dispersion": float("inf")}, "pair_dispersion"),
        ({"pair_noise_memory": 1.0}, "pair_noise_memory"),
        ({"reference_growth": 0.0}, "reference_growth"),
        ({"growth": 0.0}, "growth"),
        ({"growth": float("nan")}, "growth"),
        ({"affinity": "three_blocs"}, "affinity"),
        ({"communities": 3}, "communities"),
        ({"n_countries": 1000}, "countries"),
        ({"missing_affiliations": ()}, "missing_affiliations"),
        ({"affinity_pairs": (PairCurve("US", "CN", ((2000, float("inf")),)),)}, "affinity_pairs"),
        ({"affinity_pairs": (PairCurve("US", "ZZ", ((2000, 1.0),)),)}, "ZZ"),
        ({"joint_effects": (PairCurve("US", "CN", ((2000, -1.0),)),)}, "joint_effects"),
    ],
)
def test_impossible_settings_are_refused_by_name(change, named):
    with pytest.raises(InputError, match=named):
        WorldSettings(**({"n_works": 10, "seed": 1} | change))


def test_settings_survive_json():
    settings = planted_world(100, 1)
    assert json.loads(json.dumps(settings.as_dict()))["joint_effects"][0]["source"] == "US"


def test_curves_are_linear_between_points_and_constant_beyond():
    years = np.array([1990, 2000, 2005, 2010, 2020])
    assert curve_at(((2010, 3.0), (2000, 1.0)), years) == pytest.approx([1, 1, 2, 3, 3])


def test_pairs_of_one_kind_add_or_multiply():
    settings = WorldSettings(10, 1, n_countries=5)
    twice = (PairCurve("US", "CN", ((2000, 2.0),)), PairCurve("US", "CN", ((2000, 3.0),)))
    added = pair_values(settings, twice, 0.0, symmetric=True)
    multiplied = pair_values(settings, twice, 1.0, symmetric=False)
    assert added[0, 0, 1] == added[0, 1, 0] == 5
    assert multiplied[0, 0, 1] == 6
    assert multiplied[0, 1, 0] == 1
    assert (
        country_values(settings, (CountryCurve("CN", ((2000, 2.0),)),))[:, 1].tolist() == [2] * 24
    )


def test_two_blocs_drift_apart_and_a_placebo_does_not():
    settings = WorldSettings(10, 1, affinity="two_blocs", affinity_strength=2.0)
    planted, codes = log_affinity(settings), settings.codes
    us, gb, cn, jp = (codes.index(code) for code in ("US", "GB", "CN", "JP"))
    assert not planted[0].any()
    assert planted[-1, us, cn] == planted[-1, cn, gb] == -2
    assert planted[-1, us, gb] == 1
    assert not planted[:, jp].any()
    assert np.allclose(np.diff(planted[:, us, cn]), np.diff(planted[:, us, cn])[0])
    assert not log_affinity(WorldSettings(10, 1)).any()
