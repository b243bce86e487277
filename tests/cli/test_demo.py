"""The demonstration, and that a simulated world comes back exactly as planted."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from demonstrating import assert_shown, command
from isthmus.cli.demo import COMPARED, recovered
from isthmus.errors import TargetError
from isthmus.ingest.ingest import ingest
from isthmus.pipeline.runner import run
from isthmus.simulation.simulate import simulate_world
from isthmus.study import Study


@pytest.mark.usefixtures("counts_only")
@pytest.mark.parametrize("placebo", [False, True])
def test_a_world_comes_back_exactly_as_planted(tmp_path: Path, placebo: bool) -> None:
    simulate_world(tmp_path / "world", works=8000, seed=3, as_="openalex", placebo=placebo)
    corpus = ingest([tmp_path / "world" / "data"], tmp_path / "corpus")
    about = {"corpus": str(corpus.path), "years": [1998, 2021]}
    study = Study.parse({"study": about, "field": {"subfields": [1702]}})
    results = run(study, tmp_path / "results")
    found = list(recovered(tmp_path / "world", results))
    assert len(found) == sum(len(columns) for _, columns in COMPARED.values())
    for one in found:
        assert one.planted > 100
        assert one.equal == one.planted, one


@pytest.mark.usefixtures("counts_only")
def test_a_miscount_would_show(tmp_path: Path) -> None:
    simulate_world(tmp_path / "world", works=2000, seed=3, as_="openalex")
    corpus = ingest([tmp_path / "world" / "data"], tmp_path / "corpus")
    about = {"corpus": str(corpus.path), "years": [1998, 2021]}
    first = {"attribution": "first_author"}
    study = Study.parse({"study": about, "field": {"subfields": [1702]}, "countries": first})
    results = run(study, tmp_path / "results")
    by_column = {one.column: one for one in recovered(tmp_path / "world", results)}
    assert by_column["papers_whole"].equal == by_column["papers_whole"].planted
    assert by_column["papers_last_author"].equal == 0


@pytest.mark.slow
def test_the_demo_prints_leaders_next_to_the_truth(demonstration: Path) -> None:
    """The same command once more, which finds everything done, is run by the tutorial's test."""
    assert_shown(demonstration.with_suffix(".txt").read_text(encoding="utf-8"))
    other = [*command(demonstration), "--seed", "2"]
    done = subprocess.run(other, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Choose another folder" in done.stderr


def test_the_demo_touches_no_folder_of_other_things(tmp_path: Path) -> None:
    from isthmus.cli.demo import demonstrate

    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(TargetError, match="something else"):
        demonstrate(tmp_path, works=1000, seed=1, progress=lambda *_: None)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]
