"""A fetch ends with exactly the works announced, each once, whatever the server does.

Tolerances: none. The server's own list of records is the reference.
"""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fetch.api_server import Api, Record, serving
from ingest.samples import HOME, author, work, write_lines
from isthmus import ingest
from isthmus.cli.verbs import app
from isthmus.corpus.schema import TABLES
from isthmus.errors import SourceError, StudyError, TargetError
from isthmus.fetch import estimate
from isthmus.fetch import works as module
from isthmus.fetch.client import BudgetSpentError, Client, Patience
from isthmus.fetch.estimate import Estimate
from isthmus.fetch.reader import IncompleteError
from isthmus.fetch.works import fetch, fetch_command
from isthmus.files import sole_writer
from isthmus.study import Study

HURRIED = Patience(
    tries=40, first_tries=40, first_pause=0.0, longest_pause=0.0, timeout=5.0, silence=9.0
)

TOPIC = {
    "id": f"{HOME}T10",
    "subfield": {"id": f"{HOME}subfields/1702"},
    "field": {"id": f"{HOME}fields/17"},
}

SCRIPT = """
import sys
from isthmus.fetch.works import fetch
from isthmus.fetch.client import Client, Patience
from isthmus.study import Study
patience = Patience(tries=40, first_tries=40, first_pause=0.0, longest_pause=0.0, timeout=5.0)
fetch(Study.load(sys.argv[1]), sys.argv[2], client=Client(patience))
"""


def world(n: int = 400) -> list[Record]:
    """Works of which one in two is in the field; later works cite earlier ones."""
    rng = random.Random(3)
    records: list[Record] = []
    for number in range(1, n + 1):
        people = [author(rng.randrange(1, 99), (rng.randrange(1, 50), "US"))] * 1
        if number % 41 == 0:
            people = [author(1000 + k, (k % 7, "CN")) for k in range(100 + number % 3)]
        cited = [f"{HOME}W{rng.randrange(1, number)}" for _ in range(4)] if number > 1 else []
        records.append(
            work(
                number,
                publication_year=2000 + number * 20 // n,
                authorships=people,
                referenced_works=sorted(set(cited)),
                topics=[TOPIC] if number % 2 else [],
                concepts=[{"id": f"{HOME}C{number % 5 + 1}", "score": 0.5}],
                primary_topic=TOPIC if number % 2 else None,
                cited_by_count=3,
            )
        )
    return records


def study(**field: Any) -> Study:
    sections = {"study": {"corpus": "c", "years": [2000, 2015]}, "field": field}
    return Study.parse(sections)


def expected(records: list[Record], *, citing: bool = True) -> set[str]:
    """Ids a fetch of subfield 1702 must bring: years to 2017, the field and what cites it."""
    dated = [r for r in records if r["publication_year"] <= 2017]
    inside = {r["id"] for r in dated if r["topics"]}
    outside = {r["id"] for r in dated if set(r["referenced_works"]) & inside}
    return inside | outside if citing else inside


def got(tmp_path: Path, folder: Path) -> list[str]:
    corpus = ingest([folder], tmp_path / f"corpus-of-{folder.name}")
    assert corpus.manifest.rejected == {}
    assert corpus.manifest.notes.get("duplicate_work", 0) == 0
    return [f"{HOME}W{number}" for number in corpus.read("works")["work_id"].to_pylist()]


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def point(monkeypatch: pytest.MonkeyPatch) -> Any:
    def to(server: Api) -> Client:
        monkeypatch.setenv("OPENALEX_API_URL", server.address)
        return Client(HURRIED, pause=lambda seconds: None)

    monkeypatch.delenv("OPENALEX_API_KEY", raising=False)
    return to


def test_a_calm_server_gives_the_field_and_what_cites_it(tmp_path: Path, point: Any) -> None:
    records = world()
    with serving(records) as server:
        done = fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))
    assert set(got(tmp_path, tmp_path / "works")) == expected(records)
    assert done.works == len(expected(records))
    assert done.missing == 0
    assert done.repeated == done.announced - done.works
    longer = [r for r in records if r["id"] in expected(records) and len(r["authorships"]) > 100]
    assert done.completed == len(longer) > 0


@pytest.mark.parametrize("seed", range(2))
def test_a_misbehaving_server_changes_nothing(tmp_path: Path, point: Any, seed: int) -> None:
    records = world()
    with serving(records) as server:
        fetch(study(subfields=[1702]), tmp_path / "calm", client=point(server))
    with serving(records, trouble=seed) as server:
        server.largest_answer = 6
        server.wrong_total = lambda total, request: (
            total + (request % 3) - 1 if total > 50 else total
        )
        done = fetch(study(subfields=[1702]), tmp_path / "wild", client=point(server))
    for trouble in ("slow", "cut", "broken", "xml", "reset", "cursor", "page", "too large"):
        assert server.seen[trouble] > 0, trouble
    assert content(tmp_path / "wild" / "works") == content(tmp_path / "calm" / "works")
    assert set(got(tmp_path, tmp_path / "wild")) == expected(records)
    assert done.works == len(expected(records))


@pytest.mark.slow
def test_killed_twenty_times_it_ends_with_the_same_corpus(
    tmp_path: Path, point: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = world(300)
    script, plan = tmp_path / "script.py", tmp_path / "study.toml"
    script.write_text(SCRIPT)
    plan.write_text('[study]\ncorpus = "c"\nyears = [2000, 2015]\n[field]\nsubfields = [1702]\n')
    with serving(records) as server:
        fetch(Study.load(plan), tmp_path / "calm", client=point(server))
    rng = random.Random(11)
    killed, runs = 0, 0
    with serving(records, trouble=5) as server:
        server.largest_answer = 3
        monkeypatch.setenv("OPENALEX_API_URL", server.address)
        command = [sys.executable, str(script), str(plan), str(tmp_path / "works")]
        while killed < 20:
            server.on_request = killer = Killer(rng)
            process = subprocess.Popen(command)
            killer.process = process
            code = process.wait(timeout=60)
            runs += 1
            assert code in (0, -signal.SIGKILL)
            if code == 0:
                break
            killed += 1
        server.on_request = lambda: None
        subprocess.run(command, check=True)
    assert killed == 20, f"the fetch ended after {runs} runs, before it was killed often enough"
    assert content(tmp_path / "works") != {}
    assert sorted(p.name for p in (tmp_path / "works").iterdir()) == [
        ".lock",
        "fetch-manifest.json",
        "works",
    ]
    assert content(tmp_path / "works" / "works") == content(tmp_path / "calm" / "works")
    works = got(tmp_path, tmp_path / "works")
    assert set(works) == expected(records)
    assert len(works) == len(set(works))
    got(tmp_path, tmp_path / "calm")
    killed_corpus = content(tmp_path / "corpus-of-works")
    assert killed_corpus == content(tmp_path / "corpus-of-calm")


class Killer:
    """Kills a process a random moment after a random number of requests."""

    process: subprocess.Popen[bytes] | None = None

    def __init__(self, rng: random.Random) -> None:
        self.left = rng.randrange(1, 9)
        self.delay = rng.choice([0.0, 0.0, 0.002, 0.005, 0.01, 0.02])

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0 and self.process is not None:
            if self.delay:
                threading.Timer(self.delay, self.process.kill).start()
            else:
                self.process.kill()
                time.sleep(0.01)


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5, 8, 13, 21, 34])
def test_stopped_after_any_write_it_ends_with_the_same_bytes(
    tmp_path: Path, point: Any, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Renaming is how everything appears; stop at a given one, then run again."""
    with serving(world(120)) as server:
        server.largest_answer = 12
        fetch(study(subfields=[1702]), tmp_path / "calm", client=point(server))
        renames, rename = 0, Path.replace

        def failing(self: Path, target: Path) -> Path:
            nonlocal renames
            renames += 1
            if renames == after:
                raise KeyboardInterrupt
            return rename(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", failing)
            with pytest.raises(KeyboardInterrupt):
                fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))
        assert not (tmp_path / "works" / "fetch-manifest.json").exists()
        fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))
    assert content(tmp_path / "works" / "works") == content(tmp_path / "calm" / "works")


def test_spent_budget_stops_at_once_and_the_rest_comes_later(tmp_path: Path, point: Any) -> None:
    records = world(200)
    with serving(records) as server:
        server.budget = 1
        server.largest_answer = 100
        with pytest.raises(BudgetSpentError, match=r"in 2\.0 hours.*same command"):
            fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))
        lists = server.seen["lists"]
        assert lists == 2
        server.budget = None
        fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))
    assert set(got(tmp_path, tmp_path / "works")) == expected(records)
    assert server.seen["lists"] > lists


def test_slow_down_waits_as_long_as_asked_and_longer_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    with serving(world(10), trouble=1) as server:
        monkeypatch.setenv("OPENALEX_API_URL", server.address)
        monkeypatch.setattr("fetch.api_server.CHANCES", {"slow": 1000})
        client = Client(Patience(tries=5, first_pause=1.0, longest_pause=4.0), pause=waits.append)
        with pytest.raises(SourceError, match=r"no usable answer in 5 tries.*Too many requests"):
            fetch(study(subfields=[1702]), tmp_path / "works", client=client)
    assert [round(wait / bound, 1) for wait, bound in zip(waits, [1, 2, 4, 4], strict=True)] == (
        pytest.approx([1, 1, 1, 1], abs=0.2)
    )


def test_a_refused_filter_is_said_and_not_repeated(tmp_path: Path, point: Any) -> None:
    with serving(world(10)) as server:
        client = point(server)
        with pytest.raises(SourceError, match=r"HTTP 400: Invalid filter: Unknown filter field"):
            client.works({"filter": "nonsense:1"}, cursor="*", size=1, select="id")
    assert server.seen["lists"] == 1


def test_a_cursor_that_expired_begins_the_query_again(tmp_path: Path, point: Any) -> None:
    records = world(200)
    wanted = study(subfields=[1702], include_citing=False)
    with serving(records) as server:
        server.budget, server.largest_answer = 6, 20
        with pytest.raises(BudgetSpentError):
            fetch(wanted, tmp_path / "works", client=point(server))
        server.budget = None
        state = tmp_path / "works" / "fetching" / "000000" / ".state"
        text = state.read_text()
        assert '"cursor":"*"' not in text
        begin = text.index('"cursor":"') + len('"cursor":"')
        state.write_text(text[:begin] + "expired" + text[text.index('"', begin) :])
        fetch(wanted, tmp_path / "works", client=point(server))
    assert set(got(tmp_path, tmp_path / "works")) == expected(records, citing=False)


def test_pages_in_a_circle_end_with_a_sentence(
    tmp_path: Path, point: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(world(50), trouble=1) as server:
        monkeypatch.setattr("fetch.api_server.CHANCES", {"cursor": 1000})
        with pytest.raises(SourceError, match="same cursor again and again"):
            fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))


def test_fewer_works_than_announced_are_no_success(tmp_path: Path, point: Any) -> None:
    """The fetch is kept, asks again when run again, and ends when that is allowed."""
    wanted, target = study(subfields=[1702], include_citing=False), tmp_path / "works"
    with serving(world(60)) as server:
        server.wrong_total = lambda total, request: total + 2
        for _ in range(2):
            with pytest.raises(IncompleteError, match=r"gave 2 fewer, in 3 passes.*--allow-miss"):
                fetch(wanted, target, client=point(server))
            assert not (target / "works").exists()
        lists = server.seen["lists"]
        done = fetch(wanted, target, client=point(server), allow_missing=True)
        assert server.seen["lists"] == lists
        assert (done.missing, done.works) == (2, done.announced - 2)
        with pytest.raises(IncompleteError):
            fetch(wanted, tmp_path / "later", client=point(server))
        server.wrong_total = lambda total, request: total
        done = fetch(wanted, tmp_path / "later", client=point(server))
    assert (done.missing, done.works) == (0, done.announced)


def test_cut_authors_are_completed_or_marked(tmp_path: Path, point: Any) -> None:
    many = [author(k, (k % 9, "US")) for k in range(1, 251)]
    records = [
        work(n, authorships=many, topics=[TOPIC], publication_year=2010) for n in (1, 2, 3, 4)
    ]
    records.append(work(5, authorships=many[:7]))
    with serving(records) as server:
        server.gone = {2}
        server.merged = {3: 5}
        fetch(study(subfields=[1702], include_citing=False), tmp_path / "w", client=point(server))
    corpus = ingest([tmp_path / "w"], tmp_path / "c")
    works = {row["work_id"]: row for row in corpus.read("works").to_pylist()}
    assert {n: (w["n_authors"], w["authors_truncated"]) for n, w in works.items()} == {
        1: (250, False),
        2: (100, True),
        5: (7, False),
        4: (250, False),
    }


def test_the_fields_asked_for_are_all_that_a_corpus_needs(tmp_path: Path, point: Any) -> None:
    """Records as fetched and whole records give the same tables."""
    records = [
        {**record, "is_paratext": False, "abstract_inverted_index": {"a": [0]}, "keywords": []}
        for record in world(60)
    ]
    wanted = study(subfields=[1702], include_citing=False)
    with serving(records) as server:
        fetch(wanted, tmp_path / "works", client=point(server))
    assert "abstract_inverted_index" not in server.selected
    inside = [r for r in records if r["id"] in expected(records, citing=False)]
    whole = ingest([write_lines(tmp_path / "whole.jsonl", inside)], tmp_path / "a")
    fetched = ingest([tmp_path / "works"], tmp_path / "b")
    for name in TABLES:
        assert fetched.read(name).equals(whole.read(name)), name


def test_the_key_is_sent_and_written_nowhere(
    tmp_path: Path, point: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENALEX_API_KEY", "secret-key-4711")
    with serving(world(60)) as server:
        server.budget = 1
        with pytest.raises(BudgetSpentError) as caught:
            fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))
        assert "4711" not in str(caught.value)
        unfinished = content(tmp_path / "works")
        server.budget = None
        fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))
    assert server.keys == {"secret-key-4711"}
    for files in (unfinished, content(tmp_path / "works")):
        assert files
        assert not any(b"4711" in data for data in files.values())


def test_the_key_is_not_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENALEX_API_KEY", "k")
    monkeypatch.setenv("OPENALEX_API_URL", "http://example.org")
    with pytest.raises(SourceError, match="Use https"):
        Client()
    monkeypatch.setenv("OPENALEX_API_URL", "ftp://example.org")
    with pytest.raises(SourceError, match="not an address"):
        Client()


def test_the_estimate_says_records_calls_days_and_cost(tmp_path: Path, point: Any) -> None:
    asked: list[Estimate] = []

    def no(found: Estimate) -> bool:
        asked.append(found)
        return False

    records = world(400)
    with serving(records) as server, pytest.raises(TargetError, match="Nothing was fetched"):
        fetch(study(subfields=[1702]), tmp_path / "works", client=point(server), confirm=no)
    (found,) = asked
    inside = len(expected(records, citing=False))
    assert found.field_works == inside
    assert found.citing_works == 3 * inside
    assert found.calls == -(-inside // 100) + -(-3 * inside // 100) + -(-inside // 100)
    assert not found.is_large
    large = Estimate(2_000_000, None, 20_000)
    assert large.is_large
    assert (large.days, large.dollars) == (2.0, 2.0)
    assert "snapshot" in " ".join(Estimate(3_000_000, None, 30_000).describe())
    assert "snapshot" not in " ".join(large.describe())
    short = Estimate(2_000_000, None, 20_000, dollars_left=0.25)
    assert "$0.25 is left" in " ".join(short.describe())
    assert "is left" not in " ".join(Estimate(100, None, 1, dollars_left=0.25).describe())


def test_a_begun_fetch_goes_on_without_asking(tmp_path: Path, point: Any) -> None:
    with serving(world(60)) as server:
        server.budget = 1
        with pytest.raises(BudgetSpentError):
            fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))
        server.budget = None
        done = fetch(
            study(subfields=[1702]),
            tmp_path / "works",
            client=point(server),
            confirm=lambda _: pytest.fail("asked again"),
        )
        lists = server.seen["lists"]
        assert fetch(study(subfields=[1702]), tmp_path / "works", client=point(server)) == done
        assert server.seen["lists"] == lists


def test_another_fetch_and_foreign_files_are_left_alone(tmp_path: Path, point: Any) -> None:
    with serving(world(60)) as server:
        server.budget = 1
        with pytest.raises(BudgetSpentError):
            fetch(
                study(subfields=[1702]),
                tmp_path / "works",
                client=point(server),
                command=fetch_command("a study.toml", "works"),
            )
        with pytest.raises(TargetError, match=r"unfinished fetch.*'a study\.toml'"):
            fetch(study(subfields=[1703]), tmp_path / "works", client=point(server))
        with pytest.raises(SourceError, match=r"[Nn]othing"):
            ingest([tmp_path / "works"], tmp_path / "corpus")
        server.budget = None
        fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))
        with pytest.raises(TargetError, match="works of another study"):
            fetch(study(subfields=[1703]), tmp_path / "works", client=point(server))
        (tmp_path / "mine" / "works").mkdir(parents=True)
        with pytest.raises(TargetError, match="something else"):
            fetch(study(subfields=[1702]), tmp_path / "mine", client=point(server))
        with (
            sole_writer(tmp_path / "third", "fetching into"),
            pytest.raises(TargetError, match="Another process is fetching into"),
        ):
            fetch(study(subfields=[1702]), tmp_path / "third", client=point(server))


def test_full_disk_gives_one_sentence_and_can_be_resumed(
    tmp_path: Path, point: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    records = world(60)
    with serving(records) as server:
        with monkeypatch.context() as patch:
            patch.setattr(module.igzip, "compress", full)
            with pytest.raises(TargetError, match="the disk is full"):
                fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))
        fetch(study(subfields=[1702]), tmp_path / "works", client=point(server))
    assert set(got(tmp_path, tmp_path / "works")) == expected(records)


def test_a_field_without_works_is_an_error(tmp_path: Path, point: Any) -> None:
    with serving(world(20)) as server:
        for confirm in (None, lambda found: True):
            with pytest.raises(SourceError, match="no work of the field up to 2017"):
                fetch(
                    study(subfields=[9999]), tmp_path / "w", client=point(server), confirm=confirm
                )


def test_a_field_of_several_kinds_is_their_union(tmp_path: Path, point: Any) -> None:
    records = world(200)
    (tmp_path / "ids.txt").write_text("W4\nhttps://openalex.org/W8\n")
    wanted = study(
        subfields=[1702], concepts=["C2"], works=str(tmp_path / "ids.txt"), include_citing=False
    )
    with serving(records) as server:
        done = fetch(wanted, tmp_path / "works", client=point(server))
    inside = {
        r["id"]
        for r in records
        if r["publication_year"] <= 2017
        and (r["topics"] or r["concepts"][0]["id"].endswith("C2") or r["id"][22:] in ("4", "8"))
    }
    assert set(got(tmp_path, tmp_path / "works")) == inside
    assert done.repeated > 0


def test_fields_the_api_cannot_give_are_refused(tmp_path: Path, point: Any) -> None:
    with serving([]) as server:
        with pytest.raises(StudyError, match="snapshot"):
            fetch(study(), tmp_path / "works", client=point(server))
        with pytest.raises(StudyError, match="mag_fos"):
            fetch(study(mag_fos=[1]), tmp_path / "works", client=point(server))


def test_the_command_fetches_and_asks_before_a_large_fetch(
    tmp_path: Path, point: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, works = tmp_path / "study.toml", tmp_path / "works"
    plan.write_text('[study]\ncorpus = "c"\nyears = [2000, 2015]\n[field]\nsubfields = [1702]\n')
    with serving(world(60)) as server:
        point(server)
        with monkeypatch.context() as patch:
            patch.setattr(estimate, "LARGE_CALLS", 1)
            done = CliRunner().invoke(app, ["fetch", str(plan), "--to", str(works)])
            assert isinstance(done.exception, TargetError)
            assert "Add --yes" in str(done.exception)
            assert not (works / "works").exists()
            done = CliRunner().invoke(app, ["fetch", str(plan), "--to", str(works), "--yes"])
        assert done.exit_code == 0, done.output
        assert "each once" in done.output
        assert f"isthmus ingest {works}" in done.output.replace("\n", "")
    assert set(got(tmp_path, works)) == expected(world(60))
