"""The team null model inside the pole analysis.

Expected counts hold to 1e-6, the error the fit's constraints are solved to being 1e-8.
Bounds on means of z are three standard errors of as many independent pairs.
"""

from __future__ import annotations

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from msgspec.structs import replace

from isthmus.errors import InputError
from isthmus.poles.analysis import analyse
from isthmus.poles.edge_layers import analyse_edges
from isthmus.poles.team_counts import BIPARTITE, TeamFits, Teams, team_tables
from isthmus.stats.nulls.bipartite import fit_bipartite
from isthmus.study.sections import Poles

QUICK = Poles(
    null_models=(BIPARTITE,),
    quantity="z",
    min_works=0,
    placebo_replays=20,
    n_init=2,
    n_resamples=2,
    choice_sample=40,
    choice_most=3,
    turn_works=1e9,
    bloc_windows=0,
)
NAMES = ("year", "source", "target", "works_whole")
CITED = (*NAMES[:3], "citations_whole")
CODES = ["AA", "BB", *(f"C{chr(65 + i)}" for i in range(10))]


def members(*, years=12, works=400, bloc=0.0, seed=1):
    """Rows (work, year, country) of works by teams of 1 to 6, of like sizes every year.

    With `bloc`, log odds of a country of the first member's bloc grow by so much.
    """
    random = np.random.default_rng(seed)
    size = np.sort(random.lognormal(sigma=0.5, size=len(CODES)))[::-1]
    side = np.arange(len(CODES)) % 2
    rows = []
    for year in range(years):
        for work in range(works):
            team = [int(random.choice(len(CODES), p=size / size.sum()))]
            for _ in range(int(random.choice(6, p=[0.3, 0.35, 0.2, 0.05, 0.05, 0.05]))):
                pull = np.exp(bloc * year / years * (side == side[team[0]]))
                odds = size * pull * ~np.isin(np.arange(len(CODES)), team)
                team.append(int(random.choice(len(CODES), p=odds / odds.sum())))
            rows += [(f"W{year}-{work}", 2000 + year, CODES[c]) for c in team]
    return rows


def panel(rows):
    """Collaboration and teams of rows, by the code of a run, on its engine."""
    work, year, country = (list(column) for column in zip(*rows, strict=True))
    table = ibis.memtable(pa.table({"work_id": work, "year": year, "country": country}))
    countries = table.mutate(n_countries=table.country.count().over(group_by="work_id"))
    field = table.select("work_id", "year").distinct()
    sizes, counted = team_tables(field, countries.select("work_id", "country", "n_countries"))
    pairs = table.inner_join(table.select("work_id", target="country"), "work_id")
    pairs = pairs.filter(pairs.country < pairs.target)
    pairs = pairs.group_by("year", "target", source=pairs.country).agg(works_whole=pairs.count())
    return pairs.to_pyarrow(), Teams(sizes.to_pyarrow(), counted.to_pyarrow())


@pytest.fixture(scope="module")
def plain():
    return members()


def test_teams_counted_by_the_engine_are_those_of_the_rows(plain):
    _, teams = panel(plain)
    first = [row for row in plain if row[1] == 2000]
    works = [row[0] for row in first]
    size = {work: works.count(work) for work in set(works)}
    found = {
        row["countries"]: row["works"] for row in teams.sizes.to_pylist() if row["year"] == 2000
    }
    assert found == {d: list(size.values()).count(d) for d in set(size.values()) if d > 1}
    of = {row["country"]: row["works"] for row in teams.members.to_pylist() if row["year"] == 2000}
    assert of["AA"] == sum(size[work] > 1 and code == "AA" for work, _, code in first)


def test_the_law_of_a_panel_is_that_of_all_countries_cut_out(plain):
    _, teams = panel(plain)
    some = ("AA", "CB", "CE")
    fit = TeamFits(teams, np.array([2000, 1950]), some).fits[0]
    several = [row for row in plain if row[1] == 2000]
    works = [row[0] for row in several]
    several = [row for row in several if works.count(row[0]) > 1]
    whole = fit_bipartite(
        np.array([row[0] for row in several]), np.array([CODES.index(row[2]) for row in several])
    )
    at = np.ix_(*[[CODES.index(code) for code in some]] * 2)
    assert fit.expected == pytest.approx(whole.expected[at], rel=1e-6)
    assert fit.sd == pytest.approx(whole.sd[at], rel=1e-6)
    counts = np.array([[0.0, 9, 4], [9, 0, 1], [4, 1, 0]])
    full = np.zeros(whole.expected.shape)
    full[at] = counts
    for mine, all_of_them in zip(fit.law.tails(counts), whole.law.tails(full), strict=True):
        off = ~np.eye(3, dtype=bool)
        assert mine[off] == pytest.approx(all_of_them[at][off], rel=1e-6)
    assert TeamFits(teams, np.array([1950]), some).fits == [None]


def under(tables):
    """Links under the team null model."""
    links = tables["links"]
    return links.filter(pc.equal(links["null_model"], BIPARTITE))


def test_teams_without_affinity_show_nothing(plain):
    collaboration, teams = panel(plain)
    tables = analyse(
        collaboration, None, settings=QUICK, poles=("AA", "BB"), teams=teams, seed=1, threads=2
    )
    z = under(tables)["z"].to_numpy()
    assert abs(z.mean()) < 3 / np.sqrt(len(z))
    # at most 1: each country's works are fitted, which leaves little to vary in teams of
    # up to 6 out of 12; the bound above is three standard errors of so many pairs
    assert 0.6 < z.std() < 1 + 3 / np.sqrt(2 * len(z))
    trending = [
        code not in ("flat", "untested") for code in tables["archetypes"]["archetype"].to_pylist()
    ]
    assert np.mean(trending) <= 0.05
    inside = [
        row["placebo_low"] <= row["value"] <= row["placebo_high"]
        for row in tables["pole_years"].to_pylist()
    ]
    assert np.mean(inside) > 0.7


def test_planted_blocs_are_recovered_and_citations_passed_over():
    collaboration, teams = panel(members(bloc=3.0))
    year, one, other, count = (collaboration[n] for n in NAMES)
    cited = [
        pa.table(dict(zip(CITED, column, strict=True)))
        for column in ((year, one, other, count), (year, other, one, count))
    ]
    cited = pa.concat_tables(cited)
    # twelve years of a quantity whose noise is not known leave a line little power
    settings = replace(QUICK, trend_level=0.1)
    tables = analyse(
        collaboration, cited, settings=settings, poles=("AA", "BB"), teams=teams, seed=1
    )
    assert set(under(tables)["layer"].to_pylist()) == {"collaboration"}
    assert any(
        row["kind"] == "layer" and row["source"] == "citation" and "no citations" in row["reason"]
        for row in tables["panel"].to_pylist()
    )
    rows = tables["alignment"].to_pylist()
    own = dict(zip(CODES, ["AA", "BB"] * 6, strict=True))
    right = [row["role"] == f"with {own[row['country']]}" for row in rows if row["role"] != "pole"]
    assert np.mean(right) > 0.7
    assert tables["dropped"].num_rows == 0


def test_edges_do_not_tell_teams(tmp_path):
    path = tmp_path / "edges.csv"
    path.write_text("year,source,target,weight\n2000,US,CN,3\n")
    with pytest.raises(InputError, match="needs the countries of every work"):
        analyse_edges(path, settings=QUICK, seed=1)
