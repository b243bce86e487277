"""Tables of moves against a plain-Python recount, row for row, under every setting.

Counts must be equal. Means and rates are ratios of small whole numbers: 1e-9
leaves room for rounding and catches any miscount.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import mean

import numpy as np
import pytest

import recount_mobility as recount
from isthmus.corpus.store import CorpusWriter, open_corpus
from isthmus.errors import StudyError
from isthmus.leadership.country_year import Leaders
from isthmus.mobility.movers import Movers
from mobility_worlds import FIELD, YEARS, Truth, movers_of, random_dates, rows, write_dated
from recount_mobility import Rules
from tiny import corpus_tables, random_works

TOLERANCE = 1e-9

SETTINGS = [
    {},
    {"ties": "shared"},
    {"view": "tenure"},
    {"view": "tenure", "ties": "shared", "backfill_years": 0},
    {"view": "tenure", "max_overlap_years": 0, "backfill_years": 2},
    {"max_gap_years": 1},
    {"min_stay_years": 2},
    {"min_stay_years": 3, "ties": "shared", "max_gap_years": 2},
    {"orcid_only": True},
    {"max_countries": 3},
    {"max_countries": 100, "first_move_only": True},
    {"view": "tenure", "min_stay_years": 2, "max_gap_years": 2, "first_move_only": True},
]


@pytest.fixture(scope="module", params=[1, 2])
def truth(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return Truth(tmp_path_factory.mktemp("truth"), request.param)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_histories_moves_flows_and_rates(truth: Truth, tmp_path: Path, settings: dict) -> None:
    rules = Rules(**settings)
    movers = movers_of(truth.corpus, tmp_path, field=FIELD, mobility=settings)
    placed = truth.histories(rules)
    found = {(r["author_id"], r["year"]): r["country"] for r in rows(movers, movers.history)}
    assert found == {(a, y): c for a, years in placed.items() for y, c in years.items()}

    expected = recount.all_moves(placed, rules)
    assert expected or settings.get("min_stay_years") == 3
    made = rows(movers, movers.moves())
    assert len(made) == len(expected)
    by_key = {(r["author_id"], r["year"]): r for r in made}
    for move in expected:
        row = by_key[move.author, move.year]
        assert (row["origin"], row["destination"]) == (move.origin, move.destination)
        assert (row["gap_years"], row["is_return"]) == (move.gap_years, move.is_return)
        record = recount.record(truth.works, truth.in_field, move.author, move.year)
        names = ("career_age", "papers_in_year", "papers_before", "citations_before")
        assert tuple(row[name] for name in names) == record

    flows = Counter((m.year, m.origin, m.destination) for m in expected)
    found = {
        (r["year"], r["origin"], r["destination"]): r["scientists"]
        for r in rows(movers, movers.flows())
    }
    assert found == flows
    assert_rates(movers, recount.rates(placed, expected))


def assert_rates(movers: Movers, expected: dict) -> None:
    found = {(r["year"], r["country"]): r for r in rows(movers, movers.rates())}
    assert set(found) == set(expected)
    for key, (active, arrivals, departures, returns) in expected.items():
        row = found[key]
        names = ("active", "arrivals", "departures", "returns")
        assert tuple(row[n] for n in names) == (active, arrivals, departures, returns)
        if active:
            net, gross = arrivals - departures, arrivals + departures
            assert row["net_per_1000"] == pytest.approx(1000 * net / active, abs=TOLERANCE)
            assert row["gross_per_1000"] == pytest.approx(1000 * gross / active, abs=TOLERANCE)
        else:
            assert row["net_per_1000"] is None
            assert row["gross_per_1000"] is None


def test_conflated_profiles_are_set_aside(truth: Truth, tmp_path: Path) -> None:
    movers = movers_of(truth.corpus, tmp_path, field=FIELD, mobility={"max_countries": 3})
    placed = recount.affiliations(truth.works, YEARS)
    expected = {}
    for author in truth.who & set(placed):
        most = {y: len({c for c, _ in listed}) for y, listed in placed[author].items()}
        if max(most.values()) > 3:
            year = min(y for y, n in most.items() if n == max(most.values()))
            expected[author] = (max(most.values()), year)
    found = {
        r["author_id"]: (r["most_countries"], r["in_year"])
        for r in rows(movers, movers.set_aside())
    }
    assert found == expected
    assert expected


def test_totals_and_ranks(truth: Truth, tmp_path: Path) -> None:
    movers = movers_of(truth.corpus, tmp_path, field=FIELD)
    moves = recount.all_moves(truth.histories(Rules()), Rules())
    totals = Counter((m.origin, m.destination) for m in moves)
    back = Counter((m.origin, m.destination) for m in moves if m.is_return)
    made = rows(movers, movers.flow_totals())
    assert len(made) == len(totals)
    for row in made:
        origin, destination = row["origin"], row["destination"]
        n = totals[origin, destination]
        assert (row["scientists"], row["returning"]) == (n, back[origin, destination])
        into = [m for (_, d), m in totals.items() if d == destination]
        out_of = [m for (o, _), m in totals.items() if o == origin]
        assert row["origin_rank"] == 1 + sum(m > n for m in into)
        assert row["destination_rank"] == 1 + sum(m > n for m in out_of)


def test_profiles(truth: Truth, tmp_path: Path) -> None:
    movers = movers_of(truth.corpus, tmp_path, field=FIELD)
    placed = truth.histories(Rules())
    moves = recount.all_moves(placed, Rules())
    names = ("career_age", "papers_in_year", "papers_before", "citations_before")
    groups: dict = {}
    for move in moves:
        values = recount.record(truth.works, truth.in_field, move.author, move.year)
        for origin in ("all", move.origin):
            groups.setdefault((move.destination, origin, "movers"), []).append(values)
    arrived = {(m.author, m.destination) for m in moves}
    for author, years in placed.items():
        for year, country in years.items():
            if country is not None and (author, country) not in arrived:
                values = recount.record(truth.works, truth.in_field, author, year)
                groups.setdefault((country, "all", "stayers"), []).append(values)
    made = rows(movers, movers.profiles())
    assert len(made) == len(groups) * len(names)
    for row in made:
        key = (row["destination"], row["origin"], row["group"])
        values = [v[names.index(row["measure"])] for v in groups[key]]
        assert row["n"] == len(values)
        assert row["mean"] == pytest.approx(mean(values), abs=TOLERANCE)
        for name, q in (("q10", 0.1), ("q25", 0.25), ("median", 0.5), ("q75", 0.75), ("q90", 0.9)):
            assert row[name] == pytest.approx(np.quantile(values, q), abs=TOLERANCE), key


def test_shared_ties_give_the_history_of_the_leaders_table(truth: Truth, tmp_path: Path) -> None:
    """Two ways to the same rule: windows there, jumps here."""
    movers = movers_of(truth.corpus, tmp_path, field=FIELD, mobility={"ties": "shared"})
    leaders = Leaders(movers.tables)
    one_country = {
        (r["author_id"], r["year"]): r["country"] if r["shared_by"] == 1 else None
        for r in rows(movers, leaders.scientist_years)
    }
    history = movers.history_under("majority", "shared")
    assert {(r["author_id"], r["year"]): r["country"] for r in rows(movers, history)} == one_country


def test_orcids_wanted_and_none_known_is_one_sentence(tmp_path: Path) -> None:
    works = random_works(seed=3)
    with CorpusWriter(tmp_path / "corpus", source="random") as writer:
        for name, table in corpus_tables(works).items():
            writer.write(name, table)
    movers = movers_of(
        open_corpus(tmp_path / "corpus"), tmp_path / "work", mobility={"orcid_only": True}
    )
    with pytest.raises(StudyError, match="the corpus knows none"):
        rows(movers, movers.moves())


def test_nobody_moves_gives_empty_tables(tmp_path: Path) -> None:
    works = random_works(seed=3)
    for work in works.values():
        for author in work.authors:
            author.countries = (
                [] if author.id is None else ["US", "CN"][author.id % 2 : author.id % 2 + 1]
            )
    corpus = write_dated(works, random_dates(works, 3), tmp_path / "corpus")
    movers = movers_of(corpus, tmp_path / "work")
    for table in (movers.moves(), movers.flows(), movers.flow_totals(), movers.set_aside()):
        assert rows(movers, table) == []
    assert all(r["arrivals"] == r["departures"] == 0 for r in rows(movers, movers.rates()))
    assert {r["group"] for r in rows(movers, movers.profiles())} == {"stayers"}
    made = movers.multiverse()
    assert made["flow_variants"].num_rows == made["flow_ranges"].num_rows == 0
