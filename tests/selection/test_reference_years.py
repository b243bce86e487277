"""Years of unknown references: found where references stop, not where they are merely few."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from isthmus.engine import DuckDBEngine
from isthmus.ingest.ingest import ingest
from isthmus.pipeline import runner
from isthmus.pipeline.steps import STEPS
from isthmus.results import Results
from isthmus.selection.reference_years import (
    complete_years,
    reference_years,
    references_known,
    suggested_end,
)
from isthmus.simulation.simulate import simulate_world
from isthmus.study import Study
from recount import Work
from tiny import LIGHT, random_works, write_corpus

SPAN = (2000, 2008)


def rows(share, works=200, per=10.0, recent=1.0):
    """Years from 2000 with the given shares of works with references; rates go with them."""
    shares = np.asarray(share, float)
    counts = np.broadcast_to(works, shares.shape)
    return [
        {
            "year": 2000 + i,
            "works": int(n),
            "referring": round(s * n),
            "references": round(s * n * per),
            "recent": round(s * n * recent),
        }
        for i, (s, n) in enumerate(zip(shares, counts, strict=True))
    ]


def unknown(years, **settings):
    return [year for year, known in references_known(years, 2, **settings).items() if not known]


def test_years_after_references_end_are_unknown():
    assert unknown(rows([0.9] * 8 + [0.0, 0.01, 0.0])) == [2008, 2009, 2010]


def test_a_share_cut_by_more_than_half_is_a_break():
    assert unknown(rows([0.9] * 8 + [0.3])) == [2008]
    assert unknown(rows([0.9] * 8 + [0.6])) == []


def test_years_before_references_begin_are_unknown():
    assert unknown(rows([0.0, 0.0, 0.01, 0.8, 0.9, 0.9])) == [2000, 2001, 2002]


def test_a_missing_year_in_the_middle_is_unknown():
    assert unknown(rows([0.9] * 4 + [0.0] + [0.9] * 4)) == [2004]


def test_references_that_grow_slowly_are_known():
    assert unknown(rows(np.linspace(0.15, 0.95, 20))) == []


def test_few_works_without_references_are_no_evidence():
    assert unknown(rows([0.9] * 8 + [0.0], works=[200] * 8 + [2])) == []


def test_small_years_are_judged_together():
    assert unknown(rows([0.9] * 8 + [0.0] * 6, works=[200] * 8 + [2] * 6)) == list(
        range(2008, 2014)
    )


def test_no_reference_at_all_is_unknown_however_few_works():
    assert unknown(rows([0.0, 0.0], works=3)) == [2000, 2001]


def test_references_to_recent_works_that_stop_are_a_break():
    years = rows([0.9] * 9)
    years[-1]["recent"] = 10
    assert unknown(years) == [2008]


def test_recent_works_that_are_few_themselves_are_no_break():
    """Per recent work there is, the references are as many as before."""
    years = rows([0.9] * 9, works=[2000] * 6 + [200] * 3)
    years[-1]["recent"] = round(0.9 * 200 / 10)  # a tenth per work, as many per recent work
    assert unknown(years) == []


def test_reference_lists_that_shrink_to_a_tenth_are_a_break():
    years = rows([0.9] * 9)
    years[-1]["references"] //= 10
    years[-1]["recent"] //= 2
    assert unknown(years) == [2008]


def test_the_studys_own_end_leaves_only_years_without_any_reference():
    years = rows([0.9] * 8 + [0.3, 0.0], works=800)
    assert unknown(years) == [2008, 2009]
    assert unknown(years, judged_by_level=False) == [2009]


def test_the_end_is_suggested_only_where_the_last_years_are_unknown():
    assert suggested_end({2000: True, 2001: True, 2002: False}) == 2001
    assert suggested_end({2000: True, 2001: False, 2002: True}) is None
    assert suggested_end({2000: False}) is None


def test_a_window_must_hold_no_unknown_year():
    known = {year: year != 2005 for year in range(2000, 2011)}
    assert complete_years(known, (2000, 2010), 2) == [2000, 2001, 2002, *range(2006, 2011)]
    assert complete_years(known, (2004, 2006), 0) == [2004, 2006]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_counts_are_those_of_plain_python(seed):
    works = random_works(seed)
    field = {w.id: w.year for w in works.values() if 1702 in w.subfields}
    pairs = [(w.id, r) for w in works.values() for r in w.references]
    engine = DuckDBEngine()
    table = pa.table({"work_id": list(field), "year": list(field.values())})
    references = pa.table({"citing_id": [a for a, _ in pairs], "cited_id": [b for _, b in pairs]})
    found = engine.collect(
        reference_years(engine.local(table), engine.local(references), 2)
    ).to_pylist()
    assert {row["year"] for row in found} == set(field.values())
    for row in found:
        of_year = [i for i, year in field.items() if year == row["year"]]
        lists = [works[i].references for i in of_year]
        assert row["works"] == len(of_year)
        assert row["referring"] == sum(bool(refs) for refs in lists)
        assert row["references"] == sum(map(len, lists))
        near = [r for refs in lists for r in refs if 0 <= row["year"] - field.get(r, 0) <= 2]
        assert row["recent"] == len(near)


def ending(works: dict[int, Work], last: int) -> dict[int, Work]:
    """The same works, without references from `last` on."""
    return {
        i: w if w.year < last else Work(**{**w.__dict__, "references": set()})
        for i, w in works.items()
    }


def results_of(works: dict[int, Work], tmp_path: Path, **impact: int) -> Results:
    corpus = write_corpus(works, tmp_path / "corpus")
    document = {"study": {"corpus": str(corpus.path), "years": list(SPAN)}, "poles": LIGHT}
    study = Study.parse({**document, "impact": {"hit_percent": 10, **impact}})
    return runner.run(study, tmp_path / "results")


def test_what_rests_on_references_is_null_where_they_break_off(tmp_path):
    results = results_of(ending(random_works(3, 2000), 2006), tmp_path)
    coverage = results.table("coverage").to_pylist()
    assert {r["year"] for r in coverage if not r["references_known"]} == {2006, 2007, 2008}
    for row in results.table("country_year").to_pylist():
        late = row["year"] > 2003  # c_2 of 2004 needs the references of 2006
        assert (row["c2_sum"] is None) == late
        assert (row["hits"] is None) == late
    assert max(results.table("hit_thresholds")["year"].to_pylist()) == 2003
    assert max(results.table("citation")["year"].to_pylist()) == 2005
    assert set(results.table("collaboration")["year"].to_pylist()) == set(range(2000, 2009))
    scored = results.table("novelty_works").to_pylist()
    for row in scored:
        assert (row["n_references"] is None) == (row["year"] >= 2006)
        assert row["disruption"] is None or row["year"] == 2000
    assert any(row["disruption"] is not None for row in scored)
    matched = results.table("matched").to_pylist()
    assert all(r["year"] <= 2003 for r in matched if r["year"] is not None)
    for row in results.table("moves").to_pylist():
        began = row["year"] - row["career_age"]
        broken = any(began <= gap < row["year"] for gap in (2006, 2007, 2008))
        assert (row["citations_before"] is None) == broken
    notes = results.record["steps"]["coverage"]["notes"]
    assert notes["references_unknown"] == [2006, 2007, 2008]
    assert notes["corpus_end_suggested"] == 2005


def test_a_corpus_without_references_has_no_hit_and_no_effect(tmp_path):
    results = results_of(ending(random_works(4, 600), 0), tmp_path)
    assert all(r["c2_sum"] is None and r["hits"] is None for r in _rows(results, "country_year"))
    assert not _rows(results, "hit_thresholds")
    assert not _rows(results, "citation")
    assert not any(r["references_known"] for r in _rows(results, "coverage"))
    assert all(r["effect_percent"] is None for r in _rows(results, "matched") if "joint" in str(r))
    assert all(r["novelty"] is None for r in _rows(results, "novelty_works"))


def _rows(results: Results, name: str) -> list[dict]:
    return results.table(name).to_pylist()


@pytest.fixture
def coverage_only(monkeypatch):
    monkeypatch.setattr(runner, "STEPS", [s for s in STEPS if s.name in ("field", "coverage")])


@pytest.mark.usefixtures("coverage_only")
@pytest.mark.parametrize("works", [300, 3_000])
def test_simulated_worlds_are_known_throughout(tmp_path, works):
    for seed in range(1, 3):
        simulate_world(tmp_path / f"c{seed}", works=works, seed=seed)
        notes = _coverage_notes(tmp_path / f"c{seed}", (1998, 2021), tmp_path / f"r{seed}")
        assert "references_unknown" not in notes


@pytest.mark.usefixtures("coverage_only")
@pytest.mark.parametrize("name", ["openalex-works", "nlp-countries"])
def test_real_works_are_known_from_1966_on(tmp_path, shared_data, name):
    corpus = ingest([shared_data / name / "works.jsonl.gz"], tmp_path / "corpus")
    notes = _coverage_notes(corpus.path, (1960, 2025), tmp_path / "results")
    assert all(year < 1966 for year in notes.get("references_unknown", []))


def _coverage_notes(corpus: Path, years: tuple[int, int], to: Path) -> dict:
    study = Study.parse({"study": {"corpus": str(corpus), "years": list(years)}})
    return runner.run(study, to).record["steps"]["coverage"]["notes"]
