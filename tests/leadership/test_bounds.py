"""Bounds against every way to fill in what is missing, and a plain recount of neighbours."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations, product
from pathlib import Path

import pytest

from isthmus.engine import DuckDBEngine
from isthmus.leadership.bounds import Bounds
from isthmus.leadership.country_year import Leaders
from isthmus.selection.study_tables import StudyTables
from isthmus.study import Study
from recount import Author, Work
from tiny import random_works, write_corpus

YEARS = (2000, 2003)

RULES = ("last_author", "corresponding", "any")

#: Rounding of a ratio of counts.
TOLERANCE = 1e-9


def bounds_of(works: dict[int, Work], folder: Path, rule: str = "last_author", **rules: int):
    corpus = write_corpus(works, folder / "corpus")
    study = Study.parse(
        {
            "study": {"corpus": str(corpus.path), "years": list(YEARS)},
            "countries": {"attribution": rule},
            "impact": {"hit_percent": 20},
            "bounds": rules,
        }
    )
    tables = StudyTables(study, corpus, DuckDBEngine(threads=1), folder / "work")
    leaders = Leaders(tables)
    made = Bounds(tables, leaders.impact, leaders.hit_thresholds).table().to_pylist()
    rows = {(r["number"], r["year"], r["country"], r["partner"]): r for r in made}
    assert len(rows) == len(made)
    return rows


def filled_in(works: dict[int, Work], most: int) -> dict[int, Work]:
    """Place authors without a country by their own papers of the nearest year."""
    seen: dict[int, dict[int, Counter]] = defaultdict(lambda: defaultdict(Counter))
    for work in works.values():
        for author in work.authors:
            if author.id is not None:
                seen[author.id][work.year].update(set(author.countries))
    made = {}
    for key, work in works.items():
        authors = []
        for author in work.authors:
            countries = author.countries
            near = sorted(
                (abs(year - work.year), year)
                for year, found in (seen[author.id] if author.id is not None else {}).items()
                if found and abs(year - work.year) <= most
            )
            if not countries and near:
                found = seen[author.id][near[0][1]]
                countries = [c for c in found if found[c] == max(found.values())]
            authors.append(
                Author(
                    author.id, author.position, author.is_last, author.is_corresponding, countries
                )
            )
        made[key] = Work(work.id, work.year, authors, work.references, work.subfields, 0)
    return made


def shares(works: dict[int, Work], rule: str, codes: list[str]) -> dict[tuple, float]:
    """Headline numbers of the works that have a country, by the definitions."""
    found: dict[tuple, float] = {}
    for year in (*range(YEARS[0], YEARS[1] + 1), None):
        chosen = [w for w in works.values() if year is None or w.year == year]
        whole = [w.countries for w in chosen if w.countries]
        for name, sets in (
            (f"papers_{rule}_share", [s for w in chosen if (s := w.deciding(rule))]),
            ("papers_whole_share", whole),
        ):
            for code in codes if sets else ():
                found[name, year, code, None] = sum(code in s for s in sets) / len(sets)
        for code in (*codes, None):
            own = [s for s in whole if code is None or code in s]
            if own:
                part = sum(len(s) > 1 for s in own) / len(own)
                found["international_share", year, code, None] = part
        if whole:
            joint = sum({"US", "CN"} <= s for s in whole) / len(whole)
            found["joint_share", year, "CN", "US"] = joint
    return found


@pytest.mark.parametrize("rule", RULES)
def test_measured_and_filled_in_are_those_of_a_recount(rule: str, tmp_path: Path) -> None:
    works = random_works(7, 150, (1999, 2004))
    made = bounds_of(works, tmp_path, rule, nearest_years=1)
    inside = {k: w for k, w in works.items() if YEARS[0] <= w.year <= YEARS[1]}
    complete = {k: w for k, w in filled_in(works, 1).items() if k in inside}
    codes = sorted({c for w in works.values() for c in w.countries})
    for column, of in (("measured", inside), ("imputed", complete)):
        expected = shares(of, rule, codes)
        if rule == "any":
            expected = {k: v for k, v in expected.items() if k[0] != "papers_whole_share"}
        for key, value in expected.items():
            if key in made:
                assert made[key][column] == pytest.approx(value, abs=TOLERANCE), (column, key)
            else:  # a country that no work has
                assert value == 0, key
        assert any(key[0] == "international_share" for key in expected)


def test_bounds_are_the_extremes_of_every_way_to_fill_in(tmp_path: Path) -> None:
    """Each author without a country gets one of three, or two of them, in all combinations."""
    known = [["US"], ["CN"], ["US", "CN"], ["DE"]]
    layout = [[known[0], []], [known[1], known[1]], [[], []], [known[3], known[0]], [known[2], []]]
    works = {}
    for i, countries in enumerate(layout, 1):
        last = len(countries) - 1
        authors = [Author(10 * i + p, p, p == last, False, c) for p, c in enumerate(countries)]
        works[i] = Work(i, 2001, authors, set(), {1702}, len(authors))
    made = bounds_of(works, tmp_path)
    codes = ["CN", "DE", "US"]
    choices = [[c] for c in codes] + [list(pair) for pair in combinations(codes, 2)]
    gaps = [(k, p) for k, w in works.items() for p, a in enumerate(w.authors) if not a.countries]
    low: dict[tuple, float] = {}
    high: dict[tuple, float] = {}
    for chosen in product(choices, repeat=len(gaps)):
        for (k, p), countries in zip(gaps, chosen, strict=True):
            works[k].authors[p].countries = countries
        for key, value in shares(works, "last_author", codes).items():
            low[key] = min(low.get(key, 1.0), value)
            high[key] = max(high.get(key, 0.0), value)
    compared = 0
    for key, row in made.items():
        if key[0] == "hit_share":
            continue
        compared += 1
        assert row["lowest"] == pytest.approx(low[key]), key
        assert row["highest"] == pytest.approx(high[key]), key
    assert compared > 20


def test_complete_data_leave_no_room(tmp_path: Path) -> None:
    works = random_works(3, 80, YEARS)
    for work in works.values():
        for author in work.authors:
            author.countries = author.countries or ["US"]
            author.is_corresponding = False
    rows = bounds_of(works, tmp_path).values()
    assert {r["missing"] for r in rows} == {0}
    for row in rows:
        values = [row[c] for c in ("imputed", "weighted", "lowest", "highest")]
        assert values == pytest.approx([row["measured"]] * 4), row


def test_hits_without_a_country_can_be_anyones(tmp_path: Path) -> None:
    works = random_works(5, 300, YEARS)
    rows = bounds_of(works, tmp_path)
    hits = {k: r for k, r in rows.items() if k[0] == "hit_share" and k[1] == 2000}
    assert hits
    for row in hits.values():
        assert row["measured"] == row["lowest"]
        assert row["lowest"] <= row["imputed"] <= row["highest"]
        assert row["highest"] <= row["lowest"] + row["missing"] / row["works"] + TOLERANCE


def test_weights_stand_for_works_of_the_same_cell(tmp_path: Path) -> None:
    """Ten works of 2000 have one author each; of 2001 five of ten lack a country."""
    works = {}
    for i in range(1, 21):
        year, lost = (2000, False) if i <= 10 else (2001, i % 2 == 0)
        country = "US" if year == 2000 else "CN"
        author = Author(100 + i, 0, True, False, [] if lost else [country])
        works[i] = Work(i, year, [author], set(), {1702}, 1)
    row = bounds_of(works, tmp_path)["papers_last_author_share", None, "CN", None]
    assert row["measured"] == pytest.approx(5 / 15)
    assert row["weighted"] == pytest.approx(10 / 20)
    assert (row["lowest"], row["highest"]) == (5 / 20, 10 / 20)


def test_no_work_gives_an_empty_table(tmp_path: Path) -> None:
    assert not bounds_of(random_works(1, 20, (1990, 1991)), tmp_path)
