"""DTW k-means against a plain recursion, tslearn's figures, and properties.

Distances are compared within 1e-9: the same sums in double precision, in another
order. Inertias are compared with tslearn's (``dtw_reference.json``, written by
``benchmarks/dtw/reference.py``) within 0.1 %: from the same start both end in a
fixed point of the same steps, but stop the inner average at different digits.
"""

from __future__ import annotations

import importlib.util
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus import stats
from isthmus.errors import InputError
from isthmus.stats.dtw.kmeans import (
    Rules,
    dtw_assign,
    dtw_distance,
    dtw_kmeans,
    dtw_matrix,
)
from isthmus.stats.partitions import matched_labels

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "data" / "time-series"


def load_trajectories():
    path = ROOT / "benchmarks" / "dtw" / "trajectories.py"
    spec = importlib.util.spec_from_file_location("trajectories", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.trajectories


trajectories = load_trajectories()


@pytest.fixture(scope="module")
def reference():
    return json.loads((Path(__file__).parent / "dtw_reference.json").read_text())


def plain_dtw(a, b, window=None):
    """The recursion as it is written in the papers, cell by cell."""
    m, n = len(a), len(b)
    width = max(m, n) if window is None else window
    costs = np.full((m + 1, n + 1), np.inf)
    costs[0, 0] = 0
    for i in range(m):
        for j in range(n):
            if -width - max(0, m - n) <= j - i <= width + max(0, n - m):
                before = min(costs[i, j], costs[i, j + 1], costs[i + 1, j])
                costs[i + 1, j + 1] = before + ((a[i] - b[j]) ** 2).sum()
    return float(np.sqrt(costs[m, n]))


@given(
    m=st.integers(1, 12),
    n=st.integers(1, 12),
    d=st.integers(1, 3),
    window=st.one_of(st.none(), st.integers(0, 4)),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_distance_is_the_plain_recursion(m, n, d, window, seed):
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(m, d)), random.normal(size=(n, d))
    assert dtw_distance(a, b, window) == pytest.approx(plain_dtw(a, b, window), abs=1e-9)
    assert dtw_distance(b, a, window) == pytest.approx(plain_dtw(a, b, window), abs=1e-9)


def test_distances_are_those_of_tslearn(reference):
    series, _ = trajectories(400, seed=7)
    pairs = [(series[i], series[i + 10]) for i in range(10)]
    ragged = [(series[i, i:], series[i + 10]) for i in range(10)]
    assert [dtw_distance(a, b) for a, b in pairs] == pytest.approx(reference["distances"])
    assert [dtw_distance(a, b) for a, b in ragged] == pytest.approx(reference["distances_ragged"])
    banded = [dtw_distance(a, b, 3) for a, b in pairs]
    assert banded == pytest.approx(reference["distances_window_3"])


def test_partition_from_the_same_start_is_that_of_tslearn(reference):
    series, _ = trajectories(400, seed=7)
    clusters = dtw_kmeans(series, 4, seed=0, init=series[:4])
    expected = np.array(reference["labels_from_first_four"])
    # equal up to the numbering of clusters: adjusted Rand index 1
    assert np.array_equal(matched_labels(clusters.labels, expected, 4), expected)
    assert clusters.inertia == pytest.approx(reference["inertia_from_first_four"], rel=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_restarts_reach_an_inertia_not_above_that_of_tslearn(reference, seed):
    series, _ = trajectories(400, seed=7)
    assert dtw_kmeans(series, 4, seed=seed).inertia <= reference["inertia_ten_restarts"] * 1.0001


def test_inertia_is_the_sum_of_squared_distances_to_the_centroids():
    series, _ = trajectories(150, seed=3)
    clusters = dtw_kmeans(series, 3, seed=1, n_init=3)
    squared = [
        plain_dtw(one, clusters.centroids[label]) ** 2
        for one, label in zip(series, clusters.labels, strict=True)
    ]
    assert clusters.distances == pytest.approx(squared, abs=1e-9)
    assert clusters.inertia == pytest.approx(sum(squared))
    assert np.array_equal(dtw_assign(series, clusters.centroids), clusters.labels)
    assert clusters.restart_labels.shape == (3, 150)
    assert (np.diff(np.bincount(clusters.labels)) <= 0).all()


def test_planted_archetypes_are_found_whether_screened_or_not():
    series, planted = trajectories(700, seed=5)
    for screen in (None, 200):
        labels = dtw_kmeans(series, 4, seed=1, screen=screen).labels
        assert (matched_labels(labels, planted, 4) == planted).mean() > 0.9


def test_missing_ends_are_left_out():
    series, _ = trajectories(60, seed=2)
    holed = series.copy()
    holed[0, :3] = np.nan
    holed[1, -4:] = np.nan
    distances = dtw_matrix(holed)
    assert distances[0, 1] == pytest.approx(plain_dtw(series[0, 3:], series[1, :-4]))
    assert np.array_equal(distances, distances.T)
    assert np.isfinite(dtw_kmeans(holed, 3, seed=1).inertia)


def test_same_seed_same_bytes_from_any_thread():
    series, _ = trajectories(300, seed=4)

    def run(_):
        clusters = dtw_kmeans(series, 4, seed=9, n_init=4, screen=100)
        return clusters.labels.tobytes() + clusters.centroids.tobytes()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(run, range(6)))) == 1


def test_a_window_of_zero_is_ordinary_k_means():
    series, _ = trajectories(200, seed=6)
    clusters = dtw_kmeans(series, 3, seed=1, window=0)
    for k in range(3):
        mean = series[clusters.labels == k].mean(axis=0)
        assert clusters.centroids[k] == pytest.approx(mean)


def test_no_series_give_an_empty_partition():
    clusters = dtw_kmeans(np.empty((0, 5, 2)), 4, seed=1)
    assert clusters.labels.shape == (0,)
    assert clusters.centroids.shape == (4, 5, 2)
    assert clusters.inertia == 0


def test_fewer_distinct_series_than_clusters_still_end():
    clusters = dtw_kmeans(np.ones((5, 4, 1)), 3, seed=1)
    assert clusters.inertia == 0


@pytest.mark.parametrize(
    ("series", "k", "options", "said"),
    [
        (np.ones((3, 4, 1)), 5, {}, "3 series for 5 clusters"),
        (np.array([[1, np.nan, 2.0]]), 1, {}, "miss values inside"),
        (np.full((2, 3), np.nan), 1, {}, "no value"),
        (np.array([[1, np.inf, 2.0]]), 1, {}, "infinite"),
        (np.array([[1, 1e200, 2.0], [1, 2, 3]]), 2, {}, "up to 1e[+]200"),
        (np.ones(4), 1, {}, "shape"),
        (np.ones((3, 4, 1)), 2, {"window": -1}, "window"),
        (np.ones((3, 4, 1)), 2, {"n_init": 0}, "at least 1"),
        (np.ones((3, 4, 1)), 2, {"init": np.ones((3, 4, 1))}, "starting centroids"),
        (np.ones((3, 4, 1)), 2, {"init": np.ones((2, 4, 2))}, "do not fit"),
        (np.ones((3, 4, 1)), 2, {"init": np.full((2, 4, 1), np.nan)}, "missing or infinite"),
    ],
)
def test_bad_input_is_answered_with_a_sentence(series, k, options, said):
    with pytest.raises(InputError, match=said):
        dtw_kmeans(series, k, seed=1, **options)


def test_series_of_other_dimensions_are_not_compared():
    with pytest.raises(InputError, match="dimensions"):
        dtw_distance(np.ones((3, 1)), np.ones((3, 2)))


def test_rules_end_the_iterations():
    series, _ = trajectories(200, seed=8)
    once = dtw_kmeans(series, 4, seed=1, init=series[:4], rules=Rules(max_iter=1))
    assert once.n_iter == 1
    assert np.array_equal(np.sort(once.centroids, axis=0), np.sort(series[:4], axis=0))
    assert dtw_kmeans(series, 4, seed=1, init=series[:4]).inertia < once.inertia


def test_the_kernel_is_found_where_the_design_puts_it():
    assert stats.dtw_kmeans is dtw_kmeans


@pytest.mark.shared_data
def test_ucr_sets_reach_the_inertia_of_the_peers():
    path = SHARED / "SyntheticControl_TRAIN.txt"
    if not path.exists():
        pytest.skip(f"the UCR sets are not at {SHARED}")
    series = np.loadtxt(path)[:, 1:, None]
    # 2671.8 is what tslearn 0.10.0 reaches with ten restarts (benchmarks/dtw/compare.py)
    assert dtw_kmeans(series, 6, seed=0).inertia <= 2671.8
