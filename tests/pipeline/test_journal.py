"""The log of a run, and what ``run.json`` says of each step."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import isthmus.pipeline.runner
from isthmus.engine import DuckDBEngine
from isthmus.errors import IsthmusError
from isthmus.pipeline.journal import LOG_FILE, Journal, ObservedEngine, line_of, parse_line
from isthmus.pipeline.runner import run
from isthmus.pipeline.steps import STEPS, Step
from isthmus.report.site import build_site
from isthmus.results import Results
from isthmus.study import Study
from tiny import LIGHT, random_works, write_corpus

NAMES = st.from_regex(r"[a-z][a-z_.]{0,8}", fullmatch=True)


def log_of(folder: Path) -> list[dict[str, str]]:
    text = (folder / LOG_FILE).read_text(encoding="utf-8")
    return [parse_line(line) for line in text.splitlines()]


def events(folder: Path) -> list[tuple[str, str | None]]:
    return [(line["event"], line.get("step")) for line in log_of(folder)]


def tiny_study(folder: Path, years: tuple[int, int] = (2001, 2007)) -> Study:
    corpus = folder / "corpus"
    if not corpus.exists():
        write_corpus(random_works(seed=3), corpus)
    return Study.parse({"study": {"corpus": str(corpus), "years": list(years)}, "poles": LIGHT})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("journal")
    return run(tiny_study(folder), folder / "results")


@given(st.dictionaries(NAMES, st.text(max_size=20)))
def test_what_is_written_is_read_back_on_one_line(values: dict[str, str]) -> None:
    line = line_of(values)
    assert len(line.splitlines()) <= 1
    assert parse_line(line) == values


def test_teams_are_compared_without_the_step_on_movers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [step for step in STEPS if step.name in ("field", "leadership", "teaming")]
    monkeypatch.setattr(isthmus.pipeline.runner, "STEPS", few)
    results = run(tiny_study(tmp_path), tmp_path / "results")
    assert "matched" in results.tables
    assert "retention" not in results.tables
    assert (build_site(results, tmp_path / "site").parent / "teaming.html").exists()


def test_every_step_says_what_it_took(finished: Results) -> None:
    assert set(finished.record["steps"]) == {step.name for step in STEPS}
    for name, step in finished.record["steps"].items():
        assert step["seconds"] >= step["engine_seconds"] >= 0, name
        assert step["cpu_seconds"] >= 0
        assert step["peak_rss_bytes"] > 10_000_000
        assert step["spilled_bytes"] >= 0
        assert step["work_bytes"] > 0
        assert all(table["rows"] >= 0 for table in step["tables"].values())


def test_rows_read_are_those_of_the_corpus(finished: Results) -> None:
    rows = finished.record["corpus"]["rows"]
    read = finished.record["steps"]["field"]["read"]
    for table in ("works", "references", "affiliations", "authorships"):
        assert read[table] == rows[table] > 0
    networks = finished.record["steps"]["networks"]["read"]
    assert networks["kept.references"] > 0
    assert "references" not in networks


def test_the_log_tells_the_steps_in_order_and_agrees_with_the_record(finished: Results) -> None:
    told = log_of(finished.path)
    assert told[0]["event"] == "run begins"
    assert told[-1]["event"] == "run ends"
    ends = [line for line in told if line["event"] == "step ends"]
    assert [line["step"] for line in ends] == [step.name for step in STEPS]
    for line in ends:
        step = finished.record["steps"][line["step"]]
        assert float(line["seconds"]) == step["seconds"]
        assert int(line["rows_written"]) == sum(t["rows"] for t in step["tables"].values())
        assert int(line["rows_read"]) == sum(step["read"].values())
    kept = {line["table"]: line for line in told if line["event"] == "kept"}
    assert {"field", "countries", "references", "impact"} <= set(kept)
    assert int(kept["field"]["rows"]) == finished.record["corpus"]["rows"]["works"]
    times = [datetime.fromisoformat(line["time"]) for line in told]
    assert times == sorted(times)


def only(monkeypatch: pytest.MonkeyPatch, *steps: Step) -> None:
    monkeypatch.setattr(isthmus.pipeline.runner, "STEPS", steps)


BY_NAME = {step.name: step for step in STEPS}
FIELD, COVERAGE, NETWORKS = (BY_NAME[name] for name in ("field", "coverage", "networks"))


def test_a_run_that_goes_on_adds_to_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: object) -> dict[str, pa.Table]:
        raise IsthmusError("the power went")

    study, to = tiny_study(tmp_path), tmp_path / "results"
    only(monkeypatch, FIELD, COVERAGE, Step("networks", NETWORKS.makes, breaks))
    with pytest.raises(IsthmusError, match="the power went"):
        run(study, to)
    stopped = log_of(to)
    assert stopped[-1]["event"] == "run stops"
    assert stopped[-1]["because"] == "the power went"
    only(monkeypatch, FIELD, COVERAGE, NETWORKS)
    run(study, to)
    assert log_of(to)[: len(stopped)] == stopped
    after = events(to)[len(stopped) :]
    assert after[0] == ("run goes on", None)
    assert ("step stands", "field") in after
    assert ("step begins", "coverage") not in after
    assert ("step ends", "networks") in after
    assert after[-1] == ("run ends", None)
    before = (to / LOG_FILE).read_bytes()
    run(study, to)
    assert (to / LOG_FILE).read_bytes() == before


def test_other_results_begin_a_new_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, FIELD, COVERAGE)
    to = tmp_path / "results"
    run(tiny_study(tmp_path), to)
    run(tiny_study(tmp_path, (2002, 2005)), to, overwrite=True)
    assert [event for event, _ in events(to)].count("run begins") == 1
    assert events(to)[0] == ("run begins", None)


def test_an_observed_engine_counts_rows_and_forgets_between_steps(tmp_path: Path) -> None:
    engine = ObservedEngine(DuckDBEngine(), Journal(tmp_path / LOG_FILE))
    local = engine.local(pa.table({"n": pa.array(range(7), pa.int64())}))
    assert engine.kept(tmp_path / "seven.parquet") is None
    seven = engine.keep(local, tmp_path / "seven.parquet")
    assert engine.rows_read == {}
    assert engine.collect(seven.filter(seven.n > 3)).num_rows == 3
    assert engine.rows_read == {"kept.seven": 7}
    assert engine.seconds > 0
    engine.begin()
    assert engine.rows_read == {}
    assert engine.seconds == 0
    engine.close()
