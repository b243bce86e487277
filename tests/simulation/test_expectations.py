"""What settings make us expect, against what generated worlds hold.

Bounds are four or five standard errors of the counts compared (Poisson for papers, the
spread of citations for impact); seeds are fixed.
"""

import numpy as np
import pytest

from isthmus.simulation.expectations import expected, sizes_alone
from isthmus.simulation.families import family_world
from isthmus.simulation.generator import World
from isthmus.simulation.settings import PairCurve, WorldSettings, planted_world

BEGIN = 1998
WHOLE = {"missing_affiliations": ((1998, 0.0),)}
STRONG = (PairCurve("US", "CN", ((BEGIN, 1.5),)),)
WORLDS = {
    "constant_ties": family_world("constant_ties", 20_000, 7, **WHOLE),
    "drifting_impact": family_world("drifting_impact", 20_000, 7, **WHOLE),
    "one strong tie": family_world("longer_lists", 20_000, 7, affinity_pairs=STRONG, **WHOLE),
}


@pytest.fixture(scope="module", params=WORLDS)
def world(request):
    """A world, its expectations, and year, leading country, citations of its works."""
    settings = WORLDS[request.param]
    made = World(settings)
    years = list(made.grow())
    first = np.repeat(np.arange(len(years)), settings.works_by_year())
    cited = np.concatenate([y.cited for y in years])
    when = np.repeat(np.arange(len(years)), [len(y.cited) for y in years])
    early = when - first[cited] <= 2
    received = np.bincount(cited[early], minlength=settings.n_works)
    partner = np.concatenate([y.plans.partner for y in years])
    return settings, expected(settings), first, made.lead.astype(int), partner, received


def test_papers_and_joint_papers(world):
    settings, found, _, lead, partner, _ = world
    led = np.bincount(lead, minlength=settings.n_countries)
    assert (np.abs(led - found.led.sum(axis=0)) < 5 * np.sqrt(found.led.sum(axis=0)) + 1).all()
    on = led + np.bincount(partner[partner >= 0], minlength=settings.n_countries)
    assert (np.abs(on - found.whole.sum(axis=0)) < 5 * np.sqrt(found.whole.sum(axis=0)) + 1).all()
    joint = np.sum((np.minimum(lead, partner) == 0) & (np.maximum(lead, partner) == 1))
    planned = found.joint[:, 0, 1].sum()
    assert abs(joint - planned) < 4 * np.sqrt(planned)


def test_impact_of_countries_and_its_change(world):
    """Citations per paper over what is expected, up to one scale for all countries and years."""
    _, found, first, lead, _, received = world
    logs, variances = [], []
    for country in range(4):
        for start, end in ((2, 12), (12, 22)):
            mine = received[(lead == country) & (first >= start) & (first < end)]
            weights = found.led[start:end, country]
            plan = np.average(found.impact[start:end, country], weights=weights)
            logs.append(np.log(mine.mean() / plan))
            variances.append(mine.var() / len(mine) / mine.mean() ** 2)
    weights = 1 / np.array(variances)
    gaps = np.array(logs) - np.average(logs, weights=weights)
    assert (np.abs(gaps) < 4 * np.sqrt(variances)).all()


def test_share_of_hits(world):
    settings, found, first, lead, _, received = world
    hits = np.zeros(settings.n_countries)
    for year in range(10, 22):
        works = np.flatnonzero(first == year)
        top = works[np.argsort(-received[works], kind="stable")[: len(works) // 100]]
        hits += np.bincount(lead[top], minlength=settings.n_countries)
    plan = found.hits[10:22].sum(axis=0) / found.hits[10:22].sum()
    error = np.sqrt(plan * (1 - plan) / hits.sum())
    assert (np.abs(hits / hits.sum() - plan)[:2] < 4 * error[:2]).all()


def test_sizes_alone_plants_nothing_and_keeps_size_and_years():
    settings = planted_world(500, 3, years=(2001, 2010), n_countries=20, growth=1.2)
    assert sizes_alone(settings) == WorldSettings(
        500, 3, years=(2001, 2010), n_countries=20, growth=1.2
    )
    plain = expected(sizes_alone(settings))
    assert not plain.affinity.any()
    assert np.ptp(plain.impact) < 1e-9 * plain.impact.max()
    assert plain.hits.sum(axis=1) / plain.led.sum(axis=1) == pytest.approx(0.01)
