"""The field and its funnel beside a count in plain Python."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from isthmus.corpus.schema import TABLES
from isthmus.engine import DuckDBEngine
from isthmus.selection.field import (
    citations_of_field,
    counted_works,
    field_works,
    funnel,
    funnel_counts,
    reference_tally,
)
from isthmus.study import EXCLUDABLE, Study

ABOUT = {"corpus": "c", "years": [2000, 2003]}


@pytest.fixture(scope="module")
def rows() -> dict[str, list[dict[str, Any]]]:
    """A corpus of 600 works in which everything may be missing."""
    rng = np.random.default_rng(5)

    def one(*values: Any) -> Any:
        return values[rng.integers(len(values))]

    works = [
        {
            "work_id": number,
            "year": int(rng.integers(2000, 2004)),
            "type": one("article", "review", "book-chapter", "dataset", "preprint", None),
            "language": one("en", "en", "de", None),
            "venue_id": one(1, 2, 3, 4, None),
            "n_authors": int(rng.integers(0, 4)),
            "authors_truncated": False,
            "is_retracted": bool(rng.random() < 0.1),
            "is_paratext": one(False, False, True, None),
            "is_xpac": one(False, False, True, None),
        }
        for number in range(1, 601)
    ]
    kinds = ["journal", "book series", "repository", None]
    return {
        "works": works,
        "venues": [{"venue_id": n, "type": kind} for n, kind in enumerate(kinds, 1)],
        "subjects": [
            {"work_id": n, "scheme": "subfield", "subject_id": one(1702, 1707)}
            for n in range(1, 601)
        ],
        "affiliations": [
            {"work_id": n, "position": 0, "country": "US"} for n in range(1, 601) if n % 3
        ]
        * 2,
        "references": [{"citing_id": n, "cited_id": 1} for n in range(1, 601) if n % 5] * 2,
    }


def tables(engine: DuckDBEngine, rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        name: engine.local(pa.Table.from_pylist(rows.get(name, []), schema=schema))
        for name, schema in TABLES.items()
    }


def passes(work: dict[str, Any], rule: str, field: dict[str, Any]) -> bool:
    """Say in plain Python whether a work passes a rule."""
    return {
        "types": work["type"] in field.get("types", ()),
        "languages": work["language"] in field.get("languages", ()),
        "retracted": not work["is_retracted"],
        "paratext": work["is_paratext"] is not True,
        "xpac": work["is_xpac"] is not True,
        "core_types": work["type"] in ("article", "review", "book-chapter"),
        "core_venues": work["venue_id"] in (1, 2),
        "core_languages": work["language"] == "en",
        "core_retracted": not work["is_retracted"],
        "core_authors": work["n_authors"] > 0,
        "core_affiliations": work["work_id"] % 3 != 0,
        "core_references": work["work_id"] % 5 != 0,
    }[rule]


@pytest.mark.parametrize("least", [0.3, 0.5, 0.7])
def test_a_concept_counts_from_its_score_on(least: float) -> None:
    scores = [least - 0.01, least, least + 0.01, None]
    rows = {
        "works": [
            {"work_id": n, "year": 2001, "n_authors": 1, "authors_truncated": False}
            for n in range(1, 6)
        ],
        "subjects": [
            {"work_id": n, "scheme": "concept", "subject_id": 41008148, "score": score}
            for n, score in enumerate(scores, 1)
        ],
    }
    field = {"concepts": [{"id": "C41008148", "min_score": least}], "exclude": []}
    engine = DuckDBEngine()
    works = field_works(tables(engine, rows), Study.parse({"study": ABOUT, "field": field}), engine)
    assert sorted(engine.collect(works)["work_id"].to_pylist()) == [2, 3]


CORE = [f"core_{name}" for name in ("types", "venues", "languages", "retracted", "authors")]
CORE += ["core_affiliations", "core_references"]


@pytest.mark.parametrize(
    ("field", "rules"),
    [
        ({}, ["retracted", "paratext", "xpac"]),
        ({"exclude": []}, []),
        ({"subfields": [1702], "exclude": ["xpac"]}, ["xpac"]),
        (
            {"subfields": [1702], "types": ["article", "review"], "languages": ["en"]},
            ["types", "languages", "retracted", "paratext", "xpac"],
        ),
        ({"core": True, "exclude": []}, CORE),
        ({"core": True, "subfields": [1707], "types": ["article"]}, ["types", *EXCLUDABLE, *CORE]),
    ],
)
def test_the_field_and_its_funnel_are_what_the_rules_leave(
    rows: dict[str, list[dict[str, Any]]], field: dict[str, Any], rules: list[str]
) -> None:
    engine = DuckDBEngine()
    corpus = tables(engine, rows)
    study = Study.parse({"study": ABOUT, "field": field})
    wanted = (
        {s["work_id"] for s in rows["subjects"] if s["subject_id"] in field["subfields"]}
        if ("subfields" in field)
        else {w["work_id"] for w in rows["works"]}
    )
    left = rows["works"]
    expected: dict[tuple[str, int], tuple[int, int]] = {}
    for rule in ["subject", *rules]:
        before = Counter(work["year"] for work in left)
        kept = (
            [w for w in left if w["work_id"] in wanted]
            if rule == "subject"
            else [w for w in left if passes(w, rule, field)]
        )
        after = Counter(work["year"] for work in kept)
        expected |= {(rule, year): (before[year], after[year]) for year in range(2000, 2004)}
        left = kept
    found = engine.collect(field_works(corpus, study, engine)).to_pylist()
    assert sorted((w["work_id"], w["year"]) for w in found) == [
        (w["work_id"], w["year"]) for w in left
    ]
    counted = funnel(engine.collect(funnel_counts(corpus, study, engine))).to_pylist()
    assert {
        (r["rule"], r["year"]): (r["works_before"], r["works_after"]) for r in counted
    } == expected
    assert len(counted) == len(expected)


def test_excluded_works_are_gone_and_unknown_ones_stay(
    rows: dict[str, list[dict[str, Any]]],
) -> None:
    engine = DuckDBEngine()
    works = tables(engine, rows)["works"]
    for exclude in ([], ["retracted"], list(EXCLUDABLE)):
        field = Study.parse({"study": ABOUT, "field": {"exclude": exclude}}).field
        found = set(engine.collect(counted_works(works, field))["work_id"].to_pylist())
        wanted = [w for w in rows["works"] if all(passes(w, rule, {}) for rule in exclude)]
        assert found == {w["work_id"] for w in wanted}


def test_a_field_of_listed_works(tmp_path: Path, rows: dict[str, list[dict[str, Any]]]) -> None:
    (tmp_path / "ids.txt").write_text("W1\n2\nhttps://openalex.org/W3\nW9999\n")
    engine = DuckDBEngine()
    study = Study.parse(
        {"study": ABOUT, "field": {"works": "ids.txt", "exclude": []}}, folder=tmp_path
    )
    found = engine.collect(field_works(tables(engine, rows), study, engine))
    assert sorted(found["work_id"].to_pylist()) == [1, 2, 3]


def test_references_to_later_years_are_those_beyond_the_year_itself() -> None:
    engine = DuckDBEngine()
    pairs = [(1, 2001, 2, 2000), (1, 2001, 3, 2001), (1, 2001, 4, 2002), (1, 2001, 1, 2001)]
    names = ("citing_id", "citing_year", "cited_id", "cited_year")
    dated = engine.local(
        pa.table(dict(zip(names, map(list, zip(*pairs, strict=True)), strict=True)))
    )
    (row,) = engine.collect(reference_tally(dated)).to_pylist()
    assert row == {
        "year": 2001,
        "references_to_field": 4,
        "references_to_later_years": 1,
        "references_to_itself": 1,
    }
    kept = engine.collect(citations_of_field(dated))["cited_id"].to_pylist()
    assert sorted(kept) == [2, 3]
