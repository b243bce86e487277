"""Spark gives the tables that DuckDB gives: the same rows, floats to 1e-9.

Engines add floats in orders of their own, so equal sums differ in their last digits;
1e-9, relative or absolute, is far below any difference a reader could see.

Java comes from the distribution's packages and Spark from the `spark` extra.
Where either is missing the tests are skipped and say so; in CI they must run.
"""

from __future__ import annotations

import builtins
import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from isthmus.corpus.schema import TABLES
from isthmus.corpus.verify import verify
from isthmus.engine import spark
from isthmus.engine.spark import SparkEngine
from isthmus.errors import IsthmusError, MissingExtraError
from isthmus.ingest import ingest as ingesting
from isthmus.ingest.ingest import ingest
from isthmus.ingest.units import load_done
from isthmus.pipeline import runner
from isthmus.pipeline.runner import run
from isthmus.pipeline.steps import STEPS, WHERE_NAMED
from isthmus.results import Results, open_results
from isthmus.simulation.distributed import Growth, grow_in_pieces
from isthmus.simulation.settings import planted_world
from isthmus.simulation.simulate import simulate, simulate_world
from isthmus.study import Study
from tiny import LIGHT, random_works, write_corpus

SCRIPT = Path(__file__).parents[2] / "scripts" / "local-spark-cluster"

#: Java's first compiler and simplest collector, and expressions that are not turned into Java
#: first: a third of the time on corpora as small as these.
JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC "
    "-Dspark.sql.codegen.wholeStage=false -Dspark.sql.codegen.factoryMode=NO_CODEGEN"
)

#: The demonstration's study but for the number of its fits, which are no engine's work.
STUDY: dict[str, Any] = {
    "field": {"subfields": [1702]},
    "countries": {
        "poles": ["US", "CN"],
        "merge": {"DE": ["AT"]},
        "blocs": {"NORDIC": ["DK", "FI", "IS", "NO", "SE"]},
    },
    "impact": {"exclude_self_citations": True, "exclude_citing_countries": ["IN"]},
    "poles": {**LIGHT, "null_models": ["bipartite"], "min_works": 5},
}

#: Columns of works as engines give them back: any may be null.
SEEN = pa.schema([("work_id", pa.int64()), ("year", pa.int16())])

#: Steps that are an engine's work above all; the killed executor meets the third.
RELATIONAL = ("field", "coverage", "leadership")

#: Seconds until a study in a process of its own is given up; it takes a fifth on an idle machine.
PATIENCE = 900


@pytest.fixture(scope="module")
def spark_is_here() -> Iterator[None]:
    missing = [] if shutil.which("java") else ["Java"]
    try:
        import pyspark  # noqa: F401
    except ImportError:
        missing.append("pyspark")
    if missing:
        assert not os.environ.get("CI"), f"CI must have {missing}"
        pytest.skip(f"{' and '.join(missing)} not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JDK_JAVA_OPTIONS", JAVA_OPTIONS)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        yield


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    corpus = tmp_path_factory.mktemp("world") / "corpus"
    simulate_world(corpus, works=1500, seed=5)
    return corpus


def study_of(corpus: Path, years: tuple[int, int] = (2008, 2021), **sections: Any) -> Study:
    about = {"corpus": str(corpus), "years": list(years)}
    return Study.parse({"study": about, **STUDY, **sections})


@pytest.fixture(scope="module")
def on_duckdb(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(study_of(world), tmp_path_factory.mktemp("duckdb") / "results")


def assert_same(one: pa.Table, other: pa.Table, name: str) -> None:
    assert one.schema.equals(other.schema), name
    assert one.num_rows == other.num_rows, name
    for column in one.column_names:
        left, right = one[column].combine_chunks(), other[column].combine_chunks()
        if pa.types.is_floating(left.type):
            assert left.is_null().equals(right.is_null()), (name, column)
            both = left.to_numpy(zero_copy_only=False), right.to_numpy(zero_copy_only=False)
            np.testing.assert_allclose(*both, rtol=1e-9, atol=1e-9, err_msg=f"{name} {column}")
        else:
            assert left.equals(right), (name, column)


def assert_same_results(one: Results, other: Results) -> None:
    made = {name for step in STEPS for name in step.makes}
    assert set(one.tables) == set(other.tables)
    assert set(one.tables) >= made - set(WHERE_NAMED)
    for name in one.tables:
        assert_same(one.table(name), other.table(name), name)


@pytest.fixture
def connect(spark_is_here: None, tmp_path: Path) -> Iterator[str]:
    """A server of Spark Connect on loopback."""
    import pyspark

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = [
        "spark.connect.grpc.binding.address=127.0.0.1",
        f"spark.connect.grpc.binding.port={port}",
        "spark.driver.host=127.0.0.1",
        "spark.driver.bindAddress=127.0.0.1",
        "spark.ui.enabled=false",
        "spark.sql.shuffle.partitions=2",
    ]
    home = Path(pyspark.__file__).parent
    command = [str(home / "bin" / "spark-submit"), "--master", "local[2]"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    command += [word for setting in settings for word in ("--conf", setting)]
    log = tmp_path / "connect.log"
    with log.open("wb") as said:
        server = subprocess.Popen(
            [*command, "spark-internal"],
            stdout=said,
            stderr=said,
            env=os.environ | {"SPARK_HOME": str(home)},
            start_new_session=True,
        )
    try:
        until = time.monotonic() + 120
        while "Spark Connect server started" not in log.read_text():
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.3)
        yield f"sc://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.mark.slow
def test_spark_connect_needs_no_java_here(
    tmp_path: Path, connect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    few = [step for step in STEPS if step.name in ("field", "networks")]
    monkeypatch.setattr(runner, "STEPS", few)
    corpus = write_corpus(random_works(seed=21, n=300), tmp_path / "corpus")
    study = Study.parse({"study": {"corpus": str(corpus.path), "years": [2001, 2007]}})
    results = run(study.with_run(engine="spark", master=connect), tmp_path / "connect")
    in_duckdb = run(study, tmp_path / "duckdb")
    assert (
        set(results.tables)
        == set(in_duckdb.tables)
        == {n for s in few for n in s.makes} - set(WHERE_NAMED)
    )
    for name in results.tables:
        assert_same(in_duckdb.table(name), results.table(name), name)


@pytest.mark.slow
@pytest.mark.usefixtures("spark_is_here")
def test_every_table_of_a_world_is_the_same(
    world: Path, on_duckdb: Results, tmp_path: Path
) -> None:
    on_spark = study_of(world).with_run(engine="spark", master="local[2]", memory="1GB")
    results = run(on_spark, tmp_path / "spark")
    assert results.table("moves").num_rows > 10
    assert max(results.table("matched")["treated_matched"].to_pylist()) > 5
    assert_same_results(on_duckdb, results)


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.usefixtures("spark_is_here")
def test_every_table_of_openalex_works_is_the_same(shared_data: Path, tmp_path: Path) -> None:
    ingest([shared_data / "openalex-works" / "works.jsonl.gz"], tmp_path / "corpus")
    study = study_of(tmp_path / "corpus", (2000, 2020), field={})
    on_spark = study.with_run(engine="spark", master="local[2]", memory="1GB")
    in_duckdb = run(study, tmp_path / "duckdb")
    assert_same_results(in_duckdb, run(on_spark, tmp_path / "spark"))


@pytest.mark.slow
@pytest.mark.usefixtures("spark_is_here")
def test_executors_read_and_keep_in_the_store(tmp_path: Path) -> None:
    corpus = write_corpus(random_works(seed=21, n=200), tmp_path / "corpus")
    works = corpus.read("works", ["work_id", "year"])
    shutil.copytree(corpus.path, tmp_path / "store")
    shutil.rmtree(corpus.path / "works")
    mine, late = tmp_path / "mine.parquet", tmp_path / "kept" / "late.parquet"
    pq.write_table(works, mine)
    store = (corpus.path, (tmp_path / "store").as_uri())
    engine = SparkEngine(master="local[2]", memory="1GB", storage=store)
    try:
        assert engine.kept(late) is None
        read = engine.read(corpus.parts("works"), TABLES["works"])
        kept = engine.keep(read.filter(read.year > 2004).select("work_id", "year"), late)
        expected = works.filter(pc.greater(works["year"], 2004)).sort_by("work_id")
        for table in (kept, engine.kept(late)):
            assert engine.collect(table).sort_by("work_id").equals(expected.cast(SEEN))
        only_here = engine.read([mine], works.schema)
        assert engine.collect(only_here).sort_by("work_id").equals(works.cast(SEEN))
    finally:
        engine.close()
    assert [file.name for file in late.iterdir()] == ["address"]
    assert list((tmp_path / "store" / "kept").rglob("late.parquet/*.parquet"))


@pytest.mark.slow
@pytest.mark.usefixtures("spark_is_here")
def test_executors_grow_the_world_that_one_process_grows(tmp_path: Path) -> None:
    settings, one, other = planted_world(300, 11, n_countries=12), tmp_path / "a", tmp_path / "b"
    told: list[tuple[int, int]] = []
    simulate(
        settings,
        one,
        master="local[2]",
        memory="512MB",
        works_per_piece=100,
        progress=lambda *at: told.append(at),
    )
    grow_in_pieces(Growth(settings, other, 100), one_by_one, command="this")
    assert told[-1] == (300, 300)
    names = {path.relative_to(one) for path in one.rglob("*")}
    assert names == {path.relative_to(other) for path in other.rglob("*")}
    assert Path("works", "part-00002-00000.parquet") in names
    for name in names:
        assert (one / name).is_dir() or (one / name).read_bytes() == (other / name).read_bytes()


def as_parquet(folder: Path, target: Path) -> Path:
    """Copy the files of a simulated release as Parquet."""
    for path in sorted(folder.rglob("part_*.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            table = pa.Table.from_pylist([json.loads(line) for line in lines])
        copy = target / path.relative_to(folder).with_suffix(".parquet")
        copy.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, copy)
    return target


@pytest.mark.slow
@pytest.mark.usefixtures("spark_is_here")
@pytest.mark.parametrize("form", ["lines", "parquet"])
def test_spark_reads_the_rows_that_duckdb_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    source = tmp_path / "in"
    simulate_world(source, works=120, seed=3, as_="openalex")
    if form == "parquet":
        source = as_parquet(source, tmp_path / "parquet")
    here = ingest([source], tmp_path / "here", workers=1)
    staged = ingesting.stage

    def only_what_spark_read(inputs: Any, folder: Path, *more: Any) -> Any:
        assert load_done(folder) is not None, f"{inputs} was left to DuckDB"
        return staged(inputs, folder, *more)

    monkeypatch.setattr(ingesting, "stage", only_what_spark_read)
    there = ingest([source], tmp_path / "there", master="local[2]", memory="512MB")
    for table in TABLES:
        rows = [sorted(map(str, corpus.read(table).to_pylist())) for corpus in (here, there)]
        assert rows[0] == rows[1], table
    assert there.manifest.notes == here.manifest.notes
    assert there.manifest.set_aside == here.manifest.set_aside
    assert verify(there.path).ok


def one_by_one(task: Callable[[int], None], n: int) -> None:
    for number in range(n):
        task(number)


@pytest.fixture
def cluster(spark_is_here: None) -> Iterator[tuple[str, psutil.Process]]:
    """A standalone cluster of two executors on loopback, started by the project's script."""
    process = subprocess.Popen([sys.executable, str(SCRIPT)], stdout=subprocess.PIPE, text=True)
    whole = psutil.Process(process.pid)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), whole
    finally:
        daemons = whole.children(recursive=True)
        process.terminate()
        process.wait(timeout=60)
        assert not psutil.wait_procs(daemons, timeout=30)[1], "the script left processes behind"


def executors(cluster: psutil.Process) -> set[int]:
    found = set()
    for process in cluster.children(recursive=True):
        try:
            if "org.apache.spark.executor.CoarseGrainedExecutorBackend" in process.cmdline():
                found.add(process.pid)
        except psutil.NoSuchProcess:
            continue
    return found


def wait_for(path: Path, process: subprocess.Popen[str], until: float) -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until, f"{path.name} was not made in time"
        time.sleep(0.2)


@pytest.mark.slow
def test_an_executor_killed_in_the_middle_changes_nothing(
    world: Path, on_duckdb: Results, tmp_path: Path, cluster: tuple[str, psutil.Process]
) -> None:
    master, processes = cluster
    assert master.startswith("spark://127.0.0.1:")
    study = study_of(world).with_run(engine="spark", master=master, memory="512MB")
    program = f"""
import sys
from isthmus.pipeline import runner
from isthmus.study import Study
runner.STEPS = [step for step in runner.STEPS if step.name in {RELATIONAL}]
runner.run(Study.load(sys.argv[1]), sys.argv[2])
"""
    (tmp_path / "study.toml").write_text(toml(study, world), encoding="utf-8")
    target = tmp_path / "results"
    command = [sys.executable, "-c", program, str(tmp_path / "study.toml"), str(target)]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until = time.monotonic() + PATIENCE
    try:
        # The second step has ended, so the third is at work.
        wait_for(target / ".work" / "coverage.step.json", running, until)
        before = executors(processes)
        assert len(before) == 2
        assert not (target / ".work" / "leadership.step.json").exists()
        os.kill(min(before), signal.SIGKILL)
        while not executors(processes) - before:
            assert running.poll() is None, "the run ended without a new executor"
            assert time.monotonic() < until, "no executor took the place of the killed one"
            time.sleep(0.2)
        said, _ = running.communicate(timeout=until - time.monotonic())
    finally:
        running.kill()
    assert running.returncode == 0, said
    found = open_results(target)
    assert "country_year" in found.tables
    for name in found.tables:
        assert_same(on_duckdb.table(name), found.table(name), name)


def toml(study: Study, corpus: Path) -> str:
    """Write the study of these tests as a file."""
    blocs = ", ".join(f'"{code}"' for code in study.countries.blocs["NORDIC"])
    first, last = study.study.years
    return f"""
[study]
corpus = "{corpus}"
years = [{first}, {last}]
[field]
subfields = [1702]
[countries]
poles = ["US", "CN"]
merge = {{ DE = ["AT"] }}
blocs = {{ NORDIC = [{blocs}] }}
[impact]
exclude_self_citations = true
exclude_citing_countries = ["IN"]
[poles]
null_models = ["bipartite"]
min_works = 5
placebo_replays = 2
[run]
engine = "spark"
master = "{study.run.master}"
memory = "{study.run.memory}"
"""


def test_without_java_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"^Spark needs Java and there is none[^\n]*$"):
        SparkEngine()


def test_without_pyspark_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "pyspark":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/java")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"^Spark is not installed[^\n]*isthmus\[spark\]"):
        SparkEngine()


@pytest.mark.parametrize(
    ("said", "kind", "sentence"),
    [
        ("isthmus.errors.TargetError: Cannot write w: full", IsthmusError, "Cannot write w: full"),
        (
            "ModuleNotFoundError: No module named 'isthmus'",
            MissingExtraError,
            "Spark's executors cannot do the work: No module named 'isthmus'. Install "
            "`isthmus[spark]` where they run, and name the Python that has it in PYSPARK_PYTHON.",
        ),
        (": org.SparkException: Job aborted: o.SparkException: Worker crashed", IsthmusError,
         "Spark's executors failed: Worker crashed"),
        ("Nothing known", IsthmusError, "Spark's executors failed: Nothing known"),
    ],
)  # fmt: skip
def test_what_stopped_executors_is_one_sentence(
    said: str, kind: type[Exception], sentence: str
) -> None:
    error = spark._failure(RuntimeError(f"{said}\n\tat java:1\n"))
    assert type(error) is kind
    assert str(error) == sentence
