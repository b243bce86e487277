"""What several tests share: the place of real data, and small random corpora."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from demonstrating import demonstrated
from isthmus.pipeline import runner
from isthmus.pipeline.steps import STEPS

#: Real data sets stand beside the project where they are at hand; they are never part of it.
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets; the test is skipped, saying so, where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the real data sets are not beside this checkout")
    return SHARED


#: Files whose tests take longest; they go first, so that all processes end at about one time.
LONGEST = ("test_spark", "test_visits", "test_demo", "test_pages", "test_runner", "test_resume")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, in the order above, and leave the rest in order."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.fixture
def counts_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the steps that count papers, citations and links; they take a third of a run."""
    few = [step for step in STEPS if step.name in ("field", "coverage", "leadership", "networks")]
    monkeypatch.setattr(runner, "STEPS", few)


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `isthmus demo` made, and beside it what it said; test processes share one."""
    base = tmp_path_factory.getbasetemp()
    return demonstrated(base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base)
