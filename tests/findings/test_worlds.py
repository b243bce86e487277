"""Whole chains: networks of known law, the pole analysis, the verdicts.

Sixteen countries over 14 years, Poisson links. Two planted blocs around the poles draw apart
by 2 in the logarithm; in the other world no tie ever changes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from findings.tables import POLES, results_of, verdicts
from isthmus.findings import Finding
from isthmus.poles import analysis
from isthmus.simulation.panels import poisson_panel

N, YEARS, REPLAYS = 16, 14, 20
CLAIMS = ("poles-diverge-collaboration", "two-poles")

#: Claims that rest on tables of the pole analysis alone.
TABLES = {"archetypes", "alignment", "polarisation"}


def blocs() -> np.ndarray:
    side = np.arange(N) % 2
    across = side[:, None] != side[None, :]
    return -np.linspace(0, 2, YEARS)[:, None, None] * across[None]


def judged(folder: Path, affinity: np.ndarray | None) -> dict[str, Finding]:
    from isthmus.study.sections import Poles  # where affinities are followed

    panel = poisson_panel(N, YEARS, 3, affinity=affinity)
    t, i, j = np.nonzero(np.triu(np.ones((N, N)), 1)[None] * np.ones((YEARS, 1, 1)))
    codes = np.array(panel.countries)
    ends = np.sort(np.stack([codes[i], codes[j]]), axis=0)
    works = panel.weights[t, i, j]
    year = panel.years[t].astype(np.int16)
    table = pa.table({"year": year, "source": ends[0], "target": ends[1], "works_whole": works})
    settings = Poles(
        null_models=("multiedge",),
        placebo_replays=2 * REPLAYS,
        n_init=2,
        n_resamples=0,
        choice_sample=0,
        choice_most=2,
        dropped=0,
        turn_works=1e9,
        bloc_windows=0,
    )
    tables = analysis.analyse(table, None, settings=settings, poles=("US", "CN"), seed=1)
    full = {name: made for name, made in tables.items() if made.num_rows}
    return verdicts(results_of(folder, full, poles=POLES))


@pytest.mark.slow
def test_planted_blocs_are_supported(tmp_path: Path) -> None:
    found = judged(tmp_path, blocs())
    for name in CLAIMS:
        decision = found[name].decision
        assert decision.verdict == "supported", decision.why
        assert decision.placebo.startswith("agree"), decision.placebo


@pytest.mark.slow
def test_where_no_tie_changes_nothing_is_supported(tmp_path: Path) -> None:
    found = judged(tmp_path, None)
    about = [f for f in found.values() if set(f.claim.needs) & TABLES]
    assert {f.claim.name for f in about} >= set(CLAIMS)
    for finding in about:
        assert finding.decision.verdict != "supported", finding.decision.why
    assert found[CLAIMS[0]].decision.estimate is not None
