"""Matching inside an engine gives the kernel's strata and weights.

Both divide the same whole numbers, in the same order: weights agree to 1e-12.
"""

from __future__ import annotations

import os
import shutil

import numpy as np
import pyarrow as pa
import pytest

from isthmus.engine import DuckDBEngine
from isthmus.stats import cem
from isthmus.teaming import relational

EDGES = [-np.inf, 3.0, 6.0, np.inf]


@pytest.fixture(params=["duckdb", "spark"])
def engine(request):
    if request.param == "duckdb":
        opened = DuckDBEngine()
    else:
        missing = [] if shutil.which("java") else ["Java"]
        try:
            import pyspark  # noqa: F401
        except ImportError:
            missing.append("pyspark")
        if missing:
            assert not os.environ.get("CI"), f"CI must have {missing}"
            pytest.skip(f"{' and '.join(missing)} not installed")
        from isthmus.engine.spark import SparkEngine

        opened = SparkEngine()
    yield opened
    opened.close()


def units(n=3_000, seed=1, missing=0.05):
    rng = np.random.default_rng(seed)
    age = rng.normal(40, 10, n).round(1)
    age[rng.random(n) < missing] = np.nan
    place = np.array(list("abcdefg"), dtype=object)[rng.integers(0, 7, n)]
    place[rng.random(n) < missing] = None
    columns = {
        "age": age,
        "team": rng.integers(1, 12, n).astype(float),
        "institution": rng.integers(0, 40, n),
        "place": place,
    }
    return columns, rng.random(n) < 0.2


def table_of(columns, treated):
    arrays = {name: pa.array(values, from_pandas=True) for name, values in columns.items()}
    return pa.table({"id": np.arange(treated.size), **arrays, "treated": treated.astype(int)})


def test_strata_and_weights_are_the_kernels(engine):
    columns, treated = units()
    table = engine.local(table_of(columns, treated))
    cuts = {"team": EDGES, **relational.automatic_cuts(engine, table, ["age"])}
    found = engine.collect(relational.matched(table, ["institution", "place"], cuts)).sort_by("id")
    matching = cem(columns, treated, exact=("institution",), cutpoints={"team": EDGES})
    assert np.array_equal(cuts["age"], matching.breaks["age"])
    assert 0 < matching.counts.treated_matched < matching.counts.treated
    np.testing.assert_allclose(found["weight"].to_numpy(), matching.weight, rtol=1e-12)
    key = [name for name in found.column_names if name.endswith(("_class", "_known"))]
    labels = list(zip(*(found[name].to_pylist() for name in key), strict=True))
    pairs = set(zip(labels, matching.stratum.tolist(), strict=True))
    assert len(pairs) == len(set(labels)) == matching.counts.strata


def test_values_beyond_the_cut_points_are_one_category_with_the_missing():
    engine = DuckDBEngine()
    columns, treated = units(400, 2)
    cuts = {"age": [30.0, 40.0, 50.0]}
    table = engine.local(table_of({"age": columns["age"]}, treated))
    found = engine.collect(relational.matched(table, [], cuts)).sort_by("id")
    matching = cem({"age": columns["age"]}, treated, cutpoints=cuts)
    np.testing.assert_allclose(found["weight"].to_numpy(), matching.weight, rtol=1e-12)
    beyond = np.isnan(columns["age"]) | (columns["age"] < 30) | (columns["age"] > 50)
    assert np.array_equal(found["age_class"].to_numpy() == -1, beyond)
    engine.close()


@pytest.mark.parametrize("value", [0, 1])
def test_one_side_alone_is_matched_with_nobody(value):
    engine = DuckDBEngine()
    columns, treated = units(50, 3)
    table = engine.local(table_of(columns, np.full(treated.size, bool(value))))
    found = engine.collect(relational.matched(table, ["place"], {"team": EDGES}))
    assert found["weight"].to_pylist() == [0.0] * 50
    engine.close()
