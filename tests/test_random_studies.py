"""Random small studies end with a report: the small version of the benchmark of that name."""

from __future__ import annotations

from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks" / "verdicts"

#: Seeds whose studies differ in poles, attribution, null models and in what their data lack;
#: a run and its report take some seconds, so that most of them are marked as slow.
SOON, LATER = (4001, 4002), range(4003, 4009)

#: Most works of a study here; the benchmark goes to 8,000.
MOST = 400


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("worlds")


@pytest.mark.parametrize(
    "seed", [*SOON, *(pytest.param(seed, marks=pytest.mark.slow) for seed in LATER)]
)
def test_a_random_small_study_ends_with_its_report(
    seed: int, worlds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    from random_studies import end_of

    ended = end_of(seed, worlds, MOST)
    assert ended.how in ("well", "refused"), ended.message
    assert ended.how == "well" or ended.message.endswith((".", "counts."))
