"""The generator's books against a plain recount of what was written.

Whole counts must be equal; sums of fractions agree to 1e-9 (order of adding up).
"""

import pytest

from isthmus.simulation.corpus_tables import WorksLater, year_tables
from isthmus.simulation.generator import World
from isthmus.simulation.settings import WorldSettings, planted_world
from isthmus.simulation.truth import Truth
from recount_world import Recount

WORLDS = {
    "planted": planted_world(
        4_000,
        3,
        n_countries=25,
        missing_affiliations=((1998, 0.3), (2021, 0.1)),
        migration_rate=0.05,
        retention=0.5,
        third_country_share=0.3,
        second_employers=0.2,
        papers_per_author=3.0,
    ),
    "placebo": WorldSettings(2_500, 4, years=(2001, 2012)),
}


@pytest.fixture(scope="module", params=WORLDS)
def counted(request):
    """A world's truth, and a recount of its tables."""
    world = World(WORLDS[request.param])
    truth, later = Truth(world), WorksLater(world)
    rows = {}
    for year in world.grow():
        truth.add(year)
        later.add(year)
        for name, table in year_tables(world, year).items():
            rows.setdefault(name, []).extend(table.to_pylist())
    rows["works"] = [row for table in later.tables() for row in table.to_pylist()]
    return truth.tables(), Recount(rows)


def by(table, *key, value):
    """Non-zero values of a planted table by key; no key may repeat."""
    pairs = [(tuple(row[k] for k in key), row[value]) for row in table.to_pylist()]
    assert len(dict(pairs)) == len(pairs)
    return {key: value for key, value in pairs if value}


def test_output(counted):
    truth, recount = counted
    names = ("papers_last_author", "papers_whole", "papers_fractional")
    for name, expected in zip(names, recount.output(), strict=True):
        found = by(truth["country_year"], "year", "country", value=name)
        assert found == pytest.approx(expected, abs=1e-9)


def test_scientists(counted):
    truth, recount = counted
    found = by(truth["country_year"], "year", "country", value="scientists")
    assert found == pytest.approx(recount.scientists_by_country(), abs=1e-9)
    assert sum(found.values()) > 100


def test_collaboration(counted):
    truth, recount = counted
    for name, expected in zip(
        ("works_whole", "works_fractional"), recount.collaboration(), strict=True
    ):
        found = by(truth["collaboration"], "year", "source", "target", value=name)
        assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("include_citing", [False, True])
def test_citation(counted, include_citing):
    truth, recount = counted
    rows = [r for r in truth["citation"].to_pylist() if r["include_citing"] == include_citing]
    for name, expected in zip(
        ("citations_whole", "citations_fractional"), recount.citation(include_citing), strict=True
    ):
        found = {(r["year"], r["source"], r["target"]): r[name] for r in rows}
        assert len(found) == len(rows)
        assert found == pytest.approx(expected, abs=1e-9)


def test_moves_and_flows(counted):
    truth, recount = counted
    key = ("author_id", "year", "origin", "destination")
    found = {tuple(row[k] for k in key) for row in truth["moves_observed"].to_pylist()}
    assert found == recount.moves()
    assert found
    who = recount.scientists()
    flows = {}
    for author, *flow in found:
        if author in who:
            flows[tuple(flow)] = flows.get(tuple(flow), 0) + 1
    assert by(truth["flows"], "year", "origin", "destination", value="scientists") == flows


def test_author_years_and_novel(counted):
    truth, recount = counted
    who = recount.scientists()
    expected = {
        (author, year, country): (weight, author in who)
        for author, years in recount.author_years().items()
        for year, shares in years.items()
        for country, weight in shares.items()
    }
    rows = truth["author_years"].to_pylist()
    found = {
        (r["author_id"], r["year"], r["country"]): (r["weight"], r["is_scientist"]) for r in rows
    }
    assert found == expected
    assert set(truth["novel"]["work_id"].to_pylist()) <= recount.field


def test_ties_kept_are_what_alone_puts_a_country_on_a_work(counted):
    """Nobody but the mover and one coauthor is in the country; the mover had left it by then."""
    truth, recount = counted
    names, authors = {}, {}
    for row in recount.authorships:
        places = set(recount.places[row["work_id"], row["position"]])
        names.setdefault(row["work_id"], []).append((row["author_id"], places))
        authors.setdefault(row["work_id"], set()).add(row["author_id"])
    left = {}
    for row in truth["moves"].to_pylist():
        left.setdefault(row["author_id"], []).append((row["year"], row["origin"]))
    rows = truth["ties_kept"].to_pylist()
    for row in rows:
        others = [a for a, places in names[row["work_id"]] if row["country"] in places]
        assert len(set(others) - {row["author_id"]}) == 1
        assert row["author_id"] in authors[row["work_id"]]
        last = max(move for move in left[row["author_id"]] if move[0] <= row["year"])
        assert last[1] == row["country"]
    keys = [(row["author_id"], row["work_id"]) for row in rows]
    assert len(set(keys)) == len(keys)
    planted = len(truth["joint_effects"]) > 0
    assert (len(rows) > 20) if planted else not rows
