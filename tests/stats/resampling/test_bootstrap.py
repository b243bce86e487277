"""Bootstrap standard errors against theory, scipy and resampling one draw at a time.

A standard error from D draws has a relative error of about 1/sqrt(2 D): 2 % at 1,000 draws,
1 % at 5,000. Tolerances are four of these.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from isthmus.errors import InputError
from isthmus.stats.matching.cem import att_weights
from isthmus.stats.matching.effects import satt
from isthmus.stats.resampling import cluster_bootstrap as clusters_of
from isthmus.stats.resampling.bootstrap import bootstrap_mean, poisson_table
from isthmus.stats.resampling.cluster_bootstrap import bootstrap_sums, cluster_bootstrap


@pytest.mark.parametrize("method", ["multinomial", "poisson"])
def test_standard_error_and_interval_are_those_of_scipy(method):
    # Sorted, so that neighbours are alike: counts they shared would show in the error.
    y = np.sort(np.random.default_rng(1).poisson(4.0, 2_001).astype(float))
    ours = bootstrap_mean(y, draws=5_000, seed=1, method=method)
    theirs = stats.bootstrap(
        (y,), np.mean, n_resamples=5_000, batch=100, method="percentile", rng=2
    )
    assert ours.method == method
    assert ours.mean == pytest.approx(y.mean(), rel=1e-12)
    assert ours.se == pytest.approx(y.std() / math.sqrt(y.size), rel=0.04)
    assert ours.se == pytest.approx(theirs.standard_error, rel=0.06)
    interval = theirs.confidence_interval
    assert ours.low == pytest.approx(interval.low, abs=0.2 * ours.se)
    assert ours.high == pytest.approx(interval.high, abs=0.2 * ours.se)


def test_the_two_methods_give_one_distribution():
    y = np.random.default_rng(2).poisson(1.0, 4_000).astype(float)
    one, other = (
        bootstrap_mean(y, draws=4_000, seed=3, method=m) for m in ("multinomial", "poisson")
    )
    assert stats.ks_2samp(one.draws, other.draws).pvalue > 0.001


def test_weighted_standard_error_is_the_linearised_one():
    rng = np.random.default_rng(3)
    y, w = rng.gamma(2.0, 3.0, 3_003), rng.uniform(0.2, 3.0, 3_003)
    result = bootstrap_mean(y, w, draws=5_000, seed=1)
    mean = np.average(y, weights=w)
    assert result.mean == pytest.approx(mean, rel=1e-12)
    linear = math.sqrt(np.square(w * (y - mean)).sum()) / w.sum()
    assert result.se == pytest.approx(linear, rel=0.04)


def test_weights_of_one_give_the_unweighted_draws():
    y = np.random.default_rng(4).normal(size=501)
    plain, weighted = (bootstrap_mean(y, w, draws=50, seed=5) for w in (None, np.ones(501)))
    np.testing.assert_allclose(plain.draws, weighted.draws, rtol=1e-9)


def test_auto_takes_the_cheaper_method():
    rng = np.random.default_rng(5)
    assert bootstrap_mean(rng.poisson(2, 500), draws=5, seed=1).method == "multinomial"
    assert bootstrap_mean(rng.normal(size=500), draws=5, seed=1).method == "poisson"
    halves = rng.poisson(2, 500) - 0.5
    assert bootstrap_mean(halves, draws=5, seed=1).method == "multinomial"


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(6)
    hits = 0
    for world in range(300):
        y = rng.poisson(3.0, 400)
        result = bootstrap_mean(y, draws=500, seed=world)
        hits += result.low <= 3.0 <= result.high
    assert stats.binomtest(hits, 300, 0.95).pvalue > 0.001


def test_same_seed_same_draws():
    y = np.random.default_rng(7).normal(size=100)
    one, again, other = (bootstrap_mean(y, draws=20, seed=s).draws for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_the_poisson_table_has_mean_and_variance_one():
    table = poisson_table().astype(float)
    assert table.size == 2**16
    assert table.mean() == pytest.approx(1, abs=1e-4)
    assert table.var() == pytest.approx(1, abs=5e-4)


def test_nothing_to_resample_gives_a_sentence():
    for result in (
        bootstrap_mean([], draws=10, seed=1),
        bootstrap_mean([1.0, 2.0], [0.0, 0.0], draws=10, seed=1),
    ):
        assert "no unit" in result.note
        assert math.isnan(result.mean)
        assert result.draws.shape == (0,)


def test_a_constant_outcome_has_no_error():
    result = bootstrap_mean(np.full(40, 3.0), draws=10, seed=1)
    assert (result.se, result.low, result.high) == (0, 3, 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"values": [1.0, math.nan]}, "finite"),
        ({"values": [[1.0]]}, "one-dimensional"),
        ({"values": [1.0], "weights": [-1.0]}, "not negative"),
        ({"values": [1.0], "draws": 0}, "at least 1"),
        ({"values": [1.0], "level": 1.0}, "between 0 and 1"),
        ({"values": [1.0], "method": "bca"}, "allowed are auto"),
        ({"values": [1.0], "weights": [1.0], "method": "multinomial"}, "takes no weights"),
    ],
)
def test_bad_input_is_refused(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        bootstrap_mean(**{"seed": 1, **arguments})


def clustered(seed, clusters=60, per_cluster=12, effect=1.0):
    """Units with a cluster-wide share in the outcome, in strata that cut across clusters.

    The true effect on every treated unit is `effect`.
    """
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), per_cluster)
    stratum = rng.integers(0, 5, cluster.size)
    treated = rng.random(cluster.size) < 0.2 + 0.1 * stratum
    shared = rng.normal(0, 1.0, clusters)[cluster]
    outcome = 5 + stratum + shared + rng.normal(size=cluster.size) + effect * treated
    return outcome, treated, stratum, cluster


def cited(seed, clusters):
    """Citations of papers of uneven institutions; joint papers get 1.4 times as many."""
    rng = np.random.default_rng(seed)
    sizes = np.maximum(4, np.round(25 * rng.lognormal(0, 0.8, clusters))).astype(int)
    cluster = np.repeat(np.arange(clusters), sizes)
    stratum = cluster * 3 + rng.integers(0, 3, cluster.size)
    treated = rng.random(cluster.size) < 0.15
    quality = rng.lognormal(0, 0.7, clusters) * np.exp(rng.normal(0, 0.1, clusters))
    rate = 3 * quality[cluster] * rng.lognormal(0, 1, cluster.size) * np.where(treated, 1.4, 1)
    return rng.poisson(rate).astype(float), treated, stratum, cluster


class TestClusterBootstrap:
    def test_the_observed_effect_is_that_of_the_matching(self):
        outcome, treated, stratum, cluster = clustered(1)
        result = cluster_bootstrap(outcome, treated, stratum, cluster, draws=10, seed=1)
        effect = satt(outcome, treated, att_weights(stratum, treated))
        assert result.difference == pytest.approx(effect.difference, rel=1e-12)
        assert result.percent == pytest.approx(effect.percent, rel=1e-12)
        assert result.clusters == 60

    def test_every_draw_is_a_matching_of_the_clusters_drawn(self):
        outcome, treated, stratum, cluster = clustered(2, clusters=9, per_cluster=6)
        result = cluster_bootstrap(outcome, treated, stratum, cluster, draws=40, seed=3)
        rng = np.random.default_rng(3)
        for draw in result.draws:
            picked = rng.integers(9, size=9)
            rows = np.concatenate([np.flatnonzero(cluster == c) for c in picked])
            weight = att_weights(stratum[rows], treated[rows])
            effect = satt(outcome[rows], treated[rows], weight)
            assert draw[0] == pytest.approx(effect.mean_treated, rel=1e-12)
            assert draw[1] == pytest.approx(effect.mean_control, rel=1e-12)

    def test_sums_of_units_give_the_same_draws_as_the_units(self):
        outcome, treated, stratum, cluster = clustered(4)
        outcome = np.round(outcome)  # whole numbers add up alike in any order
        whole = cluster_bootstrap(outcome, treated, stratum, cluster, draws=50, seed=2)
        columns = (treated, treated * outcome, ~treated, ~treated * outcome)
        sums = np.column_stack(columns).astype(float)
        keys, where = np.unique(np.column_stack([stratum, cluster]), axis=0, return_inverse=True)
        added = np.zeros((len(keys), 4))
        np.add.at(added, where.ravel(), sums)
        found = bootstrap_sums(keys[:, 0], keys[:, 1], added, draws=50, seed=2)
        assert np.array_equal(found.draws, whole.draws)

    def test_blocks_of_draws_do_not_change_them(self, monkeypatch):
        units = clustered(5)
        whole = cluster_bootstrap(*units, draws=101, seed=2)
        monkeypatch.setattr(clusters_of, "BLOCK", 60 * 7)
        assert np.array_equal(cluster_bootstrap(*units, draws=101, seed=2).draws, whole.draws)

    def test_the_interval_covers_the_planted_effect(self):
        hits = 0
        for world in range(200):
            result = cluster_bootstrap(*clustered(world, effect=0.7), draws=300, seed=world)
            hits += result.difference_low <= 0.7 <= result.difference_high
        assert 184 <= hits <= 197  # 92 to 98 of 100, and what 200 worlds add to it

    def test_units_in_clusters_of_their_own_give_the_plain_error(self):
        rng = np.random.default_rng(8)
        treated = np.arange(600) < 200
        outcome = rng.normal(size=600) + treated
        one = np.zeros(600, dtype=np.int64)
        result = cluster_bootstrap(outcome, treated, one, np.arange(600), draws=3_000, seed=1)
        plain = math.sqrt(outcome[treated].var() / 200 + outcome[~treated].var() / 400)
        assert result.difference_se == pytest.approx(plain, rel=0.07)

    def test_no_pair_or_one_cluster_gives_a_sentence(self):
        y, labels = np.arange(4.0), np.array([0, 0, 1, 1])
        split = labels == 1
        apart = cluster_bootstrap(y, split, labels, np.arange(4), draws=5, seed=1)
        assert "No stratum" in apart.note
        assert math.isnan(apart.difference)
        mixed = np.array([True, False, True, False])
        alone = cluster_bootstrap(y, mixed, labels, np.zeros(4, np.int64), draws=5, seed=1)
        assert "too few: 1.0 effective clusters" in alone.note
        assert alone.difference == -1
        assert math.isnan(alone.difference_low)
        none = np.empty(0, dtype=np.int64)
        empty = cluster_bootstrap([], none.astype(bool), none, none, draws=5, seed=1)
        assert "No stratum" in empty.note

    @pytest.mark.parametrize(("clusters", "there"), [(3, False), (5, False), (9, True)])
    def test_no_interval_below_six_effective_clusters(self, clusters, there):
        outcome, treated, stratum, cluster = clustered(3, clusters=clusters, per_cluster=40)
        result = cluster_bootstrap(outcome, treated, stratum, cluster, draws=100, seed=1)
        ends = [result.percent_low, result.percent_high, result.p, result.difference_low]
        assert [math.isnan(end) for end in ends] == [not there] * 4
        assert ("too few" in result.note) is not there
        assert math.isfinite(result.percent)
        least = cluster_bootstrap(
            outcome, treated, stratum, cluster, draws=100, seed=1, min_clusters=1
        )
        assert math.isfinite(least.p)

    def test_the_side_with_fewer_clusters_decides(self):
        """Treated in ten clusters, controls of all strata in one."""
        treated = np.arange(40) < 20
        cluster = np.where(treated, np.arange(40) % 10, 10)
        stratum = np.zeros(40, dtype=np.int64)
        result = cluster_bootstrap(np.ones(40), treated, stratum, cluster, draws=10, seed=1)
        assert result.effective == 1
        assert "too few" in result.note

    def test_interval_and_p_come_from_one_procedure(self):
        for world in range(40):
            units = clustered(world, clusters=12, per_cluster=20, effect=1.0)
            result = cluster_bootstrap(*units, draws=200, seed=world)
            assert (result.p < 0.05) == (not result.percent_low <= 0 <= result.percent_high)

    def test_a_side_without_outcome_has_no_interval(self):
        outcome, treated, stratum, cluster = clustered(3, clusters=12)
        none = np.where(treated, 0.0, outcome)
        result = cluster_bootstrap(none, treated, stratum, cluster, draws=100, seed=1)
        assert result.percent == -100
        assert math.isnan(result.percent_low)
        assert "no outcome" in result.note

    @pytest.mark.parametrize("clusters", [14, 40])
    def test_ratios_of_heavy_tails_are_covered_with_few_uneven_clusters(self, clusters):
        hits = there = 0
        for world in range(120):
            result = cluster_bootstrap(*cited(world, clusters), draws=300, seed=world)
            there += not result.note
            hits += result.percent_low <= 40 <= result.percent_high
        # 0.95 give or take 2.5 standard errors of a share of `there` worlds.
        assert there > 40
        assert abs(hits / there - 0.95) < 2.5 * math.sqrt(0.95 * 0.05 / there)

    def test_lengths_that_differ_are_refused(self):
        with pytest.raises(InputError, match="one length"):
            cluster_bootstrap([1.0], np.array([True]), np.array([0]), np.array([0, 1]), seed=1)
