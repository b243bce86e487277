"""The tables of joint papers against a recount from plain works.

Means are of whole numbers with weights that are ratios of whole numbers: 1e-9 leaves room
for the order of summing only.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import median

import pytest
from scipy import stats

from recount import citation_windows, counting_citations
from teaming_worlds import CUTS, END, YEARS, institution, teams_of
from tiny import COUNTRIES, random_works


@pytest.fixture(scope="module")
def works():
    return random_works(11, n=900)


@pytest.fixture(scope="module")
def teams(works, tmp_path_factory):
    return teams_of(works, tmp_path_factory.mktemp("teams"))


@pytest.fixture(scope="module")
def found(teams):
    return teams.matched()


def in_field(works):
    return {i for i, work in works.items() if 1702 in work.subfields}


def led_by(works, lead):
    """Work -> institution that stands for it, for works of the field that `lead` leads."""
    led = {}
    for i in in_field(works):
        work = works[i]
        if not YEARS[0] <= work.year <= YEARS[1] or work.year + 2 > END:
            continue
        deciding = [a for a in work.authors if a.is_last and lead in a.countries]
        if deciding:
            places = [institution(a, lead) for a in deciding]
            led[i] = min((p for p in places if p is not None), default=None)
    return led


def impact_elsewhere(works, pair):
    """c_2 without citing works of the pair's countries or with a shared author."""
    counts = Counter()
    for citing, cited in counting_citations(works, in_field(works)):
        people = [{a.id for a in w.authors if a.id is not None} for w in (citing, cited)]
        if citing.year <= cited.year + 2 and not citing.countries & set(pair):
            counts[cited.id] += not people[0] & people[1]
    return counts


def sides(works, name):
    """Experiment by name -> work -> (treated, year, institution, team class, outcome)."""
    pair, *endings = name.removeprefix("joint:").split(":")
    lead, partner = pair.split("+")
    normal = citation_windows(works, in_field(works), YEARS, 2)
    elsewhere = impact_elsewhere(works, (lead, partner))
    units = {}
    for i, place in led_by(works, lead).items():
        others = works[i].countries - {lead}
        treated = partner in others
        if not treated and "international" in endings and not others:
            continue
        size = sum(cut < works[i].n_authors for cut in CUTS)
        outcome = elsewhere[i] if "elsewhere" in endings else normal[i]
        units[i] = (treated, works[i].year, place, size, outcome)
    return units


def effect_by_hand(units):
    strata = defaultdict(lambda: ([], []))
    for treated, year, place, size, outcome in units:
        strata[year, place, size][treated].append(outcome)
    kept = [pair for pair in strata.values() if pair[0] and pair[1]]
    n_t, n_c = (sum(len(pair[side]) for pair in kept) for side in (1, 0))
    if not kept:
        return n_t, n_c, None, None
    mean_t = sum(sum(pair[1]) for pair in kept) / n_t
    mean_c = sum(len(pair[1]) * sum(pair[0]) / len(pair[0]) for pair in kept) / n_t
    return n_t, n_c, mean_t, mean_c


NAMES = [
    f"joint:{pair}{ending}"
    for pair in ("US+CN", "CN+US")
    for ending in ("", ":international", ":elsewhere")
]


def test_every_effect_equals_a_recount(works, found):
    rows = found["matched"].to_pylist()
    assert sorted({row["experiment"] for row in rows}) == sorted(NAMES)
    seen_effect = 0
    for row in rows:
        units = sides(works, row["experiment"]).values()
        units = [u for u in units if row["year"] is None or u[1] == row["year"]]
        n_t, n_c, mean_t, mean_c = effect_by_hand(units)
        assert row["treated"] == sum(u[0] for u in units)
        assert row["control"] == sum(not u[0] for u in units)
        assert (row["treated_matched"], row["control_matched"]) == (n_t, n_c)
        assert row["mean_treated"] == (mean_t if mean_t is None else pytest.approx(mean_t))
        assert row["mean_control"] == (mean_c if mean_c is None else pytest.approx(mean_c))
        if mean_c:
            seen_effect += 1
            wanted = 100 * (mean_t - mean_c) / mean_c
            assert row["effect_percent"] == pytest.approx(wanted, rel=1e-9, abs=1e-9)
    assert seen_effect > 15


def test_the_control_groups_and_outcomes_differ(found):
    pooled = {r["experiment"]: r for r in found["matched"].to_pylist() if r["year"] is None}
    base, abroad, elsewhere = (pooled[f"joint:US+CN{e}"] for e in NAMES_ENDINGS)
    assert 0 < abroad["control"] < base["control"]
    assert abroad["treated"] == base["treated"] == elsewhere["treated"]
    assert elsewhere["mean_treated"] < base["mean_treated"]


NAMES_ENDINGS = ("", ":international", ":elsewhere")


def test_treated_without_a_match_are_listed(works, found):
    rows = found["unmatched"].to_pylist()
    for name in NAMES:
        units = sides(works, name).values()
        strata = defaultdict(set)
        for treated, year, place, size, _ in units:
            strata[year, place, size].add(treated)
        lost = Counter(
            (year, place)
            for treated, year, place, size, _ in units
            if treated and len(strata[year, place, size]) < 2
        )
        listed = {
            (r["year"], r["institution_id"]): r["unmatched"]
            for r in rows
            if r["experiment"] == name
        }
        assert listed == dict(lost)
    assert rows


def test_balance_names_every_covariate_of_every_row(found):
    keys = [(r["experiment"], r["year"]) for r in found["matched"].to_pylist()]
    balance = found["balance"].to_pylist()
    assert len(balance) == 3 * len(keys)
    for row in balance:
        assert row["covariate"] in ("year", "institution", "team_size")
        if row["covariate"] != "team_size" and row["after"] is not None:
            assert row["after"] == pytest.approx(0, abs=1e-9)  # matched exactly


def test_measures_stand_beside_every_effect(works, found):
    keys = [(r["experiment"], r["year"]) for r in found["matched"].to_pylist()]
    measures = found["matched_measures"].to_pylist()
    assert [(r["experiment"], r["year"]) for r in measures] == keys
    row = next(r for r in measures if r["experiment"] == "joint:US+CN" and r["year"] is None)
    units = list(sides(works, "joint:US+CN").values())
    strata = defaultdict(set)
    for treated, year, place, size, _ in units:
        strata[year, place, size].add(treated)
    kept = [u for u in units if len(strata[u[1:4]]) == 2]
    assert row["median_treated"] == median(u[4] for u in kept if u[0])
    plain = [u[4] for u in kept if not u[0]]
    assert row["mean_control_unweighted"] == pytest.approx(sum(plain) / len(plain))
    assert row["poisson_percent"] is not None
    # Two institutions hold most papers: an estimate, no interval.
    assert row["poisson_low"] is None
    assert row["poisson_reason"].startswith("too few")
    at = found["matched"].to_pylist()[measures.index(row)]
    assert at["ci_low"] is None
    assert at["reason"].startswith("too few")


def test_team_sizes_and_top_institutions_equal_a_recount(works, teams):
    collect = teams.tables.engine.collect
    sizes, places = Counter(), Counter()
    citations = Counter()
    normal = citation_windows(works, in_field(works), YEARS, 2)
    for lead in COUNTRIES:
        for i, place in led_by(works, lead).items():
            if place is not None:
                citations[place] += normal[i]
    for lead, other in (("US", "CN"), ("CN", "US")):
        for i in led_by(works, lead):
            others = works[i].countries - {lead}
            group = other if other in others else "other_international" if others else "domestic"
            sizes[lead, group, works[i].year, works[i].n_authors] += 1
            places[lead, group, works[i].year] += 1
    rows = collect(teams.team_sizes()).to_pylist()
    assert {(r["lead"], r["group"], r["year"], r["team_size"]): r["papers"] for r in rows} == dict(
        sizes
    )
    rows = teams.top_institutions().to_pylist()
    assert {(r["lead"], r["group"], r["year"]): r["papers"] for r in rows} == dict(places)
    # Fewer institutions than the hundred at the top: every known one is there.
    known = Counter(
        lead for lead in ("US", "CN") for place in led_by(works, lead).values() if place is not None
    )
    for lead in ("US", "CN"):
        assert sum(r["papers_top_institution"] for r in rows if r["lead"] == lead) == known[lead]


def test_few_top_institutions_are_the_most_cited(works, tmp_path):
    teams = teams_of(works, tmp_path, top_institutions=3)
    citations = Counter()
    normal = citation_windows(works, in_field(works), YEARS, 2)
    for lead in COUNTRIES:
        for i, place in led_by(works, lead).items():
            if place is not None:
                citations[place] += normal[i]
    top = sorted(citations, key=lambda place: (-citations[place], place))[:3]
    rows = teams.top_institutions().to_pylist()
    wanted = sum(p in top for lead in ("US", "CN") for p in led_by(works, lead).values())
    assert sum(r["papers_top_institution"] for r in rows) == wanted
    tested = 0
    for r in rows:
        led = {i: p for i, p in led_by(works, r["lead"]).items() if works[i].year == r["year"]}
        best = sum(place in top for place in led.values())
        assert r["papers"] + r["others"] == len(led)
        assert r["papers_top_institution"] + r["others_top_institution"] == best
        table = [
            [r["papers_top_institution"], r["papers"] - r["papers_top_institution"]],
            [r["others_top_institution"], r["others"] - r["others_top_institution"]],
        ]
        if r["others"]:
            assert r["p"] == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-12)
            tested += 1
        else:
            assert r["p"] is None
    assert tested > 5


def test_placebo_pairs_hold_the_poles_and_others(teams, found):
    rows = teams.placebo_pairs().to_pylist()
    poles = [r for r in rows if r["is_pole_pair"]]
    placebos = [r for r in rows if not r["is_pole_pair"]]
    assert {(r["lead"], r["partner"]) for r in poles} == {("US", "CN"), ("CN", "US")}
    assert len(placebos) == 12  # every ordered pair of the four others
    assert not {"US", "CN"} & {r[side] for r in placebos for side in ("lead", "partner")}
    pooled = {r["experiment"]: r for r in found["matched"].to_pylist() if r["year"] is None}
    effects = [r["effect_percent"] for r in placebos if r["effect_percent"] is not None]
    for row in poles:
        same = pooled[f"joint:{row['lead']}+{row['partner']}"]
        for name in ("treated", "effect_percent", "ci_low", "ci_high", "p"):
            assert row[name] == same[name]
        above = sum(e >= row["effect_percent"] for e in effects)
        assert row["share_at_least"] == pytest.approx(above / len(effects))


def test_same_study_same_tables(works, found, tmp_path):
    again = teams_of(works, tmp_path).matched()
    for name, table in found.items():
        assert again[name].equals(table), name


def test_a_study_without_joint_papers_gives_rows_with_a_sentence(tmp_path):
    works = random_works(12, n=60)
    for work in works.values():
        for author in work.authors:
            author.countries = ["US"] if author.is_last else []
    tables = teams_of(works, tmp_path)
    for row in tables.matched()["matched"].to_pylist():
        assert row["effect_percent"] is None
        assert "no treated unit" in row["note"]
    assert tables.placebo_pairs().num_rows == 2


def test_one_pole_and_no_pair_gives_empty_tables(works, tmp_path):
    teams = teams_of(works, tmp_path)
    teams.poles = ("US",)
    tables = teams.matched()
    assert all(table.num_rows == 0 for table in tables.values())
