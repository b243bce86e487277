"""Totals of countries beside a count in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest

from isthmus.engine import DuckDBEngine
from isthmus.leadership.country_year import Leaders
from isthmus.leadership.scientists import scientist_years_of_countries
from isthmus.leadership.totals import country_totals
from isthmus.selection.study_tables import StudyTables
from isthmus.study import Study
from tiny import random_works, write_corpus

YEARS = (2000, 2008)


@pytest.fixture(scope="module")
def leaders(tmp_path_factory) -> Leaders:
    folder = tmp_path_factory.mktemp("totals")
    corpus = write_corpus(random_works(5, 900), folder / "corpus")
    document = {"study": {"corpus": str(corpus.path), "years": list(YEARS)}}
    study = Study.parse({**document, "impact": {"hit_percent": 7}})
    return Leaders(StudyTables(study, corpus, DuckDBEngine(), folder / "work"))


def test_errors_are_sums_of_squares_over_papers(leaders):
    collect = leaders.tables.engine.collect
    rows = collect(leaders.country_year()).to_pylist()
    impact = {r["work_id"]: r for r in collect(leaders.impact).to_pylist()}
    begins = {r["year"]: r for r in collect(leaders.hit_thresholds).to_pylist()}
    squares, hits = defaultdict(float), defaultdict(float)
    for place in collect(leaders.tables.deciding.select("work_id", "country")).to_pylist():
        paper = impact.get(place["work_id"])
        if paper is None:
            continue
        key, at = (paper["year"], place["country"]), begins[paper["year"]]
        squares[key] += paper["c_k"] ** 2
        tie = at["tie_weight"] if paper["c_k"] == at["threshold"] else 0
        hits[key] += 1 if paper["c_k"] > at["threshold"] else tie**2
    for row in rows:
        key = (row["year"], row["country"])
        if row["c2_sum"] is None:
            assert row["c2_sum_se"] is None
            assert row["hits_se"] is None
        else:
            assert row["c2_sum_se"] == pytest.approx(math.sqrt(squares[key]), rel=1e-12)
            assert row["hits_se"] == pytest.approx(math.sqrt(hits[key]), rel=1e-12)


def test_totals_add_up_over_the_years_of_each_span(leaders):
    collect = leaders.tables.engine.collect
    yearly = collect(leaders.country_year())
    totals = leaders.country_totals(yearly).to_pylist()
    spans = {(r["measure"], r["span"]): (r["first_year"], r["last_year"]) for r in totals}
    assert spans["c2_sum", "last"] == (2002, 2006)  # c_2 of 2007 is not known
    assert spans["papers_last_author", "last"] == (2004, 2008)
    assert spans["scientists", "first"] == (2000, 2004)
    for row in totals:
        span = range(row["first_year"], row["last_year"] + 1)
        mine = [
            r for r in yearly.to_pylist() if r["country"] == row["country"] and r["year"] in span
        ]
        values = [r[row["measure"]] or 0 for r in mine]
        assert row["total"] == pytest.approx(sum(values), rel=1e-9)
        if row["measure"] == "papers_last_author":
            assert row["se"] == pytest.approx(math.sqrt(row["total"]), rel=1e-12)
        elif row["measure"] != "scientists":
            errors = [r[f"{row['measure']}_se"] or 0 for r in mine]
            assert row["se"] == pytest.approx(math.hypot(*errors), rel=1e-12)


def test_totals_do_not_depend_on_the_order_of_rows(leaders):
    yearly = leaders.tables.engine.collect(leaders.country_year())
    totals = leaders.country_totals(yearly)
    for seed in range(20):
        order = np.random.default_rng(seed).permutation(yearly.num_rows)
        assert leaders.country_totals(yearly.take(pa.array(order))).equals(totals)


def test_a_scientist_of_many_years_is_one_unit():
    engine = DuckDBEngine()
    placed = [(1, y, "US", 1.0) for y in range(2000, 2005)] + [(2, 2000, "US", 0.5)]
    placed += [(2, 2000, "CN", 0.5), (3, 2009, "CN", 1.0)]
    columns = dict(zip(("author_id", "year", "country", "weight"), zip(*placed, strict=True),
                       strict=True))  # fmt: skip
    table = engine.local(pa.table({name: list(values) for name, values in columns.items()}))
    found = engine.collect(scientist_years_of_countries(table, (2000, 2008))).to_pylist()
    rows = {row["country"]: (row["total"], row["se"]) for row in found}
    assert rows["US"] == (5.5, pytest.approx(math.sqrt(25.25)))
    assert rows["CN"] == (0.5, 0.5)


def test_nothing_known_gives_an_empty_table():
    empty = pa.table({"year": pa.array([], pa.int16()), "country": pa.array([], pa.string()),
                      "scientists": pa.array([], pa.float64()),
                      "papers": pa.array([], pa.int64())})  # fmt: skip
    assert country_totals(empty, ("papers",), lambda years: empty).num_rows == 0
