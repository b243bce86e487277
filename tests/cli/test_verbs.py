"""The verbs: each teaches, prints what was done, and fails with a code."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import isthmus.cli
import isthmus.engine.spark
from ingest.samples import work, write_lines
from isthmus.cli.verbs import app
from isthmus.errors import StudyError, TargetError
from isthmus.ingest import distributed
from isthmus.study import Study
from report.synthetic import codes, finish, leadership
from tiny import LIGHT_TOML, random_works, write_corpus


def call(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(a) for a in arguments], env={"COLUMNS": "200"})
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(random_works(seed=7), tmp_path_factory.mktemp("cli") / "corpus").path


def study_file(folder: Path, corpus: Path) -> Path:
    path = folder / "study.toml"
    path.write_text(
        f'[study]\ntitle = "Tiny"\ncorpus = "{corpus}"\nyears = [2001, 2007]\n{LIGHT_TOML}'
    )
    return path


@pytest.mark.parametrize(
    "verb", ["demo", "init", "plan", "ingest", "verify", "simulate", "run", "share"]
)
def test_every_verb_explains_itself(verb: str) -> None:
    code, said = call(verb, "--help")
    assert code == 0
    assert len(said) > 200
    assert verb in call("--help")[1]


def test_plan_says_what_it_reads_and_does_nothing(tmp_path: Path, corpus: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    code, said = call("plan", study_file(tmp_path, corpus))
    assert code == 0
    assert "works: 300 rows" in said
    assert "country_year" in said
    assert "API cost: none" in said
    assert sorted(tmp_path.rglob("*")) == [*before, tmp_path / "study.toml"]


def test_run_ends_with_the_answers(tmp_path: Path, corpus: Path) -> None:
    code, said = call("run", study_file(tmp_path, corpus), "--to", tmp_path / "r")
    assert code == 0
    assert re.search(r"2001-2007: \d+ works in the corpus", said)
    assert "led with" in said
    last = [line for line in said.splitlines() if line.strip()]
    assert re.match(r"Claims: \[\+\] \d+ supported", last[-1])
    assert all(len(line) <= 80 for line in last[-10:] if not line.startswith("Report:"))
    assert (tmp_path / "r" / "country_year.csv").exists()


def test_init_writes_a_study_that_plan_reads(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["--corpus", corpus, "--poles", "JP, KR", "--years", "2001-2007"]
    code, said = call("init", "mine.toml", *given)
    assert code == 0
    assert "the whole corpus, 2001-2007, poles JP, KR" in said
    assert "There is no corpus" not in said
    assert "country_year" in call("plan", "mine.toml")[1]
    done = CliRunner().invoke(app, ["init", "mine.toml"])
    assert isinstance(done.exception, TargetError)
    assert "There is no corpus" in call("init", "mine.toml", "--overwrite")[1]


def test_share_packs_and_says_what_is_missing(tmp_path: Path) -> None:
    rng, folder = np.random.default_rng(1), tmp_path / "results"
    folder.mkdir()
    study = Study.parse({"study": {"corpus": "c", "years": [2000, 2001]}})
    finish(folder, leadership(rng, codes(3), np.arange(2000, 2002)), study)
    code, said = call("share", folder, "--to", tmp_path / "p.zip")
    assert code == 0
    assert "It states no licence" in said
    assert zipfile.is_zipfile(tmp_path / "p.zip")
    done = CliRunner().invoke(app, ["share", str(folder), "--to", str(tmp_path / "p.zip")])
    assert isinstance(done.exception, TargetError)


def test_verify_fails_on_a_damaged_corpus(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=7), tmp_path / "corpus")
    assert call("verify", corpus.path)[0] == 0
    part = corpus.parts("works")[0]
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    code, said = call("verify", corpus.path)
    assert code == 1
    assert "Problem:" in said


def test_simulate_writes_a_world(tmp_path: Path) -> None:
    code, said = call("simulate", "--works", 1000, "--to", tmp_path / "w")
    assert code == 0
    assert "1,000 works" in said
    assert call("verify", tmp_path / "w")[0] == 0


def test_errors_are_sentences(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["isthmus", "verify", "nowhere"])
    with pytest.raises(SystemExit) as left:
        isthmus.cli.main()
    assert left.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert "nowhere" in said


@pytest.mark.parametrize("verb", ["ingest", "simulate"])
def test_the_memory_of_a_spark_nobody_asked_for_is_refused(
    tmp_path: Path, verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    what = [str(tmp_path)] if verb == "ingest" else ["--works", "10"]
    command = ["isthmus", verb, *what, "--to", str(tmp_path / "c"), "--memory", "4GB"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit, match="1"):
        isthmus.cli.main()
    assert "no master was named" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_records_can_be_read_on_spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The master named reaches Spark; what a real Spark does is tested elsewhere."""
    asked = []

    @contextmanager
    def session(*settings: Any) -> Iterator[Any]:
        asked.append(settings)
        raise StudyError("asked, and that is enough")
        yield

    monkeypatch.setattr(distributed, "open_session", session)
    path = write_lines(tmp_path / "works.jsonl", [work(1), work(2)])
    command = ["isthmus", "ingest", str(path), "--to", str(tmp_path / "c"), "--master", "local[2]"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit, match="1"):
        isthmus.cli.main()
    assert asked == [("local[2]", None)]
