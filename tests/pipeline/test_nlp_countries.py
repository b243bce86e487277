"""A study of a real corpus whose works and references end before the study's years do."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.ingest.ingest import ingest
from isthmus.pipeline import runner
from isthmus.pipeline.steps import STEPS
from isthmus.results import Results
from isthmus.study import Study

#: The source's references end in 2011: two years after 2009 are the last that are whole.
LAST_WHOLE = 2009
USED = ("field", "coverage", "leadership", "networks", "poles")
SETTINGS = {
    "study": {"years": [1995, 2014]},
    "countries": {"poles": ["US", "CN"], "attribution": "any"},
    "poles": {
        "null_models": ["multiedge"],
        "placebo_replays": 0,
        "dropped": 0,
        "n_init": 1,
        "n_resamples": 0,
        "choice_most": 2,
    },
}


def studied(folder: Path, shared_data: Path) -> Results:
    """Run the study in a folder."""
    corpus = ingest([shared_data / "nlp-countries" / "works.jsonl.gz"], folder / "corpus")
    plain = SETTINGS | {"study": SETTINGS["study"] | {"corpus": str(corpus.path)}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "STEPS", [step for step in STEPS if step.name in USED])
        return runner.run(Study.parse(plain), folder / "results")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Results:
    return studied(tmp_path_factory.mktemp("nlp"), shared_data)


@pytest.mark.shared_data
def test_china_stays_in_the_panel_as_a_pole(results: Results) -> None:
    rows = results.table("panel").to_pylist()
    entered = {row["source"] for row in rows if row["kind"] == "country" and row["enters"]}
    assert {"US", "CN"} <= entered
    assert results.table("pole_years").num_rows > 0


@pytest.mark.shared_data
def test_years_whose_references_break_off_have_no_citations_and_no_hits(results: Results) -> None:
    rows = results.table("country_year").to_pylist()
    assert max(row["year"] for row in rows if row["papers_any"]) > LAST_WHOLE
    for row in rows:
        if row["country"] in ("US", "CN") and row["papers_any"]:
            known = row["year"] <= LAST_WHOLE
            assert (row["c2_sum"] is not None) == known, row
            assert (row["hits"] is not None) == known, row
    thresholds = results.table("hit_thresholds").to_pylist()
    assert max(row["year"] for row in thresholds) == LAST_WHOLE
