"""The verb `poles`: what it shows, and what ends it before any work."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from typer.testing import CliRunner

import isthmus.pipeline.edge_table
from isthmus.cli.verbs import app
from isthmus.errors import InputError, SourceError, TargetError
from isthmus.pipeline.edge_table import run_edges, years_between

LIGHT = {"placebo_replays": 1, "null_models": ["multiedge"], "min_works": 1}
NAMES = {"US": "United States", "CN": "China", "DE": "Germany", "FR": "France", "JP": "Japan"}


@pytest.fixture
def edges(tmp_path: Path) -> Path:
    lines = ["Year;Country 1;Country 2;Papers"]
    for year in range(2010, 2018):
        for number, (a, b) in enumerate(itertools.combinations(NAMES, 2)):
            lines.append(f"{year};{NAMES[a]};{NAMES[b]};1.{100 + 7 * number + year % 5},0")
        lines.append(f"{year};World;World;99.000,0")
    path = tmp_path / "edges.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_the_command_shows_what_became_of_every_row(tmp_path: Path, edges: Path) -> None:
    arguments = ["poles", str(edges), "--to", str(tmp_path / "r"), "--years", "2011-2016"]
    arguments += ["--pole", "usa", "--pole", "China", "--replays", "1", "--null-model", "multiedge"]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "88 rows read: 60 kept, 28 set aside" in done.output
    assert "total or aggregate: World" in done.output
    assert "outside the years asked for" in done.output


def test_poles_and_years_are_those_asked_for(tmp_path: Path, edges: Path) -> None:
    results = run_edges(
        edges, tmp_path / "r", poles=("United States", "JPN"), years=(2012, 2017), settings=LIGHT
    )
    settings = results.record["settings"]
    assert settings["countries"]["poles"] == ["US", "JP"]
    assert settings["study"]["years"] == [2012, 2017]


def test_shocks_are_those_of_the_study_file(tmp_path: Path, edges: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(
        '[study]\ncorpus = "c"\nyears = [2010, 2017]\n\n'
        '[shocks.trade]\nyear = 2014\npairs = [["US", "CN"]]\nwindow = 3\n'
    )
    results = run_edges(edges, tmp_path / "r", settings=LIGHT, study=study)
    (row,) = results.table("shocks").to_pylist()
    assert (row["shock"], row["first_year"], row["last_year"]) == ("trade", 2011, 2016)
    assert row["placebo_pairs"] == 9
    assert results.table("shock_years").num_rows == 6
    assert "trade" in results.record["settings"]["shocks"]


def test_what_cannot_work_ends_before_the_work(
    tmp_path: Path, edges: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object, **__: object) -> None:
        pytest.fail("the analysis began")

    monkeypatch.setattr(isthmus.pipeline.edge_table, "analyse_edges", work)
    with pytest.raises(InputError, match=r"pole KR\. .*edges of"):
        run_edges(edges, tmp_path / "r", poles=("US", "KR"))
    with pytest.raises(SourceError, match="None of the 88 rows"):
        run_edges(edges, tmp_path / "r", years=(1990, 1999))
    assert not (tmp_path / "r").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(TargetError, match="not empty"):
        run_edges(edges, tmp_path / "mine", poles=("US", "CN"))
    with pytest.raises(TargetError, match="is a file"):
        run_edges(edges, tmp_path / "mine" / "notes.txt")


def test_spans_of_years() -> None:
    assert years_between(" 2010 - 2020 ") == years_between("2010:2020") == (2010, 2020)
    for text in ("2010", "2020-2010", "10-20", "2010-", "all"):
        with pytest.raises(InputError, match="2010-2020"):
            years_between(text)
