"""What each family plants, and that it plants nothing else, by plain recounts.

Recounts read the generated years; bounds are four or five standard errors of the counts
compared, seeds are fixed.
"""

import dataclasses
from functools import cache

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.simulation.families import FAMILIES, family_world
from isthmus.simulation.generator import World
from isthmus.simulation.settings import WorldSettings

WORKS = 3_000


@cache
def grown(name, works=WORKS, **changes):
    world = World(family_world(name, works, 5, **changes))
    return world, list(world.grow())


def per_work(years):
    """References per work and year."""
    return np.array([len(year.cited) / max(len(year.venue), 1) for year in years])


def test_every_family_is_documented_and_says_what_is_not_planted():
    for name, family in FAMILIES.items():
        assert family.__name__ == name
        assert "Planted:" in family.__doc__
        assert "Not\n    planted:" in family.__doc__ or "Not planted:" in family.__doc__


def test_an_unknown_family_is_refused_with_the_list():
    with pytest.raises(InputError, match=r"'none'.*sizes, constant_ties, drifting_impact"):
        family_world("none", 10, 1)


def test_sizes_is_the_placebo_world_and_changes_replace_what_a_family_plants():
    assert family_world("sizes", 10, 1) == WorldSettings(10, 1)
    assert family_world("many_movers", 10, 1, migration_rate=0.2).migration_rate == 0.2


@pytest.mark.parametrize("name", FAMILIES)
def test_no_family_plants_an_effect_on_movers_or_joint_papers(name):
    settings = family_world(name, 10, 1)
    assert settings.retention == 0
    assert not settings.joint_effects
    assert not settings.migration_pairs
    assert settings.novel_share == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_no_tie_changes(name):
    world = World(family_world(name, 10, 3))
    assert np.ptp(world.affinity, axis=0).max() == 0


def test_constant_ties_are_seen_and_stay():
    """Joint works of US and CN over what sizes give, early and late."""
    world, years = grown("constant_ties", 20_000, missing_affiliations=((1998, 0.0),))
    share, sizes = world.settings.international_share, world.sizes
    planned = np.array([np.sum((y.plans.lead < 2) & (y.plans.partner < 2) & (y.plans.partner >= 0))
                        for y in years])  # fmt: skip
    works = world.settings.works_by_year()
    plain = 2 * share * works * sizes[:, 0] * sizes[:, 1]
    tie = world.affinity[0, 0, 1]
    for part in (slice(0, 16), slice(16, None)):
        seen = np.log(planned[part].sum() / plain[part].sum())
        assert seen == pytest.approx(tie, abs=4 / np.sqrt(planned[part].sum()))
    assert abs(tie) > 4 / np.sqrt(planned.sum())  # there is a tie to see


def test_drifting_impact_acts_on_citations_alone():
    """The same seed without drift has the same works, teams and moves."""
    (world, drifting), (_, still) = (
        grown("drifting_impact"),
        grown("drifting_impact", impact_drift=0),
    )
    for one, other in zip(drifting, still, strict=True):
        for name in ("plans", "signed", "complete", "written", "moves"):
            pair = [dataclasses.asdict(getattr(year, name)) for year in (one, other)]
            np.testing.assert_equal(*pair)
        assert one.impact == pytest.approx(
            other.impact * world.impact[one.year - 1998, one.plans.lead]
        )
    assert any(not np.array_equal(a.cited, b.cited) for a, b in zip(drifting, still, strict=True))


def test_longer_lists_lengthen_for_everybody():
    _, years = grown("longer_lists", growth=1.0)
    made = per_work(years)
    _, plain = grown("longer_lists", growth=1.0, reference_growth=1.0)
    same = per_work(plain)
    expected = 1.04 ** np.arange(len(made))
    # Both leave out references older than the world, so their ratio is the growth.
    assert made[8:] / same[8:] == pytest.approx(expected[8:], rel=0.25)
    assert (made[-5:] / same[-5:]).mean() == pytest.approx(expected[-5:].mean(), rel=0.08)


def test_affiliations_are_missing_more_and_more_and_unequally():
    world, years = grown("missing_affiliations", 20_000)
    lost, signed = np.zeros((2, len(years), 60))
    by_venue = np.zeros((2, 600))
    for at, year in enumerate(years):
        kept = np.zeros(len(year.signed.author), bool)
        kept[year.written.authorship] = True
        country = np.full(len(kept), -1)
        country[year.complete.authorship[::-1]] = year.complete.country[::-1]
        np.add.at(lost[at], country, ~kept)
        np.add.at(signed[at], country, 1)
        if at >= 12:
            venue = year.venue[year.signed.work]
            np.add.at(by_venue[0], venue, ~kept)
            np.add.at(by_venue[1], venue, 1)
    share = lost.sum(axis=1) / signed.sum(axis=1)
    assert share[-1] > 5 * share[0]
    late = lost[12:].sum(axis=0) / np.maximum(signed[12:].sum(axis=0), 1)
    expected = np.average(world.missing[12:], axis=0, weights=signed[12:].sum(axis=1))
    largest = np.argsort(-signed.sum(axis=0))[:6]
    assert late[largest] == pytest.approx(expected[largest], rel=0.2)
    assert np.ptp(late[largest]) > 0.05
    often = by_venue[1] > 100
    apart = (by_venue[0] / np.maximum(by_venue[1], 1))[often]
    chance = np.sqrt(apart.mean() * (1 - apart.mean()) / by_venue[1][often])
    assert apart.std() > 2 * np.mean(chance)


@pytest.fixture(scope="module")
def movers():
    """A world with many movers, and what everybody had written and when they entered."""
    world = World(family_world("many_movers", 20_000, 5))
    people, papers, rows = world.people, np.zeros(0), []
    ties = {True: [], False: []}
    for year in world.grow():
        papers = np.append(papers, np.zeros(len(people) - len(papers)))
        moved = np.zeros(len(people), bool)
        moved[year.moves.author] = True
        there = people.active & (people.entry < year.year)
        for who, is_mover in ((there & moved, True), (there & ~moved, False)):
            rows.append(
                np.column_stack(
                    [
                        np.full(who.sum(), year.year),
                        people.entry[who],
                        papers[who],
                        np.full(who.sum(), is_mover),
                    ]
                )
            )
        np.add.at(papers, year.signed.author, 1)
        here = np.zeros((len(year.venue), 60), bool)
        here[year.signed.work[year.complete.authorship], year.complete.country] = True
        inside = people.country[year.signed.author] == 0
        came = people.left[year.signed.author] == 1
        with_cn = here[year.signed.work, 1]
        for is_mover in (True, False):
            ties[is_mover].append(with_cn[inside & (came == is_mover)])
    return np.concatenate(rows), {key: np.concatenate(part) for key, part in ties.items()}


def test_many_movers_are_many_and_no_older(movers):
    rows, _ = movers
    year, entry, _, is_mover = rows.T
    assert 0.03 < is_mover.mean() < 0.05  # 5 %, less those who draw their own country
    age = year - entry
    # Small countries send a larger share (they seldom draw themselves); ages differ little.
    gaps, weights = [], []
    for when in np.unique(year):
        now = year == when
        if (is_mover[now] == 1).sum() > 5:
            one, other = age[now & (is_mover == 1)], age[now & (is_mover == 0)]
            gaps.append(one.mean() - other.mean())
            weights.append(len(one) / other.var() if other.var() else 0)
    error = 1 / np.sqrt(np.sum(weights))
    assert abs(np.average(gaps, weights=weights)) < 4 * error


def test_many_movers_had_written_as_much_at_equal_career_age(movers):
    year, entry, papers, is_mover = movers[0].T
    cell = (year * 10_000 + entry).astype(np.int64)
    gaps, variances, weights = [], [], []
    for key in np.unique(cell[is_mover == 1]):
        one = papers[(cell == key) & (is_mover == 1)]
        other = papers[(cell == key) & (is_mover == 0)]
        if len(other) > 1:
            gaps.append(one.mean() - other.mean())
            weights.append(len(one))
            variances.append(len(one) * other.var(ddof=1))
    error = np.sqrt(np.sum(variances)) / np.sum(weights)
    assert abs(np.average(gaps, weights=weights)) < 4 * error


def test_many_movers_keep_no_ties(movers):
    one, other = movers[1][True], movers[1][False]
    assert len(one) > 200
    both = np.concatenate([one, other]).mean()
    # Authors of one work share its countries: a third of the authorships are independent.
    error = np.sqrt(both * (1 - both) * (1 / len(one) + 1 / len(other)) * 3)
    assert abs(one.mean() - other.mean()) < 4 * error


def test_overdispersed_pairs_vary_more_than_chance():
    """Squared standardised residuals of joint works and their plan: 1 under Poisson."""
    spread = {}
    for name in ("overdispersed", "sizes"):
        world, years = grown(name, 40_000)
        sizes, works = world.sizes, world.settings.works_by_year()
        found = []
        for at, year in enumerate(years):
            mean = 2 * world.settings.international_share * works[at] * np.outer(*[sizes[at]] * 2)
            seen = np.zeros((60, 60))
            joint = year.plans.partner >= 0
            np.add.at(seen, (year.plans.lead[joint], year.plans.partner[joint]), 1)
            seen += seen.T
            some = np.triu(mean > 10, 1)
            found.append(((seen - mean) ** 2 / mean)[some])
        found = np.concatenate(found)
        spread[name] = found.mean(), 5 * np.sqrt(2 / len(found)), len(found)
    assert spread["sizes"][2] > 100
    assert abs(spread["sizes"][0] - 1) < spread["sizes"][1]
    assert spread["overdispersed"][0] > 1 + 2 * spread["overdispersed"][1]


def test_overdispersed_papers_have_a_heavier_tail():
    tails = []
    for name in ("overdispersed", "longer_lists"):
        world, _ = grown(name, 20_000, references=20.0, reference_growth=1.0)
        received = np.sort(world.received)[::-1]
        tails.append(received[:200].sum() / received.sum())
    assert tails[0] > 1.3 * tails[1]


def test_full_lists_keep_their_length_in_small_worlds():
    lengths = []
    for full in (True, False):
        _, years = grown("longer_lists", 1_000, reference_growth=1.0, full_lists=full)
        lengths.append(per_work(years))
        for year in years:
            pairs = np.stack([year.citing, year.cited])
            assert np.unique(pairs, axis=1).shape == pairs.shape
            assert (year.citing != year.cited).all()
    assert (lengths[0] >= lengths[1]).all()
    assert lengths[0][:8].sum() > 1.03 * lengths[1][:8].sum()
