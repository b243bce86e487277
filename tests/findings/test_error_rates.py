"""A small version of the benchmark of verdicts: panels without effect, and one with.

Eighteen panels of three families in which no tie changes go through the pole analysis and the
claims. At the rates that the benchmark measures (at most 5 % a claim) two false verdicts of one
claim among them have a chance of 2 %; the seeds are fixed.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from findings.tables import results_of, verdicts
from isthmus.findings import Finding
from isthmus.poles.analysis import analyse
from isthmus.simulation.families import family_world
from isthmus.simulation.panels import edges, world_panel
from isthmus.simulation.planted_claims import planted_claims
from isthmus.simulation.settings import PairCurve, WorldSettings
from isthmus.study.sections import Poles

FAMILIES, SEEDS = ("sizes", "constant_ties", "overdispersed"), range(1, 7)

#: Sixteen countries over the simulator's years.
SMALL = {"n_countries": 16, "n_works": 20_000}

SETTINGS = Poles(null_models=("multiedge",), placebo_replays=0, min_works=5, dropped=0, n_init=2)


def judged(folder: Path, settings: WorldSettings) -> dict[str, Finding]:
    joint, cited = (
        edges(world_panel(settings, what), column)
        for what, column in (("works", "works_whole"), ("citations", "citations_whole"))
    )
    tables = analyse(joint, cited, settings=SETTINGS, poles=("US", "CN"), seed=settings.seed)
    made = {name: table for name, table in tables.items() if table.num_rows}
    return verdicts(results_of(folder, made, poles={"quantity": "affinity"}))


@cache
def panels(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Count, by claim that is false, its verdicts *supported*, and its panels."""
    wrong, asked = Counter[str](), Counter[str]()
    for family in FAMILIES:
        for seed in SEEDS:
            settings = family_world(family, SMALL["n_works"], seed, n_countries=16)
            truth = {claim.claim: claim.standing for claim in planted_claims(settings)}
            for name, found in judged(folder / f"{family}{seed}", settings).items():
                if found.decision.verdict == "not testable here" or truth.get(name) != "false":
                    continue
                asked[name] += 1
                wrong[name] += found.decision.verdict == "supported" and not found.claim.of_sizes
    return wrong, asked


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Counter[str], Counter[str]]:
    return panels(tmp_path_factory.mktemp("panels"))


def test_no_claim_on_poles_is_often_supported_where_no_tie_changes(
    counted: tuple[Counter[str], Counter[str]],
) -> None:
    wrong, asked = counted
    assert asked["poles-diverge-collaboration"] == asked["two-poles"] == len(FAMILIES) * len(SEEDS)
    assert {claim for claim in asked if wrong[claim] > 1} == set()


def test_few_panels_support_anything_that_is_false(
    counted: tuple[Counter[str], Counter[str]],
) -> None:
    # Without placebo replays, which can only take verdicts back.
    assert sum(counted[0].values()) <= 3


def test_a_planted_divergence_of_the_poles_is_supported(tmp_path: Path) -> None:
    """A tie that falls by .1 a year; the interval holds the planted slope."""
    years = np.array([1998, 2021])
    curve = tuple(zip(years.tolist(), (1.0, 1.0 - 0.1 * 23), strict=True))
    settings = WorldSettings(
        100_000, 2, n_countries=16, affinity_pairs=(PairCurve("US", "CN", curve),)
    )
    found = judged(tmp_path, settings)["poles-diverge-collaboration"].decision
    assert found.verdict == "supported", found.why
    assert found.low is not None
    assert found.high is not None
    assert found.low <= -0.1 <= found.high
