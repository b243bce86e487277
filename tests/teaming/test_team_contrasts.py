"""Joint papers beside others of the same year, against a loop and under a planted shift."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from isthmus.teaming.team_contrasts import team_contrasts
from teaming_worlds import teams_of
from tiny import random_works


@pytest.fixture(scope="module")
def teams(tmp_path_factory):
    return teams_of(random_works(9, 1500), tmp_path_factory.mktemp("contrasts"))


def test_contrasts_equal_a_loop_over_papers(teams):
    collect = teams.tables.engine.collect
    sizes, top = collect(teams.team_sizes()), teams.top_institutions()
    rows = teams.team_contrasts(sizes, top).to_pylist()
    assert {(r["lead"], r["partner"]) for r in rows} == {("US", "CN"), ("CN", "US")}
    led = collect(teams.led).to_pylist()
    joint = {
        (r["work_id"], r["country"])
        for r in collect(teams.partners).to_pylist()
        if {r["country"], r["partner"]} == {"US", "CN"}
    }
    best = {r["institution_id"] for r in collect(teams.leading_institutions()).to_pylist()}
    for row in rows:
        ours = [p for p in led if p["country"] == row["lead"]]
        parts = []
        for year in sorted({p["year"] for p in ours}):
            sides = ([], [])
            for paper in (p for p in ours if p["year"] == year):
                value = (
                    paper["team_size"]
                    if row["measure"] == "team_size"
                    else paper["institution_id"] in best
                )
                sides[(paper["work_id"], row["lead"]) in joint].append(float(value))
            if sides[0] and sides[1]:
                weight = len(sides[0]) * len(sides[1]) / (len(sides[0]) + len(sides[1]))
                parts.append((weight, np.mean(sides[1]) - np.mean(sides[0])))
        weights, gaps = np.array(parts).T
        assert row["years"] == len(parts)
        assert row["difference"] == pytest.approx(weights @ gaps / weights.sum())


def table(rows):
    return pa.Table.from_pylist(rows)


def world(seed, shift):
    """Teams grow over the years, and joint papers are of late years; larger by `shift`."""
    rng = np.random.default_rng(seed)
    joint, led, top = [], [], []
    for year in range(2000, 2010):
        n = {"CN": 5 + 20 * (year - 2000), "rest": 300}
        for group, count in n.items():
            mean = 2 + 0.5 * (year - 2000) + shift * (group == "CN")
            for size, papers in zip(
                *np.unique(1 + rng.poisson(mean, count), return_counts=True), strict=True
            ):
                row = {"lead": "US", "group": group, "year": year, "team_size": int(size)}
                row["papers"] = int(papers)
                led.append(row)
                joint += [row] if group == "CN" else []
        hits = {"lead": "US", "group": "CN", "year": year, "papers": n["CN"], "others": 300}
        hits["papers_top_institution"] = int(rng.binomial(n["CN"], 0.3 + 0.03 * (year - 2000)))
        hits["others_top_institution"] = int(rng.binomial(300, 0.3 + 0.03 * (year - 2000)))
        top.append(hits)
    return table(joint), table(led), table(top)


@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_years_held_equal_leave_the_planted_shift(shift):
    covered = {"team_size": 0, "top_institution": 0}
    for seed in range(80):
        for row in team_contrasts(*world(seed, shift), ("US", "CN"), 6).to_pylist():
            truth = shift if row["measure"] == "team_size" else 0.0
            covered[row["measure"]] += row["low"] <= truth <= row["high"]
    assert all(70 <= n <= 80 for n in covered.values())


def test_no_joint_paper_gives_no_row():
    joint, led, top = world(1, 0)
    assert team_contrasts(joint, led, top, ("DE", "FR"), 6).num_rows == 0
