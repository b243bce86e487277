"""Matched effects on drawn papers with a known effect.

`papers_with` plants the effect; the tests count how often the 95 % interval holds it. With 100
worlds, a true rate of 0.95 gives fewer than 88 or more than 99 with a chance below 0.006.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from isthmus.stats.ppml import poisson_regression
from isthmus.teaming.matched_papers import Rules, Units, bootstrap, compare, match

RULES = Rules(team_cuts=(1, 2, 3, 4, 5, 6, 8, 12), draws=400, seed=1)


def papers_with(effect, seed, n=3_000, institutions=80):
    """Papers whose citations are raised by the factor `effect` when joint.

    Institutions differ in quality and in how often they team up; larger teams are cited more
    and team up more: a plain difference of means is wrong, a matched one is not.
    """
    rng = np.random.default_rng(seed)
    institution = rng.integers(0, institutions, n)
    team = 1 + rng.poisson(3, n)
    year = rng.integers(2015, 2018, n)
    quality = rng.normal(0, 0.6, institutions)
    chance = 0.05 + 0.1 * (quality[institution] > 0) + 0.02 * (team > 4)
    treated = rng.random(n) < chance
    rate = np.exp(1 + quality[institution] + 0.1 * team) * np.where(treated, effect, 1.0)
    outcome = rng.negative_binomial(1.5, 1.5 / (1.5 + rate)).astype(float)
    return Units(
        year=year,
        institution=institution,
        team_size=team,
        outcome=outcome,
        is_hit=outcome > 30,
        treated=treated,
        cluster=institution,
    )


@pytest.mark.slow
@pytest.mark.parametrize("effect", [1.0, 1.5])
def test_the_interval_holds_the_planted_effect(effect):
    hits = 0
    for world in range(100):
        units = papers_with(effect, world)
        drawn = bootstrap(units, match(units, RULES), RULES)
        hits += drawn.percent_low <= 100 * (effect - 1) <= drawn.percent_high
    assert 88 <= hits <= 99


def test_a_plain_difference_would_be_wrong():
    plain, matched = [], []
    for world in range(20):
        units = papers_with(1.0, world)
        means = [units.outcome[side].mean() for side in (units.treated, ~units.treated)]
        plain.append(100 * (means[0] / means[1] - 1))
        matched.append(bootstrap(units, match(units, RULES), RULES).percent)
    assert stats.ttest_1samp(plain, 0).pvalue < 1e-6
    assert stats.ttest_1samp(matched, 0).pvalue > 0.01


def test_the_poisson_regression_agrees():
    found = [
        compare("x", papers_with(1.5, world), RULES)["measures"][0]["poisson_percent"]
        for world in range(10)
    ]
    assert np.mean(found) == pytest.approx(50, abs=10)


def test_rows_come_by_year_after_the_pooled_one():
    rows = compare("x", papers_with(1.5, 1), RULES)["matched"]
    assert [row["year"] for row in rows] == [None, 2015, 2016, 2017]
    assert rows[0]["treated"] == sum(row["treated"] for row in rows[1:])
    # Years match exactly, so what is matched over all is matched within years.
    assert rows[0]["treated_matched"] == sum(row["treated_matched"] for row in rows[1:])


def test_team_classes_are_matched_not_team_sizes():
    units = papers_with(1.0, 3)
    matching = match(units, RULES)
    classes = np.searchsorted(RULES.team_cuts, units.team_size)
    for stratum in np.unique(matching.stratum)[:200]:
        here = matching.stratum == stratum
        assert len(set(classes[here])) == 1
        assert len(set(units.institution[here])) == 1


def test_a_team_as_large_as_a_cut_is_of_the_class_below():
    units = papers_with(1.5, 5)
    rules = Rules(team_cuts=(1, 4, 8), draws=400, seed=1)
    classes = np.array([sum(size > cut for cut in rules.team_cuts) for size in units.team_size])
    matching = match(units, rules)
    for stratum in np.unique(matching.stratum):
        assert len(set(classes[matching.stratum == stratum])) == 1
    row = compare("x", units, rules)["measures"][0]
    fit = poisson_regression(
        units.outcome,
        units.treated.astype(float),
        [units.cluster, units.year, classes],
        cluster=units.cluster,
    )
    assert row["poisson_percent"] == pytest.approx(100 * np.expm1(fit.coefficients[0]))


def test_a_constant_outcome_gives_a_row_without_a_test():
    units = papers_with(1.0, 4)
    flat = Units(**{**vars(units), "outcome": np.full(units.year.size, 3.0)})
    row = compare("x", flat, RULES)["matched"][0]
    assert row["effect_percent"] == 0
    assert row["p"] is None


def test_no_paper_at_all_gives_one_row_with_a_sentence():
    units = papers_with(1.0, 5)
    nobody = units.only(np.zeros(units.year.size, dtype=bool))
    found = compare("x", nobody, RULES)
    assert len(found["matched"]) == 1
    assert "no treated unit" in found["matched"][0]["note"]
    assert found["unmatched"] == []


def test_what_the_poisson_regression_cannot_say_is_null_with_a_reason():
    units = papers_with(1.0, 3, n=400)
    nothing = {"outcome": np.zeros(400), "is_hit": np.zeros(400, bool)}
    silent = Units(**{**vars(units), **nothing})
    row = compare("joint:US+CN", silent, RULES)["measures"][0]
    assert row["poisson_percent"] is None
    assert "positive outcome" in row["poisson_reason"]
    assert row["poisson_separated"] == 400


def test_the_poisson_interval_is_there_and_says_what_was_dropped():
    row = compare("joint:US+CN", papers_with(1.5, 4), RULES)["measures"][0]
    assert row["poisson_low"] < row["poisson_percent"] < row["poisson_high"]
    assert row["poisson_reason"] == ""
    assert row["poisson_separated"] >= 0
