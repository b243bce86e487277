"""Whole chains: networks of known law, the pole analysis, the verdicts.

Twenty-four countries over 22 years, Poisson links. Two planted blocs around the poles draw
apart by 1.5 in the logarithm; the placebo twin has no affinity at all.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from findings.tables import results_of, verdicts
from isthmus.findings import Finding
from isthmus.poles.analysis import analyse
from isthmus.sections import Poles
from isthmus.world.networks import poisson_panel

N, YEARS = 24, 22
CLAIMS = ("poles-diverge-collaboration", "two-poles")


def blocs() -> np.ndarray:
    side = np.arange(N) % 2
    across = side[:, None] != side[None, :]
    return -np.linspace(0, 1.5, YEARS)[:, None, None] * across[None]


def decided(
    folder: Path, affinity: np.ndarray | None, models: tuple[str, ...]
) -> dict[str, Finding]:
    panel = poisson_panel(N, YEARS, 3, affinity=affinity)
    t, i, j = np.nonzero(np.triu(np.ones((N, N)), 1)[None] * np.ones((YEARS, 1, 1)))
    codes = np.array(panel.countries)
    ends = np.sort(np.stack([codes[i], codes[j]]), axis=0)
    table = pa.table(
        {
            "year": panel.years[t].astype(np.int16),
            "source": ends[0],
            "target": ends[1],
            "works_whole": panel.weights[t, i, j],
        }
    )
    settings = Poles(
        null_models=models, placebo_replays=40, resamples=50, n_init=3, n_resamples=2
    )
    tables = analyse(table, None, settings=settings, poles=("US", "CN"), seed=1)
    full = {name: made for name, made in tables.items() if made.num_rows}
    return verdicts(results_of(folder, full, poles={"null_models": list(models)}))


@pytest.mark.slow
def test_planted_blocs_are_supported(tmp_path: Path) -> None:
    found = decided(tmp_path, blocs(), ("multiedge",))
    for name in CLAIMS:
        assert found[name].decision.verdict == "supported", found[name].decision.why
        assert found[name].decision.placebo.startswith("survives")


@pytest.mark.slow
@pytest.mark.parametrize("model", ["multiedge", "ecm"])
def test_nothing_planted_nothing_supported_without_warning(tmp_path: Path, model: str) -> None:
    found = decided(tmp_path, None, (model,))
    drifting = [
        f for f in found.values() if "links" in f.claim.needs or "alignment" in f.claim.needs
    ]
    for finding in [*drifting, found["two-poles"]]:
        decision = finding.decision
        assert decision.verdict != "supported" or "arning" in decision.why, decision.why
