"""The plan: arithmetic of growth, verdicts on machine and cluster, and what is said.

Tolerance: fits of exact data by least squares return it to 1e-6 of its size.
"""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import isthmus.planning.calibration as measured
from isthmus.cli.verbs import app
from isthmus.errors import InputError, StudyError
from isthmus.pipeline.runner import run
from isthmus.pipeline.steps import STEPS
from isthmus.planning.calibration import Calibration, Cost, Sample, grown, predict, slowly_grown
from isthmus.planning.plan import (
    EXECUTOR_CORES,
    EXECUTOR_EFFICIENCY,
    Forecast,
    Machine,
    bytes_of,
    plan_of,
)
from isthmus.results import open_results
from isthmus.study import Study
from tiny import LIGHT, random_works, write_corpus

GB = 10**9
ZERO = dict.fromkeys(measured.QUANTITIES, 0.0)


def cost(**given: float) -> Cost:
    return Cost(**(ZERO | given))


def forecast(bound: float = 8 * GB, cores: int = 2, **steps: Cost) -> Forecast:
    return Forecast(steps, Machine(cores, 24 * GB, 100 * GB), bound)


@given(
    st.tuples(*[st.floats(0, 1e3)] * 3).filter(lambda terms: sum(terms) > 1e-3),
    st.floats(2, 1e3),
)
def test_a_law_of_the_form_is_found_and_extended(
    terms: tuple[float, float, float], factor: float
) -> None:
    fixed, scan, sort = terms

    def law(n: float) -> float:
        return fixed + scan * n / 1e6 + sort * n * math.log(n) / 1e7

    sizes = [1e5, 4e5, 1.6e6]
    at = 1.6e6 * factor
    assert grown(sizes, [law(n) for n in sizes], at) == pytest.approx(law(at), rel=0.02)


def test_growth_is_never_below_what_is_fixed_nor_far_above_proportion() -> None:
    sizes = [1e5, 4e5]
    assert grown(sizes, [7.0, 7.0], 1e8) == pytest.approx(7.0, rel=1e-6)
    assert grown(sizes, [1.0, 4.0], 1.6e6) == pytest.approx(16.0, rel=1e-6)
    steep = grown(sizes, [1.0, 8.0], 1.6e6)
    assert 16 < steep < 8 * 4 * math.log(1.6e6) / math.log(4e5) + 1e-6
    assert grown([5.0], [3.0], 20.0) == 12.0
    assert grown(sizes, [0.0, 0.0], 1e9) == 0.0


def test_prediction_is_by_step_and_quantity() -> None:
    samples = [
        Sample(100, {"a": cost(seconds=2, own_bytes=10), "b": cost(seconds=5)}),
        Sample(400, {"a": cost(seconds=5, own_bytes=40), "b": cost(seconds=5)}),
    ]
    found = predict(samples, 1000)
    assert found["a"].seconds == pytest.approx(11, rel=1e-6)
    assert found["a"].own_bytes == pytest.approx(100, rel=1e-6)
    assert found["b"].seconds == pytest.approx(5, rel=1e-6)


def test_steps_of_countries_grow_slowly_in_time_and_not_in_memory() -> None:
    samples = [
        Sample(100, {"poles": cost(seconds=4, own_bytes=10)}),
        Sample(1000, {"poles": cost(seconds=6, own_bytes=100)}),
    ]
    found = predict(samples, 100_000)["poles"]
    assert found.seconds == pytest.approx(10, rel=1e-6)
    assert found.own_bytes == pytest.approx(10_000, rel=1e-6)
    assert slowly_grown([100, 1000], [6.0, 4.0], 1e6) == pytest.approx(5, rel=0.21)
    assert slowly_grown([100], [6.0], 1e6) == 6.0


def test_memory_is_the_engines_within_its_bound_and_the_rest() -> None:
    told = forecast(
        one=cost(engine_bytes=20 * GB, own_bytes=2 * GB, work_bytes=3 * GB),
        two=cost(engine_bytes=1 * GB, own_bytes=6 * GB, work_bytes=5 * GB),
    )
    assert told.memory_of("one") == 10 * GB
    assert told.memory_of("two") == 7 * GB
    assert told.memory == 10 * GB
    assert told.disk_of("one") == 15 * GB
    assert told.disk == 15 * GB
    assert told.best_bound == 18 * GB
    assert told.obstacles() == []


def test_one_machine_will_do() -> None:
    said = list(forecast(a=cost(seconds=600, own_bytes=GB)).describe())
    assert "  a: 10 min, 1.0 GB of memory, 0.0 GB of disk" in said
    assert said[-1] == "This machine will do."


def test_a_bound_is_advised_where_the_engine_would_take_too_much() -> None:
    said = list(forecast(23 * GB, a=cost(engine_bytes=30 * GB, own_bytes=10 * GB)).describe())
    assert said[-2] == "This machine will do."
    assert said[-1].startswith('Set `memory = "14GB"` in [run]: the rest of the run needs 10.0 GB')


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (cost(own_bytes=30 * GB), "31.1 GB of memory are needed and it has 24.0 GB"),
        (cost(work_bytes=200 * GB), "200.0 GB of disk are needed and 100.0 GB are free"),
        (cost(seconds=90_000, engine_seconds=80_000), "it would take 25.0 h, longer than 24 hours"),
    ],
)
def test_why_one_machine_will_not_do(step: Cost, why: str) -> None:
    told = forecast(a=step)
    assert told.obstacles() == [why]
    said = list(told.describe())
    assert said[-2] == f"This machine will not do: {why}."
    assert "A Spark cluster will" in said[-1]


def test_the_cluster_ends_in_time_and_no_smaller_one_does() -> None:
    hour = 3600
    told = forecast(a=cost(seconds=202 * hour, engine_seconds=200 * hour))
    cluster = told.cluster(hours=24)
    rate = EXECUTOR_CORES * EXECUTOR_EFFICIENCY / 2
    assert cluster.executors == math.ceil(200 / 22 / rate) == 5
    assert cluster.alone == 2 * hour
    assert cluster.seconds == pytest.approx(2 * hour + 200 * hour / (5 * rate))
    assert cluster.seconds <= 24 * hour < 2 * hour + 200 * hour / (4 * rate)


def test_no_cluster_helps_with_work_of_one_process() -> None:
    said = list(forecast(a=cost(seconds=40 * 3600, engine_seconds=3600)).describe())
    assert "does not bring it under 24 hours: 39.0 h" in said[-1]


@pytest.mark.parametrize(
    ("text", "size"), [("4GB", 4e9), ("512 MiB", 2**29), ("1.5 tb", 1.5e12), ("100B", 100)]
)
def test_amounts_of_memory(text: str, size: float) -> None:
    assert bytes_of(text) == size


def test_an_amount_without_unit_is_refused() -> None:
    with pytest.raises(StudyError, match="like 4GB"):
        bytes_of("much")


def study_on(folder: Path, **rules: object) -> Study:
    corpus = folder / "corpus"
    if not corpus.exists():
        write_corpus(random_works(seed=7), corpus)
    about = {"corpus": str(corpus), "years": [2001, 2007]}
    return Study.parse({"study": about, "poles": LIGHT, **rules})


def test_a_calibration_is_taken_from_a_run_kept_and_used(tmp_path: Path) -> None:
    study = study_on(tmp_path)
    results = run(study, tmp_path / "results")
    taken = measured.calibration_of([results])
    file = tmp_path / "deep" / "calibration.json"
    measured.save(taken, file)
    assert measured.load(file) == taken
    told = plan_of(study, taken).forecast
    assert told is not None
    for name, step in results.record["steps"].items():
        assert told.steps[name].seconds == pytest.approx(step["seconds"])
        assert told.steps[name].own_bytes == pytest.approx(step["own_bytes"])
    other = study_on(tmp_path, impact={"window": 3})
    assert any("under other rules" in line for line in plan_of(other, taken).describe())
    assert not any("under other rules" in line for line in plan_of(study, taken).describe())
    path = tmp_path / "study.toml"
    path.write_text(f'[study]\ncorpus = "{tmp_path / "corpus"}"\nyears = [2001, 2007]\n')
    arguments = ["plan", str(path), "--from", str(results.path), "--calibration", str(file)]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "This machine will do." in done.output
    for step in STEPS:
        assert f"  {step.name}: " in done.output


def test_without_a_calibration_the_plan_says_how_to_get_one(tmp_path: Path) -> None:
    plan = plan_of(study_on(tmp_path))
    assert plan.forecast is None
    assert "--calibrate" in list(plan.describe())[-1]
    assert measured.load(tmp_path / "none.json") is None


def test_a_table_to_compare_with_that_is_not_there_is_refused(tmp_path: Path) -> None:
    named = {"OECD": {"file": str(tmp_path / "absent.csv"), "counting": "whole"}}
    with pytest.raises(StudyError, match=r"absent\.csv, which \[comparisons\.OECD\] names"):
        plan_of(study_on(tmp_path, comparisons=named))


def test_what_cannot_calibrate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a finished run"):
        measured.calibration_of([])
    with pytest.raises(InputError, match="8,000 works or more"):
        measured.calibrate(study_on(tmp_path), 100)
    (tmp_path / "bad.json").write_text('{"cores": "two"}')
    with pytest.raises(InputError, match="--calibrate 100000"):
        measured.load(tmp_path / "bad.json")


def test_results_that_were_not_measured_are_refused(tmp_path: Path) -> None:
    record = {
        "results_version": 1,
        "settings": {"run": {"threads": 1}},
        "steps": {"field": {"seconds": 1.0, "tables": {}}},
        "corpus": {"rows": {"works": 1}},
        "tables": {},
    }
    (tmp_path / "run.json").write_bytes(msgspec.json.encode(record))
    with pytest.raises(InputError, match="before runs were measured"):
        measured.calibration_of([open_results(tmp_path)])


def test_the_default_file_is_in_the_users_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert measured.calibration_file() == Path("/caches/isthmus/calibration.json")


@pytest.mark.slow
def test_this_machine_is_calibrated_on_worlds(tmp_path: Path) -> None:
    study = study_on(tmp_path, poles={"placebo_replays": 0}, mobility={"draws": 5})
    taken = measured.calibrate(study, 8_000, tmp_path)
    assert [sample.rows for sample in taken.samples] == sorted(s.rows for s in taken.samples)
    assert len(taken.samples) == 2
    assert isinstance(taken, Calibration)
    assert taken.samples[1].rows > 3 * taken.samples[0].rows
    assert set(taken.samples[0].steps) == {step.name for step in STEPS}


def test_fields_take_the_time_of_one_as_many_times(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=1, n=30), tmp_path / "corpus").path
    about = {"study": {"corpus": str(corpus), "years": [2000, 2005]}, "poles": LIGHT}
    one = cost(seconds=2.0, engine_seconds=1.0, own_bytes=GB, work_bytes=5.0)
    taken = Calibration(2, 8 * GB, "", [Sample(1000, {"poles": one, "field": one})])
    plans = [
        plan_of(Study.parse(about | wish), taken)
        for wish in ({}, {"fields": "every subfield of 17"})
    ]
    alone, both = (plan.forecast for plan in plans)
    assert alone is not None
    assert both is not None
    assert both.seconds == pytest.approx(2 * alone.seconds)
    assert (both.memory, both.disk) == (alone.memory, alone.disk)
    assert "Answers 2 fields" in "\n".join(plans[1].describe())
    assert "fields one after" not in "\n".join(plans[0].describe())
