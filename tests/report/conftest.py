"""Synthetic results that the tests of the report share; none of them writes into the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.report.source import Source
from isthmus.results import Results
from report.synthetic import write_results


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return write_results(tmp_path_factory.mktemp("results"))


@pytest.fixture
def source(results: Results) -> Source:
    return Source(results)


@pytest.fixture
def bare(tmp_path: Path) -> Source:
    """Results of a run that made nothing but the leaders' table."""
    import numpy as np

    from isthmus.study import Study
    from report.synthetic import codes, finish, leadership

    span = np.arange(2000, 2003)
    made = leadership(np.random.default_rng(1), codes(3), span)
    study = Study.parse({"study": {"corpus": "c", "years": [2000, 2002]}})
    return Source(finish(tmp_path, {"country_year": made["country_year"]}, study))
