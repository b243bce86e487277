"""Ingest by many processes gives the corpus that one gives, to the byte, whatever order they take.

The processes are played in this one: a task travels as bytes, comes in any order, and some
are done twice, as Spark does with those of an executor that was lost.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from corpus.samples import HOME, author, work
from corpus.test_kept import Releases, content
from isthmus.corpus import apart, stage, store
from isthmus.corpus.apart import Each
from isthmus.corpus.ingest import ingest
from isthmus.corpus.verify import verify
from isthmus.errors import SourceError, TargetError


class Others:
    """Other processes: tasks go to them as bytes, the last one first, some again."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def __call__(self, task: Callable[[int], None], n: int) -> None:
        sent = pickle.dumps(task)
        for number in [*reversed(range(n)), *range(0, n, 3)]:
            pickle.loads(sent)(number)
        self.done.append(n)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ROW_GROUP_ROWS", 64)
    monkeypatch.setattr(store, "PARTS_OF_A_SIZE", 2)
    monkeypatch.setattr(apart, "CHUNKS_PER_TASK", 3)


def release(folder: Path, seed: int) -> Path:
    """Works by day with several versions of some, merged ids, and countries to be filled in."""
    releases = Releases(seed)
    releases.merge("W7", "W8", "works")
    for n in (30, 200, 390):
        releases.works[1000 + n] = work(n, updated_date="2025-01-04")
    for n in range(401, 440):
        bare = {"author": {"id": f"{HOME}A{n}"}, "institutions": [{"id": f"{HOME}I{n % 5}"}]}
        bare["countries"] = ["KE"]  # covered when the institution turns out to be there
        people = [bare, author(n % 9, (1, "US"))]
        releases.works[n] = work(n, updated_date="2025-01-05", authorships=people)
    written = releases.write(folder)
    records = [{"id": f"{HOME}I{n}", "country_code": "KE" if n % 2 else "JP"} for n in range(5)]
    path = written / "data" / "institutions" / "updated_date=2025-01-01" / "part_000.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, records)).encode(), mtime=0))
    return written


@pytest.mark.parametrize("scanned", [0, 4 << 20])
@pytest.mark.usefixtures("small_parts")
def test_others_write_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scanned: int
) -> None:
    monkeypatch.setattr(stage, "SCANNED_BYTES", scanned)
    folder, others = release(tmp_path / "in", 4), Others()
    here = ingest([folder], tmp_path / "here", workers=1)
    told: list[tuple[int, int, int]] = []
    made = ingest([folder], tmp_path / "apart", each=others, progress=lambda *now: told.append(now))
    assert content(made.path) == content(here.path)
    assert verify(made.path).ok
    n_files = len(made.manifest.sources)
    n_parts = sum(len(made.parts(name)) for name in ("works", "references", "authorships"))
    assert others.done[0] == n_files > 5
    assert others.done[-1] > n_parts > 20
    assert made.manifest.notes["country_from_entity"] > 30
    assert made.manifest.notes["duplicate_work"] == 3
    assert told[-1][1] == told[-1][2]


@pytest.mark.usefixtures("small_parts")
def test_an_update_by_others_reads_and_writes_what_changed(tmp_path: Path) -> None:
    releases, others = Releases(6), Others()
    first = releases.write(tmp_path / "r1")
    releases.add(20)
    second = releases.write(tmp_path / "r2")
    before = ingest([first], tmp_path / "c", keep=True, each=others)
    made = ingest([second], tmp_path / "c", update=True, each=others)
    ingest([second], tmp_path / "alone", workers=1)
    assert content(tmp_path / "c") == content(tmp_path / "alone")
    files, parts, changed, rewritten = others.done
    assert changed == 1 < files
    assert rewritten < parts
    assert made.rows("works") == before.rows("works") + 20


def forgetful(_task: Callable[[int], None], _n: int) -> None:
    """Processes that write to another folder under the same path."""


def reads_only(task: Callable[[int], None], n: int) -> None:
    if type(task.__self__).__name__ == "_Reading":  # type: ignore[attr-defined]
        Others()(task, n)


@pytest.mark.parametrize(("each", "what"), [(forgetful, "9 of 9 files"), (reads_only, "parts")])
def test_a_folder_that_is_not_shared_is_said(tmp_path: Path, each: Each, what: str) -> None:
    folder, target = release(tmp_path / "in", 4), tmp_path / "c"
    with pytest.raises(TargetError, match=rf"(?s){what}.*see another folder under that path"):
        ingest([folder], target, each=each)
    made = ingest([folder], target, each=Others())
    assert content(made.path) == content(ingest([folder], tmp_path / "here", workers=1).path)


def test_a_dump_of_microsofts_is_read_on_one_machine(tmp_path: Path) -> None:
    (tmp_path / "mag").mkdir()
    (tmp_path / "mag" / "Papers.txt").write_text("")
    with pytest.raises(SourceError, match="on one machine"):
        ingest([tmp_path / "mag"], tmp_path / "c", each=Others())


@pytest.mark.usefixtures("small_parts")
def test_stopped_anywhere_the_same_command_ends_with_the_same_bytes(tmp_path: Path) -> None:
    """Stopped after every seventh task, and gone on with by others or by one process."""
    folder = release(tmp_path / "in", 4)
    expected = content(ingest([folder], tmp_path / "here", workers=1).path)
    ended, stop = False, 1
    while not ended:
        left = stop

        def stopping(task: Callable[[int], None], n: int) -> None:
            nonlocal left
            for number in range(n):
                left -= 1
                if left < 0:
                    raise KeyboardInterrupt
                task(number)

        target = tmp_path / f"c{stop}"
        with contextlib.suppress(KeyboardInterrupt):
            ingest([folder], target, each=stopping)
            ended = True
        assert (target / "manifest.json").exists() == ended
        each = Others() if stop % 2 else None
        assert content(ingest([folder], target, workers=1, each=each).path) == expected
        stop += 7
    assert stop > 30


def test_a_process_that_read_the_release_before_forgets_its_merged_ids(tmp_path: Path) -> None:
    """As Spark does, one process goes on for all tasks of a session."""
    releases = Releases(6)
    first = releases.write(tmp_path / "r1")
    releases.merge("A3", "A4", "authors")
    second = releases.write(tmp_path / "r2")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:

        def each(task: Callable[[int], None], n: int) -> None:
            list(pool.map(task, range(n)))

        ingest([first], tmp_path / "c", keep=True, each=each)
        ingest([second], tmp_path / "c", update=True, each=each)
    ingest([second], tmp_path / "alone", workers=1)
    assert content(tmp_path / "c") == content(tmp_path / "alone")
