"""Sectors and their joint papers, against a plain recount of random works."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations

import ibis
import pyarrow as pa
import pytest

from isthmus.leadership.sectors import sector_pairs, sectors, work_sectors
from recount import Author, Work
from tiny import corpus_tables, random_works

YEARS = (2001, 2007)
TYPES = {1: "company", 2: "education", 3: "government", 4: None}


def institution_of(author: Author, country: str) -> int | None:
    """Five institutions: three sectors, one without a type, one without a record; and none."""
    number = ((author.id or 0) + len(country + str(author.position))) % 6
    return number or None


def of_work(work: Work) -> set[tuple[str, str]]:
    return {
        (c, TYPES.get(institution_of(a, c) or 0) or "unknown")
        for a in work.authors
        for c in a.countries
    }


def test_sectors_and_their_pairs_are_those_of_a_recount() -> None:
    works = random_works(seed=12)
    tables = corpus_tables(works, institution_of)
    records = [{"institution_id": i, "type": kind} for i, kind in TYPES.items()]
    corpus = {name: ibis.memtable(rows) for name, rows in tables.items()}
    institutions = pa.Table.from_pylist(records, schema=tables["institutions"].schema)
    corpus["institutions"] = ibis.memtable(institutions)
    inside = {i: w for i, w in works.items() if YEARS[0] <= w.year <= YEARS[1]}
    field = corpus["works"].filter(corpus["works"].year.between(*YEARS)).select("work_id", "year")

    whole: Counter = Counter()
    fractional: dict = defaultdict(Fraction)
    pairs: Counter = Counter()
    for work in inside.values():
        on = of_work(work)
        for country, sector in on:
            whole[work.year, country, sector] += 1
            fractional[work.year, country, sector] += Fraction(1, len(on))
        known = {one for one in on if one[1] != "unknown"}
        for country in {c for c, _ in known}:
            for pair in combinations(sorted({s for c, s in known if c == country}), 2):
                pairs[work.year, country, *pair] += 1
        for pair in combinations(sorted({s for _, s in known}), 2):
            pairs[work.year, "all", *pair] += 1

    made = work_sectors(field, corpus["affiliations"], corpus["institutions"])
    rows = sectors(made).to_pyarrow().to_pylist()
    assert {(r["year"], r["country"], r["sector"]): r["papers_whole"] for r in rows} == whole
    for row in rows:
        key = (row["year"], row["country"], row["sector"])
        assert row["papers_fractional"] == pytest.approx(float(fractional[key]), abs=1e-12)
    placed = sum(any(a.countries for a in w.authors) for w in inside.values())
    assert sum(row["papers_fractional"] for row in rows) == pytest.approx(placed, abs=1e-9)
    names = ("year", "country", "sector", "with_sector")
    found = sector_pairs(made).to_pyarrow().to_pylist()
    assert {tuple(r[n] for n in names): r["papers_whole"] for r in found} == pairs
    assert any(country == "all" for _, country, *_ in pairs)
