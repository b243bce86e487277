"""What several tests share: the place of real data, and small random corpora."""

from __future__ import annotations

from pathlib import Path

import pytest

#: Real data sets stand beside the project where they are at hand; they are never part of it.
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real data sets; the test is skipped, saying so, where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the real data sets are not beside this checkout")
    return SHARED
