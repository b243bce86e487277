"""Topics against a plain recount, the rule on monopolies, and planted specialisation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import recount_indicators
from isthmus.errors import StudyError
from isthmus.leadership.topic_risk import Contest, risk
from isthmus.pipeline import runner
from isthmus.pipeline.runner import run
from isthmus.pipeline.steps import STEPS
from isthmus.stats.pair_indices import collaboration_index
from isthmus.study import Indicators, Study
from tiny import random_works, write_corpus

YEARS = (2001, 2007)
BLOCS = {"BRICS": ["BR", "IN", "CN"]}


def test_topics_equal_a_recount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [step for step in STEPS if step.name in ("field", "indicators")]
    monkeypatch.setattr(runner, "STEPS", few)
    works = random_works(seed=41)

    def institution(author, country: str) -> int | None:
        return None if author.position == 3 else (author.id or 0) % 5 + 10 * ord(country[0])

    corpus = write_corpus(works, tmp_path / "corpus", institution)
    groups = {
        "pairs": False,
        "country": False,
        "dependence": False,
        "sectors": False,
        "topic_scheme": "subfield",
    }
    study = {"study": {"corpus": str(corpus.path), "years": list(YEARS)}, "indicators": groups}
    study |= {"countries": {"blocs": BLOCS}, "bounds": {"enabled": False}}
    results = run(Study.parse(study), tmp_path / "r")
    named = {
        w.id: {
            (place, c)
            for author in w.authors
            for c in author.countries
            if (place := institution(author, c)) is not None
        }
        for w in works.values()
    }
    blocs = {name: set(members) for name, members in BLOCS.items()}
    expected = recount_indicators.topics(works, YEARS, named, blocs)
    assert results.tables == ["topics"]  # the other groups are left out
    rows = {(r["topic"], r["span"], r["country"]): r for r in results.table("topics").to_pylist()}
    assert set(rows) == set(expected)
    for key, wanted in expected.items():
        found = {name: rows[key][name] for name in wanted}
        assert found == pytest.approx(wanted, abs=1e-8), key
    leaders = [r for r in rows.values() if r["monopoly_risk"] is not None]
    assert all(0 < r["monopoly_risk_share"] <= 1 for r in leaders)


def contest(leader: float, second: float, held: int) -> Contest:
    top = np.array([leader, second, second / 4])
    place = np.array(["A"] * held + ["B"] * (12 - held))
    tops = np.r_[np.full(held, 50.0), np.full(12 - held, 20.0)]
    return Contest(np.array(["A", "B", "C"]), top, top, place, tops, tops)


def level(leader: float, second: float, held: int, members: tuple[str, ...] = ("A",)) -> str:
    return risk(contest(leader, second, held), members, Indicators(), rng()).level


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_the_rule_has_two_thresholds_for_each_level() -> None:
    assert level(300, 100, 8) == "high"
    assert level(299, 100, 8) == "medium"
    assert level(300, 100, 7) == "medium"
    assert level(200, 100, 5) == "medium"
    assert level(199, 100, 5) == "low"
    assert level(200, 100, 4) == "low"
    assert level(0, 0, 8) == "low"
    assert level(300, 300, 8, ("A", "B")) == "high"


def test_tied_institutions_share_the_last_places() -> None:
    # Eight of A lead, and four of B share two places.
    found = risk(contest(10, 5, 8), ("B",), Indicators(), rng())
    assert found.institutions == pytest.approx(2.0)


def test_the_share_of_draws_falls_near_a_threshold() -> None:
    clear = risk(contest(900, 100, 10), ("A",), Indicators(draws=1000), rng())
    near = risk(contest(300, 100, 10), ("A",), Indicators(draws=1000), rng())
    assert clear.share > 0.99
    assert 0.4 < near.share < 0.65


def test_a_planted_specialisation_is_inside_its_interval() -> None:
    """1,000 worlds give a share of 0.95 an error of 0.007."""
    rates = np.array([30.0, 170.0, 120.0, 2000.0])  # topic and country, country, topic, rest
    drawn = np.random.default_rng(7).poisson(rates, (1000, 4)).astype(float)
    own, country, topic, rest = drawn.T
    world = own + country + topic + rest
    found = collaboration_index(own, own + country, own + topic, world)
    truth = (30 / 200) / (150 / rates.sum())
    inside = ((found.low <= truth) & (truth <= found.high)).mean()
    assert 0.93 <= inside <= 0.975


@pytest.mark.parametrize(
    "wrong", [{"high_lead": 1.5}, {"high_institutions": 11}, {"window_years": 1}, {"draws": 0}]
)
def test_impossible_thresholds_are_refused(wrong: dict) -> None:
    with pytest.raises(StudyError, match="indicators"):
        Indicators(**wrong)
