"""Affinities of many places: those of the dense fit where it can be had, planted ones elsewhere.

Effects of a place outside the core rest on its works with the core, so a pair of small places
is told within wide limits only. Slopes are plain lines through the years; their mean error over
a few hundred pairs is compared with its own standard error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from isthmus.errors import InputError
from isthmus.simulation.ties import tie_panel
from isthmus.stats import SparseAffinity, affinity, sparse_affinity


@dataclass(frozen=True)
class Found:
    """Rows of all pairs of a panel, with their affinities as (t, n, n)."""

    sparse: SparseAffinity
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    se: np.ndarray


def rows_of(counts, pairs=None):
    """Rows of all pairs (or of these) in shuffled order, zeros among them."""
    i, j = np.triu_indices(counts.shape[1], 1) if pairs is None else pairs
    year = np.repeat(np.arange(len(counts)), len(i))
    source, target = np.tile(i, len(counts)), np.tile(j, len(counts))
    order = np.random.default_rng(0).permutation(len(year))
    return year[order], target[order], source[order]


def found(counts, core):
    year, source, target = rows_of(counts)
    made = sparse_affinity(
        year + 1990, source, target, counts[year, source, target], counts.shape[1], core=core
    )
    placed = []
    for each in (made.value, made.low, made.high, made.se):
        out = np.full(counts.shape, np.nan)
        out[year, source, target] = out[year, target, source] = each
        placed.append(out)
    return Found(made, *placed)


def ties(places, core, ends):
    """Pairs of which so many ends are in the core."""
    inside = np.isin(np.arange(places), core)
    i, j = np.triu_indices(places, 1)
    some = inside[i].astype(int) + inside[j] == ends
    return i[some], j[some]


def slopes(value):
    """Slope of a plain line through the years, of each pair."""
    times = np.arange(len(value)) - (len(value) - 1) / 2
    return times @ value / (times @ times)


@pytest.mark.parametrize("core", [15, 40])
def test_no_more_places_than_the_core_are_the_dense_fit(core):
    counts = tie_panel(20_000, 10, 1, n=15, lasting=0.5, noise=0.1).counts
    counts[:3, 9] = counts[:3, :, 9] = 0
    dense, sparse = affinity(counts, directed=False), found(counts, core)
    for name, other in (("value",) * 2, ("low",) * 2, ("high",) * 2, ("se", "se_total")):
        expected = getattr(dense, other)
        assert getattr(sparse, name) == pytest.approx(expected, abs=1e-6, nan_ok=True)
    assert sparse.sparse.tau == pytest.approx(dense.tau)


def test_pairs_of_the_core_are_those_of_the_core_alone():
    counts = tie_panel(20_000, 8, 2, n=30, lasting=0.5).counts
    sparse = found(counts, 10)
    core = np.sort(sparse.sparse.core)
    assert set(core) == set(np.argsort(counts.sum(axis=(0, 1)))[-10:])
    at = np.ix_(range(8), core, core)
    dense = affinity(counts[at], directed=False)
    assert sparse.value[at] == pytest.approx(dense.value, abs=1e-6, nan_ok=True)


def exact(random, n, years, lasting=0.5):
    """Counts without noise, the second half of the places small, and constant affinities."""
    effect = random.normal(size=(years, n)) * 0.4 + 9 - 3 * (np.arange(n) >= n // 2)
    tie = np.triu(lasting * random.normal(size=(n, n)), 1)
    tie += tie.T
    counts = np.exp(effect[:, :, None] + effect[:, None, :] + tie)
    counts[:, range(n), range(n)] = 0
    return counts, tie


def test_constant_ties_stay_whatever_places_do_each_year():
    counts, tie = exact(np.random.default_rng(3), 40, 9)
    sparse = found(counts, 20)
    change = sparse.value - tie
    level = change.mean(axis=0)
    assert np.nanmax(np.abs(change - level)) < 0.01
    # Levels are relative to the places' other ties: a constant of each end, no more.
    i, j = np.triu_indices(40, 1)
    design = np.zeros((len(i), 40))
    design[range(len(i)), i] = design[range(len(i)), j] = 1
    left = level[i, j] - design @ np.linalg.lstsq(design, level[i, j], rcond=None)[0]
    assert np.abs(left).max() < 0.05


@pytest.fixture(scope="module")
def world():
    """Three hundred places: half of the small ones grow five-fold, some ties of theirs move."""
    random = np.random.default_rng(4)
    names = ["US", "CN", "GB", "JP", *(f"C{i:02d}" for i in range(4, 300))]
    ends = random.permuted(np.tile(np.arange(5, 300), (4, 1)), axis=1).reshape(2, -1)
    moving = {
        (names[a], names[b]): 0.08 * random.choice([-1, 1])
        for a, b in ends.T
        if a != b and min(a, b) < 60
    }
    panel = tie_panel(150_000, 12, 5, n=300, lasting=0.5, noise=0.1, dispersion=0.02, slopes=moving)
    grows = (np.arange(300) >= 40) & (random.random(300) < 0.5)
    kept = np.where(grows, np.exp(0.15 * np.arange(-11, 1))[:, None], 1.0)
    counts = random.binomial(panel.counts.astype(int), kept[:, :, None] * kept[:, None, :])
    counts = np.triu(counts).astype(float)
    size = panel.sizes * kept
    mean = size[:, :, None] * size[:, None, :] * np.exp(panel.affinity)
    mean *= counts.sum() / np.triu(mean, 1).sum()
    counts += counts.transpose(0, 2, 1)
    return panel, counts, mean.mean(axis=0), grows, found(counts, 40)


@pytest.mark.parametrize("ends", [0, 1])
def test_intervals_cover_planted_affinities(world, ends):
    panel, _, mean, _, sparse = world
    i, j = ties(300, sparse.sparse.core, ends)
    some = mean[i, j] > 0.5
    i, j = i[some], j[some]
    assert len(i) > 50
    truth = panel.affinity[:, i, j]
    inside = (sparse.low[:, i, j] <= truth) & (truth <= sparse.high[:, i, j])
    assert 0.92 < inside[np.isfinite(sparse.value[:, i, j])].mean() < 0.985
    error = ((sparse.value[:, i, j] - truth) / sparse.se[:, i, j]).ravel()
    assert np.nanstd(error) == pytest.approx(1, abs=0.15)
    assert abs(np.nanmean(sparse.value[:, i, j] - truth)) < 0.12


def test_growing_places_do_not_move_constant_ties(world):
    panel, _, mean, grows, sparse = world
    i, j = ties(300, sparse.sparse.core, 1)
    some = (mean[i, j] > 1) & (panel.slope[i, j] == 0)
    i, j = i[some], j[some]
    line = slopes(sparse.value[:, i, j])
    growing = grows[i] | grows[j]
    assert growing.sum() > 300
    for part in (line[growing], line[~growing]):
        part = part[np.isfinite(part)]
        assert abs(part.mean()) < 0.005 + 2 * part.std() / np.sqrt(len(part))


def test_planted_slopes_are_found(world):
    panel, _, mean, _, sparse = world
    i, j = np.nonzero(np.triu(panel.slope * (mean > 1)))
    outside = ~(np.isin(i, sparse.sparse.core) & np.isin(j, sparse.sparse.core))
    i, j = i[outside], j[outside]
    truth = panel.slope[i, j]
    gain = slopes(sparse.value[:, i, j]) * np.sign(truth)
    gain = gain[np.isfinite(gain)]
    assert len(gain) > 30
    assert gain.mean() == pytest.approx(0.08, abs=2.5 * gain.std() / np.sqrt(len(gain)))


def test_a_strong_tie_that_grows_moves_neither_the_place_nor_its_other_ties():
    """A small place that works with one place of the core as often as with all others."""
    mean = np.full((12, 31, 31), 400.0)
    mean[:, 30] = mean[:, :, 30] = 10.0
    mean[:, 30, 7] = mean[:, 7, 30] = 300 * np.exp(0.1 * np.arange(12) - 0.6)
    sparse = found(drawn(mean, 6), 30)
    line = slopes(sparse.value[:, 30])
    assert line[7] == pytest.approx(0.1, abs=0.03)
    assert np.abs(line[:7]).max() < 0.08
    assert np.nanmedian(np.abs(sparse.value[:, 30, :7])) < 0.35
    assert sparse.value[:, 30, 7].mean() == pytest.approx(np.log(30), abs=0.35)


def drawn(mean, seed):
    """Symmetric Poisson counts."""
    counts = np.triu(np.random.default_rng(seed).poisson(mean), 1).astype(float)
    return counts + counts.transpose(0, 2, 1)


def test_a_tie_that_goes_up_and_down_does_not_pull_the_effects_along():
    """A fifth of the place's works; with effects that contain the tie a fifth would be lost."""
    path = 0.3 * np.tile([1, -1, -1, 1], 3)
    mean = np.full((12, 12, 12), 4000.0)
    mean[:, 5:] = mean[:, :, 5:] = 400.0
    mean[:, 3, 8] = mean[:, 8, 3] = 400 * np.exp(path)
    value = found(drawn(mean, 8), 5).value[:, 3, 8]
    assert (value - value.mean()) @ path / (path @ path) == pytest.approx(1, abs=0.1)


def test_one_tie_that_moves_is_not_handed_to_the_others():
    mean = np.full((12, 13, 13), 4000.0)
    mean[:, 12] = mean[:, :, 12] = 100.0
    mean[:, 7, 12] = mean[:, 12, 7] = 100 * np.exp(0.15 * (np.arange(12) - 5.5))
    line = slopes(found(drawn(mean, 9), 12).value[:, 12, :12])
    assert line[7] == pytest.approx(0.15, abs=0.02)
    assert np.delete(line, 7).mean() == pytest.approx(0, abs=0.006)


def test_errors_of_places_with_few_works_in_the_core_are_in_the_limits():
    """Pairs of small places that work together often; each has six works a year with the core."""
    mean = np.full((10, 50, 50), 400.0)
    mean[:, 10:] = mean[:, :, 10:] = 0.6
    mean[:, 10:, 10:] = 0.0
    pairs = np.arange(10, 50, 2), np.arange(11, 50, 2)
    mean[:, *pairs] = mean[:, *pairs[::-1]] = 100.0
    sparse = found(drawn(mean, 10), 10)
    error = sparse.value[:, *pairs] - np.log(100 * 400 / 0.6**2)
    assert np.std(error) > 0.1
    assert np.std(error / sparse.se[:, *pairs]) == pytest.approx(1, abs=0.35)


def test_the_unknown_is_missing():
    counts = tie_panel(30_000, 8, 7, n=25, lasting=0.3).counts
    core = np.argsort(counts.sum(axis=(0, 1)))[-12:]
    outside = np.setdiff1d(np.arange(25), core)
    alone, some = outside[0], outside[1]
    counts[:, alone, core] = counts[:, core, alone] = 0
    counts[:, alone, some] = counts[:, some, alone] = 4
    sparse = found(counts, 12)
    assert np.isnan(sparse.value[:, alone]).all()
    there = np.isfinite(sparse.value[:, some, core])
    assert there.all()
    year, source, target = rows_of(counts)
    works = counts[year, source, target]
    asked = works >= 3
    made = sparse_affinity(year, source, target, works, 25, core=12, asked=asked)
    assert np.isnan(made.value[~asked]).all()
    all_asked = sparse.value[year, source, target]
    assert made.value[asked] == pytest.approx(all_asked[asked], nan_ok=True)
    none = np.isfinite(sparse.value) & (counts == 0)
    assert none.any()
    assert np.isneginf(sparse.low[none]).all()
    assert np.isfinite(sparse.high[none]).all()
    seen = works > 0
    without = sparse_affinity(year[seen], source[seen], target[seen], works[seen], 25, core=12)
    assert without.value == pytest.approx(all_asked[seen], nan_ok=True)


def test_no_rows_have_no_affinities():
    none = np.empty(0, int)
    assert len(sparse_affinity(none, none, none, none, 5).value) == 0
    made = sparse_affinity([1, 2], [0, 1], [1, 2], [0, 0], 400, core=3)
    assert np.isnan(made.value).all()


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (([1], [0, 1], [1, 2], [3, 3], 4), "one length"),
        (([1], [0], [0], [3], 4), "two different positions below n=4"),
        (([1], [0], [4], [3], 4), "two different positions below n=4"),
        (([1], [-1], [2], [3], 4), "two different positions below n=4"),
        (([1, 1], [0, 2], [2, 0], [3, 3], 4), "once a year"),
        (([1], [0], [1], [-3], 4), "not negative"),
        (([1], [0], [1], [np.nan], 4), "finite"),
    ],
)
def test_bad_input_is_refused(given, match):
    with pytest.raises(InputError, match=match):
        sparse_affinity(*given)


def test_a_core_of_two_is_refused():
    with pytest.raises(InputError, match="3 or more places"):
        sparse_affinity([1], [0], [1], [3], 4, core=2)
