"""Planted effects, whole way: simulate, attribute, match, bootstrap; with placebo twins.

A small version of benchmarks/matching/coverage.py. Of eight intervals of 95 %, five or fewer
hold the truth with a chance below 0.006; of eight placebos, three or more find an effect with
a chance below 0.006 too. Seeds are fixed, so this does not vary from run to run.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "matching" / "coverage.py"
WORLDS, WORKS, DRAWS, MULTIPLIER = range(1, 5), 16_000, 400, 1.6


def benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("matching_coverage", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=["planted", "placebo"])
def found(request: pytest.FixtureRequest) -> tuple[str, Any, list[dict[str, Any]]]:
    module = benchmark()
    multiplier, retention = (MULTIPLIER, 0.4) if request.param == "planted" else (1.0, 0.0)
    rows = []
    for seed in WORLDS:
        rows += module.rows_of(module.world_of(WORKS, seed, multiplier, retention), DRAWS)
    return request.param, module, rows


def test_flows_are_those_of_the_books(found: tuple[str, Any, list[dict[str, Any]]]) -> None:
    flows = [row for row in found[2] if row["what"] == "flows"]
    assert [row["exact"] for row in flows] == [True] * len(WORLDS)


@pytest.mark.parametrize("kind", ["joint", "movers"])
def test_intervals_hold_the_truth(found: tuple[str, Any, list[dict[str, Any]]], kind: str) -> None:
    name, module, rows = found
    held, apart, seen = 0, 0, 0
    for what in {row["what"] for row in rows if row["what"].startswith(kind)}:
        these = [row for row in rows if row["what"] == what]
        wanted = module.wanted_percent(these, MULTIPLIER if name == "planted" else 1.0)
        assert (wanted > 20) if name == "planted" else wanted == 0
        held += sum(row["ci_low"] <= wanted <= row["ci_high"] for row in these)
        apart += sum(not row["ci_low"] <= 0 <= row["ci_high"] for row in these)
        seen += len(these)
    assert seen == 2 * len(WORLDS)
    assert held >= 6
    assert (apart >= 6) if name == "planted" else apart <= 2
