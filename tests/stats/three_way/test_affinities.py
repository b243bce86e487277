"""Affinities against planted ones.

Counts without noise are about 1e6 and more: log(w + 1/2), less the bias that it has for
Poisson counts, is then off by 1 / 2w, and ties that never change are exact to 5e-6. The
fit ends when no effect moves by 5e-3; where ties move too, slopes are exact to 2e-4.
Rates from small worlds are given the ranges that the benchmark reaches in every cell.
"""

from __future__ import annotations

import numpy as np
import pytest
from pyarrow import csv

from isthmus.errors import InputError
from isthmus.simulation.ties import tie_panel
from isthmus.stats import affinity


def exact(random, n, years, slopes=(), directed=False, lasting=0.5):
    """Counts without noise, and the affinities they hold."""
    effect = random.normal(size=(years, 2, n)) * 0.5 + 9
    tie = lasting * random.normal(size=(n, n))
    tie = tie if directed else np.triu(tie, 1) + np.triu(tie, 1).T
    planted = np.repeat(tie[None], years, axis=0)
    for (i, j), slope in slopes:
        path = slope * (np.arange(years) - (years - 1) / 2)
        planted[:, i, j] += path
        if not directed:
            planted[:, j, i] += path
    target = effect[:, 1] if directed else effect[:, 0]
    counts = np.exp(effect[:, 0, :, None] + target[:, None, :] + planted)
    counts[:, range(n), range(n)] = 0
    return counts, planted


def beyond_levels(difference):
    """What no pair of constant levels (one of the source, one of the target) explains."""
    n = len(difference)
    i, j = np.nonzero(~np.eye(n, dtype=bool))
    design = np.zeros((len(i), 2 * n))
    design[range(len(i)), i], design[range(len(i)), n + j] = 1, 1
    y = difference[i, j]
    return y - design @ np.linalg.lstsq(design, y, rcond=None)[0]


@pytest.mark.parametrize("directed", [False, True])
def test_lasting_ties_are_recovered_up_to_the_reference(directed):
    counts, planted = exact(np.random.default_rng(1), 12, 8, directed=directed)
    found = affinity(counts, directed=directed)
    difference = found.value - planted
    assert np.nanmax(np.abs(difference - difference[0])) < 5e-6
    assert np.abs(beyond_levels(difference[0])).max() < 5e-6
    assert found.expected == pytest.approx(counts, rel=1e-5)


@pytest.mark.parametrize("directed", [False, True])
def test_slopes_are_recovered_and_not_handed_to_neighbours(directed):
    slopes = [((0, 1), -0.05), ((0, 2), 0.04), ((1, 2), -0.04)]
    counts, _ = exact(np.random.default_rng(2), 25, 16, slopes, directed)
    i, j = np.nonzero(~np.eye(25, dtype=bool)) if directed else np.triu_indices(25, 1)
    found = affinity(counts, directed=directed).trends(i, j)
    truth = np.zeros((25, 25))
    for (a, b), slope in slopes:
        truth[a, b] = slope
    assert found.slope == pytest.approx(truth[i, j], abs=2e-4)


def test_the_size_of_a_country_in_a_year_does_not_move_affinities():
    counts, _ = exact(np.random.default_rng(3), 10, 9)
    larger = counts.copy()
    larger[4, 2] *= 3
    larger[4, :, 2] *= 3
    found, moved = affinity(counts, directed=False), affinity(larger, directed=False)
    assert np.nanmax(np.abs(found.value - moved.value)) < 1e-4
    change = moved.effects - found.effects
    assert change[4, 2] == pytest.approx(np.log(3), abs=1e-4)
    change[4, 2] = 0
    assert np.abs(change).max() < 1e-4


def test_sources_and_targets_of_a_symmetric_panel_are_alike():
    panel = tie_panel(100_000, 8, seed=1, n=12, lasting=0.3)
    one, two = affinity(panel.counts, directed=False), affinity(panel.counts, directed=True)
    assert one.effects.shape == (8, 12)
    assert two.effects.shape == (8, 2, 12)
    assert np.nanmax(np.abs(two.effects[:, 1].mean(axis=1))) < 1e-9
    assert np.nanmax(np.abs(two.value - two.value.transpose(0, 2, 1))) < 1e-4
    assert np.nanmax(np.abs(two.value - one.value)) < 0.1


@pytest.fixture(scope="module")
def worlds():
    """Four worlds of every kind of noise at once: panel and affinities."""
    drawn = []
    for seed, (works, directed) in enumerate([(3_000, False), (40_000, False), (40_000, True)]):
        panel = tie_panel(
            works, 14, seed, n=24, directed=directed, lasting=0.5, noise=0.1, dispersion=0.05
        )
        drawn.append((panel, affinity(panel.counts, directed=directed), directed))
    return drawn


def test_intervals_cover_and_neutral_pairs_do_not_trend(worlds):
    covered, inside, neutral = [], [], []
    for panel, found, directed in worlds:
        n = len(panel.countries)
        i, j = np.nonzero(~np.eye(n, dtype=bool)) if directed else np.triu_indices(n, 1)
        lines, truth = found.trends(i, j), panel.slope[i, j]
        covered.append(((lines.low <= truth) & (truth <= lines.high)).mean())
        neutral.append((lines.p[truth == 0] < 0.05).mean())
        there = np.isfinite(found.value)
        within = (found.low <= panel.affinity) & (panel.affinity <= found.high)
        inside.append(within[there].mean())
    assert 0.92 < np.mean(covered) < 0.985
    assert 0.92 < np.mean(inside) < 0.985
    assert np.mean(neutral) < 0.07


def test_noise_and_ties_are_measured(worlds):
    _, found, _ = worlds[1]
    variance = found.sigma**2 + found.dispersion
    assert np.sqrt(variance[-1]) == pytest.approx(np.sqrt(0.1**2 + 0.05), rel=0.25)
    assert found.tau == pytest.approx(0.5, rel=0.25)
    assert (found.se < found.se_total).sum() == np.isfinite(found.se).sum()


@pytest.mark.parametrize("directed", [False, True])
def test_standard_errors_are_the_scatter_of_counts(directed):
    """About each pair's own mean; the noise that effects allow for makes them a little wide."""
    panel = tie_panel(40_000, 15, 5, n=20, directed=directed, lasting=0.5, slopes={})
    found = affinity(panel.counts, directed=directed)
    rest = (found.value - found.value.mean(axis=0)) / found.se
    size = np.sqrt((rest**2).sum(axis=0) / 14)
    for part in (panel.counts.mean(axis=0) > 100, panel.counts.mean(axis=0) < 20):
        assert np.nanmean(size[part]) == pytest.approx(1, abs=0.1)


def test_limits_enclose_the_value(worlds):
    for _, found, _ in worlds:
        there = np.isfinite(found.value)
        assert (found.low <= found.value)[there].all()
        assert (found.value <= found.high)[there].all()
        assert np.isneginf(found.low[there & (found.value < -5)]).all()


def test_constant_ties_keep_every_pair_s_total(worlds):
    for panel, found, _ in worlds:
        assert found.expected.sum(axis=0) == pytest.approx(panel.counts.sum(axis=0), rel=1e-9)
    panel, found, _ = worlds[1]
    size = panel.counts.sum(axis=2)
    assert np.median(np.abs(found.expected.sum(axis=2) / size - 1)) < 0.1


def test_countries_come_and_go():
    slopes = [((0, 5), 0.05)]
    counts, planted = exact(np.random.default_rng(4), 12, 14, slopes)
    counts[:4, 5] = counts[:4, :, 5] = 0
    counts[9:, 7] = counts[9:, :, 7] = 0
    found = affinity(counts, directed=False)
    absent = np.zeros((14, 12), dtype=bool)
    absent[:4, 5] = absent[9:, 7] = True
    assert (np.isnan(found.effects) == absent).all()
    either = absent[:, :, None] | absent[:, None, :] | np.eye(12, dtype=bool)
    assert (np.isnan(found.value) == either).all()
    assert (found.expected[either] == 0).all()
    assert (found.expected >= 0).all()
    change = found.value - planted
    first = np.where(np.isnan(change[0]), change[-1], change[0])
    assert np.nanmax(np.abs(change - first)) < 5e-3
    lines = found.trends([0, 0, 5, 1], [5, 7, 7, 2])
    assert lines.slope[0] == pytest.approx(0.05, abs=1e-3)
    assert lines.slope[1] == pytest.approx(0, abs=1e-3)
    assert np.isnan(lines.slope[2])  # both were there in five years


def test_panels_with_hardly_any_works_settle():
    random = np.random.default_rng(5)
    for mean in (0.02, 0.1, 0.5):
        counts = np.triu(random.poisson(mean, size=(12, 15, 15)), 1)
        found = affinity(counts + counts.transpose(0, 2, 1), directed=False)
        there = np.isfinite(found.value)
        assert (found.low <= found.value)[there].all()
        assert np.isfinite(found.se[there]).all()
        assert np.isfinite(found.expected).all()


@pytest.mark.parametrize("shape", [(7, 4, 4), (0, 4, 4), (5, 0, 0), (5, 1, 1)])
@pytest.mark.parametrize("directed", [False, True])
def test_a_panel_without_works_has_no_affinities(shape, directed):
    found = affinity(np.zeros(shape), directed=directed)
    assert found.value.shape == shape
    assert np.isnan(found.value).all()
    assert not found.expected.any()
    if shape[1] > 1:
        assert np.isnan(found.trends([0], [1]).slope).all()


def changed(place, value):
    counts = np.ones((6, 4, 4)) - np.eye(4)
    counts[place] = value
    return counts


@pytest.mark.parametrize(
    ("panel", "match"),
    [
        (np.ones((4, 4)), "shape"),
        (np.ones((6, 4, 3)), "shape"),
        (changed((0, 0, 1), -1), "not negative"),
        (changed((0, 0, 1), np.nan), "finite"),
        (changed((0, 0, 1), np.inf), "finite"),
        (changed((0, 0, 0), 3), "diagonal"),
        (changed((0, 0, 1), 2), "not symmetric"),
    ],
)
def test_bad_input_is_refused(panel, match):
    with pytest.raises(InputError, match=match):
        affinity(panel, directed=False)


@pytest.mark.shared_data
def test_the_poles_grow_together_until_2018_and_apart_since(shared_data):
    """Joint works of all fields of the 40 largest countries, 1990-2023."""
    edges = shared_data / "world-coauthorship" / "edges_1990_2023.csv.gz"
    read = csv.read_csv(edges)
    table = {name: read[name].to_numpy() for name in read.column_names}
    codes, place = np.unique(
        np.concatenate([table["source"], table["target"]]).astype(str), return_inverse=True
    )
    source, target = np.split(place, 2)
    counts = np.zeros((34, len(codes), len(codes)))
    counts[table["year"] - 1990, source, target] = table["weight"]
    counts[:, range(len(codes)), range(len(codes))] = 0
    counts = np.maximum(counts, counts.transpose(0, 2, 1))
    largest = np.sort(np.argsort(counts.sum(axis=(0, 1)))[-40:])
    found = affinity(counts[:, largest][:, :, largest], directed=False)
    names = codes[largest].tolist()
    china, states = names.index("CN"), names.index("US")
    path = found.value[:, china, states]
    assert 2014 <= 1990 + path.argmax() <= 2019
    assert path[28] - path[0] > 0.5
    assert path[33] - path[28] < -0.25
    assert found.trends([china], [states]).bend_p[0] < 0.01


@pytest.mark.parametrize("directed", [False, True])
def test_years_of_three_countries_have_no_affinities(directed):
    counts, _ = exact(np.random.default_rng(3), 6, 9, directed=directed)
    counts[2, 3:], counts[2, :, 3:] = 0, 0
    found = affinity(counts, directed=directed)
    assert np.isnan(found.value[2]).all()
    assert np.isfinite(found.value[3][~np.eye(6, dtype=bool)]).all()
