"""Spark gives the tables that DuckDB gives: the same rows, floats to 1e-9.

Java comes from the distribution's packages and Spark from the `spark` extra.
Where either is missing the tests are skipped and say so; in CI they must run.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from isthmus import runner
from isthmus.errors import MissingExtraError
from isthmus.results import Results
from isthmus.runner import run
from isthmus.spark import SparkEngine
from isthmus.steps import STEPS
from isthmus.study import Study
from tiny import random_works, write_corpus

#: Steps compared here; the many small joins of the others take Spark minutes on a small corpus.
ON_SPARK = {"field", "coverage", "leadership", "networks"}

STUDY = {
    "field": {"subfields": [1702]},
    "countries": {"merge": {"DE": ["FR"]}, "blocs": {"BRICS": ["BR", "IN", "CN"]}},
    "impact": {"exclude_self_citations": True, "exclude_citing_countries": ["IN"]},
}


@pytest.fixture
def spark_is_here() -> None:
    missing = [] if shutil.which("java") else ["Java"]
    try:
        import pyspark  # noqa: F401
    except ImportError:
        missing.append("pyspark")
    if missing:
        assert not os.environ.get("CI"), f"CI must have {missing}"
        pytest.skip(f"{' and '.join(missing)} not installed")


def assert_same(one: pa.Table, other: pa.Table, name: str) -> None:
    assert one.schema.equals(other.schema), name
    assert one.num_rows == other.num_rows, name
    for column in one.column_names:
        left, right = one[column].combine_chunks(), other[column].combine_chunks()
        if pa.types.is_floating(left.type):
            assert left.is_null().equals(right.is_null()), (name, column)
            both = left.to_numpy(zero_copy_only=False), right.to_numpy(zero_copy_only=False)
            np.testing.assert_allclose(*both, rtol=1e-9, atol=1e-9, err_msg=f"{name} {column}")
        else:
            assert left.equals(right), (name, column)


def assert_same_results(one: Results, other: Results) -> None:
    assert one.tables == other.tables
    for name in one.tables:
        assert_same(one.table(name), other.table(name), name)


@pytest.mark.slow
@pytest.mark.usefixtures("spark_is_here")
def test_spark_equals_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "STEPS", [step for step in STEPS if step.name in ON_SPARK])
    corpus = write_corpus(random_works(seed=21, n=600), tmp_path / "corpus")
    about = {"corpus": str(corpus.path), "years": [2001, 2007]}
    study = Study.parse({"study": about, **STUDY})
    on_duckdb = run(study, tmp_path / "duckdb")
    on_spark = study.with_run(engine="spark", master="local[2]", memory="1GB")
    assert_same_results(on_duckdb, run(on_spark, tmp_path / "spark"))


def test_without_java_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(MissingExtraError, match="needs Java"):
        SparkEngine()
