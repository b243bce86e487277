"""The whole chain, from a simulated corpus with known truth to the verdicts.

Worlds are written as corpora, read back, run as studies, decided. What was planted stands in
the books of the world (its truth), from which the tests take it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from findings.tables import verdicts
from isthmus.findings import Finding
from isthmus.pipeline.runner import run
from isthmus.simulation.settings import PairCurve, WorldSettings
from isthmus.simulation.simulate import Simulation, simulate
from isthmus.study import Study

#: Claims that the world polarises around its poles.
POLARISATION = ("poles-diverge-collaboration",)

#: Replays of the two families of worlds together: 20 of each are the fewest that can tell a
#: rate of 5 %.
REPLAYS = 40

#: Multiplier of the impact of joint papers: +100 %.
PREMIUM = 2.0


def judged(folder: Path, settings: WorldSettings, **sections: Any) -> dict[str, Finding]:
    world = simulate(settings, folder / "corpus")
    assert isinstance(world, Simulation)
    document = {
        "study": {"corpus": str(folder / "corpus"), "years": list(settings.years)},
        "field": {"subfields": [1702]},
        **sections,
    }
    return verdicts(run(Study.parse(document), folder / "results"))


def open_world(**changes: Any) -> WorldSettings:
    """A world of much international work, so that links are many."""
    given = {"n_works": 15_000, "seed": 5, "n_countries": 20, "international_share": 0.7}
    return WorldSettings(**{**given, **changes})


def poles(**changes: Any) -> dict[str, Any]:
    return {
        "null_models": ["multiedge"],
        "min_works": 5,
        "placebo_replays": REPLAYS,
        "dropped": 0,
        "n_init": 1,
        "n_resamples": 0,
        "choice_sample": 0,
        "choice_most": 2,
        "turn_works": 1e9,
        "bloc_windows": 0,
    } | changes


@pytest.mark.slow
def test_planted_blocs_polarise(tmp_path: Path) -> None:
    settings = open_world(affinity="two_blocs", affinity_strength=2.0)
    found = judged(tmp_path, settings, poles=poles())
    for name in POLARISATION:
        decision = found[name].decision
        assert decision.verdict == "supported", (name, decision.why)
        assert decision.placebo.startswith("agree"), (name, decision.placebo)


@pytest.mark.slow
def test_in_a_placebo_world_nothing_polarises(tmp_path: Path) -> None:
    found = judged(tmp_path, open_world(), poles=poles())
    about = [f for f in found.values() if "Gallo" in f.claim.source and not f.claim.of_sizes]
    assert len(about) > 8
    for finding in about:
        assert finding.decision.verdict != "supported", finding.decision.why


@pytest.mark.slow
def test_a_planted_premium_is_supported_and_its_interval_holds_it(tmp_path: Path) -> None:
    """Joint works get twice the impact, whoever leads; no affiliation is lost.

    Few communities make large cells of works to cite: in small ones a list would draw a work
    twice, which is dropped, and the ratio of expected c_2 falls short of the multiplier.
    """
    both = ((1998, PREMIUM),)
    settings = open_world(
        n_works=40_000,
        n_countries=10,
        affinity_pairs=(PairCurve("US", "CN", ((1998, 1.5),)),),
        citation_affinity=0.0,
        joint_effects=(PairCurve("US", "CN", both), PairCurve("CN", "US", both)),
        missing_affiliations=((1998, 0.0),),
        communities=4,
        impact_sigma=0.8,
    )
    found = judged(tmp_path, settings, poles=poles(placebo_replays=0))
    planted = 100 * (PREMIUM - 1)
    for name in ("premium-first", "premium-second"):
        decision = found[name].decision
        assert decision.verdict == "supported", decision.why
        assert decision.low is not None
        assert decision.high is not None
        assert decision.low <= planted <= decision.high, decision.why
        assert decision.high - decision.low < planted, "too wide to mean anything"
