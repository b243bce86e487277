"""Dependence against a plain recount, a rank test of others, and worlds with planted bias."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import mannwhitneyu

import recount_indicators
from isthmus.pipeline import runner
from isthmus.pipeline.runner import run
from isthmus.pipeline.steps import STEPS
from isthmus.poles.dependence import dependence
from isthmus.stats.preference import preference
from isthmus.study import Study
from tiny import random_works, write_corpus

YEARS = (2001, 2007)


def test_dependence_equals_a_recount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [step for step in STEPS if step.name in ("field", "indicators")]
    monkeypatch.setattr(runner, "STEPS", few)
    works = random_works(seed=31, n=200)
    for work in works.values():
        if work.year == 2003:  # nobody cites this year within the window
            for other in works.values():
                other.references.discard(work.id)
    corpus = write_corpus(works, tmp_path / "corpus")
    about = {"corpus": str(corpus.path), "years": list(YEARS)}
    groups = {"pairs": False, "country": False, "topics": False}
    results = run(Study.parse({"study": about, "indicators": groups}), tmp_path / "r")
    expected = recount_indicators.dependence(works, set(works), YEARS, ("US", "CN"))
    rows = {(r["year"], r["country"]): r for r in results.table("dependence").to_pylist()}
    assert set(rows) == set(expected)
    for key, wanted in expected.items():
        found = {name: rows[key][name] for name in wanted}
        assert found == pytest.approx(wanted, abs=1e-9), key
    empty = [r for (year, _), r in rows.items() if year == 2003]
    assert empty
    assert all(r["home_share"] is None and r["received"] == 0 for r in empty)


def histogram(values: np.ndarray) -> dict[int, float]:
    return {int(n): float((values == n).sum()) for n in np.unique(values) if n > 0}


def test_preference_is_the_area_of_a_rank_test() -> None:
    rng = np.random.default_rng(3)
    for ties in (1, 3, 20):
        group, others = rng.poisson(ties, 40), rng.poisson(ties + 1, 70)
        both = np.r_[group, others]
        value, low, high = preference(histogram(group), histogram(both), 40, 110)
        assert value == pytest.approx(mannwhitneyu(group, others).statistic / (40 * 70))
        assert low < value < high


def test_preference_covers_the_truth_as_often_as_it_says() -> None:
    """2,000 worlds of two equal groups: one half is inside 95 % of the intervals."""
    rng = np.random.default_rng(5)
    drawn = rng.poisson(rng.gamma(0.5, 2.0, (2000, 150)))
    inside = 0
    for both in drawn:
        _, low, high = preference(histogram(both[:50]), histogram(both), 50, 150)
        inside += low <= 0.5 <= high
    assert 0.935 <= inside / 2000 <= 0.965


def test_preference_needs_both_sides() -> None:
    assert np.isnan(preference({}, {1: 3}, 0, 10)).all()
    assert np.isnan(preference({1: 3}, {1: 3}, 10, 10)).all()
    assert np.isnan(preference({}, {}, 4, 10)).all()
    value, low, high = preference({1: 3}, {1: 3}, 3, 10)
    assert value == 1.0
    assert np.isnan([low, high]).all()


def test_a_planted_home_share_is_inside_its_interval() -> None:
    """600 countries whose papers get 45 % of their citations from home.

    They give a share of 0.95 an error of 0.009.
    """
    rng = np.random.default_rng(8)
    received = rng.poisson(rng.gamma(0.7, 6.0, (600, 120)))
    home = rng.binomial(received, 0.45).astype(float)
    key = {"year": [2000] * 600, "country": [f"C{i}" for i in range(600)]}
    sums = {"received": received, "home": home, "third": received - home}
    sums |= {"rr": received**2, "hh": home**2, "rh": received * home}
    got = {name: values.sum(axis=1).astype(float) for name, values in sums.items()}
    ones = {"n": [1] * 600, "papers": [5] * 600}
    rows = dependence(
        pa.table(key | {"papers": [120] * 600, "world": [120.0] * 600}),
        pa.table(key | got),
        pa.table(key | ones | {"given": [30.0] * 600}),
        pa.table(key | ones | {"cited": key["country"]}),
        (),
    ).to_pylist()
    inside = np.mean([r["home_share_low"] <= 0.45 <= r["home_share_high"] for r in rows])
    assert 0.93 <= inside <= 0.97
    assert rows[0]["home_ratio"] == pytest.approx(rows[0]["home_share"] * 600)
