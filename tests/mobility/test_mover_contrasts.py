"""Movers beside stayers, against a loop over the same people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from isthmus.mobility.mover_contrasts import MEASURES, SCHEMA, mover_contrasts
from mobility_worlds import FIELD, Truth, movers_of, rows

PAIR = ("US", "CN")


@pytest.fixture(scope="module")
def movers(tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("contrasts")
    truth = Truth(folder, 4, n=500)
    return movers_of(truth.corpus, folder / "work", field=FIELD, mobility={"max_countries": 100})


def test_contrasts_equal_a_loop(movers):
    found = {
        (r["origin"], r["destination"], r["measure"]): r for r in movers.contrasts().to_pylist()
    }
    origin, destination = PAIR
    records = {(r["author_id"], r["year"]): r for r in rows(movers, movers.records)}
    moves = rows(movers, movers.counted)
    moved = [m for m in moves if (m["origin"], m["destination"]) == PAIR]
    arrived = {m["author_id"] for m in moves if m["destination"] == destination}
    stayed = [
        records[r["author_id"], r["year"]]
        for r in rows(movers, movers.history)
        if r["country"] == destination and r["author_id"] not in arrived
    ]
    assert moved
    for measure in MEASURES:
        gaps = []
        for m in moved:
            alike = [
                s[measure]
                for s in stayed
                if (s["year"], s["career_age"]) == (m["year"], m["career_age"])
            ]
            if alike:
                gaps.append(m[measure] - np.mean(alike))
        row = found[origin, destination, measure]
        assert row["n_movers"] == len(gaps)
        assert row["difference"] == pytest.approx(np.mean(gaps))


def test_nobody_is_compared_at_career_age_0(movers):
    from isthmus.mobility.mover_contrasts import contrast_units

    units = contrast_units(movers.counted, movers.history, movers.records, *PAIR)
    assert all(row["career_age"] > 0 for row in rows(movers, units))


def people(seed: int, n_movers: int = 30) -> pa.Table:
    """Seniority grows over the years and movers move late, at random among equals."""
    rng = np.random.default_rng(seed)
    made = []
    for author in range(400):
        quality = rng.gamma(2.0)
        for age in range(8):
            papers = int(rng.poisson(quality * (age + 1)))
            unit = {"author_id": author, "year": 2000 + age, "career_age": age, "moved": 0}
            made.append(unit | dict.fromkeys(MEASURES, papers))
    for author in range(400, 400 + n_movers):
        quality, age = rng.gamma(2.0), int(rng.integers(4, 8))
        papers = int(rng.poisson(quality * (age + 1)))
        unit = {"author_id": author, "year": 2000 + age, "career_age": age, "moved": 1}
        made.append(unit | dict.fromkeys(MEASURES, papers))
    return pa.Table.from_pylist(made)


def test_movers_at_random_outdo_nobody():
    beyond, gap = 0, 0.0
    for seed in range(60):
        units = people(seed)
        plain = pa.compute.mean(units.filter(pa.compute.field("moved") == 0)["papers_before"])
        (row, *_) = mover_contrasts(units, *PAIR, 6)
        gap += row["mean_movers"] - plain.as_py()
        beyond += not row["low"] <= 0 <= row["high"]
    assert gap / 60 > 2  # what a plain difference of means would say
    assert beyond <= 8  # 5 % of 60 is 3; more than 8 has a chance of 0.003


def test_few_movers_have_no_interval():
    (row, *_) = mover_contrasts(people(1, n_movers=4), *PAIR, 6)
    assert row["low"] is None
    assert row["p"] is None
    assert row["difference"] is not None
    assert row["reason"].startswith("too few: 4.0")


def test_unknown_citations_are_left_out():
    units = people(1)
    blank = pa.array([None] * len(units), pa.int64())
    at = units.schema.get_field_index("citations_before")
    found = mover_contrasts(units.set_column(at, "citations_before", blank), *PAIR, 6)
    by_measure = {row["measure"]: row for row in found}
    assert by_measure["citations_before"]["difference"] is None
    assert by_measure["papers_before"]["difference"] is not None


def test_no_mover_gives_no_row():
    units = people(1).filter(pa.compute.field("moved") == 0)
    assert mover_contrasts(units, *PAIR, 6) == []
    assert pa.Table.from_pylist([], SCHEMA).num_rows == 0
