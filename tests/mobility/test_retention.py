"""What movers keep: units against a recount, the comparison against known numbers.

Units are counts and must be equal. Means of shares are compared to 1e-9, which
leaves room for rounding only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import recount_mobility as recount
from isthmus.corpus.store import open_corpus
from isthmus.mobility.matched_movers import COVARIATES, Rules, compare, sampled, stretch
from isthmus.simulation.settings import planted_world
from isthmus.simulation.simulate import simulate
from isthmus.stats import cem
from mobility_worlds import FIELD, YEARS, Truth, movers_of, rows

RULES = Rules(output_cuts=(1, 2, 4, 8), citation_cuts=(0, 3, 10, 30), draws=200, seed=5)


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return Truth(tmp_path_factory.mktemp("truth"), 4, n=400)


@pytest.mark.parametrize(("origin", "destination"), [("US", "CN"), ("CN", "US"), ("DE", "FR")])
def test_units_equal_a_recount(truth: Truth, tmp_path: Path, origin: str, destination: str) -> None:
    movers = movers_of(truth.corpus, tmp_path, field=FIELD, mobility={"max_countries": 100})
    rules = recount.Rules(max_countries=100)
    placed = truth.histories(rules)
    moved = {}
    for move in recount.all_moves(placed, rules):
        if (move.origin, move.destination) == (origin, destination):
            moved.setdefault(move.author, move.year)
    expected = dict.fromkeys(moved.items(), 1)
    for author, years in placed.items():
        been = [y for y, c in years.items() if c == origin]
        for year, country in years.items():
            if country == destination and author not in moved and not any(y <= year for y in been):
                expected[author, year] = 0
    expected = with_records(truth, expected, origin)
    columns = ("treated", *COVARIATES[1:], "later", "joined")
    found = {
        (r["author_id"], r["year"]): tuple(r[name] for name in columns)
        for r in rows(movers, movers.units(origin, destination))
    }
    assert found == expected
    assert {treated for treated, *_ in found.values()} == {0, 1}


def with_records(truth: Truth, units: dict, origin: str) -> dict:
    """Add covariates and outcome; keep units with later papers, in cells of a mover."""
    full = {}
    for (author, year), treated in units.items():
        age, output, _, cited = recount.record(truth.works, truth.in_field, author, year)
        later = recount.later_papers(truth.works, truth.in_field, author, year, YEARS[1], origin)
        full[author, year] = (treated, age, output, cited, *later)
    cells = {(year, row[1]) for (_, year), row in full.items() if row[0]}
    return {
        (author, year): row
        for (author, year), row in full.items()
        if (year, row[1]) in cells and row[4] > 0
    }


def made_units(n: int, seed: int, lift: float) -> pa.Table:
    """Units of two years and three ages, an eighth of them movers, with shares lifted by `lift`."""
    rng = np.random.default_rng(seed)
    treated = (rng.random(n) < 0.125).astype(np.int64)
    later = rng.integers(1, 12, n)
    chance = np.where(treated == 1, 0.1 + lift, 0.1)
    return pa.table(
        {
            "author_id": np.arange(n),
            "year": 2005 + rng.integers(0, 2, n),
            "treated": treated,
            "career_age": rng.integers(3, 6, n),
            "papers_in_year": rng.integers(0, 9, n),
            "citations_before": rng.integers(0, 40, n),
            "later": later,
            "joined": rng.binomial(later, chance),
        }
    )


def test_the_effect_is_the_textbook_one() -> None:
    units = made_units(3000, 1, 0.2)
    matched, balance = compare("movers:B->A", units, RULES)
    row = matched.to_pylist()[0]
    strata: dict = {}
    for unit in units.to_pylist():
        cell = (
            unit["year"],
            unit["career_age"],
            sum(unit["papers_in_year"] > cut for cut in RULES.output_cuts),
            sum(unit["citations_before"] > cut for cut in RULES.citation_cuts),
        )
        share = 100 * unit["joined"] / unit["later"]
        strata.setdefault(cell, ([], []))[unit["treated"]].append(share)
    both = [(stayed, moved) for stayed, moved in strata.values() if stayed and moved]
    n = sum(len(moved) for _, moved in both)
    mean_moved = sum(sum(moved) for _, moved in both) / n
    mean_stayed = sum(len(moved) * sum(stayed) / len(stayed) for stayed, moved in both) / n
    assert row["treated_matched"] == n
    assert row["control_matched"] == sum(len(stayed) for stayed, _ in both)
    assert row["mean_treated"] == pytest.approx(mean_moved, abs=1e-9)
    assert row["mean_control"] == pytest.approx(mean_stayed, abs=1e-9)
    percent = 100 * (mean_moved - mean_stayed) / mean_stayed
    assert row["effect_percent"] == pytest.approx(percent, abs=1e-7)
    assert row["ci_low"] < row["effect_percent"] < row["ci_high"]
    assert row["p"] < 1e-6
    exact = [b for b in balance.to_pylist() if b["covariate"] in ("year", "career_age")]
    assert all(abs(b["after"]) < 1e-9 for b in exact)


def test_no_effect_is_seldom_found() -> None:
    """Of 40 worlds without effect at most 7 have p < .05: chance 0.003 at the nominal rate."""
    found = 0
    for seed in range(40):
        matched, _ = compare("none", made_units(800, seed, 0.0), RULES)
        found += matched["p"][0].as_py() < 0.05
    assert found <= 7


def test_order_of_units_does_not_matter_and_the_seed_does() -> None:
    units = made_units(500, 2, 0.1)
    shuffled = units.take(np.random.default_rng(1).permutation(500))
    for one, other in zip(compare("x", units, RULES), compare("x", shuffled, RULES), strict=True):
        assert one.equals(other)
    columns = {c: units[c].to_numpy() for c in units.column_names}
    assert not np.array_equal(sampled(columns, 1), sampled(columns, 2))


def test_each_mover_gets_one_other_of_its_year_and_age() -> None:
    units = made_units(2000, 3, 0.1)
    columns = {c: units[c].to_numpy() for c in units.column_names}
    columns["year"] = 2005 + columns["author_id"] % 2
    columns["author_id"] = columns["author_id"] // 2  # two units an author, one a year
    drawn = sampled(columns, 9)
    treated = columns["treated"][drawn] == 1
    cells = [tuple(pair) for pair in np.column_stack([columns["year"], columns["career_age"]])]
    movers = sorted(cells[i] for i in drawn[treated])
    assert sorted(cells[i] for i in drawn[~treated]) == movers
    others = columns["author_id"][drawn[~treated]]
    assert len(set(others.tolist())) == len(others)


def test_scientists_in_several_strata_stretch_the_interval() -> None:
    """Means of two strata that share their controls err together; the sum over pairs says so."""
    rng = np.random.default_rng(5)
    author = np.concatenate([np.arange(40), np.arange(100, 130), np.arange(100, 130)])
    stratum = np.concatenate([np.repeat([0, 1], 20), np.repeat([0, 1], 30)])
    treated = author < 100
    own = rng.uniform(10, 40, 30)
    share = np.concatenate([rng.uniform(20, 90, 40), own, own])
    matching = cem({"stratum": stratum}, treated, exact=("stratum",))
    mean = share[~treated].mean()
    gaps = [
        (share[treated & (stratum == s)] / share[treated].mean()).sum() - 20 for s in (0, 1)
    ]  # both strata have the same controls, so their mean is the expected one
    both = 2 * sum((20 / 30 * (value / mean - 1)) ** 2 for value in own)
    expected = np.sqrt(1 + both / sum(gap**2 for gap in gaps))
    assert stretch(share, treated, matching, author) == pytest.approx(expected, rel=1e-9)
    assert stretch(share, treated, matching, np.arange(author.size)) == 1


@pytest.mark.parametrize("who", ["nobody", "only movers", "only others"])
def test_nobody_to_compare_is_a_row_with_a_sentence(who: str) -> None:
    units = made_units(200, 4, 0.1)
    kept = {"nobody": [], "only movers": [1], "only others": [0]}[who]
    units = units.filter(np.isin(units["treated"].to_numpy(), kept))
    matched, _ = compare("x", units, RULES)
    assert matched["experiment"].to_pylist() == ["x", "x:sampled"]
    for row in matched.to_pylist():
        assert row["effect_percent"] is None
        assert row["treated_matched"] == 0
        assert row["note"].endswith(".")


def test_planted_flows_and_ties_are_found(tmp_path: Path) -> None:
    """The generator leaves shared years out of its moves; so do we when told to."""
    settings = planted_world(
        9_000, 7, n_countries=12, migration_rate=0.05, retention=0.6, papers_per_author=3.0
    )
    world = simulate(settings, tmp_path / "world")
    rules = {"ties": "shared", "max_countries": 100, "pairs": [["CN", "US"]]}
    movers = movers_of(
        open_corpus(tmp_path / "world"),
        tmp_path / "work",
        settings.years,
        field=FIELD,
        mobility=rules,
    )
    key = ("year", "origin", "destination", "scientists")
    found = {tuple(r[k] for k in key) for r in rows(movers, movers.flows())}
    planted = {tuple(r[k] for k in key) for r in world.table("flows").to_pylist()}
    assert found == planted
    assert len(found) > 100
    kept = {r["experiment"]: r for r in movers.retention()["retention"].to_pylist()}
    row = kept["movers:CN->US"]
    assert row["treated"] > 20
    assert row["mean_treated"] > row["mean_control"]
    assert row["ci_low"] > 0
