"""The claim on two blocs, from tables of worlds with blocs, without, and with the poles in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from findings.tables import results_of, verdicts
from isthmus.poles.blocs import bloc_tables
from isthmus.poles.layers import Layer, Panel

CLAIM = "poles-are-centres-of-two-blocs"
N = 24


def tables(blocs: int, effect: float, poles: tuple[int, int] = (0, 1)) -> dict[str, pa.Table]:
    """Countries in turn in `blocs` blocs; those at `poles`, US and CN, are the largest."""
    random = np.random.default_rng(2)
    size = np.ones(N)
    size[list(poles)] = 6.0
    bloc = np.arange(N) % blocs
    mean = 12 * np.outer(size, size) * np.exp(effect * (bloc[:, None] == bloc))
    weights = np.triu(random.poisson(mean), 1).astype(float)
    codes = [f"Q{chr(65 + k)}" for k in range(N)]
    codes[poles[0]], codes[poles[1]] = "US", "CN"
    layer = Layer("collaboration", False, (weights + weights.T)[None], np.ones(N, dtype=bool))
    panel = Panel(np.array([2020]), tuple(codes), (layer,), np.full(N, 99.0), [])
    return bloc_tables(panel, ("US", "CN"), 1, 1, seed=1)


def changed(made: dict[str, pa.Table], **columns: Any) -> dict[str, pa.Table]:
    table = made["blocs"]
    for name, value in columns.items():
        at = table.schema.get_field_index(name)
        values = pa.array([value] * table.num_rows, table.schema.field(at).type)
        table = table.set_column(at, table.schema.field(at), values)
    return {**made, "blocs": table}


TWO = tables(2, 0.8)


@pytest.mark.parametrize(
    ("made", "verdict", "words"),
    [
        (TWO, "supported", "3 of 3 conditions hold"),
        (tables(3, 0.8), "contradicted", "Two blocs in 2020 to 2020 (1) or 3 (0)"),
        (tables(2, 0.8, (0, 2)), "contradicted", "are the centres in 2020"),
        (tables(1, 0.0), "undecided", "no number of blocs"),
        (changed(TWO, poles_are_centres=False), "undecided", "most links to their blocs are"),
        (
            changed(TWO, answer="gradient", gain_over_line=-30.0, gain_over_line_se=10.0),
            "contradicted",
            "less what a line does",
        ),
        (changed(TWO, gain_over_line=3.0, gain_over_line_se=10.0), "undecided", "line"),
        (changed(TWO, answer="undecided", why_blocs="numbers disagree"), "undecided", "disagree"),
    ],
    ids=["two", "three", "one-bloc", "none", "other-centres", "line", "line-as-well", "disagree"],
)
def test_two_blocs_around_the_poles_are_said_only_where_they_are(
    tmp_path: Path, made: dict[str, pa.Table], verdict: str, words: str
) -> None:
    found = verdicts(results_of(tmp_path, made))[CLAIM].decision
    assert found.verdict == verdict, found.why
    assert words in found.why


def test_the_last_window_decides(tmp_path: Path) -> None:
    early = {"first_year": 2000, "last_year": 2000}
    before = tables(3, 0.8)
    both = {
        name: pa.concat_tables([changed({"blocs": before[name]}, **early)["blocs"], TWO[name]])
        for name in ("blocs", "bloc_members")
    }
    assert verdicts(results_of(tmp_path, both))[CLAIM].decision.verdict == "supported"
