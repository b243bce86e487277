"""What a generated world must keep, and that each planted switch does what it says.

Chances are compared with z-scores from their own binomial or Poisson law; bounds of 4
or 5 standard errors let one sound test in ten thousand fail, and seeds are fixed.
"""

import dataclasses
import tracemalloc

import numpy as np
import pytest

from isthmus.simulation.generator import World
from isthmus.simulation.references import community_law, lag_law, opposite
from isthmus.simulation.settings import CountryCurve, PairCurve, WorldSettings, planted_world
from isthmus.simulation.teams import expected_links
from isthmus.simulation.truth import Truth

WHOLE = {"missing_affiliations": ((1998, 0.0),)}  # nothing is lost


def grown(settings):
    world = World(settings)
    return world, list(world.grow())


def links(year, n, *, in_field=False):
    """Works shared by each pair of countries in a year, from complete affiliations."""
    on = np.zeros((len(year.venue), n), np.int64)
    on[year.signed.work[year.complete.authorship], year.complete.country] = 1
    if in_field:
        on = on[year.plans.area == 0]
    together = on.T @ on
    np.fill_diagonal(together, 0)
    return together


@pytest.fixture(scope="module")
def planted():
    return grown(planted_world(6_000, 5, retention=0.4, migration_rate=0.03))


@pytest.fixture(scope="module")
def placebo():
    return grown(WorldSettings(40_000, 2, n_countries=30, **WHOLE))


def flat(value):
    """All arrays inside nested dataclasses, in order."""
    if dataclasses.is_dataclass(value):
        return [a for f in dataclasses.fields(value) for a in flat(getattr(value, f.name))]
    return [value]


def test_one_seed_one_world():
    first, again, other = (grown(planted_world(1_000, s))[1] for s in (1, 1, 2))
    assert all(
        np.array_equal(a, b)
        for x, y in zip(first, again, strict=True)
        for a, b in zip(flat(x), flat(y), strict=True)
    )
    assert any(not np.array_equal(x.cited, y.cited) for x, y in zip(first, other, strict=True))


def test_references_go_back_in_time_once_each_and_never_home(planted):
    world, years = planted
    total = 0
    for year in years:
        last = year.first + len(year.venue)
        assert ((year.citing >= year.first) & (year.citing < last)).all()
        assert (year.cited < last).all()  # works are numbered by year
        assert (year.citing != year.cited).all()
        pairs = np.stack([year.citing, year.cited])
        assert np.unique(pairs, axis=1).shape == pairs.shape
        total += len(year.citing)
    assert world.received.sum() == total


def test_references_age_by_the_lognormal_law(placebo):
    world, years = placebo
    settings, last = world.settings, years[-1]
    year_of = np.repeat(settings.span, settings.works_by_year())
    lag = last.year - year_of[last.cited]
    law = lag_law(settings)[:-1]
    found = np.bincount(lag, minlength=len(law)) / len(lag)
    # the oldest cells are small, and lists drop what they would cite twice there
    assert np.abs(found - law / law.sum()).max() < 0.015


def test_every_work_has_authors_in_order_with_one_last_and_one_corresponding(planted):
    _, years = planted
    for year in years:
        signed, n = year.signed, len(year.venue)
        assert (np.bincount(signed.work, minlength=n) >= 1).all()
        assert (np.bincount(signed.work, signed.is_last, n) == 1).all()
        assert (np.bincount(signed.work, signed.is_corresponding, n) == 1).all()
        ends = np.flatnonzero(np.append(np.diff(signed.work), 1))
        assert signed.is_last[ends].all()
        starts = np.append(0, ends[:-1] + 1)[: len(ends)]
        assert (signed.position == np.arange(len(signed.work)) - starts[signed.work]).all()
        pairs = np.stack([signed.work, signed.author])
        assert np.unique(pairs, axis=1).shape == pairs.shape


def test_works_hold_the_planned_countries(planted):
    world, years = planted
    n = world.settings.n_countries
    for year in years:
        on = np.zeros((len(year.venue), n), bool)
        on[year.signed.work[year.complete.authorship], year.complete.country] = True
        rows = np.arange(len(on))
        assert on[rows, year.plans.lead].all()
        for others in (year.plans.partner, year.plans.third):
            assert on[rows[others >= 0], others[others >= 0]].all()


def test_means_are_as_asked(placebo):
    world, years = placebo
    settings = world.settings
    works = sum(len(y.venue) for y in years)
    authors = sum(len(y.signed.work) for y in years)
    assert works == settings.n_works
    # a few places stay empty where the same author was drawn twice
    assert authors / works == pytest.approx(settings.team_size, rel=0.05)
    # lists lose what is older than the world and repetitions, most of it in the first years
    assert 0.85 * settings.references < len(years[-1].citing) / len(years[-1].venue) < 22
    outside = np.mean(world.area)
    assert outside == pytest.approx(settings.outside_share, abs=4 * np.sqrt(0.25 / works))


def test_placebo_links_are_poisson_with_the_stated_mean(placebo):
    """In a placebo world the law is x_i x_j, so z of every pair and year is standard.

    About 435 pairs x 24 years, of which some 3,000 have a mean above 0.5: the mean of z
    has a standard error of 0.02, its standard deviation one of about 0.015.
    """
    world, years = placebo
    n, scores = world.settings.n_countries, []
    upper = np.triu_indices(n, 1)
    for at, year in enumerate(years):
        expected = expected_links(
            world.settings, len(year.venue), world.sizes[at], world.affinity[at]
        )[upper]
        observed = links(year, n)[upper]
        some = expected > 0.5
        scores.append((observed[some] - expected[some]) / np.sqrt(expected[some]))
    z = np.concatenate(scores)
    assert len(z) > 2_000
    assert abs(z.mean()) < 0.08
    assert abs(z.std() - 1) < 0.06


def test_affinity_multiplies_the_links_of_its_pair_alone():
    curve = ((1998, 0.0), (2021, 1.5))
    settings = WorldSettings(
        40_000, 3, n_countries=30, affinity_pairs=(PairCurve("US", "DE", curve),), **WHOLE
    )
    world, years = grown(settings)
    us, de = settings.codes.index("US"), settings.codes.index("DE")
    late = slice(-6, None)
    observed = sum(links(y, 30) for y in years[late])
    plain = sum(
        expected_links(settings, len(y.venue), world.sizes[y.year - 1998], np.zeros((30, 30)))
        for y in years[late]
    )
    ratio = observed / np.where(plain > 0, plain, 1)
    assert 2.7 < ratio[us, de] < 5  # exp(1.17) to exp(1.5)
    assert ratio[us, 1] == pytest.approx(1, abs=4 / np.sqrt(plain[us, 1]))


def test_affinity_acts_on_citations_and_none_leaves_them_by_size():
    pair = (PairCurve("US", "CN", ((1998, -2.0),)),)
    shares = []
    for pairs, acts in (((), 1.0), (pair, 1.0), (pair, 0.0)):
        world, years = grown(
            WorldSettings(8_000, 4, n_countries=10, affinity_pairs=pairs, citation_affinity=acts)
        )
        citing = np.concatenate([y.citing for y in years])
        cited = np.concatenate([y.cited for y in years])
        shares.append(np.mean(world.lead[cited[world.lead[citing] == 0]] == 1))
    assert shares[1] < 0.35 * shares[0]
    assert shares[2] == pytest.approx(shares[0], rel=0.2)


def c2_ratio(effect, seed):
    """Mean c_2 of US-led works with China over that of other US-led works, and its error."""
    settings = WorldSettings(
        30_000,
        seed,
        n_countries=10,
        affinity_pairs=(PairCurve("US", "CN", ((1998, 1.5),)),),
        citation_affinity=0.0,
        joint_effects=(PairCurve("US", "CN", ((1998, effect),)),),
    )
    world, years = grown(settings)
    year_of = np.repeat(settings.span, settings.works_by_year())
    c2, joint = np.zeros(len(year_of)), np.zeros(len(year_of), bool)
    for year in years:
        np.add.at(c2, year.cited[year_of[year.cited] >= year.year - 2], 1)
        work = year.signed.work[year.complete.authorship]
        joint[year.first + work[year.complete.country == 1]] = True
    known = (world.lead == 0) & (year_of <= settings.years[1] - 2)
    treated, control = c2[known & joint], c2[known & ~joint]
    error = treated.std() / np.sqrt(len(treated)) / control.mean()
    return treated.mean() / control.mean(), error


@pytest.mark.parametrize("effect", [1.0, 2.0])
def test_joint_effect_is_the_ratio_of_c2(effect):
    """Both kinds of work spread alike over years up to the drift of sizes: 5 % are given."""
    ratio, error = c2_ratio(effect, seed=7)
    assert abs(ratio - effect) < 4 * error + 0.05 * effect
    assert error < 0.2 * effect


def test_joint_effects_can_hold_in_some_communities_alone():
    settings = WorldSettings(
        2_000, 3, n_countries=5, joint_effects=(PairCurve("US", "CN", ((1998, 2.0),)),)
    )
    kinds = (
        settings,
        dataclasses.replace(settings, joint_communities=(0, 3)),
        dataclasses.replace(settings, joint_effects=()),
    )
    whole, some, none = (grown(one)[1] for one in kinds)
    for everywhere, year, plain in zip(whole, some, none, strict=True):
        ratio, there = year.impact / plain.impact, np.isin(year.community, (0, 3))
        assert np.all(ratio[~there] == 1.0)
        assert np.array_equal(ratio[there], (everywhere.impact / plain.impact)[there])
    assert ratio[there].max() == 2.0


def test_country_impact_multiplies_citations():
    settings = WorldSettings(
        30_000, 4, n_countries=10, country_impact=(CountryCurve("US", ((1998, 3.0),)),)
    )
    world, _ = grown(settings)
    by_us, by_others = world.received[world.lead == 0], world.received[world.lead != 0]
    plain, _ = grown(dataclasses.replace(settings, country_impact=()))
    before = plain.received[plain.lead == 0].mean() / plain.received[plain.lead != 0].mean()
    # a list cites a work once at most, which costs the top works of small cells some per cent
    assert 2.6 < by_us.mean() / by_others.mean() / before < 3.1


def test_novel_works_cite_across_the_ring():
    world, years = grown(WorldSettings(10_000, 6, n_countries=10, novel_share=0.1))
    community = np.concatenate([y.community for y in years])
    novel = np.concatenate([y.novel for y in years])
    assert not novel[world.area == 1].any()
    citing = np.concatenate([y.citing for y in years])
    cited = np.concatenate([y.cited for y in years])
    across = community[cited] == opposite(world.settings, community[citing])
    assert across[novel[citing]].mean() > 0.3
    assert across[~novel[citing]].mean() < 0.01


def test_missing_affiliations_follow_year_and_country():
    settings = WorldSettings(
        12_000,
        6,
        n_countries=5,
        missing_affiliations=((1998, 0.4), (2021, 0.1)),
        missing_by_country=(CountryCurve("CN", ((1998, 2.0),)),),
        second_employers=0.0,
    )
    world, years = grown(settings)
    for at, year in ((0, years[0]), (23, years[-1])):
        home = world.people.country[year.signed.author] == 1
        if at == 0:
            continue  # moves since then change where authors are now
        lost = ~np.isin(np.arange(len(home)), year.written.authorship)
        assert lost[home].mean() == pytest.approx(0.2, abs=0.05)
        assert lost[~home].mean() == pytest.approx(0.1, abs=0.03)
    first = years[0]
    kept = len(np.unique(first.written.authorship)) / len(first.signed.work)
    assert kept < 0.65


def test_doubled_works_have_an_author_in_two_countries():
    _, years = grown(WorldSettings(8_000, 6, n_countries=10, double_affiliations=0.5, **WHOLE))
    international = doubled = 0
    for year in years:
        pairs = np.unique(year.complete.authorship * 100 + year.complete.country) // 100
        twice = np.flatnonzero(np.bincount(pairs, minlength=len(year.signed.work)) > 1)
        works = np.unique(year.signed.work[twice])
        assert year.plans.doubled[works].all()
        international += (year.plans.partner >= 0).sum()
        doubled += len(works)
    assert doubled / international == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / international))


def with_old_country(retention):
    """Share of movers' works that have an author of the country they last left."""
    settings = WorldSettings(
        12_000, 6, n_countries=10, migration_rate=0.03, retention=retention, **WHOLE
    )
    world = World(settings)
    kept = total = 0
    for year in world.grow():
        left = world.people.left[year.signed.author]
        movers = np.flatnonzero(left >= 0)
        on = set(
            zip(
                year.signed.work[year.complete.authorship].tolist(),
                year.complete.country.tolist(),
                strict=True,
            )
        )
        pairs = zip(year.signed.work[movers].tolist(), left[movers].tolist(), strict=True)
        kept += sum(pair in on for pair in pairs)
        total += len(movers)
    return kept / total


def test_movers_keep_writing_with_the_country_they_left():
    plain, planted = with_old_country(0.0), with_old_country(0.5)
    # those who would not write with it anyway do so with the planted chance; movers on the
    # same work and pools that are empty shift this by a few per cent
    assert planted == pytest.approx(plain + 0.5 * (1 - plain), abs=0.06)


def test_migration_follows_rate_and_multiplier():
    settings = WorldSettings(
        20_000,
        6,
        n_countries=10,
        migration_rate=0.02,
        migration_pairs=(PairCurve("CN", "US", ((1998, 5.0),)),),
    )
    _, years = grown(settings)
    origin = np.concatenate([y.moves.origin for y in years])
    destination = np.concatenate([y.moves.destination for y in years])
    assert (origin != destination).all()
    there = ((origin == 1) & (destination == 0)).sum()
    back = ((origin == 0) & (destination == 1)).sum()
    # without the multiplier flows balance up to the drift of the two sizes
    assert 2.5 < there / back < 9


def test_laws_are_chances():
    settings = WorldSettings(10, 1)
    assert community_law(settings).sum(axis=1) == pytest.approx(np.ones(24))
    assert lag_law(settings).sum() == pytest.approx(1)
    outside = community_law(settings)[12:, :12].sum(axis=1)
    assert outside == pytest.approx(np.full(12, settings.outside_cites_field))


@pytest.mark.parametrize("n_works", [1, 5, 60])
def test_tiny_worlds_have_truth(n_works):
    world = World(planted_world(n_works, 1, n_countries=2))
    truth = Truth(world)
    for year in world.grow():
        truth.add(year)
    tables = truth.tables()
    assert tables["affinity"].num_rows == 24
    assert sum(tables["country_year"]["papers_whole_complete"].to_pylist()) <= 2 * n_works


def test_memory_grows_by_little_per_work():
    """State is a few dozen bytes per work and author; a year's tables pass through."""
    peaks = []
    for n_works in (5_000, 20_000):
        tracemalloc.start()
        world = World(WorldSettings(n_works, 1, n_countries=20))
        truth = Truth(world)
        for year in world.grow():
            truth.add(year)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 15_000 < 700
