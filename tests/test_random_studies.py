"""Random small studies end with a report: the small version of the benchmark of that name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks" / "verdicts"

#: Seeds whose studies differ in poles, attribution, null models and in what their data lack.
SEEDS = range(4001, 4009)

#: Most works of a study here; the benchmark goes to 8,000.
MOST = 400


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worlds")


def test_random_small_studies_end_with_their_report(
    worlds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    sys.modules.pop("random_studies", None)
    from random_studies import end_of

    ended = [end_of(seed, worlds, MOST) for seed in SEEDS]
    assert [(one.seed, one.message) for one in ended if one.how == "failed"] == []
    assert sum(one.how == "well" for one in ended) >= len(SEEDS) // 2
